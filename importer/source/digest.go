package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// chunkSize is the size in bytes of the pieces that a Mark's digest is made of:
// pieces can be digested on all processors at once.
const chunkSize = 4 << 20

// digest runs over the raw bytes of all inputs in order. Its sum is SHA-256
// over the SHA-256s of the chunks of each input, the last one of an input being
// shorter.
type digest struct {
	input int
	bytes int64     // of that input
	outer hash.Hash // over the sums of finished chunks
	chunk hash.Hash // over the chunk that has begun
	sum   [sha256.Size]byte
}

func newDigest() *digest {
	return &digest{outer: sha256.New(), chunk: sha256.New()}
}

// write takes bytes that lie at an offset of an input. What the digest covers
// already is passed over; what comes next must not leave a gap.
func (d *digest) write(input int, offset int64, p []byte) {
	if input < d.input {
		return
	}
	if input > d.input {
		d.finish()
		d.input, d.bytes = input, 0
	}
	if skip := d.bytes - offset; skip > 0 {
		if skip >= int64(len(p)) {
			return
		}
		p = p[skip:]
	}
	for len(p) > 0 {
		n := min(chunkSize-d.bytes%chunkSize, int64(len(p)))
		d.chunk.Write(p[:n])
		d.bytes += n
		p = p[n:]
		if d.bytes%chunkSize == 0 {
			d.outer.Write(d.chunk.Sum(d.sum[:0]))
			d.chunk.Reset()
		}
	}
}

// finish closes the last chunk of an input.
func (d *digest) finish() {
	if d.bytes%chunkSize != 0 {
		d.outer.Write(d.chunk.Sum(d.sum[:0]))
		d.chunk.Reset()
	}
}

// mark gives the digest so far.
func (d *digest) mark() Mark {
	outer := cloneHash(d.outer)
	if d.bytes%chunkSize != 0 {
		outer.Write(d.chunk.Sum(d.sum[:0]))
	}
	return Mark{Input: d.input, Bytes: d.bytes, Sum: hex.EncodeToString(outer.Sum(d.sum[:0]))}
}

// clone gives a digest that goes on by itself.
func (d *digest) clone() *digest {
	return &digest{input: d.input, bytes: d.bytes, outer: cloneHash(d.outer), chunk: cloneHash(d.chunk)}
}

// cloneHash copies the state of one of the standard library's SHA-256 hashes,
// all of which can be cloned.
func cloneHash(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(fmt.Sprintf("clone a SHA-256: %v", err))
	}
	return c
}

// headSize is how many bytes Head digests at most.
const headSize = 4 << 20

// Head gives the SHA-256 (hex) of the first bytes of input i, 4 MiB at most,
// and how many bytes these are.
func (e *Export) Head(i int) (sum string, n int64, err error) {
	h := sha256.New()
	n, err = io.Copy(h, io.NewSectionReader(e.inputs[i].file, 0, headSize))
	if err != nil {
		return "", n, fmt.Errorf("read %s: %w", e.inputs[i].path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// CheckHead tells whether the first n bytes of a file still have the sum that
// Head gave. What changed comes as a *ChangedError.
func CheckHead(path, sum string, n int64) error {
	f, err := os.Open(path)
	if err != nil {
		return openError(path, err)
	}
	defer f.Close()
	return checkHead(path, f, sum, n)
}

// CheckHead is the function of that name for an input that is open.
func (e *Export) CheckHead(i int, sum string, n int64) error {
	return checkHead(e.inputs[i].path, e.inputs[i].file, sum, n)
}

func checkHead(path string, r io.ReaderAt, sum string, n int64) error {
	h := sha256.New()
	got, err := io.Copy(h, io.NewSectionReader(r, 0, n))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case got < n:
		return &ChangedError{Path: path, How: "is shorter than before"}
	case hex.EncodeToString(h.Sum(nil)) != sum:
		return &ChangedError{Path: path, How: fmt.Sprintf("differs within its first %d bytes", n)}
	}
	return nil
}

// Sum gives the SHA-256 (hex) of input i as it lies there.
func (e *Export) Sum(ctx context.Context, i int) (string, error) {
	return sum(ctx, e.inputs[i].path, io.NewSectionReader(e.inputs[i].file, 0, e.inputs[i].size))
}

// Sum gives the SHA-256 (hex) of a file as it lies on disk.
func Sum(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", openError(path, err)
	}
	defer f.Close()
	return sum(ctx, path, f)
}

func sum(ctx context.Context, path string, r io.Reader) (string, error) {
	h := sha256.New()
	buf := make([]byte, blockSize)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
	}
}

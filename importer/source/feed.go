package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// blockSize is how many bytes of text are read at a time, and headroom what is
// left free before them for the row that began in the block before.
// A block and what its rows become should fit into a processor's own cache.
const (
	blockSize = 64 << 10
	headroom  = 4 << 10
)

// ahead is how many blocks may wait to be scanned.
const ahead = 2

// block is a piece of a member's text. It belongs to its receiver.
type block struct {
	member int
	first  bool     // of its member
	begin  Position // of a first block: where scanning begins
	back   int      // of a first block: bytes of text that stand before begin
	memory *memory  // its buffer holds the text, from headroom on
	eof    bool     // the member ends with it
	mark   Mark
	read   int64
	err    error
}

// feed reads, digests, unpacks and decodes, a few blocks ahead of the scanner.
type feed struct {
	e      *Export
	from   Position
	digest *digest     // nil when no marks are wanted
	sums   []hash.Hash // plain SHA-256 of each input; nil when they are not wanted
	once   bool        // see ReadOptions
	summed []int64     // bytes of each input that sums cover
	blocks chan block
	done   chan struct{}
	free   chan *memory // not in use
	marked Mark         // what mark gave last
}

// sum gives the plain digests when all inputs were read to their ends.
func (f *feed) sum() ([]string, bool) {
	if f.sums == nil {
		return nil, false
	}
	out := make([]string, len(f.sums))
	for i, h := range f.sums {
		if f.summed[i] < f.e.inputs[i].size {
			return nil, false
		}
		out[i] = hex.EncodeToString(h.Sum(nil))
	}
	return out, true
}

// digestBytes adds raw bytes to the digests that do not cover them yet.
func (f *feed) digestBytes(input int, offset int64, p []byte) {
	if f.digest != nil {
		f.digest.write(input, offset, p)
	}
	if f.sums != nil {
		if skip := f.summed[input] - offset; skip < int64(len(p)) {
			p = p[max(0, skip):]
			f.sums[input].Write(p)
			f.summed[input] += int64(len(p))
		}
	}
}

// undigested is where the digests of an input have come to.
func (f *feed) undigested(input int) int64 {
	n := f.e.inputs[input].size
	if f.sums != nil {
		n = min(n, f.summed[input])
	}
	if d := f.digest; d != nil && d.input <= input {
		if d.input == input {
			n = min(n, d.bytes)
		} else {
			n = 0
		}
	}
	return n
}

// catchUp digests what lies before an offset of an input and was not read.
func (f *feed) catchUp(input int, offset int64) error {
	for i := range input + 1 {
		to := f.e.inputs[i].size
		if i == input {
			to = offset
		}
		t := &tap{f: f, input: i, offset: f.undigested(i)}
		buf := make([]byte, min(blockSize, max(0, to-t.offset)))
		for t.offset < to {
			if f.stopped() {
				return errClosed
			}
			if _, err := io.ReadFull(t, buf[:min(int64(len(buf)), to-t.offset)]); err != nil {
				return (&member{path: f.e.inputs[i].path}).pathError(t.offset, err)
			}
		}
	}
	return nil
}

func (f *feed) stopped() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// mark gives the digest as far as it has come.
func (f *feed) mark() Mark {
	if f.digest == nil {
		return Mark{}
	}
	if f.marked.Sum == "" || f.marked.Input != f.digest.input || f.marked.Bytes != f.digest.bytes {
		f.marked = f.digest.mark()
	}
	return f.marked
}

// tap reads the raw bytes of an input in order and digests them. An input ends
// where it ended when it was opened: what is appended meanwhile is for another run.
type tap struct {
	f      *feed
	input  int
	offset int64
	sums   witness
}

func (t *tap) Read(p []byte) (int, error) {
	in := &t.f.e.inputs[t.input]
	if t.offset >= in.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), in.size-t.offset)]
	var n int
	var err error
	if r, elsewhere := in.file.(*remote); elsewhere {
		n, err = r.readAt(t.f.done, p, t.offset)
	} else {
		n, err = in.file.ReadAt(p, t.offset)
	}
	t.f.digestBytes(t.input, t.offset, p[:n])
	if !t.f.once && !t.sums.read(&t.f.e.first, t.input, in.size, t.offset, p[:n]) {
		return 0, errOther
	}
	t.offset += int64(n)
	switch {
	case err == io.EOF && t.offset < in.size:
		return n, fmt.Errorf("the file became shorter while it was read: it had %d bytes (%w)", in.size, io.ErrUnexpectedEOF)
	case err == io.EOF:
		err = nil
	}
	return n, err
}

// run sends the text of all members from a position on.
func (f *feed) run() {
	defer close(f.blocks)
	for i := f.from.Member; i < len(f.e.members); i++ {
		if err := f.member(i); err != nil {
			if err != errClosed {
				f.send(block{member: i, err: err})
			}
			return
		}
	}
	// What lies behind the last row of an input has been read with it; only
	// inputs that hold no rows at the end of an archive are left.
	last := len(f.e.inputs) - 1
	if f.digest != nil || f.sums != nil {
		if err := f.catchUp(last, f.e.inputs[last].size); err != nil && err != errClosed {
			f.send(block{member: len(f.e.members) - 1, err: err})
		}
	}
}

// send hands a block over, or reports that no receiver is left.
func (f *feed) send(b block) bool {
	select {
	case f.blocks <- b:
		return true
	case <-f.done:
		return false
	}
}

// newSums gives one plain digest an input.
func newSums(n int) []hash.Hash {
	sums := make([]hash.Hash, n)
	for i := range sums {
		sums[i] = sha256.New()
	}
	return sums
}

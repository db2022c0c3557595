package source

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
)

// ChangedError says that a file is not what it was when it was read before.
type ChangedError struct {
	Path string
	How  string // a predicate of the path, such as "is shorter than before"
}

// Error names the file and what changed.
func (e *ChangedError) Error() string { return e.Path + " " + e.How }

// Check proves that the inputs still begin with the bytes that a mark was made
// of. It reads them on all processors. Bytes that were added at the end of the
// last input are no change, unless they continue a row that had been read. The
// error is a *ChangedError when the inputs were read and are not the same.
func (e *Export) Check(m Mark) error { return e.CheckAfter(nil, m) }

// CheckAfter is Check for whoever has begun to digest the files before they were opened.
func (e *Export) CheckAfter(ahead *Ahead, m Mark) error {
	if m == (Mark{}) {
		return nil // nothing had been read, so nothing can have changed
	}
	if m.Input < 0 || m.Input >= len(e.inputs) {
		return fmt.Errorf("check the export: its checkpoint is at file %d, but there are %d", m.Input+1, len(e.inputs))
	}
	last := &e.inputs[m.Input]
	if last.size < m.Bytes {
		return &ChangedError{Path: last.path, How: fmt.Sprintf("is shorter than before: it has %d bytes, and %d had been read", last.size, m.Bytes)}
	}
	ahead.want(m.Input, m.Bytes)
	d := newDigest()
	for i := range m.Input {
		if err := e.digestPrefix(ahead, d, i, e.inputs[i].size); err != nil {
			return err
		}
		d.finish()
	}
	d.input, d.bytes = m.Input, 0
	if err := e.digestPrefix(ahead, d, m.Input, m.Bytes); err != nil {
		return err
	}
	if d.mark().Sum != m.Sum {
		how := fmt.Sprintf("differs within its first %d bytes from what was read", m.Bytes)
		if m.Input > 0 {
			how = fmt.Sprintf("or a file before it has changed: the first %d bytes and the files before them are not what was read", m.Bytes)
		}
		return &ChangedError{Path: last.path, How: how}
	}
	if err := e.checkGrowth(m, last); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.verified[m.closed()] = d
	return nil
}

// closed is the mark without what is known of its last row.
func (m Mark) closed() Mark {
	m.Open = false
	return m
}

// checkGrowth refuses what was appended where it changes what was read already:
// an archive is another one, and a last row without a line end is continued.
func (e *Export) checkGrowth(m Mark, in *input) error {
	if in.size == m.Bytes {
		return nil
	}
	if in.compression == zipped {
		return &ChangedError{Path: in.path, How: "is an archive that has grown: its members have changed"}
	}
	if !m.Open {
		return nil
	}
	continued := &ChangedError{Path: in.path, How: "has grown, but its last row had no line end and was continued"}
	if in.compression != plain {
		return continued
	}
	next := make([]byte, 2)
	n, err := in.file.ReadAt(next, m.Bytes)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s at byte %d: %w", in.path, m.Bytes, err)
	}
	switch e.charsetOf(m.Input).unit() {
	case unitLE:
		if n == 2 && isLineEnd(next[0]) && next[1] == 0 {
			return nil
		}
	case unitBE:
		if n == 2 && isLineEnd(next[1]) && next[0] == 0 {
			return nil
		}
	default:
		if isLineEnd(next[0]) {
			return nil
		}
	}
	return continued
}

func isLineEnd(b byte) bool { return b == '\n' || b == '\r' }

// charsetOf gives the encoding of an input that is no archive.
func (e *Export) charsetOf(i int) *charset {
	for _, m := range e.Members {
		if m.Input == i {
			return e.Layouts[m.Layout].charset
		}
	}
	return nil
}

// digestPrefix adds the first n bytes of an input, whole chunks of which are
// digested side by side. The digest stands at the beginning of that input.
func (e *Export) digestPrefix(ahead *Ahead, d *digest, i int, n int64) error {
	known := ahead.of(i, &e.inputs[i])
	chunks := int((n + chunkSize - 1) / chunkSize)
	sums := make([][sha256.Size]byte, chunks)
	var partial hash.Hash // of the last chunk, when it is not a whole one
	workers := min(runtime.GOMAXPROCS(0), chunks)
	if r, ok := e.inputs[i].file.(*remote); ok && r.whole {
		workers = min(1, chunks) // it comes in order alone
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			buf := make([]byte, blockSize)
			for c := w; c < chunks; c += workers {
				at := int64(c) * chunkSize
				want := min(chunkSize, n-at)
				if want == chunkSize && c < len(known) && known[c].done {
					sums[c] = known[c].sum
					continue
				}
				h := sha256.New()
				got, err := io.CopyBuffer(h, io.NewSectionReader(e.inputs[i].file, at, want), buf)
				if err == nil && got < want {
					err = io.ErrUnexpectedEOF
				}
				if err != nil {
					errs[w] = fmt.Errorf("read %s at byte %d: %w", e.inputs[i].path, at+got, err)
					return
				}
				h.Sum(sums[c][:0])
				if want < chunkSize {
					partial = h // at most one chunk, so one writer
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	whole := int(n / chunkSize)
	for c := range whole {
		d.outer.Write(sums[c][:])
	}
	d.bytes = n
	if partial != nil {
		d.chunk = partial
	}
	return nil
}

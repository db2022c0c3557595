package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errClosed says that the reader was closed while its feed was at work.
var errClosed = errors.New("reader closed")

// stream is the text of one member on its way from disk, from some offset on.
type stream struct {
	text  io.Reader
	close func() error
	raw   func() int64 // raw bytes of the input consumed so far
}

// open begins to read a member's text: at the offset where it is one in the
// file, else at its beginning. It gives the offset at which the text begins.
func (f *feed) open(m *member, offset int64) (*stream, int64, error) {
	if m.file != nil {
		return f.openMember(m)
	}
	t := &tap{f: f, input: m.input}
	s := &stream{raw: func() int64 { return t.offset }, close: func() error { return nil }}
	if m.seekable() {
		start := int64(m.bom) + offset
		if err := f.catchUp(m.input, start); err != nil {
			return nil, 0, err
		}
		t.offset = start
		s.text = t
		return s, offset, nil
	}
	if err := f.catchUp(m.input, 0); err != nil {
		return nil, 0, err
	}
	unpacked, err := m.unpack(bufio.NewReaderSize(t, 64<<10))
	if err != nil {
		return nil, 0, m.pathError(t.offset, err)
	}
	s.close = unpacked.Close
	s.text, err = m.text(unpacked)
	if err != nil {
		return nil, 0, errors.Join(m.pathError(t.offset, err), s.close())
	}
	return s, 0, nil
}

// openMember begins to read a member of an archive. An archive is digested as a
// whole before anything of it is read, because its members lie in it in any order.
func (f *feed) openMember(m *member) (*stream, int64, error) {
	size := f.e.inputs[m.input].size
	if err := f.catchUp(m.input, size); err != nil {
		return nil, 0, err
	}
	r, err := openMember(m.file)
	if err != nil {
		return nil, 0, fmt.Errorf("%s %w", m.path, err)
	}
	z := &zipReader{r: r}
	unpacked, err := m.unpack(z)
	if err != nil {
		return nil, 0, errors.Join(m.pathError(0, err), r.Close())
	}
	s := &stream{close: func() error { return errors.Join(unpacked.Close(), r.Close()) }}
	before := m.before
	s.raw = func() int64 {
		share := 1.0
		if n := m.file.UncompressedSize64; n > 0 {
			share = min(1, float64(z.count)/float64(n))
		}
		return min(size, before+int64(share*float64(m.file.CompressedSize64)))
	}
	s.text, err = m.text(unpacked)
	if err != nil {
		return nil, 0, errors.Join(m.pathError(0, err), s.close())
	}
	return s, 0, nil
}

// member sends the text of one member.
func (f *feed) member(i int) error {
	m := &f.e.members[i]
	begin := f.e.startOf(i, 0)
	if i == f.from.Member {
		begin.Row = f.from.Row
		if f.from.Offset > begin.Offset {
			scan, err := f.rescan(m)
			if err != nil {
				return err
			}
			if !scan {
				begin = f.from
			}
		}
	}
	layout := &f.e.Layouts[m.layout]
	back := min(begin.Offset-m.body, int64(m.grammar.scanner(m, layout, &f.e.Config).behind()))
	s, at, err := f.open(m, begin.Offset-back)
	if err != nil {
		return err
	}
	err = f.pump(i, s, begin, at, int(back))
	return errors.Join(err, s.close())
}

// rescan tells that what is at the beginning position depends on all the text
// before it. In JSON lines it does not where a line begins.
func (f *feed) rescan(m *member) (bool, error) {
	if !m.scattered || !m.lined || !m.seekable() {
		return m.scattered, nil
	}
	before := make([]byte, 1)
	at := int64(m.bom) + f.from.Offset - 1
	if _, err := f.e.inputs[m.input].file.ReadAt(before, at); err != nil && err != io.EOF {
		return false, m.pathError(at, err)
	}
	return before[0] != m.lineEnd, nil
}

// pump sends a stream, which stands at an offset of the text, as blocks from a
// little before a position on.
func (f *feed) pump(i int, s *stream, begin Position, at int64, back int) error {
	m := &f.e.members[i]
	scratch := make([]byte, min(blockSize, begin.Offset-int64(back)-at))
	for at < begin.Offset-int64(back) {
		if f.stopped() {
			return errClosed
		}
		n, err := io.ReadFull(s.text, scratch[:min(int64(len(scratch)), begin.Offset-int64(back)-at)])
		at += int64(n)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return fmt.Errorf("read %s: it ends before the place to continue from; it has changed", m.path)
		case err != nil:
			return m.pathError(s.raw(), err)
		}
	}
	var before int64
	for k := range m.input {
		before += f.e.inputs[k].size
	}
	for first := true; ; first = false {
		size := f.e.blockSize
		if first {
			size += back
		}
		mem := lend(f.free, headroom+size)
		n, err := io.ReadFull(s.text, mem.buf[headroom:])
		mem.buf = mem.buf[:headroom+n]
		b := block{
			member: i, first: first, begin: begin, back: back,
			memory: mem, eof: err == io.EOF || err == io.ErrUnexpectedEOF,
			mark: f.mark(), read: before + s.raw(),
		}
		if err != nil && !b.eof {
			b.err = m.pathError(s.raw(), err)
		}
		if !f.send(b) || b.err != nil {
			return errClosed // the error has been sent with the text before it
		}
		if b.eof {
			return nil
		}
	}
}

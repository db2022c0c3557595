package source

import (
	"errors"
	"fmt"
	"io"
)

// Beginning gives the first bytes of a member's text, decoded to UTF-8 and without
// a byte order mark: n of them, or all there are. What cannot be decoded or
// decompressed ends it.
func (e *Export) Beginning(index, n int) ([]byte, error) {
	m := &e.members[index]
	unpacked, err := e.unpacked(m)
	if err != nil {
		return nil, err
	}
	defer unpacked.Close()
	text, err := m.text(unpacked)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.path, err)
	}
	out := make([]byte, n)
	got, err := io.ReadFull(text, out)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && got == 0 {
		return nil, fmt.Errorf("read %s: %w", m.path, err)
	}
	return out[:got], nil
}

// unpacked opens a member from its beginning, beside whoever reads it.
func (e *Export) unpacked(m *member) (io.ReadCloser, error) {
	if m.file == nil {
		input := &e.inputs[m.input]
		unpacked, err := m.unpack(io.NewSectionReader(input.file, 0, input.size))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m.path, err)
		}
		return unpacked, nil
	}
	z, err := openMember(m.file)
	if err != nil {
		return nil, fmt.Errorf("%s %w", m.path, err)
	}
	unpacked, err := m.unpack(&zipReader{r: z})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", m.path, err), z.Close())
	}
	return inArchive{unpacked, z}, nil
}

// inArchive is a compressed file in an archive.
type inArchive struct {
	io.ReadCloser
	archived io.Closer
}

func (a inArchive) Close() error { return errors.Join(a.ReadCloser.Close(), a.archived.Close()) }

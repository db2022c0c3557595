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
	var raw io.Reader
	if m.file != nil {
		z, err := openMember(m.file)
		if err != nil {
			return nil, fmt.Errorf("%s %w", m.path, err)
		}
		defer z.Close()
		raw = &zipReader{r: z}
	} else {
		raw = io.NewSectionReader(e.inputs[m.input].file, 0, e.inputs[m.input].size)
	}
	unpacked, err := m.unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.path, err)
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

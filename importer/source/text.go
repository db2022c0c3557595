package source

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// Text is a list that a person gives to the program beside the export, such as the
// decisions that were signed. It is read as UTF-8, or as UTF-16 where its first bytes
// tell, as those of an export do: spreadsheets write "Unicode text" so. Its lines are
// bounded as rows are, and what is no text is an error, so that no list is taken for
// one that names nobody.
type Text struct {
	f     *os.File
	in    io.Reader // its text
	sum   hash.Hash // of its bytes as they lie there
	cells bool      // quotes hold lines together
	open  bool      // a quote is
	lines int       // ends of lines so far
	since int       // bytes since the last end of a line outside of quotes
}

// beginnings are the first bytes of what is compressed.
var beginnings = map[string]string{"\x1f\x8b": "gzip", "\x28\xb5\x2f\xfd": "zstd", "PK\x03\x04": "zip", "BZh": "bzip2", "\xfd7zXZ": "xz"}

// OpenText opens a file or a pipe. A device, a directory and what is compressed are refused.
// Of CSV (cells) a line goes on in quotes.
func OpenText(path string, cells bool) (*Text, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if m := info.Mode(); !m.IsRegular() && m&os.ModeNamedPipe == 0 {
		return nil, fmt.Errorf("%s is neither a file nor a pipe", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t := &Text{f: f, cells: cells, sum: sha256.New()}
	in := bufio.NewReaderSize(io.TeeReader(f, t.sum), headSniff)
	head, _ := in.Peek(4 << 10) // what cannot be read is found when it is
	for begin, what := range beginnings {
		if bytes.HasPrefix(head, []byte(begin)) {
			return nil, errors.Join(fmt.Errorf("%s is compressed (%s): unpack it first", path, what), f.Close())
		}
	}
	c, bom := utf16Of(head)
	_, _ = in.Discard(bom)
	t.in = c.reader(in)
	return t, nil
}

// Sum is the SHA-256 of its bytes as they lie there, once it was read to its end.
func (t *Text) Sum() []byte { return t.sum.Sum(nil) }

// Read implements io.Reader.
func (t *Text) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	for i, b := range p[:n] {
		t.since++
		if b == '\n' {
			t.lines++
		}
		switch {
		case b == 0:
			return i, fmt.Errorf("line %d has a NUL byte, which no text has: part of it is lost, or it is in an encoding that its first bytes do not tell; save it again as UTF-8", t.lines+1)
		case b == '"' && t.cells:
			t.open = !t.open
		case b == '\n' && !t.open:
			t.since = 0
		case t.since > MaxRow:
			return i, errors.New("it has a line of more than 1 MiB, or a quote that is not closed")
		}
	}
	return n, err
}

// Close implements io.Closer.
func (t *Text) Close() error { return t.f.Close() }

var _ io.ReadCloser = (*Text)(nil)

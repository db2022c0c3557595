package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
)

// maxLine is the size in bytes of the longest line of a store file: a body in which
// every byte was a character that is written as \u00XX, and what is added to it.
const maxLine = 6*maxBody + 4096

// storeFile is where consents survive the process: JSON lines in order of
// arrival, each written before its request is answered. They are not synced:
// it outlives the process, not the machine.
type storeFile struct {
	f    *os.File
	size int64
	line []byte
}

// openStore reads the consents of a file and goes on behind them. A
// torn last line, which a killed process leaves, is cut off.
func (s *store) openStore(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	size, err := s.load(f)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read store %s: %w", path, err), f.Close())
	}
	s.file = &storeFile{f: f, size: size}
	return nil
}

// load returns the number of bytes of whole lines.
func (s *store) load(f *os.File) (size int64, err error) {
	in := bufio.NewReaderSize(f, maxLine)
	var packed []byte
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return size, fmt.Errorf("line %d is longer than any consent", n)
		case errors.Is(err, io.EOF):
			return size, nil
		case err != nil:
			return size, err
		}
		var c Consent
		if err := json.Unmarshal(bytes.TrimSpace(line), &c); err != nil {
			return size, fmt.Errorf("line %d: %w", n, err)
		}
		if n == 1 {
			s.epoch = c.At
		}
		m := c.mapped()
		packed = pack(packed[:0], &m)
		if err := s.keep(c.At, c.Dialect, &m, packed, xxhash.Sum64(packed), subjectHash(m.UserID, m.ProfileID)); err != nil {
			return size, err
		}
		size += int64(len(line))
	}
}

func (f *storeFile) append(seq int64, at time.Time, d Dialect, packed []byte) error {
	c := Consent{Seq: seq, At: at.UTC().Truncate(time.Microsecond), Dialect: d}
	unpack(packed, &c)
	f.line = append(c.appendJSON(f.line[:0]), '\n')
	n, err := f.f.Write(f.line)
	if err != nil {
		// Half a line in the middle of the file would spoil it.
		return errors.Join(fmt.Errorf("write store: %w", err), f.rewind(n > 0))
	}
	f.size += int64(n)
	return nil
}

func (f *storeFile) rewind(torn bool) error {
	if !torn {
		return nil
	}
	if err := f.f.Truncate(f.size); err != nil {
		return err
	}
	_, err := f.f.Seek(f.size, io.SeekStart)
	return err
}

// reset forgets everything, in the file too.
func (s *store) reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	if s.file == nil {
		return nil
	}
	s.file.size = 0
	if err := s.file.rewind(true); err != nil {
		return fmt.Errorf("empty store: %w", err)
	}
	return nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	// Not forgotten: an append after this fails, so its request is not answered.
	if err := s.file.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

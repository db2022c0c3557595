package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// A scanner's buffer, in bytes, begins small, for the many small files, and
// grows up to scanBuffer, unless a line is longer.
const (
	firstBuffer = 16 << 10
	scanBuffer  = 256 << 10
)

// place is where a line begins, and the check of the line above it: all that
// is needed to read on from there.
type place struct {
	offset int64
	line   int64 // lines above
	check  uint32
}

// scanner reads the lines of a checkpoint, checks them and takes them apart.
type scanner struct {
	place           // of the next line
	path  string    // for messages
	f     io.Reader // stands at offset + len(ahead)
	ahead []byte    // read and not yet consumed; a part of buf
	buf   []byte
	more  bool // the last read filled buf, so there is likely more
	table *crc32.Table
	sum   hash.Hash // of everything before offset; nil when seals need no proof
	rec   record    // the last line
	began int64     // offset at which the last line begins
	torn  int64     // at the end: bytes of a last line that was not written whole
}

// newScanner reads from the beginning of f and proves the seals.
func newScanner(path string, f io.Reader) *scanner {
	return &scanner{path: path, f: f, table: castagnoli(), sum: sha256.New()}
}

// scanFrom reads on from a place that an earlier scan passed, for the sake of outcomes: of
// marks it gives the rows alone.
func scanFrom(path string, f File, at place) (*scanner, error) {
	if _, err := f.Seek(at.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	return &scanner{place: at, path: path, f: f, table: castagnoli(), rec: record{rowsOnly: true}}, nil
}

// next reads a line into rec. At the end of the file it returns io.EOF; bytes
// of a torn last line are counted in torn.
func (s *scanner) next() error {
	line, err := s.readLine()
	if err != nil {
		return err
	}
	if s.line == 0 {
		if err := s.checkVersion(line); err != nil {
			return err
		}
	}
	body, check, ok := cutCheck(line)
	if !ok {
		return s.damaged("does not end with a checksum, as every line does")
	}
	if crc32.Update(s.check, s.table, body) != check {
		return s.damaged("does not match its checksum: it or a line above it was changed, removed or moved")
	}
	if err := s.rec.decode(body); err != nil {
		return s.damaged(err.Error())
	}
	if (s.line == 0) != (s.rec.kind == kindHeader) {
		return s.damaged("is out of place: a checkpoint begins with its only header")
	}
	if s.sum != nil {
		if s.rec.kind == kindSeal {
			if err := s.checkSeal(); err != nil {
				return err
			}
		}
		s.sum.Write(s.ahead[:len(line)+1])
	}
	s.ahead = s.ahead[len(line)+1:]
	s.began = s.offset
	s.offset += int64(len(line)) + 1
	s.line++
	s.check = check
	return nil
}

func (s *scanner) damaged(what string) error {
	return &DamagedError{Path: s.path, Line: s.line + 1, Offset: s.offset, What: what}
}

// readLine finds the next line, without its line feed, at the front of ahead.
func (s *scanner) readLine() ([]byte, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(s.ahead[searched:], '\n'); i >= 0 {
			return s.ahead[:searched+i], nil
		}
		searched = len(s.ahead)
		if searched > maxLine {
			return nil, s.damaged("never ends")
		}
		err := s.fill()
		if err == io.EOF {
			return nil, s.checkTail()
		}
		if err != nil {
			return nil, fmt.Errorf("read checkpoint: %w", err)
		}
	}
}

// fill reads more bytes behind ahead.
func (s *scanner) fill() error {
	switch {
	case s.buf == nil:
		s.buf = make([]byte, firstBuffer)
	case len(s.ahead) == len(s.buf), s.more && len(s.buf) < scanBuffer:
		s.buf = make([]byte, 2*len(s.buf))
	}
	s.ahead = s.buf[:copy(s.buf, s.ahead)]
	for {
		n, err := s.f.Read(s.buf[len(s.ahead):])
		if n > 0 {
			s.ahead = s.buf[:len(s.ahead)+n]
			s.more = len(s.ahead) == len(s.buf)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// checkTail looks at the bytes behind the last line feed. A write that was cut
// short leaves the beginning of a line; a whole line with other bytes behind it
// is one whose line feed was changed.
func (s *scanner) checkTail() error {
	tail := s.ahead
	for from := 0; ; {
		i := bytes.Index(tail[from:], []byte(checkKey))
		if i < 0 {
			break
		}
		end := from + i + checkSize
		if end >= len(tail) {
			break
		}
		if body, check, ok := cutCheck(tail[:end]); ok && crc32.Update(s.check, s.table, body) == check {
			return s.damaged("does not end with a line feed")
		}
		from += i + 1
	}
	if begin := []byte(`{"` + kindHeader + `":`); s.line == 0 && !bytes.HasPrefix(tail, begin[:min(len(begin), len(tail))]) {
		return s.damaged("is not the header of a checkpoint: this file was not written by consentimport")
	}
	s.torn = int64(len(tail))
	return io.EOF
}

// checkVersion reads the version before anything else: all else may have
// changed with it.
func (s *scanner) checkVersion(line []byte) error {
	if kind, _, ok := cutKind(line); !ok || string(kind) != kindHeader {
		return s.damaged("is not the header of a checkpoint: this file was not written by consentimport")
	}
	var first struct {
		Header struct {
			Version int
			Tool    string
		}
	}
	if err := json.Unmarshal(line, &first); err != nil {
		return s.damaged("is not a header that can be read")
	}
	if first.Header.Version > Version {
		return &VersionError{Path: s.path, Version: first.Header.Version, Tool: first.Header.Tool}
	}
	if first.Header.Version < 1 {
		return s.damaged("has no version")
	}
	return nil
}

// checkSeal compares the seal in rec with everything above it.
func (s *scanner) checkSeal() error {
	var sum [sha256.Size]byte
	if s.rec.seal.Bytes != s.offset || s.rec.seal.SHA256 != hex.EncodeToString(s.sum.Sum(sum[:0])) {
		return s.damaged("is a seal that does not match the lines above it")
	}
	return nil
}

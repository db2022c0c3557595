package rows

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Suppressed is a list of people who opted out elsewhere: whatever the export says,
// their accepts make no consent. It holds hashes of identifiers as they are compared,
// and nobody's identifier.
type Suppressed struct{ hashes []hashed }

type hashed [16]byte

// maxIdentifier is the size of the longest line that is read of a list, in bytes.
const maxIdentifier = 64 << 10

// ReadSuppressed reads a list of identifiers: one a line, or a column of a CSV file
// with a header. Whatever may not be one identifier is refused: an entry that was
// passed over would be somebody who gets an accept. Errors are for the user, and quote
// nobody.
func ReadSuppressed(path, column string) (*Suppressed, error) {
	f, err := source.OpenText(path, column != "")
	if err != nil {
		return nil, blocked.Errorc(blocked.OptOuts, "read the list of people who opted out elsewhere: %w", err)
	}
	defer f.Close()
	s := &Suppressed{}
	if column == "" {
		err = s.lines(f)
	} else {
		err = s.column(f, column)
	}
	if err != nil {
		return nil, blocked.Errorc(blocked.OptOuts, "read the list of people who opted out elsewhere: %s: %w", path, err)
	}
	if len(s.hashes) == 0 {
		return nil, blocked.Errorc(blocked.NoOptOuts, "read the list of people who opted out elsewhere: %s names nobody", path)
	}
	slices.SortFunc(s.hashes, func(a, b hashed) int { return bytes.Compare(a[:], b[:]) })
	s.hashes = slices.Compact(s.hashes)
	return s, nil
}

func (s *Suppressed) lines(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxIdentifier)
	lines.Split(anyLine)
	n := 1
	for ; lines.Scan(); n++ {
		text := lines.Bytes()
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		}
		text = bytes.TrimSpace(text)
		if quoted := len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"'; quoted && bytes.Count(text, []byte(`"`)) == 2 {
			text = bytes.TrimSpace(text[1 : len(text)-1])
		}
		switch {
		case len(text) == 0:
			continue
		case text[0] == '{' || text[0] == '[' && n == 1:
			return fmt.Errorf("line %d is JSON; one identifier a line, or name a column of a CSV file", n)
		case bytes.ContainsAny(text, ",;\t"):
			return fmt.Errorf("line %d has several cells; one identifier a line, or name the column that has them", n)
		}
		if bytes.IndexByte(text, '"') >= 0 && !bytes.Contains(text, []byte(`"@`)) {
			return fmt.Errorf("line %d has a quote that belongs to no pair around it", n)
		}
		if err := s.identifier(text); err != nil {
			return fmt.Errorf("line %d %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than any identifier (%d bytes); one identifier a line, or name a column", n, maxIdentifier)
	}
	return lines.Err()
}

// anyLine parts lines that end with LF, CR LF or CR.
func anyLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\r' && i+1 == len(data) && !atEOF:
		return 0, nil, nil // a LF may follow
	case data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	}
	return i + 1, data[:i], nil
}

func (s *Suppressed) column(r io.Reader, column string) error {
	in := bufio.NewReader(r)
	if bom, _ := in.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	}
	rows := csv.NewReader(in) // OpenText bounds its rows
	rows.Comma = delimiterOf(in)
	rows.ReuseRecord, rows.FieldsPerRecord = true, -1
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("it has no header: %w", err)
	}
	at, columns := slices.Index(header, column), len(header)
	switch {
	case at < 0:
		return fmt.Errorf("it has no column %q in its first line", column)
	case slices.Contains(header[at+1:], column):
		return fmt.Errorf("it has two columns %q", column)
	}
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := rows.FieldPos(0)
		if len(cells) != columns {
			return fmt.Errorf("line %d has %d cells, the header has %d", line, len(cells), columns)
		}
		if columns == 1 && strings.ContainsAny(cells[at], ",;\t|") || strings.Count(cells[at], "@") > 1 && strings.ContainsAny(cells[at], ",; \t|") {
			return fmt.Errorf("line %d has more than one identifier in a cell", line)
		}
		if err := s.identifier([]byte(cells[at])); err != nil {
			return fmt.Errorf("line %d %w", line, err)
		}
	}
}

// delimiterOf is what parts the cells of a CSV file: the sign of which its first line
// has most, outside of quotes.
func delimiterOf(in *bufio.Reader) rune {
	head, _ := in.Peek(in.Size())
	var plain []byte
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			if c == '\n' || c == '\r' {
				break
			}
			plain = append(plain, c)
		}
	}
	head = plain
	best := ','
	for _, c := range ";\t|" {
		if bytes.Count(head, []byte(string(c))) > bytes.Count(head, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// identifier takes in one entry of the list, unless it is more than an identifier.
func (s *Suppressed) identifier(text []byte) error {
	switch {
	case !utf8.Valid(text):
		return errors.New("is not UTF-8: save the list in that encoding")
	case bytes.IndexByte(text, '@') > 0 && bytes.ContainsAny(text, "<>"), bytes.HasPrefix(bytes.ToLower(text), []byte("mailto:")):
		return errors.New("has a name beside an address: leave the address alone")
	}
	s.add(text)
	return nil
}

func (s *Suppressed) add(identifier []byte) {
	if key := mapping.KeyText(identifier, new([]byte)); len(key) > 0 {
		s.hashes = append(s.hashes, hashOf(key))
	}
}

func hashOf(key []byte) (h hashed) {
	sum := sha256.Sum256(key)
	copy(h[:], sum[:])
	return h
}

// has reports whether one of the identifiers of a consent is on the list.
func (s *Suppressed) has(c *mapping.Consent, buf *[]byte) bool {
	for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		if len(id) == 0 {
			continue
		}
		*buf = (*buf)[:0]
		h := hashOf(mapping.KeyText(id, buf))
		if _, found := slices.BinarySearchFunc(s.hashes, h, func(a, b hashed) int { return bytes.Compare(a[:], b[:]) }); found {
			return true
		}
	}
	return false
}

// Text is the list as it is kept beside the checkpoint: a hash a line, in order.
func (s *Suppressed) Text() []byte {
	b := make([]byte, 0, len(s.hashes)*(2*len(hashed{})+1))
	for _, h := range s.hashes {
		b = append(hex.AppendEncode(b, h[:]), '\n')
	}
	return b
}

// Identity names the list in a checkpoint.
func (s *Suppressed) Identity() *journal.Suppressed {
	sum := fmt.Sprintf("%x", sha256.Sum256(s.Text()))
	return &journal.Suppressed{File: "suppressed-" + sum[:12] + ".txt", SHA256: sum, People: int64(len(s.hashes))}
}

// LoadSuppressed reads the list that lies beside a checkpoint; nil for none.
func LoadSuppressed(dir string, id *journal.Suppressed) (*Suppressed, error) {
	if id == nil {
		return nil, nil
	}
	path := filepath.Join(dir, id.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("read the list of who opted out elsewhere: %w", err)}
	}
	if fmt.Sprintf("%x", sha256.Sum256(text)) != id.SHA256 {
		return nil, blocked.Errorf("restore the file; it is part of the import", "%s is not the list that the checkpoint names", path)
	}
	s := &Suppressed{}
	for line := range bytes.Lines(text) {
		var h hashed
		if n, err := hex.Decode(h[:], bytes.TrimSpace(line)); err != nil || n != len(h) {
			return nil, blocked.Errorf("restore the file; it is part of the import", "%s is not a list of hashes", path)
		}
		s.hashes = append(s.hashes, h)
	}
	return s, nil
}

// Suppress has the accepts of some people make no consent, in all that is read from now
// on; nil: of nobody.
func (f *Files) Suppress(s *Suppressed) { f.suppressed = s }

// suppress takes the accepts of people who opted out elsewhere out of a result.
func (s *Suppressed) suppress(res *mapping.Result, buf *[]byte) {
	if s == nil {
		return
	}
	kept := res.Consents[:0]
	for _, c := range res.Consents {
		if c.Action != mapping.Accept || !s.has(&c, buf) {
			kept = append(kept, c)
			continue
		}
		res.Dropped = append(res.Dropped, mapping.Dropped{
			Category: c.Category, Subject: c.Subject(), Raw: c.Raw, Timestamp: c.Timestamp, Why: mapping.OptedOut,
		})
	}
	if res.Consents = kept; len(kept) == 0 && res.Status == mapping.Mapped {
		res.Status, res.Reason = mapping.Skipped, mapping.OptedOut
	}
}

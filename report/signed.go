package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

const (
	// maxSigned is how many lines a signed table may have: 16 bytes each.
	maxSigned = 8 << 20
	// maxSignedHeader is how long its first line may be.
	maxSignedHeader = 4 << 10
)

// Signed is a decisions.csv that was signed: the decisions that may be
// sent. It keeps digests of them, 16 bytes each.
type Signed struct{ lines map[[16]byte]struct{} }

// ReadSigned reads a decisions.csv. Columns may stand in another order, and a
// spreadsheet may have saved it with semicolons or tabs; there may be others.
func ReadSigned(r io.Reader) (*Signed, error) {
	in := bufio.NewReaderSize(r, maxSignedHeader)
	head, err := in.Peek(maxSignedHeader)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		_, _ = in.Discard(len("\ufeff")) // it was peeked
		head = head[len("\ufeff"):]
	}
	head, _, _ = bytes.Cut(head, []byte("\n"))
	rows := csv.NewReader(in)
	for _, delimiter := range []byte{';', '\t'} {
		if bytes.IndexByte(head, delimiter) >= 0 && bytes.IndexByte(head, ',') < 0 {
			rows.Comma = rune(delimiter)
		}
	}
	rows.ReuseRecord = true
	names, err := rows.Read()
	if err == io.EOF {
		return nil, errors.New("is empty")
	}
	if err != nil {
		return nil, err
	}
	var at [3]int
	for i, name := range [...]string{"category", "value", "decision"} {
		if at[i] = slices.Index(names, name); at[i] < 0 {
			return nil, fmt.Errorf("has no column %q, as the %s of a dry run has", name, decisionsName)
		}
	}
	s := &Signed{lines: map[[16]byte]struct{}{}}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if decision := row[at[2]]; decision == mapping.DecidedAccept || decision == mapping.DecidedReject {
			if len(s.lines) == maxSigned {
				return nil, fmt.Errorf("has more than %s decisions", wording.Thousands(maxSigned))
			}
			if line, _ := rows.FieldPos(at[1]); !utf8.ValidString(row[at[0]]) || !utf8.ValidString(row[at[1]]) {
				return nil, fmt.Errorf("line %d is not UTF-8: in a spreadsheet, save it as CSV UTF-8", line)
			}
			s.lines[signedLine(row[at[0]], row[at[1]], decision)] = struct{}{}
		}
	}
}

// signedLine is the digest of a decision. Line ends in a cell are compared as
// readers of CSV give them.
func signedLine(category, value, decision string) [16]byte {
	lineEnds := strings.NewReplacer("\r\n", "\n")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q %q", decision, lineEnds.Replace(category), lineEnds.Replace(value)))
	return [16]byte(sum[:])
}

// Unsigned gives the decisions of a table that were not signed: the first most,
// and how many there are.
func (s *Signed) Unsigned(table DecisionTable, most int) (first []summary.Decision, all int64, err error) {
	err = table.Each(func(d summary.Decision) error {
		if d.Decision != mapping.DecidedAccept && d.Decision != mapping.DecidedReject {
			return nil
		}
		if _, ok := s.lines[signedLine(d.Category, d.Value, d.Decision)]; ok {
			return nil
		}
		if all++; len(first) < most {
			d.Value = table.Shown(d.Value)
			first = append(first, d)
		}
		return nil
	})
	return first, all, err
}

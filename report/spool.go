package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

const (
	// spoolMemory is how much of a spool, in bytes, stays in memory.
	spoolMemory = 64 << 10
	// spoolMax bounds a spool, in bytes: some million lines.
	spoolMax = 256 << 20
)

// spool holds the lines of suppress.csv that may be wanted, until the histories of
// people tell which of them are: the rejects that this import did not send. Going over the
// export again for them would take as long as the first time.
//
// A line is its place (8 bytes, big-endian), its length (4) and its text. Like
// suppress.csv it holds people; its file has no name where the system allows that,
// and is gone when it is closed.
type spool struct {
	lines extsort.Spool
	max   int64
	full  bool // there were more: nothing is held any more
}

// add takes in lines of the rows that follow.
func (s *spool) add(lines []byte) error {
	if s.full || len(lines) == 0 {
		return nil
	}
	if s.lines.Size()+int64(len(lines)) > s.max {
		s.full = true
		return s.lines.Close()
	}
	if err := s.lines.Add(lines); err != nil {
		return fmt.Errorf("keep lines for suppress.csv: %w", err)
	}
	return nil
}

// ahead is about how many bytes of the disk the lines will take, beside what they take
// already, when there are that many times as many as now.
func (s *spool) ahead(times float64) int64 {
	now := s.lines.Size()
	all := min(int64(float64(now)*times), s.max)
	switch {
	case s.full || all <= int64(s.lines.Limit):
		return 0
	case now <= int64(s.lines.Limit):
		return all
	}
	return max(0, all-now)
}

// each gives the lines in order, as far as found wants them.
func (s *spool) each(found func(history.Place, []byte) error) error {
	if err := s.lines.End(); err != nil {
		return fmt.Errorf("keep lines for suppress.csv: %w", err)
	}
	r, err := s.lines.Reader()
	if err != nil {
		return fmt.Errorf("read lines for suppress.csv: %w", err)
	}
	var head [12]byte
	var line []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read lines for suppress.csv: %w", err)
		}
		n := int(binary.BigEndian.Uint32(head[8:]))
		if int64(n) > s.lines.Size() {
			return fmt.Errorf("read lines for suppress.csv: %w", io.ErrUnexpectedEOF)
		}
		if cap(line) < n {
			line = make([]byte, n)
		}
		line = line[:n]
		if _, err := io.ReadFull(r, line); err != nil {
			return fmt.Errorf("read lines for suppress.csv: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		if err := found(history.Place(binary.BigEndian.Uint64(head[:])), line); err != nil {
			return err
		}
	}
}

// unsaid keeps the lines of a row's rejects that did not arrive from this import. Where
// decisions leave by their times, nothing else can be the last word behind which an
// accept arrived: one that an earlier import has sent can, for that one may have sent
// its rows as they stood. What a dry run has pending counts as sent.
func (w *work) unsaid(r *survey.Row, dryRun bool) {
	for i := range r.Consents {
		x := &r.Consents[i]
		if x.Action == mapping.Reject && !x.Elsewhere && x.Outcome.State != journal.Sent &&
			(!dryRun || x.Outcome.State != journal.Pending) {
			w.keep(x.Consent, r, i)
		}
	}
	readable := r.Readable()
	for i := range readable {
		if readable[i].Action == mapping.Reject {
			w.keep(&readable[i], r, i)
		}
	}
}

// keep keeps the line of the decision with index i of a row.
func (w *work) keep(c *mapping.Consent, r *survey.Row, i int) {
	w.unsaidLines = binary.BigEndian.AppendUint64(w.unsaidLines, uint64(history.At(r.Row.Number, i+1)))
	at := len(w.unsaidLines)
	w.unsaidLines = append(w.unsaidLines, 0, 0, 0, 0)
	w.unsaidLines = appendSuppressLine(w.unsaidLines, c, consentRef(r, i), r.Status == mapping.Mapped)
	binary.BigEndian.PutUint32(w.unsaidLines[at:], uint32(len(w.unsaidLines)-at-4))
}

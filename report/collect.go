package report

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// collector turns a survey into the counts of a summary and the lines of the
// lists. It visits the survey: a batch is formatted and counted on whatever
// goroutine, and what came of it appended in row order. What it holds does not grow
// with the export.
type collector struct {
	sheets   *sheets
	lists    [numLists]*sheet
	rejected []*rejectedSheet // by layout, in order of first appearance
	tally    *tally
	history  *history.Builder // nil when it was sorted
	unsaid   *spool           // nil where the order of arrival is not that of the times
	dryRun   bool
	ahead    room.Ahead // when to see whether there is room for the history
	pool     sync.Pool  // of *work
	earlier  []journal.Earlier
	table    DecisionTable // how categories may be shown; may be nil
}

// rejectedSheet is the file for the failed rows of one layout; sheet is nil as
// long as no row failed.
type rejectedSheet struct {
	layout *source.Layout
	sheet  *sheet
}

// work is what came of a batch.
type work struct {
	tally      *tally
	history    *history.Batch
	successes  []byte
	failures   []byte
	superseded bytes.Buffer
	suppressed []byte
	rejected   []byte
	// unsaidLines are for the spool.
	unsaidLines []byte

	supersededLines []supersededLine
	form            *rows.Rejected // of the layout seen last
	err             error
}

// newCollector begins a report: it creates the files that always exist. Memory is
// Options.Memory.
func newCollector(s *sheets, facts *survey.Facts, memory int) (*collector, error) {
	if err := RemoveLeft(s.disk, s.dir, false); err != nil {
		return nil, err
	}
	c := &collector{sheets: s, tally: newTally(), history: newHistories(s.disk, s.dir, facts, memory), dryRun: facts.Header.DryRun}
	if mode, err := modeOf(facts); err == nil && mode != history.Rows { // histories reports the error
		temps := &journal.Temps{Disk: s.disk, Dir: s.dir, Name: "suppress"}
		c.unsaid = &spool{lines: extsort.Spool{Limit: spoolMemory, Temp: temps.Open}, max: spoolMax}
	}
	if since := facts.Header.Since; since != nil {
		c.earlier = since.Imports
	}
	c.pool.New = func() any { return &work{tally: newTally(), history: c.history.NewBatch()} }
	for i, l := range lists {
		if l.always {
			if _, err := c.list(i); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// list gives the file of a list, begun with its header if need be.
func (c *collector) list(i int) (*sheet, error) {
	if c.lists[i] == nil {
		x, err := c.sheets.create(lists[i].name)
		if err != nil {
			return nil, err
		}
		if _, err := x.Write([]byte(lists[i].header)); err != nil {
			return nil, err
		}
		c.lists[i] = x
	}
	return c.lists[i], nil
}

// visit is a survey.Visitor.
func (c *collector) visit(b *survey.Batch) func() error {
	w := c.pool.Get().(*work)
	file := fileCell(b.File)
	for i := range b.Rows {
		r := &b.Rows[i]
		w.tally.row(r)
		survey.AppendDecisions(w.history, r)
		w.silent(r)
		if c.unsaid != nil {
			w.unsaid(r, c.dryRun)
		}
		for k := range r.Dropped {
			// An invalid row is invalid as a whole: nothing of it was left out.
			if d := &r.Dropped[k]; d.Why == mapping.OptedOut && r.Status != mapping.Invalid {
				w.suppressed = appendSuppressed(w.suppressed, file, r, d)
				if !r.Elsewhere {
					w.tally.skip(d.Why, 1)
				}
			}
		}
		switch r.Status {
		case mapping.Mapped:
			c.mapped(w, b, r, file)
		case mapping.Invalid:
			c.invalid(w, b, r)
		}
	}
	w.err = marshalLines(&w.superseded, w.supersededLines)
	return func() error { return c.fold(b, w) }
}

// mapped takes in a row that made consents.
func (c *collector) mapped(w *work, b *survey.Batch, r *survey.Row, file string) {
	failed := false
	for i := range r.Consents {
		x := &r.Consents[i]
		if x.Elsewhere {
			continue
		}
		ref := consentRef(r, i)
		w.tally.consent(x)
		switch x.Outcome.State {
		case journal.Sent:
			w.successes = appendSuccess(w.successes, file, r, x, ref)
			continue
		case journal.Superseded:
			w.supersededLines = append(w.supersededLines, overtakenLine(disarm(b.File), r, x, ref, c.earlier))
			continue
		case journal.Refused, journal.Failed:
			failed = true
			g := groupKey{stage: summary.StageSend, status: x.Outcome.Status, reason: w.tally.failures.sendReason(&x.Outcome)}
			w.tally.failures.add(g, r.Row.Number)
			line := refusedLine(disarm(b.File), r, x, ref, g)
			w.failures = line.append(w.failures)
		}
	}
	if failed {
		w.reject(b, r, rowError(r))
	}
}

// invalid takes in a row that could not be mapped.
func (c *collector) invalid(w *work, b *survey.Batch, r *survey.Row) {
	if r.Elsewhere {
		return
	}
	g := groupKey{stage: summary.StageMap, reason: mapReason(invalidText(r)), column: r.Column}
	w.tally.failures.add(g, r.Row.Number)
	line := invalidLine(disarm(b.File), r, g)
	w.failures = line.append(w.failures)
	w.reject(b, r, rowError(r))
}

// reject formats a source row that failed.
func (w *work) reject(b *survey.Batch, r *survey.Row, reason string) {
	if w.form == nil || w.form.Layout != b.Layout {
		w.form = rows.NewRejected(b.Layout)
	}
	w.rejected = w.form.AppendRow(w.rejected, r.Row, b.File, reason)
}

// fold takes in what came of a batch.
func (c *collector) fold(b *survey.Batch, w *work) error {
	if w.err != nil {
		return w.err
	}
	c.tally.merge(w.tally)
	if err := c.history.Add(w.history); err != nil {
		return fmt.Errorf("put decisions in the order of their times: %w", err)
	}
	if err := c.room(b.Times); err != nil {
		return err
	}
	if c.unsaid != nil {
		if err := c.unsaid.add(w.unsaidLines); err != nil {
			return err
		}
	}
	for i, text := range [numLists][]byte{
		successes: w.successes, failures: w.failures, superseded: w.superseded.Bytes(), suppressed: w.suppressed,
	} {
		if len(text) == 0 {
			continue
		}
		x, err := c.list(i)
		if err != nil {
			return err
		}
		if _, err := x.Write(text); err != nil {
			return err
		}
	}
	if err := c.foldRejected(b.Layout, w.rejected); err != nil {
		return err
	}
	w.reset()
	c.pool.Put(w)
	return nil
}

// foldRejected appends failed rows to the file of their layout. A layout has
// its number from its place in the export, whether or not its rows fail.
func (c *collector) foldRejected(l *source.Layout, text []byte) error {
	var x *rejectedSheet
	n := 0
	for n = range c.rejected {
		if c.rejected[n].layout == l {
			x = c.rejected[n]
			break
		}
	}
	if x == nil {
		n = len(c.rejected)
		x = &rejectedSheet{layout: l}
		c.rejected = append(c.rejected, x)
	}
	if len(text) == 0 {
		return nil
	}
	if x.sheet == nil {
		s, err := c.sheets.create(rows.RejectedName(l, n))
		if err != nil {
			return err
		}
		x.sheet = s
		if _, err := s.Write(rows.NewRejected(l).Head()); err != nil {
			return err
		}
	}
	_, err := x.sheet.Write(text)
	return err
}

// reset makes the memory of a batch ready for the next one.
func (w *work) reset() {
	w.failures = w.failures[:0]
	w.successes, w.rejected, w.suppressed = w.successes[:0], w.rejected[:0], w.suppressed[:0]
	w.unsaidLines = w.unsaidLines[:0]
	w.superseded.Reset()
	clear(w.supersededLines) // lets go of their texts
	w.supersededLines = w.supersededLines[:0]
}

// consentRef names the consent with index i of a row.
func consentRef(r *survey.Row, i int) journal.Ref {
	return journal.Ref{Row: r.Row.Number, Consent: int32(i + 1)}
}

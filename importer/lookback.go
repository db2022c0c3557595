package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// due says for each of the k consents that a row made in this pass whether it is
// to be sent. It is called with ascending rows.
func (im *Import) due(b *rows.Batch, i, k int) ([]turn, error) {
	number := b.Src.Rows[i].Number
	im.turns = append(im.turns[:0], make([]turn, k)...)
	if im.past != nil && number <= im.past.High {
		if err := im.earlier(im.past, b, i, im.turns); err != nil {
			return nil, err
		}
	}
	if im.state != nil && number <= im.seen {
		for i := range im.turns {
			if _, done := im.state.Done(journal.Ref{Row: number, Consent: int32(i + 1)}); done {
				im.turns[i] = settled
			}
		}
	}
	return im.turns, nil
}

// earlier sets turns by what earlier passes made of the row.
func (im *Import) earlier(p *survey.Passes, b *rows.Batch, i int, turns []turn) error {
	t := im.text(b, i)
	v, err := p.Look(t)
	if err != nil || v.Pass == 0 {
		return err
	}
	if v.Result.Status != mapping.Mapped {
		for i := range turns { // invalid or skipped then, mapped now
			turns[i] = again
		}
		return nil
	}
	sentBefore := false
	for _, o := range v.Outcomes {
		sentBefore = sentBefore || o.State.Final()
	}
	if sentBefore && len(v.Outcomes) != len(turns) {
		// A row that was partly sent keeps the consents that it had: what the
		// changed mapping makes of it cannot be told apart from what was sent.
		for i := range turns {
			turns[i] = settled
		}
		return nil
	}
	consents := b.Of(i)
	for i := range turns {
		switch {
		case i < len(v.Outcomes) && v.Outcomes[i].State.Final():
			turns[i] = settled
		case !inPlace(v, i, &consents[i]):
			turns[i] = again
		}
	}
	return nil
}

// inPlace reports whether the import itself left the i-th consent of a row pending:
// nothing behind it in its lane was sent, so it comes in order. That does not hold
// where another mapping gives it another lane, nor for what a later pass brought.
func inPlace(v survey.Verdict, i int, now *mapping.Consent) bool {
	if v.Pass != 1 || i >= len(v.Outcomes) || v.Outcomes[i].State != journal.Pending {
		return false
	}
	was := &v.Result.Consents[i]
	return keyOf(was.Subject(), was.Category) == keyOf(now.Subject(), now.Category)
}

// text is a row of this pass as the export has it. The rows of a repaired file
// stand in for those whose number they carry.
func (im *Import) text(b *rows.Batch, i int) rows.Text {
	if b.Origins != nil {
		return b.Origins[i]
	}
	return rows.Text{Row: &b.Src.Rows[i], Layout: b.Member.Layout, File: b.Member.Name}
}

// lookBack prepares a pass that comes after others: it opens their outcomes and
// finds, for every consent that may come again, the newest decision that was
// sent about the same subject and category.
//
// It takes two sweeps over the rows that were read before, so that what it holds
// grows with the failures and not with the export.
func (im *Import) lookBack() error {
	im.newer = newOvertaken()
	watch, err := survey.OpenPasses(im.state, im.cfg.Disk, im.cfg.Dir, im.export, im.pass.N-1)
	if err != nil {
		return err
	}
	defer watch.Close()
	err = im.sweepRead(watch.High, func(b *rows.Batch) error {
		for i := range b.Rows {
			if b.Rows[i].Status != mapping.Mapped {
				continue
			}
			consents := b.Of(i)
			turns := make([]turn, len(consents))
			if err := im.earlier(watch, b, i, turns); err != nil {
				return err
			}
			for k := range consents {
				if turns[k] == again {
					im.newer.watch(keyOf(consents[k].Subject(), consents[k].Category))
				}
			}
		}
		return nil
	})
	if errors.As(err, new(*rows.ReadError)) {
		return &RefusedError{Err: err} // nothing of this pass was sent yet
	}
	if err != nil {
		return err
	}
	if err := im.newestSent(); err != nil {
		return err
	}
	im.past, err = survey.OpenPasses(im.state, im.cfg.Disk, im.cfg.Dir, im.export, im.pass.N-1)
	return err
}

// sweepRead goes over the rows of this pass up to row high.
func (im *Import) sweepRead(high int64, each func(*rows.Batch) error) error {
	next, done, err := im.rows(im.reading.Start(), false)
	if err != nil {
		return &RefusedError{Err: err}
	}
	defer done()
	revise, err := im.reviser()
	if err != nil {
		return err
	}
	defer revise.Close()
	s := rows.Sweep{Export: im.reading, Mappers: im.mappers}
	return s.Run(context.Background(), next, func(b *rows.Batch) error {
		cut := 0
		for cut < len(b.Rows) && b.Src.Rows[cut].Number <= high {
			cut++
		}
		b.Rows = b.Rows[:cut]
		if err := revise.Apply(b); err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
		if cut < len(b.Src.Rows) {
			return rows.ErrStop
		}
		return nil
	})
}

// rows feeds the rows of this pass from a position on, with marks of what was read
// if they are wanted.
func (im *Import) rows(from source.Position, marks bool) (rows.Feeder, func() error, error) {
	opts := source.ReadOptions{NoMarks: !marks}
	if marks && im.read.Bytes > 0 && im.reading == im.export {
		opts.Seed = &im.read
	}
	reader, err := im.reading.Read(from, opts)
	if err != nil {
		return nil, nil, err
	}
	if im.reading == im.export {
		return rows.Plain(reader), reader.Close, nil
	}
	origins, err := rows.StreamOf(im.export, nil)
	if err != nil {
		return nil, nil, errors.Join(err, reader.Close())
	}
	numbers := rows.Lineage{Layouts: im.reading.Layouts, Members: im.reading.Members}
	next := func() (rows.Fed, error) {
		b, err := reader.Next()
		if err != nil {
			return rows.Fed{}, err
		}
		if err := numbers.Apply(b); err != nil {
			return rows.Fed{}, err
		}
		in := rows.Fed{Batch: b, Origins: make([]rows.Text, len(b.Rows))}
		for i := range b.Rows {
			t, err := origins.At(b.Rows[i].Number)
			if err != nil {
				return rows.Fed{}, err
			}
			if t.Row == nil {
				return rows.Fed{}, fmt.Errorf("the repaired file names row %d, which the export does not have", b.Rows[i].Number)
			}
			t.Row = new(*t.Row)
			in.Origins[i] = t
		}
		return in, nil
	}
	return next, func() error { return errors.Join(reader.Close(), origins.Close()) }, nil
}

// newestSent notes the newest sent decision of every key that is watched.
func (im *Import) newestSent() error {
	if len(im.newer.newest) == 0 {
		return nil
	}
	s, err := im.earlierOutcomes()
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Each(context.Background(), sentInto{im.newer})
}

// earlierOutcomes is the survey of the passes before this one. Nobody asks it what
// the files are, so they are not digested.
func (im *Import) earlierOutcomes() (*survey.Survey, error) {
	s, err := survey.Of(im.state, im.cfg.Disk, im.cfg.Dir, im.export)
	if err != nil {
		return nil, err
	}
	s.Undigested()
	return s, nil
}

// sentInto is the Visitor that fills overtaken.
type sentInto struct{ newer *overtaken }

func (sentInto) Work(*survey.Batch) {}

func (v sentInto) Fold(b *survey.Batch) error {
	for i := range b.Rows {
		r := &b.Rows[i]
		for k := range r.Consents {
			c := &r.Consents[k]
			if c.Outcome.State == journal.Sent {
				v.newer.sent(keyOf(c.Subject(), c.Category), c.Timestamp, journal.Ref{Row: r.Row.Number, Consent: int32(k + 1)})
			}
		}
	}
	return nil
}

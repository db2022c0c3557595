package importer

import (
	"context"
	"errors"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// due says for each consent that a row made in this pass whether it is to be sent.
func (im *Import) due(b *rows.Batch, i int, consents []mapping.Consent) ([]turn, error) {
	number := b.Number(i)
	im.turns = append(im.turns[:0], make([]turn, len(consents))...)
	if im.past != nil {
		if err := im.earlier(im.past, b, i, consents, im.turns); err != nil {
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
func (im *Import) earlier(p *survey.Passes, b *rows.Batch, i int, consents []mapping.Consent, turns []turn) error {
	all := func(t turn) {
		for i := range turns {
			turns[i] = t
		}
	}
	switch p.Left(b, i) {
	case survey.LeftUnread:
		return nil
	case survey.LeftNothing:
		all(settled)
		return nil
	case survey.LeftAll:
		all(again)
		return nil
	}
	v, err := p.Look(b, i, im.outcomes[:0])
	if err != nil {
		return err
	}
	im.outcomes = v.Outcomes
	if v.Result.Status != mapping.Mapped { // invalid or skipped then, mapped now
		all(again)
		return nil
	}
	sentBefore := false
	for _, o := range v.Outcomes {
		sentBefore = sentBefore || o.State.Final()
	}
	if sentBefore && len(v.Outcomes) != len(turns) {
		// A row that was partly sent keeps the consents that it had: what the
		// changed mapping makes of it cannot be told apart from what was sent.
		all(settled)
		return nil
	}
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

// lookBack prepares a pass that comes after others: it finds, for every consent
// that may come again, the newest decision that was sent about the same subject and
// category, and opens the outcomes of the passes before for the run.
//
// It maps each row once, and what it holds grows with the failures and not with the
// export: first the rows of which something is left, for the keys that come again,
// then those that were sent whole, if a key of theirs may be among these.
func (im *Import) lookBack() error {
	im.newer = newOvertaken()
	err := im.watchOpen()
	if err == nil && len(im.newer.newest) > 0 {
		err = im.watchWhole()
	}
	if errors.As(err, new(*rows.ReadError)) {
		return &RefusedError{Err: err} // nothing of this pass was sent yet
	}
	if err != nil {
		return err
	}
	all, err := survey.OpenPasses(im.state, im.cfg.Dir, im.files)
	if err != nil {
		return err
	}
	im.past = all.UpTo(im.pass.N - 1)
	return nil
}

// watchOpen goes over the rows of this pass that the passes before it have read and
// not sent whole. It watches the keys of what comes again, and notes what was sent.
func (im *Import) watchOpen() error {
	all, err := survey.OpenPasses(im.state, im.cfg.Dir, im.files)
	if err != nil {
		return err
	}
	defer all.Close()
	before := all.UpTo(im.pass.N - 1)
	var turns []turn
	sweep := rows.Sweep{Files: im.files, Reading: im.reading, UpTo: before.High(), Plan: func(b *rows.Batch) error {
		return im.wantOpen(b, before, func(i int) {
			if wasSent(b.Outcomes(i)) {
				all.Want(b, i)
			}
		})
	}}
	return im.sweepBack(sweep, func(b *rows.Batch) error {
		for i := range b.Len() {
			if before.Left(b, i) == survey.LeftNothing {
				continue
			}
			if res, ok := b.Result(i, im.reading); ok && res.Status == mapping.Mapped {
				turns = append(turns[:0], make([]turn, len(res.Consents))...)
				if err := im.earlier(before, b, i, res.Consents, turns); err != nil {
					return err
				}
				for k := range turns {
					if turns[k] == again {
						im.newer.watch(keyOf(res.Consents[k].Subject(), res.Consents[k].Category))
					}
				}
			}
			if err := im.noteSent(all, b, i, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// watchWhole goes over the rows of the export that watchOpen left out, and notes
// what was sent of the keys that are watched.
func (im *Import) watchWhole() error {
	all, err := survey.OpenPasses(im.state, im.cfg.Dir, im.files)
	if err != nil {
		return err
	}
	defer all.Close()
	before := all.UpTo(im.pass.N - 1)
	seen := func(b *rows.Batch, i int) bool {
		return im.pass.Repair == nil && b.Number(i) <= before.High() && before.Left(b, i) != survey.LeftNothing
	}
	sweep := rows.Sweep{Files: im.files, UpTo: all.High(), Plan: func(b *rows.Batch) error {
		if err := all.LookUp(b); err != nil {
			return err
		}
		for i := range b.Len() {
			if !seen(b, i) && wasSent(b.Outcomes(i)) {
				all.Want(b, i)
			}
		}
		return nil
	}}
	return im.sweepBack(sweep, func(b *rows.Batch) error {
		for i := range b.Len() {
			if !seen(b, i) {
				if err := im.noteSent(all, b, i, false); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// sweepBack goes over rows that were read before.
func (im *Import) sweepBack(s rows.Sweep, each func(*rows.Batch) error) error {
	if s.UpTo == 0 {
		return nil
	}
	export := im.export
	if s.Reading != nil {
		export = s.Reading.Export()
	}
	reader, err := export.Read(source.Position{}, source.ReadOptions{NoMarks: true})
	if err != nil {
		return &RefusedError{Err: err}
	}
	defer reader.Close()
	return s.Run(context.Background(), reader, func(b *rows.Batch) func() error {
		return func() error { return each(b) }
	})
}

// wantOpen plans a sweep of this pass: rows of which the passes before have left
// nothing are not mapped; those of which they have left some are mapped as they read
// them, too.
func (im *Import) wantOpen(b *rows.Batch, before *survey.Passes, more func(i int)) error {
	if err := before.LookUp(b); err != nil {
		return err
	}
	for i := range b.Len() {
		switch before.Left(b, i) {
		case survey.LeftNothing:
			continue
		case survey.LeftSome:
			before.Want(b, i)
		}
		b.Want(i, im.reading)
		if more != nil {
			more(i)
		}
	}
	return nil
}

// noteSent notes the consents of a row that were sent; if watch, also of keys that
// nobody watches yet.
func (im *Import) noteSent(all *survey.Passes, b *rows.Batch, i int, watch bool) error {
	if !wasSent(b.Outcomes(i)) {
		return nil
	}
	v, err := all.Look(b, i, im.outcomes[:0])
	if err != nil {
		return err
	}
	im.outcomes = v.Outcomes
	im.consents = all.Consents(b, i, &v, im.consents[:0])
	for k := range im.consents {
		c := &im.consents[k]
		if c.Outcome.State != journal.Sent {
			continue
		}
		key := keyOf(c.Subject(), c.Category)
		if watch {
			im.newer.watch(key)
		}
		im.newer.sent(key, c.Timestamp, journal.Ref{Row: b.Number(i), Consent: int32(k + 1)})
	}
	return nil
}

// wasSent reports whether any consent of a row was sent.
func wasSent(row []journal.RowOutcome) bool {
	for i := range row {
		if row[i].Outcome.State == journal.Sent {
			return true
		}
	}
	return false
}

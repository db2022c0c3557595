package importer

import (
	"context"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// lookup knows what runs before this one have set down about the rows of a sweep, and
// so what of them is still to be sent in this pass.
type lookup struct {
	im     *Import
	all    *survey.Passes // nil: nothing was set down
	before *survey.Passes // those before this one; nil: there are none
}

// turn says whether a consent is to be sent.
type turn struct {
	kind  turnKind
	state journal.State // done: what it came to
}

type turnKind uint8

const (
	first   turnKind = iota // it has no outcome yet, and comes in its place
	again                   // it comes later than in its place
	settled                 // passes before have settled it
	done                    // it has its outcome in this pass
)

// turns is the memory for one row.
type turns struct {
	turns    []turn
	outcomes []journal.PassOutcome
	scratch  []byte
}

// lookup opens what runs before this one have set down, for one sweep that begins at a
// position: of rows before it nothing is known.
func (im *Import) lookup(from source.Position) (*lookup, error) {
	l := &lookup{im: im}
	if im.state == nil || len(im.state.Passes) == 0 {
		return l, nil
	}
	var err error
	row := from.Row
	if im.Repairs() { // outcomes go by the numbers of the export, and those may ascend from any
		row = 0
	}
	if l.all, err = survey.OpenPassesFrom(im.state, im.cfg.Dir, im.files, row); err != nil {
		return nil, err
	}
	if im.pass.N > 1 {
		l.before = l.all.UpTo(im.pass.N - 1)
	}
	return l, nil
}

func (l *lookup) close() error {
	if l.all == nil {
		return nil
	}
	return l.all.Close()
}

// sweep goes over rows of this pass. Of those of which the passes before have left
// nothing none is mapped; those of which they have left some are mapped as they read
// them, too. more, where it is set, may have further readings wanted.
func (l *lookup) sweep(more func(b *rows.Batch, i int)) *rows.Sweep {
	s := &rows.Sweep{Files: l.im.files, Reading: l.im.reading, Kept: l.im.kept}
	if l.all == nil {
		return s
	}
	s.Plan = func(b *rows.Batch) error {
		if err := l.all.LookUp(b); err != nil {
			return err
		}
		for i := range b.Len() {
			if l.before != nil {
				left := l.before.Left(b, i)
				if left == survey.LeftSome {
					l.before.Want(b, i)
				}
				if more != nil {
					more(b, i)
				}
				if left == survey.LeftNothing {
					continue
				}
			}
			b.Want(i, l.im.reading)
		}
		return nil
	}
	return s
}

// at says for each consent that a row made in this pass whether it is to be sent. What
// it gives is good until the memory is used again.
func (l *lookup) at(b *rows.Batch, i int, consents []mapping.Consent, m *turns) ([]turn, error) {
	m.turns = append(m.turns[:0], make([]turn, len(consents))...)
	if l.before != nil {
		if err := l.earlier(b, i, consents, m); err != nil {
			return nil, err
		}
	}
	if l.all != nil {
		for _, o := range b.Outcomes(i) {
			if o.Pass != l.im.pass.N {
				continue
			}
			for k := int(o.First); k <= int(o.Last) && k <= len(m.turns); k++ {
				m.turns[k-1] = turn{done, o.Outcome.State}
			}
		}
	}
	for k := range consents {
		if !l.im.shard.Has(&consents[k], &m.scratch) {
			m.turns[k] = turn{kind: settled} // by another shard
		}
	}
	return m.turns, nil
}

// earlier sets turns by what earlier passes made of the row.
func (l *lookup) earlier(b *rows.Batch, i int, consents []mapping.Consent, m *turns) error {
	all := func(k turnKind) {
		for i := range m.turns {
			m.turns[i].kind = k
		}
	}
	switch l.before.Left(b, i) {
	case survey.LeftUnread:
		return nil
	case survey.LeftNothing:
		all(settled)
		return nil
	case survey.LeftAll:
		all(again)
		return nil
	}
	v, err := l.before.Look(b, i, m.outcomes[:0])
	if err != nil {
		return err
	}
	m.outcomes = v.Outcomes
	if v.Result.Status != mapping.Mapped { // invalid or skipped then, mapped now
		all(again)
		return nil
	}
	sentBefore := false
	for _, o := range v.Outcomes {
		sentBefore = sentBefore || o.State.Final()
	}
	if sentBefore && len(v.Outcomes) != len(m.turns) {
		// A row that was partly sent keeps the consents that it had: what the
		// changed mapping makes of it cannot be told apart from what was sent.
		all(settled)
		return nil
	}
	for i := range m.turns {
		switch {
		case i < len(v.Outcomes) && v.Outcomes[i].State.Final():
			m.turns[i].kind = settled
		case !inPlace(v, i, &consents[i], &m.scratch):
			m.turns[i].kind = again
		}
	}
	return nil
}

// inPlace reports whether the import itself left the i-th consent of a row pending:
// nothing behind it in its lane was sent, so it comes in order. That does not hold
// where another mapping gives it another lane, nor for what a later pass brought.
func inPlace(v survey.Verdict, i int, now *mapping.Consent, scratch *[]byte) bool {
	if v.Pass != 1 || i >= len(v.Outcomes) || v.Outcomes[i].State != journal.Pending {
		return false
	}
	return keyOf(&v.Result.Consents[i], scratch) == keyOf(now, scratch)
}

// reader reads the rows of this pass from a position on, with marks of what of the
// export was read if they are wanted.
func (im *Import) reader(from source.Position, marks bool) (*source.Reader, error) {
	opts := source.ReadOptions{NoMarks: !marks, Sums: im.follower != nil}
	if marks && im.read.Bytes > 0 && !im.Repairs() {
		opts.Seed = &im.read
	}
	return im.reading.Export().Read(from, opts)
}

// each runs a sweep over rows of this pass from a position on.
func (im *Import) each(ctx context.Context, s *rows.Sweep, from source.Position, marks bool, visit rows.Visit) error {
	reader, err := im.reader(from, marks)
	if err != nil {
		return &rows.ReadError{Err: err}
	}
	defer reader.Close()
	err = s.Run(ctx, reader, visit)
	if sums, all := reader.Sums(); all {
		im.follower.Sums(sums)
	}
	return err
}

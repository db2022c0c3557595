package survey

import (
	"sync"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/mapping"
)

// Show makes a visit of a sweep that shows visitors what a reading makes of each row,
// before anything has an outcome. The sweep has to map all rows under it.
func Show(reading *rows.Reading, visitors ...Visitor) rows.Visit {
	show := newShow(visitors)
	show.reading = reading
	return show.visit
}

// show is a sweep on its way to visitors.
type show struct {
	visitors []Visitor
	passes   *Passes              // nil: nothing has an outcome yet, or there is one pass
	reading  *rows.Reading        // without passes
	known    bool                 // without passes: what comes, or would come, of the rows was looked up
	only     func(row int64) bool // which rows are shown; nil: all
	shard    shard.Shard          // whose part of the rows this is
	pool     sync.Pool            // of *shown
}

func newShow(visitors []Visitor) *show {
	return &show{visitors: visitors, pool: sync.Pool{New: func() any { return new(shown) }}}
}

// shown is a batch as visitors see it.
type shown struct {
	batch    Batch
	rows     []Row
	consents []Consent
	outcomes []journal.PassOutcome
	folds    []func() error
	key      []byte
}

// visit is a rows.Visit.
func (s *show) visit(b *rows.Batch) func() error {
	v := s.pool.Get().(*shown)
	v.folds = v.folds[:0]
	if err := v.fill(s, b); err != nil {
		return func() error { return err }
	}
	for _, visit := range s.visitors {
		if fold := visit(&v.batch); fold != nil {
			v.folds = append(v.folds, fold)
		}
	}
	return func() error {
		for _, fold := range v.folds {
			if err := fold(); err != nil {
				return err
			}
		}
		s.pool.Put(v)
		return nil
	}
}

// fill puts the rows of a batch and what became of them into v.
func (v *shown) fill(s *show, b *rows.Batch) error {
	v.rows, v.consents = v.rows[:0], v.consents[:0]
	var verdict Verdict
	for i := range b.Len() {
		if s.only != nil && !s.only(b.Number(i)) {
			continue
		}
		if s.passes != nil && !s.passes.Reached(b, i) {
			continue // rows behind it were, for the sake of what leaves with earlier ones
		}
		if s.passes == nil {
			if verdict.Result = b.Result(i, s.reading); verdict.Result == nil {
				verdict.Result = new(rows.Result) // a repair does not have the row
			}
		} else {
			var err error
			if verdict, err = s.passes.Look(b, i, v.outcomes[:0]); err != nil {
				return err
			}
			v.outcomes = verdict.Outcomes
		}
		res := verdict.Result
		v.rows = append(v.rows, Row{Row: &b.Src.Rows[i], Result: res, Forms: b.Forms(i, nil)})
		row := &v.rows[len(v.rows)-1]
		if res.Status != mapping.Mapped {
			v.share(s.shard, row, res.Consents)
			continue
		}
		first := len(v.consents)
		if verdict.Pass > 0 {
			v.consents = s.passes.Consents(b, i, &verdict, v.consents)
		} else {
			v.outcomes = v.outcomes[:0]
			if s.known {
				v.outcomes = journal.Resolve(b.Outcomes(i), b.Number(i), len(res.Consents), v.outcomes)
			}
			for k := range res.Consents {
				v.consents = append(v.consents, Consent{})
				c := &v.consents[len(v.consents)-1]
				c.Consent, c.Outcome.Ref = &res.Consents[k], journal.Ref{Row: b.Number(i), Consent: int32(k + 1)}
				if s.known {
					c.Outcome, c.Pass = v.outcomes[k].Outcome, v.outcomes[k].Pass
				}
			}
		}
		row.Consents = v.consents[first:len(v.consents):len(v.consents)]
		v.share(s.shard, row, res.Consents)
	}
	v.batch = Batch{Layout: b.Layout, Member: b.Src.Member, File: b.Member.Name, Rows: v.rows, Times: b.Times()}
	return nil
}

// share marks what of a row is another shard's.
func (v *shown) share(of shard.Shard, row *Row, consents []mapping.Consent) {
	if of.Whole() {
		return
	}
	row.Elsewhere = !of.HasRow(row.Row.Number, consents, &v.key)
	for k := range row.Consents {
		row.Consents[k].Elsewhere = !of.Has(row.Consents[k].Consent, &v.key)
	}
	readable := row.Readable()
	for k := range readable {
		row.ReadableElsewhere = append(row.ReadableElsewhere, !of.Has(&readable[k], &v.key))
	}
}

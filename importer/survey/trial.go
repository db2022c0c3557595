package survey

import (
	"bytes"
	"context"
	"slices"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Trial is a changed mapping that is tried on all rows before anybody is told of it.
type Trial struct {
	Spec *mapping.Spec
	// Failing says which invalid rows the change is for, by their reason and column.
	Failing func(reason, column string) bool
	// Omits says that the change leaves out what it is for: a failing row that it skips is
	// fixed too.
	Omits bool
}

// Effect is what a changed mapping would do, in rows.
type Effect struct {
	Failing int64 // rows that the change is for
	Fixed   int64 // of these, that it maps or, where it omits them, skips
	Changed int64 // others that become something else, and failing ones that would be skipped
}

// Try maps every row up to upTo (0: all that the import has read) as the last pass
// has, and under each changed mapping, and gives the effect of each. A mapping that
// does not fit the export has no effect. Nothing is written.
func (s *Survey) Try(ctx context.Context, trials []Trial, upTo int64) ([]Effect, error) {
	effects := make([]Effect, len(trials))
	last := s.snap.Passes[len(s.snap.Passes)-1]
	as := journal.Pass{N: last.N + 1, Kind: journal.Retry} // so that rows count as they were repaired last
	spec, err := LoadMapping(s.dir, last.Mapping)
	if err != nil {
		return nil, err
	}
	now, err := s.files.Reading(spec, last.Mapping.Units, as)
	if err != nil {
		return nil, err
	}
	var tried []*rows.Reading // nil where a mapping does not fit
	for _, t := range trials {
		r, err := s.reading(t.Spec, as)
		if err != nil {
			r = nil
		}
		tried = append(tried, r)
	}
	if upTo == 0 && !s.snap.Header.DryRun {
		upTo = s.snap.High(1)
	}
	reader, err := s.files.Export().Read(source.Position{}, source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	sweep := rows.Sweep{Files: s.files, UpTo: upTo, Plan: func(b *rows.Batch) error {
		for i := range b.Len() {
			b.Want(i, now)
			for _, r := range tried {
				if r != nil {
					b.Want(i, r)
				}
			}
		}
		return nil
	}}
	err = sweep.Run(ctx, reader, func(b *rows.Batch) func() error {
		found := make([]Effect, len(trials))
		for i := range b.Len() {
			was := b.Result(i, now)
			if was == nil {
				continue
			}
			for k, r := range tried {
				if r == nil {
					continue
				}
				if is := b.Result(i, r); is != nil {
					found[k].add(&trials[k], was, is)
				}
			}
		}
		return func() error {
			for k := range found {
				effects[k].Failing += found[k].Failing
				effects[k].Fixed += found[k].Fixed
				effects[k].Changed += found[k].Changed
			}
			return nil
		}
	})
	return effects, err
}

// reading binds a changed mapping to the files.
func (s *Survey) reading(spec *mapping.Spec, as journal.Pass) (*rows.Reading, error) {
	units, err := s.files.Learn(spec)
	if err != nil {
		return nil, err
	}
	return s.files.Reading(spec, units, as)
}

// add counts what a changed mapping makes of one row.
func (e *Effect) add(t *Trial, was, is *rows.Result) {
	if was.Status == mapping.Invalid && t.Failing(was.Reason, was.Column) {
		e.Failing++
		switch is.Status {
		case mapping.Mapped:
			e.Fixed++
		case mapping.Skipped:
			if t.Omits {
				e.Fixed++
			} else {
				e.Changed++
			}
		}
		return
	}
	if was.Status != is.Status || !slices.EqualFunc(was.Consents, is.Consents, sameConsent) {
		e.Changed++
	}
}

// sameConsent reports whether two consents are sent alike.
func sameConsent(a, b mapping.Consent) bool {
	if a.Action != b.Action || a.Timestamp != b.Timestamp || a.ValidUntil != b.ValidUntil || a.HasSourceID != b.HasSourceID || a.SourceID != b.SourceID || !a.More.Equal(b.More) {
		return false
	}
	for _, p := range [...][2][]byte{
		{a.Source, b.Source}, {a.Category, b.Category}, {a.UserID, b.UserID}, {a.ProfileID, b.ProfileID}, {a.Email, b.Email}, {a.Message, b.Message},
	} {
		if !bytes.Equal(p[0], p[1]) {
			return false
		}
	}
	return true
}

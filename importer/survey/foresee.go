package survey

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
)

// foreseen is what an import would set down about its rows before anything of them
// leaves: what earlier imports have sent, and what is superseded. A dry run that is held
// against these shows rows with that.
type foreseen struct {
	plan  *history.Plan
	steps *history.Steps
}

// foresee goes over the export of a dry run. What it gives is to be closed.
func (s *Survey) foresee(ctx context.Context, reading *rows.Reading) (_ *foreseen, err error) {
	mode, err := history.ParseMode(s.snap.Header.History)
	if err != nil {
		return nil, err
	}
	x := s.NewIndex(history.Config{Earlier: s.earlier, Now: s.snap.Header.Started}, "foresee", AppendDecisions)
	reader, err := s.files.Export().Read(source.Position{}, source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	defer reader.Close()
	sweep := rows.Sweep{Files: s.files, Reading: reading}
	if err := sweep.Run(ctx, reader, Show(reading, x.Visit)); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	index, err := x.Sort()
	if err != nil {
		return nil, err
	}
	found, err := index.Walk(ctx, history.Options{Mode: mode, Pass: 1, Plan: true})
	if err = errors.Join(err, index.Close()); err != nil {
		return nil, fmt.Errorf("put decisions in the order of their times: %w", err)
	}
	f := &foreseen{plan: found.Plan}
	found.Plan = nil
	if err := found.Close(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if f.steps, err = f.plan.Steps(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *foreseen) close() error {
	if f.steps != nil {
		f.steps.Close()
	}
	return f.plan.Close()
}

// look has the rows of a batch mapped, and looks up what would come of them.
func (f *foreseen) look(b *rows.Batch, reading *rows.Reading) error {
	for i := range b.Len() {
		b.Want(i, reading)
	}
	return b.LookUp(f)
}

// Row implements rows.Outcomes.
func (f *foreseen) Row(n int64, dst []journal.RowOutcome) ([]journal.RowOutcome, error) {
	for {
		step, ok, err := f.steps.Peek()
		if err != nil || !ok || step.Place.Row() > n {
			return dst, err
		}
		f.steps.Next()
		o := journal.Outcome{Ref: journal.Ref{Row: n, Consent: step.Place.Number()}}
		switch {
		case step.Place.Row() < n, step.Kind == history.Pull:
			continue
		case step.Kind == history.Skip:
			o.State = journal.Known
		default:
			o.State, o.In = journal.Superseded, int(step.Import)
			o.By = journal.Ref{Row: step.Other.Row(), Consent: step.Other.Number()}
		}
		dst = append(dst, journal.RowOutcome{First: o.Ref.Consent, Last: o.Ref.Consent, Outcome: o})
	}
}

package main

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// lint looks at what rows become: lint and decision table. It visits a survey, or
// the preview of a pass.
type lint struct {
	linter   *mapping.Linter
	overflow *report.Overflow
	seed     maphash.Seed // of hashes of subjects
	free     sync.Pool    // of *mapping.Tally
}

// newLint looks at an export under a mapping. What does not fit into
// memory goes into dir, until close.
func newLint(spec *mapping.Spec, now time.Time, disk journal.Disk, dir string) *lint {
	overflow := report.NewOverflow(disk, dir)
	l := &lint{linter: mapping.NewLinter(spec, mapping.LintOptions{Now: now, Overflow: overflow}), overflow: overflow, seed: maphash.MakeSeed()}
	l.free.New = func() any { return l.linter.NewTally() }
	return l
}

func (l *lint) close() { l.overflow.Close() }

// visit is a survey.Visitor.
func (l *lint) visit(b *survey.Batch) func() error {
	t := l.free.Get().(*mapping.Tally)
	nested := b.Layout.Nested()
	for i := range b.Rows {
		r := &b.Rows[i]
		number := r.Row.Number
		t.Row(number, r.Status, r.Reason, len(r.Result.Consents)+len(r.Dropped) > 0)
		t.Missed(number, r.Missed)
		for k := range r.Dropped {
			t.Dropped(number, &r.Dropped[k], r.Status)
		}
		readable := r.Readable()
		for k := range readable {
			t.Readable(&readable[k])
		}
		for k := range r.Consents {
			c := r.Consents[k].Consent
			t.Consent(number, c, maphash.Bytes(l.seed, c.Subject()))
		}
		if nested && r.Status == mapping.Mapped {
			t.Text(number, r.Row.Raw)
		}
	}
	return func() error {
		l.linter.Fold(t)
		l.free.Put(t)
		return nil
	}
}

func (l *lint) findings() []mapping.Finding { return l.linter.Findings() }

// decisions is the decision table of what was seen.
func (l *lint) decisions() report.DecisionTable {
	return decisionTable{l.linter.Decisions(), l.linter}
}

// decisionTable is the table with its approval hash.
type decisionTable struct {
	*mapping.Decisions
	linter *mapping.Linter
}

func (d decisionTable) ApprovalHash() (string, error) { return d.linter.ApprovalHash() }

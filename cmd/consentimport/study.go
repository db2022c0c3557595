package main

import (
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// study looks at the rows of a survey as they are mapped: lint and decision
// table. It is an observer of the survey.
type study struct {
	linter   *mapping.Linter
	overflow *report.Overflow
	free     sync.Pool
}

// tallied is what a study keeps of one batch.
type tallied struct {
	tally  *mapping.Tally
	hashes []uint64
}

// newStudy makes a study of an export under a mapping. What does not fit into
// memory goes into dir, until close.
func newStudy(spec *mapping.Spec, now time.Time, disk journal.Disk, dir string) *study {
	overflow := report.NewOverflow(disk, dir)
	return &study{linter: mapping.NewLinter(spec, mapping.LintOptions{Now: now, Overflow: overflow}), overflow: overflow}
}

func (s *study) close() { s.overflow.Close() }

// Begin implements the survey's observer.
func (s *study) Begin() any {
	if t, ok := s.free.Get().(*tallied); ok {
		return t
	}
	return &tallied{tally: s.linter.NewTally()}
}

// Observe implements the survey's observer.
func (s *study) Observe(batch any, rec *mapping.Record, res *mapping.Result) {
	t := batch.(*tallied)
	t.hashes = t.hashes[:0]
	if res.Status == mapping.Mapped {
		for i := range res.Consents {
			t.hashes = append(t.hashes, xxhash.Sum64(res.Consents[i].Subject()))
		}
	}
	t.tally.Observe(rec, res, t.hashes)
}

// fold takes in a batch, in row order.
func (s *study) fold(batch any) error {
	t := batch.(*tallied)
	s.linter.Fold(t.tally)
	s.free.Put(t)
	return nil
}

func (s *study) findings() []mapping.Finding { return s.linter.Findings() }

// decisions is the decision table of what was seen.
func (s *study) decisions() report.DecisionTable {
	return decisionTable{s.linter.Decisions(), s.linter}
}

// decisionTable is the table with its approval hash.
type decisionTable struct {
	*mapping.Decisions
	linter *mapping.Linter
}

func (d decisionTable) ApprovalHash() (string, error) { return d.linter.ApprovalHash() }

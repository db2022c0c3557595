package main

import (
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/mapping"
)

// study looks at the rows of a survey as they are mapped: lint and decision
// table. It is an observer of the survey.
type study struct {
	linter *mapping.Linter
	free   sync.Pool
}

// tallied is what a study keeps of one batch.
type tallied struct {
	tally  *mapping.Tally
	hashes []uint64
}

func newStudy(spec *mapping.Spec, now time.Time) *study {
	return &study{linter: mapping.NewLinter(spec, mapping.LintOptions{Now: now})}
}

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

func (s *study) decisions() ([]mapping.Decision, string) {
	d := s.linter.Decisions()
	return d.Table(), d.Hash()
}

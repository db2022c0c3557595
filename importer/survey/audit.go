package survey

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping"
)

// Audit is what a journal and an export prove together.
type Audit struct {
	Journal *journal.Verification
	Facts   Facts
	Rows    struct{ Read, Mapped, Skipped, Invalid, Elsewhere int64 }
	// Consents and ByDecision count the final outcome of each consent.
	Consents   Tally
	ByDecision map[Decided]*Tally
	// Faults are what does not add up, a sentence each; none is the proof.
	Faults []string
	// Person is what there is of the subject that was asked for: what arrived in
	// the order of its arrival, then the rest.
	Person []Mention
	// Unsearched counts rows whose text is not kept, because they are too long: they
	// may name the subject.
	Unsearched int64
}

// Decided is a category and a decision.
type Decided struct {
	Category string
	Action   mapping.Action
}

// Audit checks the import in the survey's directory: that the checkpoint is whole
// and contradicts itself nowhere, that the export is the one that was read, and
// that every row and every consent has exactly one outcome. With a subject it
// also collects every row that names that one, or could not be mapped but holds it.
func (s *Survey) Audit(ctx context.Context, subject string) (*Audit, error) {
	v, err := journal.Verify(s.disk, s.dir)
	if err != nil {
		return nil, &blocked.Error{Err: err}
	}
	a := &Audit{Journal: v, ByDecision: make(map[Decided]*Tally)}
	visit := &auditor{audit: a, passes: make([]Tally, len(s.snap.Passes))}
	if subject != "" {
		visit.person = newPerson(subject)
	}
	if err := s.Each(ctx, visit.visit); err != nil {
		return nil, err
	}
	a.Facts = s.Facts()
	a.judge(s, visit.passes)
	if visit.person != nil {
		a.Person, a.Unsearched = visit.person.mentions(), visit.person.unread
	}
	return a, nil
}

// judge finds what does not add up.
func (a *Audit) judge(s *Survey, passes []Tally) {
	fault := func(format string, args ...any) { a.Faults = append(a.Faults, fmt.Sprintf(format, args...)) }
	if all := a.Rows.Mapped + a.Rows.Skipped + a.Rows.Invalid + a.Rows.Elsewhere; a.Rows.Read != all {
		fault("rows that were read: %d, rows that have an outcome: %d", a.Rows.Read, all)
	}
	for _, o := range a.Journal.Examples {
		fault("%s", o)
	}
	for i, counted := range a.Journal.ByPass {
		found := passes[i]
		if counted.Sent != found.Sent {
			fault("the checkpoint says that pass %d sent %d, the export accounts for %d of them", i+1, counted.Sent, found.Sent)
		}
		if counted.Superseded != found.Superseded {
			fault("the checkpoint says that pass %d held back %d, the export accounts for %d of them", i+1, counted.Superseded, found.Superseded)
		}
		if counted.Known != found.Known {
			fault("the checkpoint says that pass %d found %d that an earlier import has sent, the export accounts for %d of them", i+1, counted.Known, found.Known)
		}
		if i == len(passes)-1 && (counted.Refused != found.Refused || counted.Failed != found.Failed) {
			fault("the checkpoint says that in pass %d %d were refused and %d failed, the export accounts for %d and %d", i+1, counted.Refused, counted.Failed, found.Refused, found.Failed)
		}
	}
	if s.complete() && !s.snap.Header.DryRun && a.Consents.Pending > 0 {
		fault("the import says that it is complete, but consents are without an outcome: %d", a.Consents.Pending)
	}
	for _, p := range s.snap.Header.Parts {
		was, err := journal.Read(s.disk, p.Dir)
		switch {
		case err != nil && !errors.Is(err, journal.ErrNone): // one that is gone says nothing
			fault("shard %s in %s, which this import was joined from, cannot be read: %v", p.Shard, p.Dir, err)
		case err == nil && was.SHA256 != p.SHA256:
			fault("shard %s in %s is not what this import was joined from: it went on since, or was changed", p.Shard, p.Dir)
		}
	}
	if since := s.snap.Header.Since; since != nil {
		if gone := GoneOn(s.disk, since); gone != "" {
			fault("%s", gone)
		}
	}
	if s.snap.Lost != nil {
		fault("%s", s.snap.Lost)
	}
}

// auditor takes in what an audit sees.
type auditor struct {
	audit  *Audit
	person *person // nil when no person was asked for
	passes []Tally
}

// visit is a Visitor.
func (v *auditor) visit(b *Batch) func() error { return func() error { return v.fold(b) } }

func (v *auditor) fold(b *Batch) error {
	a := v.audit
	for i := range b.Rows {
		r := &b.Rows[i]
		a.Rows.Read++
		switch {
		case r.Elsewhere:
			a.Rows.Elsewhere++
		case r.Status == mapping.Mapped:
			a.Rows.Mapped++
		case r.Status == mapping.Skipped:
			a.Rows.Skipped++
		default:
			a.Rows.Invalid++
		}
		for k := range r.Consents {
			if !r.Consents[k].Elsewhere {
				v.consent(&r.Consents[k])
			}
		}
		if v.person != nil {
			v.person.look(b, r)
		}
	}
	return nil
}

func (v *auditor) consent(c *Consent) {
	a := v.audit
	a.Consents.Add(c.Outcome.State)
	d := Decided{string(c.Category), c.Action}
	if a.ByDecision[d] == nil {
		if len(a.ByDecision) >= maxDecided {
			d = Decided{"(other categories)", c.Action}
		}
		if a.ByDecision[d] == nil {
			a.ByDecision[d] = &Tally{}
		}
	}
	a.ByDecision[d].Add(c.Outcome.State)
	if c.Pass > 0 {
		v.passes[c.Pass-1].Add(c.Outcome.State)
	}
}

// maxDecided bounds the categories that are told apart.
const maxDecided = 2000

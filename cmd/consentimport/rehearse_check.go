package main

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// holdings compares what an import says that it sent with what the sandbox
// holds: per subject and category, decision by decision, in order. It visits the
// survey of the import. Consents are kept as hashes of their requests, 16 bytes
// each, and nothing of a person.
type holdings struct {
	wording intempt.Wording
	timed   bool // decisions arrive by their times, not as the rows stand
	lanes   map[uint64][]due
	body    []byte

	sent, refused, failed int64 // outcomes, as the import's checkpoint has them
}

// due is one consent that the sandbox has to hold.
type due struct {
	hash uint64
	time int64 // of the decision; rows are in order otherwise
	no   bool  // a reject, which follows an accept of its time
	// may is set where the import got no answer that counts, so that the target
	// may hold the consent or not: its answer was lost, before it was refused or
	// with the process.
	may bool
}

func newHoldings(wording intempt.Wording, timed bool) *holdings {
	return &holdings{wording: wording, timed: timed, lanes: map[uint64][]due{}}
}

// visit is a survey.Visitor.
func (h *holdings) visit(b *survey.Batch) func() error { return func() error { return h.fold(b) } }

func (h *holdings) fold(b *survey.Batch) error {
	for i := range b.Rows {
		for j := range b.Rows[i].Consents {
			h.expect(&b.Rows[i].Consents[j])
		}
	}
	return nil
}

func (h *holdings) expect(c *survey.Consent) {
	may := true
	switch c.Outcome.State {
	case journal.Sent:
		h.sent++
		may = false
	case journal.Refused:
		h.refused++
	case journal.Failed:
		h.failed++
	case journal.Superseded, journal.Known:
		return
	case journal.Pending: // it may have been on its way when the process was killed
	}
	lane, hash := h.sum(c.Consent)
	h.lanes[lane] = append(h.lanes[lane], due{hash, c.Timestamp, c.Action == mapping.Reject, may})
}

// sum gives the lane of a consent and the hash of its request: two consents are
// equal when their requests are.
func (h *holdings) sum(c *mapping.Consent) (lane, hash uint64) {
	h.body = h.body[:0]
	subject, category := xxhash.Sum64(c.SubjectKey(&h.body)), xxhash.Sum64(c.CategoryKey(&h.body))
	lane = subject ^ (category+0x9e3779b97f4a7c15)*0xd6e8feb86659fd93
	h.body = h.wording.AppendBody(h.body[:0], c)
	return lane, xxhash.Sum64(h.body)
}

// settled counts the consents that have their outcome.
func (h *holdings) settled() int64 { return h.sent + h.refused + h.failed }

// comparison is what became of the decisions in the sandbox.
type comparison struct {
	held    int64 // sent, and there at their place
	repeats int64 // there again, directly behind themselves: the answer was lost or the run interrupted
	missing int64 // sent, and not there
	strange int64 // there, and never sent, or not at their place
}

// exact reports whether the sandbox holds what the import says, and only that.
func (c comparison) exact() bool { return c.missing == 0 && c.strange == 0 }

// compare goes over all that the sandbox holds, in order of arrival.
func (h *holdings) compare(arrived func(yield func(*sandbox.Consent) bool)) comparison {
	var c comparison
	if h.timed {
		for _, lane := range h.lanes {
			slices.SortStableFunc(lane, func(a, b due) int {
				if a.time == b.time && a.no != b.no {
					if b.no {
						return -1
					}
					return 1
				}
				return cmp.Compare(a.time, b.time)
			})
		}
	}
	at := make(map[uint64]int, len(h.lanes))
	for got := range arrived {
		lane, hash := h.sum(&mapping.Consent{
			Action: got.Action, Timestamp: got.Timestamp, ValidUntil: got.ValidUntil,
			SourceID: got.SourceID, HasSourceID: got.HasSourceID, Source: []byte(got.Source), Category: []byte(got.Category),
			UserID: []byte(got.UserID), ProfileID: []byte(got.ProfileID), Email: []byte(got.Email), Message: []byte(got.Message),
		})
		want, i := h.lanes[lane], at[lane]
		next, ok := place(want[i:], hash)
		if !ok && i > 0 && want[i-1].hash == hash {
			c.repeats++
			continue
		}
		if !ok { // those before it are missing
			next = slices.IndexFunc(want[i:], func(w due) bool { return w.hash == hash })
		}
		if next < 0 {
			c.strange++
			continue
		}
		if !want[i+next].may {
			c.held++
		}
		at[lane] = i + next + 1
	}
	c.missing = h.sent - c.held
	return c
}

// place finds where among the consents that are due next one belongs: the first
// that has to be there, or one before it that may be.
func place(want []due, hash uint64) (at int, ok bool) {
	for i, w := range want {
		switch {
		case w.hash == hash && !w.may:
			return i, true
		case w.hash == hash && !ok:
			at, ok = i, true
		case !w.may:
			return at, ok
		}
	}
	return at, ok
}

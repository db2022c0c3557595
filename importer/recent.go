package importer

import (
	"sync"

	"github.com/consentimport/consentimport/importer/journal"
)

// maxRecent is how many failures are remembered for those who watch.
const maxRecent = 20

// Failure is a row that is invalid, or a consent that was refused or failed, as those who
// watch the run see it. No person is in it.
type Failure struct {
	Row     int64  `json:"row"`
	Consent int32  `json:"consent,omitempty"` // of the row; 0: the row is invalid
	Outcome string `json:"outcome"`           // invalid, refused or failed
	Status  int    `json:"status,omitempty"`  // HTTP status; 0: there was no answer
	Reason  string `json:"reason"`
}

// recent holds the failures of a run that came last.
type recent struct {
	mu   sync.Mutex
	last [maxRecent]Failure
	n    int // of all so far
}

func (r *recent) add(f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.n%maxRecent] = f
	r.n++
}

func (r *recent) addOutcome(o *journal.Outcome) {
	if o.State == journal.Refused || o.State == journal.Failed {
		r.add(Failure{Row: o.Ref.Row, Consent: o.Ref.Consent, Outcome: o.State.String(), Status: o.Status, Reason: o.Message})
	}
}

// Recent gives the failures of this run that came last, the newest first. It may be called
// at any time, from any goroutine.
func (im *Import) Recent() []Failure {
	r := &im.count.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Failure, 0, min(r.n, maxRecent))
	for i := 1; i <= min(r.n, maxRecent); i++ {
		out = append(out, r.last[(r.n-i)%maxRecent])
	}
	return out
}

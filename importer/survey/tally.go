package survey

import "github.com/consentimport/consentimport/importer/journal"

// Tally counts the consents that rows made by what became of them.
type Tally struct {
	Made       int64 `json:"made"`
	Sent       int64 `json:"sent"`
	Refused    int64 `json:"refused"`
	Failed     int64 `json:"failed"`
	Pending    int64 `json:"pending"`
	Superseded int64 `json:"superseded"`
	Known      int64 `json:"known"` // an earlier import has sent them
}

// Add counts a consent.
func (t *Tally) Add(s journal.State) {
	t.Made++
	switch s {
	case journal.Pending:
		t.Pending++
	case journal.Sent:
		t.Sent++
	case journal.Refused:
		t.Refused++
	case journal.Failed:
		t.Failed++
	case journal.Superseded:
		t.Superseded++
	case journal.Known:
		t.Known++
	}
}

// Plus adds another tally.
func (t *Tally) Plus(o *Tally) {
	t.Made += o.Made
	t.Sent += o.Sent
	t.Refused += o.Refused
	t.Failed += o.Failed
	t.Pending += o.Pending
	t.Superseded += o.Superseded
	t.Known += o.Known
}

// Balanced reports whether every consent made has one outcome.
func (t *Tally) Balanced() bool {
	return t.Made == t.Sent+t.Refused+t.Failed+t.Pending+t.Superseded+t.Known
}

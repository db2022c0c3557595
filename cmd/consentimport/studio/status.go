package studio

import (
	"time"
)

// status is what ctl DIR status --json tells of a run, whoever began it.
type status struct {
	State       string    `json:"state"`
	Target      string    `json:"target"`
	Key         string    `json:"key"`
	Rate        float64   `json:"rate"`
	Concurrency int       `json:"concurrency"`
	Throttled   bool      `json:"throttled"`
	Bytes       int64     `json:"bytes"`
	Size        int64     `json:"size"`
	Began       int64     `json:"began"`
	Rows        int64     `json:"rows"`
	Invalid     int64     `json:"invalid"`
	Sent        int64     `json:"sent"`
	Refused     int64     `json:"refused"`
	Failed      int64     `json:"failed"`
	Superseded  int64     `json:"superseded"`
	Settled     int64     `json:"settled"`
	Known       int64     `json:"known"`
	Retrying    int64     `json:"retrying"`
	InFlight    int64     `json:"inFlight"`
	Elapsed     float64   `json:"elapsedSeconds"`
	Failures    []failure `json:"failures"`
	// Waiting says for what a run waits that nobody has paused: its hours, the next day.
	Waiting *struct {
		Until  time.Time `json:"until"`
		Detail string    `json:"detail"`
	} `json:"waiting"`

	Made      int64   `json:"-"` // by the dry run; 0: not known
	PerSecond float64 `json:"-"` // of late
}

// failure is a row or consent that failed.
type failure struct {
	Row     int64  `json:"row"`
	Consent int64  `json:"consent"`
	Outcome string `json:"outcome"`
	Status  int    `json:"status"`
	Reason  string `json:"reason"`
}

// Percent is how much is done: of the consents that the dry run made, or of the export where
// that is not known.
func (s *status) Percent() float64 {
	done, all := s.done()
	return 100 * done / all
}

func (s *status) done() (done, all float64) {
	done, all = float64(s.Bytes), float64(s.Size)
	if s.Made > 0 {
		done, all = float64(s.Sent+s.Refused+s.Failed+s.Superseded+s.Known), float64(s.Made)
	}
	all = max(all, 1)
	return min(done, all), all
}

// Left is about how long it will take at the pace of late; empty when that is not known.
func (s *status) Left() string {
	done, all := s.done()
	if s.State != "running" || s.Made == 0 || s.PerSecond < 0.01 {
		return ""
	}
	return time.Duration((all - done) / s.PerSecond * float64(time.Second)).Round(time.Second).String()
}

// paces remembers how far a run was, to tell its pace of late.
type paces struct {
	at, settled []float64 // seconds since its start, outcomes
}

// Bounds of what counts as of late.
const (
	paceOver  = 10.0 // seconds
	paceEvery = 0.5
)

// rate adds where a run is and gives its outcomes a second of late.
func (p *paces) rate(s *status) float64 {
	if n := len(p.at); n > 0 && (s.Elapsed < p.at[n-1] || float64(s.Settled) < p.settled[n-1]) {
		*p = paces{} // it is another run
	}
	for len(p.at) > 1 && s.Elapsed-p.at[1] > paceOver {
		p.at, p.settled = p.at[1:], p.settled[1:]
	}
	from, had := 0.0, 0.0
	if len(p.at) > 0 {
		from, had = p.at[0], p.settled[0]
	}
	if n := len(p.at); n == 0 || s.Elapsed-p.at[n-1] >= paceEvery {
		p.at, p.settled = append(p.at, s.Elapsed), append(p.settled, float64(s.Settled))
	}
	if s.Elapsed-from < paceEvery {
		return 0
	}
	return (float64(s.Settled) - had) / (s.Elapsed - from)
}

package importer

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

// The defaults of a run; the command's flags show them.
const (
	DefaultConcurrency = 64
	DefaultAttempts    = 8
	DefaultRetryFor    = 15 * time.Minute
	DefaultMaxFailures = "50%"

	// budgetAfter is how many consents must have an outcome before a share of
	// failures says anything about the mapping.
	budgetAfter = 200
	// firstContact is how long the target may not answer at all before the run
	// gives up, as long as it has never been reached: then its address is
	// likely wrong.
	firstContact = 10 * time.Second
	// grace is how long requests in flight may take after a stop.
	grace = 10 * time.Second
	// lively is how long a success speaks for the target.
	lively = time.Minute
)

// defaultWindow bounds what is unfinished: enough for a subject that has a tenth
// of a million rows, little enough to stay far below 64 MiB.
var defaultWindow = window{Bytes: 24 << 20, Tasks: 128 << 10}

// Limits are what bounds a run.
type Limits struct {
	Concurrency int           // requests in flight at most
	Rate        float64       // consents per second, as the pacer was told; 0: no fixed limit
	When        Timetable     // when requests may leave
	Rows        int64         // rows of this run at most; 0: all
	MaxFailures Budget        // past it the run stops
	Attempts    int           // how often one consent is tried
	RetryFor    time.Duration // how long the target may be gone
	// FirstContact is how long a target may be gone that was never reached, RetryFor at
	// most; 0: ten seconds.
	FirstContact time.Duration
	// Timeout is how long one request may take, and so how long one that was given
	// up may be under way still (see underway.go).
	Timeout time.Duration
	// Unfinished is how many consents may be read and have no outcome yet; 0: 131072.
	// While one of them waits for its next attempt, that many others go on.
	Unfinished int
}

// window is what Unfinished stands for.
func (l Limits) window() window {
	w := defaultWindow
	if l.Unfinished > 0 {
		w.Tasks = l.Unfinished
	}
	return w
}

// unreached is for how long a target that was never reached is waited for.
func (l Limits) unreached() time.Duration {
	return min(cmp.Or(l.FirstContact, firstContact), l.RetryFor)
}

// Validate names the flag whose value cannot be used.
func (l Limits) Validate() error {
	switch {
	case l.Concurrency < 1 || l.Concurrency > 10000:
		return blocked.Bad(blocked.Concurrency, "the concurrency is %d: give a number from 1 to 10000", l.Concurrency)
	case l.Rows < 0:
		return blocked.Bad(blocked.RowLimit, "the limit is %d: give a number of rows, or 0 for all", l.Rows)
	case l.When.PerDay < 0:
		return blocked.Bad(blocked.DayLimit, "the requests a day are %d: give a number, or 0 for any", l.When.PerDay)
	case l.Attempts < 1:
		return blocked.Bad(blocked.Attempts, "the number of attempts is %d: give at least 1", l.Attempts)
	case l.Timeout < 0:
		return blocked.Bad(blocked.RequestTime, "the time for a request is %s: give a duration such as 30s", l.Timeout)
	case l.RetryFor < 0:
		return blocked.Bad(blocked.RetryTime, "the time for retries is %s: give a duration such as 15m", l.RetryFor)
	}
	return nil
}

// Budget is how many failures a run may have: a number, or a share of the
// consents that have an outcome.
type Budget struct {
	Count    int64   // when it is no share
	Share    float64 // in [0, 1]; 1 never stops a run
	Relative bool    // it is a share, also one of 0
}

// ParseBudget reads "250" or "12.5%".
func ParseBudget(s string) (Budget, error) {
	bad := blocked.Bad(blocked.FailureBudget, "%q failures at most: give a number of consents such as 250, or a share such as 12.5%%", s)
	if p, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return Budget{}, bad
		}
		return Budget{Share: f / 100, Relative: true}, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 {
		return Budget{}, bad
	}
	return Budget{Count: n}, nil
}

func (b Budget) relative() bool { return b.Relative || b.Share > 0 }

// String gives the budget as it is written.
func (b Budget) String() string {
	if b.relative() {
		return strconv.FormatFloat(b.Share*100, 'f', -1, 64) + "%"
	}
	return strconv.FormatInt(b.Count, 10)
}

// spent reports whether failures among outcomes are past the budget.
func (b Budget) spent(failures, outcomes int64) bool {
	if b.relative() {
		return outcomes >= budgetAfter && float64(failures) > b.Share*float64(outcomes)
	}
	return failures > b.Count
}

// Target takes one consent and says what came of it.
type Target interface {
	// Send returns when the target has answered, the request has timed out, or
	// ctx is done.
	Send(ctx context.Context, c *mapping.Consent) delivery.Answer
}

// Stop says why a run ended before its export did.
type Stop struct {
	Kind   StopKind
	Detail string // one sentence for a person
}

// StopKind is what ended a run early.
type StopKind string

// What ends a run early.
const (
	StopSignal  StopKind = "signal"
	StopLimit   StopKind = "limit"
	StopRefused StopKind = "target-refused" // 401 to 404, other 4xx, 3xx
	StopGone    StopKind = "target-gone"
	StopBudget  StopKind = "failure-budget"
	StopDisk    StopKind = "disk"
	StopExport  StopKind = "export" // the export could not be read further
)

// RefusedError is an import that was refused before anything was sent.
type RefusedError = blocked.Error

func refuse(hint, format string, args ...any) error { return blocked.Errorf(hint, format, args...) }

func cure(c blocked.Cure, format string, args ...any) error {
	return blocked.Errorc(c, format, args...)
}

// IsRefused reports whether nothing was sent because of err.
func IsRefused(err error) bool {
	var r *RefusedError
	return errors.As(err, &r)
}

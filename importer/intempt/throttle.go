package intempt

import (
	"math"
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
)

const (
	// pauseBase and pauseMax bound the pause of all requests when all are refused
	// and the target does not say for how long. It doubles from one to the other.
	pauseBase = 100 * time.Millisecond
	pauseMax  = 10 * time.Second
	// hintFor is how long a rate that a 429 told is kept to.
	hintFor = 30 * time.Second
	// hintShare is the share of refusals from which a told rate is believed.
	hintShare = 1.0 / 3
	// quietAfter is how long nothing must have been refused for the next
	// refusal to be news, which halves the limit.
	quietAfter = 10 * time.Second
	// fewAnswers are too few to tell a share from.
	fewAnswers = 30
	// recovery is the number of round trips in which the limit grows from
	// nothing to its maximum.
	recovery = 64
)

// throttle is what the target's refusals (429, 503) do to the pace.
//
// The limit of requests in flight follows them as TCP follows lost packets:
// multiplicative decrease at most once a round trip, additive increase with
// every success. The first refusal after a quiet time halves it. Those after it
// cut by their share of the answers (as DCTCP does, RFC 8257; a little less for
// small shares): a target that is full refuses nearly all, so that the limit is
// halved each time until it is not; a target that refuses a few at random,
// whatever the load, does not bring an import to a crawl.
//
// A Retry-After makes all requests wait; without one, a series of refusals with
// nothing between them does, for a short time that doubles. A rate that a 429
// tells is kept to for a while, when so many are refused that it can be true. One that
// it does not tell is learnt (see learnt); at its pace the limit is not lowered.
type throttle struct {
	max    float64
	limit  float64 // requests in flight at most, 1 to max
	random func() float64

	cutAt     time.Time // last decrease
	refusedAt time.Time // last refusal
	share     float64   // of refusals among answers, smoothed
	refused   int       // answers since share was last worked out
	answered  int
	series    int // refusals since the last success

	pause  time.Time // all requests wait until then
	pauses int       // in a row, without a success
	hint   *schedule // the rate that the target told; nil: none
	until  time.Time // the hint ends
	learnt learnt    // the rate that the target did not tell

	since  time.Time     // throttled since; zero: it is not
	before time.Duration // throttled in total before that
}

func newThrottle(limit int, random func() float64) throttle {
	return throttle{max: float64(limit), limit: float64(limit), random: random}
}

// setMax changes the limit that there is without refusals. One that the target has
// lowered stays where it is, unless it is above the new one.
func (t *throttle) setMax(n int) {
	whole := t.limit >= t.max
	t.max = float64(n)
	if whole || t.limit > t.max {
		t.limit = t.max
	}
}

// refusal says that the target refuses for now, because it is asked too much.
func refusal(a delivery.Answer) bool { return a.Status == 429 || a.Status == 503 }

// learn takes note of an answer. It must be told of every one while it listens.
func (t *throttle) learn(a delivery.Answer, now time.Time) {
	switch {
	case refusal(a):
		t.answered++
		t.refused++
		t.series++
		t.learnt.refuse(a, now)
		t.slow(a, now)
	case a.Status != 0 && a.Class != delivery.Transient:
		t.answered++
		t.series, t.pauses = 0, 0
		t.learnt.took(a, now)
		t.limit = min(t.max, t.limit+max(1, t.max/recovery)/t.limit)
	}
	t.account(now)
}

// slow reacts to a refusal.
func (t *throttle) slow(a delivery.Answer, now time.Time) {
	news := t.refusedAt.IsZero() || now.Sub(t.refusedAt) > quietAfter
	t.refusedAt = now
	if news {
		t.share, t.refused, t.answered = 1, 0, 0
	}
	// What left before the last decrease knows nothing of it yet.
	if sent := now.Add(-a.Latency); t.learnt.pace == nil && (news || !sent.Before(t.cutAt)) {
		if t.answered >= fewAnswers {
			part := float64(t.refused) / float64(t.answered)
			t.share += (part - t.share) / 4
			t.refused, t.answered = 0, 0
			if part >= hintShare && a.Rate > 0 {
				t.hint, t.until = newSchedule(a.Rate), now.Add(hintFor)
			}
		}
		t.limit = max(1, t.limit*(1-t.share*math.Sqrt(t.share)/2))
		t.cutAt = now
	}
	switch {
	case a.RetryAfter > 0:
		t.pause = later(t.pause, now.Add(a.RetryAfter))
	case t.series > int(t.limit) && !t.pause.After(now):
		d := min(pauseBase<<min(t.pauses, 10), pauseMax)
		t.pause = now.Add(d/2 + time.Duration(t.random()*float64(d/2)))
		t.pauses++
	}
}

// active says that there is anything to obey.
func (t *throttle) active(now time.Time) bool {
	if t.hint != nil && now.After(t.until) {
		t.hint = nil
	}
	return t.limit < t.max || t.hint != nil || t.learnt.pace != nil || t.pause.After(now)
}

// listening says that there is anything to obey, or that there was so shortly
// before that every answer must be counted.
func (t *throttle) listening(now time.Time) bool {
	return t.active(now) || t.series > 0 || !t.refusedAt.IsZero() && now.Sub(t.refusedAt) <= quietAfter
}

// due is when the next request may leave.
func (t *throttle) due(now time.Time) time.Time {
	due := t.pause
	if t.active(now) && t.hint != nil {
		due = later(due, t.hint.due())
	}
	if t.learnt.pace != nil {
		due = later(due, t.learnt.pace.due())
	}
	return due
}

// depart records that a request leaves.
func (t *throttle) depart(now time.Time) {
	if t.hint != nil {
		t.hint.depart(now)
	}
	if t.learnt.pace != nil {
		t.learnt.pace.depart(now)
	}
	t.account(now)
}

// account keeps the time for which the import was throttled.
func (t *throttle) account(now time.Time) {
	switch active := t.active(now); {
	case active && t.since.IsZero():
		t.since = now
	case !active && !t.since.IsZero():
		t.before += now.Sub(t.since)
		t.since = time.Time{}
	}
}

// state says whether the import is throttled and for how long it was in total.
func (t *throttle) state(now time.Time) (bool, time.Duration) {
	t.account(now)
	if t.since.IsZero() {
		return false, t.before
	}
	return true, t.before + now.Sub(t.since)
}

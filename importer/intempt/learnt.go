package intempt

import (
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
)

const (
	// probing is by how much the pace is above the rate that was learnt: the share of
	// requests that are refused so that the rate stays known, and all of it is used.
	probing = 0.005
	// firstProbing is the same of a first rate, which may be much too low where the bucket
	// was full for a while.
	firstProbing = 0.04
	// patience is how many times later than expected a refusal may come until the pace
	// goes up.
	patience = 1.6
	// maxProbing bounds one step of the pace upwards.
	maxProbing = 0.25
	// fewest answers taken for a first rate, and for a better one.
	firstAnswers, moreAnswers = 20, 50
	// firstTime, and as many round trips, is the least time for a first rate.
	firstTime, firstTrips = 50 * time.Millisecond, 8
	// baseline is over how many answers a rate is worked out at most: twice as many.
	baseline = 500
	// fullShare is the share of refusals from which a target is asked more than it has.
	fullShare = 0.15
	// calmShare is the share of refusals up to which a rate is right, over calmAnswers.
	calmShare   = 0.05
	calmAnswers = 40
	// lockedShare is the share of refusals that a rate may have over lockedAnswers, twice
	// what probing has and more; a rate that has more three times in a row is none.
	lockedShare   = 0.02
	lockedAnswers = 400
	// trialAnswers are looked at to tell a rate from refusals at random.
	trialAnswers = 100
	// offFirst and offMax bound for how long no rate is learnt after one that was none.
	offFirst, offMax = 30 * time.Second, 10 * time.Minute
	// unbound is the pace, in requests per second, from which it limits nobody.
	unbound = 100_000
)

// learnt is the rate of a target that refills a bucket of tokens, of unknown rate and
// size, as gateways do, and does not tell it.
//
// Each refusal says that the bucket was empty then. So between two of them as many
// requests were taken as were refilled, to within one: their number over the time is
// the rate, the better the longer. Requests leave at that pace and a little above, so
// that now and then one is refused. When none is, the pace goes up, at first hardly,
// then by steps that double.
//
// Refusals that have nothing to do with the pace do not become fewer at a lower one:
// then nothing is learnt, for a while.
type learnt struct {
	rate float64   // requests per second
	over float64   // by which part the pace is above it
	pace *schedule // nil as long as no rate is known

	// taken since the two refusals from which the rate is worked out: the first one and
	// one behind it, which takes its place.
	from, then       time.Time
	taken, takenThen int
	refused          int // since from, while no rate is known
	quiet            int // taken since the last refusal
	heldAt           time.Time
	anew             bool    // the rate is no longer true
	before           float64 // share of refusals without the pace; 0: the rate is proven
	answered, vain   int     // at the pace, and of these refused
	restless         int     // times in a row that these were too many
	long, longVain   int     // as answered and vain, of more answers
	strikes          int     // times in a row that these were too many
	off              time.Duration
	offUntil         time.Time
}

// begin has the rate worked out from a refusal on.
func (l *learnt) begin(at time.Time) {
	l.from, l.then, l.taken, l.takenThen, l.refused = at, at, 0, 0, 0
}

// again has another rate worked out, soon, from a refusal on.
func (l *learnt) again(at, now time.Time) {
	l.begin(at)
	l.anew, l.answered, l.vain, l.heldAt = true, 0, 0, now
}

// drop forgets the rate.
func (l *learnt) drop() {
	*l = learnt{off: l.off, offUntil: l.offUntil}
}

// wrong forgets a rate that was none.
func (l *learnt) wrong(now time.Time) {
	l.off = min(max(offFirst, 2*l.off), offMax)
	l.offUntil = now.Add(l.off)
	l.drop()
}

// set sets the pace.
func (l *learnt) set(rate, over float64) {
	l.rate, l.over = rate, over
	if l.pace == nil {
		l.pace = &schedule{}
	}
	l.pace.interval = time.Duration(float64(time.Second) / (rate * (1 + over)))
}

// took takes note of a request that was taken.
func (l *learnt) took(a delivery.Answer, now time.Time) {
	if l.from.IsZero() {
		return
	}
	l.quiet++
	if now.Add(-a.Latency).After(l.from) {
		l.taken++
	}
	if l.pace == nil {
		return
	}
	if now.Add(-a.Latency).After(l.heldAt) {
		l.count(a, now, 0)
	}
	if l.pace != nil && float64(l.quiet) >= max(16, patience/l.over) {
		// So long without a refusal: they depend on the pace, which may be too low.
		l.quiet, l.long, l.longVain, l.strikes = 0, 0, 0, 0
		if l.set(l.rate*(1+l.over), min(2*l.over, maxProbing)); l.rate > unbound {
			l.drop()
		}
	}
}

// refuse takes note of a refusal.
func (l *learnt) refuse(a delivery.Answer, now time.Time) {
	if a.RetryAfter > 0 || a.Rate > 0 { // the target says itself what to do
		l.drop()
		return
	}
	if now.Before(l.offUntil) {
		return
	}
	at := now.Add(-a.Latency)
	if l.pace != nil && !at.After(l.heldAt) { // what left before knows nothing of the pace
		return
	}
	l.quiet = 0
	if l.pace == nil {
		l.first(at, now, a.Latency)
		return
	}
	if l.count(a, now, 1); l.pace == nil {
		return
	}
	if l.over > probing { // the pace is somewhere above the rate
		l.set(l.rate, probing)
		l.again(at, now)
		l.long, l.longVain = 0, 0 // what was refused on the way up says nothing of the rate
		return
	}
	if l.taken >= moreAnswers || l.anew && l.taken >= firstAnswers {
		l.set(float64(l.taken)/at.Sub(l.from).Seconds(), probing)
		if l.anew {
			l.anew, l.answered, l.vain, l.heldAt = false, 0, 0, now
		}
	}
	switch {
	case l.taken >= 2*baseline:
		l.from, l.taken = l.then, l.taken-l.takenThen
		l.then, l.takenThen = at, l.taken
	case l.taken >= baseline && l.takenThen == 0:
		l.then, l.takenThen = at, l.taken
	}
}

// first works out a rate where none is known, from a refusal of what left at a time.
func (l *learnt) first(at, now time.Time, latency time.Duration) {
	if l.from.IsZero() || l.taken < firstAnswers && at.Sub(l.from) > quietAfter {
		l.begin(at)
		return
	}
	l.refused++
	// In which order the target came to what was in flight together nobody knows.
	if l.taken < firstAnswers || at.Sub(l.from) < max(firstTime, firstTrips*latency) {
		return
	}
	share := float64(l.refused) / float64(l.refused+l.taken)
	if share < fullShare {
		l.begin(at)
		return
	}
	l.heldAt, l.before, l.answered, l.vain, l.restless = now, share, 0, 0, 0
	l.set(float64(l.taken)/at.Sub(l.from).Seconds(), firstProbing)
}

// count counts an answer to a request that left at the pace, and judges by many of
// them whether the rate is one.
func (l *learnt) count(a delivery.Answer, now time.Time, refused int) {
	l.answered, l.long = l.answered+1, l.long+1
	l.vain, l.longVain = l.vain+refused, l.longVain+refused
	if l.long == lockedAnswers {
		locked := float64(l.longVain) <= lockedShare*lockedAnswers
		l.long, l.longVain = 0, 0
		if l.strikes++; locked {
			l.strikes, l.off = 0, 0
		}
		if l.strikes == 3 {
			l.wrong(now)
			return
		}
	}
	trial := l.before > 0
	if l.answered < calmAnswers || trial && l.answered < trialAnswers {
		return
	}
	share := float64(l.vain) / float64(l.answered)
	l.answered, l.vain = 0, 0
	switch {
	case trial && share > max(calmShare, l.before/2):
		l.wrong(now)
	case trial:
		l.before = 0
	case share <= calmShare:
		l.restless = 0
	case l.restless == 4:
		l.wrong(now)
	case l.anew: // too few were taken to work it out well
		l.restless++
		at := now.Add(-a.Latency)
		l.set(max(l.rate/8, min(l.rate, float64(l.taken)/at.Sub(l.from).Seconds())), probing)
		l.again(at, now)
	default:
		l.restless++
		l.again(now.Add(-a.Latency), now)
	}
}

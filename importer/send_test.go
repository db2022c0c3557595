package importer

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// answers is a target that is told what to answer, and watches the order in
// which consents arrive. Its clock is that of a synctest bubble.
type answers struct {
	answer func(c *mapping.Consent, try int) (delivery.Answer, time.Duration)

	mu      sync.Mutex
	tries   map[string]int   // by message, which names the consent
	flying  map[string]int   // by subject
	arrived map[string][]int // rows, by subject; each try
	noted   map[int]bool     // rows whose outcome was noted
	wrong   []string
	wall    func() time.Time // the machine's clock, when it is not to be trusted
}

func (a *answers) Send(ctx context.Context, c *mapping.Consent) delivery.Answer {
	a.mu.Lock()
	subject, name := string(c.UserID), string(c.Message)
	row := int(c.Timestamp)
	a.tries[name]++
	if a.flying[subject]++; a.flying[subject] > 1 {
		a.wrong = append(a.wrong, fmt.Sprintf("row %d of %s is in flight together with another", row, subject))
	}
	if before := a.arrived[subject]; len(before) > 0 {
		switch last := before[len(before)-1]; {
		case last > row:
			a.wrong = append(a.wrong, fmt.Sprintf("row %d of %s arrived after row %d", row, subject, last))
		case last != row && !a.noted[last]:
			a.wrong = append(a.wrong, fmt.Sprintf("row %d of %s left before the outcome of row %d was noted", row, subject, last))
		}
	}
	a.arrived[subject] = append(a.arrived[subject], row)
	answer, after := a.answer(c, a.tries[name])
	a.mu.Unlock()
	select {
	case <-time.After(after):
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flying[subject]--
	return answer
}

// Append is the journal: it takes a while.
func (a *answers) Begin(journal.Ref) error { return nil }

func (a *answers) AppendAll(all []journal.Outcome) error {
	for _, o := range all {
		if err := a.Append(o); err != nil {
			return err
		}
	}
	return nil
}

func (a *answers) Append(o journal.Outcome) error {
	time.Sleep(time.Millisecond)
	a.mu.Lock()
	defer a.mu.Unlock()
	row := int(o.Ref.Row)
	if a.noted[row] {
		a.wrong = append(a.wrong, fmt.Sprintf("row %d has two outcomes", row))
	}
	a.noted[row] = true
	return nil
}

// consentOf is row n of a subject; the time stands for the row.
func consentOf(row int, subject string) *mapping.Consent {
	return &mapping.Consent{
		Action: mapping.Accept, Timestamp: int64(row), ValidUntil: mapping.Unlimited, Source: []byte("web"),
		UserID: []byte(subject), Message: fmt.Appendf(nil, "%d", row),
	}
}

// sending runs a sender over rows of subjects and gives what it counted and why
// it stopped, if it did.
func sending(target *answers, subjects []string, limits Limits) (*counters, *Stop) {
	target.tries, target.flying, target.arrived, target.noted = map[string]int{}, map[string]int{}, map[string][]int{}, map[int]bool{}
	clock := stopwatch()
	l := newLanes(4, window{Bytes: 1 << 20, Tasks: 50}, clock)
	var stopped *Stop
	var mu sync.Mutex
	s := &sender{
		target: target, pacer: intempt.NewPacer(intempt.PacerConfig{Max: limits.Concurrency}), lanes: l, book: target,
		limits: limits, clock: clock, now: time.Now, count: &counters{},
		log: slog.New(slog.DiscardHandler),
		stop: func(why Stop) {
			mu.Lock()
			defer mu.Unlock()
			if stopped == nil {
				stopped = &why
			}
			l.stop(false)
		},
	}
	s.breaker = newBreaker(clock, s.probeDelay)
	if target.wall != nil {
		s.now = target.wall
	}
	var wait sync.WaitGroup
	wait.Go(l.requeueDue)
	for range limits.Concurrency {
		wait.Go(func() { _ = s.loop(context.Background(), context.Background()) }) // Append never fails
	}
	for i, subject := range subjects {
		c := consentOf(i+1, subject)
		t := task{ref: journal.Ref{Row: int64(i + 1), Consent: 1}, last: true, key: hashKey(c.Subject(), c.Category), packed: pack(c)}
		if !l.addRow(source.Position{Row: int64(i + 1)}, []task{t}) {
			break
		}
	}
	l.close()
	wait.Wait()
	return s.count, stopped
}

func limitsOf(concurrency, attempts int) Limits {
	return Limits{Concurrency: concurrency, Attempts: attempts, RetryFor: DefaultRetryFor, MaxFailures: Budget{Share: 1}}
}

// Whatever the target answers and however long it takes: of one subject one is
// in flight, in row order through all retries, the next leaves when the outcome
// is noted, and every row gets one outcome.
func TestSendingKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		subjects := rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "bob", "cat", "dan"}), 1, 80).Draw(rt, "subjects")
		concurrency := rapid.IntRange(1, 8).Draw(rt, "concurrency")
		seed := rapid.Uint64().Draw(rt, "seed")
		var count *counters
		var stop *Stop
		var target *answers
		synctest.Test(t, func(t *testing.T) {
			target = &answers{answer: func(c *mapping.Consent, try int) (delivery.Answer, time.Duration) {
				r := rand.New(rand.NewPCG(seed, uint64(c.Timestamp)<<8|uint64(min(try, 200))))
				answer := []delivery.Answer{
					{Class: delivery.Sent, Status: 200}, {Class: delivery.Sent, Status: 204}, {Class: delivery.Refused, Status: 400},
					{Class: delivery.Transient, Status: 500}, {Class: delivery.Transient, Timeout: true}, {Class: delivery.Transient},
					{Class: delivery.Transient, Unreached: true}, {Class: delivery.Transient, Status: 429, RetryAfter: time.Second},
				}[r.IntN(8)]
				return answer, time.Duration(r.IntN(400)) * time.Millisecond
			}}
			count, stop = sending(target, subjects, limitsOf(concurrency, 3))
		})
		if len(target.wrong) > 0 {
			rt.Fatal(strings.Join(target.wrong, "\n"))
		}
		if stop != nil {
			rt.Fatalf("stopped: %s", stop.Detail)
		}
		if len(target.noted) != len(subjects) {
			rt.Fatalf("%d of %d rows have an outcome", len(target.noted), len(subjects))
		}
		if _, all := count.outcome(journal.Pending); all != int64(len(subjects)) {
			rt.Fatalf("%d outcomes counted", all)
		}
	})
}

// A record that always fails is set down as failed after its attempts, while the
// others go on.
func TestOneBadRecordStopsNobody(t *testing.T) {
	for name, bad := range map[string]delivery.Answer{
		"an error":            {Class: delivery.Transient, Status: 500},
		"a silence":           {Class: delivery.Transient, Timeout: true},
		"a closed connection": {Class: delivery.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				subjects := []string{"bad"}
				for i := range 3000 {
					subjects = append(subjects, fmt.Sprint("good", i))
				}
				var last, broke time.Time
				var others []time.Time // when they left
				excused := 0
				began := time.Now()
				const quick, slow = 10 * time.Millisecond, 20 * time.Millisecond
				target := &answers{answer: func(c *mapping.Consent, _ int) (delivery.Answer, time.Duration) {
					now := time.Now()
					if string(c.UserID) == "bad" {
						// An answer or a silence counts once another has got through; a broken
						// connection where one has that left since the one before. Waits are
						// drawn, so that a few may be too short for that.
						since := broke
						if bad.Status != 0 || bad.Timeout {
							since = began.Add(-1)
						}
						if since.IsZero() || !slices.ContainsFunc(others, func(left time.Time) bool { return left.After(since) && left.Add(slow).Before(now.Add(quick)) }) {
							excused++
						}
						broke = now.Add(quick)
						return bad, quick
					}
					last, others = now, append(others, now)
					return delivery.Answer{Class: delivery.Sent, Status: 200}, slow
				}}
				count, stop := sending(target, subjects, limitsOf(2, 4))
				assert.Nil(t, stop)
				assert.EqualValues(t, 3000, count.sent.Load())
				assert.EqualValues(t, 1, count.failed.Load())
				assert.Less(t, last.Sub(began), 3000*25*time.Millisecond, "the others do not wait")
				assert.LessOrEqual(t, target.tries["1"]-excused, 4)
				assert.Less(t, excused, 10)
			})
		})
	}
}

// Answers to what had left before the target went away may be read long after, on a
// machine that has no time. They are no sign that it is there for others since.
func TestAnswersThatAreReadLateUseUpNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var subjects []string
		for i := range 50 {
			subjects = append(subjects, fmt.Sprint("s", i))
		}
		began := time.Now()
		target := &answers{answer: func(c *mapping.Consent, _ int) (delivery.Answer, time.Duration) {
			var n int
			_, _ = fmt.Sscanf(string(c.UserID), "s%d", &n)
			switch at := time.Since(began); {
			case at == 0 && n < 6:
				return delivery.Answer{Class: delivery.Sent, Status: 200}, time.Duration(n+1) * time.Second
			case at < time.Minute:
				return delivery.Answer{Class: delivery.Transient}, 10 * time.Millisecond
			}
			return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
		}}
		count, stop := sending(target, subjects, limitsOf(8, 2))
		require.Nil(t, stop)
		assert.EqualValues(t, 50, count.sent.Load())
		assert.Zero(t, count.failed.Load())
	})
}

// A target that is gone for all uses up no attempts: whatever it
// takes until it is back, nothing has failed.
func TestATargetThatIsGoneUsesUpNoAttempts(t *testing.T) {
	for name, c := range map[string]struct {
		gone delivery.Answer
		from time.Duration
		back time.Duration
	}{
		"nobody listens":              {gone: delivery.Answer{Class: delivery.Transient, Unreached: true}, from: time.Second, back: 10 * time.Minute},
		"connections close":           {gone: delivery.Answer{Class: delivery.Transient}, from: time.Second, back: 10 * time.Minute},
		"busy from the beginning":     {gone: delivery.Answer{Class: delivery.Transient, Status: 503}, back: 10 * time.Minute},
		"throttled for minutes":       {gone: delivery.Answer{Class: delivery.Transient, Status: 429}, back: 10 * time.Minute},
		"silent from the beginning":   {gone: delivery.Answer{Class: delivery.Transient, Timeout: true}, back: 10 * time.Minute},
		"an error from the beginning": {gone: delivery.Answer{Class: delivery.Transient, Status: 500}, back: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var subjects []string
				for i := range 500 {
					subjects = append(subjects, fmt.Sprint("s", i))
				}
				began := time.Now()
				target := &answers{answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
					if at := time.Since(began); at >= c.from && at < c.back {
						return c.gone, 10 * time.Millisecond
					}
					return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
				}}
				count, stop := sending(target, subjects, limitsOf(8, 3))
				require.Nil(t, stop)
				assert.EqualValues(t, 500, count.sent.Load())
				assert.Zero(t, count.failed.Load())
			})
		})
	}
}

// However many wait for a target that is down, one at a time asks whether it is back,
// less and less often; and when it is, everything goes on.
func TestATargetThatIsDownIsLeftInPeace(t *testing.T) {
	for name, gone := range map[string]delivery.Answer{
		"nobody listens":    {Class: delivery.Transient, Unreached: true},
		"connections close": {Class: delivery.Transient},
		"a dead gateway":    {Class: delivery.Transient, Status: 502},
		"a slow gateway":    {Class: delivery.Transient, Status: 504},
		"an error for all":  {Class: delivery.Transient, Status: 500},
		"silence":           {Class: delivery.Transient, Timeout: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const concurrency = 32
				var subjects []string
				for i := range 3000 {
					subjects = append(subjects, fmt.Sprint("s", i))
				}
				began := time.Now()
				asked, flying, most := 0, 0, 0
				target := &answers{}
				target.answer = func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
					at := time.Since(began)
					if at < 2*time.Second || at > 10*time.Minute {
						return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
					}
					asked++
					if at > 10*time.Second {
						flying++
						most = max(most, flying)
						time.AfterFunc(10*time.Millisecond, func() { target.mu.Lock(); flying--; target.mu.Unlock() })
					}
					return gone, 10 * time.Millisecond
				}
				attempts := 3
				if gone.Status == 500 {
					// For a minute behind the last success such an answer speaks of the consent
					// that asked, and one of them may happen to ask thrice.
					attempts = 6
				}
				count, stop := sending(target, subjects, limitsOf(concurrency, attempts))
				require.Nil(t, stop)
				assert.EqualValues(t, 3000, count.sent.Load())
				assert.Less(t, time.Since(began), 11*time.Minute, "it goes on soon")
				assert.Greater(t, asked, 20, "it asks whether the target is back")
				assert.Less(t, asked, 2*concurrency+100)
				assert.Equal(t, 1, most, "in flight, of those that ask")
			})
		})
	}
}

// The machine's clock may be set while a run waits: that neither ends the run nor
// makes it wait for ever.
func TestTheMachinesClockMayBeSet(t *testing.T) {
	for _, step := range []time.Duration{20 * time.Minute, -time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				target := &answers{
					wall: func() time.Time {
						now := time.Now()
						if now.Sub(began) > time.Minute {
							now = now.Add(step)
						}
						return now
					},
					answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
						if at := time.Since(began); at > time.Second && at < 5*time.Minute {
							return delivery.Answer{Class: delivery.Transient, Timeout: true}, time.Second
						}
						return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
					},
				}
				limits := limitsOf(8, 100)
				limits.Timeout = time.Second
				count, stop := sending(target, strings.Split(strings.Repeat("abcdefghij", 20), ""), limits)
				assert.Nil(t, stop)
				assert.EqualValues(t, 200, count.sent.Load())
				assert.Less(t, time.Since(began), 10*time.Minute)
			})
		})
	}
}

// The run stops when the target was gone for too long: soon when it was never
// reached, after --retry-for when it was.
func TestATargetThatStaysAwayStopsTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		from time.Duration // since when it is gone
		gone delivery.Answer
		wait time.Duration    // for one that was never there
		stop [2]time.Duration // between which the run stops
	}{
		"never there":                 {gone: delivery.Answer{Class: delivery.Transient, Unreached: true}, stop: [2]time.Duration{firstContact, 2 * firstContact}},
		"never there, and waited for": {gone: delivery.Answer{Class: delivery.Transient, Unreached: true}, wait: 15 * time.Minute, stop: [2]time.Duration{15 * time.Minute, 17 * time.Minute}},
		"gone later":                  {from: 2 * time.Second, gone: delivery.Answer{Class: delivery.Transient, Unreached: true}, stop: [2]time.Duration{15 * time.Minute, 17 * time.Minute}},
		"always busy":                 {gone: delivery.Answer{Class: delivery.Transient, Status: 503}, stop: [2]time.Duration{15 * time.Minute, 17 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var subjects []string
				for i := range 400 {
					subjects = append(subjects, fmt.Sprint("s", i))
				}
				began := time.Now()
				target := &answers{answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
					if time.Since(began) >= c.from {
						return c.gone, 10 * time.Millisecond
					}
					return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
				}}
				limits := limitsOf(8, 3)
				limits.FirstContact = c.wait
				count, stop := sending(target, subjects, limits)
				require.NotNil(t, stop)
				assert.Equal(t, StopGone, stop.Kind)
				assert.GreaterOrEqual(t, time.Since(began), c.stop[0])
				assert.Less(t, time.Since(began), c.stop[1])
				assert.Zero(t, count.failed.Load())
			})
		})
	}
}

func TestAStopAnswerStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &answers{answer: func(c *mapping.Consent, _ int) (delivery.Answer, time.Duration) {
			if c.Timestamp == 3 {
				return delivery.Answer{Class: delivery.Stopped, Status: 401, Message: "no"}, 0
			}
			return delivery.Answer{Class: delivery.Sent, Status: 200}, time.Second
		}}
		var subjects []string // one consent each: those of one person go before others
		for i := range 100 {
			subjects = append(subjects, fmt.Sprint(i))
		}
		count, stop := sending(target, subjects, limitsOf(2, 3))
		require.NotNil(t, stop)
		assert.Equal(t, StopRefused, stop.Kind)
		assert.Contains(t, stop.Detail, "401")
		assert.LessOrEqual(t, count.sent.Load(), int64(3), "what was in flight finishes, nothing else leaves")
		assert.Zero(t, count.refused.Load()+count.failed.Load())
	})
}

func TestBudgets(t *testing.T) {
	for text, c := range map[string]struct {
		failures, outcomes int64
		spent              bool
	}{
		"50%":  {100, 199, false}, // fewer than 200 say nothing
		"50% ": {101, 200, true},
		"50.%": {100, 200, false},
		"0.5%": {1, 200, false},
		".5%":  {2, 200, true},
		"100%": {500, 500, false},
		"20":   {20, 20, false},
		"20 ":  {21, 21, true},
		"0":    {1, 1, true},
		"0%":   {1, 200, true},
		"0% ":  {0, 200, false},
		"0.0%": {1, 199, false},
	} {
		b, err := ParseBudget(text)
		require.NoError(t, err, text)
		assert.Equal(t, c.spent, b.spent(c.failures, c.outcomes), "%s: %d of %d", text, c.failures, c.outcomes)
		again, err := ParseBudget(b.String())
		require.NoError(t, err)
		assert.Equal(t, b, again)
	}
	for _, bad := range []string{"", "%", "-1", "101%", "-1%", "NaN%", "1e3", "half", "5 0%"} {
		_, err := ParseBudget(bad)
		assert.ErrorContains(t, err, "failures at most", bad)
	}
}

package importer

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// timed is a timetable without a run.
func timed(cfg Timetable, pacer Pacer, days ...journal.Day) *timetable {
	return &timetable{
		Timetable: cfg, pacer: pacer, now: time.Now, clock: stopwatch(), step: 1, days: days,
		note: func(journal.Day) error { return nil }, told: func(Waiting) {}, goOn: func(time.Duration) {},
		changed: make(chan struct{}), done: make(chan struct{}),
	}
}

// sendingBy is sending by a timetable and a rate. Each consent is the next of the key that
// its subject names.
func sendingBy(target *answers, consents []*mapping.Consent, limits Limits, told func(Waiting)) (*counters, *Stop) {
	var stopped *Stop
	target.tries, target.flying, target.arrived, target.noted = map[string]int{}, map[string]int{}, map[string][]int{}, map[int]bool{}
	clock := stopwatch()
	l := newLanes(4, window{Bytes: 1 << 20, Tasks: 5000}, clock)
	s := &sender{
		target: target, lanes: l, book: target, limits: limits, clock: clock, now: time.Now, count: &counters{},
		pacer: intempt.NewPacer(intempt.PacerConfig{Max: limits.Concurrency, Rate: limits.Rate}),
		log:   slog.New(slog.DiscardHandler),
	}
	s.times = timed(limits.When, s.pacer)
	s.times.told, s.times.goOn = told, s.overlook
	s.stop = func(why Stop) {
		if stopped == nil { // the first one: the others come from the same goroutine, or later
			stopped = &why
			s.times.stop()
			l.stop(false)
		}
	}
	s.breaker = newBreaker(clock, s.probeDelay)
	var err error
	done := make(chan struct{})
	go l.requeueDue()
	for range limits.Concurrency {
		go func() {
			if e := s.loop(context.Background(), context.Background()); e != nil {
				err = e
			}
			done <- struct{}{}
		}()
	}
	for i, c := range consents {
		t := task{ref: journal.Ref{Row: int64(i + 1), Consent: 1}, last: true, key: hashKey(c.Subject(), c.Category), packed: pack(c)}
		l.addRow(source.Position{Row: int64(i + 1)}, []task{t})
	}
	l.close()
	for range limits.Concurrency {
		<-done
	}
	if err != nil {
		panic(err)
	}
	return s.count, stopped
}

func consentsOf(n int) (all []*mapping.Consent) {
	for i := range n {
		all = append(all, consentOf(i+1, fmt.Sprint("s", i)))
	}
	return all
}

// An import of several nights, at a slow rate, to a target that is gone at the beginning of
// each: all that leaves leaves in the hours, and the time between is no time for which the
// target is gone.
func TestNothingLeavesOutsideOfTheHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hours := hoursOf(t, "23:30-00:30 UTC") // a bubble begins at midnight UTC
		limits := limitsOf(8, DefaultAttempts)
		limits.Rate, limits.When = 0.05, Timetable{Hours: hours} // 180 an hour
		var arrived []time.Time
		target := &answers{answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
			now := time.Now().UTC()
			arrived = append(arrived, now)
			if now.Hour() == 23 && now.Minute() < 40 {
				return delivery.Answer{Class: delivery.Transient, Message: "gone"}, 10 * time.Millisecond
			}
			return delivery.Answer{Class: delivery.Sent, Status: 200}, 100 * time.Millisecond
		}}
		var told []Waiting
		count, stop := sendingBy(target, consentsOf(400), limits, func(w Waiting) { told = append(told, w) })
		require.Nil(t, stop)
		assert.EqualValues(t, 400, count.sent.Load())
		assert.Empty(t, target.wrong)
		for _, at := range arrived {
			assert.True(t, hours.open(at), at)
		}
		require.GreaterOrEqual(t, len(told), 4)
		for i, w := range told {
			if i%2 == 1 {
				assert.Equal(t, Waiting{}, w)
				continue
			}
			assert.Equal(t, WaitsHours, w.Why)
			assert.Equal(t, "23:30", w.Until.Format("15:04"))
		}
		assert.Greater(t, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), 47*time.Hour)
	})
}

// No more than that many requests leave on a day, retries included.
func TestNoMoreThanThatManyLeaveOnADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := limitsOf(8, DefaultAttempts)
		limits.When = Timetable{Hours: hoursOf(t, "06:00-05:59 Europe/Berlin"), PerDay: 50}
		days := map[string]int{}
		n := 0
		target := &answers{answer: func(*mapping.Consent, int) (delivery.Answer, time.Duration) {
			days[time.Now().In(limits.When.Hours.Zone).Format("01-02")]++
			if n++; n%10 == 0 {
				return delivery.Answer{Class: delivery.Transient, Status: 500}, time.Second
			}
			return delivery.Answer{Class: delivery.Sent, Status: 200}, time.Second
		}}
		count, stop := sendingBy(target, consentsOf(200), limits, func(Waiting) {})
		require.Nil(t, stop)
		assert.EqualValues(t, 200, count.sent.Load())
		require.Len(t, days, 5)
		for day, sent := range days {
			assert.LessOrEqual(t, sent, 50, day)
			if day != "01-05" {
				assert.Equal(t, 50, sent, day)
			}
		}
	})
}

// Nobody stands too permissive until the next day: an accept leaves on a day that has room
// for the reject behind it as well, and when the hours end between the two, it is the last
// that leaves.
func TestARejectIsNotLeftUntilTomorrow(t *testing.T) {
	for name, c := range map[string]struct {
		when  Timetable
		first time.Duration // how long the accept takes
	}{
		"the day is full": {Timetable{PerDay: 3, Hours: Hours{Zone: time.UTC}}, time.Second},
		"the hours end":   {Timetable{Hours: Hours{From: 0, To: 1, Zone: time.UTC}}, 58 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := limitsOf(1, DefaultAttempts)
				limits.When = c.when
				consents := consentsOf(3)
				last := consentOf(4, "s2")
				last.Action = mapping.Reject
				at := map[int64]time.Duration{}
				began := time.Now()
				target := &answers{answer: func(x *mapping.Consent, _ int) (delivery.Answer, time.Duration) {
					at[x.Timestamp] = time.Since(began)
					if x.Timestamp == 3 {
						return delivery.Answer{Class: delivery.Sent, Status: 200}, c.first
					}
					return delivery.Answer{Class: delivery.Sent, Status: 200}, time.Second
				}}
				count, stop := sendingBy(target, append(consents, last, consentOf(5, "s5")), limits, func(Waiting) {})
				require.Nil(t, stop)
				assert.EqualValues(t, 5, count.sent.Load())
				assert.Less(t, at[4]-at[3], time.Minute+time.Second, "the reject")
				assert.GreaterOrEqual(t, at[5], 24*time.Hour-time.Minute, "whoever comes after")
				if c.when.PerDay > 0 {
					assert.GreaterOrEqual(t, at[3], 24*time.Hour, "the accept")
				}
			})
		})
	}
}

// Processes that are killed, one after the other, on one day, by clocks of one zone or of
// several: what has left is never more than the number, and little of it is wasted.
func TestKillsDoNotMakeTheDayLonger(t *testing.T) {
	for _, zones := range [][]string{{"Europe/Berlin"}, {"Europe/Berlin", "America/New_York", "UTC"}} {
		for seed := range uint64(50) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			disk, dir := journal.OS{}, t.TempDir()
			w, err := journal.Create(disk, dir, journal.Header{Version: journal.Version, Shard: journal.WholeShard, History: "rows"})
			require.NoError(t, err)
			require.NoError(t, w.Pass(journal.Pass{N: 1, Kind: journal.Import}))
			const perDay, step = 100, 5
			now := time.Date(2026, 3, 29, 10, 0, 0, 0, time.UTC)
			var left, kills int64
			var days []journal.Day
			for n := 1; ; n++ {
				require.NoError(t, w.Run(journal.Run{N: n, At: now, Pass: 1, From: 1}))
				table := timed(Timetable{Hours: hoursOf(t, "00:00-24:00 "+zones[n%len(zones)]), PerDay: perDay}, nil, days...)
				table.step, table.note, table.now = step, w.Day, func() time.Time { return now }
				until := 1 + rnd.Int64N(60)
				var took int64
				for may := true; took < until; took++ {
					now = now.Add(time.Second)
					if may, err = table.admit(&task{}, 1); !may {
						break
					}
				}
				require.NoError(t, err)
				left += took
				if rnd.IntN(3) == 0 {
					require.NoError(t, table.end()) // a signal
				} else {
					kills++
				}
				require.NoError(t, w.Close())
				snap, err := journal.Read(disk, dir)
				require.NoError(t, err)
				days = snap.Days
				if took < until {
					break
				}
				w, _, err = journal.Open(disk, dir)
				require.NoError(t, err)
			}
			assert.LessOrEqual(t, left, int64(perDay), "seed %d", seed)
			assert.GreaterOrEqual(t, left, perDay-kills*step, "seed %d", seed)
			require.LessOrEqual(t, len(days), len(zones))
		}
	}
}

// A clock that is set back finds the count of that day; a later day begins anew.
func TestADayIsCountedOnce(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	table := timed(Timetable{PerDay: 2, Hours: Hours{Zone: time.UTC}}, nil)
	table.now = func() time.Time { return now }
	take := func(want bool) {
		t.Helper()
		may, err := table.admit(&task{}, 1)
		require.NoError(t, err)
		assert.Equal(t, want, may)
	}
	take(true)
	take(true)
	take(false)
	w := table.waiting()
	assert.Equal(t, WaitsDay, w.Why)
	assert.Equal(t, "2026-11-29T00:00:00Z", w.Until.Format(time.RFC3339))
	now = now.Add(24 * time.Hour)
	take(true)
	now = now.Add(-24 * time.Hour)
	take(false)
	now = now.Add(24 * time.Hour)
	take(true)
	take(false)
	table.giveBack() // it found no connection
	take(true)
	take(false)
}

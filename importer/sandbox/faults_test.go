package sandbox

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseFaults(t *testing.T) {
	f := faults(t, " 400=1% , 429=5%,reset = 0.5%,latency=5ms-50ms,poison=2%,refuse=3%,retryafter=7,401after=9,503for=2s,down=10+20,rate=100,subject500=Ann-1,")
	assert.Equal(t, []share{{status, 400, 0.01}, {status, 429, 0.05}, {reset, 0, 0.005}}, f.shares)
	assert.Equal(t, [2]time.Duration{5 * time.Millisecond, 50 * time.Millisecond}, f.latency)
	assert.Equal(t, 0.02, f.poison)
	assert.Equal(t, 0.03, f.refuse)
	assert.Equal(t, "7", f.retry)
	assert.Equal(t, []codeAfter{{401, 9}}, f.after)
	assert.Equal(t, []codeDuring{{503, 2 * time.Second}}, f.during)
	assert.Equal(t, down{10, 20, 0}, f.down)
	assert.Equal(t, 100, f.rate)
	assert.Equal(t, []codeSubject{{500, "Ann-1"}}, f.subjects, "an id keeps its case")

	assert.Len(t, faults(t, "subject500=a,subject500=b,subject500=A").subjects, 3, "each subject has its own")
	assert.Equal(t, down{0, 0, 3 * time.Second}, faults(t, "down=0+3s").down)
	assert.Equal(t, [2]time.Duration{20 * time.Millisecond, 20 * time.Millisecond}, faults(t, "latency=20ms").latency)
	assert.Equal(t, Faults{}, faults(t, "  "))
	for _, name := range kindNames[reset:poisoned] {
		assert.Len(t, faults(t, name+"=100%").shares, 1, name)
	}
	for _, name := range simpleFaults {
		_, err := ParseFaults(name + "=?")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "unknown", "every name that messages offer is understood: %s", name)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	for spec, want := range map[string]string{
		"lantecy=20ms":               `fault lantecy: unknown; did you mean latency?`,
		"resets=1%":                  `fault resets: unknown; did you mean reset?`,
		"banana=1%":                  `fault banana: unknown; there are status codes and reset, lost`,
		"400":                        `fault "400" has no value: write 400=…`,
		"400=":                       `fault "400" has no value`,
		"400=1":                      `"1" has no percent sign: write 1%`,
		"400=x%":                     `"x%" is not a percentage`,
		"400=NaN%":                   `is not between`,
		"400=101%":                   `is not between 0% and 100%`,
		"400=-1%":                    `is not between`,
		"400=60%,500=60%":            `faults add up to 120% of the requests`,
		"199=1%":                     `fault 199: is not a status`,
		"999=1%":                     `fault 999: is not a status`,
		"400=1%,429=5%,400=1%":       `fault 400 is given twice`,
		"latency=1ms, Latency = 2ms": `fault latency is given twice`,
		"lost=0%,lost=0%":            `fault lost is given twice`,
		"401after=5,401after=9":      `fault 401after is given twice`,
		"subject500=a,subject400=a":  `fault subject400 is given twice`,
		"=5%":                        `fault "=5%" has no name`,
		"401since=3":                 `after a status comes nothing, after or for`,
		"401after=0":                 `is not a request number`,
		"429for=5":                   `"5" is not a duration`,
		"latency=-5ms":               `is not a duration`,
		"latency=50ms-5ms":           `is reversed`,
		"retryafter=soon":            `not seconds, date or absurd`,
		"down=5":                     `write N+M`,
		"down=5+x":                   `write N+M`,
		"down=5+0":                   `write N+M`,
		"rate=0":                     `is not a number of requests per second`,
		"subject=x":                  `write subject500=ID`,
		"subject200=x":               `write subject500=ID`,
	} {
		_, err := ParseFaults(spec)
		if assert.Error(t, err, spec) {
			assert.Contains(t, err.Error(), want, spec)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add("400=1%,429=5%,500=1%,reset=0.5%,latency=20ms,lost=0.1%")
	f.Add("down=1+2s,401after=3,429for=1m,retryafter=date,rate=5,subject500=a")
	f.Add("=,==,%=%,４00=1%")
	f.Fuzz(func(t *testing.T, spec string) {
		got, err := ParseFaults(spec)
		if err != nil {
			return
		}
		again, err := ParseFaults(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
		w := newWeather(got, 1)
		for n := range int64(20) {
			w.early(n, time.Now())
			w.draw(n)
			w.fixed([]byte("a"), uint64(n))
			require.GreaterOrEqual(t, w.delay(n), time.Duration(0))
		}
	})
}

func TestFaultsAreDrawnAtTheirRate(t *testing.T) {
	w := newWeather(faults(t, "400=1%,429=5%,500=2%,reset=0.5%,lost=0.1%,latency=10ms-30ms,poison=3%,refuse=4%"), 42)
	const n = 200_000
	got := map[share]int{}
	var wait time.Duration
	var poison, refuse int
	for i := range int64(n) {
		if s, ok := w.draw(i); ok {
			got[s]++
		}
		wait += w.delay(i)
		if s, ok := w.fixed(fmt.Appendf(nil, "user-%d", i), uint64(i)); ok {
			switch s.kind {
			case poisoned:
				poison++
			case refused:
				refuse++
			}
		}
	}
	require.Len(t, got, 5)
	for s, count := range got {
		assert.InEpsilon(t, s.p*n, count, 0.15, kindNames[s.kind])
	}
	assert.InEpsilon(t, 20, float64(wait.Milliseconds())/n, 0.01)
	assert.InEpsilon(t, 0.03*n, poison, 0.05)
	assert.InEpsilon(t, 0.04*0.97*n, refuse, 0.05)
}

func TestDrawsDependOnSeedAndNumberAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.Int64().Draw(t, "n")
		f, err := ParseFaults("400=30%,lost=30%,latency=1ms-9ms,poison=50%")
		require.NoError(t, err)
		a, b := newWeather(f, seed), newWeather(f, seed)
		sa, oka := a.draw(n)
		sb, okb := b.draw(n)
		require.Equal(t, sa, sb)
		require.Equal(t, oka, okb)
		require.Equal(t, a.delay(n), b.delay(n))
		_, pa := a.fixed([]byte("u"), uint64(n))
		_, pb := b.fixed([]byte("u"), uint64(n))
		require.Equal(t, pa, pb)
	})
	f := faults(t, "400=50%")
	var first, second [64]bool
	for n := range int64(64) {
		_, first[n] = newWeather(f, 1).draw(n)
		_, second[n] = newWeather(f, 2).draw(n)
	}
	assert.NotEqual(t, first, second, "another seed, other draws")
}

func TestTimedFaults(t *testing.T) {
	type early struct {
		code int
		gone bool
	}
	next := func(w *weather) early {
		code, gone := w.early(w.n.Add(1), time.Now())
		return early{code, gone}
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWeather(faults(t, "down=2+3"), 0)
		for i, want := range []bool{false, false, true, true, true, false} {
			assert.Equal(t, want, next(w).gone, i)
		}
		w = newWeather(faults(t, "down=1+5s"), 0)
		assert.False(t, next(w).gone)
		time.Sleep(time.Minute) // it is the request that begins the time down
		assert.True(t, next(w).gone)
		time.Sleep(4900 * time.Millisecond)
		assert.True(t, next(w).gone)
		time.Sleep(200 * time.Millisecond)
		assert.False(t, next(w).gone)

		w = newWeather(faults(t, "429for=10s,401after=4"), 0)
		assert.Equal(t, 429, next(w).code)
		time.Sleep(11 * time.Second)
		assert.Equal(t, 0, next(w).code)
		assert.Equal(t, 0, next(w).code)
		assert.Equal(t, 401, next(w).code)
		assert.Equal(t, 401, next(w).code)

		w = newWeather(faults(t, "rate=10"), 0)
		taken := 0
		for range 1000 { // 10 s at 100 a second
			if next(w).code == 0 {
				taken++
			}
			time.Sleep(10 * time.Millisecond)
		}
		assert.InDelta(t, 10+100, taken, 1, "the burst, and then the rate")
	})
}

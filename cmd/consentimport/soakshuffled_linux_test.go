package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const shuffledRows = 5_000_000

// Five million decisions in no order, a tenth of them of one person, by a program that is
// killed three times: in the first pass, early and late. In both orders of histories each
// key stands at the target as a naive model in memory says.
//
//	CONSENTIMPORT_SOAK=1 go test -run TestShuffledSoak -v -timeout 1h ./cmd/consentimport
func TestShuffledSoak(t *testing.T) {
	if !soak {
		t.Skip("set CONSENTIMPORT_SOAK=1 to import five million rows twice")
	}
	for _, history := range []string{"chronological", "latest"} {
		t.Run(history, func(t *testing.T) {
			s := &shuffled{soaking: soaking{rows: shuffledRows, began: time.Now()}}
			if v := os.Getenv("CONSENTIMPORT_SOAK_ROWS"); v != "" {
				var err error
				s.rows, err = strconv.Atoi(v)
				require.NoError(t, err, "CONSENTIMPORT_SOAK_ROWS")
			}
			s.begin(t, s.write, "429=0.1%,lost=0.1%")
			for i, life := range []time.Duration{2 * time.Second, 15 * time.Second, 30 * time.Second} {
				s.last = s.execute(t, "--resume", "--history", history)
				s.lives = append(s.lives, s.last.live(t, "import", life*time.Duration(s.rows)/shuffledRows, false))
				require.False(t, s.lives[i].ended, "it was not killed: more rows are needed")
			}
			s.last = s.execute(t, "--resume", "--history", history)
			s.lives = append(s.lives, s.last.live(t, "import", time.Hour, true))
			require.Equal(t, exitComplete, s.last.cmd.ProcessState.ExitCode(), s.last.stderr.String())

			sum := summaryIn(t, s.out())
			assert.EqualValues(t, s.rows, sum.Consents.Made)
			assert.EqualValues(t, s.rows, sum.Consents.Sent+sum.Consents.Superseded)
			assert.Equal(t, history == "latest", sum.Consents.Superseded > int64(s.rows)/2)
			repeats := s.compare(t)
			assert.LessOrEqual(t, repeats, 3*soakConcurrency+s.stats(t).Faults["lost"])
			s.exec(t, "verify", s.out()).requireConsistent(t)
			assert.Less(t, s.lives.most().memory, int64(soakMemory))
			left, err := filepath.Glob(filepath.Join(s.out(), "*.tmp*"))
			require.NoError(t, err)
			assert.Empty(t, left)
			t.Logf("%d rows, %d sent, %d superseded, %d repeats, %d MB at most, %s in all", s.rows, sum.Consents.Sent, sum.Consents.Superseded,
				repeats, s.lives.most().memory>>20, time.Since(s.began).Round(time.Second))
			t.Log("\n" + s.lives.table())
		})
	}
}

// shuffled is a soak whose rows are in no order.
type shuffled struct{ soaking }

// says gives what row n says: one person has every tenth row, the others eight each; no
// two rows have one time.
func (s *shuffled) says(n int) (key int, second int64, no bool) {
	x := scattered(n)
	subject := 0
	if n%10 != 0 {
		subject = 1 + int(x%uint64(s.rows/8))
	}
	const prime = 67_867_967 // of seconds: two years
	return subject*len(soakCategories) + int(x>>40%3), int64(n) * 31_415_926 % prime, x>>50&1 == 0
}

func (s *shuffled) write(t *testing.T) {
	f, err := os.Create(s.export())
	require.NoError(t, err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, exportHeader)
	for n := 1; n <= s.rows; n++ {
		key, second, no := s.says(n)
		subject, decision := "u"+strconv.Itoa(key/len(soakCategories)), "yes"
		if no {
			decision = "no"
		}
		fmt.Fprintf(w, "%d,%s,%s@people.example,%s,%s,%s\n", n, subject, subject, soakCategories[key%len(soakCategories)], decision, before(second).Format(time.RFC3339))
	}
	require.NoError(t, w.Flush())
}

func before(second int64) time.Time { return began.Add(-time.Duration(second) * time.Second) }

// compare holds what arrived last of each key against the newest row of it, and sees that
// nothing older arrived after something newer. It gives how many arrived twice.
func (s *shuffled) compare(t *testing.T) (repeats int64) {
	t.Helper()
	newest := make([]int32, (s.rows/8+1)*len(soakCategories)) // rows, by key
	for n := 1; n <= s.rows; n++ {
		key, second, _ := s.says(n)
		was := newest[key]
		if was != 0 {
			if _, then, _ := s.says(int(was)); then <= second { // seconds count backwards
				continue
			}
		}
		newest[key] = int32(n)
	}
	arrived, stands := newBits(s.rows+1), make([]int32, len(newest))
	s.arrivals(t, func(n int, c *arrival) {
		key, second, no := s.says(n)
		want := fmt.Sprintf("u%d %s %d %t", key/len(soakCategories), soakCategories[key%len(soakCategories)], before(second).UnixMilli(), no)
		if got := fmt.Sprintf("%s %s %d %t", c.UserID, c.Category, c.Timestamp, c.Action == "reject"); got != want {
			require.Equal(t, want, got, "row %d", n)
		}
		if was := stands[key]; was != 0 {
			if _, then, _ := s.says(int(was)); then < second {
				require.Fail(t, "out of order", "row %d arrived after row %d, which is newer", n, was)
			}
		}
		stands[key] = int32(n)
		if !arrived.set(n) {
			repeats++
		}
	})
	require.True(t, slices.Equal(newest, stands), "the target does not stand at the newest decision of each key")
	return repeats
}

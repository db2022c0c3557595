package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lookout is a target with bad days that watches for how many keys it stands at an
// accept while the person's last word is a reject, and nobody has tried to say so yet.
type lookout struct {
	mu       sync.Mutex
	random   *rand.Rand
	fault    float64 // share of requests that fail
	lost     bool    // all of these are taken, and their answers lost
	rejected map[lane]bool
	standing map[lane]bool
	tried    map[lane]bool // a reject came and was turned away
	worst    int
	stored   int
	wrong    []string
	at       map[lane]string // time of the last decision that arrived
}

func (l *lookout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var got struct {
		UserID, Action, Category string
		Timestamp                json.Number
	}
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := lane{got.UserID, got.Category}
	bad := l.random.Float64() < l.fault
	kind := l.random.IntN(4)
	if l.lost {
		kind = 0
	}
	if bad && kind > 0 && got.Action == "reject" {
		l.tried[k] = true
	}
	if !bad || kind == 0 { // 0: it takes it, and the answer is lost
		if before := l.at[k]; len(before) == len(got.Timestamp) && before > got.Timestamp.String() {
			l.wrong = append(l.wrong, fmt.Sprintf("%v: %s after %s", k, got.Timestamp, before))
		}
		l.at[k] = got.Timestamp.String()
		l.stored++
		l.standing[k] = got.Action == "accept" && l.rejected[k]
		l.tried[k] = false
		n := 0
		for k, on := range l.standing {
			if on && !l.tried[k] {
				n++
			}
		}
		l.worst = max(l.worst, n)
	}
	switch {
	case !bad:
		_, _ = w.Write([]byte("{}"))
	case kind == 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case kind == 2:
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		panic(http.ErrAbortHandler) // the connection breaks off
	}
}

// At every prefix of what the target took, no more keys stand at an accept that a
// person has taken back than requests may be in flight, whatever fails and whenever it is
// killed. Nothing older arrives after something newer. Rows stand in any
// order, in that of their times, or those of one person together.
func TestTheTargetIsNeverMorePermissiveForLongerThanARequest(t *testing.T) {
	t.Parallel()
	const concurrency = 4
	orders := []string{"shuffled", "by time", "by person"}
	rows, rounds := 250, 6
	if soak {
		rows, rounds = 2000, 60
	}
	for round := range rounds {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(round), 5))
			l := &lookout{
				random: rand.New(rand.NewPCG(uint64(round), 6)), fault: 0.15, rejected: map[lane]bool{}, standing: map[lane]bool{}, tried: map[lane]bool{}, at: map[lane]string{},
			}
			l.lost = round%2 == 1 // known before anybody asks
			server := startQuietly(l)
			defer server.Close()
			server.Config.ErrorLog = nil
			p := program{dir: t.TempDir(), env: []string{"INTEMPT_API_KEY=" + testKey, arrivedAt + "=" + server.URL + "/quiet"}}
			export, mapping := filepath.Join(p.dir, "export.csv"), filepath.Join(p.dir, "plain.yaml")
			require.NoError(t, os.WriteFile(mapping, []byte(plainMapping), 0o600))
			require.NoError(t, os.WriteFile(export, []byte(exportHeader+strings.Join(l.draw(rows, orders[round/2%len(orders)]), "")), 0o600))
			args := []string{
				"run", "--base-url", server.URL, "--org", "o", "--project", "p", "--mapping", mapping, "--out", filepath.Join(p.dir, "out"),
				"--concurrency", strconv.Itoa(concurrency), "--max-failures", "100%", "--attempts", "50", "--resume", export,
			}
			kills := 0
			if l.lost {
				kills = 3
			}
			for range kills {
				q := p
				q.env = append([]string{fmt.Sprintf("%s=%s@%d", sendFault, []string{"before", "after"}[random.IntN(2)], 1+random.IntN(rows/3))}, p.env...)
				q.exec(t, args...)
			}
			got := p.exec(t, args...)
			require.Contains(t, []int{exitComplete, exitFailures}, got.code, got.stderr)
			l.mu.Lock()
			defer l.mu.Unlock()
			assert.LessOrEqual(t, l.worst, concurrency)
			assert.Positive(t, l.worst)
			assert.Empty(t, l.wrong)
			for k, on := range l.standing {
				assert.False(t, on, "%v stands at an accept at the end", k)
			}
		})
	}
}

// draw makes rows of histories, and notes whose last word is a reject.
func (l *lookout) draw(n int, order string) []string {
	type row struct {
		second int
		l      lane
		no     bool
	}
	all := make([]row, n)
	for i := range all {
		all[i] = row{i + 1, lane{fmt.Sprintf("u%d", l.random.IntN(n/4)), "mail"}, l.random.IntN(2) == 0}
	}
	for _, r := range all {
		l.rejected[r.l] = r.no
	}
	switch order {
	case "shuffled":
		l.random.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	case "by person":
		sorted := make([]row, 0, n)
		for u := range n / 4 {
			for _, r := range all {
				if r.l.subject == fmt.Sprintf("u%d", u) {
					sorted = append(sorted, r)
				}
			}
		}
		all = sorted
	}
	out := make([]string, n)
	for i, r := range all {
		decision := "yes"
		if r.no {
			decision = "no"
		}
		out[i] = fmt.Sprintf("%d,%s,%s@people.example,%s,%s,%s\n", i+1, r.l.subject, r.l.subject, r.l.category, decision,
			began.Add(time.Duration(r.second)*time.Second).Format(time.RFC3339))
	}
	return out
}

// What is held back has its outcome before a mark says that its row is finished: else a
// resume would never come to it again.
func TestWhatIsHeldBackHasItsOutcomeInTime(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 6000, "")
	r.here(t, nil, r.args("--history", "latest")...).requireCode(t, exitComplete)
	s := summaryIn(t, r.out())
	assert.Zero(t, s.Consents.Pending)
	assert.Equal(t, s.Consents.Made, s.Consents.Sent+s.Consents.Superseded)
	assert.Positive(t, s.Consents.Superseded)
	r.exec(t, "verify", r.out()).requireCode(t, exitComplete)
}

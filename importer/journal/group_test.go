package journal

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The runs of a group take in the consents that are in it, all of them, and no
// other that a row made.
func TestGroupHasItsConsentsAndNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 12).Draw(t, "made")
		var g group
		want := map[Ref]int{}
		for row, k := range made {
			for c := range k {
				r := Ref{int64(row + 1), int32(c + 1)}
				want[r] = rapid.SampledFrom([]int{1, 1, 1, 0, 2}).Draw(t, "times")
				for range want[r] {
					g.sent = append(g.sent, sentRef{r, c+1 == k})
				}
			}
		}
		total := len(g.sent)
		rand.Shuffle(total, func(i, j int) { g.sent[i], g.sent[j] = g.sent[j], g.sent[i] })
		var memory []span
		eachLine(g.sent, &memory, func(spans []span, n int64) {
			var r record
			require.NoError(t, r.decode(appendSent(nil, kindSent, spans, n)))
			require.Equal(t, spans, r.spans)
			total -= int(n)
			for ref := range want {
				for _, s := range spans {
					if s.has(ref) {
						want[ref]--
						n--
					}
				}
			}
			require.Zero(t, n, "n counts what the runs take in")
		})
		require.Zero(t, total)
		for ref, n := range want {
			require.Zero(t, n, "consent %s", ref)
		}
	})
}

// gate is a Disk that lets each write of outcomes through only when told.
type gate struct {
	OS
	reached chan struct{} // a write is there
	open    chan struct{} // it goes through
}

func (g gate) Append(path string) (File, error) {
	f, err := g.OS.Append(path)
	return gatedFile{f, g}, err
}

type gatedFile struct {
	File
	gate
}

func (f gatedFile) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), `{"sent":`) {
		f.reached <- struct{}{}
		<-f.open
	}
	return f.File.Write(b)
}

// What comes while a write is under way waits for it, is written together, and
// nobody is told before that.
func TestAppendReturnsOnceItIsWritten(t *testing.T) {
	dir := t.TempDir()
	g := gate{reached: make(chan struct{}), open: make(chan struct{})}
	w, err := Create(g, dir, Header{})
	require.NoError(t, err)
	require.NoError(t, w.Pass(Pass{N: 1}))
	require.NoError(t, w.Run(Run{N: 1, Pass: 1}))

	returned := make(chan int64, 8)
	send := func(row int64, consent int32, last bool) {
		go func() {
			assert.NoError(t, w.Append(Outcome{Ref: Ref{row, consent}, State: Sent, Last: last}))
			returned <- row
		}()
	}
	// waiting is how many outcomes and records the group that is open has.
	waiting := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.group == nil {
			return 0
		}
		return len(w.group.sent) + len(w.group.records)
	}
	until := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { return waiting() == n }, 10*time.Second, 100*time.Microsecond)
	}
	send(1, 1, true)
	<-g.reached
	for i, row := range []int64{7, 3, 2, 4} {
		send(row, 1, row != 3)
		until(i + 1)
	}
	go func() {
		assert.NoError(t, w.Mark(Mark{High: 7}))
		returned <- 0
	}()
	until(5)
	require.Empty(t, returned)
	g.open <- struct{}{}
	require.EqualValues(t, 1, <-returned)
	<-g.reached
	require.Empty(t, returned)
	g.open <- struct{}{}
	for range 5 {
		<-returned
	}
	require.NoError(t, w.Close())

	text, err := os.ReadFile(filepath.Join(dir, Name))
	require.NoError(t, err)
	var got []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, `{"seal":`) {
			got = append(got, line)
		}
	}
	require.Len(t, got, 6)
	assert.Contains(t, got[3], `{"sent":"1.1","n":1,`)
	assert.Contains(t, got[4], `{"sent":"2.1-3.1 4.1 7.1","n":4,`, "row 3 may have made more than one")
	assert.Contains(t, got[5], `{"mark":`)
}

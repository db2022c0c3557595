package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
)

// model is the naive importer: it knows the outcome of every consent of every
// pass.
type model struct {
	made   []int // consents of row i+1
	passes []map[journal.Ref]journal.Outcome
	runs   int
	low    int64 // of the last pass
	high   int64 // last row that this run has read
	marked int64 // low row of the last mark that is in the file; 0 without one
	seen   int64 // highest row of all marks of the last pass
	ahead  bool  // outcomes come far ahead of the rows that are read
}

func (m *model) last() map[journal.Ref]journal.Outcome { return m.passes[len(m.passes)-1] }

// settled reports whether the last pass has nothing to do for a consent.
func (m *model) settled(r journal.Ref) bool {
	for i, p := range m.passes {
		if o, ok := p[r]; ok && (o.State.Final() || i == len(m.passes)-1) {
			return true
		}
	}
	return false
}

// open lists consents of rows up to high that have no outcome in this pass yet.
func (m *model) open() (refs []journal.Ref) {
	high := m.high
	if m.ahead {
		high = int64(len(m.made))
	}
	for row := m.low; row <= high; row++ {
		for c := range m.made[row-1] {
			if r := ref(row, int32(c+1)); !m.settled(r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// advance moves the low-water row over rows that are settled as a whole.
func (m *model) advance() {
	for m.low <= m.high {
		for c := range m.made[m.low-1] {
			if !m.settled(ref(m.low, int32(c+1))) {
				return
			}
		}
		m.low++
	}
}

// final is what the outcomes of passes must say of a consent.
func (m *model) final(r journal.Ref, passes int) journal.PassOutcome {
	out := journal.PassOutcome{Outcome: journal.Outcome{Ref: r}}
	for i, p := range m.passes[:passes] {
		if o, ok := p[r]; ok && !out.State.Final() {
			o.Last = false
			if o.State == journal.Sent || o.State == journal.Known {
				o = journal.Outcome{Ref: r, State: o.State}
			}
			out = journal.PassOutcome{Outcome: o, Pass: i + 1}
		}
	}
	return out
}

func (m *model) counts() (all journal.Counts, by []journal.Counts) {
	for _, p := range m.passes {
		var c journal.Counts
		for _, o := range p {
			switch o.State {
			case journal.Sent:
				c.Sent++
			case journal.Refused:
				c.Refused++
			case journal.Failed:
				c.Failed++
			case journal.Superseded:
				c.Superseded++
			case journal.Known:
				c.Known++
			}
		}
		by = append(by, c)
		all.Sent += c.Sent
		all.Refused += c.Refused
		all.Failed += c.Failed
		all.Superseded += c.Superseded
		all.Known += c.Known
	}
	return all, by
}

func drawOutcome(t *rapid.T, r journal.Ref, last bool) journal.Outcome {
	o := journal.Outcome{Ref: r, Last: last, State: journal.Sent}
	switch rapid.IntRange(0, 9).Draw(t, "outcome") {
	case 0:
		o.State, o.Status, o.Attempts, o.Message = journal.Refused, 400, 1, rapid.String().Draw(t, "message")
	case 1:
		o.State, o.Attempts = journal.Failed, 8
	case 2:
		o.State, o.By, o.In = journal.Superseded, ref(r.Row+1, 1), rapid.SampledFrom([]int{0, 0, 1, 77}).Draw(t, "in")
	case 3, 4:
		o.State = journal.Known
	}
	return o
}

// Random imports, in random groups, killed at random points, over several
// passes: what is read from the file is what the model says, at any time.
func TestJournalAgreesWithModel(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		m := &model{made: rapid.SliceOfN(rapid.IntRange(0, 3), 1, 40).Draw(t, "made")}
		w, err := journal.Create(journal.OS{}, dir, header())
		require.NoError(t, err)
		begin := func(pass bool) {
			if pass {
				m.passes = append(m.passes, map[journal.Ref]journal.Outcome{})
				m.low, m.high, m.marked, m.seen = 1, 0, 0, 0
				kind := journal.Retry
				if len(m.passes) == 1 {
					kind = journal.Import
				}
				require.NoError(t, w.Pass(journal.Pass{N: len(m.passes), Kind: kind}))
			}
			m.runs++
			m.ahead = rapid.IntRange(0, 3).Draw(t, "ahead") == 0
			require.NoError(t, w.Run(journal.Run{N: m.runs, Pass: len(m.passes), At: moment, From: m.low}))
		}
		begin(true)
		for range rapid.IntRange(0, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				m.check(t, dir)
			case 1:
				if len(m.passes) < 4 {
					begin(true)
				}
			case 2:
				dir = crash(t, dir, w, fmt.Sprintf("%s-%d", dir, m.runs))
				w, _, err = journal.Open(journal.OS{}, dir)
				require.NoError(t, err)
				begin(false)
				// It reads again from the low row on, and its marks say less for a while.
				m.low, m.high = max(m.marked, 1), max(m.marked, 1)-1
			case 3:
				require.NoError(t, w.Sync())
			case 4, 5:
				m.high = min(m.high+rapid.Int64Range(0, 12).Draw(t, "rows read"), int64(len(m.made)))
				m.advance()
				require.NoError(t, w.Mark(mark(m.low, m.high)))
				m.marked, m.seen = m.low, max(m.seen, m.high)
			default:
				refs := m.open()
				if len(refs) == 0 {
					continue
				}
				refs = rapid.Permutation(refs).Draw(t, "order")[:rapid.IntRange(1, len(refs)).Draw(t, "answers")]
				var wg sync.WaitGroup
				for _, r := range refs {
					o := drawOutcome(t, r, int(r.Consent) == m.made[r.Row-1])
					m.last()[r] = o
					wg.Go(func() {
						if err := w.Append(o); err != nil {
							t.Errorf("append: %v", err)
						}
					})
				}
				wg.Wait()
			}
		}
		require.NoError(t, w.Close())
		m.check(t, dir)
	})
}

// crash leaves in a new directory what a kill would leave: all that was
// written, and maybe a part of a line more.
func crash(t *rapid.T, dir string, w *journal.Writer, to string) string {
	text, err := os.ReadFile(filepath.Join(dir, journal.Name))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	torn := text[:bytes.IndexByte(text, '\n')]
	text = append(text, torn[:rapid.IntRange(0, len(torn)).Draw(t, "torn")]...)
	require.NoError(t, os.MkdirAll(to, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(to, journal.Name), text, 0o600))
	return to
}

// check compares everything that can be read with the model.
func (m *model) check(t *rapid.T, dir string) {
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	all, by := m.counts()
	require.Equal(t, all, s.Total)
	require.Equal(t, by, s.ByPass)
	require.Len(t, s.Runs, m.runs)
	require.Equal(t, m.seen, s.High(len(m.passes)))
	if s.Mark != nil {
		require.Equal(t, [2]int64{m.marked, m.seen}, [2]int64{s.Mark.Low.Row, s.Mark.High})
	}
	passes := rapid.IntRange(1, len(m.passes)).Draw(t, "passes")
	from := rapid.IntRange(0, len(m.made)).Draw(t, "from")
	l, err := s.OutcomesFrom(passes, int64(from))
	require.NoError(t, err)
	defer l.Close()
	every := rapid.IntRange(1, 3).Draw(t, "every")
	for row := max(from, 1); row <= len(m.made); row += every {
		k := m.made[row-1]
		got, err := l.Of(int64(row), k, nil)
		require.NoError(t, err)
		require.Len(t, got, k)
		for c := range k {
			require.Equal(t, m.final(ref(int64(row), int32(c+1)), passes), got[c])
		}
	}
	for pass := 1; pass <= passes; pass++ {
		failed := map[journal.Ref]journal.Outcome{}
		for o, err := range l.Failures(pass) {
			require.NoError(t, err)
			failed[o.Ref] = o
		}
		want := map[journal.Ref]journal.Outcome{}
		for r, o := range m.passes[pass-1] {
			if o.State == journal.Refused || o.State == journal.Failed {
				o.Last = false
				want[r] = o
			}
		}
		require.Equal(t, want, failed)
	}

	v, err := journal.Verify(journal.OS{}, dir)
	require.NoError(t, err)
	require.Zero(t, v.Overlaps, "%v", v.Examples)
}

package journal_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// A row that takes long holds the low-water row back while thousands of others
// come and go; the reader of outcomes waits for it.
func TestOutcomesWaitForASlowRow(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	const rows = 20000
	for row := int64(2); row <= rows; row++ {
		if row%2 == 0 {
			require.NoError(t, w.Append(sent(row, 1, true)))
		} else {
			require.NoError(t, w.Append(refused(row, 1, "no")))
		}
		if row%1000 == 0 {
			require.NoError(t, w.Mark(mark(1, row)))
		}
	}
	require.NoError(t, w.Append(sent(1, 1, true)))
	require.NoError(t, w.Mark(mark(rows+1, rows)))
	require.NoError(t, w.Close())
	requireStates(t, dir, rows, func(row int64) journal.State {
		if row%2 == 1 && row > 1 {
			return journal.Refused
		}
		return journal.Sent
	})
}

// requireStates looks the only consent of each row up, one row after the other.
func requireStates(t *testing.T, dir string, rows int64, want func(row int64) journal.State) {
	t.Helper()
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	l, err := s.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	var got []journal.PassOutcome
	for row := int64(1); row <= rows; row++ {
		got, err = l.Of(row, 1, got[:0])
		require.NoError(t, err)
		require.Equal(t, want(row), got[0].State, "row %d", row)
	}
}

// What is finished far behind a row that takes long is not held in memory while the
// reader waits for that row.
func TestOutcomesFarAheadOfASlowRowTakeNoMemory(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	const rows, portion = 600_000, 10_000
	for from := int64(2); from <= rows; from += portion {
		var held []journal.Outcome
		for row := from; row < min(from+portion, rows+1); row++ {
			held = append(held, journal.Outcome{Ref: journal.Ref{Row: row, Consent: 1}, Last: true, State: journal.Superseded, By: journal.Ref{Row: 1, Consent: 1}})
		}
		require.NoError(t, w.AppendAll(held))
		require.NoError(t, w.Mark(mark(1, from+portion-1)))
	}
	require.NoError(t, w.Append(sent(1, 1, true)))
	require.NoError(t, w.Mark(mark(rows+1, rows)))
	require.NoError(t, w.Close())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	requireStates(t, dir, rows, func(row int64) journal.State {
		if row > 1 {
			return journal.Superseded
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		return journal.Sent
	})
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(16<<20))
}

// The memory of reading follows the window of the importer, not the length of
// the file: here 30,000 consents, of which a third fails, in windows of 100.
func TestReadingIsBounded(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	const rows, window = 30000, 100
	rng := rand.New(rand.NewPCG(1, 1))
	for from := int64(1); from <= rows; from += window {
		for _, i := range rng.Perm(window) {
			row := from + int64(i)
			if row%3 == 0 {
				require.NoError(t, w.Append(refused(row, 1, "unknown source: 17")))
			} else {
				require.NoError(t, w.Append(sent(row, 1, true)))
			}
		}
		require.NoError(t, w.Mark(mark(from+window, from+window)))
	}
	require.NoError(t, w.Close())
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	assert.EqualValues(t, rows, s.Total.All())
	l, err := s.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	var got []journal.PassOutcome
	for row := int64(1); row <= rows; row++ {
		got, err = l.Of(row, 1, got[:0])
		require.NoError(t, err)
		require.Equal(t, row%3 == 0, got[0].State == journal.Refused)
	}
	assert.Less(t, journal.CursorMax(l), rows/2)

	// One that goes on late in the export skips what lies before.
	late, err := s.Outcomes(0)
	require.NoError(t, err)
	defer late.Close()
	got, err = late.Of(rows, 1, nil)
	require.NoError(t, err)
	assert.Equal(t, journal.Refused, got[0].State)
	assert.Less(t, journal.CursorMax(late), rows/2)
}

func TestSnapshotSumsRuns(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	latency := func(ms ...int64) string {
		h := journal.NewLatency()
		for _, v := range ms {
			require.NoError(t, h.RecordValue(v*1000))
		}
		s, err := journal.EncodeLatency(h)
		require.NoError(t, err)
		return s
	}
	at := func(s int, m journal.Mark, h journal.HTTP) journal.Mark {
		m.At, m.HTTP = moment.Add(time.Duration(s)*time.Second), h
		return m
	}
	require.NoError(t, w.Mark(at(1, mark(1, 5), journal.HTTP{Requests: 3, Latency: latency(1, 2, 3)})))
	require.NoError(t, w.Mark(at(3, mark(2, 7), journal.HTTP{Requests: 5, Retries: 1, ByStatus: map[string]int64{"200": 4, "500": 1}})))
	require.NoError(t, w.Run(journal.Run{N: 2, Pass: 1, At: moment.Add(time.Hour)}))
	require.NoError(t, w.Append(sent(2, 1, true)))
	require.NoError(t, w.Mark(at(3605, mark(3, 7), journal.HTTP{Requests: 10, ByStatus: map[string]int64{"200": 10}, Latency: latency(9)})))
	s, err := journal.Read(journal.OS{}, dir) // the second run did not end
	require.NoError(t, err)
	require.NoError(t, w.Close())

	assert.EqualValues(t, 15, s.HTTP.Requests)
	assert.EqualValues(t, 1, s.HTTP.Retries)
	assert.Equal(t, map[string]int64{"200": 14, "500": 1}, s.HTTP.ByStatus)
	h, err := journal.DecodeLatency(s.HTTP.Latency)
	require.NoError(t, err)
	assert.EqualValues(t, 4, h.TotalCount())
	assert.InDelta(t, 9000, h.Max(), 10)
	assert.Nil(t, s.End)
	assert.Equal(t, 8*time.Second, s.Active)
	assert.Equal(t, moment.Add(3605*time.Second), s.Finished)
	require.Len(t, s.Timeline, 3)
	assert.Equal(t, journal.Point{At: s.Finished, Run: 2, Counts: journal.Counts{Sent: 1}, Requests: 15, Retries: 1}, s.Timeline[2])
	_, err = journal.DecodeLatency("none")
	assert.Error(t, err)
}

func TestTimelineIsThinned(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	const marks = 3000
	for i := range int64(marks) {
		require.NoError(t, w.Append(sent(i+1, 1, true)))
		m := mark(i+2, i+1)
		m.At = moment.Add(time.Duration(i) * time.Second)
		require.NoError(t, w.Mark(m))
	}
	require.NoError(t, w.Close())
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	assert.Greater(t, len(s.Timeline), 200)
	assert.LessOrEqual(t, len(s.Timeline), 512)
	last := s.Timeline[len(s.Timeline)-1]
	assert.EqualValues(t, marks, last.Sent)
	for i := 1; i < len(s.Timeline); i++ {
		require.True(t, s.Timeline[i-1].At.Before(s.Timeline[i].At))
		require.Less(t, s.Timeline[i].At.Sub(s.Timeline[i-1].At), 40*time.Second)
	}
}

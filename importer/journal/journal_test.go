package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
)

func ref(row int64, consent int32) journal.Ref { return journal.Ref{Row: row, Consent: consent} }

func sent(row int64, consent int32, last bool) journal.Outcome {
	return journal.Outcome{Ref: ref(row, consent), State: journal.Sent, Last: last}
}

func refused(row int64, consent int32, message string) journal.Outcome {
	return journal.Outcome{Ref: ref(row, consent), State: journal.Refused, Status: 400, Attempts: 1, Message: message}
}

func mark(low, high int64) journal.Mark {
	return journal.Mark{At: moment, Low: source.Position{Row: low, Line: low + 1, Offset: low * 100}, High: high}
}

var moment = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

func header() journal.Header {
	return journal.Header{
		Tool: "1.0.0", ID: "c0ffee", Started: moment,
		Inputs: []journal.Input{{Path: "export.csv", Abs: "/data/export.csv", Bytes: 1000, Head: "ab", HeadBytes: 1000}},
		Target: journal.Target{BaseURL: "http://127.0.0.1:8787", Org: "o", Project: "p", Dialect: "docs"},
		Shard:  "1/1", History: "rows",
	}
}

// begin creates a checkpoint with a first pass and run.
func begin(t testing.TB, dir string) *journal.Writer {
	t.Helper()
	w, err := journal.Create(journal.OS{}, dir, header())
	require.NoError(t, err)
	require.NoError(t, w.Pass(journal.Pass{N: 1, Kind: journal.Import}))
	require.NoError(t, w.Run(journal.Run{N: 1, At: moment, Tool: "1.0.0", Pass: 1, From: 1}))
	return w
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	dir := t.TempDir() + "/out"
	w := begin(t, dir)
	require.NoError(t, w.Mark(mark(1, 4)))
	for _, o := range []journal.Outcome{
		sent(1, 1, false), sent(1, 2, true), sent(2, 1, true),
		refused(3, 1, "source \"x\" \x00 unknown\xff"),
		{Ref: ref(3, 2), State: journal.Failed, Attempts: 8, Message: "time-out", Last: true},
		{Ref: ref(4, 1), State: journal.Superseded, By: ref(9, 1), Last: true},
	} {
		require.NoError(t, w.Append(o))
	}
	require.NoError(t, w.Mark(mark(2, 9)))
	require.NoError(t, w.End(journal.End{At: moment.Add(time.Minute), State: "incomplete", Why: "limit"}))
	require.NoError(t, w.Close())

	w, s, err := journal.Open(journal.OS{}, dir)
	require.NoError(t, err)
	defer w.Close()
	want := header()
	want.Version = journal.Version
	assert.Equal(t, want, s.Header)
	assert.Equal(t, journal.Counts{Sent: 3, Refused: 1, Failed: 1, Superseded: 1}, s.Total)
	assert.Equal(t, []journal.Counts{s.Total}, s.ByPass)
	assert.Equal(t, "limit", s.End.Why)
	assert.Equal(t, mark(2, 9), *s.Mark)
	assert.EqualValues(t, 9, s.High(1))
	assert.Zero(t, s.Torn)

	l, err := s.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	got, err := l.Of(1, 2, nil)
	require.NoError(t, err)
	assert.Equal(t, []journal.PassOutcome{
		{Outcome: journal.Outcome{Ref: ref(1, 1), State: journal.Sent}, Pass: 1},
		{Outcome: journal.Outcome{Ref: ref(1, 2), State: journal.Sent}, Pass: 1},
	}, got)
	got, err = l.Of(3, 3, nil)
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, journal.Refused, got[0].State)
	assert.Equal(t, journal.Failed, got[1].State)
	assert.Equal(t, journal.PassOutcome{Outcome: journal.Outcome{Ref: ref(3, 3)}}, got[2])
	got, err = l.Of(4, 1, got[:0])
	require.NoError(t, err)
	assert.Equal(t, ref(9, 1), got[0].By)
	again, err := l.Of(4, 1, nil)
	require.NoError(t, err)
	assert.Equal(t, got, again)
	_, err = l.Of(3, 1, nil)
	assert.Error(t, err)
}

// Every run that may have left a request without its answer leaves a trace, however
// the runs after it ended; one that had all its answers leaves none.
func TestWhatMayBeUnderWayIsTakenFromAllRuns(t *testing.T) {
	at := func(s int) time.Time { return moment.Add(time.Duration(s) * time.Second) }
	type run struct {
		began, marked, ended int // seconds; 0: not
		unanswered           int
	}
	for name, c := range map[string]struct {
		runs []run
		want int // seconds; 0: none
	}{
		"had all its answers":                    {[]run{{1, 5, 6, 0}}, 0},
		"died":                                   {[]run{{1, 5, 0, 0}}, 6},
		"died before it sent":                    {[]run{{1, 0, 0, 0}}, 0},
		"died, and the next came to an end":      {[]run{{1, 5, 0, 0}, {10, 11, 12, 0}}, 6},
		"died, and the next died before it sent": {[]run{{1, 5, 0, 0}, {10, 0, 0, 0}}, 6},
		"died twice":                             {[]run{{1, 5, 0, 0}, {10, 14, 0, 0}}, 15},
		"stopped with requests cut":              {[]run{{1, 5, 20, 18}}, 18},
		"stopped with requests cut, and the next with none": {[]run{{1, 5, 20, 18}, {30, 31, 32, 0}}, 18},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir() + "/out"
			w, err := journal.Create(journal.OS{}, dir, header())
			require.NoError(t, err)
			require.NoError(t, w.Pass(journal.Pass{N: 1, Kind: journal.Import}))
			for i, r := range c.runs {
				require.NoError(t, w.Run(journal.Run{N: i + 1, At: at(r.began), Pass: 1, From: 1}))
				if r.marked > 0 {
					m := mark(1, 4)
					m.At = at(r.marked)
					require.NoError(t, w.Mark(m))
				}
				if r.ended > 0 {
					e := journal.End{At: at(r.ended), State: "incomplete"}
					if r.unanswered > 0 {
						e.Unanswered = at(r.unanswered)
					}
					require.NoError(t, w.End(e))
				}
			}
			require.NoError(t, w.Pass(journal.Pass{N: 2, Kind: journal.Retry}))
			s, err := journal.Read(journal.OS{}, dir) // without a seal, whose time is that of the test
			require.NoError(t, err)
			require.NoError(t, w.Close())
			want := time.Time{}
			if c.want > 0 {
				want = at(c.want)
			}
			if s.Unanswered.Sub(want).Abs() > time.Millisecond {
				t.Fatalf("%v, want %v", s.Unanswered, want)
			}
		})
	}
}

package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
)

// A resume of an export that is in order maps what is still to be sent, and of the rest
// only what was under way; however often it is stopped.
func TestAResumeInOrderLooksAtNoMoreThanWasUnderWay(t *testing.T) {
	t.Parallel()
	const rows, step, batch = 12_000, 4000, 1024 // rows of a batch, at most
	l := newLife(t, lifeExport(rows))
	first := l.run(func(*Config) {}, step)
	require.Equal(t, StopLimit, first.stop.Kind)
	for _, left := range []int64{rows - step, rows - 2*step} {
		got := l.run(resume, step)
		assert.LessOrEqual(t, got.sending, left+2*batch, "rows that are mapped to send %d", left)
	}
	requireEachOnce(t, l, rows)
}

// What came behind the end may be older than what was sent: all rows are looked at again, in
// this resume and in those after it.
func TestAResumeOfAnExportThatGrewLooksAtAllRows(t *testing.T) {
	t.Parallel()
	const rows = 3000
	l := newLife(t, lifeExport(rows))
	l.run(func(*Config) {}, rows/3)
	grown, err := os.OpenFile(l.export, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = fmt.Fprintf(grown, "u1,said,no,yes,%s\n", lifeTime(-5))
	require.NoError(t, err)
	require.NoError(t, grown.Close())
	l.run(resume, rows/3)
	got := l.run(resume, 0)
	assert.Equal(t, 2, got.counts[journal.Superseded], "both consents of the row that came are older than those sent")
	requireEachOnce(t, l, rows)
}

// Where histories leave as a whole with their first rows, a resume looks at the rows from
// where it goes on.
func TestAResumeOfAnExportThatIsNotInOrderLooksAtTheRest(t *testing.T) {
	t.Parallel()
	const rows, step, batch = 12_000, 4000, 1024 // a person's rows are 6,000 apart
	l := newLife(t, shuffledExport(rows))
	l.run(func(*Config) {}, step)
	got := l.run(resume, 0)
	assert.LessOrEqual(t, got.sending, int64(2*(rows-step)+3*batch))
	assert.Greater(t, got.sending, int64(rows-step))
	assert.Len(t, l.accepted, got.counts[journal.Sent], "each once")
	assert.Zero(t, got.counts[journal.Pending]+got.counts[journal.Superseded])
	assert.Zero(t, l.late)
}

// A run is stopped between an accept and the reject behind it: the next one begins with the
// reject, though the row of the accept is finished.
func TestAResumeFindsTheAcceptBeforeItsFirstRow(t *testing.T) {
	t.Parallel()
	const rows, at = 2000, 1001
	lines := strings.SplitAfter(lifeExport(rows), "\n")
	lines[at] = fmt.Sprintf("w,said,yes,yes,%s\n", lifeTime(at)) // behind the header
	lines[at+1] = fmt.Sprintf("w,said,no,no,%s\n", lifeTime(at+1))
	l := newLife(t, strings.Join(lines, ""))
	l.gone = func(name string) bool { return strings.HasPrefix(name, "w ") && slices.Contains(l.accepted, name) }
	stop := l.run(func(*Config) {}, 0).stop
	require.NotNil(t, stop)
	l.gone = nil

	im, err := Open(Config{
		Disk: journal.OS{}, Dir: filepath.Join(l.dir, "out"), Source: source.Config{Paths: []string{l.export}}, Resume: true,
		Target: journal.Target{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"},
	})
	require.NoError(t, err)
	defer im.Close()
	require.NoError(t, im.Arrange(t.Context()))
	require.NotNil(t, im.narrowed)
	first, ok, err := im.order.steps.Peek()
	require.NoError(t, err)
	require.True(t, ok)
	assert.EqualValues(t, at+1, first.Place.Row())
	assert.Equal(t, history.Front, first.Other)
}

// Of two consents that are equal one is sent: a resume has to know the one that was.
func TestAResumeOfAnExportWithRepeatsLooksAtAllRows(t *testing.T) {
	t.Parallel()
	const rows = 2000
	l := newLife(t, lifeExport(rows)+"u1"+strings.SplitN(strings.SplitN(lifeExport(1), "\nu1", 2)[1], "\n", 2)[0]+"\n")
	l.run(func(*Config) {}, rows/2)
	got := l.run(resume, 0)
	assert.Equal(t, 2, got.counts[journal.Superseded])
	requireEachOnce(t, l, rows)
}

// requireEachOnce checks that each consent of a lifeExport arrived once.
func requireEachOnce(t *testing.T, l *life, rows int64) {
	t.Helper()
	seen := map[string]int{}
	for _, name := range l.accepted {
		seen[name]++
	}
	for name, n := range seen {
		require.Equal(t, 1, n, name)
	}
	want := 0
	for _, line := range strings.Split(strings.TrimSpace(lifeExport(rows)), "\n")[1:] {
		if cells := strings.Split(line, ","); cells[1] == "said" && (cells[2] == "yes" || cells[2] == "no") {
			want += 2
		}
	}
	require.Len(t, seen, want)
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
)

// paced is a run looked at once a second.
func paced(moments ...importer.Progress) (*pace, importer.Progress) {
	s := newPace(began, moments[0])
	for i, p := range moments[1:] {
		s.add(began.Add(time.Duration(i+1)*time.Second), p)
	}
	return s, moments[len(moments)-1]
}

func TestTheTimeLeftCountsWhatWaits(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, c := range []struct {
		name    string
		moments []importer.Progress
		want    string
	}{
		{"nothing yet", []importer.Progress{{Size: mb}}, ""},
		{"nothing moves", []importer.Progress{{Size: mb}, {Size: mb, Bytes: mb / 2, Made: 100}}, ""},
		// A tenth is read and holds 1,000 consents, of which 100 a second are answered.
		{"read faster than sent", []importer.Progress{{Size: 10 * mb}, {Size: 10 * mb, Bytes: mb, Made: 1000, Settled: 100}}, "1m 39s"},
		{"all is read, much waits", []importer.Progress{{Size: mb}, {Size: mb, Bytes: mb, Made: 1000, Settled: 100}}, "9s"},
		// What earlier runs did says nothing about this one's speed.
		{"first second of a resume", []importer.Progress{{Size: 10 * mb}, {Size: 10 * mb, Began: 8 * mb, Bytes: 9 * mb, Made: 1000, Settled: 100}}, "19s"},
		{"rows that make no consent", []importer.Progress{{Size: 10 * mb}, {Size: 10 * mb, Bytes: mb}}, "9s"},
		{"days", []importer.Progress{{Size: 1000 * mb}, {Size: 1000 * mb, Bytes: mb, Made: 4000, Settled: 10}}, "4d 15h"},
		{"done", []importer.Progress{{Size: mb}, {Size: mb, Bytes: mb, Made: 10, Settled: 10}}, ""},
	} {
		s, p := paced(c.moments...)
		got := ""
		if eta, ok := s.eta(p); ok {
			got = span(eta)
		}
		assert.Equal(t, c.want, got, c.name)
	}
}

// Speed is that of the last ten seconds, not of the whole run.
func TestSpeedForgets(t *testing.T) {
	t.Parallel()
	var moments []importer.Progress
	settled := int64(0)
	for i := range 40 {
		if i < 20 {
			settled += 1000
		} else {
			settled += 10
		}
		moments = append(moments, importer.Progress{Settled: settled})
	}
	s, _ := paced(moments...)
	assert.InDelta(t, 10, s.rate, 0.01)
}

func TestProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	s, p := paced(importer.Progress{Size: 9 << 40}, importer.Progress{
		Size: 9 << 40, Bytes: 4 << 40, Made: 3_000_000_000, Settled: 1_234_567, Invalid: 1, Retrying: 17, Throttled: true,
		Counts: journal.Counts{Sent: 1_234_567_890, Refused: 123_456, Failed: 2345, Superseded: 3},
	})
	for _, width := range []int{30, 40, 60, 80, 120, 200} {
		var out safeBuffer
		draw := bar(&oneLine{w: &out, columns: func() int { return width }})
		draw(p, s, false)
		draw(p, s, true)
		frames := strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\r' || r == '\n' })
		require.NotEmpty(t, frames)
		shown := 0
		for _, f := range frames {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(f, " ")), width-1, "%d columns: %q", width, f)
			if strings.Contains(f, "1,234,567,890 sent") {
				shown++
			}
			if width >= 60 && strings.Contains(f, "sent") {
				assert.Contains(t, f, "throttled", "%d columns", width)
			}
			if width >= 80 && strings.Contains(f, "sent") {
				assert.Contains(t, f, "ETA ", "%d columns", width)
			}
			if width >= 200 && strings.Contains(f, "sent") {
				assert.Contains(t, f, "1 invalid row, ")
				assert.Contains(t, f, " read")
			}
		}
		assert.GreaterOrEqual(t, shown, 2, "%d columns: %q", width, out.String())
		assert.True(t, strings.HasSuffix(out.String(), "\n"), "the last one ends the line")
		assert.NotContains(t, out.String(), "\x1b", fmt.Sprint(width, " columns: no colour"))
	}
}

package text

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

func TestTextOfEachEnd(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.Balanced())
			var b bytes.Buffer
			require.NoError(t, Write(&b, s, Style{Width: 100}))
			reporttest.Golden(t, name+".txt", b.Bytes())

			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			assert.LessOrEqual(t, len(lines), textLines)
			assert.Equal(t, s.Next, lines[len(lines)-1], "the last line is the next command")
			for _, line := range lines[:len(lines)-1] {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
			}
		})
	}
}

func TestTextFitsNarrowTerminals(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		for _, width := range []int{40, 60, 80} {
			var b bytes.Buffer
			require.NoError(t, Write(&b, s, Style{Width: width, Color: true}))
			plain := stripColor(b.String())
			lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
			for _, line := range lines[:len(lines)-1] {
				if isStep(s, line) {
					continue // a command is never broken
				}
				assert.LessOrEqual(t, utf8.RuneCountInString(line), width, "%s at %d: %s", name, width, line)
			}
			assert.Equal(t, s.Next, lines[len(lines)-1])
			for _, f := range []figure{{s.Rows.Read, "read"}, {s.Rows.Invalid, "invalid"}, {s.Consents.Refused, "refused"}, {s.Consents.Pending, "pending"}} {
				if f.n > 0 && !(s.DryRun && f.name == "pending") {
					assert.Contains(t, plain, " "+wording.Thousands(f.n)+" "+f.name, "%s at %d: a number is cut", name, width)
				}
			}
		}
	}
}

// isStep says whether a line is the command of a step.
func isStep(s *summary.Summary, line string) bool {
	for _, step := range s.Steps {
		if _, command := summary.SplitStep(step); command != "" && command == line {
			return true
		}
	}
	return false
}

// stripColor takes the SGR sequences out of a text.
func stripColor(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

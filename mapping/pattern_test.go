package mapping

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestRunsFindWhatRegexpFinds holds the short way of a pattern against package regexp,
// also where text is not UTF-8.
func TestRunsFindWhatRegexpFinds(t *testing.T) {
	t.Parallel()
	short := 0
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{`a`, `@`, `[^@]`, `[^@\s]`, `[a-c]`, `[^a]`, `\d`, `\D`, `[^\n]`, `.`, `[é]`, `[é-\x{10ffff}]`, `[\x{80}-\x{10ffff}a]`, `(?i:a)`, `[[:cntrl:]]`, `ab`, `(a)`})
		text := rapid.SampledFrom([]string{"^", "^", "^", "^", "^", "", `\A`}).Draw(t, "begin")
		for range rapid.IntRange(1, 4).Draw(t, "pieces") {
			text += piece.Draw(t, "piece") + rapid.SampledFrom([]string{"", "", "+", "+", "+", "+?", "*"}).Draw(t, "how many")
		}
		text += rapid.SampledFrom([]string{"$", "$", "$", "$", "$", "", `\z`}).Draw(t, "end")
		p := newPattern(regexp.MustCompile(text))
		if p.runs != nil {
			short++
		}
		slow := pattern{re: p.re}
		letters := rapid.SampledFrom([]string{"a", "b", "@", " ", "\n", "1", "é", "€", "\xff", "\xc3", "\u0080", "\ufffd", "\x00"})
		for range 8 {
			in := ""
			for range rapid.IntRange(0, 6).Draw(t, "length") {
				in += letters.Draw(t, "letter")
			}
			want, found := slow.find([]byte(in))
			got, ok := p.find([]byte(in))
			require.Equal(t, found, ok, "%s in %q", text, in)
			if found {
				require.Equal(t, want, got, "%s in %q", text, in)
			}
		}
	})
	require.Positive(t, short, "the short way was never taken")
}

// TestPresetsFindPersonsTheShortWay: what presets tell ids from addresses by has it.
func TestPresetsFindPersonsTheShortWay(t *testing.T) {
	t.Parallel()
	for text, is := range map[string]bool{`^[^@]+$`: true, `^[^@\s]+@[^@\s]+$`: true, `^[^@\s,]+@[^@\s,]+$`: true, `(\d+)$`: false, `^a+a$`: false, `^[^@]+`: false} {
		assert.Equal(t, is, newPattern(regexp.MustCompile(text)).runs != nil, text)
	}
}

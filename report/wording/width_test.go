package wording

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "mail": 4, "日本語": 6, "e\u0301a": 2, "👩‍👩‍👧": 2, "ﾒｰﾙ": 3, "뉴스레터": 8} {
		assert.Equal(t, want, Width(text), text)
	}
}

func TestClipKeepsWithinAndWhole(t *testing.T) {
	assert.Equal(t, "ニュ…", Clip("ニュースレター", 6))
	assert.Equal(t, "ニュ…", Clip("ニュースレター", 5))
	assert.Equal(t, "mail", Clip("mail", 4))
	assert.Equal(t, "ma…", Clip("mails", 3))
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(2, 20).Draw(t, "n")
		got := Clip(text, n)
		assert.LessOrEqual(t, Width(got), n)
		assert.True(t, got == text || strings.HasPrefix(text, strings.TrimSuffix(got, "…")))
		assert.True(t, !utf8.ValidString(text) || utf8.ValidString(got))
	})
}

func TestColumnsLineUp(t *testing.T) {
	rows := [][]string{{"category", "decision", "made"}, {"ニュースレター", "accept", "1,234"}, {"mail", "reject", "7"}, {"카테고리", "", "12"}}
	lines := strings.Split(strings.TrimSuffix(Columns(rows, 2), "\n"), "\n")
	require.Len(t, lines, 4)
	for i, line := range lines {
		assert.Equal(t, Width(lines[0]), Width(line), line)
		at := strings.Index(line, rows[i][2])
		assert.Equal(t, Width(lines[0]), Width(line[:at])+Width(rows[i][2]), line)
	}
	assert.Equal(t, "category        decision   made", lines[0])
}

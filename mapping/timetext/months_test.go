package timetext

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMonthsOfOtherLanguages: each name is read as its month, in any case and with the
// dot that some have; what is no name of one, or of one in some languages and of another
// in others, is not read.
func TestMonthsOfOtherLanguages(t *testing.T) {
	t.Parallel()
	reader, err := New([]string{"%d %b %Y"}, time.UTC)
	require.NoError(t, err)
	for text, want := range map[string]time.Month{
		"1 Mai 2024": time.May, "1 MÄRZ 2024": time.March, "1 Mrz. 2024": time.March, "1 Jänner 2024": time.January, "1 Dez 2024": time.December, "1 Okt. 2024": time.October,
		"1 janv. 2024": time.January, "1 févr. 2024": time.February, "1 mars 2024": time.March, "1 juin 2024": time.June, "1 juil. 2024": time.July, "1 AOÛT 2024": time.August,
		"1 enero 2024": time.January, "1 abr. 2024": time.April, "1 septiembre 2024": time.September, "1 dic 2024": time.December,
		"1 gennaio 2024": time.January, "1 mag 2024": time.May, "1 giu 2024": time.June, "1 lug 2024": time.July, "1 ott 2024": time.October, "1 set 2024": time.September,
		"1 mrt. 2024": time.March, "1 mei 2024": time.May, "1 augustus 2024": time.August, "1 março 2024": time.March, "1 out. 2024": time.October,
		"1 maj 2024": time.May, "1 augusti 2024": time.August, "1 marts 2024": time.March, "1 desember 2024": time.December,
		"1 Mar 2024": time.March, "1 Sept 2024": time.September, "1 June 2024": time.June,
	} {
		ms, reason := reader.Read([]byte(text), "")
		require.Empty(t, reason, text)
		assert.Equal(t, time.Date(2024, want, 1, 0, 0, 0, 0, time.UTC), time.UnixMilli(ms).UTC(), text)
	}
	for _, text := range []string{
		"1 listopad 2024", "1 lip 2024", "1 lis 2024", "1 ma 2024", "1 m 2024", "1 juu 2024", "1 maimai 2024", "1 septiembress 2024", "1 Монтаг 2024", "1 mai\u0301 2024", "1  2024", "1 \xff\xfe 2024",
	} {
		_, reason := reader.Read([]byte(text), "")
		assert.Equal(t, NoMatch, reason, text)
	}
}

// TestAMonthHasItsNamesAlone: no name stands for two months, and those that English has
// as well stand for the same.
func TestAMonthHasItsNamesAlone(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(months), 70)
	all := 0
	for _, names := range monthWords {
		all += len(strings.Fields(names))
	}
	assert.Len(t, months, all, "a name stands in two lines")
	counted := 0
	for word, n := range months {
		assert.LessOrEqual(t, len(word), longestMonth, word)
		if english, _ := name([]byte(word), monthNames[:]); english >= 0 {
			assert.Equal(t, english, n, word)
			counted++
		}
	}
	assert.Greater(t, counted, 10)
}

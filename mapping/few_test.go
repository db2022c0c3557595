package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// What Few knows of a text is what was filled in for it, whatever came in between.
func TestFewKnowsWhatItWasTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var few Few[string]
		told := map[string]bool{}
		for range 300 {
			word := rapid.StringMatching(`[ab]?[a-z]{0,3}[ab]?`).Draw(t, "word")
			text := []byte(word)
			is, isNew := few.Of(text)
			if isNew {
				assert.Empty(t, *is)
				*is = strings.ToUpper(word)
			} else {
				assert.True(t, told[word])
			}
			assert.Equal(t, strings.ToUpper(word), *is)
			told[word] = true
			clear(text) // it keeps nothing of it
			again, isNew := few.Of([]byte(word))
			assert.False(t, isNew, "the text that was asked for last")
			assert.Equal(t, strings.ToUpper(word), *again)
		}
	})
}

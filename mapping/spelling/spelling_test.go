package spelling

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDidYouMean(t *testing.T) {
	names := []string{"email", "customer_id", "timestamp", "x"}
	for word, want := range map[string]string{
		"emial": `; did you mean "email"?`, "EMAIL": `; did you mean "email"?`, "costumer_id": `; did you mean "customer_id"?`,
		"phone": "", "": "", "at": "",
	} {
		assert.Equal(t, want, DidYouMean(word, names), word)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"é", "e", 1}, {"", "ab", 2}} {
		assert.Equal(t, c.want, Distance(c.a, c.b), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, Distance(c.b, c.a), "%s %s", c.b, c.a)
	}
	assert.Equal(t, 1000, Distance(string(make([]rune, 101)), ""))
}

func TestTrim(t *testing.T) {
	for text, want := range map[string]string{"a": "a", " a\t": "a", "\u00a0a b\u00a0": "a b", "": "", " ": ""} {
		assert.Equal(t, want, string(Trim([]byte(text))), "%q", text)
	}
}

package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// Two pairs of subject and category share a key when they are the same, and not
// when only their letters in a row are.
func TestKeysTellPairsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.ByteRange('a', 'b'), 0, 4)
		a, b, c, d := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c"), word.Draw(t, "d")
		same := string(a) == string(c) && string(b) == string(d)
		if (hashKey(a, b) == hashKey(c, d)) != same {
			t.Fatalf("%q/%q and %q/%q", a, b, c, d)
		}
	})
	assert.NotEqual(t, hashKey([]byte("ann"), nil), hashKey(nil, []byte("ann")))
}

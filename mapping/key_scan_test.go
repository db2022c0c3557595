package mapping

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Eight bytes at a time say what each byte says.
func TestScanKeyEqualsOneByteAfterTheOther(t *testing.T) {
	letters := []rune{'a', 'z', 'm', '@', 'A', 'Z', '[', '`', '{', '?', '0', '-', '.', ' ', 0x7f, 'é', '\u00c0'}
	capital := 0
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom(letters[:rapid.IntRange(3, len(letters)).Draw(rt, "letters")]), 1, 30, -1).Draw(rt, "text"))
		plain, capitals, at := scanKey(text)
		ends := []byte{text[0], text[len(text)-1]}
		wantPlain := !bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) && !bytes.ContainsAny(ends, " \x7f")
		require.Equal(t, wantPlain, plain, "%q", text)
		if !plain {
			return
		}
		require.Equal(t, bytes.ContainsFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' }), capitals, "%q", text)
		require.Equal(t, bytes.IndexByte(text, '@'), at, "%q", text)
		if capitals {
			capital++
		}
	})
	require.Positive(t, capital)
}

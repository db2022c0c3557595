package source

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// TestUTF16KeepsEveryByte proves that what is decoded can be encoded again,
// lone surrogates and half units included, and that sound text is decoded as
// x/text does it.
func TestUTF16KeepsEveryByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 'a', 0xD8, 0xDC, 0xDF, '\n'}))).Draw(t, "raw")
		c := rapid.SampledFrom([]*charset{utf16LECharset, utf16BECharset}).Draw(t, "encoding")
		text, err := io.ReadAll(c.reader(iotest.OneByteReader(bytes.NewReader(raw))))
		require.NoError(t, err)
		once, err := io.ReadAll(c.reader(bytes.NewReader(raw)))
		require.NoError(t, err)
		require.Equal(t, text, once)
		back, err := c.encode(text)
		require.NoError(t, err)
		require.Equal(t, append([]byte{}, raw...), append([]byte{}, back...))
		endian := unicode.LittleEndian
		if c == utf16BECharset {
			endian = unicode.BigEndian
		}
		standard, err := unicode.UTF16(endian, unicode.IgnoreBOM).NewDecoder().Bytes(raw)
		require.NoError(t, err)
		if utf8.Valid(text) {
			require.Equal(t, string(standard), string(text))
		} else {
			require.Contains(t, string(standard), "\uFFFD")
		}
	})
}

// TestByteTablesKeepEveryByte does the same for the encodings of one byte.
func TestByteTablesKeepEveryByte(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	tried := 0
	for _, m := range charmap.All {
		m, ok := m.(*charmap.Charmap)
		if !ok {
			continue
		}
		c := &charset{name: m.String(), table: newByteTable(m)}
		// Some code pages that are no WHATWG encodings have two bytes for one character.
		distinct := map[rune]bool{}
		for i := range 256 {
			distinct[m.DecodeByte(byte(i))] = true
		}
		if undefined := strings.Count(string(decodeAll(t, m)), "\uFFFD"); len(distinct)-min(1, undefined)+undefined < 256 {
			continue
		}
		tried++
		text, err := io.ReadAll(c.reader(bytes.NewReader(all)))
		require.NoError(t, err)
		back, err := c.encode(text)
		require.NoError(t, err, m.String())
		assert.Equal(t, all, back, m.String())
		if standard := decodeAll(t, m); !bytes.Contains(standard, []byte("\uFFFD")) {
			assert.Equal(t, string(standard), string(text), m.String())
		} else {
			assert.False(t, utf8.Valid(text), "%s: what is not defined must not be valid", m)
		}
	}
	require.Greater(t, tried, 20)
}

func decodeAll(t *testing.T, m *charmap.Charmap) []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	text, err := m.NewDecoder().Bytes(all)
	require.NoError(t, err)
	return text
}

// TestUnreadableText proves that a row with something that its encoding does
// not define is unreadable, and still comes back byte for byte.
func TestUnreadableText(t *testing.T) {
	for _, c := range []struct {
		name, encoding string
		raw            string
		says           string
	}{
		{"UTF-8", "", "a,b\n1,x\xffy\n2,z\n", "invalid UTF-8 at byte 4 of the row"},
		{"UTF-16", "utf-16le", "a\x00,\x00b\x00\n\x001\x00,\x00\x00\xd8y\x00\n\x002\x00,\x00z\x00\n\x00", "invalid UTF-16 (half a character) at byte 3 of the row"},
		{"UTF-16, odd length", "utf-16be", "\x00a\x00,\x00b\x00\n\x001\x00,\x00y\x00", "invalid UTF-16 (half a character) at byte 4 of the row"},
		{"windows-1253", "windows-1253", "a,b\n1,x\xd2\n2,\xe1\n", "a byte that windows-1253 does not define, at byte 4 of the row"},
		{"Shift_JIS", "shift_jis", "a,b\n1,\x83\x65\x83\n2,\x83\x65\n", "a byte that shift_jis does not define"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, Config{Encoding: c.encoding, Paths: write(t, []byte(c.raw))}, blockSize, batchRows)
			batches, err := readAll(t, e, e.Start(), ReadOptions{})
			require.NoError(t, err)
			rows := rowsOf(batches)
			require.Contains(t, rows[0].Reason, c.says)
			if len(rows) > 1 {
				require.Empty(t, rows[1].Reason)
			}
			if c.encoding == "shift_jis" {
				return // not kept to the byte where it is malformed
			}
			for _, r := range rows {
				raw, err := e.Layouts[0].Encode(r.Raw)
				require.NoError(t, err)
				require.Contains(t, c.raw, string(raw))
			}
		})
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct{ encoding, text, raw, fails string }{
		{encoding: "", text: "é", raw: "é"},
		{encoding: "utf-8", text: "é", raw: "é"},
		{encoding: "utf-16le", text: "é😀", raw: "\xe9\x00\x3d\xd8\x00\xde"},
		{encoding: "windows-1252", text: "é€", raw: "\xe9\x80"},
		{encoding: "windows-1252", text: "č", fails: "windows-1252: it has no character U+010D"},
		{encoding: "shift_jis", text: "テ", raw: "\x83\x65"},
		{encoding: "nonsense", fails: "is unknown"},
	} {
		l := &Layout{Encoding: c.encoding}
		raw, err := l.Encode([]byte(c.text))
		if c.fails != "" {
			assert.ErrorContains(t, err, c.fails)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.raw, string(raw))
	}
}

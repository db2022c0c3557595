package jsonvalue

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// plainBytes is how many bytes of a string, eight at a time, need no thought:
// those before the first quote, backslash or control character, at most 8.
func plainBytes(word uint64) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := word^ones*'"', word^ones*'\\'
	// The lowest bit is right: a borrow only reaches bytes above it.
	found := ((quote-ones)&^quote | (slash-ones)&^slash | (word-ones*' ')&^word) & highs
	return bits.TrailingZeros64(found) >> 3
}

// plainUntil is where the first quote, backslash or control character stands from i on, or
// the end.
func plainUntil(text []byte, i int) int {
	for i+8 <= len(text) {
		n := plainBytes(binary.LittleEndian.Uint64(text[i:]))
		if i += n; n < 8 {
			return i
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' {
		i++
	}
	return i
}

func (d *Doc) str() (start, end int32, escaped, ok bool) {
	text, i := d.text, d.pos+1
	start = int32(i)
	for {
		if i = plainUntil(text, i); i >= len(text) {
			d.pos = i
			return start, 0, escaped, false
		}
		switch text[i] {
		case '"':
			d.pos = i + 1
			return start, int32(i), escaped, true
		case '\\':
			escaped = true
			n := escapeLen(text[i:])
			if n == 0 {
				d.pos = i
				return start, 0, escaped, false
			}
			i += n
		default: // a control character
			d.pos = i
			return start, 0, escaped, false
		}
	}
}

// escapeLen is the length of the escape that b begins with, 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(b[2:]); ok {
			return 6
		}
	}
	return 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func unescape(raw []byte, arena *[]byte) []byte {
	from := len(*arena)
	out := *arena
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low, ok = hex4(raw[i+2:])
				}
				if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
					r, i = pair, i+6
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			out = append(out, c)
		}
		i += 2
	}
	*arena = out
	return out[from:len(out):len(out)]
}

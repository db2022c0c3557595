package decode

import "errors"

var (
	errBase64    = errors.New("holds a character that base64url does not have")
	errTruncated = errors.New("ends too early")
)

// bits reads the bits of a base64url text, six a character, most significant
// first, without decoding what is not asked for. It never reads past the end:
// what is missing reads as zero and sets short.
type bits struct {
	text  []byte
	pos   int // in bits
	short bool
}

// newBits checks that text is base64url, with or without padding at its end.
func newBits(text []byte) (bits, error) {
	for range 2 {
		if n := len(text); n > 0 && text[n-1] == '=' {
			text = text[:n-1]
		}
	}
	for _, b := range text {
		if sixBits(b) < 0 {
			return bits{}, errBase64
		}
	}
	return bits{text: text}, nil
}

// read gives the next n bits, at most 36, as an unsigned number.
func (b *bits) read(n int) int64 {
	v := int64(0)
	for range n {
		i := b.pos / 6
		if i >= len(b.text) {
			b.short = true
			return 0
		}
		v = v<<1 | int64(sixBits(b.text[i])>>(5-b.pos%6)&1)
		b.pos++
	}
	return v
}

// skip passes over n bits.
func (b *bits) skip(n int) {
	b.pos += n
	if b.pos > 6*len(b.text) {
		b.short = true
	}
}

// sixBits gives the value of a base64url character, -1 for any other byte.
func sixBits(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	default:
		return -1
	}
}

package mapping

import (
	"bytes"
	"unicode/utf8"
)

// The bounds of what is shown of a value.
const (
	maxShown  = 64 // bytes
	maxDigits = 4  // digits in a row: a year, but no phone or customer number
	maxToken  = 24 // letters and digits in a row, with both among them: an id
)

// appendMasked appends what may be shown of a value: nothing that could be an
// address, a number or an id of a person. Values of one masked form become one.
//
// Four places mask, and what each has to keep is what the next has to hide: here the
// words on which people decide stay, and long digits go; package inspect keeps the form
// of a sample alone, each letter an a; package intempt hides known texts, the key and
// the identifiers of one consent, in a text of the target that stays as it is; package
// report makes such texts alike that differ in numbers, which is no masking of secrets.
func appendMasked(out, value []byte) []byte {
	if bytes.IndexByte(value, '@') >= 0 {
		return append(out, "(e-mail address)"...)
	}
	switch {
	case len(value) > 0 && value[0] == '{':
		return append(out, "(object)"...)
	case len(value) > 0 && value[0] == '[':
		return append(out, "(list)"...)
	case isUUID(value):
		return append(out, "(id)"...)
	}
	start := len(out)
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRune(value[i:])
		switch {
		case '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			end, digits := i, 0
			for end < len(value) && isAlnum(value[end]) {
				if value[end] <= '9' {
					digits++
				}
				end++
			}
			if digits > 0 && end-i > maxToken {
				out = append(out, "(id)"...)
			} else {
				out = appendMaskedDigits(out, value[i:end])
			}
			size = end - i
		case r == utf8.RuneError && size == 1 || r < ' ' || r == 0x7f:
			out = append(out, ' ')
		default:
			out = append(out, value[i:i+size]...)
		}
		i += size
		if len(out)-start > maxShown {
			cut := start + maxShown
			for cut > start && !utf8.RuneStart(out[cut]) {
				cut--
			}
			return append(out[:cut], "…"...)
		}
	}
	return out
}

// appendMaskedDigits appends a word with its long runs of digits replaced.
func appendMaskedDigits(out, word []byte) []byte {
	for i := 0; i < len(word); {
		end := i
		for end < len(word) && word[end] <= '9' {
			end++
		}
		switch {
		case end-i > maxDigits:
			out = append(out, "(number)"...)
		case end > i:
			out = append(out, word[i:end]...)
		default:
			end++
			out = append(out, word[i])
		}
		i = end
	}
	return out
}

// isUUID reports whether text is 8-4-4-4-12 hex digits.
func isUUID(text []byte) bool {
	if len(text) != 36 {
		return false
	}
	for i, b := range text {
		switch i {
		case 8, 13, 18, 23:
			if b != '-' {
				return false
			}
		default:
			if !(isAlnum(b) && b|0x20 <= 'f') {
				return false
			}
		}
	}
	return true
}

// isAlnum reports whether b is an ASCII letter or digit.
func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

package source

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// appendSurrogate appends a lone surrogate in the three-byte pattern of UTF-8,
// which UTF-8 itself forbids (known as WTF-8).
func appendSurrogate(dst []byte, u uint16) []byte {
	return append(dst, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
}

// surrogateAt reads what appendSurrogate wrote.
func surrogateAt(text []byte) (uint16, bool) {
	if len(text) < 3 || text[0] != 0xED || text[1] < 0xA0 || text[1] > 0xBF || text[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | uint16(text[1]&0x3F)<<6 | uint16(text[2]&0x3F), true
}

// A single byte at the end of UTF-16 is kept as two bytes, the first of which
// (0xF8–0xFB) never occurs in UTF-8.
const oddByte = 0xF8

// utf16Decoder gives the decoding function for one byte order.
func utf16Decoder(unit codeUnit) func(dst, src []byte, end bool) (written, read int) {
	order := byteOrder(unit)
	high := uint64(0xFF80FF80FF80FF80) // not 0 in a unit that is no ASCII
	shift := 0                         // where the ASCII byte of a unit lies
	if unit == unitBE {
		high = 0x80FF80FF80FF80FF
		shift = 8
	}
	return func(dst, src []byte, end bool) (written, read int) {
		for written+utf8.UTFMax <= len(dst) {
			rest := src[read:]
			if len(rest) >= 8 {
				if v := binary.LittleEndian.Uint64(rest); v&high == 0 {
					v >>= shift
					dst[written] = byte(v)
					dst[written+1] = byte(v >> 16)
					dst[written+2] = byte(v >> 32)
					dst[written+3] = byte(v >> 48)
					written += 4
					read += 8
					continue
				}
			}
			if len(rest) < 2 {
				if len(rest) == 1 && end {
					dst[written] = oddByte | rest[0]>>6
					dst[written+1] = 0x80 | rest[0]&0x3F
					written += 2
					read++
				}
				return written, read
			}
			u := order.Uint16(rest)
			switch {
			case u < 0xD800 || u > 0xDFFF:
				written += utf8.EncodeRune(dst[written:], rune(u))
				read += 2
			case u < 0xDC00 && len(rest) < 4 && !end:
				return written, read // the other half is still to come
			default:
				if u < 0xDC00 && len(rest) >= 4 {
					if r := utf16.DecodeRune(rune(u), rune(order.Uint16(rest[2:]))); r != utf8.RuneError {
						written += utf8.EncodeRune(dst[written:], r)
						read += 4
						continue
					}
				}
				written += len(appendSurrogate(dst[:written], u)) - written
				read += 2
			}
		}
		return written, read
	}
}

func byteOrder(unit codeUnit) binary.ByteOrder {
	if unit == unitBE {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// encodeUTF16 is the inverse of the decoding function.
func encodeUTF16(text []byte, unit codeUnit) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if unit == unitBE {
		order = binary.BigEndian
	}
	out := make([]byte, 0, 2*len(text))
	for i := 0; i < len(text); {
		if u, ok := surrogateAt(text[i:]); ok {
			out = order.AppendUint16(out, u)
			i += 3
			continue
		}
		if text[i]&0xFC == oddByte && i+1 < len(text) && text[i+1]&0xC0 == 0x80 {
			out = append(out, text[i]<<6|text[i+1]&0x3F)
			i += 2
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r >= 0x10000 {
			hi, lo := utf16.EncodeRune(r)
			out = order.AppendUint16(order.AppendUint16(out, uint16(hi)), uint16(lo))
		} else {
			out = order.AppendUint16(out, uint16(r))
		}
		i += n
	}
	return out
}

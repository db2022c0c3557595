package report

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/consentimport/consentimport/importer/source"
)

// encodeText appends text, which is UTF-8, in the encoding of a layout. Source
// bytes come back as they were; a character of ours that the encoding lacks
// becomes a question mark.
func encodeText(dst []byte, l *source.Layout, text []byte) []byte {
	switch l.Encoding {
	case "", "utf-8":
		return append(dst, text...)
	case "utf-16le":
		return appendUTF16(dst, text, binary.LittleEndian)
	case "utf-16be":
		return appendUTF16(dst, text, binary.BigEndian)
	}
	enc, err := htmlindex.Get(l.Encoding)
	if err != nil {
		return append(dst, text...) // the reader knows this name, so it is there
	}
	e := enc.NewEncoder()
	if out, err := e.Bytes(text); err == nil {
		return append(dst, out...)
	}
	for len(text) > 0 {
		_, n := utf8.DecodeRune(text)
		if out, err := e.Bytes(text[:n]); err == nil {
			dst = append(dst, out...)
		} else {
			dst = append(dst, '?')
		}
		text = text[n:]
	}
	return dst
}

// appendUTF16 appends text as UTF-16 in the given order of bytes.
func appendUTF16(dst, text []byte, order binary.AppendByteOrder) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			dst = order.AppendUint16(order.AppendUint16(dst, uint16(hi)), uint16(lo))
			continue
		}
		dst = order.AppendUint16(dst, uint16(r))
	}
	return dst
}

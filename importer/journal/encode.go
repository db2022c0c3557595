package journal

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// The kinds of records, each the first key of its lines.
const (
	kindHeader = "header"
	kindPass   = "pass"
	kindRun    = "run"
	kindSent   = "sent"
	kindKnown  = "known"
	kindBegun  = "begun"
	kindFail   = "fail"
	kindHeld   = "held"
	kindMark   = "mark"
	kindEnd    = "end"
	kindSeal   = "seal"
	kindPurge  = "purge"
	kindOrder  = "order"
	kindDay    = "day"
)

// maxMessage bounds the message of a failure, in bytes. The target's texts are
// shortened long before.
const maxMessage = 4096

// Seal fixes everything above its line.
type Seal struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"` // size of everything above the line
	// SHA256 is the hex SHA-256 of these bytes, so that
	// `head -c BYTES checkpoint.jsonl | sha256sum` gives it too.
	SHA256 string `json:"sha256"`
}

// appendJSON encodes a record of the rare kinds. What is not UTF-8 (a file name
// may be anything) is replaced.
func appendJSON(b []byte, kind string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return b, fmt.Errorf("encode %s: %w", kind, err)
	}
	if len(text) > maxLine-256 {
		return b, fmt.Errorf("encode %s: %d bytes are too long for a line", kind, len(text))
	}
	b = append(b, `{"`...)
	b = append(b, kind...)
	b = append(b, `":`...)
	return append(b, text...), nil
}

// appendSent encodes consents that were sent, or are known; spans ascend and do not touch.
func appendSent(b []byte, kind string, spans []span, n int64) []byte {
	b = append(append(append(b, `{"`...), kind...), `":"`...)
	for i, s := range spans {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendSpan(b, s)
	}
	b = append(b, `","n":`...)
	return strconv.AppendInt(b, n, 10)
}

// appendFail encodes a consent that was refused or failed. Numbers and texts
// out of all measure are cut, so that the line can be read again.
func appendFail(b []byte, o *Outcome) []byte {
	b = append(b, `{"fail":{"ref":"`...)
	b = appendRef(b, o.Ref)
	b = append(b, `","state":"`...)
	b = append(b, o.State.String()...)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, clamp(o.Status), 10)
	b = append(b, `,"attempts":`...)
	b = strconv.AppendInt(b, clamp(o.Attempts), 10)
	b = append(b, `,"message":`...)
	b = appendString(b, o.Message[:min(len(o.Message), maxMessage)])
	return append(b, '}')
}

func clamp(n int) int64 { return int64(min(max(n, 0), math.MaxInt32)) }

// appendHeld encodes a consent that was superseded.
func appendHeld(b []byte, o *Outcome) []byte {
	b = append(b, `{"held":{"ref":"`...)
	b = appendRef(b, o.Ref)
	b = append(b, `","by":"`...)
	b = appendRef(b, o.By)
	if o.In == 0 {
		return append(b, `"}`...)
	}
	b = append(b, `","in":`...)
	b = strconv.AppendInt(b, int64(o.In), 10)
	return append(b, '}')
}

// appendString encodes a JSON string in the one form that cutString takes:
// escaped are the quote, the backslash and control characters (as \u00XX);
// what is not UTF-8 becomes U+FFFD; all else stands as it is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

package journal

import (
	"cmp"
	"math"
	"strconv"
)

// String gives the name that reports use for a consent: "523.2".
func (r Ref) String() string { return string(appendRef(nil, r)) }

// Compare orders consents by row, then by their place in the row.
func (r Ref) Compare(o Ref) int {
	if r.Row != o.Row {
		return cmp.Compare(r.Row, o.Row)
	}
	return cmp.Compare(r.Consent, o.Consent)
}

func (r Ref) less(o Ref) bool {
	return r.Row < o.Row || r.Row == o.Row && r.Consent < o.Consent
}

func (r Ref) valid() bool { return r.Row >= 1 && r.Consent >= 1 }

// span is a run of consents from lo to hi, both in it, in the order of
// Ref.Compare: everything that rows between them made is in it, however much
// that was.
type span struct {
	lo, hi Ref
	known  bool // an earlier import has sent them, not this one
}

// state is what all of them came to.
func (s *span) state() State {
	if s.known {
		return Known
	}
	return Sent
}

func (s span) has(r Ref) bool { return !r.less(s.lo) && !s.hi.less(r) }

func appendRef(b []byte, r Ref) []byte {
	b = strconv.AppendInt(b, r.Row, 10)
	b = append(b, '.')
	return strconv.AppendInt(b, int64(r.Consent), 10)
}

func appendSpan(b []byte, s span) []byte {
	b = appendRef(b, s.lo)
	if s.lo != s.hi {
		b = append(b, '-')
		b = appendRef(b, s.hi)
	}
	return b
}

// cutNumber reads a decimal number from 0 to max without sign or leading zero
// off the front of b. It returns how many bytes that took, 0 when there is none.
func cutNumber(b []byte, max int64) (n int64, size int) {
	for size < len(b) {
		d := int64(b[size]) - '0'
		if d < 0 || d > 9 {
			break
		}
		if size == 1 && n == 0 || n > (max-d)/10 {
			return 0, 0
		}
		n = n*10 + d
		size++
	}
	return n, size
}

// cutRef reads "523.2" off the front of b; size is 0 when b begins otherwise.
func cutRef(b []byte) (r Ref, size int) {
	row, i := cutNumber(b, math.MaxInt64)
	if i == 0 || row == 0 || i >= len(b) || b[i] != '.' {
		return Ref{}, 0
	}
	consent, j := cutNumber(b[i+1:], math.MaxInt32)
	if j == 0 || consent == 0 {
		return Ref{}, 0
	}
	return Ref{Row: row, Consent: int32(consent)}, i + 1 + j
}

package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/source"
)

// record is one decoded line. It is reused from line to line: which field is
// set follows from kind.
type record struct {
	kind    string
	header  Header
	pass    Pass
	run     Run
	mark    Mark
	end     End
	seal    Seal
	purge   Purge
	order   Order
	day     Day
	spans   []span // sent and known: ascending, not overlapping
	n       int64  // sent and known: consents in spans
	outcome Outcome
	// rowsOnly: of marks nothing but their rows is wanted. There is one for a hundred rows.
	rowsOnly bool
}

var errForm = errors.New("is not in the form that this program writes")

// decode takes the body of a line apart. The frequent kinds (sent, fail, held)
// are accepted only in the exact form in which they are encoded.
func (r *record) decode(body []byte) error {
	kind, rest, ok := cutKind(body)
	if !ok {
		return errForm
	}
	switch string(kind) {
	case kindSent:
		r.kind = kindSent
		return r.decodeSent(rest)
	case kindBegun:
		r.kind = kindBegun
		return r.decodeSent(rest)
	case kindKnown:
		r.kind = kindKnown
		if err := r.decodeSent(rest); err != nil {
			return err
		}
		for i := range r.spans {
			r.spans[i].known = true
		}
		return nil
	case kindFail:
		r.kind = kindFail
		return r.decodeFail(rest)
	case kindHeld:
		r.kind = kindHeld
		return r.decodeHeld(rest)
	case kindMark:
		r.kind = kindMark
		if r.rowsOnly && r.decodeMarkRows(rest) || r.decodeMark(rest) {
			return nil
		}
		r.mark = Mark{}
		return decodeJSON(rest, &r.mark)
	case kindSeal:
		r.kind, r.seal = kindSeal, Seal{}
		return decodeJSON(rest, &r.seal)
	case kindHeader:
		r.kind, r.header = kindHeader, Header{}
		return decodeJSON(rest, &r.header)
	case kindPass:
		r.kind, r.pass = kindPass, Pass{}
		return decodeJSON(rest, &r.pass)
	case kindRun:
		r.kind, r.run = kindRun, Run{}
		return decodeJSON(rest, &r.run)
	case kindEnd:
		r.kind, r.end = kindEnd, End{}
		return decodeJSON(rest, &r.end)
	case kindOrder:
		r.kind, r.order = kindOrder, Order{}
		return decodeJSON(rest, &r.order)
	case kindDay:
		r.kind, r.day = kindDay, Day{}
		return decodeJSON(rest, &r.day)
	case kindPurge:
		r.kind, r.purge = kindPurge, Purge{}
		return decodeJSON(rest, &r.purge)
	}
	return fmt.Errorf("has a record of an unknown kind %.20q", kind)
}

// cutKind splits `{"kind":rest`.
func cutKind(body []byte) (kind, rest []byte, ok bool) {
	body, ok = bytes.CutPrefix(body, []byte(`{"`))
	if !ok {
		return nil, nil, false
	}
	return bytes.Cut(body, []byte(`":`))
}

func decodeJSON(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return errForm
	}
	return nil
}

// decodeMarkRows reads the rows of a mark, `…"row":523},"high":533,…`, where they stand in it
// as they are encoded.
func (r *record) decodeMarkRows(b []byte) bool {
	_, b, ok := bytes.Cut(b, []byte(`"row":`))
	low, i := cutNumber(b, math.MaxInt64)
	if !ok || i == 0 {
		return false
	}
	if b, ok = bytes.CutPrefix(b[i:], []byte(`},"high":`)); !ok {
		return false
	}
	high, i := cutNumber(b, math.MaxInt64)
	if i == 0 {
		return false
	}
	r.mark = Mark{Low: source.Position{Row: low}, High: high}
	return true
}

// decodeSent reads `"523.1-530.2 533.1","n":12`.
func (r *record) decodeSent(b []byte) error {
	r.spans = r.spans[:0]
	if len(b) == 0 || b[0] != '"' {
		return errForm
	}
	b = b[1:]
	var last Ref
	for {
		lo, i := cutRef(b)
		if i == 0 || i >= len(b) || !last.less(lo) {
			return errForm
		}
		hi := lo
		if b[i] == '-' {
			var j int
			hi, j = cutRef(b[i+1:])
			if j == 0 || !lo.less(hi) {
				return errForm
			}
			i += 1 + j
		}
		r.spans = append(r.spans, span{lo: lo, hi: hi})
		last = hi
		if i >= len(b) || b[i] != ' ' {
			b = b[i:]
			break
		}
		b = b[i+1:]
	}
	b, ok := bytes.CutPrefix(b, []byte(`","n":`))
	if !ok {
		return errForm
	}
	n, i := cutNumber(b, math.MaxInt64)
	if i == 0 || i != len(b) || n < int64(len(r.spans)) {
		return errForm
	}
	r.n = n
	return nil
}

// decodeFail reads `{"ref":"524.2","state":"refused","status":400,"attempts":1,"message":"…"}`.
func (r *record) decodeFail(b []byte) error {
	c := cutter{b: b, ok: true}
	o := Outcome{}
	c.text(`{"ref":"`)
	o.Ref = c.ref()
	c.text(`","state":"`)
	switch {
	case c.has(`refused`):
		o.State = Refused
	case c.has(`failed`):
		o.State = Failed
	default:
		return errForm
	}
	c.text(`","status":`)
	o.Status = c.number()
	c.text(`,"attempts":`)
	o.Attempts = c.number()
	c.text(`,"message":`)
	o.Message = c.string()
	c.text(`}`)
	return r.keep(o, c)
}

// decodeHeld reads `{"ref":"3.1","by":"9.2"}`, or `{"ref":"3.1","by":"9.2","in":1}`.
func (r *record) decodeHeld(b []byte) error {
	c := cutter{b: b, ok: true}
	o := Outcome{State: Superseded}
	c.text(`{"ref":"`)
	o.Ref = c.ref()
	c.text(`","by":"`)
	o.By = c.ref()
	if c.has(`","in":`) {
		if o.In = c.number(); o.In < 1 || o.In > MaxEarlier {
			return errForm
		}
		c.text(`}`)
	} else {
		c.text(`"}`)
	}
	return r.keep(o, c)
}

// keep is what a record of an outcome ends with: nothing may be left of its text.
func (r *record) keep(o Outcome, c cutter) error {
	if !c.ok || len(c.b) > 0 {
		return errForm
	}
	r.outcome = o
	return nil
}

// cutter takes a text apart from the front; after the first misfit ok is false
// and what it returns has no meaning.
type cutter struct {
	b  []byte
	ok bool
}

// has reports whether s comes next, and takes it if so.
func (c *cutter) has(s string) bool {
	if !c.ok || len(c.b) < len(s) || string(c.b[:len(s)]) != s {
		return false
	}
	c.b = c.b[len(s):]
	return true
}

func (c *cutter) text(s string) { c.ok = c.has(s) }

func (c *cutter) ref() Ref {
	r, size := cutRef(c.b)
	c.ok = c.ok && size > 0
	c.b = c.b[size:]
	return r
}

func (c *cutter) number() int {
	n, size := cutNumber(c.b, math.MaxInt32)
	c.ok = c.ok && size > 0
	c.b = c.b[size:]
	return int(n)
}

// string takes a string as appendString writes it.
func (c *cutter) string() string {
	if !c.has(`"`) {
		c.ok = false
		return ""
	}
	// Without an escape, by far the most frequent case, the text is as it stands.
	end := bytes.IndexByte(c.b, '"')
	if end >= 0 && plain(c.b[:end]) {
		s := string(c.b[:end])
		c.b = c.b[end+1:]
		return s
	}
	var s []byte
	for i := 0; i < len(c.b); i++ {
		switch d := c.b[i]; {
		case d == '"':
			c.b = c.b[i+1:]
			c.ok = utf8.Valid(s)
			return string(s)
		case d < 0x20:
			c.ok = false
			return ""
		case d != '\\':
			s = append(s, d)
		default:
			e, size := unescape(c.b[i:])
			if size == 0 {
				c.ok = false
				return ""
			}
			s = append(s, e)
			i += size - 1
		}
	}
	c.ok = false
	return ""
}

// plain reports whether b is valid UTF-8 and needs no escape.
func plain(b []byte) bool {
	for _, d := range b {
		if d < 0x20 || d == '\\' {
			return false
		}
	}
	return utf8.Valid(b)
}

// unescape reads one escape that appendString writes; size is 0 for any other.
func unescape(b []byte) (d byte, size int) {
	if len(b) >= 2 && (b[1] == '"' || b[1] == '\\') {
		return b[1], 2
	}
	if len(b) < 6 || string(b[:4]) != `\u00` {
		return 0, 0
	}
	hi := bytes.IndexByte([]byte(hexDigits), b[4])
	lo := bytes.IndexByte([]byte(hexDigits), b[5])
	if hi < 0 || hi > 1 || lo < 0 {
		return 0, 0
	}
	return byte(hi<<4 | lo), 6
}

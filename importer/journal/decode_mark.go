package journal

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// decodeMark reads a mark in the form in which it is encoded, and reports whether it is in
// that form: there is a mark for a hundred rows, and reading them as any JSON took half of
// the time of reading a checkpoint. One with latencies, of which there are few, is not; nor
// is one in which a number has a sign. What it sets is what decodeJSON would.
func (r *record) decodeMark(b []byte) bool {
	sum := r.mark.Read.Sum // mostly the same again
	c := cutter{b: b, ok: true}
	m := Mark{}
	c.text(`{"at":"`)
	m.At = c.time()
	c.text(`","low":{"member":`)
	m.Low.Member = c.number()
	c.text(`,"offset":`)
	m.Low.Offset = c.long()
	c.text(`,"line":`)
	m.Low.Line = c.long()
	c.text(`,"row":`)
	m.Low.Row = c.long()
	c.text(`},"high":`)
	m.High = c.long()
	c.text(`,"read":{"input":`)
	m.Read.Input = c.number()
	c.text(`,"bytes":`)
	m.Read.Bytes = c.long()
	c.text(`,"sum":"`)
	m.Read.Sum = c.word(sum)
	c.text(`"`)
	m.Read.Open = c.has(`,"open":true`)
	c.text(`},"http":{"requests":`)
	m.HTTP.Requests = c.long()
	c.text(`,"retries":`)
	m.HTTP.Retries = c.long()
	if c.has(`,"byStatus":{`) {
		m.HTTP.ByStatus = map[string]int64{}
		for more := true; more && c.ok; more = c.has(`,`) {
			c.text(`"`)
			status := c.word("200")
			c.text(`":`)
			m.HTTP.ByStatus[status] = c.long()
		}
		c.text(`}`)
	}
	if c.has(`,"throttledSeconds":`) {
		m.HTTP.Throttled = c.fraction()
	}
	c.text(`}}`)
	if !c.ok || len(c.b) > 0 {
		return false
	}
	r.mark = m
	return true
}

// long takes a whole number without a sign.
func (c *cutter) long() int64 {
	n, size := cutNumber(c.b, math.MaxInt64)
	c.ok = c.ok && size > 0
	c.b = c.b[size:]
	return n
}

// fraction takes a number as strconv writes it without an exponent.
func (c *cutter) fraction() float64 {
	size := 0
	for size < len(c.b) && (c.b[size] == '.' || c.b[size]-'0' <= 9) {
		size++
	}
	// JSON has no ".5", "5." and "05".
	whole, part, point := bytes.Cut(c.b[:size], []byte("."))
	f, err := strconv.ParseFloat(string(c.b[:size]), 64)
	c.ok = c.ok && err == nil && len(whole) > 0 && (len(whole) == 1 || whole[0] != '0') && (!point || len(part) > 0)
	c.b = c.b[size:]
	return f
}

// time takes what stands up to the next quote as a time.
func (c *cutter) time() (t time.Time) {
	end := bytes.IndexByte(c.b, '"')
	if !c.ok || end < 0 || t.UnmarshalText(c.b[:end]) != nil {
		c.ok = false
		return t
	}
	c.b = c.b[end:]
	return t
}

// word takes letters and digits up to the next quote. Where they are the usual ones, no
// memory is taken.
func (c *cutter) word(usual string) string {
	end := bytes.IndexByte(c.b, '"')
	if !c.ok || end < 0 {
		c.ok = false
		return ""
	}
	w := c.b[:end]
	c.b = c.b[end:]
	for _, d := range w {
		if d-'0' > 9 && d-'a' > 'z'-'a' {
			c.ok = false // a word with an escape is not what it says
		}
	}
	if string(w) == usual {
		return usual
	}
	return string(w)
}

package inspect

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// Column is what a CSV column, or a path inside JSON, holds. Elements of arrays
// are written [] in a path.
type Column struct {
	Name   string      `json:"name"`
	Of     int64       `json:"of"`     // values that there could be: rows, or elements of the array around it
	Filled int64       `json:"filled"` // that say something
	Kinds  []KindCount `json:"kinds"`  // the most frequent first
	// Values are the words of decision that occur, the most frequent first, when
	// the column has few distinct values; Others counts the values among them
	// that are not shown.
	Values []ValueCount `json:"values,omitempty"`
	Others int          `json:"others,omitempty"`
	// Distinct counts the distinct values; -1: more than maxDistinct.
	Distinct int        `json:"distinct"`
	Samples  []string   `json:"samples"` // masked
	Times    []TimeForm `json:"times,omitempty"`
	Decoder  string     `json:"decoder,omitempty"` // that reads the cells
	Pairs    *pairStyle `json:"pairs,omitempty"`

	// Spellings are the names that it has in other parts of the export.
	Spellings []string `json:"spellings,omitempty"`

	name   string  // as it is written, for a mapping
	cell   bool    // CSV cells that hold JSON
	within []int   // CSV layouts that have it
	lists  float64 // share of cells that hold several values, separated by commas
	says   [sayings]float64
	basis  int64            // values that name a legal ground other than consent
	known  map[string]int64 // the distinct values; nil where there are many
	shares [kindCount]float64
}

// KindCount is how many values look like something.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// ValueCount is how often a word occurs.
type ValueCount struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// Fill is the share of values that say something.
func (c *Column) Fill() float64 {
	if c.Of == 0 {
		return 0
	}
	return float64(c.Filled) / float64(c.Of)
}

// Bounds of one column.
const (
	maxDistinct  = 50  // distinct values that are counted
	maxSamples   = 3   // that are shown
	sampledRows  = 500 // filled values in which samples are looked for
	decodedCells = 32  // that decoders are tried on
)

// column gathers what the values of one column look like.
type column struct {
	name       string
	of, filled int64
	kinds      [kindCount]int64
	says       [sayings]int64
	basis      int64
	distinct   map[string]int64 // nil: too many
	samples    []string
	times      timeTally
	epochYears [2]int
	serials    int64 // numbers that can be a spreadsheet's days from 2000 to 2050
	tried      int
	decoders   map[string]int
	pairs      map[pairStyle]int
	cell       bool
	lists      int64
	spellings  []string
	layouts    []int // CSV layouts that have it
}

func newColumn(name string) *column {
	return &column{name: name, distinct: map[string]int64{}, decoders: map[string]int{}, pairs: map[pairStyle]int{}}
}

// add takes a value, which is trimmed and not empty.
func (c *column) add(v []byte, row int64) valueKind {
	k, written := shapeOf(v)
	c.kinds[k]++
	if k != kindNothing {
		c.filled++
	}
	if len(v) <= longestWord {
		c.says[sayingOf(v)]++
		if vocabulary.Value(v) == vocabulary.Basis {
			c.basis++
		}
	}
	if c.distinct != nil {
		if n, ok := c.distinct[string(v)]; ok || len(c.distinct) < maxDistinct && len(v) <= 128 {
			c.distinct[string(v)] = n + 1
		} else {
			c.distinct = nil
		}
	}
	if len(c.samples) < maxSamples && c.filled <= sampledRows {
		if m := maskValue(v); !slices.Contains(c.samples, m) {
			c.samples = append(c.samples, m)
		}
	}
	switch k {
	case kindTime, kindDate:
		c.times.add(&written, row)
	case kindEpochS, kindEpochMS:
		c.epochYear(v, k)
	case kindInteger, kindDecimal:
		if len(v) >= 5 && v[0] >= '3' && v[0] <= '5' && (len(v) == 5 || v[5] == '.' || v[5] == ',') {
			c.serials++
		}
	case kindText, kindJSON, kindPairs:
		if k == kindText && len(v) < 1000 && bytes.IndexByte(v, ',') > 0 {
			c.lists++
		}
		if c.tried < decodedCells {
			c.tried++
			if name := mapping.DecoderOf(v); name != "" {
				c.decoders[name]++
			}
		}
		if k == kindPairs {
			if style, ok := pairsOf(v); ok {
				c.pairs[style]++
			}
		}
	}
	return k
}

func (c *column) epochYear(v []byte, k valueKind) {
	n := int64(0)
	for _, d := range v {
		if d >= '0' && d <= '9' {
			n = n*10 + int64(d-'0')
		}
	}
	if k == kindEpochMS {
		n /= 1000
	}
	const year = 31_556_952 // seconds of a Gregorian year on average
	y := 1970 + int(n/year)
	if c.epochYears[0] == 0 {
		c.epochYears = [2]int{y, y}
	}
	c.epochYears[0], c.epochYears[1] = min(c.epochYears[0], y), max(c.epochYears[1], y)
}

// result says what was found. Of is the number of values that there could be.
func (c *column) result(of int64) Column {
	out := Column{Name: shownName(c.name), Of: of, Filled: c.filled, Samples: c.samples, Distinct: -1, name: c.name, cell: c.cell, within: c.layouts, Spellings: c.spellings}
	for k, n := range c.kinds {
		if n == 0 {
			continue
		}
		out.Kinds = append(out.Kinds, KindCount{kindNames[k], n})
		if c.filled > 0 {
			out.shares[k] = float64(n) / float64(c.filled)
		}
	}
	slices.SortStableFunc(out.Kinds, func(a, b KindCount) int { return cmp.Compare(b.Count, a.Count) })
	if c.filled > 0 {
		out.lists = float64(c.lists) / float64(c.filled)
		for i, n := range c.says {
			out.says[i] = float64(n) / float64(c.filled)
		}
	}
	out.known, out.basis = c.distinct, c.basis
	if c.distinct != nil {
		out.Distinct = len(c.distinct)
		out.Values, out.Others = c.words()
	}
	out.Times = c.timeForms()
	for name, n := range c.decoders {
		if n*10 >= c.tried*8 {
			out.Decoder = name
		}
	}
	for style, n := range c.pairs {
		if int64(n)*10 >= c.filled*8 {
			out.Pairs = &style
		}
	}
	return out
}

// words gives the values that may be shown: words of decision, when a good part
// of the column is such words; beside them other short words that occur more
// than once, for these are states that a mapping must list as well.
func (c *column) words() (shown []ValueCount, others int) {
	decisive := int64(0)
	for _, k := range []valueKind{kindFlag, kindBit, kindWord} {
		decisive += c.kinds[k]
	}
	if c.isCoded() {
		for _, v := range slices.Sorted(maps.Keys(c.distinct)) {
			shown = append(shown, ValueCount{v, c.distinct[v]})
		}
		return shown, 0
	}
	if decisive == 0 || c.kinds[kindBit] == decisive && c.kinds[kindInteger] > 0 {
		return nil, 0
	}
	for _, v := range slices.Sorted(maps.Keys(c.distinct)) {
		n := c.distinct[v]
		kind, word := wordKind([]byte(v))
		if word && kind == kindNothing {
			continue // it is no value
		}
		if !word || len(v) > longestWord {
			if decisive*2 < c.filled || n < 2 || !isPlainWord(v) {
				others++
				continue
			}
		}
		shown = append(shown, ValueCount{v, n})
	}
	slices.SortStableFunc(shown, func(a, b ValueCount) int { return cmp.Compare(b.Count, a.Count) })
	return shown, others
}

// mostCodes is how many numbers may stand for states.
const mostCodes = 8

// isCoded reports whether the column is called a state and holds few small numbers: 1 and
// 2 say something that the platform's documentation knows.
func (c *column) isCoded() bool {
	if n := len(c.distinct); n < 2 || n > mostCodes || c.kinds[kindInteger] == 0 || c.kinds[kindInteger]+c.kinds[kindBit] < c.filled {
		return false
	}
	for v := range c.distinct {
		if len(v) > 2 {
			return false
		}
	}
	return isState(c.name)
}

// isState reports whether a name is one for the state of a subscription or consent.
func isState(path string) bool {
	return slices.Contains([]string{"status", "state", "subscriptionstatus", "subscriberstatus", "consentstatus", "optinstatus", "emailstatus", "subscriptionstate", "optin", "consent", "consentstate", "statusid", "statuscode"}, compactName(lastName(path)))
}

// isPlainWord reports whether a value can be a word of a vocabulary: short, and
// neither a number nor an address.
func isPlainWord(v string) bool {
	letters := 0
	for _, c := range []byte(v) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
			letters++
		case c == '_', c == '-', c == ' ', c == '.':
		default:
			return false
		}
	}
	return letters > 0 && len(v) <= 30
}

// timeForms are the forms of the column's times, when nearly all of its values are times.
func (c *column) timeForms() []TimeForm {
	seconds, millis := c.kinds[kindEpochS], c.kinds[kindEpochMS]
	texts := c.kinds[kindTime] + c.kinds[kindDate]
	least := int64(8)
	if isExpiry(c.name) {
		least = 2 // the others say unlimited, or the like
	}
	if c.filled == 0 || (seconds+millis+texts)*10 < c.filled*least {
		if c.filled > 0 && c.serials*10 >= c.filled*8 && hasWord(c.name, timeWords()) {
			return []TimeForm{{Format: "excel", Count: c.serials, Zone: zoneMissing, Order: "five digits: days that a spreadsheet counts from 1900"}}
		}
		return nil
	}
	forms := c.times.result()
	for _, e := range []struct {
		n      int64
		format string
		why    string
	}{{seconds, "epoch-s", "seconds since 1970, by their size"}, {millis, "epoch-ms", "milliseconds since 1970, by their size"}} {
		if e.n > 0 {
			forms = append(forms, TimeForm{Format: e.format, Count: e.n, Zone: zoneInText, Order: e.why, Years: c.epochYears})
		}
	}
	slices.SortStableFunc(forms, func(a, b TimeForm) int { return cmp.Compare(b.Count, a.Count) })
	return forms
}

// shownName is a column's name as it may be printed: masked where the heading
// itself is a person's data.
func shownName(name string) string {
	if isDatum(name) {
		return maskValue([]byte(name))
	}
	return spelling.OneLine(name)
}

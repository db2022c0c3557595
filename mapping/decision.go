package mapping

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// The decisions of a table, in the order in which they are listed.
const (
	DecidedAccept  = "accept"
	DecidedReject  = "reject"
	DecidedNothing = "nothing" // no consent is made: no statement, or a rule leaves it out
	DecidedInvalid = "invalid" // not listed, or in a row that is invalid for another reason
)

var decided = [...]string{DecidedAccept, DecidedReject, DecidedNothing, DecidedInvalid}

// Decision is one line of the decision table: what the export said about a
// category, and what the mapping made of it. It is what the person who answers
// for consent signs before an import. Lines of which no value was read have an
// empty category and value.
type Decision struct {
	Category string `json:"category"`
	Value    string `json:"value"`
	Decision string `json:"decision"`         // one of the Decided constants
	Reason   string `json:"reason,omitempty"` // why it is nothing or invalid, where that is known
	Count    int64  `json:"count"`
}

// Overflow keeps what does not fit into memory: sorted runs of keys with their
// counts.
type Overflow interface {
	// Add stores a run; its keys ascend.
	Add(run iter.Seq2[string, int64]) error
	// Merge gives the keys of all runs and of one more that is still in memory,
	// ascending, each once, with the sum of its counts. It can be called again.
	Merge(last iter.Seq2[string, int64], give func(key string, count int64) error) error
}

const (
	// maxLines is how many bytes of lines stay in memory where an Overflow
	// takes the rest.
	maxLines = 12 << 20
	// lineOverhead is about what a line costs beside its key.
	lineOverhead = 64
)

// Decisions is the decision table of an export under a mapping: every distinct
// line, whole, with its count. The same export and mapping give the same table,
// however the rows were spread over processors.
type Decisions struct {
	lines    map[string]int64
	size     int // bytes of lines
	overflow Overflow
	spilled  bool
	err      error // of the overflow; it sticks
	key      []byte
	listed   map[string]bool // values that the mapping itself names
	free     freeText
}

// add counts n of what one line says.
func (d *Decisions) add(category, value []byte, as fate, why string, n int64) {
	d.free.add(as, value)
	d.key = appendLine(d.key[:0], category, value, as, why)
	if _, ok := d.lines[string(d.key)]; !ok {
		if d.size > maxLines && d.overflow != nil {
			d.spill()
		}
		if d.lines == nil {
			d.lines = map[string]int64{}
		}
		d.size += len(d.key) + lineOverhead
	}
	d.lines[string(d.key)] += n
}

// spill moves what is in memory to the overflow.
func (d *Decisions) spill() {
	if err := d.overflow.Add(d.sorted()); err != nil && d.err == nil {
		d.err = err
	}
	d.lines, d.size, d.spilled = nil, 0, true
}

// sorted gives the lines in memory in the order of their keys.
func (d *Decisions) sorted() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, key := range slices.Sorted(maps.Keys(d.lines)) {
			if !yield(key, d.lines[key]) {
				return
			}
		}
	}
}

// Each gives all lines, whole and unmasked: first what becomes accept, then
// reject, nothing, invalid; each by category, value and reason.
func (d *Decisions) Each(give func(Decision) error) error {
	if d.err != nil {
		return fmt.Errorf("collect the decision table: %w", d.err)
	}
	line := func(key string, count int64) error {
		decision, err := readLine(key)
		if err != nil {
			return err
		}
		decision.Count = count
		return give(decision)
	}
	if d.spilled {
		return d.overflow.Merge(d.sorted(), line)
	}
	for key, count := range d.sorted() {
		if err := line(key, count); err != nil {
			return err
		}
	}
	return nil
}

// appendLine appends the key of a line. Keys sort as lines do: by decision,
// category, value, reason. NUL ends a text, and a NUL in it is followed by 0xff.
func appendLine(key, category, value []byte, as fate, why string) []byte {
	key = append(key, byte(as))
	for _, text := range [...]string{string(category), string(value), why} {
		for {
			i := strings.IndexByte(text, 0)
			if i < 0 {
				break
			}
			key = append(append(key, text[:i+1]...), 0xff)
			text = text[i+1:]
		}
		key = append(append(key, text...), 0, 1)
	}
	return key
}

// readLine is the reverse of appendLine.
func readLine(key string) (Decision, error) {
	damaged := fmt.Errorf("read the decision table: a line of %d bytes is damaged", len(key))
	if key == "" || int(key[0]) >= len(decided) {
		return Decision{}, damaged
	}
	d := Decision{Decision: decided[key[0]]}
	rest := key[1:]
	for _, field := range [...]*string{&d.Category, &d.Value, &d.Reason} {
		var text []byte
		for {
			i := strings.IndexByte(rest, 0)
			if i < 0 || i+1 >= len(rest) {
				return Decision{}, damaged
			}
			text = append(text, rest[:i]...)
			end := rest[i+1] == 1
			rest = rest[i+2:]
			if end {
				break
			}
			text = append(text, 0)
		}
		*field = string(text)
	}
	return d, nil
}

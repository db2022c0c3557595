package inspect

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/source"
)

// letters are the characters beyond ASCII of an export, by which a person tells whether
// it was read in the right encoding, and the rows that are not text in it. One character
// after the other in the order of their number, they name nobody.
type letters struct {
	seen   map[rune]int
	whole  int    // rows with such characters
	broken int    // rows that are not text
	lines  []byte // the first of these
}

// Bounds of what is kept.
const (
	maxLetters = 200
	maxLines   = 16 << 10
	shownMost  = 24
)

// see takes note of a row.
func (l *letters) see(row *source.Row) {
	ascii := true
	for _, b := range row.Raw {
		if b >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	switch {
	case ascii:
	case !utf8.Valid(row.Raw):
		l.broken++
		if len(l.lines)+len(row.Raw) < maxLines {
			l.lines = append(append(l.lines, row.Raw...), '\n')
		}
	default:
		if l.whole++; l.seen == nil {
			l.seen = map[rune]int{}
		}
		for _, r := range string(bytes.ToValidUTF8(row.Raw, nil)) {
			if _, known := l.seen[r]; r >= utf8.RuneSelf && (known || len(l.seen) < maxLetters) {
				l.seen[r]++
			}
		}
	}
}

// shown are the most frequent ones.
func (l *letters) shown() string {
	all := slices.SortedFunc(maps.Keys(l.seen), func(a, b rune) int { return cmp.Or(cmp.Compare(l.seen[b], l.seen[a]), cmp.Compare(a, b)) })
	all = all[:min(len(all), shownMost)]
	slices.Sort(all)
	var texts []string
	for _, r := range all {
		texts = append(texts, string(r))
	}
	return strings.Join(texts, " ")
}

// guessed says that an encoding was guessed, and by what one can tell whether it is right.
func (in *Inspection) guessed(encoding string, l *letters) {
	in.Guessed = encoding
	in.Notes = append(in.Notes, fmt.Sprintf("the text is not UTF-8 and was read as %s, which is a guess: it is right if these characters of it are: %s; to import it, "+
		"set what it is, for example as input.encoding: %s in the mapping", encoding, l.shown(), encoding))
}

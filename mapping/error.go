package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is a mapping that cannot be used, with the place of its fault.
type Error struct {
	File         string
	Line, Column int // from 1; 0: no place in particular
	Message      string
	Hint         string // what to do; may be empty
}

// Error gives file:line:column: message.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// didYouMean gives `; did you mean "x"?` for the candidate that is nearest to a
// word, or nothing when none is near.
func didYouMean(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// nearest is the candidate with the fewest edits, when these are few.
func nearest(word string, candidates []string) string {
	best, found := max(2, len(word)/3)+1, ""
	for _, c := range candidates {
		d := Distance(strings.ToLower(word), strings.ToLower(c))
		if d < best || d == best && found == "" && d == 0 {
			best, found = d, c
		}
	}
	return found
}

// Distance counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b (optimal string alignment); 1000 for texts that no name is as
// long as.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 {
		return 1000
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// quoteAll lists words for a message.
func quoteAll(words []string, most int) string {
	words = slices.SortedFunc(slices.Values(words), cmp.Compare[string])
	cut := ""
	if len(words) > most {
		words, cut = words[:most], " …"
	}
	return strings.Join(words, ", ") + cut
}

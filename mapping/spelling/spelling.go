// Package spelling compares words by how they are written: which of some names a
// misspelt one was meant to be, and what is left of a text without the blanks
// around it.
package spelling

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// DidYouMean gives `; did you mean "x"?` for the candidate that is nearest to a
// word, or nothing when none is near.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// Nearest is the candidate with the fewest edits, when these are few.
func Nearest(word string, candidates []string) string {
	best, found := min(max(2, len(word)/3), len(word)-1)+1, "" // never all of its letters
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

// Trim is bytes.TrimSpace with a short way for cells that need none, and
// with the no-break blanks that exporters leave.
func Trim(b []byte) []byte {
	if Bare(b) {
		return b
	}
	return bytes.TrimSpace(b)
}

// Bare reports whether a text begins and ends with ASCII that Trim leaves alone, as
// nearly all do. It is inlined, which Trim is not: ask it first where every row is
// trimmed (BenchmarkMap).
func Bare(b []byte) bool {
	n := len(b)
	return n > 0 && b[0] > ' ' && b[0] < utf8.RuneSelf && b[n-1] > ' ' && b[n-1] < utf8.RuneSelf
}

package source

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// compareNatural compares names as people count: digits by the number that they
// write, so that part-2 comes before part-10, and directories before what follows
// in them.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			var x, y string
			x, a = cutDigits(a)
			y, b = cutDigits(b)
			if c := compareNumbers(x, y); c != 0 {
				return c
			}
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(rank(a[0]), rank(b[0]))
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// rank is the place of a character among others: the end of a directory's name comes
// before whatever a longer one goes on with.
func rank(c byte) int {
	if c == '/' {
		return -1
	}
	return int(c)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// cutDigits splits a name after the digits that it begins with.
func cutDigits(s string) (digits, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

// compareNumbers compares digits of any length by their number, and, where that is
// one, by how they are written.
func compareNumbers(a, b string) int {
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(len(a), len(b)))
}

// InOrder gives the files of an export in the order in which they are read. Numbered
// parts go by their numbers: a shell lists part-10 before part-2. Other files, of
// names that differ in more than numbers, stay as they were given unless they came in
// the order of a list of files.
func InOrder(paths []string) []string {
	if !sameShape(paths) && !slices.IsSorted(paths) {
		return paths
	}
	sorted := slices.Clone(paths)
	slices.SortStableFunc(sorted, func(a, b string) int { return compareNatural(filepath.ToSlash(a), filepath.ToSlash(b)) })
	return sorted
}

// sameShape tells that names differ in numbers alone.
func sameShape(paths []string) bool {
	shape := func(path string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, path)
	}
	for _, p := range paths {
		if shape(p) != shape(paths[0]) {
			return false
		}
	}
	return true
}

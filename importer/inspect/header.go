package inspect

import (
	"bytes"
	"slices"

	"github.com/consentimport/consentimport/importer/source"
)

// headerLines is how many lines of a text are looked at to find its header.
const headerLines = 200

// tableForm tells from the beginning of a CSV text how many lines stand above its
// header and what separates its cells: that by which most lines have equally many
// cells, two at least. The first line with as many is the header. It is false where
// nothing is clearer than what was detected already.
func tableForm(text []byte, l *source.Layout) (skip int, delimiter byte, ok bool) {
	lines := cutLines(text, headerLines)
	if len(lines) < 3 {
		return 0, 0, false
	}
	type form struct {
		delimiter     byte
		cells, lines  int
		first, filled int
	}
	var best form
	for _, d := range []byte{',', ';', '\t', '|'} {
		count := map[int]int{}
		cells := make([]int, len(lines))
		for i, line := range lines {
			cells[i] = cellsOf(line, d)
			if cells[i] > 1 {
				count[cells[i]]++
			}
		}
		for n, times := range count {
			f := form{delimiter: d, cells: n, lines: times}
			f.first = slices.IndexFunc(lines, func(line []byte) bool { return cellsOf(line, d) == n && !isTitle(line, d, n) })
			if f.first < 0 {
				continue
			}
			if f.lines*n > best.lines*best.cells || f.lines*n == best.lines*best.cells && n > best.cells {
				best = f
			}
		}
	}
	for i := range lines {
		if len(bytes.TrimSpace(lines[i])) > 0 {
			best.filled++
		}
	}
	body := lines[min(best.first, len(lines)):]
	whole := 0
	for _, line := range body {
		if cellsOf(line, best.delimiter) == best.cells {
			whole++
		}
	}
	if best.cells < 2 || best.lines < 2 || whole*10 < len(body)*6 {
		return 0, 0, false
	}
	if best.delimiter == l.Delimiter && best.first == bytes.Count(l.Preamble, []byte(l.LineEnd)) {
		return 0, 0, false
	}
	for i := range best.first { // a line above the header with more cells is a header of wider rows
		if cellsOf(lines[i], best.delimiter) > best.cells {
			return 0, 0, false
		}
	}
	return best.first, best.delimiter, true
}

// isTitle reports whether a line is one of text that a spreadsheet has filled up with
// empty cells.
func isTitle(line []byte, delimiter byte, cells int) bool {
	said := 0
	for cell := range bytes.SplitSeq(line, []byte{delimiter}) {
		if len(bytes.Trim(cell, " \"\t\r")) > 0 {
			said++
		}
	}
	return cells > 2 && said <= 1
}

// cutLines gives the first lines of a text, without what is behind its last line end.
func cutLines(text []byte, most int) [][]byte {
	end := byte('\n')
	if bytes.IndexByte(text, '\n') < 0 {
		end = '\r'
	}
	var lines [][]byte
	for len(lines) < most && len(text) > 0 {
		i := bytes.IndexByte(text, end)
		if i < 0 {
			if len(text) < looked {
				lines = append(lines, text)
			}
			break
		}
		lines = append(lines, bytes.TrimSuffix(text[:i], []byte("\r")))
		text = text[i+1:]
	}
	return lines
}

// cellsOf counts the cells of a line; quotes around a cell keep a delimiter in it.
func cellsOf(line []byte, delimiter byte) int {
	if len(bytes.TrimSpace(line)) == 0 {
		return 0
	}
	n, quoted := 1, false
	for _, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case b == delimiter && !quoted:
			n++
		}
	}
	return n
}

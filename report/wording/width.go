package wording

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is how many columns of a terminal a text takes: Chinese, Japanese and
// Korean characters and emoji take two, combining marks none (Unicode UAX 11, 29).
func Width(s string) int { return uniseg.StringWidth(s) }

// Clip cuts a text to n columns, between characters as people see them, and ends
// it with … when something was cut.
func Clip(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	end, used, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var width int
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+width > n-1 {
			break
		}
		used += width
		end += len(cluster)
	}
	return s[:end] + "…"
}

// Pad fills a text up with blanks to n columns.
func Pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-Width(s))) }

// padLeft puts blanks before a text, up to n columns.
func padLeft(s string, n int) string { return strings.Repeat(" ", max(0, n-Width(s))) + s }

// Columns sets rows in columns that line up, two blanks apart, a line each. The
// first left columns begin at the same place, the others, numbers, end there.
func Columns(rows [][]string, left int) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			if i < left {
				cell = Pad(cell, widths[i])
			} else {
				cell = padLeft(cell, widths[i])
			}
			line.WriteString(cell)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

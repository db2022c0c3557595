package text

import (
	"regexp"
	"strings"

	"github.com/consentimport/consentimport/report/wording"
)

// page lays out lines for one style.
type page struct {
	style Style
	width int
}

// The colours of a terminal, as SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// paint colours a text, unless the style has no colour.
func (p *page) paint(sgr, text string) string {
	if !p.style.Color {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// fit cuts a line to the width of the page.
func (p *page) fit(line string) string {
	if p.style.Full {
		return strings.TrimRight(printable(line), " ")
	}
	return wording.Clip(strings.TrimRight(printable(line), " "), p.width)
}

// colours finds what paint adds.
var colours = regexp.MustCompile("\x1b\\[[0-9]*m")

// rows is how many lines of the terminal some lines take: one that is longer than
// it is wide goes on in the next.
func (p *page) rows(lines []string) int {
	n := 0
	for _, line := range lines {
		columns := wording.Width(colours.ReplaceAllString(line, ""))
		n += max(1, (columns+p.width-1)/p.width)
	}
	return n
}

// wrap breaks a line at blanks, so that nothing of it is lost; lines after the
// first are indented.
func (p *page) wrap(line string, indent int) []string {
	var out []string
	cur := ""
	for _, word := range strings.Fields(printable(line)) {
		switch {
		case cur == "":
			cur = word
		case wording.Width(cur)+1+wording.Width(word) <= p.width:
			cur += " " + word
		default:
			out = append(out, p.fit(cur))
			cur = strings.Repeat(" ", indent) + word
		}
	}
	return append(out, p.fit(cur))
}

// hang puts a text behind a label and breaks it at blanks below itself, in a few
// lines at most.
func (p *page) hang(label, text string, most int) []string {
	indent := wording.Width(label)
	narrow := page{width: max(p.width-indent, 16)}
	lines := narrow.wrap(text, 0)
	if len(lines) > most {
		lines = append(lines[:most-1], narrow.fit(strings.Join(lines[most-1:], " ")))
	}
	for i := range lines {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		lines[i] = p.fit(label + lines[i])
	}
	return lines
}

// paintAll colours lines.
func (p *page) paintAll(sgr string, lines []string) []string {
	for i := range lines {
		lines[i] = p.paint(sgr, lines[i])
	}
	return lines
}

// printable replaces what a terminal would take as a command: texts of a target
// or an export are shown, not run.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u202d' || r == '\u2066' || r == '\u2067' {
			return '\uFFFD'
		}
		return r
	}, s)
}

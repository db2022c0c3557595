package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/wording"
)

// twoScreens is how many lines inspect prints at most, unless everything is asked for.
const twoScreens = 48

// inspectionPrinter gathers lines of what was found for people.
type inspectionPrinter struct {
	full  bool
	lines []string
}

func (p *inspectionPrinter) line(depth int, format string, args ...any) {
	p.lines = append(p.lines, strings.Repeat("  ", depth)+spelling.OneLine(fmt.Sprintf(format, args...)))
}

// most is how many entries of a list are printed: all of them, or the first few.
func (p *inspectionPrinter) most(few, all int) int {
	if p.full {
		return all
	}
	return min(few, all)
}

// left says how many entries of a list were not printed.
func (p *inspectionPrinter) left(depth, shown, all int, what string) {
	if all > shown {
		p.line(depth, "and %d more %s; --full lists them", all-shown, what)
	}
}

// printInspection prints everything where it fits on two screens or is asked for;
// else of each column a line, those that matter to a mapping before others. command writes
// one about the same files.
func printInspection(w io.Writer, in *inspect.Inspection, full bool, command func(words ...string) string) error {
	what := "columns"
	if len(in.Layouts) > 0 && in.Layouts[0].Nested {
		what = "paths"
	}
	title := fmt.Sprintf("%s: %d (samples are masked: letters a and A, digits 9)", what, len(in.Columns))
	p := &inspectionPrinter{full: full}
	p.head(in)
	p.line(0, "")
	p.line(0, "%s", title)
	head := len(p.lines)
	for i := range in.Columns {
		p.column(&in.Columns[i])
	}
	columns := p.lines[head:]
	end := &inspectionPrinter{full: full}
	end.line(0, "")
	end.presets(in, command)
	if !full && head+len(columns)+len(end.lines) > twoScreens {
		p.lines[head-1] = fmt.Sprintf("%s: %d, a line each; --full says more of them", what, len(in.Columns))
		columns = briefColumns(in, what, twoScreens-head-len(end.lines))
	}
	_, err := io.WriteString(w, strings.Join(slices.Concat(p.lines[:head], columns, end.lines), "\n")+"\n")
	return err
}

// briefColumns describes columns in a line each, in as many lines as there are.
func briefColumns(in *inspect.Inspection, what string, room int) []string {
	chosen := map[*inspect.Column]bool{}
	room = max(room, 6) - 1
	for _, c := range in.Telling() {
		if len(chosen) < room {
			chosen[c] = true
		}
	}
	for i := range in.Columns {
		if len(chosen) < room && in.Columns[i].Filled > 0 {
			chosen[&in.Columns[i]] = true
		}
	}
	p := &inspectionPrinter{}
	for i := range in.Columns {
		c := &in.Columns[i]
		if !chosen[c] {
			continue
		}
		kind := ""
		if len(c.Kinds) > 0 {
			kind = c.Kinds[0].Kind
		}
		for _, t := range c.Times[:min(1, len(c.Times))] {
			kind = "time, " + cmp.Or(t.Format, strings.Join(t.Either, " or "))
		}
		for _, v := range c.Values[:min(4, len(c.Values))] {
			kind += fmt.Sprintf(", %s (%s)", v.Value, wording.Thousands(v.Count))
		}
		if left := max(0, len(c.Values)-4) + c.Others; left > 0 && len(c.Values) > 0 {
			kind += fmt.Sprintf(", and %d more", left)
		}
		share := "empty"
		if c.Filled > 0 {
			share = fmt.Sprintf("%.0f %%", 100*c.Fill())
		}
		p.line(1, "%s: %s, %s", c.Name, share, kind)
	}
	p.left(1, len(p.lines), len(in.Columns), what)
	return p.lines
}

// head says how the files are written and what of them cannot be read.
func (p *inspectionPrinter) head(in *inspect.Inspection) {
	p.files(in)
	p.line(0, "rows: %s", wording.Thousands(in.Rows))
	if in.Unreadable > 0 {
		p.line(1, "%s of them cannot be read:", wording.Thousands(in.Unreadable))
		n := p.most(3, len(in.Reasons))
		for _, u := range in.Reasons[:n] {
			p.line(2, "%s: %s (%s)", wording.Thousands(u.Count), u.Reason, rowList(u.Rows, u.Count))
		}
		p.left(2, n, len(in.Reasons), "reasons")
	}
	n := p.most(3, len(in.Notes))
	for _, note := range in.Notes[:n] {
		p.line(1, "note: %s", note)
	}
	p.left(1, n, len(in.Notes), "notes")
}

func (p *inspectionPrinter) files(in *inspect.Inspection) {
	shown := p.most(4, len(in.Inputs))
	for _, f := range in.Inputs[:shown] {
		packed := "not compressed"
		if f.Compression != "none" && f.Compression != "" {
			packed = f.Compression + ", by its first bytes"
		}
		p.line(0, "file: %s, %s bytes, %s", f.Path, wording.Thousands(f.Bytes), packed)
	}
	p.left(0, shown, len(in.Inputs), "files")
	shown = p.most(2, len(in.Layouts))
	for i, l := range in.Layouts[:shown] {
		if len(in.Layouts) > 1 {
			p.line(0, "layout %d of %d, %s", i+1, len(in.Layouts), wording.Plural(int64(l.Members), "file"))
		}
		p.line(1, "format: %s", l.Format)
		for _, e := range l.Evidence {
			p.line(1, "%s", e)
		}
		p.line(1, "line ends: %s", l.LineEnd)
		if l.Nested {
			continue
		}
		if in.Headless {
			p.line(1, "header: none")
		} else {
			p.line(1, "header: %s", wording.Plural(int64(l.Columns), "column"))
		}
		if l.Preamble > 0 {
			p.line(1, "lines above the header: %d", l.Preamble)
		}
	}
	p.left(0, shown, len(in.Layouts), "layouts")
	if in.Skipped > 0 {
		p.line(1, "the header is below %s (input.skipLines of a mapping)", wording.Plural(int64(in.Skipped), "line"))
	}
	if in.Paged != "" {
		p.line(1, "the rows are in the array %s of each page (input.rows of a mapping)", in.Paged)
	}
	if len(in.Members) > len(in.Inputs) {
		shown = p.most(4, len(in.Members))
		for _, m := range in.Members[:shown] {
			p.line(1, "holds %s: %s rows", m.Name, wording.Thousands(m.Rows))
		}
		p.left(1, shown, len(in.Members), "files")
	}
}

func (p *inspectionPrinter) column(c *inspect.Column) {
	p.line(1, "%s: %s", c.Name, filled(c))
	if len(c.Spellings) > 0 {
		p.line(2, "in other files called %s", strings.Join(c.Spellings, ", "))
	}
	if c.Filled == 0 {
		return
	}
	kinds := make([]string, 0, 3)
	for i, k := range c.Kinds {
		if i == 3 {
			kinds = append(kinds, "…")
			break
		}
		if share := 100 * float64(k.Count) / float64(c.Filled); share < 99.95 {
			kinds = append(kinds, fmt.Sprintf("%s %.1f %%", k.Kind, share))
		} else {
			kinds = append(kinds, k.Kind)
		}
	}
	p.line(2, "%s", strings.Join(kinds, ", "))
	if c.Decoder != "" {
		p.line(2, "read by the decoder %s (each: {%s: …})", c.Decoder, c.Decoder)
	}
	if c.Pairs != nil {
		p.line(2, "separated by %q, name and value by %q (each: {split: …})", c.Pairs.By, c.Pairs.Pair)
	}
	for _, t := range c.Times {
		p.time(&t)
	}
	if len(c.Values) > 0 {
		values := make([]string, 0, len(c.Values)+1)
		for _, v := range c.Values {
			values = append(values, fmt.Sprintf("%s (%s)", v.Value, wording.Thousands(v.Count)))
		}
		if c.Others > 0 {
			values = append(values, fmt.Sprintf("and %d more that are not shown", c.Others))
		}
		p.line(2, "values: %s", strings.Join(values, ", "))
	} else if len(c.Samples) > 0 {
		p.line(2, "e.g. %s", strings.Join(c.Samples, "  |  "))
	}
}

func filled(c *inspect.Column) string {
	if c.Filled == 0 {
		return "always empty"
	}
	share := fmt.Sprintf("%.1f %%", 100*c.Fill())
	if share == "100.0 %" && c.Filled < c.Of {
		share = "nearly always"
	}
	out := fmt.Sprintf("filled %s (%s of %s)", share, wording.Thousands(c.Filled), wording.Thousands(c.Of))
	switch {
	case c.Distinct > 0:
		out += fmt.Sprintf(", %d distinct", c.Distinct)
	case c.Distinct < 0:
		out += ", many distinct"
	}
	return out
}

func (p *inspectionPrinter) time(t *inspect.TimeForm) {
	form := t.Format
	if len(t.Either) > 0 {
		form = strings.Join(t.Either, " or ")
	}
	out := fmt.Sprintf("time: %s, zone %s", form, t.Zone)
	switch {
	case t.Years[0] == 0:
	case t.Years[0] == t.Years[1]:
		out += fmt.Sprintf(", %d", t.Years[0])
	default:
		out += fmt.Sprintf(", %d to %d", t.Years[0], t.Years[1])
	}
	if t.Order != "" {
		out += "; " + t.Order
	}
	p.line(2, "%s", out)
}

func (p *inspectionPrinter) presets(in *inspect.Inspection, command func(words ...string) string) {
	if len(in.Presets) == 0 {
		p.line(0, "presets: none fits; %s prints a mapping to start from", command("inspect", "--suggest"))
		return
	}
	p.line(0, "presets that fit:")
	shown := p.most(3, len(in.Presets))
	for _, f := range in.Presets[:shown] {
		p.line(1, "%s: %s (%d signs of the format were found)", f.Name, f.Description, f.Marks)
		for _, m := range f.Missing {
			p.line(2, "needs --set %s=%s: %s", m.Name, orValue(m.Example), m.Description)
		}
		if len(f.Missing) == 0 {
			p.line(2, "ready to run: %s", command("run", "--dry-run", "--preset", f.Name))
		}
		p.line(2, "%s", f.Confirmed)
	}
}

func orValue(example string) string {
	if example == "" {
		return "VALUE"
	}
	return example
}

// rowList names some of the rows of a group.
func rowList(rows []int64, count int64) string {
	parts := make([]string, 0, len(rows)+1)
	for _, r := range rows {
		parts = append(parts, fmt.Sprint(r))
	}
	if count > int64(len(rows)) {
		parts = append(parts, "…")
	}
	if count == 1 {
		return "row " + parts[0]
	}
	return "rows " + strings.Join(parts, ", ")
}

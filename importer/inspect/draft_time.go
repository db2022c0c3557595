package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

func (d *draft) timestamp(consent *node) {
	s := d.s
	head := d.openTimes()
	if len(s.Times) == 1 && s.Times[0].Of == "" && !s.Times[0].Rejects {
		field := d.timeField(s.Times[0].Columns)
		field.above(head...)
		consent.set("timestamp", field)
		return
	}
	field := consent.set("timestamp", newMap())
	field.above(head...)
	cases := field.set("cases", list())
	for _, t := range s.Times {
		one := newMap()
		if when := d.when(t); when != "" {
			one.set("when", single(when))
		}
		from := d.timeField(t.Columns)
		for i, k := range from.keys {
			one.set(k, from.items[i])
		}
		cases.items = append(cases.items, one)
	}
}

// openTimes says what of the times is to be decided, and which other times there are.
func (d *draft) openTimes() []string {
	var lines []string
	open := slices.ContainsFunc(d.s.Times, func(t TimeChoice) bool { return len(t.Columns) == 0 })
	switch {
	case open && len(d.s.OtherTimes) > 0:
		lines = append(lines, mapping.ToDecide+": when was it decided? These hold times; those of a record (created, updated) are not the time of a consent:")
	case open:
		lines = append(lines, mapping.ToDecide+": when was it decided? No column holds times; a consent time is never invented.")
	case len(d.s.OtherTimes) > 0:
		lines = append(lines, "Other columns that hold times:")
	}
	for i, o := range d.s.OtherTimes {
		if i == maxCandidates {
			lines = append(lines, fmt.Sprintf("  and %d more", len(d.s.OtherTimes)-i))
			break
		}
		note := ""
		if classOf(o) == timeRecord {
			note = " (a record's)"
		}
		lines = append(lines, strings.TrimSuffix("  "+d.s.element(o)+note+", "+d.fill(o), ", "))
	}
	if open {
		lines = append(lines, "If the export only says what stood when it was made, that day is the time of all:", "  in place of from and format: const: 2026-05-01T00:00:00Z")
	}
	return lines
}

// when is the condition under which a time is the one of a decision.
func (d *draft) when(t TimeChoice) string {
	var parts []string
	if t.Of != "" {
		parts = append(parts, "each.key == "+quoted(t.Of))
	}
	if t.Rejects {
		s := d.s
		switch {
		case s.FileState:
			var words []string
			for _, w := range d.fileWords() {
				if sayingOf([]byte(w.Value)) == saysReject {
					words = append(words, `lower($file) startsWith `+quoted(w.Value))
				}
			}
			parts = append(parts, strings.Join(words, " or "))
		default:
			of := s.Decisions
			if t.Of != "" {
				if i := slices.Index(labels(s.Decisions), t.Of); i >= 0 {
					of = s.Decisions[i : i+1]
				}
			}
			words := rejections(of)
			for i := range words {
				words[i] = quoted(words[i])
			}
			in := " in [" + strings.Join(words, ", ") + "]"
			if s.Form == "array" && len(of) > 1 {
				var any []string
				for _, c := range of {
					any = append(any, "lower("+d.reference(c)+")"+in)
				}
				parts = append(parts, "("+strings.Join(any, " or ")+")")
			} else {
				parts = append(parts, "lower("+d.reference(of[0])+")"+in)
			}
		}
	}
	return strings.Join(parts, " and ")
}

// reference names the value of a decision in a condition.
func (d *draft) reference(c *Column) string {
	s := d.s
	switch s.Form {
	case "columns", "object", "split":
		return "each.value"
	case "array":
		rest := strings.TrimPrefix(c.name, s.Source.name+"[].")
		out := "each"
		for _, step := range splitPath(rest) {
			out += "[" + quoted(step) + "]"
		}
		return out
	}
	return rowReference(c)
}

// rowReference names a column of the row in a condition.
func rowReference(c *Column) string {
	if len(c.within) > 0 { // a header is no path
		return "row[" + quoted(c.name) + "]"
	}
	out := "row"
	for _, step := range splitPath(c.name) {
		out += "[" + quoted(step) + "]"
	}
	return out
}

// timeField reads a time from columns; none: it is to be decided.
func (d *draft) timeField(columns []*Column) *node {
	field := newMap()
	if len(columns) == 0 {
		field.set("from", plain(mapping.ToDecide))
		field.set("format", plain(mapping.ToDecide))
		return field
	}
	field.set("from", d.from(columns[0], columns[1:]...)).beside(d.fill(columns[0]))
	var formats []string
	var open []string
	forms := timeForms(columns)
	for _, f := range forms {
		if len(f.Either) > 0 {
			open = append(open, mapping.ToDecide+": "+f.Order, fmt.Sprintf("day first: %s, month first: %s", f.Either[0], f.Either[1]))
			continue
		}
		if f.Order != "" {
			field.items[0].above(f.Order)
		}
		formats = append(formats, f.Format)
	}
	switch {
	case len(open) > 0:
		field.set("format", plain(mapping.ToDecide)).above(open...)
	case len(formats) == 1 && (formats[0] == "iso8601" || strings.HasPrefix(formats[0], "epoch-")):
		// read without being named
	case len(formats) == 1:
		field.set("format", inQuotes(formats[0]))
	default:
		all := flowList()
		for _, f := range formats {
			all.items = append(all.items, inQuotes(f))
		}
		field.set("format", all)
	}
	if slices.ContainsFunc(columns, d.inSome) && !slices.ContainsFunc(columns, func(c *Column) bool { return !d.inSome(c) }) && len(columns) == 1 {
		field.set("optional", plainTrue())
	}
	if i := slices.IndexFunc(forms, TimeForm.zoneless); i >= 0 && !d.zoned {
		field.set("timezone", plain(mapping.ToDecide)).above(whichZone(forms[i])...)
	}
	return field
}

func whichZone(f TimeForm) []string {
	return []string{
		fmt.Sprintf("%s: which zone are these times in? Zone in the text: %s.", mapping.ToDecide, f.Zone),
		"An IANA name such as Europe/Berlin, or UTC; the platform's documentation says which.",
	}
}

// zone asks once for the zone of several times that carry none: one platform wrote them.
func (d *draft) zone() {
	var open []TimeForm
	for _, t := range d.s.Times {
		if len(t.Columns) == 0 {
			continue
		}
		forms := timeForms(t.Columns)
		if i := slices.IndexFunc(forms, TimeForm.zoneless); i >= 0 {
			open = append(open, forms[i])
		}
	}
	if c := d.s.ValidUntil; c != nil && c.Times[0].zoneless() {
		open = append(open, c.Times[0])
	}
	if len(open) < 2 {
		return
	}
	d.zoned = true
	d.top.set("timezone", plain(mapping.ToDecide)).above(append([]string{""}, whichZone(open[0])...)...)
}

// timeForms are the forms of all columns that a time is read from. What one file
// proves of the order of day and month is no proof for another.
func timeForms(columns []*Column) []TimeForm {
	forms := slices.Clone(columns[0].Times)
	for _, c := range columns[1:] {
		for _, f := range c.Times {
			if !slices.ContainsFunc(forms, func(o TimeForm) bool { return o.Format == f.Format && o.Format != "" }) {
				forms = append(forms, f)
			}
		}
	}
	return forms
}

func (d *draft) validUntil(consent *node) {
	c := d.s.ValidUntil
	if c == nil {
		consent.set("validUntil", plain("unlimited")).beside("no column says when a consent ends; {after: 395d} gives each a lifetime")
		return
	}
	field := flow("from", d.from(c))
	if f := c.Times[0]; len(f.Either) > 0 {
		field.above(mapping.ToDecide + ": " + f.Order)
		field.set("format", plain(mapping.ToDecide))
	} else if f.Format != "iso8601" && !strings.HasPrefix(f.Format, "epoch-") {
		field.set("format", inQuotes(f.Format))
	}
	if c.Times[0].zoneless() && !d.zoned {
		field.set("timezone", plain(mapping.ToDecide))
	}
	if d.inSome(c) {
		field.set("optional", plainTrue())
	}
	if c.Fill() < 1 || d.inSome(c) {
		field.set("default", plain("unlimited"))
	}
	consent.set("validUntil", field).beside(d.fill(c))
}

package inspect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

// toDecide stands where a person must decide. As a value it is refused by the
// mapping loader, which names its line: nothing runs before it was replaced.
const toDecide = "DECIDE"

// draft writes a mapping.
type draft struct {
	bytes.Buffer
	in *Inspection
	s  *Suggestion
}

// SuggestMapping writes a mapping to start from, with comments. Wherever it says
// DECIDE a person must decide, first of all what each value means: that is never
// guessed, and the mapping is refused until it was said.
func (in *Inspection) SuggestMapping() []byte {
	d := &draft{in: in, s: in.Suggest()}
	name := draftName(in)
	d.line(0, "# A mapping to start from, as consentimport inspect --suggest found it. Columns were chosen by")
	d.line(0, "# their names and by what they hold: check each. Where it says %s, a person must decide;", toDecide)
	d.line(0, "# run refuses the mapping until no %s is left. What a value means is never guessed.", toDecide)
	d.line(0, "name: %s", scalar(name))
	for _, p := range in.Presets {
		d.line(0, "# The export looks like preset %s, which may be the better choice: consentimport mapping show %s", p.Name, p.Name)
	}
	d.input()
	d.empty()
	d.each()
	d.line(0, "")
	d.line(0, "consent:")
	d.subject()
	d.action()
	d.category()
	d.timestamp()
	d.validUntil()
	d.line(1, "source: {const: %s} # what the decision came through, e.g. web, app, store", scalar(name))
	return d.Bytes()
}

// line writes one line, whatever is in the names that it mentions: a heading may
// hold a line end.
func (d *draft) line(depth int, format string, args ...any) {
	d.WriteString(strings.Repeat("  ", depth))
	d.WriteString(oneLine(fmt.Sprintf(format, args...)))
	d.WriteByte('\n')
}

// draftName is a name for the mapping, from that of the first file.
func draftName(in *Inspection) string {
	name := "export"
	if len(in.Inputs) > 0 {
		name = strings.ToLower(filepath.Base(in.Inputs[0].Path))
		name, _, _ = strings.Cut(name, ".")
	}
	name = strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(name, "-"), "-")
	return cmp.Or(name, "export")
}

func (d *draft) input() {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	l := d.in.Layouts[0]
	add("format: %s", l.Format)
	if l.Format == "csv" && len(d.in.Layouts) == 1 {
		add("delimiter: %s", scalar(strings.ReplaceAll(l.Delimiter, "\t", `\t`)))
	}
	if !l.BOM && len(d.in.Layouts) == 1 && l.Encoding != "utf-8" {
		add("encoding: %s", l.Encoding)
	}
	if d.in.Headless {
		add("columns: [%s] # %s the names: the files have no header line", strings.Join(numbered(l.Columns), ", "), "give them")
	}
	if d.in.Paged != "" {
		add("rows: %s # the files are pages that keep their rows there", scalar(d.in.Paged))
	}
	if s := d.s.Source; s != nil && s.cell && (d.s.Form == "object" || d.s.Form == "array") {
		add("json: [%s]", scalar(s.name))
	}
	d.line(0, "")
	d.line(0, "input: # as it was detected")
	for _, s := range lines {
		d.line(1, "%s", s)
	}
}

// empty lists the placeholders that stand for nothing.
func (d *draft) empty() {
	var found []string
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.shares[kindNothing] == 0 && c.Filled > 0 {
			continue
		}
		for _, s := range c.Samples {
			if k, ok := wordKind([]byte(s)); ok && k == kindNothing && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	if len(found) > 0 {
		slices.Sort(found)
		for i := range found {
			found[i] = quoted(found[i])
		}
		d.line(0, `empty: ["", %s] # cells that say nothing`, strings.Join(found, ", "))
	}
}

func (d *draft) each() {
	s := d.s
	if s.Form == "" {
		d.lists()
		return
	}
	d.line(0, "")
	d.line(0, "each: # one row, several consents")
	switch s.Form {
	case "columns":
		d.line(1, "columns: # category: column; use the names that the categories have in the target")
		for _, c := range s.Decisions {
			note := ""
			if mapping.Inverted(c.name) {
				note = " # its name asks the opposite: a yes there is a reject"
			}
			d.line(2, "%s: %s%s", scalar(lastName(c.name)), d.from(c), note)
		}
		if slices.ContainsFunc(s.Decisions, d.inSome) {
			d.line(1, "optional: true # not every file has all of them")
		}
	case "split":
		d.line(1, "split: %s", scalar(s.Source.name))
		d.line(1, "by: %s", quoted(s.Source.Pairs.By))
		d.line(1, "pair: %s", quoted(s.Source.Pairs.Pair))
	case "array", "object":
		d.line(1, "%s: %s", s.Form, scalar(s.Source.name))
	default:
		d.line(1, "%s: %s", s.Form, scalar(s.Source.name))
	}
	if s.Form != "columns" && s.Form != "array" {
		d.line(1, "# Categories that nobody was asked about are not decisions:")
		d.line(1, `# skip: ['lower(each.key) in ["necessary", "essential"]']`)
	}
}

// lists names columns that hold lists: they may say what was accepted.
func (d *draft) lists() {
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.lists > 0.3 && c.Distinct >= 0 && !strings.Contains(c.name, "[]") && len(c.Times) == 0 {
			d.line(0, "")
			d.line(0, "# %s holds lists. If it lists what was accepted, with every category there is:", c.name)
			d.line(0, "# each: {split: %s, by: \",\", all: {category: name or number in the list}}", scalar(c.name))
		}
	}
}

func (d *draft) subject() {
	s := d.s
	found := false
	if s.Mixed {
		found = true
		d.line(1, "# %.0f %% of %s are e-mail addresses, the others are ids", 100*s.UserID.shares[kindEmail], s.UserID.name)
		d.line(1, "userId: {from: %s, match: '^[^@]+$', trim: true}%s", d.from(s.UserID), d.fill(s.UserID))
		d.line(1, `email: {from: %s, match: '^[^@\s]+@[^@\s]+$', trim: true, lower: true}`, d.from(s.UserID))
	} else if s.UserID != nil {
		found = true
		d.line(1, "userId: {from: %s, trim: true}%s", d.from(s.UserID, s.AlsoUser...), d.fill(s.UserID))
	}
	if s.Email != nil && !s.Mixed {
		found = true
		d.line(1, "email: {from: %s, trim: true, lower: true}%s", d.from(s.Email), d.fill(s.Email))
	}
	switch {
	case s.ProfileID == nil:
	case !found:
		found = true
		d.line(1, "profileId: {from: %s, trim: true} # a browser, device or record, not a person%s", d.from(s.ProfileID), strings.Replace(d.fill(s.ProfileID), " #", ";", 1))
		d.line(1, "# %s: the target needs the number of the source that these ids belong to", toDecide)
		d.line(1, "# sourceId: {const: \"12\"}")
	default:
		d.line(1, "# profileId: {from: %s, trim: true} # a browser, device or record; needs a sourceId as well", d.from(s.ProfileID))
	}
	if !found {
		d.line(1, "# %s: which column says who decided? None looks like an id or an e-mail address.", toDecide)
		d.line(1, "userId: %s", toDecide)
	}
}

// inSome reports whether some files lack a column.
func (d *draft) inSome(c *Column) bool { return len(c.within) > 0 && len(c.within) < len(d.in.Layouts) }

// fill warns of a column that is often empty.
func (d *draft) fill(c *Column) string {
	if c.Fill() > 0.995 {
		return ""
	}
	return fmt.Sprintf(" # filled in %.0f %%", 100*c.Fill())
}

func (d *draft) category() {
	s := d.s
	switch {
	case s.Category != nil:
		d.line(1, "category: {from: %s}", d.from(s.Category))
	case s.Form == "array":
		d.line(1, "category: each.id # %s: no member of the elements looks like the name of a category", toDecide)
	case s.Form != "":
		d.line(1, "category: each.key")
	default:
		d.line(1, "# category: {const: newsletter} # what the decision is about; without one it is about everything")
	}
}

func (d *draft) timestamp() {
	c := d.s.Timestamp
	if c == nil {
		d.line(1, "# %s: when was it decided? No column holds times; a consent time is never invented.", toDecide)
		d.line(1, "timestamp: {from: %s, format: %s}", toDecide, toDecide)
		return
	}
	var formats []string
	either := false
	d.line(1, "timestamp:")
	for _, f := range d.timeForms() {
		if len(f.Either) > 0 {
			either = true
			d.line(2, "# %s: %s", toDecide, f.Order)
			d.line(2, "# day first: %s, month first: %s", f.Either[0], f.Either[1])
			continue
		}
		if f.Order != "" {
			d.line(2, "# %s", f.Order)
		}
		formats = append(formats, f.Format)
	}
	d.line(2, "from: %s%s", d.from(c, d.s.AlsoTimes...), d.fill(c))
	switch {
	case either:
		d.line(2, "format: %s", toDecide)
	case len(formats) == 1 && (formats[0] == "iso8601" || strings.HasPrefix(formats[0], "epoch-")):
		// read without being named
	case len(formats) == 1:
		d.line(2, "format: %s", quoted(formats[0]))
	default:
		for i := range formats {
			formats[i] = quoted(formats[i])
		}
		d.line(2, "format: [%s]", strings.Join(formats, ", "))
	}
	if i := slices.IndexFunc(d.timeForms(), TimeForm.Zoneless); i >= 0 {
		d.line(2, "# %s: which zone are these times in? Zone in the text: %s.", toDecide, d.timeForms()[i].Zone)
		d.line(2, "# An IANA name such as Europe/Berlin, or UTC; the platform's documentation says which.")
		d.line(2, "timezone: %s", toDecide)
	}
	for _, o := range d.s.OtherTimes {
		d.line(2, "# %s holds times, too%s", d.s.element(o), strings.Replace(d.fill(o), " #", ",", 1))
	}
}

// timeForms are the forms of all columns that the timestamp is read from. What
// one file proves of the order of day and month is no proof for another.
func (d *draft) timeForms() []TimeForm {
	forms := slices.Clone(d.s.Timestamp.Times)
	for _, c := range d.s.AlsoTimes {
		for _, f := range c.Times {
			if !slices.ContainsFunc(forms, func(o TimeForm) bool { return o.Format == f.Format && o.Format != "" }) {
				forms = append(forms, f)
			}
		}
	}
	return forms
}

func (d *draft) validUntil() {
	c := d.s.ValidUntil
	if c == nil {
		d.line(1, "validUntil: unlimited # no column says when a consent ends; {after: 395d} gives each a lifetime")
		return
	}
	extra := ""
	if f := c.Times[0]; len(f.Either) > 0 {
		d.line(1, "# %s: %s", toDecide, f.Order)
		extra = ", format: " + toDecide
	} else if f.Format != "iso8601" && !strings.HasPrefix(f.Format, "epoch-") {
		extra = ", format: " + quoted(f.Format)
	}
	if c.Times[0].Zoneless() {
		extra += ", timezone: " + toDecide
	}
	if d.inSome(c) {
		extra += ", optional: true"
	}
	if c.Fill() < 1 || d.inSome(c) {
		extra += ", default: unlimited"
	}
	d.line(1, "validUntil: {from: %s%s}%s", d.from(c), extra, d.fill(c))
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.-]*( [A-Za-z0-9_$.-]+)*$`)

// scalar writes a text as a YAML scalar, quoted where it would be read as
// something else.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "yes", "no", "true", "false", "on", "off", "null", "y", "n":
		return quoted(s)
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil && plainScalar.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted writes a text in double quotes, as YAML and JSON have them.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // cannot be: a string is always written
	}
	return strings.TrimSpace(b.String())
}

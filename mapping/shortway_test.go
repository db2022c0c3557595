package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// byTheLongWay makes a field find its value as any field can.
func (f *field) byTheLongWay() {
	if f == nil {
		return
	}
	f.plain, f.verbatim = false, false
	for _, c := range f.cases {
		c.byTheLongWay()
	}
}

// mapByTheLongWay maps a row by a mapper that has seen no other, so that no shape
// of a document is known, and whose fields know no short way.
func mapByTheLongWay(t require.TestingT, spec *Spec, l Layout, units Units, rec *Record) *Result {
	m, err := spec.Bind(l)
	require.NoError(t, err)
	m.SetUnits(units)
	for _, f := range m.fields {
		f.byTheLongWay()
	}
	var out Result
	m.Map(rec, &out)
	return &out
}

// plainConsent is a consent as text, to be compared and kept.
func plainConsent(c *Consent) string {
	return fmt.Sprintf("%s %d until %d, source %q %d %t, about %q of %q %q %q: %q, raw %q",
		c.Action, c.Timestamp, c.ValidUntil, c.Source, c.SourceID, c.HasSourceID, c.Category, c.UserID, c.ProfileID, c.Email, c.Message, c.Raw)
}

// plainResult is what a row became, as lines of text.
func plainResult(r *Result) []string {
	out := []string{fmt.Sprintf("%d %s (column %q)", r.Status, r.Reason, r.Column)}
	for i := range r.Consents {
		out = append(out, plainConsent(&r.Consents[i]))
	}
	for _, d := range r.Dropped {
		out = append(out, fmt.Sprintf("dropped %q of %q: %s", d.Raw, d.Category, d.Why))
	}
	return out
}

// ways counts which short ways the mappings of a test have.
type ways struct{ plain, verbatim, cases int }

func (w *ways) count(f *field) {
	if f == nil {
		return
	}
	add := func(n *int, has bool) {
		if has {
			*n++
		}
	}
	add(&w.plain, f.plain)
	add(&w.verbatim, f.verbatim)
	for _, c := range f.cases {
		add(&w.cases, c.plain)
		w.count(c)
	}
}

// TestShortWaysComeToTheSame proves the short ways against the long ones, over any
// mapping and any rows: the same status, reasons, consents and dropped values. It
// compares them after all rows as well, since their bytes share one memory.
func TestShortWaysComeToTheSame(t *testing.T) {
	var had ways
	mapped, invalid := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		l := Layout{JSON: rapid.Bool().Draw(t, "json")}
		if !l.JSON {
			l.Columns = shortColumns
		}
		text := anyMapping(l.JSON).Draw(t, "mapping")
		spec, err := Parse("any.yaml", []byte(text), nil)
		require.NoError(t, err, "%s", text)
		short, err := spec.Bind(l)
		require.NoError(t, err, "%s", text)
		units := Units{}
		for _, c := range shortColumns {
			units[c] = rapid.SampledFrom([]string{"", "s", "ms"}).Draw(t, "unit")
		}
		short.SetUnits(units)
		for _, f := range short.fields {
			had.count(f)
		}
		var out Result // of all rows
		var kept []Consent
		var texts []string
		for row := range int64(rapid.IntRange(1, 6).Draw(t, "rows")) {
			rec := Record{File: "a.csv", Row: row + 1}
			if l.JSON {
				rec.JSON = []byte(anyRow().Draw(t, "row"))
			} else {
				for _, c := range shortColumns {
					rec.Cells = append(rec.Cells, []byte(anyText(c).Draw(t, "cell")))
				}
			}
			long := mapByTheLongWay(t, spec, l, units, &rec)
			short.Map(&rec, &out)
			require.Equal(t, plainResult(long), plainResult(&out), "row %d", row+1)
			for i := range out.Consents {
				kept = append(kept, out.Consents[i])
				texts = append(texts, plainConsent(&long.Consents[i]))
			}
			switch out.Status {
			case Mapped:
				mapped++
			case Invalid:
				invalid++
			}
		}
		for i := range kept {
			require.Equal(t, texts[i], plainConsent(&kept[i]), "after all rows")
		}
	})
	require.Positive(t, mapped, "no row was mapped")
	require.Positive(t, invalid, "no row was invalid")
	require.NotContains(t, []int{had.plain, had.verbatim, had.cases}, 0, "a short way was never taken: %+v", had)
}

// shortColumns are the columns, or the members of a JSON row.
var shortColumns = []string{"a", "b", "c", "d"}

// cellTexts have all that the options of a field look at: blanks, case, words that
// mean nothing, entities, quotes, times and their units.
var cellTexts = []string{"", "", " ", "x", " X ", "yes", "yes", " NO ", "no", "n/a", "N/A ", "\u00a0y\u00a0", "ÄÖ", "a&amp;b", `say "x"`, "1704067200", "1704067200000", "2024-01-01T00:00:00Z", "unlimited", "12", "'7",
	"NULL", "(null)", "\\N", "undefined", "a\x01b", "\x1f12", "\u200bu1\ufeff", "u\ufeff1", "12345678\x7f", "\u200b", "N/a"}

// anyText draws the text of a column: mostly what its name is for in anyMapping, so
// that some rows can be mapped.
func anyText(column string) *rapid.Generator[string] {
	likely := map[string][]string{"a": {"yes", " no ", "x"}, "b": {"2024-01-01T00:00:00Z", "1704067200"}, "c": {"u1", " U2 ", "x"}}[column]
	return rapid.Custom(func(t *rapid.T) string {
		if likely != nil && rapid.IntRange(0, 9).Draw(t, "likely") < 7 {
			return rapid.SampledFrom(likely).Draw(t, "text")
		}
		return rapid.SampledFrom(cellTexts).Draw(t, "text")
	})
}

// anyMapping draws mappings with all the options that a short way must heed.
func anyMapping(isJSON bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteString("name: any\n")
		empty := rapid.SampledFrom([]string{"", "empty: [n/a]\n", "empty: [n/a, x]\n"}).Draw(t, "empty")
		b.WriteString(empty)
		b.WriteString(rapid.SampledFrom([]string{"", "skip:\n- {when: 'b == \"x\"', reason: is x}\n", "refuse:\n- {when: 'c == \"no\"', reason: is no}\n"}).Draw(t, "rules"))
		names := slices.Clone(shortColumns)
		if isJSON {
			names = append(names, "d.a", "d[0]", "d[a=x].b", `["a.b"]`)
		}
		names = append(names, "$row", "$file")
		each := rapid.SampledFrom([]string{"", "", "columns: {A: a, B: b}", "split: c, by: x"}).Draw(t, "each")
		if isJSON && each != "" && rapid.Bool().Draw(t, "below") {
			each = rapid.SampledFrom([]string{"array: d", "object: d", "array: e", "object: f"}).Draw(t, "list")
		}
		if each != "" {
			b.WriteString("each: {" + each + "}\n")
			names = append(names, "each.key", "each.value", "each.index")
			if strings.HasPrefix(each, "array") {
				names = slices.DeleteFunc(names, func(s string) bool { return s == "each.key" })
			}
		}
		name := rapid.Custom(func(t *rapid.T) string { return quoted(rapid.SampledFrom(names).Draw(t, "name")) })
		mostly := func(column string) string {
			if rapid.IntRange(0, 9).Draw(t, "mostly") < 8 {
				return column
			}
			return name.Draw(t, "other")
		}
		b.WriteString("consent:\n")
		action := rapid.SampledFrom([]string{
			"values: {yes: accept, no: reject, x: }", "values: {yes: accept, no: reject, \"12\": accept, y: accept, x: reject, \"\": , ÄÖ: reject, true: accept, false: reject, 'null': }",
			"values: {Yes: accept, No: reject, NO: accept, X: accept}, default: reject",
		}).Draw(t, "action")
		if strings.Contains(empty, "x") { // which then has no meaning
			action = "values: {yes: accept, no: reject, x: }"
		}
		fmt.Fprintf(&b, "  action: {from: %s, %s}\n", mostly("a"), action)
		fmt.Fprintf(&b, "  timestamp: {from: [%s]%s}\n", strings.Join(append([]string{mostly("b")}, rapid.SliceOfN(name, 0, 1).Draw(t, "from")...), ", "), rapid.SampledFrom([]string{"", ", format: rfc3339", ", trim: true"}).Draw(t, "format"))
		b.WriteString("  validUntil: " + rapid.SampledFrom([]string{"unlimited", "{after: 1y}", "{after: 1y}", "{from: b, default: unlimited}", "{after: {from: c, unit: d}, default: unlimited}"}).Draw(t, "until") + "\n")
		for _, f := range []string{"source", "userId", "profileId", "email", "category", "message"} {
			if f == "source" || f == "userId" || f == "category" && each != "" || rapid.Bool().Draw(t, f) {
				fmt.Fprintf(&b, "  %s: {%s}\n", f, anyField(name, true, f == "category").Draw(t, "field"))
			}
		}
		return b.String()
	})
}

// anyField draws what is said about a field whose value is text.
func anyField(name *rapid.Generator[string], cases, category bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		from := name.Draw(t, "from")
		if rapid.Bool().Draw(t, "whole") {
			from = "c" // which is never empty, and no list
		}
		kinds := []string{"from", "from", "from", "from", "several", "const", "template", "template"}
		if cases {
			kinds = append(kinds, "cases")
		}
		var says []string
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case "from":
			says = append(says, "from: "+from)
		case "several":
			says = append(says, "from: ["+from+", "+name.Draw(t, "second")+"]")
		case "const":
			consts := []string{"web", "x", `""`}
			if category { // which is never empty
				consts = consts[:2]
			}
			says = append(says, "const: "+rapid.SampledFrom(consts).Draw(t, "const"))
		case "template":
			parts := rapid.SliceOfN(rapid.SampledFrom([]string{"{a}", "{b}", "{c}", "{d}", "{$row}", " of ", "x", "{{"}), 1, 4).Draw(t, "template")
			says = append(says, "template: "+quoted(strings.Join(parts, "")))
		case "cases":
			says = append(says, fmt.Sprintf(`cases: [{when: 'a == "x"', %s}, {%s}]`, anyField(name, false, category).Draw(t, "first"), anyField(name, false, category).Draw(t, "other")))
		}
		for _, option := range []string{"trim: true", "lower: true", "unescape: html", `match: "[a-z]+"`, "required: true", "required: false", `default: " D "`, "values: {x: one, yes: two, no: }", "values: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, x: 8, yes: 9, X: 10, no: }"} {
			if rapid.IntRange(0, 9).Draw(t, option) == 9 && !sameKey(option, says[len(says)-1]) {
				says = append(says, option)
			}
		}
		return strings.Join(says, ", ")
	})
}

// sameKey reports whether two options are about one thing.
func sameKey(a, b string) bool {
	return strings.SplitN(a, ":", 2)[0] == strings.SplitN(b, ":", 2)[0]
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// anyRow draws JSON rows: members that are missing, stand twice, are null, lists or
// objects, and strings with escapes.
func anyRow() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var members []string
		add := func(name string) {
			var value string
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 5:
				value = rapid.SampledFrom([]string{"null", "true", "false", "12", "1704067200", "1.5e3", `"\u0079es"`, `" tab\there "`, `"\\"`}).Draw(t, "value")
			case 4:
				if name == "d" {
					value = rapid.SampledFrom([]string{`[]`, `{}`, `["yes","no"]`, `[{"a":"x","b":"yes"},{"b":"no","value":"yes"}]`, `{"a":"yes","b":null}`, `{"a":"yes","a":"no"}`, `[[1],{"key":"k","value":[]}]`}).Draw(t, "list")
					break
				}
				fallthrough
			default:
				value = strconv.Quote(anyText(name).Draw(t, "text"))
			}
			members = append(members, `"`+name+`":`+value)
		}
		for _, name := range shortColumns {
			if rapid.IntRange(0, 9).Draw(t, name) < 9 {
				add(name)
			}
		}
		members = append(members, `"e":["yes",{"key":"k","value":"no"}]`, `"f":{"k":"yes","\u006c":" no "}`)
		if rapid.IntRange(0, 5).Draw(t, "more") == 5 {
			add(rapid.SampledFrom([]string{"a", "b", "a.b", "d.a"}).Draw(t, "again"))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

// TestEscapesAreReadOnceARow proves that a value which is the same for all elements
// of a row does not take memory with each of them.
func TestEscapesAreReadOnceARow(t *testing.T) {
	t.Parallel()
	spec, err := Parse("any.yaml", []byte(`name: any
each: {array: list}
consent:
  userId: id
  category: each.value
  action: {const: accept}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  message: text
`), nil)
	require.NoError(t, err)
	m, err := spec.Bind(Layout{JSON: true})
	require.NoError(t, err)
	const elements, long = 100, 10_000
	row := `{"id":"1","at":"2024-01-01T00:00:00Z","text":"a\n` + strings.Repeat("b", long) + `","list":[` + strings.Repeat(`"x",`, elements-1) + `"x"]}`
	var out Result
	m.Map(&Record{Row: 1, JSON: []byte(row)}, &out)
	require.Equal(t, Mapped, out.Status, out.Reason)
	require.Len(t, out.Consents, elements)
	require.True(t, bytes.HasPrefix(out.Consents[elements-1].Message, []byte("a\nb")))
	require.Less(t, len(out.arena), 2*long)
}

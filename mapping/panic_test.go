package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anything draws one of the texts as a YAML scalar.
func anything(t *rapid.T, label string, texts ...string) string {
	return quoted(rapid.SampledFrom(texts).Draw(t, label))
}

// names that mappings mention: of columns, of JSON, of elements, of the row, and some
// that are none.
var mentionable = []string{
	"a", "b", "c", "d", "d.a", "d[0]", "d[-1]", "d[a=x].b", `["a.b"]`, "e.x.y", "each.key", "each.value", "each.index", "each.id", "each.a.b", "each.created", "each.updated", "each.days",
	"each.value.x", "each[0]", "each.", "each", "$row", "$file", "$key", "nobody", "", " ", "a.", ".a", "a[", "a]", "[0]", "unlimited", "Ä", "a b",
}

// judgeable are conditions about them.
func anyCondition(t *rapid.T) string {
	names := []string{"a", "b", "d.a", "d?.a", "d[0]", `row["a b"]`, `row["each.value"]`, "each.key", "each.value", "each.id", "each.a.b", "$row", "$file", "nil", `"x"`, "1", "true", "e", "nobody", "len(d)", "lower(each.value)", "each.created"}
	name := func(label string) string { return rapid.SampledFrom(names).Draw(t, label) }
	switch rapid.IntRange(0, 6).Draw(t, "shape") {
	case 0:
		return name("x")
	case 1:
		return "not " + name("x")
	case 2:
		return fmt.Sprintf("(%s ?? %s) == %s", name("x"), name("y"), name("z"))
	case 3:
		return fmt.Sprintf("%s in [%s, \"yes\"]", name("x"), name("y"))
	case 4:
		return fmt.Sprintf("any(%s, .x == %s)", name("x"), name("y"))
	case 5:
		return fmt.Sprintf("string(%s) matches %s", name("x"), rapid.SampledFrom([]string{`"^y"`, `"["`, "a"}).Draw(t, "pattern"))
	default:
		op := rapid.SampledFrom([]string{"==", "!=", "<", ">=", "startsWith", "contains", "&&", "||"}).Draw(t, "op")
		return name("x") + " " + op + " " + name("y")
	}
}

// wildField draws what may be said of a field, right or wrong.
func wildField(t *rapid.T, depth int) string {
	var says []string
	add := func(key, value string) {
		for _, s := range says {
			if strings.HasPrefix(s, key+":") {
				return
			}
		}
		says = append(says, key+": "+value)
	}
	some := func(label string) string { return anything(t, label, mentionable...) }
	switch rapid.IntRange(0, 6).Draw(t, "way") {
	case 0, 1:
		add("from", some("from"))
	case 2:
		add("from", "["+some("from")+", "+some("from")+"]")
	case 3:
		add("const", anything(t, "const", "", "accept", "reject", "x", "unlimited", "2024-01-01T00:00:00Z", "5"))
	case 4:
		add("template", quoted(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"{a}", "{d.a}", "{each.key}", "{each.value}", "{each.id}", "{$row}", "x", "{{", "{", "}", "{}", "{each.}"}), 0, 4).Draw(t, "template"), "")))
	case 5:
		if depth < 2 {
			var cases []string
			for range rapid.IntRange(0, 3).Draw(t, "cases") {
				one := wildField(t, depth+1)
				if rapid.Bool().Draw(t, "when") {
					one = strings.TrimSuffix("when: "+quoted(anyCondition(t))+", "+one, ", ")
				}
				cases = append(cases, "{"+one+"}")
			}
			add("cases", "["+strings.Join(cases, ", ")+"]")
		}
	default:
		add("after", rapid.SampledFrom([]string{"1y", "395d", "100000y", "x", "{from: a, unit: d}", "{from: each.days, unit: mo}", "{from: [d, each.value], unit: y}", "{unit: d}"}).Draw(t, "after"))
	}
	for _, option := range []struct {
		key    string
		values []string
	}{
		{"trim", []string{"true"}}, {"lower", []string{"true"}}, {"unescape", []string{"html"}}, {"match", []string{"'(x)?'", "'^y'", "'('"}}, {"default", []string{"unlimited", "x", "reject", "accept", "''"}},
		{"optional", []string{"true", "false"}}, {"required", []string{"true", "false"}}, {"values", []string{"{yes: accept, no: reject}", "{x: , y: a}", "{null: reject}", "{}", "{yes: accept, YES: reject}"}},
		{"format", []string{"epoch-s", "'%d.%m.%Y'", "['%Y-%m-%d %z', excel]", "'%H'", "'%'"}}, {"timezone", []string{"UTC", "Europe/Berlin", "Nowhere"}},
	} {
		if rapid.IntRange(0, 9).Draw(t, option.key) == 0 {
			add(option.key, rapid.SampledFrom(option.values).Draw(t, option.key))
		}
	}
	return strings.Join(says, ", ")
}

// wildMapping draws a mapping, most of whose parts fit together.
func wildMapping(t *rapid.T) string {
	var b strings.Builder
	maybe := func(label string, of int, text func() string) {
		if rapid.IntRange(0, of).Draw(t, label) == 0 {
			b.WriteString(text())
		}
	}
	rule := func() string { return quoted(anyCondition(t)) }
	maybe("empty", 5, func() string { return "empty: ['', x, null, ÄH]\n" })
	maybe("zone", 3, func() string { return "timezone: Europe/Berlin\n" })
	maybe("skip", 3, func() string { return "skip: [" + rule() + ", {when: " + rule() + ", reason: r}]\n" })
	maybe("refuse", 5, func() string { return "refuse: " + rule() + "\n" })
	maybe("each", 1, func() string {
		form := rapid.SampledFrom([]string{
			"columns: {A: a, B: [b, d.a]}", "columns: '*', except: [a, 'b*', '']", "columns: {A: each.key}", "split: c, by: x", "split: d, by: ',', pair: ':'", "array: d", "array: d.a", "object: d", "object: e.x",
			"tcf: a", "optanon: b", "usp: c", "gpp: a", "array: each.x", "split: nobody", "array: '[0]'",
		}).Draw(t, "form")
		for _, more := range []string{"optional: true", "otherwise: row", "all: {A: a, B: b}", "ignore: [x]", "match: '^(.)'", "skip: " + rule()} {
			if rapid.IntRange(0, 5).Draw(t, more) == 0 {
				form += ", " + more
			}
		}
		return "each: {" + form + "}\n"
	})
	b.WriteString("consent:\n")
	usual := map[string]string{"userId": "a", "action": "{from: b, values: {yes: accept, no: reject}}", "timestamp": "{from: c, timezone: UTC}", "validUntil": "unlimited", "source": "{const: web}"}
	for _, name := range fieldNames {
		text, needed := usual[name]
		if !needed && rapid.Bool().Draw(t, "without "+name) {
			continue
		}
		if !needed || rapid.IntRange(0, 3).Draw(t, "wild "+name) == 0 {
			if rapid.IntRange(0, 4).Draw(t, "bare "+name) == 0 {
				text = anything(t, name, mentionable...)
			} else {
				text = "{" + wildField(t, 0) + "}"
			}
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, text)
	}
	return b.String()
}

// wildRows are rows as nobody would write them.
var wildRows = []string{
	`{}`, `[]`, `null`, `1`, `"x"`, `{"a":`, ``, `{"a":"u1","b":"yes","c":"2024-01-01T00:00:00Z","d":[{"a":"x","b":1,"id":null}],"e":{"x":{"y":[]}}}`,
	`{"a":["u1"],"b":{"x":1},"c":{"$date":1714550400000},"d":{"k":"yes","l":null,"":true},"e":[[[]]]}`, `{"a":true,"b":false,"c":null,"d":"a:1,b:0","e":"{\"x\":1}"}`,
	`{"a":"\ud800","b":"YES","c":"1714550400","d":[null,1,"x",{"key":"k","value":{"x":1}},[]],"a b":"\u0000","e":{"x":{"k":true}}}`, `{"d":["a","a","x"],"a.b":1,"\u0061":"y"}`,
}

// TestNothingThatIsAcceptedPanics: whatever a mapping says, it is refused when it is
// parsed or bound, or it maps every row to an outcome.
func TestNothingThatIsAcceptedPanics(t *testing.T) {
	var parsed, bound, mapped int
	try := func(t *rapid.T) {
		text := wildMapping(t)
		spec, err := Parse("wild.yaml", []byte(text), nil)
		if err != nil {
			require.IsType(t, new(Error), err, text)
			return
		}
		parsed++
		LintSpec(spec)
		for _, l := range []Layout{{JSON: true}, {Columns: []string{"a", "b", "c", "d", "e"}}, {Columns: []string{"a", "", "a b", "each.value", "b", "c", "d", "e"}}} {
			m, err := spec.Bind(l)
			if err != nil {
				require.IsType(t, new(Error), err, text)
				continue
			}
			bound++
			var rows []Record
			for i, n := range rapid.SliceOfN(rapid.IntRange(0, len(wildRows)-1), 1, 6).Draw(t, "rows") {
				rec := Record{File: "f", Row: int64(i + 1), JSON: []byte(wildRows[n])}
				for _, c := range l.Columns[:max(0, len(l.Columns)-n/10)] { // now and then one too few
					texts := map[string][]string{"a": {"u1", "x"}, "b": {"yes", "no"}, "c": {"2024-01-01"}}[c]
					if texts == nil || rapid.IntRange(0, 3).Draw(t, "wild cell") == 0 {
						texts = append(wildRows[:len(wildRows):len(wildRows)], cellTexts...)
					}
					rec.Cells = append(rec.Cells, []byte(rapid.SampledFrom(texts).Draw(t, "cell")))
				}
				if l.JSON {
					rec.Cells = nil
				} else {
					rec.JSON = nil
				}
				rows = append(rows, rec)
			}
			m.SetUnits(m.Learn(rows))
			clone := m.Clone()
			var out Result
			for i := range rows {
				clone.Map(&rows[i], &out)
				if out.Status == Mapped {
					mapped++
					require.NotEmpty(t, out.Consents)
				} else {
					require.NotEmpty(t, out.Reason, "%s\n%s", text, rows[i].JSON)
				}
			}
			if err := m.Unread(); err != nil {
				require.IsType(t, new(Error), err, text)
				require.NotEmpty(t, err.Error())
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 { // many are refused
			try(t)
		}
	})
	require.Positive(t, parsed, "no mapping was accepted")
	require.Positive(t, bound, "none could be bound")
	require.Positive(t, mapped, "no row was mapped")
	t.Logf("%d mappings accepted, bound %d times, %d rows mapped", parsed, bound, mapped)
}

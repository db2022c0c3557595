package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// ruled is a mapping, one row, and what the row must become: a line a consent, or why
// it makes none.
type ruled struct {
	name    string
	columns string // of a CSV row, separated by |; empty: the row is JSON
	mapping string // without what every consent has
	row     string // cells separated by |, or a JSON text
	want    string // "accept u1 news", several separated by "; ", or the row's status and a part of its reason
}

// basis is what the mappings of these tests share, but for what they say themselves.
var basis = []struct{ field, text string }{
	{"userId", "  userId: id\n"},
	{"action", "  action: {from: choice, values: {\"yes\": accept, \"no\": reject}}\n"},
	{"timestamp", "  timestamp: at\n"},
	{"validUntil", "  validUntil: unlimited\n"},
	{"source", "  source: {const: web}\n"},
	{"category", "  category: {const: news}\n"},
}

// completed adds the fields that a mapping leaves out. A line "no NAME" leaves one out
// on purpose.
func completed(text string) string {
	top, consent, _ := strings.Cut(text, "consent:\n")
	var b strings.Builder
	for _, f := range basis {
		switch {
		case strings.Contains(consent, "  no "+f.field+"\n"):
			consent = strings.Replace(consent, "  no "+f.field+"\n", "", 1)
		case !strings.HasPrefix(consent, "  "+f.field+":") && !strings.Contains(consent, "\n  "+f.field+":"):
			b.WriteString(f.text)
		}
	}
	return "name: case\n" + top + "consent:\n" + b.String() + consent
}

// became maps the row and writes what it became.
func (c *ruled) became(t *testing.T) string {
	spec, err := mapping.Parse("m.yaml", []byte(completed(c.mapping)), nil)
	require.NoError(t, err, c.name)
	layout, rec := mapping.Layout{JSON: true}, mapping.Record{File: "export", Row: 1, JSON: []byte(c.row)}
	if c.columns != "" {
		layout = mapping.Layout{Columns: strings.Split(c.columns, "|")}
		for _, cell := range strings.Split(c.row, "|") {
			rec.Cells = append(rec.Cells, []byte(cell))
		}
	}
	m, err := spec.Bind(layout)
	require.NoError(t, err, c.name)
	var out mapping.Result
	m.Map(&rec, &out)
	switch out.Status {
	case mapping.Skipped:
		return "skipped: " + out.Reason
	case mapping.Invalid:
		return "invalid: " + out.Reason
	}
	var made []string
	for i := range out.Consents {
		consent := &out.Consents[i]
		made = append(made, strings.TrimSpace(fmt.Sprintf("%s %s %s", consent.Action, consent.Subject(), consent.Category)))
	}
	return strings.Join(made, "; ")
}

func checkRuled(t *testing.T, cases []ruled) {
	t.Parallel()
	for _, c := range cases {
		got := c.became(t)
		if strings.HasPrefix(c.want, "invalid: ") || strings.HasPrefix(c.want, "skipped: ") {
			require.Contains(t, got, strings.SplitAfterN(c.want, ": ", 2)[1], c.name)
			require.Equal(t, c.want[:7], got[:7], c.name)
			continue
		}
		require.Equal(t, c.want, got, c.name)
	}
}

const plainColumns = "id|choice|at|x"

// TestCategoriesMeanSomething: a decision about nothing in particular never becomes
// one about everything.
func TestCategoriesMeanSomething(t *testing.T) {
	category := func(says string) string { return "consent:\n  category: " + says + "\n" }
	array := "each: {array: list}\n" + category("each.name") + "  action: {from: each.on, values: {\"true\": accept, \"false\": reject}}\n"
	checkRuled(t, []ruled{
		{"given", plainColumns, category("x"), "u1|yes|2024-01-01Z|news", "invalid: timestamp"}, // the helper's own proof: a date alone has no zone
		{"given", plainColumns, category("x"), "u1|yes|2024-01-01T00:00:00Z|news", "accept u1 news"},
		{"empty", plainColumns, category("x"), "u1|yes|2024-01-01T00:00:00Z|", "invalid: category: is required and empty"},
		{"blank", plainColumns, category("x"), "u1|no|2024-01-01T00:00:00Z| ", "invalid: category: is required and empty"},
		{"not to be seen", plainColumns, category("x"), "u1|no|2024-01-01T00:00:00Z|\u200b", "invalid: category: has nothing in it that can be seen"},
		{"a word for nothing", plainColumns, "empty: [n/a]\n" + category("x"), "u1|yes|2024-01-01T00:00:00Z|N/A", "invalid: category: is required and empty"},
		{"said to mean everything", plainColumns, category("{from: x, required: false}"), "u1|no|2024-01-01T00:00:00Z|", "reject u1"},
		{"none given", plainColumns, "consent:\n  no category\n", "u1|no|2024-01-01T00:00:00Z|", "reject u1"},
		{"a default", plainColumns, category("{from: x, default: other}"), "u1|no|2024-01-01T00:00:00Z|", "reject u1 other"},
		{"of no case", plainColumns, category("{cases: [{when: 'x == \"a\"', const: b}]}"), "u1|no|2024-01-01T00:00:00Z|c", "invalid: category: is required and empty"},
		{"a value that says nothing", plainColumns, category("{from: x, values: {a: b, c: }}"), "u1|no|2024-01-01T00:00:00Z|c", "invalid: category: is required and empty"},
		{"half a template", plainColumns, category(`{template: "{choice}-{x}"}`), "u1|no|2024-01-01T00:00:00Z|", "invalid: category: is required and empty"},
		{"missing in JSON", "", category("x"), `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z"}`, "invalid: category: is required and empty"},
		{"null in JSON", "", category("x"), `{"id":"u1","choice":"yes","at":"2024-01-01T00:00:00Z","x":null}`, "invalid: category: is required and empty"},
		{"element with a name", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[{"name":"news","on":true}]}`, "accept u1 news"},
		{"element without a name", "", array, `{"id":"u1","at":"2024-01-01T00:00:00Z","list":[{"name":"news","on":true},{"on":true}]}`, "invalid: category: is required and empty"},
		{"member without a name", "", "each: {object: list}\n" + category("each.key") + "  action: {from: each.value, values: {\"true\": accept}}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","list":{" ":true}}`, "invalid: has a member without a name"},
		{"part without a name", plainColumns, "each: {split: x, by: \",\", pair: \":\"}\n" + category("each.key") + "  action: {from: each.value, values: {\"1\": accept, \"0\": reject}}\n", "u1|yes|2024-01-01T00:00:00Z|news:1, :0", `invalid: has a part without a name before ":"`},
		{"an empty scalar", "", "each: {array: list}\n" + category("each.value") + "  action: {const: reject}\n", `{"id":"u1","at":"2024-01-01T00:00:00Z","list":["news",""]}`, "invalid: category: is required and empty"},
		{"all but an unnamed column", "id|at||news", "each: {columns: \"*\", except: [id, at, \"\"]}\n" + category("each.key") + "  action: {from: each.value, values: {\"0\": reject, \"no\": reject}}\n", "u1|2024-01-01T00:00:00Z|0|no", "reject u1 news"},
	})
}

// TestUnreadableCategoryIsNoHistory: a decision about nobody knows what is none about
// everything, in an invalid row either.
func TestUnreadableCategoryIsNoHistory(t *testing.T) {
	t.Parallel()
	spec, err := mapping.Parse("m.yaml", []byte(completed("consent:\n  category: {from: x, values: {a: b}}\n")), nil)
	require.NoError(t, err)
	m, err := spec.Bind(mapping.Layout{Columns: strings.Split(plainColumns, "|")})
	require.NoError(t, err)
	var out mapping.Result
	for category, readable := range map[string]int{"": 0, "c": 0, "a": 1} {
		m.Map(&mapping.Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte("no"), []byte("soon"), []byte(category)}}, &out)
		require.Equal(t, mapping.Invalid, out.Status)
		require.Len(t, out.Consents, readable, "category %q", category)
		require.Len(t, out.Dropped, 1-readable, "category %q", category)
	}
}

// TestPersonsAreSomebody: words that databases and programs write for nothing name
// nobody, and text that no identifier has makes the row invalid.
func TestPersonsAreSomebody(t *testing.T) {
	var cases []ruled
	for _, word := range []string{"null", "NULL", "Null", "undefined", "NaN", "nan", `\N`, "#N/A", "(null)", " null ", "\u200b", ""} {
		cases = append(cases,
			ruled{"userId " + word, plainColumns, "consent:\n", word + "|yes|2024-01-01T00:00:00Z|", "invalid: it is unclear whose decision this is"},
			ruled{"profileId " + word, plainColumns, "consent:\n  no userId\n  profileId: {from: id, trim: true}\n", word + "|yes|2024-01-01T00:00:00Z|", "invalid: it is unclear whose decision this is"},
			ruled{"email " + word, plainColumns, "consent:\n  no userId\n  email: {from: id, lower: true}\n", word + "|yes|2024-01-01T00:00:00Z|", "invalid: it is unclear whose decision this is"},
			ruled{"with an address beside it " + word, plainColumns, "consent:\n  email: x\n", word + "|yes|2024-01-01T00:00:00Z|a@b.example", "accept a@b.example news"},
			ruled{"the second candidate " + word, plainColumns, "consent:\n  userId: {from: [id, x]}\n", word + "|yes|2024-01-01T00:00:00Z|u2", "accept u2 news"},
			ruled{"half a template " + word, plainColumns, "consent:\n  userId: {template: \"{x}:{id}\"}\n", word + "|no|2024-01-01T00:00:00Z|acme", "invalid: it is unclear whose decision this is"},
		)
	}
	for text, why := range map[string]string{
		"a\x00b": "control character", "\x1f00123": "control character", "a\tb": "control character", "a\u0085b": "control character", "a\x7f": "control character",
		"a\ufeffb": "byte order mark", "a\ufffdb": "damaged", "12345678\x01": "control character",
	} {
		for _, from := range []string{"id", "{from: id, trim: true}", "{from: [x, id]}", "{template: \"{id}\"}", "{cases: [{from: id}]}"} {
			cases = append(cases, ruled{fmt.Sprintf("%q", text), plainColumns, "consent:\n  userId: " + from + "\n", text + "|yes|2024-01-01T00:00:00Z|", "invalid: " + why})
		}
	}
	for id, want := range map[string]string{
		`"\ud800"`: "invalid: damaged", `"a\udc00b"`: "invalid: damaged", `"\ud83d\ude00"`: "accept 😀 news", `"a\u0000b"`: "invalid: control character", `"a\ufeffb"`: "invalid: byte order mark",
		`false`: "invalid: it is unclear whose decision this is", `true`: "invalid: it is unclear whose decision this is", `null`: "invalid: it is unclear whose decision this is",
		`0`: "accept 0 news", `12345678901234567890`: "accept 12345678901234567890 news", `9007199254740993`: "accept 9007199254740993 news", `"null"`: "invalid: it is unclear whose decision this is",
	} {
		cases = append(cases, ruled{id, "", "consent:\n", `{"id":` + id + `,"choice":"yes","at":"2024-01-01T00:00:00Z"}`, want})
	}
	cases = append(cases,
		ruled{"trimmed of what nobody sees", plainColumns, "consent:\n  userId: {from: id, trim: true}\n", "\u2060\u200e u1\u200b\ufeff|no|2024-01-01T00:00:00Z|", "reject u1 news"},
		ruled{"trimmed and lowered", plainColumns, "consent:\n  no userId\n  email: {from: id, trim: true, lower: true}\n", "\u200bA@b.example\u2060|no|2024-01-01T00:00:00Z|", "reject a@b.example news"},
		ruled{"sent as it was mapped", plainColumns, "consent:\n", "\u200eu1|no|2024-01-01T00:00:00Z|", "reject \u200eu1 news"},
		ruled{"another word is somebody", plainColumns, "consent:\n", "nullo|no|2024-01-01T00:00:00Z|", "reject nullo news"},
		ruled{"a whole template", plainColumns, "consent:\n  userId: {template: \"{x}:{id}\"}\n", "7|no|2024-01-01T00:00:00Z|acme", "reject acme:7 news"},
		ruled{"the words of a source", plainColumns, "consent:\n  source: {from: x}\n", "u1|no|2024-01-01T00:00:00Z|null", "reject u1 news"},
	)
	checkRuled(t, cases)
}

// TestEmptyIsComparedAsValuesAre: a word of empty is one in any case, and null is the
// word where it stands without quotes.
func TestEmptyIsComparedAsValuesAre(t *testing.T) {
	id := "consent:\n"
	checkRuled(t, []ruled{
		{"other case", plainColumns, "empty: [NULL, N/A, keine Angabe, ÄH]\n" + id, "n/A|yes|2024-01-01T00:00:00Z|", "invalid: it is unclear"},
		{"blanks around", plainColumns, "empty: [NULL, N/A, keine Angabe]\n" + id, " Keine Angabe |yes|2024-01-01T00:00:00Z|", "invalid: it is unclear"},
		{"no ASCII", plainColumns, "empty: [ÄH]\n" + id, "äh|yes|2024-01-01T00:00:00Z|", "invalid: it is unclear"},
		{"of an action", plainColumns, "empty: [unset]\n" + id, "u1|UNSET|2024-01-01T00:00:00Z|", "skipped: states no decision"},
		{"YAML's null", plainColumns, "empty: [null, ~]\n" + id, "u1|NULL|2024-01-01T00:00:00Z|", "skipped: states no decision"},
		{"YAML's other null", plainColumns, "empty: [null, ~]\n" + id, "u1|~|2024-01-01T00:00:00Z|", "skipped: states no decision"},
		{"another word", plainColumns, "empty: [null]\n" + id, "u1|nil|2024-01-01T00:00:00Z|", "invalid: choice"},
		{"YAML's null as a value", plainColumns, "consent:\n  action: {from: choice, values: {\"yes\": accept, null: reject}}\n", "u1|null|2024-01-01T00:00:00Z|", "reject u1 news"},
		{"YAML's null, as an empty cell", plainColumns, "consent:\n  action: {from: choice, values: {\"yes\": accept, null: reject}}\n", "u1||2024-01-01T00:00:00Z|", "skipped: states no decision"},
	})
}

// TestFailingMatchIsNoSilence: text that does not fit match makes what every
// consent needs invalid; no default stands in for it.
func TestFailingMatchIsNoSilence(t *testing.T) {
	checkRuled(t, []ruled{
		{"action", plainColumns, "consent:\n  action: {from: choice, match: '^v:(.*)$', values: {\"yes\": accept}}\n", "u1|yes|2024-01-01T00:00:00Z|", "invalid: does not have the form that match says"},
		{"action with a default", plainColumns, "consent:\n  action: {from: choice, match: '^v:(.*)$', values: {\"yes\": accept}, default: reject}\n", "u1|yes|2024-01-01T00:00:00Z|", "invalid: does not have the form that match says"},
		{"action, an empty group", plainColumns, "consent:\n  action: {from: choice, match: '^v:(.*)$', values: {\"yes\": accept}, default: reject}\n", "u1|v:|2024-01-01T00:00:00Z|", "invalid: does not have the form that match says"},
		{"action, empty", plainColumns, "consent:\n  action: {from: choice, match: '^v:(.*)$', values: {\"yes\": accept}}\n", "u1||2024-01-01T00:00:00Z|", "skipped: states no decision"},
		{"action, the second candidate", plainColumns, "consent:\n  action: {from: [choice, x], match: '^v:(.*)$', values: {\"yes\": accept}}\n", "u1|yes|2024-01-01T00:00:00Z|v:yes", "accept u1 news"},
		{"action, of a case", plainColumns, "consent:\n  action: {cases: [{from: choice, match: '^v:(.*)$', values: {\"yes\": accept}}]}\n", "u1|yes|2024-01-01T00:00:00Z|", "invalid: does not have the form that match says"},
		{"timestamp", plainColumns, "consent:\n  timestamp: {from: at, match: '^at (.*)$'}\n", "u1|yes|2024-01-01T00:00:00Z|", "invalid: does not have the form that match says"},
		{"end", plainColumns, "consent:\n  validUntil: {from: x, match: '^until (.*)$', default: unlimited}\n", "u1|yes|2024-01-01T00:00:00Z|2025-01-01T00:00:00Z", "invalid: does not have the form that match says"},
		{"end, none", plainColumns, "consent:\n  validUntil: {from: x, match: '^until (.*)$', default: unlimited}\n", "u1|yes|2024-01-01T00:00:00Z|", "accept u1 news"},
		{"source", plainColumns, "consent:\n  source: {from: x, match: '^s', default: web}\n", "u1|yes|2024-01-01T00:00:00Z|web", "invalid: does not have the form that match says"},
		{"category", plainColumns, "consent:\n  category: {from: x, match: '^c', default: other}\n", "u1|yes|2024-01-01T00:00:00Z|news", "invalid: does not have the form that match says"},
		{"category that may be everything", plainColumns, "consent:\n  category: {from: x, match: '^c', required: false}\n", "u1|yes|2024-01-01T00:00:00Z|news", "accept u1"},
		{"person, which match chooses", plainColumns, "consent:\n  userId: {from: id, match: '^[^@]+$'}\n  email: {from: id, match: '@'}\n", "u1|yes|2024-01-01T00:00:00Z|", "accept u1 news"},
		{"person that is required", plainColumns, "consent:\n  userId: {from: id, match: '^u', required: true}\n  email: x\n", "v1|yes|2024-01-01T00:00:00Z|a@b.example", "invalid: does not have the form that match says"},
		{"message", plainColumns, "consent:\n  message: {from: x, match: '^m'}\n", "u1|yes|2024-01-01T00:00:00Z|n", "accept u1 news"},
	})
}

// TestConditionsSeeOrSaySo: where JSON in a cell is broken, a condition about it is
// neither met nor passed over.
func TestConditionsSeeOrSaySo(t *testing.T) {
	checkRuled(t, []ruled{
		{"skip", plainColumns, "skip: {when: x.test == true, reason: a test}\nconsent:\n", `u1|yes|2024-01-01T00:00:00Z|{"test":true`, "invalid: is not valid JSON"},
		{"skip, sound", plainColumns, "skip: {when: x.test == true, reason: a test}\nconsent:\n", `u1|yes|2024-01-01T00:00:00Z|{"test":true}`, "skipped: a test"},
		{"case", plainColumns, "consent:\n  action: {cases: [{when: x.out == true, const: reject}, {const: accept}]}\n", `u1|yes|2024-01-01T00:00:00Z|{"out":tru}`, "invalid: is not valid JSON"},
	})
}

// TestDatesOfMongo: the dates of MongoDB's extended JSON are times, other objects none.
func TestDatesOfMongo(t *testing.T) {
	var cases []ruled
	for date, want := range map[string]string{
		`{"$date":"2024-05-01T08:00:00Z"}`: "accept u1 news", `{"$date":1714550400000}`: "accept u1 news", `{"$date":{"$numberLong":"1714550400000"}}`: "accept u1 news",
		`{"$date":null}`: "skipped", `{"$date":{}}`: "invalid: not a single value", `{"$date":["2024-05-01T08:00:00Z"]}`: "invalid: not a single value",
		`{"date":"2024-05-01T08:00:00Z"}`: "invalid: not a single value", `["2024-05-01T08:00:00Z"]`: "invalid: not a single value",
	} {
		if want == "skipped" {
			want = "invalid: is empty: a consent needs its time"
		}
		cases = append(cases,
			ruled{date, "", "consent:\n", `{"id":"u1","choice":"yes","at":` + date + `}`, want},
			ruled{date + ", one of several", "", "consent:\n  timestamp: {from: [at, when]}\n", `{"id":"u1","choice":"yes","at":` + date + `}`, want})
	}
	checkRuled(t, cases)
}

// TestAcceptsAtNoKnownTime: where the mapping lets the time be empty, an accept without one
// makes no consent and the rest of its row counts; a reject without one is never passed over.
func TestAcceptsAtNoKnownTime(t *testing.T) {
	const when = "consent:\n  timestamp: {from: at, required: false}\n"
	const two = "each: {columns: {news: choice, ads: x}}\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"yes\": accept, \"no\": reject}}\n" +
		"  timestamp: {cases: [{when: 'each.key == \"news\"', from: at}, {when: 'each.key == \"ads\"', from: then}], required: false}\n"
	const columns = "id|choice|at|x|then"
	checkRuled(t, []ruled{
		{"accept", plainColumns, when, "u1|yes||", "skipped: accepted at no known time"},
		{"accept, blank", plainColumns, when, "u1|yes| \u00a0|", "skipped: accepted at no known time"},
		{"two columns, neither filled", "id|choice|at|x", "consent:\n  timestamp: {from: [at, x]}\n", "u1|yes||", "invalid: timestamp: column \"at\" is empty: a consent needs its time, and \"x\" is empty, too"},
		{"accept, not asked for", plainColumns, "consent:\n", "u1|yes||", "invalid: timestamp: column \"at\" is empty"},
		{"reject", plainColumns, when, "u1|no||", "invalid: timestamp: column \"at\" is empty: a consent needs its time"},
		{"accept with a time", plainColumns, when, "u1|yes|2024-01-01T00:00:00Z|", "accept u1 news"},
		{"accept with a broken time", plainColumns, when, "u1|yes|yesterday|", "invalid: timestamp"},
		{"value that is not listed", plainColumns, when, "u1|maybe||", "invalid: action"},
		{"nobody's", plainColumns, when, "|no||", "invalid: no userId"},
		{"element", columns, two, "u1|yes||no|2024-01-01T00:00:00Z", "reject u1 ads"},
		{"element that rejects", columns, two, "u1|no||no|2024-01-01T00:00:00Z", "invalid: timestamp: column \"at\" is empty"},
		{"all elements", columns, two, "u1|yes||yes|", "skipped: accepted at no known time"},
		{"elements, one of no case", columns, strings.Replace(two, "\"ads\\\"", "\"other\\\"", 1), "u1|yes|2024-01-01T00:00:00Z|yes|", "accept u1 news"},
		{"null in JSON", "", when, `{"id":"u1","choice":"yes","at":null}`, "skipped: accepted at no known time"},
		{"missing in JSON", "", when, `{"id":"u1","choice":"yes"}`, "skipped: accepted at no known time"},
		{"a date of MongoDB", "", when, `{"id":"u1","choice":"yes","at":{"$date":null}}`, "skipped: accepted at no known time"},
	})
}

// TestMappingsThatCannotMean are refused with the place of what is wrong.
func TestMappingsThatCannotMean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, mapping, want, hint string }{
		{"element in the skip of rows", "each: {columns: {news: x}}\nskip:\n  - {when: 'each.value == \"no\"', reason: x}\nconsent:\n", "m.yaml:4:12: skip: each.value: this rule is about the whole row", "below each"},
		{"element in refuse", "each: {array: x}\nrefuse: each.id == 1\nconsent:\n", "m.yaml:3:9: refuse: each.id: this rule is about the whole row", "below each"},
		{"element without each", "consent:\n  category: each.key\n", "each.key: the mapping has no each section", ""},
		{"element in a condition without each", "consent:\n  action: {cases: [{when: each.x == 1, const: accept}]}\n", "each.x: the mapping has no each section", ""},
		{"element in a template without each", "consent:\n  message: {template: \"{each.x}\"}\n", "each.x: the mapping has no each section", ""},
		{"element of columns", "each: {columns: {news: x}}\nconsent:\n  category: each.id\n", "each.id is unknown: the elements of this each have each.key and each.value", ""},
		{"element of columns in its skip", "each: {columns: {news: x}, skip: each.id == 1}\nconsent:\n", "each.id is unknown", ""},
		{"element of a lifetime", "each: {split: x}\nconsent:\n  validUntil: {after: {from: each.days, unit: d}}\n", "each.days is unknown", ""},
		{"each of itself", "each: {array: each.x}\nconsent:\n", "each is not made of its own elements", ""},
		{"path", "each: {array: x}\nconsent:\n  category: each.a[\n", "without its ]", ""},
		{"empty category", "consent:\n  category: {const: \"\"}\n", "category is empty, which would make each consent one about everything", "leave category away"},
		{"empty category of a case", "consent:\n  category: {cases: [{when: 'x == \"a\"', const: b}, {const: \" \"}]}\n", "category is empty", "leave category away"},
		{"category of columns", "each: {columns: {\"\": x}}\nconsent:\n", "columns has a category without a name", ""},
		{"category of all", "each: {split: x, all: {\"\": a}}\nconsent:\n", "all has a category without a name", ""},
		{"category without a column", "each: {columns: {news: x, ads: }}\nconsent:\n", "m.yaml:2:27: columns: \"ads\" has no column", ""},
		{"category of a column without a name", "each: {columns: {news: x, ads: \"\"}}\nconsent:\n", "m.yaml:2:27: columns: \"ads\" has a column without a name", ""},
		{"category of no columns", "each: {columns: {news: x, ads: []}}\nconsent:\n", "columns: \"ads\" has no column", ""},
		{"category of a null", "each: {columns: {news: x, ads: [~]}}\nconsent:\n", "columns: \"ads\" has a column without a name", ""},
		{"null in a list of columns", "consent:\n  userId: {from: [null, x]}\n", "from has no value in this place", "\"null\""},
		{"no case", "consent:\n  action: {cases: []}\n", "8:12: cases lists no case", ""},
		{"format of an id", "consent:\n  userId: {from: u, format: rfc3339}\n", "format is for timestamp and validUntil only: nothing else is read as a time", ""},
		{"zone of an id", "consent:\n  userId: {from: u, timezone: UTC}\n", "timezone is for timestamp and validUntil only: nothing else is read as a time", ""},
		{"category without a token", "each: {split: x, all: {news: a, ads: }}\nconsent:\n", "all: \"ads\" has no token", ""},
		{"category of several tokens", "each: {split: x, all: {news: [a, b]}}\nconsent:\n", "all: \"news\" has one token", ""},
		{"by without parts", "each: {array: x, by: \";\"}\nconsent:\n", "m.yaml:2:18: by does nothing here", ""},
		{"match without parts", "each: {columns: {news: x}, match: z}\nconsent:\n", "match does nothing here", ""},
		{"except without every column", "each: {split: x, except: [y]}\nconsent:\n", "except does nothing here", ""},
		{"all of columns", "each: {columns: {news: x}, all: \"a\"}\nconsent:\n", "all does nothing here", ""},
		{"ignore without all", "each: {split: x, ignore: [y]}\nconsent:\n", "ignore does nothing here", ""},
		{"otherwise of columns", "each: {columns: {news: x}, otherwise: row}\nconsent:\n", "otherwise does nothing here", ""},
		{"zone of the machine", "timezone: localtime\nconsent:\n", `m.yaml:2:11: timezone "localtime" is unknown`, "IANA"},
		{"zone of the winter alone", "timezone: EST\nconsent:\n", "m.yaml:2:11: timezone EST has no summer time", "America/New_York if clocks change where the times were written, Etc/GMT+5"},
		{"zone of the winter alone, of a field", "consent:\n  timestamp: {from: at, timezone: MST}\n", "timezone MST has no summer time", "America/Denver"},
		{"zone by its offset", "timezone: UTC+2\nconsent:\n", `timezone "UTC+2" is unknown`, "Etc/GMT-2 is always two hours ahead"},
		{"zone of the machine, of a field", "consent:\n  timestamp: {from: at, timezone: Local}\n", `timezone "Local" is unknown`, "IANA"},
		{"hour of twelve", "consent:\n  timestamp: {from: at, format: \"%F %I:%M\"}\n", `without %p`, ""},
		{"list of columns", "consent:\n  message: [a, b]\n", "m.yaml:9:12: message must be a column or a map, not a list", "message: {from: [first, second]}"},
		{"empty", "empty:\nconsent:\n", "m.yaml:2:1: empty says nothing: list the words of the export that do, in quotes", "empty: ["},
	} {
		_, err := mapping.Parse("m.yaml", []byte(completed(c.mapping)), nil)
		var fault *mapping.Error
		require.ErrorAs(t, err, &fault, c.name)
		require.Contains(t, fault.Error(), c.want, c.name)
		require.NotZero(t, fault.Line, c.name)
		require.Contains(t, fault.Hint, c.hint, c.name)
	}
}

// TestUnnamedColumnIsNoCategory: a column that nobody named is left out only when the
// mapping says so.
func TestUnnamedColumnIsNoCategory(t *testing.T) {
	t.Parallel()
	for _, except := range []string{"[id, at]", "[id, at, \"${nothing}\"]"} {
		spec, err := mapping.Parse("m.yaml", []byte("parameters: [{name: nothing, default: \"\"}]\n"+completed("each: {columns: \"*\", except: "+except+"}\nconsent:\n")), nil)
		require.NoError(t, err)
		for _, columns := range [][]string{{"", "id", "at", "news", "choice"}, {"id", "at", "news", "choice", " \u200b"}} {
			_, err = spec.Bind(mapping.Layout{Columns: columns})
			require.ErrorContains(t, err, "of the export has no name")
		}
		for _, name := range []string{"Unnamed: 0", "Unnamed: 0.1", "__EMPTY", "__EMPTY_3", "...1", "_c0", "Column1"} {
			columns := []string{name, "id", "at", "news", "choice"}
			_, err = spec.Bind(mapping.Layout{Columns: columns})
			require.ErrorContains(t, err, "as programs call a column without a name")
			for _, also := range []string{name, ""} {
				spec, err := mapping.Parse("m.yaml", fmt.Appendf(nil, completed("each: {columns: \"*\", except: [id, at, %q]}\nconsent:\n"), also), nil)
				require.NoError(t, err)
				_, err = spec.Bind(mapping.Layout{Columns: columns})
				require.NoError(t, err, name)
			}
		}
	}
}

// TestHiddenCharactersAreSetDown: that an identifier had invisible characters around it
// is known of its consents when they were cut off, and of no other row's.
func TestHiddenCharactersAreSetDown(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"userId: {from: id, trim: true}", "userId: {from: id, trim: true, lower: true}", "userId: {from: [x, id], trim: true}", "userId: {cases: [{from: id, trim: true}]}"} {
		spec, err := mapping.Parse("m.yaml", []byte(completed("consent:\n  "+field+"\n")), nil)
		require.NoError(t, err)
		m, err := spec.Bind(mapping.Layout{Columns: strings.Split(plainColumns, "|")})
		require.NoError(t, err)
		for _, c := range []struct {
			id     string
			hidden bool
		}{{"u1\u200b", true}, {"u1", false}, {" u1 ", false}, {"\u2060u1", true}, {"u1\u00a0", false}} {
			var out mapping.Result
			m.Map(&mapping.Record{Row: 1, Cells: [][]byte{[]byte(c.id), []byte("no"), []byte("2024-01-01T00:00:00Z"), nil}}, &out)
			require.Len(t, out.Consents, 1, out.Reason)
			require.Equal(t, c.hidden, out.Consents[0].Hidden, "%q, %s", c.id, field)
			require.Equal(t, "u1", string(out.Consents[0].UserID))
		}
	}
}

// TestControlCharactersAnywhere: one is found wherever it stands in an identifier of any
// length.
func TestControlCharactersAnywhere(t *testing.T) {
	var cases []ruled
	for length := 3; length < 28; length++ {
		for at := 1; at < length-1; at++ {
			for _, c := range []byte{0x01, 0x1f, 0x7f} {
				id := []byte(strings.Repeat("x", length))
				cases = append(cases, ruled{fmt.Sprint(length, at), plainColumns, "consent:\n", string(id) + "|no|2024-01-01T00:00:00Z|", "reject " + string(id) + " news"})
				id[at] = c
				cases = append(cases, ruled{fmt.Sprint(length, at, c), plainColumns, "consent:\n", string(id) + "|no|2024-01-01T00:00:00Z|", "invalid: control character"})
			}
		}
	}
	checkRuled(t, cases)
}

package condition

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// testRow gives operands by the names that a condition has for them.
type testRow map[string]Operand

func (r testRow) get(c *Condition) func(int) Operand {
	return func(ref int) Operand {
		name := c.refs[ref].Name
		if c.refs[ref].Each {
			name = "each." + name
		}
		return r[name]
	}
}

func text(s string) Operand   { return Operand{jsonvalue.String, []byte(s)} }
func number(s string) Operand { return Operand{jsonvalue.Number, []byte(s)} }
func boolean(b bool) Operand  { return Operand{jsonvalue.Bool, fmt.Append(nil, b)} }
func list(s string) Operand   { return Operand{jsonvalue.Array, []byte(s)} }
func object(s string) Operand { return Operand{jsonvalue.Object, []byte(s)} }

// listsIn gives the lists of a row within a document, as a JSON row has them.
func (r testRow) listsIn(c *Condition) func(int) (*jsonvalue.Doc, int) {
	return func(ref int) (*jsonvalue.Doc, int) {
		d := new(jsonvalue.Doc)
		if d.Parse(fmt.Appendf(nil, `{"before":[1],"list":%s,"behind":[2]}`, r.get(c)(ref).Text)) != "" {
			return nil, jsonvalue.None
		}
		return d, d.Member(0, "list")
	}
}

// holdsBoth evaluates a condition in both ways, which must agree; the fast one with its
// lists by themselves, and within a document.
func holdsBoth(t require.TestingT, c *Condition, row testRow) (bool, error) {
	got, err := c.Holds(row.get(c))
	within := c.Clone()
	within.ListsIn(row.listsIn(c))
	same, sameErr := within.Holds(row.get(c))
	require.Equal(t, err, sameErr, "lists within a document fail differently")
	require.Equal(t, got, same, "lists within a document differ")
	slow := c.Clone()
	slow.fast = nil
	want, slowErr := slow.Holds(row.get(c))
	require.Equal(t, slowErr, err, "the two ways fail differently")
	require.Equal(t, want, got, "the two ways differ")
	return got, err
}

// TestAnyLooksAtTheListAlone: a list within a document is what lies in it, not what lies
// around it.
func TestAnyLooksAtTheListAlone(t *testing.T) {
	c, err := New(`any(items ?? [], .id == "b")`)
	require.NoError(t, err)
	for items, want := range map[string]bool{`[]`: false, `[{"id":"a"}]`: false, `[{"id":"a"},{"id":"b"}]`: true} {
		var d jsonvalue.Doc
		require.Empty(t, d.Parse([]byte(`{"before":{"id":"b"},"items":`+items+`,"behind":{"id":"b"}}`)))
		c.ListsIn(func(int) (*jsonvalue.Doc, int) { return &d, d.Member(0, "items") })
		got, err := c.Holds(func(int) Operand { return list(items) })
		require.NoError(t, err)
		assert.Equal(t, want, got, items)
	}
}

func TestConditionHolds(t *testing.T) {
	no := map[string]Operand{}
	tests := []struct {
		source string
		row    testRow
		want   bool
	}{
		{`is_test == "true"`, testRow{"is_test": text("true")}, true},
		{`is_test == "true"`, testRow{"is_test": text("false")}, false},
		{`is_test == "true"`, testRow{"is_test": boolean(true)}, true},
		{`is_test == "true"`, no, false},
		{`TestDataSubject == true`, testRow{"TestDataSubject": boolean(true)}, true},
		{`TestDataSubject == true`, testRow{"TestDataSubject": text("true")}, true},
		{`TestDataSubject == true`, testRow{"TestDataSubject": text("TRUE")}, true},
		{`TestDataSubject == true`, testRow{"TestDataSubject": text("1")}, false},
		{`TestDataSubject == true`, testRow{"TestDataSubject": text("")}, false},
		{`TestDataSubject != true`, no, true},
		{`TestDataSubject`, testRow{"TestDataSubject": text("True")}, true},
		{`TestDataSubject`, testRow{"TestDataSubject": boolean(true)}, true},
		{`TestDataSubject`, no, false},
		{`not TestDataSubject`, testRow{"TestDataSubject": text("")}, true},
		{`opens == 5`, testRow{"opens": text("5")}, true},
		{`opens == 5`, testRow{"opens": number("5.0")}, true},
		{`opens == "5"`, testRow{"opens": number("5")}, true},
		{`opens == 5`, testRow{"opens": text("five")}, false},
		{`opens > 9`, testRow{"opens": text("10")}, true},
		{`opens > "9"`, testRow{"opens": text("10")}, false}, // text by text
		{`opens >= 9007199254740993`, testRow{"opens": number("9007199254740992")}, false},
		{`opens <= 1.5`, testRow{"opens": number("1.5e0")}, true},
		{`opens == -1`, testRow{"opens": text("-1")}, true},
		{`1 < opens < 3`, testRow{"opens": text("2")}, true},
		{`upper(trim(privacy_action)) == "V"`, testRow{"privacy_action": text(" v ")}, true},
		{`lower(name) == "ärger"`, testRow{"name": text("ÄRGER")}, true},
		{`upper(name) == "ÄRGER"`, testRow{"name": text("ärger")}, true},
		{`lower(name) == ""`, no, true},
		{`trim(each.value) == "1"`, testRow{"each.value": number("1")}, true},
		{`string(each.value) == "Auto"`, testRow{"each.value": text("Auto")}, true},
		{`string(each.value) == ""`, no, true},
		{`each.enabled == nil`, no, true},
		{`each.enabled == nil`, testRow{"each.enabled": boolean(false)}, false},
		{`each.enabled == nil`, testRow{"each.enabled": text("")}, false},
		{`(row["at"] ?? "") > (row["until"] ?? "")`, testRow{"at": text("2024-01-02")}, true},
		{`(row["at"] ?? "") > (row["until"] ?? "")`, testRow{"at": text("2024-01-02"), "until": text("2024-01-03")}, false},
		{`lower(row["IsDeleted"] ?? row["ISDELETED"] ?? "") == "true"`, testRow{"ISDELETED": text("TRUE")}, true},
		{`not (trim(row["no_choice"] ?? "") in ["", "0"])`, no, false},
		{`row["User Details"] in ["", "Not logged in"]`, testRow{"User Details": text("")}, true},
		{`row["User Details"] in ["", "Not logged in"]`, no, true},
		{`row["User Details"] not in ["", "Not logged in"]`, no, false},
		{`at == ""`, no, true},
		{`"" != at`, no, false},
		{`at == ""`, testRow{"at": list("[]")}, false},
		{`user?.at == "" and at != ""`, testRow{"at": number("0")}, true},
		{`any(items, .at == "")`, testRow{"items": list(`[{"at": null}]`)}, true},
		{`any(items, .at != "")`, testRow{"items": list(`[{}, {"at": null}, {"at": ""}]`)}, false},
		{`at == other`, testRow{"other": text("")}, false},
		{`row["User Details"] in ["", nil]`, no, true},
		{`opens in [1, 2]`, testRow{"opens": text("2")}, true},
		{`is_test not in ["yes", "1"]`, testRow{"is_test": text("0")}, true},
		{`id in split("a,b,c", ",")`, testRow{"id": text("b")}, true},
		{`id in split("a,b,c", ",")`, testRow{"id": text("")}, false},
		{`id in ["1","2","3","4","5","6","7","8","9","10","11","12","13"]`, testRow{"id": text("13")}, true},
		{`"news" in tags`, testRow{"tags": list(`["x", "news"]`)}, true},
		{`"news" in tags`, no, false},
		{`"news" in tags`, testRow{"tags": object(`{"news": 1}`)}, true},
		{`a in [b, "x"]`, testRow{"a": text("1"), "b": number("1")}, true},
		{`a in split(b, ",")`, testRow{"a": text("y"), "b": text("x,y")}, true},
		{`a in 1..3`, testRow{"a": text("3")}, true},
		{`row["S"] matches "UNSUBSCRIBED|SPAM"`, testRow{"S": text("[SPAM]")}, true},
		{`row["S"] matches "UNSUBSCRIBED|SPAM"`, testRow{"S": text("SPA")}, false},
		{`row["S"] matches "UNSUBSCRIBED|SPAM"`, no, false},
		{`row["S"] matches "^[\\s'\",]*((A|B)[\\s'\",]*)+$"`, testRow{"S": text(`'A', "B"`)}, true},
		{`lower($file) startsWith "cleaned"`, testRow{"$file": text("Cleaned_1.csv")}, true},
		{`$file endsWith ".csv" && $file contains "-"`, testRow{"$file": text("a-b.csv")}, true},
		{`$row <= 2`, testRow{"$row": number("2")}, true},
		{`missing startsWith ""`, no, false},
		{`context?.consent?.categoryPreferences == nil`, no, true},
		{`len(context.consent.categoryPreferences) == 0`, testRow{"context.consent.categoryPreferences": object(`{}`)}, true},
		{`len(context.consent.categoryPreferences) == 0`, testRow{"context.consent.categoryPreferences": object(`{"a": 1}`)}, false},
		{`(context?.traits?.email ?? properties?.email ?? "") == ""`, testRow{"properties.email": text("x")}, false},
		{`type != "track" || event != "Updated"`, testRow{"type": text("track"), "event": text("Updated")}, false},
		{`any(items, .id == "b")`, testRow{"items": list(`[{"id":"a"},{"id":"b"}]`)}, true},
		{`any(suppressions, .reason == "GDPR_DELETED")`, testRow{"suppressions": list(`[{"reason":"HARD_BOUNCE"},{"reason":"GDPR_DELETED"}]`)}, true},
		{`any(suppressions, .reason == "GDPR_DELETED")`, testRow{"suppressions": list(`[]`)}, false},
		{`all(items, # == "b")`, testRow{"items": list(`["a","b"]`)}, false},
		{`none(items, .id == "c")`, testRow{"items": list(`[{"id":"a"},{"id":"b"}]`)}, true},
		{`count(items, # != "b") == 1`, testRow{"items": list(`["a","b"]`)}, true},
		{`let v = lower(name); v == "a" || v == "b"`, testRow{"name": text("B")}, true},
		{`date(at) < date(until)`, testRow{"at": text("2024-01-02"), "until": text("2024-01-03")}, true},
		{`is_test ? a == "1" : a == "2"`, testRow{"is_test": text("true"), "a": text("1")}, true},
		{`items[0]["odd name"].id == 7`, testRow{`items[0]["odd name"].id`: number("7")}, true},
		{`a == b`, testRow{"a": list(`[1,  2.0]`), "b": list(`[1,2.0]`)}, true},
		{`a == b`, testRow{"a": list(`[1]`), "b": object(`{}`)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			c, err := New(tt.source)
			require.NoError(t, err)
			got, err := holdsBoth(t, c, tt.row)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestConditionNames(t *testing.T) {
	tests := []struct {
		source string
		want   []Ref
	}{
		{`is_test == "true" && row["Odd Name"] == is_test`, []Ref{{Name: "is_test"}, {Name: "Odd Name", Optional: true}}},
		{`row["a"] == "1" || a == "2"`, []Ref{{Name: "a"}}},
		{`a == "1" || row["a"] == "2"`, []Ref{{Name: "a"}}},
		{`each.key == "x" && each.a.b != key`, []Ref{
			{Each: true, Name: "key", Optional: true}, {Each: true, Name: "a.b", Optional: true}, {Name: "key"}}},
		{`user.country == "DE" && user?.city == nil`, []Ref{{Name: "user.country"}, {Name: "user.city", Optional: true, Spared: true}}},
		{`a == nil || nil != b || c == ""`, []Ref{{Name: "a", Spared: true}, {Name: "b", Spared: true}, {Name: "c"}}},
		{`(a ?? b ?? c) == (each.d ?? "") && a == "x"`, []Ref{{Name: "a", Spared: true}, {Name: "b", Spared: true}, {Name: "c"}, {Each: true, Name: "d", Optional: true, Spared: true}}},
		{`user["odd name"].x[-1] == nil`, []Ref{{Name: `user["odd name"].x`}}},
		{`row.plain == row["a.b"]`, []Ref{{Name: "plain", Optional: true}, {Name: "a.b", Optional: true}}},
		{`$file == "a" || $row == 1`, []Ref{{Name: "$file"}, {Name: "$row"}}},
		{`let a = b; len(filter(c, .d == a)) > 0`, []Ref{{Name: "b"}, {Name: "c"}}},
		{`let v = a; v.b == v["c"]`, []Ref{{Name: "a"}}},
		{`type == "track" and count == 1`, []Ref{{Name: "type"}, {Name: "count"}}},
		{`"a" == "a"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			c, err := New(tt.source)
			require.NoError(t, err)
			assert.Equal(t, tt.want, c.refs)
		})
	}
}

func TestConditionErrors(t *testing.T) {
	tests := []struct{ source, want string }{
		{``, `the condition is empty`},
		{`a ==`, `the condition ends too early (character 4 of the condition)`},
		{`a = "b"`, `unexpected "=": compare with == (character 3 of the condition)`},
		{`Odd Name == "x"`, `unexpected "Name": put text in quotes, and write a name with spaces as row["…"] (character 5 of the condition)`},
		{`a == "b`, `a text in the condition has no closing quote`},
		{`lover(a) == "b"`, `unknown function lover(); did you mean "lower"? (character 1 of the condition)`},
		{`a.lower() == "b"`, `a value of a row is not a function (character 3 of the condition)`},
		{`lower(a)`, notTruth + ` (character 1 of the condition)`},
		{`"yes"`, notTruth + ` (character 1 of the condition)`},
		{`a == "b" || "c"`, notTruth + ` (character 13 of the condition)`},
		{`split(a, ",")[0]`, notTruth + ` (character 14 of the condition)`},
		{`row == nil`, `row and each need a name behind them, such as row["Odd Name"] or each.key (character 1 of the condition)`},
		{`row[a] == nil`, `row and each need a name behind them, such as row["Odd Name"] or each.key (character 1 of the condition)`},
		{`each == "a"`, `row and each need a name behind them, such as row["Odd Name"] or each.key (character 1 of the condition)`},
		{`a matches "("`, "error parsing regexp: missing closing ): `(` (character 11 of the condition)"},
		{`now() > date(a)`, `now() gives a different result in every run, so a mapping cannot use it (character 1 of the condition)`},
		{`lower(a, b) == "c"`, `too many arguments to call lower (character 1 of the condition)`},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			_, err := New(tt.source)
			require.Error(t, err)
			assert.Equal(t, tt.want, err.Error())
		})
	}
	_, err := New(strings.Repeat("(", maxConditionLen) + "a")
	assert.ErrorContains(t, err, "longer than")
	chain := "a < b"
	for range 40 {
		chain = "a < (" + chain + ") < b"
	}
	_, err = New(chain)
	assert.ErrorContains(t, err, "too long")
}

func TestConditionFailsOnRow(t *testing.T) {
	secret := text("kim@example.com")
	tests := []struct {
		source string
		row    testRow
		want   string
	}{
		{`a > 5`, testRow{"a": secret}, `compares a number with text that is not a number (character 3 of the condition)`},
		{`a > 5`, testRow{"a": text("0x9")}, `compares a number with text that is not a number (character 3 of the condition)`},
		{`a > "5"`, nil, `compares with a missing value: write (name ?? "") (character 3 of the condition)`},
		{`a > 5`, testRow{"a": boolean(true)}, `compares true or false with < or > (character 3 of the condition)`},
		{`a > 5`, testRow{"a": list("[]")}, `compares a list or an object with < or > (character 3 of the condition)`},
		{`a || b == "1"`, testRow{"a": secret}, `needs true or false and finds another value (character 1 of the condition)`},
		{`a`, testRow{"a": object("{}")}, `needs true or false and finds another value (character 1 of the condition)`},
		{`"x" in a`, testRow{"a": secret}, `the right side of in must be a list (character 5 of the condition)`},
		{`int(a) > 5`, testRow{"a": secret}, `cannot be evaluated for these values: one is missing or has the wrong type (character 1 of the condition)`},
		{`a + 1 > 5`, testRow{"a": secret}, `cannot be evaluated for these values: one is missing or has the wrong type (character 3 of the condition)`},
		{`len(a) > 5`, nil, `cannot be evaluated for these values: one is missing or has the wrong type (character 1 of the condition)`},
		{`"x" matches a`, testRow{"a": text("(")}, `the pattern is not a valid regular expression (character 5 of the condition)`},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			c, err := New(tt.source)
			require.NoError(t, err)
			holds, err := holdsBoth(t, c, tt.row)
			assert.False(t, holds)
			require.Error(t, err)
			assert.Equal(t, tt.want, err.Error())
		})
	}
}

var whenLine = regexp.MustCompile(`(?m)^\s*- when: (.*)$`)

// presetConditions are the conditions of all presets, with their parameters
// filled in.
func presetConditions(t *testing.T) []string {
	files, err := filepath.Glob("../presets/*.yaml")
	require.NoError(t, err)
	var out []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range whenLine.FindAllStringSubmatch(string(data), -1) {
			source := strings.TrimSpace(m[1])
			if strings.HasPrefix(source, "'") {
				source = strings.ReplaceAll(strings.Trim(source, "'"), "''", "'")
			}
			out = append(out, regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(source, "reject"))
		}
	}
	require.NotEmpty(t, out)
	return out
}

func TestConditionsOfPresets(t *testing.T) {
	for _, source := range presetConditions(t) {
		c, err := New(source)
		require.NoError(t, err, source)
		// What looks something up, or how long a list of the row is, needs expr's machine.
		unusual := regexp.MustCompile(`\blen\([^.]|# in |\[each\.`).MatchString(source)
		assert.Equal(t, !unusual, c.fast != nil, "%s: only these shapes are fast (fast_compile.go): write it as other presets do, as a comparison of columns with words or each other", source)
	}
}

func TestConditionsOfPresetsAgree(t *testing.T) {
	var conditions []*Condition
	for _, source := range presetConditions(t) {
		c, err := New(source)
		require.NoError(t, err, source)
		conditions = append(conditions, c)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(conditions).Draw(t, "condition")
		row := testRow{}
		for _, ref := range c.refs {
			name := ref.Name
			if ref.Each {
				name = "each." + name
			}
			row[name] = anOperand().Draw(t, name)
		}
		_, _ = holdsBoth(t, c, row)
	})
}

func TestConditionClonesAreApart(t *testing.T) {
	c, err := New(`lower(a) == lower(b) && len(c) == 1`)
	require.NoError(t, err)
	done := make(chan error)
	for i := range 4 {
		own, s := c.Clone(), strings.Repeat("X", i+1)
		go func() {
			for range 200 {
				holds, err := own.Holds(testRow{"a": text(s), "b": text(s), "c": list("[1]")}.get(own))
				if err != nil || !holds {
					done <- fmt.Errorf("holds %v: %v", holds, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		assert.NoError(t, <-done)
	}
}

func TestConditionAllocatesNothing(t *testing.T) {
	for _, source := range []string{
		`is_test == "true"`,
		`is_test == true`,
		`lower(trim(a)) in ["no", "FALSE", "0"] && "reject" != "accept"`,
		`upper(a) == lower(b) || a startsWith b || not (a in [1, "x"])`,
		`(row["a"] ?? "") > (row["b"] ?? "")`,
		`a matches "SPAM|UNSUBSCRIBED" or b == 5`,
		`a in ["1","2","3","4","5","6","7","8","9","10","11","12","13"]`,
	} {
		c, err := New(source)
		require.NoError(t, err)
		get := testRow{"is_test": text("true"), "a": text("ÄRGER NO"), "b": text("Yes")}.get(c)
		allocs := testing.AllocsPerRun(100, func() { _, _ = c.Holds(get) })
		assert.Zero(t, allocs, source)
	}
}

func FuzzNewCondition(f *testing.F) {
	for _, source := range []string{
		`is_test == "true"`, `lower(trim(each.value)) in ["no", "0"]`, `row["Odd Name"] ?? "" `, `a?.b[0]["c d"] matches "^x"`,
		`let x = a; any(b, .c == x)`, `1 < a < 3`, `a | lower() | trim() == "x"`, `#`, `((((`, `not not not a`, `a ? b : c`, `{"a": 1}.a`,
		`if a { b } else { c }`, `a[1:2] == nil`, `b"x" == a`, "a\n== \"b\"", `$env.a`, `row[0].x`, `a;b`, `"\x00" == a`, `-a > 1`, `a..b`,
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		c, err := New(source)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		for _, v := range []Operand{{}, text("x"), number("1"), list(`[{"c": 1}]`)} {
			_, _ = c.Clone().Holds(func(int) Operand { return v })
			if c.fast != nil {
				row := testRow{}
				for _, ref := range c.refs {
					name := ref.Name
					if ref.Each {
						name = "each." + name
					}
					row[name] = v
				}
				_, _ = holdsBoth(t, c, row)
			}
		}
	})
}

func BenchmarkCondition(b *testing.B) {
	for _, source := range []string{
		`is_test == "true"`,
		`lower(trim(a)) in ["no", "false", "0"]`,
		`(row["a"] ?? "") > (row["b"] ?? "")`,
		`row["a"] matches "UNSUBSCRIBED|USER_SUPPRESSED|SPAM_COMPLAINT"`,
		`len(a) == 0`,
	} {
		b.Run(source, func(b *testing.B) {
			c, err := New(source)
			require.NoError(b, err)
			values := []Operand{text("False "), text("2024")}
			get := func(ref int) Operand { return values[ref] }
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Holds(get)
			}
		})
	}
}

package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestADecisionIsNotEmpty: a value that means accept or reject cannot be one that says
// nothing as well, in any case and in any block; its row would be skipped.
func TestADecisionIsNotEmpty(t *testing.T) {
	t.Parallel()
	const rest = "  userId: id\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n"
	for _, tt := range []struct{ text, says string }{
		{"empty: [\"\", \"no\"]\nconsent:\n  action: {from: choice, values: {\"yes\": accept, \"no\": reject}}\n" + rest, `m.yaml:3:11: values gives "no" the meaning reject, but empty says`},
		{"empty: [\"NO\"]\nconsent:\n  action: {from: choice, values: {\"yes\": accept, \"no\": reject}}\n" + rest, `"no" the meaning reject`},
		{"empty: [\"0\"]\nconsent:\n  action: {cases: [{when: a == \"x\", from: choice, values: {1: accept, 0: reject}}]}\n" + rest, `"0" the meaning reject`},
		{"empty: [\"no\"]\neach:\n  - {columns: {news: choice}}\n  - {columns: {sms: other}, consent: {action: {from: each.value, values: {\"no\": reject}}}}\nconsent:\n  action: {from: each.value, values: {\"yes\": accept}}\n" + rest, `"no" the meaning reject`},
		{"empty: [\"\", \"no\"]\nconsent:\n  action: {from: choice, values: {\"yes\": accept, \"no\": }}\n" + rest, ""},
		{"empty: [\"no\"]\nconsent:\n  action: {from: choice, match: \"[a-z]+$\", values: {\"yes\": accept, \"no\": reject}}\n" + rest, ""},
	} {
		_, err := Parse("m.yaml", []byte(tt.text), nil)
		if tt.says == "" {
			assert.NoError(t, err, tt.text)
			continue
		}
		assert.ErrorContains(t, err, tt.says, tt.text)
	}
}

// TestAValueHasOneMeaning: cells are compared without the blanks around them, and so are the
// values of a mapping; one of two that are the same then would be read past.
func TestAValueHasOneMeaning(t *testing.T) {
	t.Parallel()
	const rest = "  userId: id\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n"
	for text, says := range map[string]string{
		`{from: choice, values: {y: accept, " y ": reject}}`:                           `m.yaml:2:11: values has "y" twice, with different meanings`,
		`{from: choice, values: {"y\u00a0": accept, "y": reject}}`:                     `"y" twice`,
		`{from: choice, values: {"y": accept, "y ": }}`:                                `"y" twice`,
		`{cases: [{when: a == "x", from: choice, values: {" 1": accept, 1: reject}}]}`: `"1" twice`,
		`{from: choice, values: {y: accept, " y ": accept, " n": reject}}`:             "",
	} {
		_, err := Parse("m.yaml", []byte("consent:\n  action: "+text+"\n"+rest), nil)
		if says == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, says, text)
	}
	_, err := Parse("m.yaml", []byte("consent:\n  action: a\n  category: {from: c, values: {news: news, \"news \": sms}}\n"+rest), nil)
	assert.ErrorContains(t, err, `m.yaml:3:13: values has "news" twice`)
}

// TestWhatNoCaseIsAboutIsAccepted: the mapping and the consents say where an accept comes
// from a last case without a condition of its own.
func TestWhatNoCaseIsAboutIsAccepted(t *testing.T) {
	t.Parallel()
	for action, assumed := range map[string]bool{
		`{cases: [{when: 'choice == "no"', const: reject}, {const: accept}]}`:                          true,
		`{cases: [{when: 'choice == "no"', const: reject}, {when: "true", const: accept}]}`:            true,
		`{cases: [{when: 'choice == "no"', const: reject}, {when: 'choice == "yes"', const: accept}]}`: false,
		`{cases: [{when: 'choice == "yes"', const: accept}, {const: reject}]}`:                         false,
		`{cases: [{when: 'choice == "no"', const: reject}, {from: choice, values: {"yes": accept}}]}`:  false,
		`{cases: [{const: accept}]}`: false,
		`{const: accept}`:            false,
	} {
		spec, err := Parse("m.yaml", []byte("consent:\n  userId: id\n  action: "+action+"\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n"), nil)
		require.NoError(t, err)
		var rules []string
		for _, f := range LintSpec(spec) {
			rules = append(rules, f.Rule)
		}
		m, err := spec.Bind(Layout{Columns: []string{"id", "choice", "at"}})
		require.NoError(t, err)
		var out Result
		m.Map(&Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte("yes"), []byte("2024-01-02T03:04:05Z")}}, &out)
		require.Equal(t, Mapped, out.Status, out.Reason)
		require.Len(t, out.Consents, 1)
		if assumed {
			assert.Contains(t, rules, "accept-by-default", action)
		} else {
			assert.NotContains(t, rules, "accept-by-default", action)
		}
		assert.Equal(t, assumed, out.Consents[0].Assumed, action)
	}
}

// TestSeveralPurposesNeedACategory: elements that are about different things need one, for
// without it a yes to one of them would be a yes to everything.
func TestSeveralPurposesNeedACategory(t *testing.T) {
	t.Parallel()
	const rest = "  userId: id\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n"
	for each, refused := range map[string]bool{
		"{columns: {news: a, sms: b}}":                    true,
		`{columns: "*", except: [id, at]}`:                true,
		`{split: p, by: ",", pair: ":"}`:                  true,
		`{split: p, by: ",", all: {news: 1}}`:             true,
		"{object: p}":                                     true,
		"{tcf: p}":                                        true,
		"{columns: {news: a}}":                            false,
		"{array: p}":                                      false,
		`{split: p, by: ","}`:                             false,
		"[{columns: {news: a}}, {columns: {b: b, c: c}}]": true,
		"[{columns: {news: a}}, {array: p}]":              false,
	} {
		_, err := Parse("m.yaml", []byte("each: "+each+"\nconsent:\n  action: {from: each.value, values: {\"yes\": accept, \"no\": reject}}\n"+rest), nil)
		if refused {
			assert.ErrorContains(t, err, "every one would be about everything", each)
			_, err = Parse("m.yaml", []byte("each: "+each+"\nconsent:\n  category: each.key\n  action: {from: each.value, values: {\"yes\": accept, \"no\": reject}}\n"+rest), nil)
		}
		assert.NoError(t, err, each)
	}
}

// TestABlankIsNoCategory: whatever a blank category came from, it is none.
func TestABlankIsNoCategory(t *testing.T) {
	t.Parallel()
	for _, category := range []string{`{from: cat, default: " "}`, `{from: cat, default: "\t"}`, `{from: cat, values: {news: " "}}`, `{from: cat, values: {news: "\u200b"}, default: "\u00a0"}`} {
		spec, err := Parse("m.yaml", []byte("consent:\n  userId: id\n  action: {from: choice, values: {\"yes\": accept}}\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n  category: "+category+"\n"), nil)
		require.NoError(t, err)
		m, err := spec.Bind(Layout{Columns: []string{"id", "choice", "at", "cat"}})
		require.NoError(t, err)
		blank := 0
		for _, cell := range []string{"", "news"} {
			var out Result
			m.Map(&Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte("yes"), []byte("2024-01-02T03:04:05Z"), []byte(cell)}}, &out)
			if out.Status != Invalid {
				require.Len(t, out.Consents, 1)
				assert.Equal(t, "news", string(out.Consents[0].Category), "%s of %q", category, cell)
				continue
			}
			blank++
			assert.Contains(t, out.Reason, "category", category)
		}
		assert.Positive(t, blank, category)
	}
}

// TestBothOrdersOfADateAreNoted: a list of formats with the day first and the month first
// reads 01/02 by whichever stands first.
func TestBothOrdersOfADateAreNoted(t *testing.T) {
	t.Parallel()
	for format, both := range map[string]bool{
		`["%d/%m/%Y", "%m/%d/%Y"]`:             true,
		`["%m/%d/%y %H:%M", "%d.%m.%Y"]`:       true,
		`["%d/%m/%Y", "%d/%m/%Y %H:%M"]`:       false,
		`["%d/%m/%Y", "%Y-%m-%d", "%b %d %Y"]`: false,
	} {
		spec, err := Parse("m.yaml", []byte("timezone: UTC\nconsent:\n  userId: id\n  action: {from: choice}\n  timestamp: {from: at, format: "+format+"}\n  validUntil: unlimited\n  source: {const: x}\n"), nil)
		require.NoError(t, err)
		assert.Equal(t, both, viewOf(spec).bothOrders, format)
	}
}

// TestOneColumnMayBeSeveral: where the first line is one column, the message says what
// helps if it is not a header, or was not taken apart.
func TestOneColumnMayBeSeveral(t *testing.T) {
	t.Parallel()
	spec, err := Parse("m.yaml", []byte("consent:\n  userId: id\n  action: choice\n  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n"), nil)
	require.NoError(t, err)
	for _, column := range []string{"id^choice^at", "id~|~choice", "Report of May", "customer_id"} {
		_, err := spec.Bind(Layout{Columns: []string{column}})
		var fault *Error
		require.ErrorAs(t, err, &fault)
		assert.Contains(t, fault.Hint, "input: {delimiter: …}")
		assert.Contains(t, fault.Hint, "input: {skipLines: …}")
		assert.Contains(t, fault.Hint, column)
	}
}

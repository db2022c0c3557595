package mapping_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(mapping.Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("mapping.json", doc))
	s, err := c.Compile("mapping.json")
	require.NoError(t, err)
	return s
}

func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	j, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	require.NoError(t, err)
	return doc
}

func TestTheSchemaTakesEveryPreset(t *testing.T) {
	s := compiledSchema(t)
	presets := mapping.Presets()
	require.NotEmpty(t, presets)
	for _, p := range presets {
		assert.NoError(t, s.Validate(asJSON(t, p.Source)), p.Name)
	}
	assert.NoError(t, s.Validate(asJSON(t, []byte(statusAndPermissions))))
	assert.NoError(t, s.Validate(asJSON(t, []byte(lookups))))
}

func TestTheSchemaRefusesWhatParseRefuses(t *testing.T) {
	s := compiledSchema(t)
	const whole = "consent: {action: each.value, timestamp: t, validUntil: unlimited, source: s, userId: u}"
	for name, text := range map[string]string{
		"unknown key":             "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userid: u}",
		"unknown field key":       "consent: {action: {form: a}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"no timestamp":            "consent: {action: a, validUntil: unlimited, source: s, userId: u}",
		"key of a block":          "each: [{split: a, consnt: {}}]\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"field of a block":        "each: [{split: a, consent: {actoin: a}}]\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"no block":                "each: []\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"unknown key of a lookup": "lookup: {p: {file: f, key: k, keey: k}}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"lookup without a key":    "lookup: {p: {file: f}}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"lookup without a name":   "lookup: {file: f, key: k}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"lookup with an odd name": "lookup: {2p: {file: f, key: k}}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"two forms of each":       "each: {split: a, array: b}\nconsent: {action: a, category: each.value, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"no form of each":         "each: {by: a}\nconsent: {action: a, category: each.value, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"category without column": "each: {columns: {a: b, c: }}\nconsent: {action: a, category: each.key, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"category without token":  "each: {split: a, all: {c: }}\nconsent: {action: a, category: each.key, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"category of no columns":  "each: {columns: {a: b, c: []}}\nconsent: {action: a, category: each.key, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"idle option":             "each: {array: a, by: \",\"}\nconsent: {action: a, category: each.id, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"two ways of a field":     "consent: {action: {from: a, const: accept}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"no way of a field":       "consent: {action: {trim: true}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"after of a start":        "consent: {action: a, timestamp: {after: 1d}, validUntil: unlimited, source: s, userId: u}",
		"format of an id":         "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: {from: u, format: rfc3339}}",
		"zone of a category":      "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u, category: {from: c, timezone: UTC}}",
		"zone in a case":          "consent: {action: {cases: [{from: a, timezone: UTC}]}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"no person":               "consent: {action: a, timestamp: t, validUntil: unlimited, source: s}",
		"a made-up time":          "consent: {action: a, timestamp: {from: t, default: 2024-01-01}, validUntil: unlimited, source: s, userId: u}",
		"default accept":          "consent: {action: {from: a, default: accept}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"from nothing":            "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: {from: []}}",
		"no case":                 "consent: {action: {cases: []}, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"lookup called row":       "lookup: {row: {file: f, key: k}}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"a test of nothing":       "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}\ntests: [{row: {a: b}}]",
		"a test of both":          "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}\ntests: [{row: {a: b}, consents: [{action: accept}], reason: x}]",
		"unknown format":          "input: {format: xml}\nconsent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}",
		"purposes in columns":     "each: {columns: {a: b, c: [d, e]}}\n" + whole,
		"purposes in all columns": "each: {columns: \"*\"}\n" + whole,
		"purposes in a text":      "each: {columns: \"a=b,c\"}\n" + whole,
		"purposes in pairs":       "each: {split: a, pair: \":\"}\n" + whole,
		"purposes of a list":      "each: {split: a, all: {b: c}}\n" + whole,
		"purposes of an object":   "each: {object: a}\n" + whole,
		"purposes of a cookie":    "each: [{tcf: a, consent: {action: each.value}}]\n" + whole,
		"purposes of a block":     "each: [{columns: {a: b}}, {object: c}, {object: d, consent: {category: each.key}}]\n" + whole,
	} {
		_, err := mapping.Parse("x.yaml", []byte(text), nil)
		assert.Error(t, err, name)
		assert.Error(t, s.Validate(asJSON(t, []byte(text))), name)
	}
}

// TestWhatIsEmptyDoesNotCountAsNotSet: whoever writes a key that sets something wants it
// set; both the schema and a run refuse it empty, and a run says where. A parameter may be
// left empty.
func TestWhatIsEmptyDoesNotCountAsNotSet(t *testing.T) {
	s := compiledSchema(t)
	const whole = "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}"
	n := 0
	for what, form := range map[string]string{
		"timezone": whole + "\ntimezone: ",
		"format delimiter encoding columns json rows": whole + "\ninput:\n  %s: ",
		"by pair match":   "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u, category: each.value}\neach:\n  split: a\n  %s: ",
		"reason":          whole + "\nskip:\n- when: a == b\n  reason: ",
		"format timezone": "consent:\n  {action: a, validUntil: unlimited, source: s, userId: u, timestamp: {from: t,\n  %s: VALUE}}",
		"template":        "consent:\n  {action: a, timestamp: t, validUntil: unlimited, userId: u, source: {\n  %s: VALUE}}",
	} {
		for key := range strings.FieldsSeq(what) {
			for _, value := range []string{"''", "[]", "null", "['']"} {
				text := strings.ReplaceAll(form, "%s", key)
				if !strings.Contains(text, "VALUE") {
					text += "VALUE"
				}
				text = strings.Replace(text, "VALUE", value, 1)
				if key == "columns" && value == "['']" {
					continue // a column without a name, which is not read
				}
				_, err := mapping.Parse("x.yaml", []byte(text), nil)
				fault := new(mapping.Error)
				if assert.ErrorAs(t, err, &fault, text) {
					assert.Contains(t, fault.Message, key, text)
					assert.NotZero(t, fault.Line, text)
					assert.NotZero(t, fault.Column, text)
				}
				assert.Error(t, s.Validate(asJSON(t, []byte(text))), text)
				n++
			}
		}
	}
	assert.Greater(t, n, 40)
	_, err := mapping.Parse("x.yaml", []byte("parameters: [{name: z, default: ''}]\ntimezone: ${z}\n"+whole), nil)
	require.NoError(t, err)
}

// TestTheSchemaTakesWhatParseTakes: an editor marks nothing as wrong that a run takes,
// whatever value stands under whatever key.
func TestTheSchemaTakesWhatParseTakes(t *testing.T) {
	t.Parallel()
	s := compiledSchema(t)
	fields := []string{"action: a", "timestamp: t", "validUntil: unlimited", "source: s", "userId: u", "category: each.key"}
	consent := func(field, value string) string {
		text := ""
		for _, f := range fields {
			if name, _, _ := strings.Cut(f, ":"); name != field {
				text += f + ", "
			}
		}
		return "consent: {" + text + field + ": " + value + "}\n"
	}
	const whole = "consent: {action: a, timestamp: t, validUntil: unlimited, source: s, userId: u}\n"
	taken, refused := 0, 0
	for _, each := range []string{ // one purpose, or one that is told
		"{columns: {a: b}}", "{columns: a}", "{columns: {a: b, c: '${z}'}}", "{columns: '${z}'}", "{columns: {a: b, c: ['${z}']}}", "{split: a}", "{split: a, pair: '${z}'}", "{array: a}",
		"{object: a, consent: {category: each.key}}", "[{tcf: a, consent: {category: each.key}}, {columns: {a: b}}]",
	} {
		text := "parameters: [{name: z, default: ''}]\neach: " + each + "\n" + whole
		if each == "{columns: '${z}'}" {
			text = strings.Replace(text, "default: ''", "default: 'a'", 1)
		}
		_, err := mapping.Parse("x.yaml", []byte(text), nil)
		require.NoError(t, err, each)
		require.NoError(t, s.Validate(asJSON(t, []byte(text))), each)
	}
	for _, value := range []string{"", "1", "true", `""`, `"x"`, "[]", "[null]", "[x]", "{}", "{a: b}", "reject", "1d", "UTC", "rfc3339", "html", "[{from: a}]", `"true"`, "'false'", `"2"`, "csv", "~", "[a, ~]"} {
		var texts []string
		at := func(keys, before, after string) {
			for key := range strings.FieldsSeq(keys) {
				texts = append(texts, before+key+": "+value+after)
			}
		}
		at("name description kind state confirmed parameters detect input empty timezone lookup skip refuse each record tests set", "", "\n"+whole)
		at("format delimiter encoding escape skipLines columns json rows", "input: {", "}\n"+whole)
		at("when", "skip: [{", "}]\n"+whole)
		at("reason", `skip: [{when: 'a == "x"', `, "}]\n"+whole)
		for _, form := range []string{"split: a, ", `columns: "*", `, "array: a, "} {
			at("by pair skip except optional all ignore match otherwise consent", "each: {"+form, "}\n"+consent("category", "each.key"))
		}
		at("columns split array object tcf", "each: {", "}\n"+consent("category", "each.key"))
		at("file", "lookup: {p: {key: k, ", "}}\n"+whole)
		at("key on required input", "lookup: {p: {file: f, ", "}}\n"+whole)
		at("consents reason", "tests: [{row: {a: b}, ", "}]\n"+whole)
		at("name file key", "tests: [{row: {a: b}, reason: x, ", "}]\n"+whole)
		for _, field := range []string{"action", "timestamp", "validUntil", "source", "userId", "message"} {
			texts = append(texts, consent(field, value))
			for key := range strings.FieldsSeq("from const template after cases") {
				texts = append(texts, consent(field, "{"+key+": "+value+"}"))
			}
			for key := range strings.FieldsSeq("when trim lower unescape match values default format timezone required optional") {
				texts = append(texts, consent(field, "{from: a, "+key+": "+value+"}"))
			}
		}
		for _, text := range texts {
			if _, err := mapping.Parse("x.yaml", []byte(text), nil); err != nil {
				refused++
				continue
			}
			taken++
			require.NoError(t, s.Validate(asJSON(t, []byte(text))), text)
		}
	}
	require.Greater(t, taken, 200)
	require.Greater(t, refused, 500)
}

// FuzzParse: whatever the text of a mapping, it is taken or refused with an
// *Error; what is taken stays the same when it was stored.
func FuzzParse(f *testing.F) {
	for _, p := range mapping.Presets() {
		f.Add(p.Source)
	}
	f.Add([]byte("consent: {action: {from: a, values: {\"yes\": accept}}, timestamp: t, validUntil: {after: 395d}, source: {const: web}, userId: u}"))
	f.Add([]byte("each: {split: c, by: \",\", pair: \":\"}\nconsent: {action: each.value, timestamp: t, validUntil: unlimited, source: s, email: e}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := mapping.Parse("x.yaml", text, nil)
		if err != nil {
			assert.IsType(t, &mapping.Error{}, err)
			return
		}
		again, err := mapping.Parse("x.yaml", spec.Source(), nil)
		require.NoError(t, err)
		assert.Equal(t, spec.SHA256(), again.SHA256())
	})
}

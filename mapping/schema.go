package mapping

import (
	"encoding/json"

	"github.com/consentimport/consentimport/mapping/decode"
)

// Schema is a JSON Schema (draft 2020-12) of mapping files, for editors. It is
// put together from the same lists of keys that Parse goes by.
func Schema() []byte {
	text := schemaOf{"type": []string{"string", "number", "boolean"}}
	texts := schemaOf{"anyOf": []any{text, schemaOf{"type": "array", "items": text}}}
	said := schemaOf{"type": []string{"string", "number", "boolean"}, "minLength": 1} // what counts as not set where it is empty
	allSaid := schemaOf{"anyOf": []any{said, schemaOf{"type": "array", "items": said, "minItems": 1}}}
	// A text as well, for a parameter may say it.
	yesNo := schemaOf{"anyOf": []any{schemaOf{"type": "boolean"}, schemaOf{"type": "string", "pattern": `^(true|false)$|\$\{`}}}
	textMap := schemaOf{"anyOf": []any{text, schemaOf{"type": "object", "additionalProperties": schemaOf{"anyOf": []any{texts, schemaOf{"type": "null"}}}}}}
	textOrNone := schemaOf{"type": []string{"string", "number", "boolean", "null"}}
	columnsOf := schemaOf{"anyOf": []any{text, schemaOf{"type": "array", "items": text, "minItems": 1}}}
	columns := schemaOf{"anyOf": []any{text, schemaOf{"type": "object", "additionalProperties": columnsOf}}}
	tokens := schemaOf{"anyOf": []any{text, schemaOf{"type": "object", "additionalProperties": text}}}
	rule := schemaOf{"anyOf": []any{text, closed(schemaOf{"when": text, "reason": said}, "when")}}
	rules := schemaOf{"anyOf": []any{rule, schemaOf{"type": "array", "items": rule}}}

	fields, wanted, defs := schemaOf{}, schemaOf{}, schemaOf{}
	for _, name := range fieldNames {
		kind := "field"
		field := schemaOf{
			"from": columnsOf, "const": textOrNone, "template": said, "when": text,
			"trim": yesNo, "lower": yesNo, "required": yesNo, "optional": yesNo, "unescape": schemaOf{"enum": []string{"html"}}, "match": said,
			"values": textMap, "default": textOrNone,
		}
		ways := []string{"from", "const", "template", "cases"}
		switch name {
		case "timestamp", "validUntil":
			kind = name
			field["format"], field["timezone"] = allSaid, schemaOf{"type": "string", "minLength": 1}
		case "action":
			kind = name
			field["default"] = schemaOf{"type": []string{"string", "null"}, "pattern": `^\s*(reject)?\s*$`}
		}
		if name == "timestamp" {
			field["default"] = schemaOf{"type": []string{"string", "null"}, "pattern": `^\s*$`}
		}
		if name == "validUntil" {
			field["after"] = schemaOf{"anyOf": []any{schemaOf{"type": "string"}, closed(schemaOf{"from": texts, "unit": schemaOf{"enum": []string{"d", "w", "mo", "y"}}}, "from", "unit")}}
			ways = append(ways, "after")
		}
		self := schemaOf{"$ref": "#/$defs/" + kind}
		field["cases"] = schemaOf{"anyOf": []any{self, schemaOf{"type": "array", "items": self, "minItems": 1}}}
		one := closed(field)
		one["oneOf"] = oneOf(ways...)
		if name == "validUntil" { // an end may be nothing but a default
			one["anyOf"] = []any{schemaOf{"oneOf": one["oneOf"]}, schemaOf{"required": []string{"default"}}}
			delete(one, "oneOf")
		}
		wanted[name], defs[kind] = text, one
		fields[name] = schemaOf{"anyOf": []any{text, self}}
	}
	each := schemaOf{
		"columns": columns, "split": text, "array": text, "object": text, "by": said, "pair": said, "skip": orNone(rules), "except": orNone(texts), "optional": yesNo,
		"all": tokens, "ignore": texts, "match": said, "otherwise": schemaOf{"enum": []string{"row"}},
	}
	for _, name := range decode.Names() {
		each[name] = text
	}
	each["consent"] = closed(fields)
	block := closed(each)
	block["oneOf"] = oneOf(append([]string{"columns", "split", "array", "object"}, decode.Names()...)...)
	// The options that only one form has; what else does nothing is left to mapping check.
	block["dependentRequired"] = schemaOf{"by": []string{"split"}, "pair": []string{"split"}, "match": []string{"split"}, "except": []string{"columns"}, "ignore": []string{"all"}}
	input := closed(schemaOf{
		"format": schemaOf{"enum": InputFormats()}, "delimiter": said, "encoding": said, "escape": schemaOf{"type": "string", "minLength": 1, "maxLength": 1},
		"skipLines": schemaOf{"anyOf": []any{schemaOf{"type": "integer", "minimum": 0}, schemaOf{"type": "string", "pattern": `^[0-9]+$|\$\{`}}}, "columns": schemaOf{"anyOf": []any{said, schemaOf{"type": "array", "items": text, "minItems": 1}}}, "json": allSaid, "rows": said,
	})
	test := closed(schemaOf{
		"name": text, "row": schemaOf{"type": []string{"object", "array", "string"}}, "file": text, "key": text, "reason": said,
		"consents": schemaOf{"type": "array", "minItems": 1, "items": closed(wanted)},
	}, "row")
	test["oneOf"] = oneOf("consents", "reason")
	root := closed(schemaOf{
		"name": textOrNone, "description": text, "confirmed": textOrNone,
		"kind": schemaOf{"enum": kindNames()}, "state": schemaOf{"enum": []string{"confirmed", "second-hand", "inferred"}},
		"parameters": schemaOf{"type": "array", "items": closed(schemaOf{"name": text, "description": schemaOf{"type": "string"}, "example": text, "default": textOrNone, "required": yesNo}, "name")},
		"detect":     closed(schemaOf{"columns": texts, "any": texts, "json": texts}),
		"input":      input,
		"lookup": schemaOf{"type": "object", "maxProperties": MaxLookups, "propertyNames": schemaOf{"pattern": lookupName.String(), "not": schemaOf{"enum": []string{"each", "row"}}}, "additionalProperties": closed(schemaOf{
			"file": text, "key": text, "on": text, "required": yesNo, "input": orNone(input),
		}, "file", "key")},
		"empty": schemaOf{"anyOf": []any{textOrNone, schemaOf{"type": "array", "items": textOrNone}}}, "timezone": schemaOf{"type": "string", "minLength": 1}, "skip": rules, "refuse": rules,
		"each":    schemaOf{"anyOf": []any{block, schemaOf{"type": "array", "items": block, "minItems": 1}}},
		"consent": closed(fields),
		"record":  schemaOf{"enum": []string{"canonical", ""}}, "set": textMap,
		"tests": schemaOf{"type": "array", "items": test},
	}, "consent")
	var person []any
	for _, name := range []string{"userId", "profileId", "email"} {
		person = append(person, schemaOf{"required": []string{name}})
	}
	// What every consent needs stands in the common section, unless blocks of each have
	// sections of their own.
	root["anyOf"] = []any{
		schemaOf{"properties": schemaOf{"consent": schemaOf{"required": []string{"action", "timestamp", "validUntil", "source"}, "anyOf": person}}},
		schemaOf{"properties": schemaOf{"each": schemaOf{"type": "array"}}, "required": []string{"each"}},
		schemaOf{"properties": schemaOf{"each": schemaOf{"required": []string{"consent"}}}, "required": []string{"each"}},
	}
	// Consents about several purposes say about which: in the common section, or in that of
	// the block.
	category := schemaOf{"required": []string{"category"}}
	told := schemaOf{"anyOf": []any{
		schemaOf{"not": severalPurposes()},
		schemaOf{"required": []string{"consent"}, "properties": schemaOf{"consent": category}},
	}}
	root["allOf"] = []any{schemaOf{"anyOf": []any{
		schemaOf{"properties": schemaOf{"consent": category}},
		schemaOf{"properties": schemaOf{"each": schemaOf{"anyOf": []any{
			schemaOf{"type": "array", "items": told},
			schemaOf{"not": schemaOf{"type": "array"}, "anyOf": []any{told}},
		}}}},
	}}}
	for _, key := range []string{"description", "parameters", "detect", "input", "lookup", "skip", "refuse", "record", "set", "tests"} { // one that was left empty
		root["properties"].(schemaOf)[key] = orNone(root["properties"].(schemaOf)[key])
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "consentimport mapping"
	root["$defs"] = defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // cannot be: maps of texts
	}
	return append(out, '\n')
}

// severalPurposes matches a block of each whose elements are about different things, as
// eachSpec.severalPurposes does. What a parameter says is not known here.
func severalPurposes() schemaOf {
	parameter := schemaOf{"type": "string", "pattern": `\$\{`}
	column := schemaOf{"anyOf": []any{
		schemaOf{"type": "string", "not": parameter},
		schemaOf{"type": "array", "contains": schemaOf{"not": parameter}},
	}}
	columns := schemaOf{"anyOf": []any{
		schemaOf{"type": "object", "minProperties": 2, "additionalProperties": column},
		schemaOf{"type": "string", "not": parameter, "pattern": `^\s*\*\s*$|[^\s,][^,]*,.*[^\s,]`},
	}}
	with := func(form string, value any) schemaOf {
		return schemaOf{"required": []string{form}, "properties": schemaOf{form: value}}
	}
	forms := []any{
		with("columns", columns), with("all", true), with("object", true),
		schemaOf{"required": []string{"split"}, "allOf": []any{with("pair", schemaOf{"not": parameter})}},
	}
	for _, name := range decode.Names() {
		forms = append(forms, with(name, true))
	}
	return schemaOf{"type": "object", "anyOf": forms}
}

type schemaOf map[string]any

// oneOf says that exactly one of the keys has to be there.
func oneOf(keys ...string) []any {
	var out []any
	for _, k := range keys {
		out = append(out, schemaOf{"required": []string{k}})
	}
	return out
}

// orNone lets a key have no value.
func orNone(value any) schemaOf { return schemaOf{"anyOf": []any{value, schemaOf{"type": "null"}}} }

// closed is an object schema without other keys.
func closed(properties schemaOf, required ...string) schemaOf {
	o := schemaOf{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

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
	yesNo := schemaOf{"type": "boolean"}
	textMap := schemaOf{"anyOf": []any{schemaOf{"type": "string"}, schemaOf{"type": "object", "additionalProperties": schemaOf{"anyOf": []any{texts, schemaOf{"type": "null"}}}}}}
	columns := schemaOf{"anyOf": []any{schemaOf{"type": "string"}, schemaOf{"type": "object", "additionalProperties": schemaOf{"anyOf": []any{text, schemaOf{"type": "array", "items": text, "minItems": 1}}}}}}
	tokens := schemaOf{"anyOf": []any{schemaOf{"type": "string"}, schemaOf{"type": "object", "additionalProperties": text}}}
	rule := schemaOf{"anyOf": []any{schemaOf{"type": "string"}, closed(schemaOf{"when": schemaOf{"type": "string"}, "reason": schemaOf{"type": "string"}}, "when")}}
	rules := schemaOf{"anyOf": []any{rule, schemaOf{"type": "array", "items": rule}}}

	field := schemaOf{
		"from": texts, "const": schemaOf{"type": []string{"string", "number", "boolean", "null"}}, "template": text, "when": schemaOf{"type": "string"},
		"after": schemaOf{"anyOf": []any{schemaOf{"type": "string"}, closed(schemaOf{"from": texts, "unit": schemaOf{"enum": []string{"d", "w", "mo", "y"}}}, "from", "unit")}},
		"cases": schemaOf{"type": "array", "items": schemaOf{"$ref": "#/$defs/field"}},
		"trim":  yesNo, "lower": yesNo, "required": yesNo, "optional": yesNo, "unescape": schemaOf{"enum": []string{"html"}}, "match": schemaOf{"type": "string"},
		"values": textMap, "default": schemaOf{"type": []string{"string", "number", "boolean", "null"}}, "format": texts, "timezone": schemaOf{"type": "string"},
	}
	fields, wanted := schemaOf{}, schemaOf{}
	for _, name := range fieldNames {
		wanted[name] = text
		fields[name] = schemaOf{"anyOf": []any{text, schemaOf{"$ref": "#/$defs/field"}}}
	}
	each := schemaOf{
		"columns": columns, "split": text, "array": text, "object": text, "by": text, "pair": text, "skip": rules, "except": texts, "optional": yesNo,
		"all": tokens, "ignore": texts, "match": schemaOf{"type": "string"}, "otherwise": schemaOf{"enum": []string{"row"}},
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
		"format": schemaOf{"enum": InputFormats()}, "delimiter": schemaOf{"type": "string"}, "encoding": schemaOf{"type": "string"}, "escape": schemaOf{"type": "string", "minLength": 1, "maxLength": 1},
		"skipLines": schemaOf{"type": "integer", "minimum": 0}, "columns": texts, "json": texts, "rows": schemaOf{"type": "string"},
	})
	root := closed(schemaOf{
		"name": text, "description": schemaOf{"type": "string"}, "confirmed": schemaOf{"type": "string"},
		"kind": schemaOf{"enum": kindNames()}, "state": schemaOf{"enum": []string{"confirmed", "second-hand", "inferred"}},
		"parameters": schemaOf{"type": "array", "items": closed(schemaOf{"name": text, "description": schemaOf{"type": "string"}, "example": text, "default": schemaOf{"type": []string{"string", "number", "boolean", "null"}}, "required": yesNo}, "name")},
		"detect":     closed(schemaOf{"columns": texts, "any": texts, "json": texts}),
		"input":      input,
		"lookup": schemaOf{"type": "object", "minProperties": 1, "maxProperties": MaxLookups, "propertyNames": schemaOf{"pattern": lookupName.String()}, "additionalProperties": closed(schemaOf{
			"file": schemaOf{"type": "string"}, "key": text, "on": text, "required": yesNo, "input": input,
		}, "file", "key")},
		"empty": texts, "timezone": schemaOf{"type": "string"}, "skip": rules, "refuse": rules,
		"each":    schemaOf{"anyOf": []any{block, schemaOf{"type": "array", "items": block, "minItems": 1}}},
		"consent": closed(fields),
		"record":  schemaOf{"enum": []string{"canonical"}}, "set": textMap,
		"tests": schemaOf{"type": "array", "items": closed(schemaOf{
			"name": text, "row": schemaOf{"type": []string{"object", "array", "string"}}, "file": text, "key": text, "reason": text,
			"consents": schemaOf{"type": "array", "minItems": 1, "items": closed(wanted)},
		}, "row")},
	}, "consent")
	// What every consent needs stands in the common section, unless blocks of each have
	// sections of their own.
	root["anyOf"] = []any{
		schemaOf{"properties": schemaOf{"consent": schemaOf{"required": []string{"action", "timestamp", "validUntil", "source"}}}},
		schemaOf{"properties": schemaOf{"each": schemaOf{"type": "array"}}, "required": []string{"each"}},
		schemaOf{"properties": schemaOf{"each": schemaOf{"required": []string{"consent"}}}, "required": []string{"each"}},
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "consentimport mapping"
	one := closed(field)
	// An end may be nothing but a default.
	one["anyOf"] = []any{schemaOf{"oneOf": oneOf("from", "const", "template", "after", "cases")}, schemaOf{"required": []string{"default"}}}
	root["$defs"] = schemaOf{"field": one}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // cannot be: maps of texts
	}
	return append(out, '\n')
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

// closed is an object schema without other keys.
func closed(properties schemaOf, required ...string) schemaOf {
	o := schemaOf{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

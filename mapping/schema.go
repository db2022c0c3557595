package mapping

import (
	"encoding/json"

	"github.com/consentimport/consentimport/mapping/decode"
)

// Schema is a JSON Schema (draft 2020-12) of mapping files, for editors. It is
// put together from the same lists of keys that Parse goes by.
func Schema() []byte {
	text := object{"type": []string{"string", "number", "boolean"}}
	texts := object{"anyOf": []any{text, object{"type": "array", "items": text}}}
	yesNo := object{"type": "boolean"}
	textMap := object{"anyOf": []any{object{"type": "string"}, object{"type": "object", "additionalProperties": object{"anyOf": []any{texts, object{"type": "null"}}}}}}
	rule := object{"anyOf": []any{object{"type": "string"}, closed(object{"when": object{"type": "string"}, "reason": object{"type": "string"}}, "when")}}
	rules := object{"anyOf": []any{rule, object{"type": "array", "items": rule}}}

	field := object{
		"from": texts, "const": object{"type": []string{"string", "number", "boolean", "null"}}, "template": text, "when": object{"type": "string"},
		"after": object{"anyOf": []any{object{"type": "string"}, closed(object{"from": texts, "unit": object{"enum": []string{"d", "w", "mo", "y"}}}, "from", "unit")}},
		"cases": object{"type": "array", "items": object{"$ref": "#/$defs/field"}},
		"trim":  yesNo, "lower": yesNo, "required": yesNo, "optional": yesNo, "unescape": object{"enum": []string{"html"}}, "match": object{"type": "string"},
		"values": textMap, "default": object{"type": []string{"string", "number", "boolean", "null"}}, "format": texts, "timezone": object{"type": "string"},
	}
	fields := object{}
	for _, name := range fieldNames {
		fields[name] = object{"anyOf": []any{text, object{"$ref": "#/$defs/field"}}}
	}
	each := object{
		"columns": textMap, "split": text, "array": text, "object": text, "by": text, "pair": text, "skip": rules, "except": texts, "optional": yesNo,
		"all": textMap, "ignore": texts, "match": object{"type": "string"}, "otherwise": object{"enum": []string{"row"}},
	}
	for _, name := range decode.Names() {
		each[name] = text
	}
	root := closed(object{
		"name": text, "description": object{"type": "string"}, "confirmed": object{"type": "string"},
		"parameters": object{"type": "array", "items": closed(object{"name": text, "description": object{"type": "string"}, "example": text, "default": object{"type": []string{"string", "number", "boolean", "null"}}, "required": yesNo}, "name")},
		"detect":     closed(object{"columns": texts, "any": texts, "json": texts}),
		"input": closed(object{
			"format": object{"enum": []string{"csv", "jsonl"}}, "delimiter": object{"type": "string"}, "encoding": object{"type": "string"},
			"skipLines": object{"type": "integer", "minimum": 0}, "columns": texts, "json": texts, "rows": object{"type": "string"},
		}),
		"empty": texts, "timezone": object{"type": "string"}, "skip": rules, "refuse": rules, "each": closed(each),
		"consent": closed(fields, "action", "timestamp", "validUntil", "source"),
		"record":  object{"enum": []string{"canonical"}}, "set": textMap,
	}, "consent")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "consentimport mapping"
	root["$defs"] = object{"field": closed(field)}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // cannot be: maps of texts
	}
	return append(out, '\n')
}

type object map[string]any

// closed is an object schema without other keys.
func closed(properties object, required ...string) object {
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

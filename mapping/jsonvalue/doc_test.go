package jsonvalue

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzJSONDoc holds the reader of JSON rows against encoding/json: it takes the
// same texts for valid, but for those nested too deep, and finds the same values.
// It reads each text twice, the second time by the shape of the first.
func FuzzJSONDoc(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, ` {"a" : [1, 2.50, -0, 1e9, "x"] , "b":{"a":null}} `, `{"a":1,"a":2}`, `{"":0,"":1}`, `{"a":{"a":{"b":true}},"":false}`,
		`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d\u0041"`, `{"\u0061":1,"a":2}`, `"twelve bytes" `, `"a tab	inside"`, "\"a byte \x01 inside\"",
		`01`, `1.`, `.5`, `+1`, `1e`, `--1`, `tru`, `nul`, `"`, `"\x"`, `"\u12g4"`, `{"a"}`, `{"a":}`, `{,}`, `[1,]`, `{"a":1,}`, `{}{}`, "\ufeff{}", "1\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d Doc
		for range 2 {
			reason := d.Parse(text)
			if tooDeep(text) {
				return
			}
			require.Equal(t, json.Valid(text), reason == "", "%q: %s", text, reason)
			if reason != "" || !utf8.Valid(text) { // which no row is
				continue
			}
			require.EqualValues(t, len(d.nodes), d.nodes[0].skip)
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.UseNumber()
			var want any
			require.NoError(t, decoder.Decode(&want))
			sameJSON(t, &d, 0, want)
		}
	})
}

func tooDeep(text []byte) bool {
	return bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth
}

// sameJSON compares a node with what encoding/json made of the same text.
func sameJSON(t *testing.T, d *Doc, n int, want any) {
	var arena []byte
	got := d.Text(n, &arena)
	switch want := want.(type) {
	case nil:
		require.Equal(t, Null, d.nodes[n].kind)
	case bool:
		require.Equal(t, Bool, d.nodes[n].kind)
		require.Equal(t, want, string(got) == "true")
	case json.Number:
		require.Equal(t, Number, d.nodes[n].kind)
		require.Equal(t, want.String(), string(got))
	case string:
		require.Equal(t, String, d.nodes[n].kind)
		require.Equal(t, want, string(got))
	case []any:
		require.Equal(t, Array, d.nodes[n].kind)
		for i := range want {
			sameJSON(t, d, d.Element(n, i), want[i])
		}
		require.Equal(t, None, d.Element(n, len(want)))
	case map[string]any:
		require.Equal(t, Object, d.nodes[n].kind)
		for name, value := range want {
			sameJSON(t, d, d.Member(n, name), value)
		}
	}
}

package jsonvalue

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestShapesFindWhatPathsFind proves the short way against the long one: in any
// sequence of documents, alike or not, a path leads to the node that it leads to
// in a document read by itself.
func TestShapesFindWhatPathsFind(t *testing.T) {
	paths := []string{"a", "b", "a.b", "b.a", "a[0]", "a[-1]", "b[1].a", `["a.b"]`, "a.b.a", `[""]`, "b[a=1].b", "c"}
	places := make([]Place, len(paths))
	for i, path := range paths {
		p, err := ParsePath(path)
		require.NoError(t, err)
		places[i] = Place{Path: p, Exact: path}
	}
	hits := 0
	read := func(t require.TestingT, texts []string) {
		var doc Doc
		for i, text := range texts {
			text := []byte(text)
			var fresh Doc
			require.Equal(t, fresh.Parse(text), doc.Parse(text))
			if !json.Valid(text) {
				continue
			}
			require.Equal(t, fresh.nodes, doc.nodes, "row %d", i)
			for k := range places {
				if doc.shape.known && places[k].found.shape == doc.shape.id {
					hits++
				}
				apart := places[k]
				apart.found = whereabouts{}
				require.Equal(t, fresh.At(&apart), doc.At(&places[k]), "%s in row %d of %q", paths[k], i+1, texts)
			}
		}
		for k := range places {
			places[k].found = whereabouts{} // they are those of one document
		}
	}
	// Documents that differ in one respect from the one before.
	for _, texts := range [][]string{
		{`{"a":{},"b":1}`, `{"a":{"b":1}}`, `{"a":{},"b":1}`},    // where the first member ends
		{`{"a":{},"b":[1]}`, `{"a":[],"b":[1]}`, `{"a":1}`},      // what kind of value it is
		{`{"a":{"":1}}`, `{"a":[1]}`, `{"a":{"":1}}`},            // no name, and an empty one
		{`{"a":1,"b":2}`, `{"a":1}`, `{"a":1,"b":2}`},            // how many there are
		{`{"a":1,"b":2}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`},      // how they are named
		{`{"a":1,"b":2}`, `{"\u0061":1,"b":2}`, `{"a":1,"b":2}`}, // and spelt
		{`{"\u0061":1,"b":2}`, `{"\u0061":1,"b":2}`, `{"\\u0061":1,"b":2}`},
		{`{"b":[{"a":1,"b":2},{"a":2,"b":3}]}`, `{"b":[{"a":2,"b":2},{"a":1,"b":3}]}`}, // what they hold
		{`{"a":1,"b":2}`, `{"a":1`, `{"a":1,"b":2`, `{"a":1}`},                         // whether they are whole
		{nested(`{"b":{},"a":"x"}`), nested(`{"b":{"a":"x"}}`)},                        // and not too deep
		{`{"a":{"b":"x"},"c":"y"}`, `{"a":{},"b":"x","c":"y"}`, `{"a":{"b":"x","c":"y"}}`, `[{"a":{"b":"x"},"c":"y"}]`, `{"a":"x","b":"x","c":"y"}`},
		{`["a","b"]`, `{"a","b"}`},
	} {
		read(t, texts)
		slices.Reverse(texts)
		read(t, texts)
	}
	require.Positive(t, hits, "no document was like another")
	// Documents of texts, whose members are read in one go: each changed at every byte.
	const alike = `{"a":"x","b":"a text longer than a word","c": "y", "a.b":"","":{"a":"z","b":"x"},"e":"1"}`
	for i := range alike {
		for _, other := range []string{"", `"`, `\`, ",", "}", " ", "\x1f", "é", "1", `\n`, `","`, `":"`} {
			read(t, []string{alike, alike[:i] + other + alike[i+1:], alike[:i] + other + alike[i:], alike[:i], alike})
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		// A few documents, again and again, so that shapes are met and left.
		some := rapid.SliceOfN(anyJSON(3), 1, 4).Draw(t, "some")
		read(t, rapid.SliceOfN(rapid.SampledFrom(some), 1, 12).Draw(t, "texts"))
	})
}

// nested gives an object inside of others, as deep as one may be that holds something.
func nested(object string) string {
	return strings.Repeat(`{"a":`, maxDepth-1) + object + strings.Repeat("}", maxDepth-1)
}

// TestAShapeOutlastsDocumentsOfAnotherOne: kinds of documents by turns do not drive each
// other's shape out, and one that has gone does not stay.
func TestAShapeOutlastsDocumentsOfAnotherOne(t *testing.T) {
	var d Doc
	id := func(text string) uint64 {
		require.Empty(t, d.Parse([]byte(text)))
		id, known := d.Shape()
		if !known {
			return 0
		}
		return id
	}
	usual := id(`{"a":1}`)
	require.NotZero(t, usual)
	for range 3 * otherShapes {
		require.Zero(t, id(`{"b":1}`))
		require.Zero(t, id(`{"c":1}`))
		require.Equal(t, usual, id(`{"a":2}`))
	}
	for range otherShapes - 1 {
		require.Zero(t, id(`{"b":1}`))
	}
	next := id(`{"b":1}`)
	require.NotContains(t, []uint64{0, usual}, next)
	require.Equal(t, next, id(`{"b":2}`))
	require.Zero(t, id(`{"a":1}`))
}

// anyJSON draws JSON objects with few names, so that shapes are alike; blanks,
// names with escapes and names that stand twice among them. Some are broken.
func anyJSON(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", "", " "}).Draw(t, "space")
		names := []string{"a", "b", "a.b", "", `\u0061`, "c"}
		out := "{"
		for i := range rapid.IntRange(0, 3).Draw(t, "members") {
			if i > 0 {
				out += "," + space
			}
			out += `"` + rapid.SampledFrom(names).Draw(t, "name") + `"` + space + ":" + space + anyValue(t, depth-1)
		}
		if rapid.IntRange(0, 19).Draw(t, "broken") == 0 {
			return out
		}
		return out + "}"
	})
}

func anyValue(t *rapid.T, depth int) string {
	kinds := []string{`1`, `"1"`, `"x\"y\\é\u00e9 a text longer than a word"`, `null`, `true`, `[]`, `{}`}
	if depth > 0 {
		kinds = append(kinds, "array", "object")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "value"); kind {
	case "array":
		out := "["
		for i := range rapid.IntRange(1, 3).Draw(t, "elements") {
			if i > 0 {
				out += ","
			}
			out += anyValue(t, depth-1)
		}
		return out + "]"
	case "object":
		return anyJSON(depth).Draw(t, "object")
	default:
		return kind
	}
}

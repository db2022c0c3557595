package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// names are those of the export by which the place is found.
func (d *decisionPlace) names() []string {
	switch {
	case len(d.Names) > 0:
		return d.Names
	case d.Key != "":
		return []string{d.Key}
	case len(d.Columns) > 0:
		return d.Columns
	}
	var out []string
	for _, m := range regexp.MustCompile(`"([A-Za-z_]+)"`).FindAllStringSubmatch(d.Inside, -1) {
		out = append(out, m[1])
	}
	return out
}

// misspelt writes a name as somebody else would: in other case, with a letter too
// few or too many, in the words of another version.
func misspelt(r *rand.Rand, name string) string {
	letters := []rune(name)
	at := r.IntN(len(letters))
	switch r.IntN(8) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToLower(name)
	case 2:
		for i, c := range letters {
			if unicode.IsUpper(c) {
				letters[i] = unicode.ToLower(c)
			} else {
				letters[i] = unicode.ToUpper(c)
			}
		}
	case 3:
		letters = slices.Delete(letters, at, at+1)
	case 4:
		letters = slices.Insert(letters, at, letters[at])
	case 5:
		if at > 0 {
			letters[at-1], letters[at] = letters[at], letters[at-1]
		}
	case 6:
		return name + "s"
	default:
		return strings.NewReplacer("_", "", " ", "_").Replace(name) + "_v2"
	}
	return string(letters)
}

// rename gives the row with other names, and the mapper for it; nil where the
// mapping refuses the names.
func (row *decidedRow) rename(rec mapping.Record, spec *mapping.Spec, from []string, to map[string]string) (*decidedRow, mapping.Record) {
	if rec.JSON != nil {
		for _, name := range from {
			key := regexp.MustCompile(`"` + regexp.QuoteMeta(name) + `"(\s*:)`)
			rec.JSON = key.ReplaceAll(rec.JSON, []byte(`"`+strings.ReplaceAll(to[name], "$", "$$")+`"$1`))
		}
		return row, rec
	}
	columns := slices.Clone(row.columns)
	for i, c := range columns {
		if name, ok := to[strings.TrimSpace(c)]; ok {
			columns[i] = name
		}
	}
	m, err := spec.Bind(mapping.Layout{Columns: columns})
	if err != nil {
		return nil, rec
	}
	return &decidedRow{mapper: m, columns: columns}, rec
}

// TestNoAcceptOfMisspeltNames: where the names by which decisions are found are
// written otherwise, what stands under them becomes no accept: neither the
// word that was there, nor one that says that nobody decided.
func TestNoAcceptOfMisspeltNames(t *testing.T) {
	words := foreign(t)
	for _, e := range examples(t, "exports") {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			spec, _ := e.preset(t)
			places := decisions(t, e)
			rows := decidedRows(t, e)
			for i := range places {
				d := &places[i]
				if d.File || d.Lack != "" {
					continue
				}
				names := d.names()
				require.NotEmpty(t, names, "place %d of %s has no name to misspell", i, e.name)
				r := rand.New(rand.NewPCG(uint64(i), 7))
				bound := map[string]*decidedRow{} // mappers by the names that they are bound to
				for n, tried := 0, 0; tried < forgeries; n++ {
					require.Less(t, n, 100*forgeries, "place %d of %s: nothing to try", i, e.name)
					row := &rows[r.IntN(len(rows))]
					spots := row.find(d)
					if len(spots) == 0 {
						continue
					}
					to, sameButCase := map[string]string{}, false
					for _, name := range names {
						for to[name] = name; to[name] == name; {
							to[name] = misspelt(r, name)
						}
						sameButCase = sameButCase || strings.EqualFold(name, to[name])
					}
					rec, word := row.rec, "(as it was)"
					// A name in other case may be the same name: then only a word that
					// decides nothing must not be taken. So it is where a place may be
					// empty beside an accept.
					if sameButCase || d.allows("") || d.allows("null") || n%2 == 0 {
						if rec, word = row.forge(r, d, spots, forged(r, d, words)); d.allows(word) {
							continue
						}
					}
					tried++
					id := fmt.Sprint(to, row.columns)
					if row.rec.JSON != nil {
						id = ""
					}
					renamed, ok := bound[id]
					if !ok || row.rec.JSON != nil {
						renamed, rec = row.rename(rec, spec, names, to)
						bound[id] = renamed
					}
					if renamed == nil {
						continue // refused before anything is read
					}
					if c := renamed.accept(&rec, d.ended(word)); c != nil {
						assert.Fail(t, "an accept was forged", "%q under %v became an accept of %q (raw %q): place %d", word, to, c.Category, c.Raw, i)
						return
					}
				}
			}
		})
	}
}

// TestNoAcceptOfAnotherPlatform: the rows of one platform make no accept under the
// preset of another, whether its names are refused or nothing is found in them.
func TestNoAcceptOfAnotherPlatform(t *testing.T) {
	all := examples(t, "exports")
	rows := map[string][]decidedRow{}
	for _, e := range all {
		rows[e.name] = decidedRows(t, e)
	}
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			spec, _ := e.preset(t)
			tried := 0
			for _, other := range all {
				if other.name == e.name {
					continue
				}
				var mapper *mapping.Mapper
				columns := []string{"nothing yet"}
				for k := range rows[other.name] {
					row := rows[other.name][k]
					if in := (source.Config{Format: spec.Input().Format}); in.Format != "" && in.Nested() != (row.rec.JSON != nil) {
						continue // refused as another kind of file
					}
					if !slices.Equal(columns, row.columns) || mapper == nil {
						columns = row.columns
						m, err := spec.Bind(mapping.Layout{Columns: columns, JSON: row.rec.JSON != nil})
						if mapper = m; err != nil {
							tried++
							break // refused by its columns
						}
					}
					tried++
					rec := row.rec
					rec.JSON = bytes.Clone(rec.JSON)
					if c := (&decidedRow{mapper: mapper}).accept(&rec, false); c != nil {
						assert.Fail(t, "an accept was forged", "a row of %s became an accept of %q (raw %q)", other.name, c.Category, c.Raw)
						return
					}
				}
			}
			assert.NotZero(t, tried)
		})
	}
}

// TestNoAcceptWithoutItsNames: where single rows may lack a name on which a decision
// depends, an export in which none has it is refused.
func TestNoAcceptWithoutItsNames(t *testing.T) {
	tried := 0
	for _, e := range examples(t, "exports") {
		spec, _ := e.preset(t)
		rows := decidedRows(t, e)
		for i, d := range decisions(t, e) {
			if d.Lack == "" || rows[0].rec.JSON == nil {
				continue
			}
			m, err := spec.Bind(mapping.Layout{JSON: true})
			require.NoError(t, err)
			to := map[string]string{}
			for _, name := range d.names() {
				to[name] = strings.ToUpper(name)
			}
			for k := range rows {
				_, rec := rows[k].rename(rows[k].rec, spec, d.names(), to)
				var res mapping.Result
				m.Map(&rec, &res)
			}
			tried++
			assert.Error(t, m.Unread(), "%s: nobody would notice that place %d (%v) is missing", e.name, i, d.names())
		}
	}
	require.NotZero(t, tried)
}

package importer

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// decisionPlace is a place in a platform's export on which it depends whether a row
// says yes, as decided.yaml of an example has it: one of the fields finds it,
// accept lists the only words that may stand there beside an accept.
type decisionPlace struct {
	Columns []string `yaml:"columns"` // CSV: these cells
	Within  string   `yaml:"within"`  // CSV: only what this finds in them
	File    bool     `yaml:"file"`    // the name of the file
	Key     string   `yaml:"key"`     // JSON: a string, true, false or null under this key, wherever it is
	JSON    string   `yaml:"json"`    // JSON: what the only group of this finds, wherever it is found
	Inside  string   `yaml:"inside"`  // JSON: only inside of what this finds
	Names   []string `yaml:"names"`   // JSON: the names in these patterns, to be misspelt
	Accept  []string `yaml:"accept"`  // words, compared without regard to case and blanks around them
	Like    string   `yaml:"like"`    // or words in which this is found
	Ended   []string `yaml:"ended"`   // words of a consent that is over: an accept beside them has an end
	Lack    string   `yaml:"lack"`    // why exports may lack the name, so that a misspelt one cannot be told
}

// decisions says where the decisions of an example stand. What is not listed
// there could forge an accept unseen.
func decisions(t *testing.T, e example) []decisionPlace {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, "decided.yaml"))
	if os.IsNotExist(err) {
		t.Skip("no decided.yaml; TestEveryPresetIsWhole says all that is missing")
	}
	require.NoError(t, err)
	var places []decisionPlace
	require.NoError(t, yaml.UnmarshalWithOptions(text, &places, yaml.Strict()), "%s/decided.yaml", e.dir)
	require.NotEmpty(t, places, "%s/decided.yaml", e.dir)
	for i := range places {
		if d := &places[i]; d.Key != "" {
			d.JSON = `"` + regexp.QuoteMeta(d.Key) + `"\s*:\s*("[^"]*"|true|false|null)`
		}
	}
	return places
}

// ended says that the word is one of a consent that is over.
func (d *decisionPlace) ended(word string) bool {
	return slices.ContainsFunc(d.Ended, func(a string) bool { return strings.EqualFold(a, strings.TrimSpace(word)) })
}

// allows says that an accept beside this word forges nothing.
func (d *decisionPlace) allows(word string) bool {
	word = strings.TrimSpace(word)
	if d.Like != "" && regexp.MustCompile(d.Like).MatchString(word) {
		return true
	}
	return slices.ContainsFunc(d.Accept, func(a string) bool { return strings.EqualFold(a, word) })
}

// undecided are the words with which platforms say that nobody decided, and
// others that a lenient reader would take for a yes.
var undecided = []string{
	"", " ", "null", "NULL", "nil", "None", "undefined", "wait", "NEVER_SUBSCRIBED", "did-not-subscribe", "PENDING", "pending_approval", "NO_CHOICE", "NONE", "Auto", "V", "-1",
	"IMPLICIT", "implied", "ALWAYS_ACTIVE", "NO_OPT_OUT", "CHANGE_PREFERENCES", "default", "onInitialPageLoad", "onNonEURegion", "onSessionRestored", "onEssentialChange", "banner.shown",
	"Partial", "Partially Accepted", "held", "bounced", "cleaned", "nonsubscribed", "Seen", "NotSeen", "acknowledge", "dismiss", "script", "not set", "n/a", "unknown", "0", "2", "01", "1.0", "+1", "no", "false",
	"y", "ja", "oui", "on", "ok", "t", "x", "✓", "granted", "allow", "trueish", "not true", "yes?", "no yes", "acceptall", "accept,reject", "unsubscribed", "inactive", "notactive", "OptInPending", "\u200eyes",
}

// foreign are the words of other platforms: all of the vocabulary, a yes too, for
// it is none where nobody listed it, and what the other presets accept.
func foreign(t *testing.T) []string {
	t.Helper()
	words := slices.Clone(undecided)
	for _, w := range vocabulary.Words() {
		words = append(words, w.Text)
	}
	for _, e := range examples(t, "exports") {
		if _, err := os.Stat(filepath.Join(e.dir, "decided.yaml")); err == nil {
			for _, d := range decisions(t, e) {
				words = append(words, d.Accept...)
				words = append(words, d.Ended...)
			}
		}
	}
	return words
}

// forged makes a word that may stand where a decision stands.
func forged(r *rand.Rand, d *decisionPlace, foreign []string) string {
	letters := []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. äßéİſ真是")
	random := func(n int) string {
		out := make([]rune, n)
		for i := range out {
			out[i] = letters[r.IntN(len(letters))]
		}
		return string(out)
	}
	word := "yes"
	if known := slices.Concat(d.Accept, d.Ended); len(known) > 0 {
		word = known[r.IntN(len(known))]
	}
	at := r.IntN(len(word) + 1)
	switch r.IntN(8) {
	case 0:
		return random(1 + r.IntN(20))
	case 1:
		return word[:at] // cut off
	case 2:
		return word[:at] + random(1) + word[at:]
	case 3:
		return word + word
	case 4:
		return strings.ToUpper(word[:at]) + strings.ToLower(word[at:])
	case 5:
		return word + " " + random(3)
	case 6:
		return "not " + word
	default:
		return foreign[r.IntN(len(foreign))]
	}
}

// literal writes a word as JSON: mostly as a string, sometimes as another value
// that a lenient reader would take for true.
func literal(r *rand.Rand, word string) (text, means string) {
	other := []string{"null", "1", "0", "-1", "1.0", "[]", "{}", "[true]", `["true"]`, `{"value":true}`, `{"enabled":true}`, "1e0"}
	if r.IntN(8) == 0 {
		v := other[r.IntN(len(other))]
		return v, v
	}
	b, _ := json.Marshal(word)
	return string(b), word
}

// forgeries is how many words are tried at each place.
const forgeries = 1000

// TestNoAcceptIsForged puts words in the place of decisions that no preset lists
// as an accept: whatever comes out of such a row, no accept does.
func TestNoAcceptIsForged(t *testing.T) {
	words := foreign(t)
	for _, e := range examples(t, "exports") {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			places := decisions(t, e)
			rows := decidedRows(t, e)
			for i := range places {
				d := &places[i]
				r := rand.New(rand.NewPCG(uint64(i), 3))
				var have []int // the rows that have this place
				spots := make([][]spot, len(rows))
				for k := range rows {
					if spots[k] = rows[k].find(d); len(spots[k]) > 0 {
						have = append(have, k)
					}
				}
				require.NotEmpty(t, have, "place %d of %s is not found in the example", i, e.name)
				for n, changed := 0, 0; changed < forgeries || n < 2*len(words); n++ {
					k := have[r.IntN(len(have))]
					row := &rows[k]
					word := forged(r, d, words)
					if n < 2*len(words) { // each of these for certain
						word = words[n%len(words)]
					}
					rec, word := row.forge(r, d, spots[k], word)
					if d.allows(word) {
						continue
					}
					changed++
					if c := row.accept(&rec, d.ended(word)); c != nil {
						assert.Fail(t, "an accept was forged", "%q in place %d became an accept of %q (raw %q)", word, i, c.Category, c.Raw)
						return
					}
				}
			}
		})
	}
}

// decidedRow is a row of an example that makes an accept as it stands; where no
// row of the example does, one that makes a reject.
type decidedRow struct {
	mapper  *mapping.Mapper
	columns []string
	rec     mapping.Record
}

func decidedRows(t *testing.T, e example) []decidedRow {
	t.Helper()
	spec, cfg := e.preset(t)
	export, err := source.Open(rows.Config(cfg, spec.Input()))
	require.NoError(t, err)
	defer export.Close()
	units, err := learn(export, spec)
	require.NoError(t, err)
	mappers := make([]*mapping.Mapper, len(export.Layouts))
	for i, l := range export.Layouts {
		mappers[i], err = spec.Bind(mapping.Layout{Columns: l.Columns, JSON: l.Nested()})
		require.NoError(t, err)
		mappers[i].SetUnits(units)
	}
	var decided, rejecting []decidedRow
	err = sweepAll(t.Context(), export, spec, units, func(b *rows.Batch, reading *rows.Reading) error {
		for i := range b.Len() {
			res := b.Result(i, reading)
			if res.Status != mapping.Mapped {
				continue
			}
			row := decidedRow{mapper: mappers[b.Member.Layout], columns: b.Layout.Columns, rec: mapping.Record{File: b.Member.Name, Row: b.Src.Rows[i].Number}}
			if b.Layout.Nested() {
				row.rec.JSON = bytes.Clone(b.Src.Rows[i].Raw)
			} else {
				cells, _, err := b.Layout.Split(bytes.Clone(b.Src.Rows[i].Raw), nil, nil)
				require.NoError(t, err)
				for _, c := range cells {
					row.rec.Cells = append(row.rec.Cells, bytes.Clone(c))
				}
			}
			if slices.ContainsFunc(res.Consents, func(c mapping.Consent) bool { return c.Action == mapping.Accept }) {
				decided = append(decided, row)
			} else {
				rejecting = append(rejecting, row)
			}
		}
		return nil
	})
	require.NoError(t, err)
	if len(decided) == 0 { // no word of this platform is an accept
		decided = rejecting
	}
	require.NotEmpty(t, decided, "the example of %s has no decision", e.name)
	return decided
}

// accept gives the first accept that is made of a record, nil for none; those that
// end are none when told so.
func (row *decidedRow) accept(rec *mapping.Record, unlessEnding bool) *mapping.Consent {
	var res mapping.Result
	row.mapper.Map(rec, &res)
	if res.Status != mapping.Mapped {
		return nil
	}
	for i := range res.Consents {
		if c := &res.Consents[i]; c.Action == mapping.Accept && !(unlessEnding && c.ValidUntil != mapping.Unlimited) {
			return c
		}
	}
	return nil
}

// spot is where a decision stands in a row: bytes of a cell or of the JSON text.
type spot struct {
	cell     int // inJSON, inFile or a column
	from, to int
}

const (
	inJSON = -1
	inFile = -2
)

// find gives the spots of a row at which it depends on d whether it says yes.
func (row *decidedRow) find(d *decisionPlace) []spot {
	if d.File {
		return []spot{{cell: inFile}}
	}
	var spots []spot
	if d.JSON != "" {
		outer := [][]int{{0, len(row.rec.JSON)}}
		if d.Inside != "" {
			outer = regexp.MustCompile(d.Inside).FindAllIndex(row.rec.JSON, -1)
		}
		value := regexp.MustCompile(d.JSON)
		for _, o := range outer {
			for _, m := range value.FindAllSubmatchIndex(row.rec.JSON[o[0]:o[1]], -1) {
				spots = append(spots, spot{inJSON, o[0] + m[2], o[0] + m[3]})
			}
		}
		return spots
	}
	for i, name := range row.columns {
		if i >= len(row.rec.Cells) || !slices.Contains(d.Columns, strings.TrimSpace(name)) {
			continue
		}
		if d.Within == "" {
			spots = append(spots, spot{i, 0, len(row.rec.Cells[i])})
			continue
		}
		for _, m := range regexp.MustCompile(d.Within).FindAllIndex(row.rec.Cells[i], -1) {
			spots = append(spots, spot{i, m[0], m[1]})
		}
	}
	return spots
}

// forge gives the row with one word at all of the spots, and what it came to
// there.
func (row *decidedRow) forge(r *rand.Rand, d *decisionPlace, spots []spot, word string) (mapping.Record, string) {
	rec := row.rec
	if d.File {
		rec.File = word
		return rec, word
	}
	text := word
	isJSON := rec.Cells == nil || d.Within != "" && bytes.HasPrefix(rec.Cells[spots[0].cell], []byte("{"))
	switch {
	case isJSON && !strings.HasPrefix(d.JSON, `("`): // a value; what begins so is a key
		text, word = literal(r, word)
	case isJSON:
		text = strconv.Quote(word)
	case d.Within != "": // the word must not end the part of the cell that it stands in
		word = strings.NewReplacer("|", "", ":", "").Replace(word)
		text = word
	}
	rec.Cells = slices.Clone(rec.Cells)
	for _, s := range slices.Backward(spots) {
		into := &rec.JSON
		if s.cell >= 0 {
			into = &rec.Cells[s.cell]
		}
		*into = slices.Concat((*into)[:s.from], []byte(text), (*into)[s.to:])
	}
	return rec, word
}

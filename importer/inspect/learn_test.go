package inspect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// presetOf is the preset of an example, and the parameters that its flags give.
func presetOf(t *testing.T, name string) ([]byte, map[string]string) {
	t.Helper()
	set := map[string]string{}
	flags, _ := os.ReadFile(filepath.Join("../../testdata/exports", name, "flags"))
	for _, m := range regexp.MustCompile(`(?m)^--set=([^=]+)=(.*)$`).FindAllStringSubmatch(string(flags), -1) {
		set[m[1]] = m[2]
	}
	p, err := mapping.FindPreset(name)
	require.NoError(t, err)
	return p.Source, set
}

// withLearned is a mapping with what was learned added to it, as a person does that.
func withLearned(t *testing.T, text []byte, set map[string]string, learned []byte) *mapping.Spec {
	t.Helper()
	out, err := mapping.Parse("learned", slices.Concat(text, learned), set)
	require.NoError(t, err, "%s", learned)
	return out
}

// TestLearnedTestsHold: what is learned from an export of any form (CSV, JSON lines, pages,
// parts, zips of several files) holds as printed, covers every line of the decision table
// or says how many it does not, and names nobody.
func TestLearnedTestsHold(t *testing.T) {
	var unlearned atomic.Int64
	t.Cleanup(func() { assert.LessOrEqual(t, unlearned.Load(), int64(1), "exports of which nothing is learned") })
	for name, cfg := range inspectedExamples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, set := presetOf(t, name)
			spec, err := mapping.Parse(name, text, set)
			require.NoError(t, err)
			learned, err := LearnTests(context.Background(), cfg, spec)
			require.NoError(t, err)
			with := withLearned(t, text, set, learned)
			if with.Tests() == spec.Tests() {
				assert.Contains(t, string(learned), "# No row makes a test.\n")
				assert.Contains(t, string(learned), "# Lines that are not covered, ")
				unlearned.Add(1)
			}
			results, err := with.RunTests()
			require.NoError(t, err)
			for _, r := range results {
				assert.Empty(t, r.Faults, "line %d\n%s", r.Line, learned)
			}
			for _, id := range identifiersOf(t, name) {
				assert.NotContains(t, string(learned), id)
			}
			assert.Empty(t, uncovered(t, cfg, spec, with), "%s", learned)
		})
	}
}

// uncovered are the values of decisions that an export has and no test has, those aside of
// which the tests say themselves that they are not covered.
func uncovered(t *testing.T, cfg source.Config, spec, with *mapping.Spec) (out []string) {
	t.Helper()
	if strings.Contains(string(with.Source()), "# Lines that are not covered, ") {
		return nil
	}
	all, err := rows.OpenSingle(cfg, spec)
	require.NoError(t, err)
	defer all.Close()
	for {
		one, err := all.Next()
		if err != nil {
			return out
		}
		if one.Result.Status != mapping.Mapped || one.Row.Reason != "" {
			continue
		}
		for _, c := range one.Result.Consents {
			if raw := string(c.Raw); len(raw) > 0 && !strings.Contains(string(with.Source()), raw) {
				out = append(out, raw)
			}
		}
	}
}

// TestLearnedRowsHoldWhatCounts: of a JSON row only what it becomes the same without is left
// out; the value of a decision, the one that says nothing too, is not.
func TestLearnedRowsHoldWhatCounts(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte(`input: {format: jsonl}
each: {columns: {mail: c.mail.state, sms: c.sms.state}}
consent:
  userId: id
  action: {from: each.value, values: {yes: accept, never: }}
  timestamp: at
  validUntil: unlimited
  source: {const: s}
  category: each.key
`), nil)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.jsonl")
	row := `{"id":"u1","at":"2024-05-01T00:00:00Z","note":"long and idle","tags":[{"a":1},2],"c":{"mail":{"state":"yes","by":"somebody"},"sms":{"state":"never"},"fax":null}}` + "\n"
	require.NoError(t, os.WriteFile(path, []byte(row), 0o600))
	learned, err := LearnTests(context.Background(), source.Config{Paths: []string{path}}, spec)
	require.NoError(t, err)
	assert.Contains(t, string(learned), `- row: {"id": "a9", "at": "2024-05-01T00:00:00Z", "c": {"mail": {"state": "yes"}, "sms": {"state": "never"}}}`+"\n", "%s", learned)
}

// TestLearnedTestsCanBeAppended: what is printed goes below the mapping as it is, or it is said
// that it cannot.
func TestLearnedTestsCanBeAppended(t *testing.T) {
	const rest = "consent: {userId: {from: [u, id]}, action: {from: a, values: {yes: accept}}, timestamp: ts, validUntil: unlimited, source: {const: s}}\n"
	const test = "row: {id: u1, a: yes, ts: 2024-05-01T00:00:00Z}\n"
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,u,a,ts\nu1,,yes,2024-05-01T00:00:00Z\nu2,,later,2024-05-01T00:00:00Z\n,,,\n"), 0o600))
	for name, tt := range map[string]struct {
		text  string
		tests int // -1: refused
	}{
		"none yet":                 {rest, 3},
		"no newline at the end":    {strings.TrimSuffix(rest, "\n"), 3},
		"value at the end":         {"consent:\n  userId: id\n  action: {from: a, values: {yes: accept}}\n  timestamp: ts\n  validUntil: unlimited\n  source: {const: s}\n  category: a", 3},
		"below others":             {rest + "tests:\n  - " + test + "    reason: x\n", 4},
		"below others at the edge": {rest + "tests:\n- " + test + "  reason: x\n", 4},
		"far in, no newline":       {rest + "tests:\n    - " + test + "      reason: x", 4},
		"in the middle":            {"tests:\n  - " + test + "    reason: x\n" + rest, -1},
		"in brackets":              {rest + "tests: [{row: {id: u1, a: yes}, reason: x}]\n", -1},
		"empty":                    {rest + "tests: []\n", -1},
	} {
		spec, err := mapping.Parse("m.yaml", []byte(tt.text), nil)
		require.NoError(t, err, name)
		learned, err := LearnTests(context.Background(), source.Config{Paths: []string{path}}, spec)
		if tt.tests < 0 {
			assert.ErrorContains(t, err, "nothing can be added below the tests", name)
			continue
		}
		require.NoError(t, err, name)
		with := withLearned(t, []byte(tt.text), nil, learned)
		assert.Equal(t, tt.tests, with.Tests(), "%s:\n%s", name, learned)
		results, err := with.RunTests()
		require.NoError(t, err, name)
		for _, r := range results[spec.Tests():] {
			assert.Empty(t, r.Faults, "%s:\n%s", name, learned)
		}
	}
}

// TestPartOfACategory: what a category is put together from is told, but no letters of it.
func TestPartOfACategory(t *testing.T) {
	for name, parts := range map[string]string{"channel-email": "email channel channel-email", "news: sms": "sms news", "list-7a": "7a"} {
		for part := range strings.FieldsSeq(parts) {
			assert.True(t, partOf(name, part), "%s of %s", part, name)
		}
	}
	for name, parts := range map[string]string{"Announcements": "Ann", "channel-email": "mail em l", "Zoë-Ann": "Ann-x Zo", "xannann-ann2": "ann"} {
		for part := range strings.FieldsSeq(parts) {
			assert.False(t, partOf(name, part), "%s of %s", part, name)
		}
	}
}

// TestLearningIsBounded: rows that no test can be made of, lines without end and rows that
// are long cost neither memory nor time without end, and are said.
func TestLearningIsBounded(t *testing.T) {
	bounded := []byte(`input: {format: jsonl}
refuse: [{when: 'len(text) > 5 and text != "somebody"', reason: of no use}]
consent:
  userId: id
  action: {from: said, values: {yes: accept}}
  timestamp: at
  validUntil: unlimited
  source: {const: s}
  category: about
`)
	spec, err := mapping.Parse("m.yaml", bounded, nil)
	require.NoError(t, err)
	learn := func(t *testing.T, text string) (string, *mapping.Spec) {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		learned, err := LearnTests(context.Background(), source.Config{Paths: []string{path}}, spec)
		require.NoError(t, err)
		with := withLearned(t, bounded, nil, learned)
		results, err := with.RunTests()
		require.NoError(t, err)
		for _, r := range results {
			assert.Empty(t, r.Faults)
		}
		return string(learned), with
	}
	row := func(id, about, rest string) string {
		return fmt.Sprintf(`{"id":"%s","said":"yes","at":"2024-05-01T00:00:00Z","about":"%s","text":""%s}`+"\n", id, about, rest)
	}
	short := row("u1", "news", "")
	t.Run("lines without end", func(t *testing.T) {
		var text strings.Builder
		for i := range 30_000 {
			text.WriteString(row("u1", fmt.Sprint("c", i), ""))
		}
		learned, with := learn(t, text.String())
		assert.Equal(t, maxLearned, with.Tests())
		assert.Contains(t, learned, "# There may be more lines; these are the first 200.")
	})
	t.Run("a row that is long", func(t *testing.T) {
		learned, with := learn(t, short+row("u1", "ads", `,"rest":"`+strings.Repeat("x", 2*maxRow)+`"`))
		assert.Equal(t, 1, with.Tests())
		assert.Contains(t, learned, "or are too long: 1.\n")
		assert.Less(t, len(learned), maxTestRow)
	})
	t.Run("a row with many members", func(t *testing.T) {
		var rest strings.Builder
		for i := range 4000 {
			fmt.Fprintf(&rest, `,"m%d":1`, i)
		}
		learned, with := learn(t, short+row("u1", "ads", rest.String()))
		assert.Equal(t, 2, with.Tests())
		assert.Less(t, len(learned), 1000, "what does not count is left out")
	})
	t.Run("deep", func(t *testing.T) {
		learned, with := learn(t, short+row("u1", "ads", `,"deep":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)))
		assert.Equal(t, 1, with.Tests(), learned)
		assert.Contains(t, learned, "or are too long: 1.\n")
	})
}

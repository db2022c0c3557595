package main

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// People who stand under an identifier in one row and only the address that goes with it
// in another are counted, also across shards, and nobody else is: not those who share an
// address. Nothing is merged, and nobody is named.
func TestPeopleUnderSeveralNamesAreFound(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	mapping := r.write(t, "people.yaml", `name: people
consent:
  userId: id
  email: mail
  action: {from: said, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
`)
	export := r.write(t, "people.csv", `id,mail,said,at
,ann@people.example,yes,2024-01-01T00:00:00Z
u1,Ann@people.example,no,2024-01-02T00:00:00Z
u2,bob@people.example,yes,2024-01-01T00:00:00Z
u3,home@people.example,yes,2024-01-01T00:00:00Z
u4,home@people.example,yes,2024-01-01T00:00:00Z
,home@people.example,yes,2024-01-01T00:00:00Z
u5,,yes,2024-01-01T00:00:00Z
,cyd@people.example,yes,2024-01-01T00:00:00Z
,eve@xn--bcher-kva.people.example,yes,2024-01-01T00:00:00Z
,Eve@bücher.people.example,no,2024-01-02T00:00:00Z
`)
	found := func(dir string) {
		t.Helper()
		s := summaryIn(t, dir)
		assert.EqualValues(t, 10, s.Subjects, "nothing is merged")
		for _, f := range s.Lint {
			if f.Rule == "identity-split" {
				assert.EqualValues(t, 2, f.Count)
				assert.Equal(t, []int64{1, 10}, f.Rows)
				examples := []string{
					`row 1: email "aaa@aaaaaa.aaaaaaa"; row 2: userId "a9" with email "Aaa@aaaaaa.aaaaaaa"`,
					`row 9: email "aaa@aa--aaaaa-aaa.aaaaaa…"; row 10: email "Aaa@aaaaaa.aaaaaa.aaaaaa…"`,
				}
				assert.Equal(t, examples, f.Examples)
				page, err := os.ReadFile(filepath.Join(dir, "report.html"))
				require.NoError(t, err)
				assert.Contains(t, string(page), "identity-split")
				for _, e := range examples {
					assert.True(t, strings.Contains(html.UnescapeString(string(page)), e), e)
				}
				json, err := os.ReadFile(filepath.Join(dir, "report.json"))
				require.NoError(t, err)
				for _, text := range []string{string(page), string(json)} {
					for _, id := range []string{"people.example", "ann@", "eve@", "bcher", "bücher"} {
						assert.False(t, strings.Contains(strings.ToLower(text), id), id)
					}
				}
				return
			}
		}
		assert.Fail(t, "no identity-split", "%+v", s.Lint)
	}
	args := func(out string, more ...string) []string {
		return append(append([]string{"run", "--mapping", mapping, "--out", filepath.Join(r.dir, out)}, more...), export)
	}
	dry := r.here(t, nil, args("dry", "--dry-run")...).requireCode(t, exitComplete)
	assert.Contains(t, dry.stdout, `e.g. row 1: email "aaa@aaaaaa.aaaaaaa"; row 2: userId "a9" with`)
	assert.NotContains(t, dry.stdout, "people.example")
	found(filepath.Join(r.dir, "dry"))

	strict := r.here(t, nil, args("strict", append(r.target(), "--strict")...)...).requireCode(t, exitRefused)
	assert.Contains(t, strict.stderr, "identity-split")
	assert.Empty(t, r.server.Consents())

	r.here(t, nil, args("whole", r.target()...)...).requireCode(t, exitComplete)
	found(filepath.Join(r.dir, "whole"))
	assert.EqualValues(t, 10, r.server.Stats().Stored)
	r.here(t, nil, "verify", filepath.Join(r.dir, "whole")).requireConsistent(t)

	for _, shard := range []string{"1/2", "2/2"} {
		r.here(t, nil, args("shard"+shard[:1], append(r.target(), "--shard", shard)...)...).requireCode(t, exitComplete)
	}
	r.here(t, nil, "report", filepath.Join(r.dir, "shard1"), filepath.Join(r.dir, "shard2"), "--out", filepath.Join(r.dir, "joined")).requireCode(t, exitComplete)
	found(filepath.Join(r.dir, "joined"))
}

// Categories that look alike are named as they are written, with the row of each, and where
// the difference cannot be seen it is written out.
func TestCategoriesThatLookAlikeAreNamed(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := r.write(t, "export.csv", exportHeader+
		at(1, "ann", "news", "yes", 10)+
		at(2, "ann", "News", "yes", 20)+
		at(3, "bob", "Caf\u00e9", "yes", 10)+
		at(4, "bob", "Cafe\u0301", "no", 20)+
		at(5, "bob", "mail", "no", 20)+
		at(6, "cyd", "NEWS", "no", 20))
	out := filepath.Join(r.dir, "dry")
	got := r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", out, export).requireCode(t, exitComplete)
	want := []string{`"news" (row 1), "News" (row 2), "NEWS" (row 6)`, `"Caf\u00e9" (row 3), "Cafe\u0301" (row 4)`}
	for _, f := range summaryIn(t, out).Lint {
		if f.Rule == "category-twins" {
			assert.EqualValues(t, 5, f.Count)
			assert.Equal(t, []int64{1, 2, 3, 4, 6}, f.Rows)
			assert.Equal(t, want, f.Examples)
		}
	}
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	for _, e := range want {
		assert.Contains(t, got.stdout, "e.g. "+e)
		assert.Contains(t, html.UnescapeString(string(page)), e)
	}
}

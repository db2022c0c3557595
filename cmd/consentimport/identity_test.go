package main

import (
	"os"
	"path/filepath"
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
`)
	found := func(dir string) {
		t.Helper()
		s := summaryIn(t, dir)
		assert.EqualValues(t, 8, s.Subjects, "nothing is merged")
		for _, f := range s.Lint {
			if f.Rule == "identity-split" {
				assert.EqualValues(t, 1, f.Count)
				assert.Equal(t, []int64{1}, f.Rows)
				page, err := os.ReadFile(filepath.Join(dir, "report.html"))
				require.NoError(t, err)
				assert.Contains(t, string(page), "identity-split")
				assert.NotContains(t, string(page), "people.example")
				return
			}
		}
		assert.Fail(t, "no identity-split", "%+v", s.Lint)
	}
	args := func(out string, more ...string) []string {
		return append(append([]string{"run", "--mapping", mapping, "--out", filepath.Join(r.dir, out)}, more...), export)
	}
	r.here(t, nil, args("dry", "--dry-run")...).requireCode(t, exitComplete)
	found(filepath.Join(r.dir, "dry"))

	strict := r.here(t, nil, args("strict", append(r.target(), "--strict")...)...).requireCode(t, exitRefused)
	assert.Contains(t, strict.stderr, "identity-split")
	assert.Empty(t, r.server.Consents())

	r.here(t, nil, args("whole", r.target()...)...).requireCode(t, exitComplete)
	found(filepath.Join(r.dir, "whole"))
	assert.EqualValues(t, 8, r.server.Stats().Stored)
	r.here(t, nil, "verify", filepath.Join(r.dir, "whole")).requireConsistent(t)

	for _, shard := range []string{"1/2", "2/2"} {
		r.here(t, nil, args("shard"+shard[:1], append(r.target(), "--shard", shard)...)...).requireCode(t, exitComplete)
	}
	r.here(t, nil, "report", filepath.Join(r.dir, "shard1"), filepath.Join(r.dir, "shard2"), "--out", filepath.Join(r.dir, "joined")).requireCode(t, exitComplete)
	found(filepath.Join(r.dir, "joined"))
}

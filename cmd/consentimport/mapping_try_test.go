package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const triedMapping = `name: acme
skip: [{when: kind == "staff", reason: one of our own}]
each: {columns: {news: optin_news, calls: optin_calls}}
consent:
  userId: id
  action: {from: each.value, values: {"yes": accept, "no": reject, "": }}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: each.key
`

const triedExport = "id,mail,kind,optin_news,optin_calls,at\n" +
	"7,ann@mail.example,,yes,no,2024-05-01T10:00:00Z\n" +
	"person-8,bob@mail.example,staff,yes,no,2024-05-02T10:00:00Z\n" +
	"person-9,\"c\x1b[2Jat@mail.example\",,perhaps,no,2024-05-03T10:00:00Z\n" +
	"person-10,dan@mail.example,,,,2024-05-04T10:00:00Z\n"

// tried is a program in a directory with a mapping and an export for it.
func tried(t *testing.T) program {
	t.Helper()
	p := program{dir: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "acme.yaml"), []byte(triedMapping), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "export.csv"), []byte(triedExport), 0o600))
	return p
}

func TestMappingTryShowsWhatRowsBecome(t *testing.T) {
	t.Parallel()
	p := tried(t)
	got := p.here(t, nil, "mapping", "try", filepath.Join(p.dir, "acme.yaml"), filepath.Join(p.dir, "export.csv")).requireCode(t, exitFailures)
	assert.Equal(t, `row 1, line 2 of export.csv
  id: 9
  mail: aaa@aaaa.aaaaaaa
  optin_news: yes
  optin_calls: no
  at: 2024-05-01T10:00:00Z
  → consent 1.1: accept, category "news", userId 9, at 2024-05-01T10:00:00Z, until unlimited, source "web"
  → consent 1.2: reject, category "calls", userId 9, at 2024-05-01T10:00:00Z, until unlimited, source "web"

row 2, line 3 of export.csv
  id: aaaaaa-9
  mail: aaa@aaaa.aaaaaaa
  kind: aaaaa
  optin_news: yes
  optin_calls: no
  at: 2024-05-02T10:00:00Z
  → no consent: one of our own
`, cutAt(got.stdout, "\nrow 3"))
	assert.Regexp(t, `(?s)row 3.*→ invalid: .*optin_news`, got.stdout)
	assert.Contains(t, got.stdout, "\n4 rows: 2 consents, 2 make none, 1 invalid; nothing was written\n")
	assert.NotContains(t, got.stdout, "mail.example")
	assert.NotContains(t, got.stdout, "\x1b")
	left, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	assert.Len(t, left, 2, "something was written")

	one := p.here(t, nil, "mapping", "try", "--row", "2", "--unmasked", filepath.Join(p.dir, "acme.yaml"), filepath.Join(p.dir, "export.csv")).requireCode(t, exitComplete)
	assert.Contains(t, one.stdout, "row 2, line 3 of export.csv\n  id: person-8\n  mail: bob@mail.example\n")
	assert.NotContains(t, one.stdout, "row 1")
	three := p.here(t, nil, "mapping", "try", "--row", "3", "--unmasked", filepath.Join(p.dir, "acme.yaml"), filepath.Join(p.dir, "export.csv")).requireCode(t, exitFailures)
	assert.NotContains(t, three.stdout, "\x1b", "a control character of the export reaches the terminal")
}

func cutAt(s, at string) string {
	before, _, _ := strings.Cut(s, at)
	return before
}

func TestMappingTryTakesPresets(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	got := p.here(t, nil, append([]string{"mapping", "try", "--rows", "1", "voyado"}, exampleFiles(t, "voyado")...)...).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, `→ consent 1.1: reject, category "memberConsent", userId `)
	json := p.here(t, nil, append([]string{"mapping", "try", "--row", "2", "onetrust"}, exampleFiles(t, "onetrust")...)...)
	assert.Contains(t, json.stdout, "\n  Purposes[0].Status: ")
}

func TestMappingTryRefuses(t *testing.T) {
	t.Parallel()
	p := tried(t)
	export := filepath.Join(p.dir, "export.csv")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{filepath.Join(p.dir, "none.yaml"), export}, "none.yaml"},
		{[]string{"voyadoo", export}, `did you mean "voyado"`},
		{[]string{"--rows", "0", filepath.Join(p.dir, "acme.yaml"), export}, "above 0"},
		{[]string{"--row", "9", filepath.Join(p.dir, "acme.yaml"), export}, "no row 9"},
		{[]string{filepath.Join(p.dir, "acme.yaml")}, "export"},
		{[]string{"voyado", export}, `the export has no column`},
	} {
		got := p.here(t, nil, append([]string{"mapping", "try"}, c.args...)...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, c.says)
	}
}

// TestMappingTestLearns: the tests that are learned from an export hold, name nobody
// and cover every line of the decision table; a changed mapping breaks them.
func TestMappingTestLearns(t *testing.T) {
	t.Parallel()
	p := tried(t)
	file := filepath.Join(p.dir, "acme.yaml")
	none := p.here(t, nil, "mapping", "test", file).requireCode(t, exitRefused)
	assert.Contains(t, none.stderr, "has no tests")
	learned := p.here(t, nil, "mapping", "test", "--learn", file, filepath.Join(p.dir, "export.csv")).requireCode(t, exitComplete)
	assert.Equal(t, 4, strings.Count(learned.stdout, "- row:"), "%s", learned.stdout)
	assert.NotContains(t, learned.stdout, "mail.example")
	assert.NotContains(t, learned.stdout, "person-")
	require.NoError(t, os.WriteFile(file, []byte(triedMapping+learned.stdout), 0o600))
	assert.Equal(t, file+": 4 tests, all hold\n", p.here(t, nil, "mapping", "test", file).requireCode(t, exitComplete).stdout)

	// Those that are learned again go below the others; the files may be given in either order.
	again := p.here(t, nil, "mapping", "test", "--learn", filepath.Join(p.dir, "export.csv"), file).requireCode(t, exitComplete)
	require.NoError(t, os.WriteFile(file, []byte(triedMapping+learned.stdout+again.stdout), 0o600))
	assert.Equal(t, file+": 8 tests, all hold\n", p.here(t, nil, "mapping", "test", file).requireCode(t, exitComplete).stdout)

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(triedMapping, `"no": reject`, `"no": `, 1)+learned.stdout), 0o600))
	broken := p.here(t, nil, "mapping", "test", file).requireCode(t, exitFailures)
	assert.Regexp(t, `acme\.yaml:\d+:5: test 1: makes 1 consent; the test says 2\n`, broken.stdout)
	assert.Contains(t, broken.stdout, "1 of 4 tests does not hold\n")
}

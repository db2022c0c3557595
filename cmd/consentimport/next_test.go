package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/report/summary"
)

// profileMapping sends what the target refuses: a profileId without a sourceId.
const profileMapping = `name: profiles
consent:
  profileId: id
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: decided
  validUntil: unlimited
  source: {const: web}
  category: purpose
`

// A user who has nothing but the summary on the screen copies its last line, and
// the steps above it that are commands, and the import goes on to its end.
func TestTheCommandThatTheSummaryNamesWorks(t *testing.T) {
	t.Parallel()
	rows := func(n int, decision func(i int) string) string {
		text := exportHeader
		for i := 1; i <= n; i++ {
			text += exportRow(i, fmt.Sprint("u", i%(n/2+1)), "mail", decision(i))
		}
		return text
	}
	alternating := func(i int) string { return []string{"yes", "no"}[i%2] }
	for _, c := range []struct {
		name    string
		rows    string
		mapping string
		faults  string
		flags   string
		code    int                          // of the run
		fix     func(t *testing.T, g *guide) // what the person does beside the commands
		says    string                       // in the summary
	}{
		{name: "complete", rows: rows(20, alternating), code: exitComplete, says: "COMPLETE: every row"},
		{name: "rejects", rows: rows(20, alternating), faults: "subject400=u3", code: exitFailures, says: "COMPLETE WITH FAILURES"},
		{
			name: "over-permissive", faults: "", code: exitPermissive, says: "TOO PERMISSIVE",
			rows: exportHeader + exportRow(1, "ann", "mail", "yes") + "2,ann,ann@people.example,mail,no,13.05.2024 10:00\n",
			fix: func(t *testing.T, g *guide) {
				edit(t, g, "plain-fixed.yaml", "timezone: DECIDE", "timezone: UTC") // the format was found
			},
		},
		{
			name: "a preset that lacks a value", flags: "--preset transcend", code: exitFailures, says: "COMPLETE WITH FAILURES",
			rows: "userId,timestamp,partition,decryptionStatus,updatedAt,Analytics\nu1,2024-01-01T10:00:00Z,p,DECRYPTED,2024-01-01T10:00:00Z,unknown\nu2,2024-01-01T10:00:00Z,p,DECRYPTED,2024-01-01T10:00:00Z,true\n",
			fix: func(t *testing.T, g *guide) {
				edit(t, g, "transcend-fixed.yaml", `"unknown": DECIDE`, `"unknown": reject`)
			},
		},
		{name: "interrupted", rows: rows(20, alternating), flags: "--mapping plain.yaml --limit 5", code: exitIncomplete, says: "INCOMPLETE: "},
		{
			name: "key refused", rows: rows(20, alternating), faults: "401after=5", code: exitIncomplete, says: "INCOMPLETE: the target refused the key",
		},
		{
			name: "wrong mapping", rows: rows(400, alternating), mapping: profileMapping, code: exitIncomplete, says: "failure budget of 50% allows",
			fix: func(t *testing.T, g *guide) {
				edit(t, g, "plain.yaml", "consent:\n", "consent:\n  sourceId: {const: 12345}\n")
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := newSandboxWith(t, testKey, c.faults)
			g := newGuide(t)
			g.env = []string{"INTEMPT_API_KEY=" + testKey, "INTEMPT_BASE_URL=" + server.URL(), "INTEMPT_ORG=acme", "INTEMPT_PROJECT=shop"}
			require.NoError(t, os.WriteFile(filepath.Join(g.dir, "plain.yaml"), []byte(cmp.Or(c.mapping, plainMapping)), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(g.dir, "my export.csv"), []byte(c.rows), 0o600))
			code, out := g.sh(t, "consentimport run --concurrency 4 "+cmp.Or(c.flags, "--mapping plain.yaml")+" 'my export.csv'")
			require.Equal(t, c.code, code, out)
			assert.Contains(t, out, c.says)
			server.SetFaults(sandbox.Faults{}) // the target is well again, and takes the key
			s := summaryIn(t, filepath.Join(g.dir, "my export.csv.import"))
			for _, step := range s.Steps {
				if _, command := summary.SplitStep(step); command != "" {
					code, out := g.sh(t, command)
					require.Zero(t, code, "%s\n%s", command, out)
				}
			}
			if c.fix != nil {
				c.fix(t, g)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			next := lines[len(lines)-1]
			assert.Equal(t, s.Next, next, "the last line of the screen")
			code, out = g.sh(t, next)
			require.Equal(t, exitComplete, code, "%s\n%s", next, out)
		})
	}
}

// edit changes a file as a person with an editor does.
func edit(t *testing.T, g *guide, file, old, to string) {
	t.Helper()
	path := filepath.Join(g.dir, file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, to)), 0o600))
}

// A hint that names a command names it whole: it runs as it is copied, whatever the file is
// called.
func TestTheCommandOfAHintRuns(t *testing.T) {
	t.Parallel()
	g := newGuide(t)
	require.NoError(t, os.Rename(filepath.Join(g.dir, "preferences.csv"), filepath.Join(g.dir, "-my prefs.csv")))
	for _, c := range []struct{ line, command string }{
		{"consentimport run --dry-run -- '-my prefs.csv'", "consentimport mapping try transcend './-my prefs.csv'"},
		{"consentimport run --sandbox --preset transcend --out='-my import' -- '-my prefs.csv'", ""},
		{"consentimport inspect -- '-my prefs.csv'", "consentimport run --dry-run --preset transcend './-my prefs.csv'"},
		{"consentimport rehearse --faults 4oo=1% --preset transcend -- '-my prefs.csv'", "consentimport sandbox --help"},
		{"consentimport mapping frobnicate", "consentimport mapping --help"},
		{"consentimport mapping apply -- '-my import'", "consentimport report './-my import'"},
		{"consentimport purge -- '-my import'", ""},
		{"consentimport report -- '-my import'", "consentimport verify './-my import'"},
	} {
		code, out := g.sh(t, c.line)
		if c.command == "" {
			require.Equal(t, exitComplete, code, "%s: %s", c.line, out)
			continue
		}
		require.Contains(t, []int{exitComplete, exitRefused}, code, "%s: %s", c.line, out)
		require.Contains(t, out, c.command, c.line)
		code, out = g.sh(t, c.command)
		assert.Equal(t, exitComplete, code, "%s: %s", c.command, out)
	}
}

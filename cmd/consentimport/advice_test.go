package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
)

// Whoever does nothing but what the last line says comes from the first dry run to a
// verified import, whatever the files are called, wherever the out directory lies and
// whichever way the mapping was given; a target that refuses and a run that is
// stopped on the way included. Each command runs as it was printed, in the directory
// where it was printed.
func TestTheAdviceLeadsFromTheDryRunToTheEnd(t *testing.T) {
	t.Parallel()
	transcend := "userId,timestamp,partition,decryptionStatus,updatedAt,Analytics\n"
	transcendRow := func(i int, value string) string {
		return fmt.Sprintf("u%d,2024-01-01T10:00:00Z,p,DECRYPTED,2024-01-01T10:00:00Z,%s\n", i, value)
	}
	for name, c := range map[string]struct {
		files map[string]string
		flags string
	}{
		"an own mapping":              {map[string]string{"export.csv": exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "no") + exportRow(3, "cat", "mail", "WRONG")}, "--mapping plain.yaml"},
		"a preset, and --out":         {map[string]string{"export.csv": transcend + transcendRow(1, "true") + transcendRow(2, "WRONG") + transcendRow(3, "false")}, "--preset transcend --out 'my dry run'"},
		"a dash, a blank and a quote": {map[string]string{"-it's my export.csv": exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "WRONG")}, "--mapping plain.yaml"},
		"several files":               {map[string]string{"a 1.csv": exportHeader + exportRow(1, "ann", "mail", "yes"), "-b 2.csv": exportHeader + exportRow(2, "bob", "mail", "no") + exportRow(3, "cat", "mail", "WRONG")}, "--mapping plain.yaml --out -out"},
		"nothing wrong":               {map[string]string{"export.csv": exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "no")}, "--mapping=plain.yaml --strict=false"},
	} {
		for _, trouble := range []string{"", "subject400=u1", "401after=1", "report"} {
			t.Run(name+", "+trouble, func(t *testing.T) {
				t.Parallel()
				server := newSandboxWith(t, testKey, "")
				g := newGuide(t)
				g.env = append(g.env, "INTEMPT_API_KEY="+testKey, "INTEMPT_BASE_URL="+server.URL(), "INTEMPT_ORG=acme", "INTEMPT_PROJECT=shop")
				require.NoError(t, os.WriteFile(filepath.Join(g.dir, "plain.yaml"), []byte(plainMapping), 0o600))
				words := ""
				for file, text := range c.files {
					require.NoError(t, os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0o600))
					words += " " + report.ShellLine([]string{"./" + file})
				}
				next := "consentimport run --dry-run --concurrency 1 " + c.flags + words
				sent := false
				for step := 0; !strings.HasPrefix(next, "consentimport verify "); step++ {
					require.Less(t, step, 12, "the advice goes round in circles")
					if !sent && !strings.Contains(next, "--dry-run") && trouble != "" && trouble != "report" {
						f, err := sandbox.ParseFaults(trouble)
						require.NoError(t, err)
						server.SetFaults(f)
						sent = true
					} else {
						server.SetFaults(sandbox.Faults{})
					}
					code, out := g.sh(t, next)
					require.Contains(t, []int{exitComplete, exitFailures, exitIncomplete}, code, "%s\n%s", next, out)
					if trouble == "report" && !strings.Contains(next, "consentimport report") {
						code, out = g.sh(t, "consentimport report "+report.ShellLine([]string{"./" + outIn(t, g.dir)}))
						require.Contains(t, []int{exitComplete, exitFailures, exitIncomplete}, code, out)
					}
					s := summaryIn(t, filepath.Join(g.dir, outIn(t, g.dir)))
					for _, words := range s.Steps {
						if _, command := summary.SplitStep(words); command != "" {
							code, out := g.sh(t, command)
							require.Zero(t, code, "%s\n%s", command, out)
						}
					}
					decideAll(t, g.dir)
					next = s.Next
				}
				code, out := g.sh(t, next)
				require.Equal(t, exitComplete, code, "%s\n%s", next, out)
				assert.Contains(t, out, "0 pending")
			})
		}
	}
}

// outIn is the out directory that was written to last.
func outIn(t *testing.T, dir string) string {
	t.Helper()
	found, newest := "", int64(0)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name(), "report.json")); err == nil && info.ModTime().UnixNano() > newest {
			found, newest = e.Name(), info.ModTime().UnixNano()
		}
	}
	require.NotEmpty(t, found)
	return found
}

// decideAll does what is left to a person: it decides what a value means, in mappings
// and in rows that are to be repaired.
func decideAll(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var decided string
		switch base := filepath.Base(path); {
		case strings.HasSuffix(base, "-fixed.yaml") || strings.HasSuffix(base, "-again.yaml"):
			decided = strings.ReplaceAll(string(text), ": DECIDE", ": reject")
		case base == "rejected.csv":
			decided = strings.ReplaceAll(string(text), "WRONG,", "no,")
		default:
			return nil
		}
		return os.WriteFile(path, []byte(decided), 0o600)
	}))
}

// A dry run in which nothing maps leads to nobody's import.
func TestADryRunOfNothingLeadsToNoImport(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "", "mail", "no"))
	for name, mapping := range map[string]string{
		"nobody is named": strings.Replace(plainMapping, "  email: {from: mail, trim: true, lower: true}\n", "", 1),
		"all are skipped": plainMapping + "skip:\n  - purpose != \"x\"\n",
	} {
		file := r.write(t, "own.yaml", mapping)
		text := exportHeader + exportRow(1, "", "mail", "yes")
		if name == "all are skipped" {
			text = exportHeader + exportRow(1, "ann", "mail", "yes")
		}
		export := r.write(t, "export.csv", text)
		got := r.here(t, nil, "run", "--dry-run", "--mapping", file, "--out", filepath.Join(r.dir, "dry"), export).requireCode(t, exitFailures)
		next := summaryIn(t, filepath.Join(r.dir, "dry")).Next
		assert.Equal(t, "consentimport inspect "+export, next, name)
		assert.NotContains(t, got.stdout, "--approved", name)
	}
}

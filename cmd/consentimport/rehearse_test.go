package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/mapping"
)

func TestARehearsalPasses(t *testing.T) {
	for _, dialect := range []string{"docs", "sdk"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 1500, "")
			before := listing(t, r.dir)
			got := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--dialect", dialect, "--limit", "900",
				"--faults", "400=1%,429=1%,500=1%,lost=2%,latency=1ms", "export.csv").requireCode(t, exitComplete)
			assert.Contains(t, got.stdout, "PASSED: ")
			assert.Contains(t, got.stdout, "1,500 rows, 1,500 consents")
			assert.Regexp(t, `the first 900 rows, (9|1,[0-3])\d\d consents`, got.stdout) // with what leaves with them
			assert.Regexp(t, `killed +after (3|4)\d\d requests: the process was killed`, got.stdout)
			assert.Contains(t, got.stdout, "none is missing")
			assert.Regexp(t, `forecast +about \d+s for 1,[56]\d\d requests`, got.stdout)
			assert.Contains(t, got.stdout, "next:\n  consentimport run export.csv --dialect "+dialect+" --mapping plain.yaml --approved ")
			assert.Equal(t, before, listing(t, r.dir), "nothing is left behind")
			assert.Zero(t, r.server.Stats().Requests)
		})
	}
}

func TestARehearsalSaysWhatToFixFirst(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	text := exportHeader
	for n := range 60 {
		text += exportRow(n+1, "u1", "mail", []string{"yes", "no", "perhaps"}[n%3])
	}
	r.write(t, "export.csv", text)
	got := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--faults", "lost=5%", "--keep", "kept", "export.csv").requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "PASSED, WITH FINDINGS")
	assert.Contains(t, got.stdout, "20 invalid rows")
	assert.Regexp(t, `fix first +20 times: .*is not listed in values`, got.stdout)
	assert.EqualValues(t, 40, summaryIn(t, filepath.Join(r.dir, "kept", "import")).Consents.Sent)
	assert.EqualValues(t, 60, summaryIn(t, filepath.Join(r.dir, "kept", "dry-run")).Rows.Read)
	assert.Contains(t, got.stdout, "consentimport mapping apply kept/dry-run > plain-fixed.yaml\n")

	r.exec(t, "rehearse", "--mapping", "plain.yaml", "--keep", "kept", "export.csv").requireCode(t, exitRefused).message(t)
}

// What a rehearsal wrote is gone with it: what it advises works all the same.
func TestTheCommandsOfARehearsalWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, decision string
		code           int
		files          []string // that the advice speaks of
	}{
		{"with a change of the mapping", "perhaps", exitFailures, []string{"plain-fixed.yaml"}},
		{"with a sheet to sign", "no", exitComplete, []string{"export.csv.dry-run/approval.html"}},
	} {
		g := newGuide(t)
		g.env = []string{"INTEMPT_API_KEY=" + testKey, "INTEMPT_BASE_URL=" + g.url, "INTEMPT_ORG=acme", "INTEMPT_PROJECT=shop"}
		require.NoError(t, os.WriteFile(filepath.Join(g.dir, "plain.yaml"), []byte(plainMapping), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(g.dir, "export.csv"), []byte(exportHeader+exportRow(1, "u1", "mail", "yes")+exportRow(2, "u2", "mail", c.decision)), 0o600))
		code, out := g.sh(t, "consentimport rehearse --mapping plain.yaml --faults latency=1ms export.csv")
		require.Equal(t, c.code, code, out)
		commands := regexp.MustCompile(`(?m)^ +(consentimport .*)$`).FindAllStringSubmatch(out, -1)
		require.GreaterOrEqual(t, len(commands), 2, "%s: %s", c.name, out)
		for i, command := range commands {
			if i == len(commands)-1 {
				for _, f := range c.files {
					require.FileExists(t, filepath.Join(g.dir, f), "%s: %s", c.name, out)
				}
				if c.code == exitFailures {
					edit(t, g, c.files[0], "DECIDE", "reject")
				}
			}
			code, said := g.sh(t, command[1])
			if last := i == len(commands)-1; last || !strings.Contains(command[1], "--dry-run") { // the first one fails as the rehearsal says
				require.Equal(t, exitComplete, code, "%s: %s\n%s", c.name, command[1], said)
			}
		}
	}
}

func TestARehearsalThatStopsEarlyDoesNotPass(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 600, "")
	got := r.exec(t, "rehearse", "--mapping", "plain.yaml", "--faults", "400=90%", "export.csv").requireCode(t, exitFailures)
	assert.Contains(t, got.stdout, "NOT PASSED: the import of the sample ended early")
}

func TestARehearsalRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 24, "")
	for _, args := range [][]string{
		{"--mapping", "plain.yaml", "-"},
		{"--mapping", "plain.yaml", "--faults", "lots=1%", "export.csv"},
		{"--mapping", "plain.yaml", "--dialect", "klingon", "export.csv"},
		{"--mapping", "plain.yaml", "missing.csv"},
		{"export.csv"},
		{},
	} {
		r.exec(t, append([]string{"rehearse"}, args...)...).requireCode(t, exitRefused).message(t)
	}
}

// listing names what lies in a directory.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// Each case is what is due of one person and category, and what arrived.
// A small letter may be there, a capital has to.
func TestHoldingsAreCompared(t *testing.T) {
	for _, c := range []struct {
		due, arrived string
		want         comparison
	}{
		{"ABC", "ABC", comparison{held: 3}},
		{"ABC", "AABCC", comparison{held: 3, repeats: 2}},
		{"AAB", "AAAB", comparison{held: 3, repeats: 1}},
		{"ABC", "AC", comparison{held: 2, missing: 1}},
		{"ABC", "AB", comparison{held: 2, missing: 1}},
		{"ABC", "BAC", comparison{held: 2, missing: 1, strange: 1}},
		{"ABAC", "AABAC", comparison{held: 4, repeats: 1}},
		{"AB", "ABX", comparison{held: 2, strange: 1}},
		{"AB", "ABA", comparison{held: 2, strange: 1}},
		{"aB", "B", comparison{held: 1}},
		{"aB", "AB", comparison{held: 1}},
		{"aA", "A", comparison{held: 1}},
		{"aA", "AA", comparison{held: 1, repeats: 1}},
		{"abC", "BC", comparison{held: 1}},
		{"Ab", "A", comparison{held: 1}},
	} {
		h := newHoldings(intempt.Wording{}, false)
		made := func(letter rune) mapping.Consent {
			return mapping.Consent{Action: mapping.Accept, Timestamp: int64(letter), ValidUntil: mapping.Unlimited, UserID: []byte("u"), Category: []byte("mail")}
		}
		for _, letter := range c.due {
			may := letter >= 'a'
			if may {
				letter -= 'a' - 'A'
			} else {
				h.sent++
			}
			consent := made(letter)
			lane, hash := h.sum(&consent)
			h.lanes[lane] = append(h.lanes[lane], due{hash: hash, may: may})
		}
		got := h.compare(func(yield func(*sandbox.Consent) bool) {
			for _, letter := range c.arrived {
				if !yield(&sandbox.Consent{Action: mapping.Accept, Timestamp: int64(letter), ValidUntil: mapping.Unlimited, UserID: "u", Category: "mail"}) {
					return
				}
			}
		})
		assert.Equal(t, c.want, got, "due %s, arrived %s", c.due, c.arrived)
	}
}

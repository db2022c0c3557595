package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// exportOfAll has rows of every kind, some hundred people who change their minds, and
// decisions that stand up to so many rows too early.
func exportOfAll(rows, jumble int) string {
	random := rand.New(rand.NewPCG(11, uint64(jumble)))
	var text strings.Builder
	text.WriteString(exportHeader)
	for n := 1; n <= rows; n++ {
		decision := []string{"yes", "no"}[random.IntN(2)]
		switch random.IntN(30) {
		case 0:
			decision = "hm"
		case 1:
			decision = ""
		}
		row := exportRow(n, fmt.Sprintf("u%d", random.IntN(300)), []string{"mail", "ads", "News", "news"}[random.IntN(4)], decision)
		if jumble > 0 {
			own := exportRow(n+random.IntN(jumble), "", "", "")
			row = row[:strings.LastIndex(row, ",")] + own[strings.LastIndex(own, ","):]
		}
		text.WriteString(row)
		if random.IntN(50) == 0 {
			text.WriteString(row) // a repeat
		}
	}
	return text.String()
}

// The reports that a run writes while it sends are, to the byte, those that report derives
// from its checkpoint afterwards, but for what each of them advises.
func TestReportsOfARunAreThoseOfItsCheckpoint(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		faults string
		rows   int
		jumble int
		flags  []string
		json   bool
	}{
		"calm":                      {rows: 5000},
		"faults of all kinds":       {rows: 3000, faults: "400=5%,429=3%,500=1%,reset=1%", jumble: 30, flags: []string{"--max-failures", "100%"}},
		"most of it refused":        {rows: 2000, faults: "400=70%", jumble: 3000, flags: []string{"--max-failures", "100%"}},
		"stopped by the budget":     {rows: 5000, faults: "400=60%"},
		"stopped by the limit":      {rows: 5000, faults: "400=1%", flags: []string{"--limit", "3333"}},
		"the last word alone":       {rows: 3000, jumble: 500, faults: "400=2%", flags: []string{"--history", "latest"}},
		"as the rows stand":         {rows: 3000, jumble: 500, faults: "400=2%", flags: []string{"--history", "rows"}},
		"without those who opt out": {rows: 3000, flags: []string{"--suppress", "LIST"}},
		"rows of an array":          {rows: 3000, jumble: 30, faults: "400=2%", json: true},
		"nothing but an accept":     {rows: 1},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, c.faults)
			text := exportOfAll(c.rows, c.jumble)
			if what == "nothing but an accept" {
				text = exportHeader + exportRow(1, "ann", "mail", "yes")
			}
			if c.json {
				text, r.export = jsonOf(t, text), filepath.Join(r.dir, "export.json")
			}
			r.write(t, filepath.Base(r.export), text)
			for i, f := range c.flags {
				if f == "LIST" {
					c.flags[i] = r.write(t, "list.txt", "u1\nu2\nu3@people.example\n")
				}
			}
			f := r.here(t, nil, r.args(c.flags...)...)
			require.Contains(t, []int{exitComplete, exitFailures, exitIncomplete, exitPermissive}, f.code, f.stderr)
			of := func() map[string]string {
				files := filesIn(t, r.out())
				delete(files, "report.html") // it advises
				var all map[string]any
				require.NoError(t, json.Unmarshal([]byte(files["report.json"]), &all))
				for _, k := range []string{"notes", "next", "steps", "suggestions"} {
					delete(all, k)
				}
				plain, err := json.MarshalIndent(all, "", " ")
				require.NoError(t, err)
				files["report.json"] = string(plain)
				return files
			}
			got := of()
			r.here(t, nil, "report", r.out()).requireCode(t, f.code)
			want := of()
			for name := range want {
				assert.Equal(t, want[name], got[name], name)
			}
			assert.Len(t, got, len(want))
			r.here(t, nil, "verify", r.out())
		})
	}
}

// jsonOf makes an array of objects of a CSV export.
func jsonOf(t *testing.T, text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	names := strings.Split(lines[0], ",")
	var out []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range strings.Split(line, ",") {
			row[names[i]] = cell
		}
		out = append(out, row)
	}
	array, err := json.Marshal(out)
	require.NoError(t, err)
	return string(array)
}

// A list that cannot be written while the run goes on stops nobody: it is written when
// the run has ended.
func TestAListThatCannotBeWrittenStopsNoRun(t *testing.T) {
	t.Parallel()
	calm := crashRehearsal(t)
	code := calm.here(t, nil, calm.args("--concurrency", "3")...).code
	want := calm.derived(t)
	for _, what := range []string{"create", "write"} {
		t.Run(what, func(t *testing.T) {
			through := 0
			for k := int64(1); ; k++ {
				r := crashRehearsal(t)
				disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: k, Do: faultdisk.Fail, Only: what, Once: true})
				f := r.here(t, disk, r.args("--concurrency", strconv.Itoa(crashConcurrency))...)
				if disk.Steps() < k {
					break
				}
				if f.code != code {
					require.Contains(t, []int{exitRefused, exitIncomplete}, f.code, "%s %d: %s", what, k, f.stderr)
					continue
				}
				through++
				assert.Equal(t, want, r.derived(t), "%s %d", what, k)
			}
			assert.Positive(t, through, "lists that could not be written at first")
		})
	}
}

// What a report leaves that is killed is gone with the next one, and with a purge.
func TestWhatAKilledReportLeavesIsRemoved(t *testing.T) {
	t.Parallel()
	r := crashRehearsal(t)
	code := r.here(t, nil, r.args()...).code
	for _, args := range [][]string{{"report", r.out()}, {"purge", r.out()}} {
		left := filepath.Join(r.out(), ".rejected-3.csv.tmp")
		require.NoError(t, os.WriteFile(left, []byte("ann"), 0o600))
		f := r.here(t, nil, args...)
		require.Contains(t, []int{exitComplete, code}, f.code, f.stderr)
		assert.NoFileExists(t, left, args[0])
	}
}

// A run removes what a dead one was writing as soon as it begins, and not what one at work
// writes.
func TestARunRemovesWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 60, "latency=100ms")
	r.here(t, nil, r.args("--limit", "5")...).requireCode(t, exitIncomplete)
	left := []string{".rejected.csv.tmp", ".successes.csv.tmp", ".suppress.csv.tmp", ".input.zst.tmp", ".repair-2.csv.tmp"}
	for _, name := range left {
		require.NoError(t, os.WriteFile(filepath.Join(r.out(), name), []byte("ann"), 0o600))
	}
	r.here(t, nil, "verify", r.out())
	for _, name := range left { // verify changes nothing
		require.FileExists(t, filepath.Join(r.out(), name))
	}
	sent := r.server.Stats().Stored
	child := r.start(t, r.args("--resume", "--concurrency", "2")...)
	require.Eventually(t, func() bool { return r.server.Stats().Stored > sent }, waitFor, tick)
	for _, name := range left {
		assert.NoFileExists(t, filepath.Join(r.out(), name))
	}
	living := filepath.Join(r.out(), ".rejected.csv.tmp")
	require.NoError(t, os.WriteFile(living, []byte("ann"), 0o600)) // as if it were at its report
	for _, args := range [][]string{r.args("--resume"), {"report", r.out()}, {"purge", r.out()}, {"verify", r.out()}, {"evidence", r.out()}} {
		r.here(t, nil, args...).requireCode(t, exitRefused)
		assert.FileExists(t, living, args[0])
	}
	child.wait(t).requireCode(t, exitComplete)
	assert.NoFileExists(t, living)
}

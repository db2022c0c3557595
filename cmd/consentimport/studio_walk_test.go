package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
)

// journey is a migration in a browser: a studio in a process of its own, and a target.
type journey struct {
	*tab
	program
	server *sandbox.Server
	export string
	args   []string // of the studio
	kill   func()
}

// beginJourney starts everything on an export whose files lie in dir.
func beginJourney(t *testing.T, dir, faults string, files ...string) *journey {
	t.Helper()
	w := &journey{tab: openTab(t), server: newSandboxWith(t, testKey, faults), export: filepath.Join(dir, files[0]), args: files}
	w.program = program{dir: dir, env: []string{"INTEMPT_API_KEY=" + testKey, arrivedAt + "=" + awaitQuiet(t, w.server)}}
	w.restart(t)
	return w
}

// restart opens another studio on the same files.
func (w *journey) restart(t *testing.T) {
	t.Helper()
	var p *pages
	p, w.kill = startStudio(t, w.program, w.args...)
	w.enter(t, p)
}

// send fills the form in, as whoever holds the signed sheet does, and presses a button. What
// is known of the target is there already when the import has begun.
func (w *journey) send(t *testing.T, button string, fields ...string) {
	t.Helper()
	w.click(t, `input[value="real"]`)
	if eval[string](t, w.tab, `document.querySelector("[name=org]").value`) == "" {
		w.fill(t, "base-url", w.server.URL(), "org", "acme", "project", "shop")
	}
	w.fill(t, append(fields, "approved", w.hash(t)[:12])...)
	w.press(t, button)
}

// hash reads the approval hash off the sheet that is signed.
func (w *journey) hash(t *testing.T) string {
	t.Helper()
	sheet, err := os.ReadFile(w.export + ".dry-run/approval.html")
	require.NoError(t, err)
	hash := summaryIn(t, w.export+".dry-run").ApprovalHash
	require.Contains(t, string(sheet), hash[:8])
	return hash
}

// dryRun makes one and looks at its sheet.
func (w *journey) dryRun(t *testing.T) {
	t.Helper()
	w.visit(t, "Dry run")
	w.leave(t, `form[action="/dry-run"] button`)
	w.see(t, "The sheet to sign")
	sheet := w.at() + "/out/" + url.PathEscape(filepath.Base(w.export)+".dry-run") + "/approval.html"
	w.run(t, chromedp.Navigate(sheet))
	w.see(t, w.hash(t)[:8])
	w.run(t, chromedp.Navigate(w.at()+"/dry-run"))
	w.see(t, "The sheet to sign")
}

// verify has the import verified on the page of the reports.
func (w *journey) verify(t *testing.T) {
	t.Helper()
	w.visit(t, "Reports")
	w.leave(t, `//form[input[@value="`+filepath.Base(w.export)+`.import"]]/button[@value="verify"]`)
	w.see(t, "Ended with exit code 0")
}

// arrived gives what the sandbox has of each person and category, in the order of arrival.
func (w *journey) arrived() map[string][]string {
	got := map[string][]string{}
	for _, c := range w.server.Consents() {
		got[c.UserID+"/"+c.Category] = append(got[c.UserID+"/"+c.Category], c.Action.String())
	}
	return got
}

// requireTruth holds what arrived against one decision a person: each at least once, and
// none more than once but for those that were in flight or whose answer was lost.
func (w *journey) requireTruth(t *testing.T, want map[string]string, repeats int64) {
	t.Helper()
	got := w.arrived()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	var twice int64
	for key, actions := range got {
		for _, a := range actions {
			assert.Equal(t, want[key], a, key)
		}
		twice += int64(len(actions) - 1)
	}
	assert.LessOrEqual(t, twice, repeats, "repeats")
}

// A platform's export whose preset fits: begin with it, dry run, sign, run, verify. Each page
// is looked at in each of its states.
func TestAWalkWithAPreset(t *testing.T) {
	t.Parallel()
	const preset = "transcend"
	dir := t.TempDir()
	example := filepath.Join("../../testdata/exports", preset)
	text, err := os.ReadFile(filepath.Join(example, "export.csv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "preferences.csv"), text, 0o600))
	w := beginJourney(t, dir, "429=5%,500=2%,latency=1ms", "preferences.csv")

	w.see(t, "What it is")
	w.look(t, "file")
	w.visit(t, "Mapping")
	w.see(t, "The preset "+preset+" fits")
	w.look(t, "mapping-begin")
	w.tabThrough(t, "mapping-begin")
	w.press(t, "Begin with "+preset)
	w.see(t, "What rows become")
	w.see(t, "→ consent 1.1:")
	w.look(t, "mapping-preset")
	w.visit(t, "Run")
	w.see(t, "Nothing is sent without approval")
	w.visit(t, "Dry run")
	w.look(t, "dry-run-none")
	w.dryRun(t)
	w.look(t, "dry-run")
	w.tabThrough(t, "dry-run")
	w.visit(t, "Run")
	w.look(t, "run-form")
	w.tabThrough(t, "run-form")
	w.send(t, "Begin the run")
	w.see(t, "The import: complete")
	w.look(t, "run-ended")
	w.verify(t)
	w.look(t, "reports")
	w.tabThrough(t, "reports")
	w.quiet(t)

	var want, got []string
	lines, err := os.ReadFile(filepath.Join(example, "want.jsonl"))
	require.NoError(t, err)
	for line := range strings.Lines(string(lines)) {
		var c struct {
			UserID, ProfileID, Category, Action string
			Timestamp                           int64
		}
		require.NoError(t, json.Unmarshal([]byte(line), &c))
		want = append(want, fmt.Sprint(c))
	}
	for _, c := range w.server.Consents() {
		got = append(got, fmt.Sprint(struct {
			UserID, ProfileID, Category, Action string
			Timestamp                           int64
		}{c.UserID, c.ProfileID, c.Category, c.Action.String(), c.Timestamp}))
	}
	assert.ElementsMatch(t, want, got)
}

// What rows become is shown for the text as it stands: when the studio dies under an open page,
// the answer to an earlier text does not go on standing there.
func TestAPageSaysThatItsStudioIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, err := os.ReadFile("../../testdata/exports/transcend/export.csv")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "preferences.csv"), text, 0o600))
	w := beginJourney(t, dir, "", "preferences.csv")
	w.visit(t, "Mapping")
	w.press(t, "Begin with transcend")
	w.see(t, "→ consent 1.1:")
	w.kill()
	w.run(t, chromedp.Focus("textarea[data-live]"), chromedp.SendKeys("textarea[data-live]", " "))
	w.see(t, "The studio does not answer, so what stood here is out of date")
	w.until(t, `!document.body.innerText.includes("→ consent 1.1:")`)
	w.quiet(t, "ERR_")
}

// thirteen are spellings that an export has, and what a person says that they mean.
var thirteen = [][2]string{
	{"yes", "accept"}, {"no", "reject"}, {"ja", "accept"}, {"nein", "reject"}, {"oui", "accept"}, {"non", "reject"}, {"si", "accept"},
	{"opt-in", "accept"}, {"opt-out", "reject"}, {"accepted", "accept"}, {"declined", "reject"}, {"unknown", "nothing"}, {"later", "nothing"},
}

// A suggestion with thirteen values to decide, by keyboard; what a change would do; a run that
// is paused, killed with its studio, and resumed by another one.
func TestAWalkWithThirteenValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var export strings.Builder
	export.WriteString("customer_id,email,marketing_choice,consented_at\n")
	want := map[string]string{}
	for i := range 20 * len(thirteen) {
		v := thirteen[i%len(thirteen)]
		fmt.Fprintf(&export, "c%d,c%d@example.com,%s,2026-05-%02dT10:%02d:00Z\n", i, i, v[0], 1+i%28, i%60)
		if v[1] != "nothing" {
			want[fmt.Sprintf("c%d/marketing", i)] = v[1]
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prefs.csv"), []byte(export.String()), 0o600))
	w := beginJourney(t, dir, "429=3%,500=2%,latency=2ms", "prefs.csv")
	w.see(t, "What it is")
	w.visit(t, "Mapping")
	w.see(t, "A suggestion from the columns")
	w.press(t, "Begin with a suggestion")
	w.see(t, "13 values still to decide")
	w.look(t, "mapping-open")
	w.tabThrough(t, "mapping-open")

	// Everything is done without a mouse: a select takes what is typed.
	for n := range thirteen {
		value := eval[string](t, w.tab, fmt.Sprintf(`document.getElementById("value-%d").textContent`, n))
		at := slices.IndexFunc(thirteen, func(v [2]string) bool { return v[0] == value })
		require.GreaterOrEqual(t, at, 0, value)
		typed := map[string]string{"accept": "acc", "reject": "rej", "nothing": "says"}[thirteen[at][1]]
		sel := fmt.Sprintf(`select[name="choice.%d"]`, n)
		w.run(t, chromedp.Focus(sel), chromedp.SendKeys(sel, typed))
		require.Equal(t, thirteen[at][1], eval[string](t, w.tab, `document.querySelector('`+sel+`').value`), value)
	}
	w.run(t, chromedp.Focus(`button[formaction="/mapping/decide"]`), chromedp.KeyEvent("\r"))
	w.see(t, "Every value of these tables is decided")
	// The rest of what is to be decided is text.
	w.edit(t, "{const: DECIDE}", "{const: marketing}")
	w.edit(t, `(?s)timestamp:\n    cases:.*?- from: consented_at`, "timestamp: consented_at")
	w.see(t, "→ consent 1.1: accept")
	w.press(t, "Save the text")
	w.see(t, "Go on to the dry run")
	w.dryRun(t)

	// What would another meaning do? Nothing of it is saved.
	w.visit(t, "Mapping")
	w.edit(t, `"nein": reject`, `"nein": accept`)
	w.see(t, "Values that mean something else")
	w.see(t, "120 → 140")
	w.look(t, "mapping-changes")

	w.visit(t, "Run")
	w.send(t, "Begin the run", "rate", "40")
	w.see(t, "a second")
	w.press(t, "Pause")
	w.see(t, "paused")
	w.until(t, `[...document.querySelectorAll("dt")].find(e => e.textContent === "In flight").nextElementSibling.textContent === "0"`)
	w.look(t, "run-paused")
	w.tabThrough(t, "run-paused")
	sent := len(w.server.Consents())
	require.Positive(t, sent)
	require.Less(t, sent, len(want), "it was to be paused before its end")
	w.fill(t, "value", "45") // the first of the two is the pace
	w.press(t, "Set the pace")
	w.see(t, "45 a second at most")
	assert.Len(t, w.server.Consents(), sent, "nothing leaves while it is paused")
	w.press(t, "Go on")
	w.see(t, "running")
	w.kill()
	w.run(t, chromedp.Navigate("about:blank")) // the page that asks a dead studio is closed

	w.restart(t)
	w.see(t, "What it is")
	w.visit(t, "Run")
	w.see(t, "The last run ended without its reports")
	w.look(t, "run-killed")
	w.send(t, "Resume")
	w.see(t, "The import: complete")
	w.verify(t)
	w.quiet(t, "ERR_", "about:blank") // of the studio that was killed
	w.requireTruth(t, want, 64)
}

// edit changes the text of the mapping and lets the page know, as typing does.
func (w *journey) edit(t *testing.T, pattern, with string) {
	t.Helper()
	flags := ""
	pattern, dotAll := strings.CutPrefix(pattern, "(?s)")
	if dotAll {
		flags = "s"
	} else {
		pattern = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(pattern)
	}
	changed := eval[bool](t, w.tab, fmt.Sprintf(`(() => { const t = document.getElementById("text"), was = t.value;
		t.value = was.replace(new RegExp(%q, %q), () => %q); t.dispatchEvent(new Event("input", {bubbles: true})); return t.value !== was; })()`, pattern, flags, with))
	require.True(t, changed, "the text has %s", pattern)
}

// A messy export: rows in two encodings, line ends within cells, times that are none, a value
// that nobody knew. It is decided, run against a target with all kinds of faults, paused,
// killed, resumed, what was refused sent again, the rest repaired, and verified.
func TestAWalkWithAMess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var export strings.Builder
	export.WriteString("id,note,choice,at\n")
	want := map[string]string{}
	for i := range 300 {
		note, choice, at := fmt.Sprintf("Grüße,\nZeile %d", i), []string{"yes", "no"}[i%2], fmt.Sprintf("2026-05-%02dT10:%02d:00Z", 1+i%28, i%60)
		want[fmt.Sprintf("m%d/news", i)] = []string{"accept", "reject"}[i%2]
		switch i {
		case 20, 90:
			note = "Gr\xfc\xdfe \x80,\r\nzweite Zeile" // windows-1252
		case 40:
			at = "2026-02-31T10:00:00Z"
		case 60:
			choice = "vielleicht"
		}
		fmt.Fprintf(&export, "m%d,\"%s\",%s,%s\n", i, note, choice, at)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mess.csv"), []byte(export.String()), 0o600))
	mapped := strings.NewReplacer("choice\n", "choice\n", "marketing", "news", `      "later": DECIDE`+"\n", "").Replace(studioMapping)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mess.csv.mapping.yaml"), []byte(mapped), 0o600))
	w := beginJourney(t, dir, "400=4%,429=4%,500=3%,lost=2%,latency=2ms", "mess.csv")
	w.see(t, "What it is")
	w.visit(t, "Mapping")
	w.see(t, "2 values still to decide")
	for n, choice := range []string{"accept", "reject"} {
		w.run(t, chromedp.SetValue(fmt.Sprintf(`select[name="choice.%d"]`, n), choice))
	}
	w.press(t, "Write the decisions into the mapping")
	w.see(t, "Every value of these tables is decided")
	w.dryRun(t)
	w.see(t, "4 invalid")
	// The value that nobody knew stands among those to decide; here it stays for the repair.
	w.visit(t, "Mapping")
	w.see(t, "vielleicht")
	w.see(t, "1 value still to decide")
	first := eval[string](t, w.tab, `document.querySelector("#trial .row").innerText`)
	assert.Contains(t, first, "→ invalid", "rows that fail come first")
	w.look(t, "mapping-mess")

	w.visit(t, "Run")
	w.send(t, "Begin the run", "rate", "60", "concurrency", "8")
	w.see(t, "refused 400") // failures as they come, with their rows
	w.press(t, "Pause")
	w.see(t, "paused")
	w.look(t, "run-failures")
	w.press(t, "Go on")
	w.see(t, "running")
	w.kill()
	w.run(t, chromedp.Navigate("about:blank"))
	w.restart(t)
	w.visit(t, "Run")
	w.see(t, "The last run ended without its reports")
	w.send(t, "Resume")
	w.see(t, "The import: complete")
	refused := summaryIn(t, w.export+".import").Consents.Refused
	require.Positive(t, refused)
	fair, err := sandbox.ParseFaults("")
	require.NoError(t, err)
	w.server.SetFaults(fair)
	w.send(t, "Retry what failed")
	w.see(t, "The import: complete")

	w.press(t, "Repair rows")
	w.see(t, "Rows 1 to 4 of 4 that failed")
	w.see(t, "windows-1252")
	assert.Equal(t, "Grüße €,\nzweite Zeile", eval[string](t, w.tab, `document.querySelector('[name="cell.21.1"]').value`))
	w.fill(t, "cell.41.3", "2026-05-30T10:00:00Z", "cell.61.2", "yes")
	w.look(t, "repair")
	w.tabThrough(t, "repair")
	w.press(t, "Save the repaired rows")
	w.see(t, "Saved in mess.csv.import-repaired.csv")
	w.send(t, "Go on with the import")
	w.see(t, "The import: complete")
	w.see(t, "0 invalid")
	w.verify(t)
	w.quiet(t, "ERR_", "about:blank")
	stats := w.server.Stats()
	w.requireTruth(t, want, 8+stats.Faults["lost"])
}

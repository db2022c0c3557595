package main

import (
	"crypto/sha256"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

// A cell of JSON beside columns, a table for each, and one that asks the opposite.
const manyTables = `name: many
input: {json: [prefs]}
skip:
  - {when: kind == "test", reason: it is a test}
each:
  - columns: {mail: mail}
    consent:
      action: {from: each.value, values: {"on": accept}}
  - object: prefs
consent:
  userId: id
  action:
    cases:
      - when: each.key == "dnd"
        from: each.value
        values:
          "1": reject
      - from: each.value
        values:
          "1": accept
  timestamp: at
  category: each.key
  source: {const: web}
  validUntil: unlimited
`

const manyTablesExport = `id,kind,mail,prefs,at
u1,x,on,"{""ads"":""1"",""dnd"":""1""}",2026-05-01T10:00:00Z
u2,x,off,"{""ads"":""1""}",2026-05-01T10:00:00Z
u3,x,on,"{""ads"":""0""}",2026-05-01T10:00:00Z
u4,test,on,"{""ads"":""1""}",2026-05-01T10:00:00Z
`

// Every value that the dry run found can be decided in the table that it belongs to, be it of a
// block, a case or a cell of JSON; of what no table decides the page says why and where.
func TestEveryValueIsDecidedOrExplained(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	file := p.export + ".mapping.yaml"
	require.NoError(t, os.WriteFile(p.export, []byte(manyTablesExport), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(manyTables), 0o600))
	csrf := p.enter(t)
	p.post(t, "/dry-run", url.Values{"csrf": {csrf}})
	p.await(t, "/dry-run", "2 invalid")
	page := p.get(t, "/mapping")
	for _, want := range []string{"each[0].consent.action", "consent.action.cases[0]", "each.key == &#34;dnd&#34;", "consent.action.cases[1]"} {
		assert.Contains(t, page, want)
	}
	fixed := page[strings.Index(page, "that no table decides"):]
	assert.Contains(t, fixed, "it is a test")
	assert.Contains(t, fixed, "line 4 of the mapping")

	// The number of a value in a table, as the form has it.
	form := url.Values{"csrf": {csrf}, "text": {manyTables}, "digest": {regexp.MustCompile(`name="digest" value="(\w+)"`).FindStringSubmatch(page)[1]}}
	choose := func(path, value, choice string) {
		t.Helper()
		m := regexp.MustCompile(`name="value\.(\d+)" value="` + value + `"><input type="hidden" name="at\.\d+" value="` + regexp.QuoteMeta(path) + `"`).FindStringSubmatch(page)
		require.NotNil(t, m, "%s of %s\n%s", value, path, page)
		for name, v := range map[string]string{"value": value, "at": path, "was": "unlisted", "choice": choice} {
			form.Set(name+"."+m[1], v)
		}
	}
	choose("each[0].consent.action", "off", "reject")
	choose("consent.action.cases[1]", "0", "nothing")
	answer, body := p.ask(t, http.MethodPost, "/mapping/decide", form, nil)
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, body)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want := strings.NewReplacer(`{"on": accept}`, `{"off": reject, "on": accept}`, `          "1": accept`, "          \"0\": null\n          \"1\": accept").Replace(manyTables)
	assert.Equal(t, want, string(text))

	// What changed against the last dry run: two values, and the persons of two categories.
	p.await(t, "/mapping", "Values that mean something else")
	page = p.get(t, "/mapping")
	changed := page[strings.Index(page, "Against the last dry run"):strings.Index(page, "failed in the last dry run")]
	assert.Regexp(t, `(?s)<code>off</code> <span class="note">mail</span></th><td><span class="is invalid">invalid</span></td><td><span class="is reject">reject</span>`, changed)
	assert.Contains(t, changed, "2 invalid rows become 0")
	assert.Contains(t, changed, "Persons by their last word")
	p.post(t, "/dry-run", url.Values{"csrf": {csrf}})
	p.await(t, "/dry-run", "none invalid")
	assert.NotContains(t, p.get(t, "/mapping"), "Against the last dry run", "it is what was tried last")
}

// What cannot be seen in a value is seen where it is decided, and the decision is about that
// value: a browser sends each line end of a field as CR LF.
func TestValuesThatCannotBeSeenAreDecided(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	file := p.export + ".mapping.yaml"
	text := strings.NewReplacer(`"no": DECIDE`, `"yes\u200b": DECIDE`, `"later": DECIDE`, "\"\\u202eon\": DECIDE\n      \"two\\nlines\": DECIDE\n      \"100%0A\": DECIDE").Replace(studioMapping)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	csrf := p.enter(t)
	page := p.get(t, "/mapping")
	for _, seen := range []string{`>yes\u200b</code>`, `>\u202eon</code>`, `>two\nlines</code>`} {
		assert.Contains(t, page, seen)
	}
	form := url.Values{"csrf": {csrf}, "text": {text}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([a-z]+[.\d]*)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n").Replace(html.UnescapeString(field[2])))
	}
	for name := range form {
		if n, ok := strings.CutPrefix(name, "value."); ok && form.Get("was."+n) == "DECIDE" {
			form.Set("choice."+n, "reject")
		}
	}
	answer, body := p.ask(t, http.MethodPost, "/mapping/decide", form, nil)
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, body)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(text, "DECIDE", "reject"), string(written))
}

// A run that reads a large export before it sends, begun in a terminal, was not killed, and
// nobody is asked to go on with it.
func TestARunThatDoesNotSendYetWasNotKilled(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	require.NoError(t, os.Remove(filepath.Join(r.out(), "report.json")))
	p := openStudioOn(t, r.dir, r.export, nil)
	p.enter(t)
	assert.Contains(t, p.get(t, "/run"), "It was killed")
	lock, err := journal.Lock(journal.OS{}, r.out())
	require.NoError(t, err)
	page := p.get(t, "/run")
	assert.Contains(t, page, "takes no orders now")
	assert.NotContains(t, page, "It was killed")
	assert.NotContains(t, page, ">Resume<")
	answer, _ := p.ask(t, http.MethodGet, "/run/progress", nil, nil)
	assert.Empty(t, answer.Header.Get("X-Done"), "the page goes on asking")
	require.NoError(t, lock.Close())
	answer, _ = p.ask(t, http.MethodGet, "/run/progress", nil, nil)
	assert.Equal(t, "yes", answer.Header.Get("X-Done"))
}

// However long the table of the last dry run is: what nobody has decided stands at its end.
func TestValuesAtTheEndOfALongTableAreDecided(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	file := p.export + ".mapping.yaml"
	export := strings.Builder{}
	export.WriteString("id,choice,at,cat\n")
	for n := range 2100 {
		fmt.Fprintf(&export, "u%d,%s,2026-05-01T10:00:00Z,c%d\n", n, []string{"yes", "no", "NO"}[n%3], n)
	}
	export.WriteString("x,perhaps,2026-05-01T10:00:00Z,c1\ny,Perhaps,2026-05-01T10:00:00Z,c2\n")
	for n := range 300 {
		fmt.Fprintf(&export, "v%d,,2026-05-01T10:00:00Z,e%d\n", n, n)
	}
	require.NoError(t, os.WriteFile(p.export, []byte(export.String()), 0o600))
	text := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, "      \"later\": DECIDE\n", "", "{const: marketing}", "{from: cat}").Replace(studioMapping)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	csrf := p.enter(t)
	p.post(t, "/dry-run", url.Values{"csrf": {csrf}})
	p.await(t, "/dry-run", "2 invalid")
	assert.Contains(t, p.get(t, "/dry-run"), "There are more; decisions.csv has them all.")

	page := p.get(t, "/mapping")
	for _, want := range []string{
		"1 value still to decide", `>perhaps</code> <span class="note">2 times</span> <span class="note">· not in the mapping`,
		`>yes</code> <span class="note">700 times</span>`, `>no</code> <span class="note">1,400 times</span>`, // with those in other letters
		"300 lines of the last dry run that no table decides, the first 200 of them",
	} {
		assert.Contains(t, page, want)
	}
	changed := strings.Replace(text, `"no": reject`, `"no": accept`, 1)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
	p.await(t, "/mapping", "Values that mean something else")
	page = p.get(t, "/mapping")
	assert.Contains(t, page, "1200 more values mean something else", "all 1,400 became something else, and no other") // 200 are shown
}

// Of two tabs that save at once one is told of the other.
func TestTwoSavesAtOnce(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	file := p.export + ".mapping.yaml"
	require.NoError(t, os.WriteFile(file, []byte(studioMapping), 0o600))
	csrf := p.enter(t)
	for round := range 10 {
		was, err := os.ReadFile(file)
		require.NoError(t, err)
		var codes [2]int
		var tabs sync.WaitGroup
		for tab := range codes {
			tabs.Go(func() {
				form := url.Values{"csrf": {csrf}, "digest": {fmt.Sprintf("%x", sha256.Sum256(was))}, "text": {studioMapping + fmt.Sprintf("# round %d, tab %d\n", round, tab)}}
				answer, _ := p.ask(t, http.MethodPost, "/mapping/save", form, nil)
				codes[tab] = answer.StatusCode
			})
		}
		tabs.Wait()
		assert.ElementsMatch(t, []int{http.StatusSeeOther, http.StatusConflict}, codes[:])
	}
}

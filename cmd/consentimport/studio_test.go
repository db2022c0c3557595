package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/cmd/consentimport/studio"
	"github.com/consentimport/consentimport/importer/journal"
)

// studioExport has three values to decide, and what a page must not run in its header,
// cells and name.
const studioExport = "id,\"<script>alert(1)</script>\",choice,at\n" +
	"u1,\"<img src=x onerror=alert(2)>\",yes,2026-05-01T10:00:00Z\n" +
	"u2,plain,no,2026-05-01T11:00:00Z\n" +
	"u3,plain,later,2026-05-01T12:00:00Z\n"

const studioMapping = `name: acme
# what the form offered
consent:
  userId: id
  action:
    from: choice
    values:
      "yes": DECIDE # 1 time
      "no": DECIDE
      "later": DECIDE
  timestamp: at
  category: {const: marketing}
  source: {const: web}
  validUntil: unlimited
`

// pages is an open studio and a browser of the plainest kind.
type pages struct {
	http.Client
	dir, export string
	opened      string // the URL that was printed
	base        string
	end         func() int // stops it as a signal does, and gives the exit code
}

// openStudio starts the command and does not open its URL yet.
func openStudio(t *testing.T, vars map[string]string) *pages {
	t.Helper()
	dir := t.TempDir()
	export := filepath.Join(dir, "<b>choices<b>.csv")
	require.NoError(t, os.WriteFile(export, []byte(studioExport), 0o600))
	return openStudioOn(t, dir, export, vars)
}

// openStudioOn starts the command on an export that is there.
func openStudioOn(t *testing.T, dir, export string, vars map[string]string) *pages {
	t.Helper()
	p := &pages{dir: dir, export: export}
	var stdout, stderr safeBuffer
	signals := make(chan os.Signal, 1)
	env := &environment{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, disk: journal.OS{}, width: 80,
		getenv:  func(name string) string { return vars[name] },
		signals: func() (<-chan os.Signal, func()) { return signals, func() {} },
	}
	ended := make(chan int, 1)
	args := []string{"studio"}
	if export != "" {
		args = append(args, export)
	}
	go func() { ended <- run(env, args) }()
	printed := regexp.MustCompile(`studio: (http://127\.0\.0\.1:\d+)(/\?token=\S+)\n`)
	require.Eventually(t, func() bool { return printed.MatchString(stdout.String()) }, 10*time.Second, time.Millisecond, "%s", &stderr)
	m := printed.FindStringSubmatch(stdout.String())
	p.base, p.opened = m[1], m[1]+m[2]
	stopped := false
	p.end = func() int {
		if stopped {
			return -1
		}
		stopped = true
		signals <- os.Interrupt
		return <-ended
	}
	t.Cleanup(func() { p.end() })
	p.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

// ask sends a request with a change made to it.
func (p *pages) ask(t *testing.T, method, path string, form url.Values, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.base)
	}
	if change != nil {
		change(r)
	}
	answer, err := p.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func (p *pages) get(t *testing.T, path string) string {
	t.Helper()
	answer, body := p.ask(t, http.MethodGet, path, nil, nil)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", path, body)
	return body
}

// enter opens the URL that was printed and gives the word that forms carry.
func (p *pages) enter(t *testing.T) (csrf string) { return p.enterAt(t, "/mapping") }

func (p *pages) enterAt(t *testing.T, path string) (csrf string) {
	t.Helper()
	var err error
	p.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	p.get(t, strings.TrimPrefix(p.opened, p.base))
	m := regexp.MustCompile(`name="csrf" value="(\w+)"`).FindStringSubmatch(p.get(t, path))
	require.NotNil(t, m)
	return m[1]
}

// askable gives the paths that the studio answers to with a method, from its own table.
func askable(t *testing.T, method string) (paths []string) {
	t.Helper()
	for _, pattern := range studio.Patterns() {
		of, path, _ := strings.Cut(pattern, " ")
		if path = strings.NewReplacer("{$}", "", "{dir}", "x.import", "{file}", "report.html", "/assets/", "/assets/studio.js").Replace(path); of == method {
			paths = append(paths, path)
		}
	}
	require.Greater(t, len(paths), 5, "a table without %s tells nothing", method)
	return paths
}

func (p *pages) files(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Nobody but the browser that was given the token is answered, whatever it asks.
func TestTheStudioAnswersItsOwnPagesAlone(t *testing.T) {
	t.Parallel()
	const secret = "sk_live_very_secret_value"
	p := openStudio(t, map[string]string{"INTEMPT_API_KEY": secret})
	refuses := func(name, method, path string, form url.Values, change func(*http.Request)) {
		t.Helper()
		answer, body := p.ask(t, method, path, form, change)
		assert.GreaterOrEqual(t, answer.StatusCode, 400, "%s: %s %s", name, method, path)
		assert.Less(t, answer.StatusCode, 500, "%s: %s %s", name, method, path)
		assert.Empty(t, answer.Header.Values("Set-Cookie"), name)
		assert.NotContains(t, body, "marketing")
	}
	gets, posts := append(askable(t, http.MethodGet), "/nothing"), askable(t, http.MethodPost)
	for _, path := range gets {
		refuses("no cookie", http.MethodGet, path, nil, nil)
	}
	refuses("empty token", http.MethodGet, "/?token=", nil, nil)
	refuses("wrong token", http.MethodGet, "/?token=AAAAAAAAAAAAAAAAAAAAAAAAAA", nil, nil)
	refuses("foreign host opens", http.MethodGet, strings.TrimPrefix(p.opened, p.base), nil, func(r *http.Request) { r.Host = "rebound.example" })
	refuses("foreign origin opens", http.MethodGet, strings.TrimPrefix(p.opened, p.base), nil, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") })
	for _, path := range posts {
		refuses("post without cookie", http.MethodPost, path, nil, nil)
	}

	csrf := p.enter(t)
	answer, page := p.ask(t, http.MethodGet, "/run", nil, nil)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.NotContains(t, page, secret)
	csp := answer.Header.Get("Content-Security-Policy")
	assert.Contains(t, csp, "default-src 'none'; script-src 'self'")
	assert.NotContains(t, csp, "unsafe")
	assert.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	answer, _ = p.ask(t, http.MethodGet, strings.TrimPrefix(p.opened, p.base), nil, nil)
	require.Len(t, answer.Cookies(), 1)
	assert.True(t, answer.Cookies()[0].HttpOnly)
	assert.Equal(t, http.SameSiteStrictMode, answer.Cookies()[0].SameSite)

	port := strings.TrimPrefix(p.base, "http://127.0.0.1:")
	good := url.Values{"csrf": {csrf}, "text": {studioMapping}, "digest": {"none"}}
	for i, path := range append(slices.Clone(gets), posts...) {
		method := http.MethodGet
		if i >= len(gets) {
			method = http.MethodPost
		}
		for _, host := range []string{"evil.example", "evil.example:" + port, "localhost:" + port, "127.0.0.1"} {
			refuses("host "+host, method, path, good, func(r *http.Request) { r.Host = host })
		}
		for _, origin := range []string{"http://evil.example", "null", "https://127.0.0.1:" + port, "http://127.0.0.1"} {
			refuses("origin "+origin, method, path, good, func(r *http.Request) { r.Header.Set("Origin", origin) })
		}
		refuses("another site", method, path, good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	}
	for _, path := range posts {
		refuses("no csrf", http.MethodPost, path, url.Values{"text": {studioMapping}, "digest": {"none"}, "preset": {"shopify"}}, nil)
		refuses("wrong csrf", http.MethodPost, path, url.Values{"csrf": {"A" + csrf[1:] + "x"}, "text": {studioMapping}, "digest": {"none"}, "preset": {"shopify"}}, nil)
		refuses("csrf in the URL alone", http.MethodPost, path+"?csrf="+csrf, url.Values{"preset": {"shopify"}}, nil)
		refuses("another method", http.MethodPut, path, good, nil)
	}
	assert.Equal(t, []string{filepath.Base(p.export)}, p.files(t), "nothing was written, nothing ran")

	// The same form with all that it needs is taken: what was refused was refused for what it lacked.
	answer, _ = p.ask(t, http.MethodPost, "/mapping/save", good, nil)
	assert.Equal(t, http.StatusSeeOther, answer.StatusCode)
	assert.Equal(t, exitComplete, p.end())
}

// No path leads out of the out directories beside the export, and no link does.
func TestTheStudioServesNoOtherFile(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	csrf := p.enter(t)
	out := p.export + ".import"
	require.NoError(t, os.Mkdir(out, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(out, "report.html"), []byte("<script>1</script>fine"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "private.csv"), []byte("SECRET LINE"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(out, "ctl.sock"), []byte("SECRET LINE"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(p.dir, "private.csv"), filepath.Join(out, "linked.csv")))
	require.NoError(t, os.Symlink(p.dir, p.export+".import.linked"))
	dir := url.PathEscape(filepath.Base(out))
	answer, body := p.ask(t, http.MethodGet, "/out/"+dir+"/report.html", nil, nil)
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	assert.Contains(t, answer.Header.Get("Content-Security-Policy"), "sandbox")
	assert.NotContains(t, answer.Header.Get("Content-Security-Policy"), "script-src")
	for _, path := range []string{
		dir + "/../private.csv", dir + "/..%2fprivate.csv", dir + "%2f../private.csv", "../private.csv", "..%2f/private.csv", dir + "/linked.csv", "./private.csv", "%2e/private.csv",
		url.PathEscape(filepath.Base(out)+".linked") + "/private.csv", dir + "/ctl.sock", dir + "/", dir + "/..", dir + "//etc/passwd", dir + "/report.html%00.csv", "/private.csv", dir + `/..\private.csv`,
	} {
		answer, body := p.ask(t, http.MethodGet, "/out/"+path, nil, nil)
		assert.NotEqual(t, http.StatusOK, answer.StatusCode, path)
		assert.NotContains(t, body, "SECRET LINE", path)
	}
	for _, c := range []struct{ path, name, value string }{
		{"/reports/check", "dir", "../" + filepath.Base(p.dir)}, {"/reports/check", "dir", p.dir}, {"/reports/check", "dir", ""}, {"/repair", "dir", "."}, {"/open", "export", "../private.csv"},
		{"/open", "export", "/etc/passwd"}, {"/run/order", "order", "--help"}, {"/run/order", "order", "status"},
	} {
		answer, _ := p.ask(t, http.MethodPost, c.path, url.Values{"csrf": {csrf}, "command": {"verify"}, c.name: {c.value}}, nil)
		assert.Equal(t, http.StatusConflict, answer.StatusCode, "%s %s", c.path, c.value)
	}
	answer, _ = p.ask(t, http.MethodPost, "/reports/check", url.Values{"csrf": {csrf}, "command": {"purge"}, "dir": {filepath.Base(out)}}, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode)
	answer, _ = p.ask(t, http.MethodPost, "/run", url.Values{"csrf": {csrf}, "approved": {"000000000000"}, "target": {"sandbox"}}, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode, "nothing was approved")
	assert.NoFileExists(t, filepath.Join(out, "checkpoint.jsonl"))
}

// What stands in headers, cells and file names is text on every page.
func TestTheStudioRunsNoScriptOfAnExport(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	csrf := p.enter(t)
	require.Eventually(t, func() bool { return strings.Contains(p.get(t, "/"), "What it is") }, 10*time.Second, 10*time.Millisecond)
	text := strings.Replace(studioMapping, "name: acme", "name: \"</textarea><script>alert(3)</script>\"", 1) + "message: <b>\n"
	answer, _ := p.ask(t, http.MethodPost, "/mapping/save", url.Values{"csrf": {csrf}, "text": {text}, "digest": {"none"}}, nil)
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	own := regexp.MustCompile(`<script src="/assets/studio\.js" defer></script>`)
	for _, path := range []string{"/", "/mapping", "/dry-run", "/run", "/reports"} {
		page := own.ReplaceAllString(p.get(t, path), "")
		assert.NotContains(t, page, "<script", path)
		assert.NotContains(t, page, "<img", path)
		assert.NotContains(t, page, "<b>choices", path)
		assert.NotRegexp(t, ` (on\w+|style)=`, page, "%s has something inline", path)
		assert.NotRegexp(t, `(src|href|action)="(https?:)?//`, page, "%s loads from elsewhere", path)
	}
	assert.Contains(t, p.get(t, "/"), "&lt;script&gt;alert(1)&lt;/script&gt;", "the header is shown as text")
}

// A decision is written into the file, comments stay, and a file that was changed in a
// terminal meanwhile is not written over.
func TestTheStudioWritesDecisionsIntoTheMapping(t *testing.T) {
	t.Parallel()
	p := openStudio(t, nil)
	file := p.export + ".mapping.yaml"
	require.NoError(t, os.WriteFile(file, []byte(studioMapping), 0o640))
	csrf := p.enter(t)
	page := p.get(t, "/mapping")
	assert.Contains(t, page, "Line 8, column 14: DECIDE stands where a person has to decide")
	digest := regexp.MustCompile(`name="digest" value="(\w+)"`).FindStringSubmatch(page)[1]
	form := url.Values{"csrf": {csrf}, "digest": {digest}, "text": {strings.ReplaceAll(studioMapping, "\n", "\r\n")}}
	for n, v := range []struct{ value, choice string }{{"yes", "accept"}, {"no", "reject"}, {"later", "nothing"}} {
		key := string(rune('0' + n))
		form.Set("value."+key, v.value)
		form.Set("at."+key, "consent.action")
		form.Set("was."+key, "DECIDE")
		form.Set("choice."+key, v.choice)
	}
	answer, body := p.ask(t, http.MethodPost, "/mapping/decide", form, nil)
	require.Equal(t, http.StatusSeeOther, answer.StatusCode, body)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, `"later": DECIDE`, `"later":`).Replace(studioMapping)
	assert.Equal(t, want, string(text))
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.EqualValues(t, 0o640, info.Mode().Perm())
	page = p.get(t, "/mapping")
	assert.Contains(t, page, "→ consent 1.1: accept")
	assert.Contains(t, page, "→ consent 2.1: reject")
	assert.NotContains(t, page, ">u1<", "persons are masked")

	answer, page = p.ask(t, http.MethodPost, "/mapping/save", url.Values{"csrf": {csrf}, "digest": {digest}, "text": {"lost: work"}}, nil)
	assert.Equal(t, http.StatusConflict, answer.StatusCode)
	assert.Contains(t, page, "changed elsewhere")
	assert.Contains(t, page, "lost: work", "what was typed is still there")
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, want, string(text))

	// The live part: the rows that fail come first.
	_, part := p.ask(t, http.MethodPost, "/mapping/try", url.Values{"csrf": {csrf}, "text": {strings.Replace(want, "\"no\": reject\n", "\n", 1)}}, nil)
	invalid, consent := strings.Index(part, "→ invalid"), strings.Index(part, "→ consent")
	assert.Greater(t, invalid, 0, part)
	assert.Less(t, invalid, consent)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdpnetwork "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
)

// shots is a directory for pictures of the pages, to look at; unset: none are taken.
var shots = os.Getenv("CONSENTIMPORT_SHOTS")

// tab is a real browser at the studio.
type tab struct {
	ctx  context.Context
	base string
}

// openTab starts a browser. Without one the test is skipped, but not on the build server.
func openTab(t *testing.T, p *pages, said func(string)) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{os.Getenv("CHROMIUM"), "/usr/bin/chromium", "chromium"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		require.Empty(t, os.Getenv("CI"), "no browser: install chromium, or set CHROMIUM to its path")
		t.Skip("no browser: install chromium, or set CHROMIUM to its path, to test the studio in it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	t.Cleanup(cancel)
	alloc, stop := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(stop)
	at, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(at, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, byNetwork := cdp.Call(ctx, target, cdpnetwork.Enable, cdpnetwork.EnableParams{})
		_, byLog := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		_, byRuntime := cdp.Call(ctx, target, runtime.Enable, cdp.Empty{})
		return chromedp.Void{}, errors.Join(byNetwork, byLog, byRuntime)
	}))
	require.NoError(t, chromedp.Listen(at, func(event any) {
		switch e := event.(type) {
		case *cdpnetwork.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, p.base) && !strings.HasPrefix(e.Request.URL, "data:") {
				said("request to " + e.Request.URL)
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				said("log: " + e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			said("exception: " + e.ExceptionDetails.Text)
		}
	}))
	return &tab{at, p.base}
}

func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		require.NoError(t, err, "the page says:\n%s", text)
	}
}

// see waits until the page shows a text.
func (b *tab) see(t *testing.T, text string) {
	t.Helper()
	var shown string
	ok := assert.Eventually(t, func() bool {
		shown, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`)) // it may be between two pages
		return strings.Contains(shown, text)
	}, 20*time.Second, 50*time.Millisecond)
	if !ok {
		require.Contains(t, shown, text)
	}
}

// look measures the page at a telephone's and a desk's width, light and dark.
func (b *tab) look(t *testing.T, name string) {
	t.Helper()
	inspect, err := os.ReadFile("../../report/testdata/inspect.js")
	require.NoError(t, err)
	for _, width := range []int64{390, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			if shots == "" && (width == 390) != (scheme == "light") {
				continue // each width and each scheme once; all four are for looking at
			}
			at := fmt.Sprintf("%s at %d px, %s", name, width, scheme)
			b.do(t, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
				_, bySize := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
				_, byScheme := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				return chromedp.Void{}, errors.Join(bySize, byScheme)
			})
			view, err := chromedp.Run(b.ctx, chromedp.Evaluate[struct {
				Inner  int      `json:"inner"`
				Scroll int      `json:"scroll"`
				Texts  int      `json:"texts"`
				Faint  []string `json:"faint"`
			}](string(inspect)))
			require.NoError(t, err, at)
			assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
			assert.Greater(t, view.Texts, 8, at)
			assert.Empty(t, view.Faint, "%s: contrast below AA", at)
			unnamed, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("input:not([type=hidden]),select,textarea")].filter(e => !e.labels?.length && !e.ariaLabel && !e.getAttribute("aria-labelledby")).map(e => e.name)`))
			require.NoError(t, err, at)
			assert.Empty(t, unnamed, "%s: fields without a name for a screen reader", at)
			if shots != "" {
				picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o600))
			}
		}
	}
}

// A whole migration by mouse and keyboard: decide, dry run, sign, run with a pause, report.
// What arrived is what the rows say.
func TestAMigrationInABrowser(t *testing.T) {
	t.Parallel()
	const key = "user.secretsecretsecret"
	server, err := sandbox.Start(sandbox.Config{Key: key})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	p := openStudio(t, map[string]string{"INTEMPT_API_KEY": key})
	var export strings.Builder
	export.WriteString(studioExport)
	for i := range 60 {
		fmt.Fprintf(&export, "n%d,plain,%s,2026-05-02T10:00:%02dZ\n", i, []string{"yes", "no", "later"}[i%3], i)
	}
	require.NoError(t, os.WriteFile(p.export, []byte(export.String()), 0o600))
	require.NoError(t, os.WriteFile(p.export+".mapping.yaml", []byte(studioMapping), 0o600))
	said := make(chan string, 1000)
	b := openTab(t, p, func(s string) { said <- s })

	b.do(t, chromedp.Navigate(p.opened))
	b.see(t, "What it is")
	b.look(t, "file")
	b.do(t, chromedp.Click(`a[href="/mapping"].button`))
	b.see(t, "DECIDE stands where a person has to decide")
	b.look(t, "mapping-open")
	for n, choice := range []string{"accept", "reject", "nothing"} {
		b.do(t, chromedp.SetValue(fmt.Sprintf(`select[name="choice.%d"]`, n), choice))
	}
	b.do(t, chromedp.Click(`button[formaction="/mapping/decide"]`))
	b.see(t, "→ consent 1.1: accept")
	// The rows follow the text while it is typed.
	b.do(t, chromedp.SendKeys(`#text`, "\n# typed\nnonsense: 1\n"))
	b.see(t, "nonsense")
	b.do(t, chromedp.Navigate(p.base+"/mapping"))
	b.see(t, "→ consent 1.1: accept")
	b.look(t, "mapping")

	b.do(t, chromedp.Navigate(p.base+"/run"))
	b.see(t, "Nothing is sent without approval")
	b.do(t, chromedp.Navigate(p.base+"/dry-run"), chromedp.Click(`form[action="/dry-run"] button`))
	b.see(t, "Approval hash")
	b.look(t, "dry-run")
	b.do(t, chromedp.SendKeys(`[data-search]`, "later"))
	left, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`[...document.querySelectorAll("#decisions tbody tr")].filter(r => r.checkVisibility()).length`))
	require.NoError(t, err)
	assert.Equal(t, 1, left, "lines of the decisions that the search leaves")
	hash := summaryIn(t, p.export+".dry-run").ApprovalHash
	sheet := "/out/" + url.PathEscape(filepath.Base(p.export)+".dry-run") + "/approval.html"
	b.do(t, chromedp.Navigate(p.base+sheet))
	b.see(t, hash[:8])

	fill := func(approved string) {
		b.do(t, chromedp.Navigate(p.base+"/run"), chromedp.Click(`input[value="real"]`),
			chromedp.SendKeys(`input[name="base-url"]`, server.URL()), chromedp.SendKeys(`input[name="org"]`, "acme"), chromedp.SendKeys(`input[name="project"]`, "shop"),
			chromedp.SendKeys(`input[name="rate"]`, "10"), chromedp.SendKeys(`input[name="approved"]`, approved))
	}
	fill("ffffffffffff")
	b.do(t, chromedp.Click(`button[name="how"]`))
	b.see(t, "not how the approval hash")
	require.Zero(t, server.Stats().Requests)
	fill(hash[:12])
	b.look(t, "run-form")
	b.do(t, chromedp.Click(`button[name="how"]`))
	b.see(t, "running")
	b.do(t, chromedp.Click(`button[value="pause"]`))
	b.see(t, "paused")
	b.look(t, "run-paused")
	b.do(t, chromedp.SendKeys(`form:has(input[value="rate"]) input[name="value"]`, "0"), chromedp.Click(`form:has(input[value="rate"]) button`))
	b.see(t, "paused")
	b.do(t, chromedp.Click(`button[value="resume"]`))
	b.see(t, "The import: complete")
	b.look(t, "run-ended")
	b.do(t, chromedp.Navigate(p.base+"/reports"))
	b.see(t, "42 sent")
	b.do(t, chromedp.Click(`section:has(a[href*=".import/"]) button[value="verify"]`))
	b.see(t, "exit code 0")
	b.look(t, "reports")

	want, got := map[string]string{"u1": "accept", "u2": "reject"}, map[string]string{}
	for i := range 60 {
		if action := []string{"accept", "reject", ""}[i%3]; action != "" {
			want[fmt.Sprintf("n%d", i)] = action
		}
	}
	for _, c := range server.Consents() {
		got[c.UserID] = c.Action.String()
	}
	assert.Equal(t, want, got)
	assert.Len(t, server.Consents(), len(want), "each once")
	close(said)
	for s := range said {
		if !strings.Contains(s, "409") { // the hash that was wrong on purpose
			assert.Fail(t, "the browser complains", s)
		}
	}
	assert.Equal(t, exitComplete, p.end())
}

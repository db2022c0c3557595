package report

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inspectPage is the function that measures the page as it is shown.
//
//go:embed testdata/inspect.js
var inspectPage string

// inspected is what inspectPage finds in one view of a page.
type inspected struct {
	Title  string   `json:"title"`
	Dark   bool     `json:"dark"`
	Inner  int      `json:"inner"`  // width of the window, px
	Scroll int      `json:"scroll"` // width of the content, px
	Wide   []string `json:"wide"`   // elements that reach beyond the window
	Texts  int      `json:"texts"`  // visible texts
	Faint  []string `json:"faint"`  // texts whose contrast is below AA
}

// browserPath finds the browser. Without one the test is skipped, but not where
// it must not be: on the build server.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "/usr/bin/chromium", "chromium"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no browser: install chromium, or set CHROMIUM to its path")
	}
	t.Skip("no browser: install chromium, or set CHROMIUM to its path, to test the page in it")
	return ""
}

// startBrowser starts one headless browser and gives its first tab.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	// Only what is listed here: the defaults of the library are for scraping.
	alloc, stop := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(browserPath(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(tab, enableLogs), "start the browser")
	return tab
}

// enableLogs turns on the events that are listened to.
func enableLogs(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, byNetwork := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
	_, byLog := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
	_, byRuntime := cdp.Call(ctx, t, runtime.Enable, cdp.Empty{})
	return chromedp.Void{}, errors.Join(byNetwork, byLog, byRuntime)
}

// emulate gives the page a width and a colour scheme.
func emulate(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, bySize := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride,
			emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
		_, byScheme := cdp.Call(ctx, t, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, errors.Join(bySize, byScheme)
	}
}

// complaints collects what a page must not do: log an error, ask anybody for
// anything.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

// take gives the complaints since the last time.
func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// hear notes an event of the browser.
func (c *complaints) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file:") && !strings.HasPrefix(e.Request.URL, "data:") {
			c.add("request to %s", e.Request.URL)
		}
	case *network.EventWebSocketCreated:
		c.add("socket to %s", e.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			c.add("log: %s", e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			c.add("console: %s", e.Type)
		}
	case *runtime.EventExceptionThrown:
		c.add("exception: %s", e.ExceptionDetails.Text)
	}
}

// lookAt shows a page in one width and colour scheme and measures it.
func lookAt(t *testing.T, tab context.Context, path string, width int64, scheme string) inspected {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 15*time.Second)
	defer cancel()
	at := fmt.Sprintf("%s at %d px, %s", filepath.Base(path), width, scheme)
	address := url.URL{Scheme: "file", Path: path}
	require.NoError(t, chromedp.Do(ctx, emulate(width, scheme), chromedp.Navigate(address.String())), at)
	view, err := chromedp.Run(ctx, chromedp.Evaluate[inspected](inspectPage))
	require.NoError(t, err, at)
	return view
}

// millionFailures is an import in which a million consents failed, in as many
// groups as a report lists.
func millionFailures() *Summary {
	s := permissiveImport()
	var groups []FailureGroup
	for i := range maxGroups {
		groups = append(groups, FailureGroup{
			Stage: stageSend, Status: 400, Count: 10_000, Rows: []int64{int64(i) + 1, int64(i) + 5_000_001},
			Reason: fmt.Sprintf("%s%d", strings.Repeat("a_word_without_any_blank_", 10), i), Column: strings.Repeat("column_", 12),
		})
	}
	s.FailureGroups = grouped(groups...)
	s.Rows.Mapped, s.Rows.Invalid = s.Rows.Mapped+s.Rows.Invalid, 0
	s.Consents.Sent, s.Consents.Refused, s.Consents.Failed = 12_200_000, 1_000_000, 0
	d := &s.ByDecision[2]
	d.Sent, d.Refused, d.Failed = 6_000_000, 1_000_000, 0
	s.OverPermissive.Count = 400_000
	for i := range 998 {
		s.OverPermissive.Consents = append(s.OverPermissive.Consents, fmt.Sprintf("%d.1", 9_000_000+i))
	}
	s.ExitCode = Exit(s)
	advise(s, &acme)
	return s
}

// The page works in a real browser: it says nothing on the console, asks nobody
// for anything, fits a telephone and a desk, and can be read in light and dark.
func TestHTMLInABrowser(t *testing.T) {
	tab := startBrowser(t)
	var heard complaints
	require.NoError(t, chromedp.Listen(tab, heard.hear))
	all := ends()
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		s    *Summary
	}{
		{"clean", all["complete"]}, {"messy", all["over-permissive"]}, {"interrupted", all["interrupted"]},
		{"million failures", millionFailures()}, {"dry run", all["dry-run"]},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, c.s.Balanced())
			page := renderHTML(t, c.s)
			assert.Less(t, len(page), 200<<10, "bytes")
			path := filepath.Join(dir, c.name+".html")
			require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
			for _, width := range []int64{390, 1440} {
				for _, scheme := range []string{"light", "dark"} {
					view := lookAt(t, tab, path, width, scheme)
					at := fmt.Sprintf("%d px, %s", width, scheme)
					assert.Equal(t, "Import of acme may.csv", view.Title, at)
					assert.Equal(t, scheme == "dark", view.Dark, at)
					assert.EqualValues(t, width, view.Inner, at)
					assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
					assert.Empty(t, view.Wide, "%s: reaches beyond the window", at)
					assert.Greater(t, view.Texts, 30, at)
					assert.Empty(t, view.Faint, "%s: contrast below AA", at)
					assert.Empty(t, heard.take(), at)
				}
			}
		})
	}
	// The same browser sees the faults of a page that has them.
	t.Run("faults", func(t *testing.T) {
		path := filepath.Join(dir, "faults.html")
		require.NoError(t, os.WriteFile(path, []byte(`<!doctype html><html lang="en"><title>faults</title><body style="background:#fff">
<p style="color:#999">faint</p><p style="opacity:.4">see through</p><pre style="width:3000px">wide</pre>
<script>console.error("said"); fetch("http://127.0.0.1:9/asked").catch(() => {}); nothing.there</script>`), 0o600))
		view := lookAt(t, tab, path, 390, "light")
		assert.Greater(t, view.Scroll, view.Inner)
		assert.Len(t, view.Wide, 1)
		assert.Len(t, view.Faint, 2)
		said := strings.Join(heard.take(), "\n")
		for _, want := range []string{"console: error", "request to http://127.0.0.1:9/asked", "exception"} {
			assert.Contains(t, said, want)
		}
	})
}

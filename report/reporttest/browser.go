package reporttest

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
	"github.com/stretchr/testify/require"
)

// inspectPage is the function that measures the page as it is shown.
//
//go:embed inspect.js
var inspectPage string

// View is what inspectPage finds in one view of a page.
type View struct {
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

// Browser starts one headless browser and gives its first tab.
func Browser(t *testing.T) context.Context {
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

// Complaints collects what a page must not do: log an error, ask anybody for
// anything.
type Complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *Complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

// Take gives the Complaints since the last time.
func (c *Complaints) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// Hear notes an event of the browser.
func (c *Complaints) Hear(event any) {
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

// LookAt shows a page in one width and colour scheme and measures it.
func LookAt(t *testing.T, tab context.Context, path string, width int64, scheme string) View {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 15*time.Second)
	defer cancel()
	at := fmt.Sprintf("%s at %d px, %s", filepath.Base(path), width, scheme)
	address := url.URL{Scheme: "file", Path: path}
	require.NoError(t, chromedp.Do(ctx, emulate(width, scheme), chromedp.Navigate(address.String())), at)
	view, err := chromedp.Run(ctx, chromedp.Evaluate[View](inspectPage))
	require.NoError(t, err, at)
	return view
}

// Hear notes what the pages of a tab complain of.
func Hear(t *testing.T, tab context.Context, heard *Complaints) {
	t.Helper()
	require.NoError(t, chromedp.Listen(tab, heard.Hear))
}

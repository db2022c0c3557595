package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdpnetwork "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
)

// tab is a real browser at the studio.
type tab struct {
	ctx context.Context

	mu         sync.Mutex
	base       string   // of the studio that is open
	complaints []string // of the browser: errors, dialogs, requests elsewhere
}

// openTab starts a browser. Without one the test is skipped, but not on the build server.
func openTab(t *testing.T) *tab {
	t.Helper()
	b := &tab{ctx: reporttest.Browser(t)}
	b.run(t, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, page.Enable, page.EnableParams{})
		return chromedp.Void{}, err
	})
	require.NoError(t, chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case *cdpnetwork.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, b.at()) && !strings.HasPrefix(e.Request.URL, "data:") {
				b.complain("request to " + e.Request.URL)
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				b.complain("log: " + e.Entry.Text + " " + e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			b.complain("exception: " + e.ExceptionDetails.Text)
		case *page.EventJavascriptDialogOpening:
			b.complain("dialog: " + e.Message)
		}
	}))
	return b
}

func (b *tab) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, what)
}

func (b *tab) at() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.base
}

// enter opens a studio with the URL that it has printed.
func (b *tab) enter(t *testing.T, p *pages) {
	t.Helper()
	b.mu.Lock()
	b.base = p.base
	b.mu.Unlock()
	b.run(t, chromedp.Navigate(p.opened))
	b.see(t, "consentimport studio")
}

// quiet fails when the browser has complained about anything but what was done on purpose.
func (b *tab) quiet(t *testing.T, butFor ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
complaints:
	for _, c := range b.complaints {
		for _, known := range butFor {
			if strings.Contains(c, known) {
				continue complaints
			}
		}
		assert.Fail(t, "the browser complains", c)
	}
}

// patience is how long a step may take on a machine that is busy: it is waited for a
// condition, and never for this long when all is well.
const patience = 60 * time.Second

func (b *tab) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		require.NoError(t, err, "the page says:\n%s", text)
	}
}

// click clicks an element with the mouse, which XPath or CSS names. It is found and clicked by
// its place, since a page that loads again meanwhile has other nodes.
func (b *tab) click(t *testing.T, sel string) {
	t.Helper()
	find := fmt.Sprintf(`document.querySelector(%q)`, sel)
	if strings.HasPrefix(sel, "/") {
		find = fmt.Sprintf(`document.evaluate(%q, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue`, sel)
	}
	b.until(t, `document.readyState === "complete" && `+find+`?.checkVisibility()`)
	at := eval[[2]float64](t, b, `(() => { const e = `+find+`; e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	b.run(t, chromedp.MouseClickXY(at[0], at[1]))
}

// leave clicks what leads to another page, and waits until that is there.
func (b *tab) leave(t *testing.T, sel string) {
	t.Helper()
	b.until(t, `document.readyState === "complete" && (window.before = true)`)
	b.click(t, sel)
	b.until(t, `!window.before && document.readyState === "complete"`)
}

// visit opens a page by the navigation.
func (b *tab) visit(t *testing.T, name string) {
	t.Helper()
	b.leave(t, `//nav/a[.="`+name+`"]`)
	require.Equal(t, name, eval[string](t, b, `document.querySelector("nav a[aria-current]").textContent`))
}

// eval gives what a script finds on the page.
func eval[T any](t *testing.T, b *tab, script string) T {
	t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	require.NoError(t, err, script)
	return got
}

// until waits until a script finds something true.
func (b *tab) until(t *testing.T, script string) {
	t.Helper()
	ok := assert.Eventually(t, func() bool {
		yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+script+")")) // it may be between two pages
		return err == nil && yes
	}, patience, 20*time.Millisecond)
	if !ok {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(location.pathname + "\n" + document.body.innerText).slice(0, 3000)`))
		require.True(t, ok, "%s\nthe page says:\n%s", script, text)
	}
}

// see waits until the page shows a text.
func (b *tab) see(t *testing.T, text string) {
	t.Helper()
	b.until(t, fmt.Sprintf("document.body && document.readyState === 'complete' && document.body.innerText.includes(%q)", text))
}

// press clicks a button or link by what it says, and waits until the page is another one.
func (b *tab) press(t *testing.T, says string) {
	t.Helper()
	b.leave(t, `//main//*[self::button or self::a][normalize-space(.)="`+says+`"]`)
}

// fill puts texts into fields by their names.
func (b *tab) fill(t *testing.T, fields ...string) {
	t.Helper()
	for i := 0; i < len(fields); i += 2 {
		at := `[name="` + fields[i] + `"]`
		_ = eval[string](t, b, fmt.Sprintf(`document.querySelector(%q).value = ""`, at))
		b.run(t, chromedp.SendKeys(at, fields[i+1]))
	}
}

// emulate gives the window a width and the page a colour scheme.
func emulate(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, bySize := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
		_, byScheme := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, errors.Join(bySize, byScheme)
	}
}

// look holds the page as it is now against what everybody needs: no fault by axe-core, no
// overflow and enough contrast at a telephone's, a tablet's and a desk's width, light and
// dark, and fields that a screen reader can name.
func (b *tab) look(t *testing.T, name string) {
	t.Helper()
	views := []struct {
		width  int64
		scheme string
	}{{390, "dark"}, {768, "light"}, {1440, "dark"}, {1440, "light"}, {390, "light"}, {768, "dark"}}
	if os.Getenv("CONSENTIMPORT_SHOTS") == "" {
		views = views[:3] // all six are for looking at
	}
	for _, v := range views {
		at := fmt.Sprintf("%s-%d-%s", name, v.width, v.scheme)
		b.run(t, emulate(v.width, v.scheme))
		view := reporttest.Measure(t, b.ctx, at)
		assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
		assert.Greater(t, view.Texts, 8, at)
		assert.Empty(t, view.Faint, "%s: contrast below AA", at)
		reporttest.Shot(t, b.ctx, at)
	}
	reporttest.Axe(t, b.ctx, name)
	unnamed := eval[[]string](t, b, `[...document.querySelectorAll("input:not([type=hidden]),select,textarea")].filter(e => !e.labels?.length && !e.ariaLabel && !e.getAttribute("aria-labelledby")).map(e => e.name)`)
	assert.Empty(t, unnamed, "%s: fields without a name for a screen reader", name)
	b.run(t, emulate(1440, "light"))
}

// tabThrough goes over the page by keyboard alone: every control is reached in the order of the
// page, and shows that it has the focus.
func (b *tab) tabThrough(t *testing.T, name string) {
	t.Helper()
	wanted := eval[int](t, b, `(() => {
		const name = e => e.tagName + " " + (e.getAttribute("aria-label") || e.name + "=" + e.value + e.textContent.slice(0, 80));
		window.reach = [...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex='0']")]
			.filter(e => !e.disabled && e.checkVisibility() && (e.type !== "radio" || e.checked)).map(name);
		window.reached = []; window.blind = [];
		document.addEventListener("focusin", e => { window.reached.push(name(e.target));
			if (getComputedStyle(e.target).outlineStyle === "none" && !e.target.matches("textarea,input,select")) window.blind.push(name(e.target)); });
		document.querySelector(".skip").focus(); return window.reach.length; })()`)
	require.Positive(t, wanted, name)
	b.run(t, chromedp.KeyEvent(strings.Repeat("\t", wanted-1)))
	missed := eval[[]string](t, b, `window.reach.filter(e => !window.reached.includes(e))`)
	assert.Empty(t, missed, "%s: cannot be reached by keyboard", name)
	assert.Empty(t, eval[[]string](t, b, `window.blind`), "%s: the focus is not seen", name)
}

// startStudio starts the command in a process of its own, as a terminal does. kill ends it
// as kill -9 does.
func startStudio(t *testing.T, with program, args ...string) (p *pages, kill func()) {
	t.Helper()
	with.env = append(slices.Clone(with.env), "TMPDIR="+t.TempDir()) // what a killed one leaves goes with the test
	r := with.start(t, append([]string{"studio", "--no-browser"}, args...)...)
	ended := false
	kill = func() {
		if !ended {
			ended = true
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait() // it was killed
		}
	}
	t.Cleanup(kill)
	printed := regexp.MustCompile(`studio: (http://127\.0\.0\.1:\d+)(/\?token=\S+)\n`)
	require.Eventually(t, func() bool { return printed.MatchString(r.stdout.String()) }, patience, 5*time.Millisecond, "%s", &r.stderr)
	m := printed.FindStringSubmatch(r.stdout.String())
	return &pages{base: m[1], opened: m[1] + m[2]}, kill
}

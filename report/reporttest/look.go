package reporttest

import (
	"bytes"
	"context"
	_ "embed"
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
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// axeSource is axe-core, which looks for what people who use a screen reader or a keyboard
// cannot use. It is the work of Deque Systems under the Mozilla Public License 2.0, as it
// was published; its licence stands beside it.
//
//go:embed axe/axe.min.js
var axeSource string

// runAxe gives a line for each fault, with the first element that has it.
const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then((r) =>
  r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")))`

// Axe holds the page that a tab shows against the rules of axe-core: none is violated.
func Axe(t *testing.T, tab context.Context, at string) {
	t.Helper()
	assert.Empty(t, Violations(t, tab), at)
}

// Violations are the rules of axe-core that the page violates, and where.
func Violations(t *testing.T, tab context.Context) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axeSource+"; true"))
	require.NoError(t, err)
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return found
}

// Shot keeps a picture of the page where CONSENTIMPORT_SHOTS names a directory: for people
// who want to look at it.
func Shot(t *testing.T, tab context.Context, name string) {
	t.Helper()
	dir := os.Getenv("CONSENTIMPORT_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	require.NoError(t, err, name)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
}

// Print gives the page as it is printed on A4, a PDF.
func Print(t *testing.T, tab context.Context, name string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground()))
	require.NoError(t, err, name)
	if dir := os.Getenv("CONSENTIMPORT_SHOTS"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pdf"), pdf, 0o600))
	}
	return pdf
}

// Pages are the texts of the pages of a PDF, by pdftotext. Without it the test is skipped,
// but not on the build server.
func Pages(t *testing.T, pdf []byte) []string {
	t.Helper()
	path, err := exec.LookPath("pdftotext")
	if err != nil {
		require.Empty(t, os.Getenv("CI"), "no pdftotext: install poppler-utils")
		t.Skip("no pdftotext: install poppler-utils, to test what is printed")
	}
	cmd := exec.CommandContext(t.Context(), path, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	text, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
}

// Scripts says whether the scripts of a page run, from the next page on.
func Scripts(t *testing.T, tab context.Context, run bool) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return chromedp.Void{}, err
	}))
}

// Open shows a page as it is, without looking at it.
func Open(t *testing.T, tab context.Context, path string) {
	t.Helper()
	address := url.URL{Scheme: "file", Path: path}
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(address.String())))
}

// Look measures a page at one width and in one colour scheme, and says what is wrong.
func Look(t *testing.T, tab context.Context, path string, width int64, scheme string) View {
	t.Helper()
	view := LookAt(t, tab, path, width, scheme)
	at := fmt.Sprintf("%s at %d px, %s", filepath.Base(path), width, scheme)
	assert.Equal(t, scheme == "dark", view.Dark, at)
	assert.EqualValues(t, width, view.Inner, at)
	assert.LessOrEqual(t, view.Scroll, view.Inner, "%s: overflows", at)
	assert.Empty(t, view.Wide, "%s: reaches beyond the window", at)
	assert.Empty(t, view.Faint, "%s: contrast below AA", at)
	return view
}

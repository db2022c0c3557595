package html

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
	"sync"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

//go:embed *.tmpl
var templates embed.FS

//go:embed page.css
var pageStyle string

// pageScript adds search and sorting to the tables. Whatever is on a page can be
// read without it.
//
//go:embed page.js
var pageScript string

// pages parses the templates once, when the first is needed. They share head and foot.
var pages = sync.OnceValues(func() (*template.Template, error) {
	return template.New("pages").Funcs(template.FuncMap{
		"n":       wording.Thousands,
		"plural":  wording.Plural,
		"counted": func(n int, noun string) string { return wording.Plural(int64(n), noun) },
		"size":    wording.Size,
		"percent": wording.Percent,
		"clock":   wording.Clock,
		"lapse":   wording.Lapse,
		"base":    wording.Base,
		"rows":    rowList,
		"step":    parted,
		"became":  becameClass,
		"visible": wording.Visible,
		"ms":      func(x float64) string { return wording.Lapse(x / 1000) },
		"add":     func(a, b int) int { return a + b },
		"sub":     func(a, b int64) int64 { return a - b },
		"pair":    func(a, b int64) [2]int64 { return [2]int64{a, b} },
		"delta":   wording.Delta,
		"export":  exportName,

		"category": category,
		"less":     func(a, b int) int { return a - b },
		"endAt":    func(x string, end courseEnd) markAt { return markAt{x, end} },

		"coursed":   summary.CoursesText,
		"orderText": summary.OrderText,
		// A command breaks between its words only, not within --a-flag.
		"words": func(s string) []string { return strings.Split(s, " ") },
		// A name of a file is a path relative to the page, whatever stands in it.
		"file":        func(name string) string { return "./" + url.PathEscape(name) },
		"css":         func() template.CSS { return template.CSS(pageStyle) },
		"js":          func() template.JS { return template.JS(pageScript) },
		"approvalCSS": func() template.CSS { return template.CSS(approvalStyle) },
	}).ParseFS(templates, "*.tmpl")
})

// render writes one page.
func render(w io.Writer, name string, page any) error {
	t, err := pages()
	if err != nil {
		return fmt.Errorf("parse the pages: %w", err)
	}
	if err := t.ExecuteTemplate(w, name, page); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// shell is what every page with a list of contents has.
type shell struct {
	Title    string
	Policy   string // Content-Security-Policy
	Contents []chapter
}

// chapter is an entry in the list of contents.
type chapter struct{ ID, Title string }

// newShell allows the page its one style and its one script, by digest, and nothing else.
func newShell(title string, contents []chapter) shell {
	return shell{Title: title, Policy: policy(pageStyle, pageScript), Contents: contents}
}

// policy allows a style and, unless it is empty, a script: nothing from elsewhere.
func policy(style, script string) string {
	p := "default-src 'none'; style-src " + digest(style)
	if script != "" {
		p += "; script-src " + digest(script)
	}
	return p + "; base-uri 'none'; form-action 'none'"
}

// digest names a text in a policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// category names a category for people.
func category(name string) string {
	if name == "" {
		return "(no category)"
	}
	return name
}

// exportName names the export in a title.
func exportName(s *summary.Summary) string {
	switch len(s.Inputs) {
	case 0:
		return "an export"
	case 1:
		return wording.Base(s.Inputs[0].Path)
	default:
		return fmt.Sprintf("%s and %d more", wording.Base(s.Inputs[0].Path), len(s.Inputs)-1)
	}
}

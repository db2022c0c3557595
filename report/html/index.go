package html

import (
	"io"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// indexPage is what the template of an index shows.
type indexPage struct {
	shell
	Tone    summary.Tone
	Verdict string
	Entries []indexEntry
}

// indexEntry is one import on the page.
type indexEntry struct {
	summary.Entry
	Headline string
	Tone     summary.Tone
}

// WriteIndex writes a page with a line for each of several imports, which leads to its
// report.
func WriteIndex(w io.Writer, all []summary.Entry) error {
	p := &indexPage{Tone: summary.Good}
	good := 0
	for _, e := range all {
		x := indexEntry{Entry: e, Headline: "No report: " + e.Missing, Tone: summary.Warn}
		if s := e.Summary; s != nil {
			text, tone := summary.Verdict(s)
			x.Headline, x.Tone = sentence(text), tone
		}
		switch x.Tone {
		case summary.Good:
			good++
		case summary.Bad:
			p.Tone = summary.Bad
		case summary.Warn:
			if p.Tone == summary.Good {
				p.Tone = summary.Warn
			}
		}
		p.Entries = append(p.Entries, x)
	}
	p.Verdict = wording.Plural(int64(len(all)), "import") + ", all of them complete and right"
	if good < len(all) {
		p.Verdict = wording.Thousands(int64(len(all)-good)) + " of " + wording.Plural(int64(len(all)), "import") + " to look at"
	}
	p.shell = newShell("Imports of consent decisions", nil)
	return render(w, "index", p)
}

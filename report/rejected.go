package report

import (
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// rowError says on one line what is wrong with a row: why it is invalid, or
// what became of each of its consents that failed. Empty when nothing is.
func rowError(r *survey.Row) string {
	if r.Status == mapping.Invalid {
		text := invalidText(r)
		if r.Column != "" && !strings.Contains(text, r.Column) {
			text = "column " + r.Column + ": " + text
		}
		return spelling.OneLine(text)
	}
	var b strings.Builder
	for i := range r.Consents {
		c := &r.Consents[i]
		if s := c.Outcome.State; s != journal.Refused && s != journal.Failed {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(refString(consentRef(r, i)))
		if len(c.Category) > 0 {
			b.WriteByte(' ')
			b.Write(c.Category)
		}
		b.WriteString(": ")
		if c.Outcome.Status != 0 {
			b.WriteString(strconv.Itoa(c.Outcome.Status))
			b.WriteByte(' ')
		}
		if c.Outcome.Message == "" {
			b.WriteString("no message")
			continue
		}
		b.WriteString(c.Outcome.Message)
	}
	return spelling.OneLine(b.String())
}

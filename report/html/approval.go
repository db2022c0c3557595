package html

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

//go:embed approval.css
var approvalStyle string

// ApprovalName is the sheet to sign.
const ApprovalName = "approval.html"

// Decisions is the decision table, as the sheet shows it.
type Decisions interface {
	// Each gives every line, whole and unmasked, in the order of Decision.
	Each(func(summary.Decision) error) error
	// Shown is a value as reports may show it.
	Shown(value string) string
}

// sheetNothing is how many values that say nothing the sheet lists: with more it
// would be no sheet. Accepts and rejects are never cut.
const sheetNothing = 200

// approvalSheet is what the template of the sheet shows.
type approvalSheet struct {
	*summary.Summary
	Policy  string
	Origins []mapping.Origin
	Command string // that imports exactly this

	table Decisions
	err   error
}

// sheetLine is a value in the sheet; First begins a category.
type sheetLine struct {
	summary.Decision
	First, Last bool
}

// WriteApproval writes approval.html: one or two printed pages that say what
// every value became. It goes over the table line by line, however long it is.
// spec is the mapping of the last pass; nil: it is not known.
func WriteApproval(w io.Writer, s *summary.Summary, table Decisions, spec *mapping.Spec) error {
	page := &approvalSheet{Summary: s, table: table, Policy: policy(approvalStyle, "")}
	if spec != nil {
		page.Origins = spec.Origins()
	}
	if err := errors.Join(render(w, "approval", page), page.err); err != nil {
		return fmt.Errorf("write %s: %w", ApprovalName, err)
	}
	return nil
}

// Accepts, Rejects and Nothings give the values that became that.
func (p *approvalSheet) Accepts() iter.Seq[sheetLine] { return p.lines(mapping.DecidedAccept, 0) }
func (p *approvalSheet) Rejects() iter.Seq[sheetLine] { return p.lines(mapping.DecidedReject, 0) }
func (p *approvalSheet) Nothings() iter.Seq[sheetLine] {
	return p.lines(mapping.DecidedNothing, sheetNothing)
}

// MoreNothings is how many values that say nothing the sheet leaves out.
func (p *approvalSheet) MoreNothings() int64 {
	return max(p.count(mapping.DecidedNothing)-sheetNothing, 0)
}

// Values counts the values that became a decision.
func (p *approvalSheet) Values(decision string) int64 { return p.count(decision) }

var errEnough = errors.New("enough")

// lines gives the lines of one decision, at most most of them; 0: all.
func (p *approvalSheet) lines(decision string, most int) iter.Seq[sheetLine] {
	return func(yield func(sheetLine) bool) {
		n := 0
		var before *sheetLine // whether it ends its category shows when the next comes
		give := func(last bool) bool {
			line := before
			before = nil
			line.Last = last
			return yield(*line)
		}
		err := p.table.Each(func(d summary.Decision) error {
			if d.Decision != decision {
				return nil
			}
			first := before == nil || before.Category != d.Category
			enough := most > 0 && n == most
			if before != nil && !give(first || enough) || enough {
				return errEnough
			}
			d.Value = p.table.Shown(d.Value)
			before = &sheetLine{Decision: d, First: first}
			n++
			return nil
		})
		if before != nil && err == nil {
			give(true)
		}
		if err != nil && !errors.Is(err, errEnough) {
			p.err = err
		}
	}
}

func (p *approvalSheet) count(decision string) int64 {
	var n int64
	if err := p.table.Each(func(d summary.Decision) error {
		if d.Decision == decision {
			n++
		}
		return nil
	}); err != nil {
		p.err = err
	}
	return n
}

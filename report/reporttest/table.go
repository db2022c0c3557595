package reporttest

import (
	"strings"

	"github.com/consentimport/consentimport/report/summary"
)

// Table is a table that is there already, shown as it is.
type Table []summary.Decision

// TableOf is a table of these lines.
func TableOf(lines ...summary.Decision) Table { return Table(lines) }

func (l Table) Each(give func(summary.Decision) error) error {
	for _, d := range l {
		if err := give(d); err != nil {
			return err
		}
	}
	return nil
}
func (l Table) Table() ([]summary.Decision, error) { return l, nil }
func (l Table) Shown(value string) string          { return value }
func (l Table) ShownCategory(name string) string   { return name }
func (l Table) Named(string) bool                  { return false }
func (l Table) ApprovalHash() (string, error)      { return strings.Repeat("a", 64), nil }

// Messy is a table of values that are hard to write down.
func Messy() Table {
	return Table{
		{Category: "news", Value: "=yes, \"indeed\"", Decision: "accept", Count: 5923},
		{Category: "news", Value: "yes\r\nplease", Decision: "accept", Count: 2},
		{Category: "news", Value: "\u202esey", Decision: "accept", Count: 1},
		{Category: "", Value: "no", Decision: "reject", Count: 4},
		{Category: "news", Value: "", Decision: "nothing", Count: 3, Reason: "no statement"},
		{Category: "news", Value: "maybe", Decision: "invalid", Count: 9},
	}
}

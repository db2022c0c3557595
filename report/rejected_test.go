package report

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
)

// Rows of different layouts go to files of their own, numbered by their place
// in the export.
func TestEachLayoutHasItsFile(t *testing.T) {
	first, second := csvLayout("id", "id"), csvLayout("mail", "mail")
	third := &source.Layout{Format: source.JSONL, Encoding: "utf-8", LineEnd: "\n"}
	s := &told{facts: finished(4), parts: []part{
		{first, "a.csv", []survey.Row{skipped(1, "1", "test data")}},
		{second, "b.csv", []survey.Row{invalid(2, "x", "mail", "not an address")}},
		{third, "c.jsonl", []survey.Row{invalid(3, "[]", "", "is not an object")}},
		{second, "d.csv", []survey.Row{invalid(4, "y", "mail", "not an address")}},
	}}
	dir, sum := write(t, s)
	assert.Equal(t, "mail,_row,_error\nx,2,column mail: not an address\ny,4,column mail: not an address\n", read(t, dir, "rejected-2.csv"))
	assert.Equal(t, `{"_row":3,"_error":"is not an object","_raw":"[]"}`+"\n", read(t, dir, "rejected-3.jsonl"))
	assert.NotContains(t, names(t, dir), "rejected.csv")
	assert.Contains(t, sum.Next, "rejected-2.csv")
}

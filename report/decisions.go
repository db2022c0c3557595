package report

import (
	"io"
	"strconv"

	"github.com/consentimport/consentimport/report/summary"
)

// decisionsName is the file that holds the decision table whole.
const decisionsName = "decisions.csv"

// decisionsHeader names its columns.
const decisionsHeader = "category,value,decision,count,reason\n"

// writeDecisions writes decisions.csv: a line for each category and value with
// what it became, accepts first, then rejects, what says nothing, what is
// invalid. Cells stand as the export has them, for a signed file is compared
// with them: what a spreadsheet would run as a formula is quoted, not changed.
func writeDecisions(w io.Writer, table DecisionTable) error {
	if _, err := io.WriteString(w, decisionsHeader); err != nil {
		return err
	}
	var line []byte
	return table.Each(func(d summary.Decision) error {
		line = appendExactCell(line[:0], []byte(d.Category))
		line = appendExactCell(append(line, ','), []byte(d.Value))
		line = append(append(line, ','), d.Decision...)
		line = strconv.AppendInt(append(line, ','), d.Count, 10)
		line = appendCell(append(line, ','), []byte(d.Reason))
		_, err := w.Write(append(line, '\n'))
		return err
	})
}

// appendExactCell appends a cell that must come back to the byte. What looks
// like a formula is quoted, which spreadsheets ignore and readers take away.
func appendExactCell(dst, cell []byte) []byte {
	if isFormula(cell) {
		return appendQuoted(dst, cell)
	}
	return appendCell(dst, cell)
}

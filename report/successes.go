package report

import (
	"strconv"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
)

// successHeader names the columns of successes.csv.
const successHeader = "row,line,consent,category,action,timestamp,file\n"

// appendSuccess appends the line of a sent consent.
//
// gocsv would give the same bytes, to which a test holds this, but at ten times
// the cost: in a clean import this is a line for every consent there is, and
// the report must not take longer than the reading.
func appendSuccess(dst []byte, file string, r *survey.Row, c *survey.Consent, ref journal.Ref) []byte {
	dst = strconv.AppendInt(dst, r.Row.Number, 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, r.Row.Line, 10)
	dst = append(dst, ',')
	dst = appendRef(dst, ref)
	dst = append(dst, ',')
	dst = appendSafeCell(dst, c.Category)
	dst = append(dst, ',')
	dst = append(dst, c.Action.String()...)
	dst = append(dst, ',')
	dst = appendTime(dst, c.Timestamp)
	dst = append(dst, ',')
	dst = append(dst, file...)
	return append(dst, '\n')
}

// fileCell is the last cell of a success line, the same for a whole batch.
func fileCell(name string) string { return string(appendSafeCell(nil, []byte(name))) }

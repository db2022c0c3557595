package report

import (
	"strconv"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// suppressHeader names the columns of suppress.csv.
const suppressHeader = "userId,profileId,email,category,consent,timestamp\n"

// appendSuppressLine appends the line of a reject that the target does not know
// of, with the person's identifiers: this is the list to act on, and it is
// meant to be fed to another system. So identifiers stay exact, to the byte:
// what looks like a formula is quoted, not changed. Category is a name and
// disarmed as everywhere. A time that the row does not state is empty.
func appendSuppressLine(dst []byte, c *mapping.Consent, ref journal.Ref, timed bool) []byte {
	for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
		dst = append(appendExactCell(dst, id), ',')
	}
	dst = appendSafeCell(dst, c.Category)
	dst = append(dst, ',')
	dst = appendRef(dst, ref)
	dst = append(dst, ',')
	if timed || c.Timestamp != 0 {
		dst = appendTime(dst, c.Timestamp)
	}
	return append(dst, '\n')
}

// suppressedHeader names the columns of suppressed.csv: the accepts of people who opted
// out elsewhere.
const suppressedHeader = "row,line,category,timestamp,file\n"

// appendSuppressed appends the line of an accept that makes no consent.
func appendSuppressed(dst []byte, file string, r *survey.Row, d *mapping.Dropped) []byte {
	dst = strconv.AppendInt(dst, r.Row.Number, 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, r.Row.Line, 10)
	dst = append(dst, ',')
	dst = append(appendSafeCell(dst, d.Category), ',')
	if d.Timestamp != 0 {
		dst = appendTime(dst, d.Timestamp)
	}
	dst = append(dst, ',')
	dst = append(dst, file...)
	return append(dst, '\n')
}

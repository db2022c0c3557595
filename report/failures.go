package report

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// failureLine is a line of failures.csv: an invalid row, or a consent that was
// refused or failed. Status is empty at map; at send 0 means "no answer".
// Reason is that of the line's failure group, so that a spreadsheet can group
// by it; Message is the whole text, or the column at fault.
type failureLine struct {
	Row      int64  `csv:"row"`
	Line     int64  `csv:"line"`
	Consent  string `csv:"consent"`
	Stage    string `csv:"stage"`
	Status   string `csv:"status"`
	Reason   string `csv:"reason"`
	Message  string `csv:"message"`
	Category string `csv:"category"`
	Action   string `csv:"action"`
	Attempts int    `csv:"attempts"`
	File     string `csv:"file"`
}

// failureHeader names the columns of failures.csv.
const failureHeader = "row,line,consent,stage,status,reason,message,category,action,attempts,file\n"

// invalidLine is the failure of a row at mapping. Category and action are given
// when the row states one decision and it could be read.
func invalidLine(file string, r *survey.Row, k groupKey) failureLine {
	l := failureLine{
		Row: r.Row.Number, Line: r.Row.Line, Stage: summary.StageMap,
		Reason: disarm(k.reason), File: file,
	}
	if text := invalidText(r); text != k.reason {
		l.Message = disarm(text) // it names the place
	} else if k.column != "" {
		l.Message = disarm("column " + k.column)
	}
	// What could be read beside an action that could not is another decision.
	if readable := r.Readable(); len(readable) == 1 && !strings.HasPrefix(r.Reason, "action: ") {
		l.Category = disarm(string(readable[0].Category))
		if a := readable[0].Action; a != mapping.Undecided {
			l.Action = a.String()
		}
	}
	return l
}

// refusedLine is the failure of a consent at sending.
func refusedLine(file string, r *survey.Row, c *survey.Consent, ref journal.Ref, k groupKey) failureLine {
	return failureLine{
		Row: r.Row.Number, Line: r.Row.Line, Consent: refString(ref), Stage: summary.StageSend,
		Status: strconv.Itoa(c.Outcome.Status), Reason: disarm(k.reason), Message: disarm(c.Outcome.Message),
		Category: disarm(string(c.Category)), Action: c.Action.String(),
		Attempts: c.Outcome.Attempts, File: file,
	}
}

// append appends the line. gocsv would give the same bytes, to which a test holds this, at
// six times the cost.
func (l *failureLine) append(dst []byte) []byte {
	dst = append(strconv.AppendInt(dst, l.Row, 10), ',')
	dst = strconv.AppendInt(dst, l.Line, 10)
	for _, cell := range [...]string{l.Consent, l.Stage, l.Status, l.Reason, l.Message, l.Category, l.Action} {
		dst = appendCell(append(dst, ','), cell)
	}
	dst = append(strconv.AppendInt(append(dst, ','), int64(l.Attempts), 10), ',')
	return append(appendCell(dst, l.File), '\n')
}

// supersededLine is a line of superseded.csv: a consent held back for good. By
// names the consent that overtook it; one of an earlier import as 523.2@ID.
type supersededLine struct {
	Row       int64  `csv:"row"`
	Line      int64  `csv:"line"`
	Consent   string `csv:"consent"`
	Category  string `csv:"category"`
	Action    string `csv:"action"`
	Timestamp string `csv:"timestamp"`
	By        string `csv:"by"`
	File      string `csv:"file"`
}

// supersededHeader names the columns of superseded.csv.
const supersededHeader = "row,line,consent,category,action,timestamp,by,file\n"

// overtakenLine is the line of a consent that was superseded.
func overtakenLine(file string, r *survey.Row, c *survey.Consent, ref journal.Ref, earlier []journal.Earlier) supersededLine {
	l := supersededLine{
		Row: r.Row.Number, Line: r.Row.Line, Consent: refString(ref),
		Category: disarm(string(c.Category)), Action: c.Action.String(),
		Timestamp: string(appendTime(nil, c.Timestamp)), File: file,
	}
	if c.Outcome.By != (journal.Ref{}) {
		l.By = refString(c.Outcome.By)
	}
	if n := c.Outcome.In; n > 0 && n <= len(earlier) {
		l.By += "@" + earlier[n-1].ID
	}
	return l
}

// marshalLines writes tagged structs as CSV lines without a header. The writer
// is ours, so that gocsv's own settings, which are global to a process, have no
// say in it.
func marshalLines(out *bytes.Buffer, lines []supersededLine) error {
	if len(lines) == 0 {
		return nil
	}
	return gocsv.MarshalCSVWithoutHeaders(lines, csv.NewWriter(out))
}

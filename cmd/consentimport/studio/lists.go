package studio

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
)

// decision is a line of decisions.csv.
type decision struct{ Category, Value, Decision, Count, Reason string }

// maxDecisions is how many lines of decisions.csv a page shows; the sheet has all.
const maxDecisions = 2000

// decisionsOf reads decisions.csv of an out directory.
func decisionsOf(dir string) (out []decision) {
	_ = eachLine(dir, "decisions.csv", maxDecisions, func(cell func(string) string) {
		out = append(out, decision{cell("category"), cell("value"), cell("decision"), cell("count"), cell("reason")})
	})
	return out
}

// failureLine is a line of failures.csv.
type failureLine struct{ Row, Line, Consent, Stage, Status, Reason, Message, File string }

// maxFailures is how many lines of failures.csv a page shows.
const maxFailures = 200

// failuresIn reads failures.csv of an out directory; more: there are others.
func failuresIn(dir string) (out []failureLine, more bool) {
	more = eachLine(dir, "failures.csv", maxFailures, func(cell func(string) string) {
		out = append(out, failureLine{cell("row"), cell("line"), cell("consent"), cell("stage"), cell("status"), cell("reason"), cell("message"), cell("file")})
	})
	return out, more
}

// eachLine gives the lines of a list by the names of its columns, most of them at most;
// more: there are others.
func eachLine(dir, name string, most int, line func(cell func(column string) string)) (more bool) {
	if !isFile(filepath.Join(dir, name)) {
		return false
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return false
	}
	defer f.Close()
	rows := csv.NewReader(f)
	head, err := rows.Read()
	if err != nil {
		return false
	}
	for range most {
		row, err := rows.Read()
		if err != nil {
			return false
		}
		line(func(column string) string {
			if i := slices.Index(head, column); i >= 0 && i < len(row) {
				return row[i]
			}
			return ""
		})
	}
	_, err = rows.Read()
	return err == nil
}

package studio

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// decision is a line of decisions.csv.
type decision struct{ Category, Value, Decision, Count, Reason string }

// times is how often a value occurs.
func (d decision) times() int64 {
	n, _ := strconv.ParseInt(d.Count, 10, 64)
	return n
}

// maxDecisions is how many lines of decisions.csv a page shows; the sheet has all.
const maxDecisions = 2000

// decisionsOf reads the first lines of decisions.csv of an out directory; more: there are
// others.
func decisionsOf(dir string, most int) (out []decision, more bool) {
	more = eachDecision(dir, most, func(d decision) { out = append(out, d) })
	return out, more
}

// eachDecision gives the lines of decisions.csv of an out directory, most of them at most.
// What is invalid stands at its end.
func eachDecision(dir string, most int, give func(decision)) (more bool) {
	return eachLine(dir, "decisions.csv", most, func(cell func(string) string) {
		give(decision{cell("category"), cell("value"), cell("decision"), cell("count"), cell("reason")})
	})
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

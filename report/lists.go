package report

import (
	"regexp"
	"slices"
)

// list is a CSV file with a line for each consent, or row, of one kind. It
// grows while the survey goes on, in row order.
type list struct {
	name   string
	header string
	always bool // written with its header alone when it has no line
}

// The lists, as indexes into lists.
const (
	successes = iota
	failures
	superseded
	suppress
	suppressed
	numLists
)

// lists is the table of the files that list rows and consents. The source
// rows that failed, rejected.*, are apart: they have the export's own form.
var lists = [numLists]list{
	successes:  {name: "successes.csv", header: successHeader, always: true},
	failures:   {name: "failures.csv", header: failureHeader, always: true},
	superseded: {name: "superseded.csv", header: supersededHeader},
	suppress:   {name: "suppress.csv", header: suppressHeader},
	suppressed: {name: "suppressed.csv", header: suppressedHeader},
}

// rejectedForms are the names that rejectedName gives.
var rejectedForms = regexp.MustCompile(`^rejected(-[0-9]+)?\.(csv|jsonl)$`)

// Written reports whether reports are written under a name.
func Written(name string) bool {
	return rejectedForms.MatchString(name) ||
		slices.ContainsFunc(lists[:], func(l list) bool { return l.name == name }) ||
		slices.ContainsFunc(forms[:], func(f form) bool { return f.name == name })
}

package summary

import "slices"

// changesMeaning are the lint rules after which decisions may not be what people said, or
// may be taken for those of other people or for another time. The other rules say what to
// clean up, or what the target refuses.
var changesMeaning = []string{
	"value-against-its-name", "implied-state-accepted", "ended-state-accepted", "accept-says-otherwise", "no-reject-accepted",
	"necessary-category", "decisions-from-free-text", "nearly-all-accepted", "accepted-share-differs", "contradiction",
	"one-timestamp", "time-before-2000", "time-in-future", "seconds-as-milliseconds", "milliseconds-as-seconds", "day-month-ambiguous",
	"accept-by-default", "reject-unheard", "opt-out-unread",
	"stand-in-id", "one-subject-for-many", "identity-split", "mangled-by-spreadsheet",
}

// ChangesMeaning says whether what a lint rule found may change what is imported: to be
// looked at before the rest.
func ChangesMeaning(rule string) bool { return slices.Contains(changesMeaning, rule) }

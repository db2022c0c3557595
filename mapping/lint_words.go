package mapping

import (
	"github.com/consentimport/consentimport/mapping/timetext"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// doubts says what lint thinks of a decision: the name says what a yes would mean
// there, raw is what the export has.
func doubts(name vocabulary.Sense, raw []byte, action Action) (marks ruleSet) {
	value := vocabulary.Value(raw)
	if against(name, value, action) {
		marks |= 1 << ruleAgainst
	}
	if action != Accept {
		return marks
	}
	switch {
	case value == vocabulary.Undecided:
		marks |= 1 << ruleImplied
	case value == vocabulary.Ended:
		marks |= 1 << ruleEnded
	case value.Otherwise(), name == vocabulary.Delivery && value == vocabulary.Yes:
		marks |= 1 << ruleOtherwise
	case (name == vocabulary.Out || name == vocabulary.Delivery) && value == vocabulary.No,
		name == vocabulary.Out && value == vocabulary.None,                            // SaleOptOut: 2
		name == vocabulary.None && value == vocabulary.No && !timetext.AllDigits(raw): // whatever was asked; 0 may be a code
		marks |= 1 << ruleNotAgainst
	}
	return marks
}

// unheard reports whether a value says that somebody refused, whatever is asked. A bare
// no may be the answer to the opposite question.
func unheard(name, value vocabulary.Sense) bool {
	return value == vocabulary.Out || value == vocabulary.Rejected && name != vocabulary.Out
}

// against reports whether a decision goes against what the value says under the
// name.
func against(name, value vocabulary.Sense, action Action) bool {
	switch value {
	case vocabulary.In:
		return action == Reject
	case vocabulary.Out:
		return action == Accept
	case vocabulary.Accepted:
		return action == Reject && name != vocabulary.Out
	case vocabulary.Rejected:
		return action == Accept && name != vocabulary.Out
	case vocabulary.Yes:
		return name == vocabulary.In && action == Reject || name == vocabulary.Out && action == Accept
	case vocabulary.No:
		return name == vocabulary.In && action == Accept || name == vocabulary.Out && action == Reject
	}
	return false
}

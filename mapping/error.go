package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is a mapping that cannot be used, with the place of its fault.
type Error struct {
	File         string
	Line, Column int // from 1; 0: no place in particular
	Message      string
	Hint         string // what to do; may be empty
	Parameter    string // one that has to be given, with an example: "name=value"
}

// Error gives file:line:column: message.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// quoteAll lists words for a message.
func quoteAll(words []string, most int) string {
	words = slices.SortedFunc(slices.Values(words), cmp.Compare[string])
	cut := ""
	if len(words) > most {
		words, cut = words[:most], " …"
	}
	return strings.Join(words, ", ") + cut
}

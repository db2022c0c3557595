package source

import "strings"

// aboutStdin is an error about the file in which standard input is kept.
type aboutStdin struct {
	err  error
	path string
}

// AboutStdin has an error speak of standard input, which the user gave, and not of the file
// in which it is kept, which is none of theirs and may be gone by then. nil stays nil.
func AboutStdin(err error, path string) error {
	if err == nil {
		return nil
	}
	return &aboutStdin{err, path}
}

func (e *aboutStdin) Error() string {
	return strings.ReplaceAll(e.err.Error(), e.path, "standard input")
}

func (e *aboutStdin) Unwrap() error { return e.err }

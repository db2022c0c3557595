// Package blocked has the error of what was kept from beginning: nothing was sent,
// and the user can do something about it.
package blocked

import (
	"context"
	"fmt"
)

// Error is an import that was refused before anything was sent. Its text is for
// the user. What to do about it is in one of Hint, a text, Cure and Setting, or
// in none.
type Error struct {
	Err     error
	Hint    string
	Cure    Cure
	Setting Setting // that has to be another
	// Parts are the directories of the shards to be joined, into Dir, where that is the cure.
	Parts []string
	Dir   string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Interrupted is the error of a run that was told to stop before it sent anything; runs before
// it may have sent something.
// It wraps context.Canceled: unlike other errors of this kind, it would not come again.
func Interrupted() error { return &Error{Err: interrupted{}, Hint: "run it again"} }

type interrupted struct{}

func (interrupted) Error() string { return "interrupted before this run sent anything" }
func (interrupted) Unwrap() error { return context.Canceled }

// Errorf makes an Error with a hint; format may wrap another error with %w.
func Errorf(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Hint: hint}
}

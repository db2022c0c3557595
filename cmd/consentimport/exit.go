package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// The exit codes, as the README lists them.
const (
	exitComplete   = 0 // every row accounted for, none invalid, refused or failed
	exitInternal   = 1 // an unexpected error inside the tool
	exitRefused    = 2 // refused before anything was sent
	exitFailures   = 3 // complete, but some rows are invalid or some consents refused or failed
	exitIncomplete = 4 // stopped before the end; --resume goes on
	exitPermissive = 5 // complete, and the target is more permissive than a person
)

// exitError carries an exit code and, where one helps, a hint up to run.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage is an error of the command line: exit code 2.
func usage(hint, format string, args ...any) error {
	return &exitError{exitRefused, fmt.Errorf(format, args...), hint}
}

// refused makes err one that was found before anything was sent.
func refused(err error) error {
	var said *exitError
	if err == nil || errors.As(err, &said) {
		return err
	}
	return &exitError{exitRefused, err, ""}
}

// exitCode is the code with which a command ends that gave err.
func exitCode(err error) int {
	var quiet *ended
	switch {
	case err == nil:
		return exitComplete
	case errors.As(err, &quiet):
		return quiet.code
	default:
		return codeOf(err)
	}
}

// codeOf says how the program ends because of err.
func codeOf(err error) int {
	var e *exitError
	var m *mapping.Error
	switch {
	case errors.Is(err, context.Canceled): // by a signal, wherever it came
		return exitIncomplete
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &m), importer.IsRefused(err):
		return exitRefused
	case ofTheDisk(err): // of reports, evidence or a purge: all that is sent is in the checkpoint
		return exitIncomplete
	default:
		return exitInternal
	}
}

// ofTheDisk reports whether an error is one of where something was to be written, and
// none of the program.
func ofTheDisk(err error) bool {
	return room.Out(err) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO) || errors.Is(err, fs.ErrPermission)
}

// complain writes an error and its hint, one line each.
func complain(w io.Writer, err error) {
	if errors.Is(err, context.Canceled) && !strings.HasPrefix(err.Error(), "interrupted") {
		err = &exitError{exitIncomplete, errors.New("interrupted"), "run it again"} // what it was at does not matter
	}
	fmt.Fprintf(w, "error: %s\n", spelling.OneLine(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", spelling.OneLine(hint))
	}
}

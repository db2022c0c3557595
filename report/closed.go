package report

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/summary"
)

// closed is an import from which nothing more leaves, so that a retry and a repair of it
// are refused.
type closed struct {
	*importer.Closed
	again string // a directory that is not there yet, for what is left
	// suppressed: it has left out the accepts of people whose list the next command cannot name.
	suppressed bool
}

// closedBy says whether an import is closed; nil: it is not, or nothing of it is left.
func closedBy(c *collector, s *summary.Summary, v *Invocation, facts *survey.Facts) *closed {
	if s.DryRun || s.Shard != "" || s.State != summary.Complete || s.Failures() == 0 && s.Withheld == 0 {
		return nil
	}
	by := importer.ClosedBy(c.sheets.disk, s.OutDir, &facts.Header)
	if by == nil {
		return nil
	}
	return &closed{by, again(s.OutDir), facts.Header.Suppressed != nil && v.flag("suppress") == ""}
}

// again is a directory beside another one for what is left of its import.
func again(dir string) string {
	return free(func(n int) string {
		if n == 1 {
			return filepath.Clean(dir) + "-again"
		}
		return fmt.Sprintf("%s-again-%d", filepath.Clean(dir), n)
	})
}

// free is the first of numbered paths, from 1 on, at which nothing lies.
func free(path func(n int) string) string {
	for n := 1; ; n++ {
		p := path(n)
		if _, err := os.Lstat(p); err != nil { // or nobody can tell
			return p
		}
	}
}

// adviseClosed leads from an import that another one follows to one that is held against
// that: it knows what was sent, and sends nothing older.
func adviseClosed(s *summary.Summary, v *Invocation, step func(string, ...any)) {
	by := v.closed
	step("Nothing more leaves from here: %s.", by.Err)
	s.Next = v.on(s.OutDir, "verify")
	var why *blocked.Error
	switch {
	case len(by.Rejoin) > 0:
		step("Join the shards again, and continue there:")
		s.Next = JoinLine(v.program(), by.Rejoin, by.again)
		return
	case by.Last == "" && errors.As(by.Err, &why) && why.Hint != "":
		step("To have what is left sent: %s.", why.Hint)
		return
	case by.Last == "":
		step("What is left goes into an import that is held against a finished one which knows all that was sent (--since).")
		return
	case !by.Finished:
		step("Continue the import in %s until it is complete, then have this report written again:", by.Last)
		s.Next = v.on(by.Last, "report")
		return
	case by.suppressed:
		step("What is left goes into a new import: give it the export, --since %s, another --out and the list of people who opted out elsewhere (--suppress), which is not kept here.", PathWord(by.Last))
		return
	}
	step("What is left goes into a new import that is held against %s: what was sent is known there, and nothing older leaves.", by.Last)
	next := *v
	next.Flags = nil
	for _, f := range v.Flags {
		if f.Name != "out" && f.Name != "since" && f.Name != "approved" {
			next.Flags = append(next.Flags, f)
		}
	}
	next.Exports = nil
	for _, path := range v.Exports {
		if path == "-" { // what standard input was is kept
			path = filepath.Join(s.OutDir, survey.Spooled)
		}
		next.Exports = append(next.Exports, path)
	}
	more := []string{"--since", PathWord(by.Last), "--out", PathWord(by.again)}
	switch {
	case s.Failures() > 0 && summary.Patched(s):
		s.Next = withFixedMapping(s, &next, step, more...)
	case s.Failures() > 0 && s.Rows.Invalid+s.Consents.Refused == 0:
		s.Next = next.command(next.Exports, nil, more...)
	default:
		rows := "the rows of " + cmp.Or(rejectedFile(s), lists[failures].name)
		if slices.ContainsFunc(s.Passes, func(p summary.Pass) bool { return p.Kind == string(journal.Repair) }) {
			rows += ", and those that were repaired before,"
		}
		copies := v.copied(step)
		if copies == nil {
			step("Repair %s in a copy of the export, and import that with --since %s and another --out.", rows, PathWord(by.Last))
			return
		}
		step("Repair %s in the copy, and import it:", rows)
		s.Next = next.command(copies, nil, more...)
	}
}

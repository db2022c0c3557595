package main

import (
	"log/slog"
	"path/filepath"

	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
)

// How much a run says, and in which form:
//
//	--quiet           standard error has errors alone; standard output one line, the verdict
//	                  (with --json: report.json; with --events -: the events)
//	--verbose         standard error has what the run decides as well, as lines of log/slog
//	--verbose=json    the same as JSON: each line of standard error is one object
//
// No person and no key is in any of it.

// checkVoice finds what cannot be said at once.
func (f *runFlags) checkVoice() error {
	switch f.verbose {
	case "", "text", "json":
	case "true": // of a variable
		f.verbose = "text"
	case "false":
		f.verbose = ""
	default:
		return usage("--verbose, --verbose=text or --verbose=json; the value stands behind an equals sign", "--verbose %q is not known", f.verbose)
	}
	switch {
	case f.quiet && f.verbose != "":
		return usage("give only one of them", "--quiet and --verbose are both given")
	case f.quiet && (f.progress == "bar" || f.progress == "log"):
		return usage("give only one of them", "--quiet shows no progress, and --progress %s is given", f.progress)
	}
	return nil
}

// speak has the run say as much as the flags want.
func (f *runFlags) speak(env *environment) {
	if env.quiet = f.quiet; f.quiet {
		f.progress = "none"
	}
	switch f.verbose {
	case "text":
		env.log = slog.New(slog.NewTextHandler(env.stderr, nil))
	case "json":
		env.log, env.logsAlone = slog.New(slog.NewJSONHandler(env.stderr, nil)), true
	}
	if env.log != nil && f.progress == "auto" {
		f.progress = "log" // a bar has no place between lines
	}
}

// kept says where files of rejected rows are that a person had changed, or of which nothing
// else is known, and that something else took the place of.
func (m messages) kept(dir string, names []string, dryRun bool) {
	purpose := ", for a repair (--repair)"
	if dryRun { // of which nothing can be repaired
		purpose = ""
	}
	for _, name := range names {
		m.warn("rejected rows that are not as they were written are kept in " + report.PathWord(filepath.Join(dir, name)) + purpose)
	}
}

// warn says what went wrong and stopped nothing: also where it is quiet.
func (m messages) warn(text string) {
	loud := *m.env
	loud.quiet = false
	if loud.log != nil {
		loud.log.Warn(spelling.OneLine(text))
		return
	}
	messages{&loud}.note(text)
}

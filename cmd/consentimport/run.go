package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
)

func newRun(env *environment) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run EXPORT...",
		Short: "Import an export, or check it with --dry-run",
		Long: `run reads the rows of an export, maps them to consents and sends these, in order per
person. Everything it writes goes into one directory; the checkpoint in there makes it
possible to interrupt it at any moment and continue with --resume. "-" reads standard input.

Exit codes: 0 complete; 1 internal error; 2 refused before anything was sent; 3 complete,
some rows or consents failed; 4 incomplete, --resume continues; 5 complete, but the target
is now more permissive than a person.`,
		Example: `  consentimport run --dry-run --preset transcend preferences.csv
  consentimport run --sandbox --preset onetrust export.json
  consentimport run --preset transcend --org acme --project shop --api-key-file key.txt preferences.csv
  consentimport run --preset transcend --org acme --project shop --api-key-file key.txt --resume preferences.csv`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export, or - for standard input"),
		RunE: func(c *cobra.Command, paths []string) error {
			env.hurry() // the import waits for nobody
			if err := fromEnvironment(c, env); err != nil {
				return err
			}
			paths, err := env.exports(paths)
			if err != nil {
				return err
			}
			f.read.remote = env.access(context.Background())
			f.warns = func() { warnOfVariables(c, env) }
			return f.asTask(f.run(env, invocation(c, paths), paths))
		},
	}
	f.register(c)
	return c
}

// run is the command run: prepare, send, report.
func (f *runFlags) run(env *environment, called report.Invocation, paths []string) (err error) {
	if _, err := importer.ParseBudget(f.maxFailures); err != nil {
		return refused(err)
	}
	if err := f.share(env, paths); err != nil {
		return err
	}
	if err := f.check(paths); err != nil {
		return err
	}
	f.speak(env)
	f.warns()
	called = f.named(called)
	missing := f.missing(env)
	spec, err := f.spec(paths)
	if err != nil {
		return f.alsoMissing(err, missing)
	}
	if len(missing) > 0 {
		return usage("set them, or use --dry-run or --sandbox, which need none of them", "missing: %s", strings.Join(missing, ", "))
	}
	say := messages{env}
	if text := f.leftAside(); text != "" {
		say.note(text)
	}
	var send *target
	if !f.dryRun {
		var note string
		if f.concurrency, note, err = connectionsFor(f.concurrency, f.sandbox); err != nil {
			return err
		}
		if note != "" {
			say.note(note)
		}
		if send, err = f.openTarget(env, f.dir(paths)); err != nil {
			return refused(err)
		}
		defer send.close()
	} else if err := f.checkTarget(env); err != nil {
		return err
	}
	// What may wait for somebody to write it, such as a pipe, is read as long as a signal
	// ends the process at once.
	approved, err := f.readApproval()
	if err != nil {
		return err
	}
	suppressed, err := f.optedOut()
	if err != nil {
		return err
	}
	f.follows.Store(stoppingSoon)
	if f.dryRun {
		f.follows.Store(stopping)
	}
	ctx, release := env.interruptibleThen(say.note, func() string { return f.follows.Load().(string) })
	defer release()
	f.read.remote = env.access(ctx)
	cfg := f.config(env, spec, paths, send)
	cfg.Stdin = newUntilDone(ctx, env.stdin)
	cfg.Approved, cfg.Suppressed = approved, suppressed
	op, err := f.openOperation(env)
	if err != nil {
		return err
	}
	defer func() { op.close(exitCode(err), cfg.Dir, release) }()
	if f.dryRun && !f.restart {
		kept, err := importer.RemoveDryRun(env.disk, cfg.Dir, report.Written, report.KeepEdited)
		say.kept(cfg.Dir, kept, true)
		if err != nil {
			return err
		}
	}
	cfg.Since = f.earlier(ctx, env)
	im, err := importer.Open(cfg)
	if err != nil {
		return err
	}
	defer im.Close()
	for _, n := range notesOf(im) {
		say.note(n)
	}
	if err := report.RemoveLeft(env.disk, cfg.Dir, im.RunNumber() == 1); err != nil {
		return errors.Join(err, im.Abandon())
	}
	if f.dryRun {
		return f.surveyOnly(ctx, env, im, called, op)
	}
	if !im.Idle() || f.strict || f.approved != "" {
		if err := f.approve(ctx, env, im, f.dir(paths)); err != nil {
			return f.notBegun(ctx, env, im, f.named(called), err)
		}
	}
	if im.Idle() {
		return f.nothingToSend(ctx, env, im, send, f.dir(paths), op)
	}
	called = f.named(called)
	if err := im.Arrange(ctx); err != nil {
		return f.notBegun(ctx, env, im, called, err)
	}
	if err := im.Announce(ctx); err != nil {
		return f.notBegun(ctx, env, im, called, err)
	}
	repaired := "" // it is all that there is of the repair until the pass is set down
	if f.repair != "" {
		repaired = paths[0]
	}
	if err := f.removeEarlier(env, im, paths, repaired); err != nil {
		return errors.Join(err, im.Abandon())
	}
	if err := im.CommitPass(); err != nil {
		return err
	}
	if repaired != "" { // now the import has it
		if err := f.removeEarlier(env, im, paths, ""); err != nil {
			return err
		}
	}
	return f.send(ctx, env, im, send, called, op)
}

// removeEarlier removes the reports of earlier runs, but for the file repaired, and says what
// of them is kept.
func (f *runFlags) removeEarlier(env *environment, im *importer.Import, paths []string, repaired string) error {
	kept, err := report.RemoveEarlier(env.disk, f.dir(paths), repaired, im.Taken())
	messages{env}.kept(f.dir(paths), kept, false)
	return err
}

// optedOut reads the list of --suppress; nil for none.
func (f *runFlags) optedOut() (*rows.Suppressed, error) {
	if f.suppress == "" {
		return nil, nil
	}
	return rows.ReadSuppressed(f.suppress, f.suppressColumn)
}

// spec loads the mapping; nil to go on with the stored one.
func (f *runFlags) spec(paths []string) (*mapping.Spec, error) {
	goesOn := f.resume || f.repair != ""
	switch {
	case f.mapping.preset != "" && f.mapping.file == "" && !goesOn:
		spec, err := f.mapping.load()
		if other := f.otherPreset(paths); other != nil {
			return nil, other // whatever the preset lacks, it is not the one
		}
		return spec, err
	case f.mapping.given():
		return f.mapping.load()
	case goesOn:
		return nil, nil
	}
	return nil, f.noMapping(paths)
}

func (f *runFlags) config(env *environment, spec *mapping.Spec, paths []string, send *target) importer.Config {
	cfg := importer.Config{
		Tool: version(), Disk: env.disk, Dir: f.dir(paths), Source: f.read.config(paths),
		Spec: spec, DryRun: f.dryRun, Shard: f.part, Resume: f.resume, Retry: f.retry, Restart: f.restart, History: f.history, Now: env.now,
	}
	if f.repair != "" {
		cfg.Repair = paths[0]
		cfg.Source.Paths = nil
	}
	if send != nil {
		cfg.Target = send.identity
	} else {
		cfg.Target = f.identity(env)
	}
	return cfg
}

// surveyOnly is a dry run: nothing is sent.
func (f *runFlags) surveyOnly(ctx context.Context, env *environment, im *importer.Import, called report.Invocation, op *operation) error {
	op.start(im, true, f.identity(env), nil)
	if err := im.CommitDryRun(); err != nil {
		return err
	}
	var disagree error
	s, err := f.report(ctx, env, im, called, func(decisions report.DecisionTable) {
		disagree = f.agree(env.stderr, im, decisions)
	})
	if unread := new(mapping.Error); errors.As(err, &unread) { // it was read where it is stored
		named := *unread
		named.File = im.Spec().File()
		return refused(&named)
	}
	if err != nil {
		return err
	}
	op.end(s)
	if disagree != nil {
		return disagree
	}
	if f.strict && len(s.Lint) > 0 {
		if err := printSummary(env, s, f.json); err != nil {
			return err
		}
		return strict(env.stderr, s.Lint)
	}
	return f.show(env, s)
}

// nothingToSend is the resume of an import that is complete. It writes the reports as report
// does: what was archived of them, or of the checkpoint, stays as it is.
func (f *runFlags) nothingToSend(ctx context.Context, env *environment, im *importer.Import, out *target, dir string, op *operation) error {
	messages{env}.note("nothing is left to send: the import is complete")
	dropSocket(filepath.Join(dir, importer.ControlSocket)) // this one takes no orders
	op.start(im, false, out.identity, out.byStatus)
	surveyed, err := im.Survey()
	if err != nil {
		return err
	}
	defer surveyed.Close()
	s, err := writeReport(ctx, env, surveyed, dir, report.Invocation{Program: "consentimport"}, nil)
	if err != nil {
		return err
	}
	op.end(s)
	return f.show(env, s)
}

// send is a real run: it sends, then reports, whatever stopped it.
func (f *runFlags) send(ctx context.Context, env *environment, im *importer.Import, out *target, called report.Invocation, op *operation) error {
	say := messages{env}
	say.note(out.says())
	if text := im.Order(); text != "" {
		say.note(text)
	}
	op.start(im, false, out.identity, out.byStatus)
	followed := op.follow(im)
	shown := f.showProgress(env, im)
	inTime, release := env.reportTime(ctx)
	defer release()
	limits, rate := f.divided()
	steered := (&steeredRun{im: im, dir: f.dir(called.Exports), target: out.where(), key: f.keyFrom()}).serveControl(env)
	sending := out.sending(env, limits, rate)
	sending.Waits, sending.Log = op.waits, env.log
	reported := f.follow(inTime, env, im, called)
	f.follows.Store(stoppingRun)
	stop, runErr := im.Run(ctx, sending)
	f.follows.Store(stopping)
	steered()
	shown()
	followed()
	op.events.stop(stop)
	out.client.Close()                         // the reports need the files that its connections were
	gone := errors.Is(runErr, journal.ErrNone) // what lies there is not of this run any more
	if stop != nil && !gone {
		say.note(stop.Detail + "; writing the reports")
	}
	// The reports are written even after a signal; a second signal ends the process.
	var err error
	s := reported()
	if s != nil || gone {
		// they were written while the run went on, or there is nothing to write them from
	} else if stopped := stop != nil && stop.Kind == importer.StopSignal; stopped && !f.part.Whole() {
		s, err = f.brief(env, im, called) // whoever stops a task does not wait until the export was read again
	} else if s, err = f.report(inTime, env, im, called, nil); err != nil && inTime.Err() != nil {
		s, err = f.brief(env, im, called)
	}
	switch {
	case gone, errors.Is(err, journal.ErrNone):
		return &exitError{exitIncomplete, fmt.Errorf("the checkpoint in %s was removed while the run was at work: what was sent is not known any more", f.dir(called.Exports)),
			"restore it if you can: without it, --resume begins anew and sends everything again"}
	case errors.Is(err, source.ErrDenied) && runErr != nil:
		return &exitError{exitIncomplete, runErr, anotherURL + "; then continue with --resume"}
	case errors.Is(err, source.ErrDenied):
		return &exitError{exitIncomplete, fmt.Errorf("everything sent is in the checkpoint, but the reports could not be written: %w", err),
			anotherURL + "; then: " + report.CommandOn(f.dir(called.Exports), "report")}
	case err != nil && runErr != nil:
		if err.Error() != runErr.Error() { // one cause is said once
			runErr = fmt.Errorf("%w; and the reports could not be written: %w", runErr, err)
		}
		return &exitError{exitIncomplete, runErr, "make room or remove the cause, then continue with --resume"}
	case err != nil:
		return &exitError{exitIncomplete, fmt.Errorf("everything sent is in the checkpoint, but the reports could not be written: %w", err),
			"remove the cause, then: " + report.CommandOn(f.dir(called.Exports), "report")}
	}
	op.end(s)
	return f.show(env, s)
}

// report writes the reports from journal and export. Then is told what was decided, and
// may be nil.
func (f *runFlags) report(ctx context.Context, env *environment, im *importer.Import, called report.Invocation, then func(report.DecisionTable)) (*summary.Summary, error) {
	surveyed, err := im.Survey()
	if err != nil {
		return nil, err
	}
	defer surveyed.Close()
	opts, done, err := watched(env, surveyed, f.dir(called.Exports))
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := writeWatched(ctx, env, surveyed, f.dir(called.Exports), called, notesOf(im), opts)
	if err == nil && then != nil {
		then(opts.Decisions)
	}
	return s, err
}

// brief writes report.json alone, when the time for reports after a signal is over.
func (f *runFlags) brief(env *environment, im *importer.Import, called report.Invocation) (*summary.Summary, error) {
	surveyed, err := im.Survey()
	if err != nil {
		return nil, err
	}
	defer surveyed.Close()
	p := im.Progress()
	pending := max(0, p.Made-p.Settled)
	s, removed, err := report.Brief(env.disk, f.dir(called.Exports), surveyed.Facts(),
		summary.Rows{Read: p.Rows, Mapped: p.Rows - p.Skipped - p.Invalid - p.Elsewhere, Skipped: p.Skipped, Invalid: p.Invalid, Elsewhere: p.Elsewhere},
		summary.Consents{Made: p.Sent + p.Refused + p.Failed + p.Superseded + p.Known + pending, Sent: p.Sent, Refused: p.Refused, Failed: p.Failed, Superseded: p.Superseded, Known: p.Known, Pending: pending},
		report.Options{Tool: summary.Tool{Name: "consentimport", Version: version()}, Invocation: called, Notes: notesOf(im)})
	if err != nil {
		return nil, err
	}
	messages{env}.warn("no time to read the export again after the signal: only report.json was written; this writes the rest: " + s.Next)
	if len(removed) > 0 {
		messages{env}.warn("removed, for it tells of an earlier stop: " + strings.Join(removed, ", "))
	}
	messages{env}.kept(f.dir(called.Exports), s.Kept, s.DryRun)
	return s, nil
}

// show prints the end of a run and gives its exit code, which is that of the import
// even when nobody is left to read: a closed terminal or pipe is not a failure of it. Where
// there is no room for what is printed, 5 stays 5, and 0 does not stay 0.
func (f *runFlags) show(env *environment, s *summary.Summary) error {
	var err error
	verdict, _ := summary.Verdict(s)
	switch {
	case f.events == "-" && env.logsAlone:
		env.log.Info(verdict, "exitCode", s.ExitCode)
	case f.events == "-" && env.quiet: // standard output has the events
	case f.events == "-":
		err = text.Write(env.stderr, s, env.style())
	default:
		err = printSummary(env, s, f.json)
	}
	if err != nil && !nobodyReads(err) {
		return &exitError{cmp.Or(s.ExitCode, exitIncomplete), err, "the reports are written, and " + report.CommandOn(s.OutDir, "report") + " prints the summary again"}
	}
	return endWith(s.ExitCode)
}

// printSummary writes the summary to standard output.
func printSummary(env *environment, s *summary.Summary, asJSON bool) error {
	if asJSON {
		return summary.JSON(env.stdout, s)
	}
	if env.quiet {
		verdict, _ := summary.Verdict(s)
		_, err := fmt.Fprintln(env.stdout, spelling.OneLine(verdict))
		return err
	}
	return text.Write(env.stdout, s, env.style())
}

// messages go to standard error, a line each.
type messages struct{ env *environment }

func (m messages) note(text string) {
	switch {
	case m.env.quiet:
		return
	case m.env.log != nil:
		m.env.log.Info(spelling.OneLine(text))
		return
	}
	clear := ""
	if m.env.terminal {
		clear = "\r\x1b[K" // a bar may stand there; it draws itself again below
	}
	fmt.Fprintf(m.env.stderr, "%s%s\n", clear, spelling.OneLine(text))
}

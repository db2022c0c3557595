package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
)

const (
	// realisticFaults are those of a target on an ordinary day.
	realisticFaults = "400=0.5%,429=2%,500=1%,reset=0.2%,lost=0.1%,latency=20ms"
	// sampleRows is how many rows are rehearsed unless told otherwise.
	sampleRows = 20000
	// sampleFor bounds the sample where --rate makes it slow, unless told otherwise.
	sampleFor = 2 * time.Minute
)

// rehearseFlags are the flags of rehearse as they were typed; those that run has
// too are in the first part.
type rehearseFlags struct {
	run     runFlags
	limited bool // --limit was given
	faults  string
	seed    uint64
	keep    string
}

func newRehearse(env *environment) *cobra.Command {
	var f rehearseFlags
	c := &cobra.Command{
		Use:   "rehearse EXPORT...",
		Short: "Rehearse the whole import here: dry run, sandbox with faults, kill, resume",
		Long: `rehearse goes over the whole export as run --dry-run does, then imports its first rows
into a sandbox inside this process that misbehaves as a real target does on an ordinary day. The
import runs in a process of its own, which is killed after a third of the consents (kill -9),
and goes on with --resume. Then it checks that the sandbox holds exactly the decisions that
the import says it sent, in order per person and category, and says how long the real run
would take, which failures to expect, and what to fix first. Nothing leaves this machine.

A real target has its own speed and limits: give --faults the latency that you measured,
--rate, --between and --per-day the pace that you were granted. The rehearsal does not wait
for the hours of --between or the next day; it says how many days the real run takes with them. Exit codes: 0 passed; 3 there is something to fix; 2 it
could not be rehearsed, or was interrupted.`,
		Example: `  consentimport rehearse --preset transcend preferences.csv
  consentimport rehearse --preset onetrust --rate 200 --faults 429=5%,latency=80ms-200ms --limit 5000 export.json`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export"),
		RunE: func(c *cobra.Command, paths []string) error {
			f.limited = c.Flags().Changed("limit")
			paths, err := env.exports(paths)
			if err != nil {
				return err
			}
			f.run.read.remote = env.access(context.Background())
			return f.rehearse(env, rehearsedAs(c, paths), paths)
		},
	}
	fl := c.Flags()
	f.run.mapping.register(c)
	f.run.read.register(c)
	f.run.registerWording(c)
	f.run.registerHistory(c)
	fl.IntVar(&f.run.concurrency, "concurrency", importer.DefaultConcurrency, "requests in flight at most, `N`")
	fl.Float64Var(&f.run.rate, "rate", 0, "consents per second at most, `N` (0: no fixed limit)")
	f.run.registerHours(c)
	fl.StringVar(&f.run.maxFailures, "max-failures", importer.DefaultMaxFailures, "stop when more than `N|P%` of the consents failed (once 200 have an outcome)")
	fl.Int64Var(&f.run.limit, "limit", sampleRows, "send the first `N` rows (0: all); with --rate, fewer where they would take more than 2 minutes")
	fl.StringVar(&f.run.progress, "progress", "auto", "how progress is shown: `auto|bar|log|none`")
	fl.StringVar(&f.faults, "faults", realisticFaults, "let the sandbox inject the faults in `LIST` (consentimport sandbox --help)")
	fl.Uint64Var(&f.seed, "seed", 1, "draw the faults from seed `N`: the same seed gives the same faults")
	fl.StringVar(&f.keep, "keep", "", "keep checkpoints and reports of the rehearsal in `DIR`, which must be new")
	offer(c, "progress", "auto", "bar", "log", "none")
	_ = c.MarkFlagDirname("keep")
	return c
}

// rehearsedAs is the command line of the real run that was rehearsed.
func rehearsedAs(c *cobra.Command, paths []string) report.Invocation {
	in := invocation(c, paths)
	kept := in.Flags[:0]
	for _, f := range in.Flags {
		switch f.Name {
		case "faults", "seed", "keep", "limit", "progress":
		default:
			kept = append(kept, f)
		}
	}
	in.Flags = kept
	return in
}

// trial is what a rehearsal found out.
type trial struct {
	dry      *summary.Summary // of the whole export
	faults   string
	rate     float64 // --rate
	when     importer.Timetable
	sample   int64         // rows that were sent
	took     time.Duration // time that the runs of the sample worked
	requests int64
	lag      time.Duration // median of the answers
	cutAfter int64         // requests before the kill; 0 when the sample was sent before
	stop     *importer.Stop
	found    *holdings
	held     comparison
	injected int64 // refusals that the faults made up
	keep     string
}

func (f *rehearseFlags) rehearse(env *environment, called report.Invocation, paths []string) (err error) {
	f.run.attempts, f.run.retryFor, f.run.rehearses = importer.DefaultAttempts, importer.DefaultRetryFor, true
	faults, err := f.check(paths)
	if err != nil {
		return err
	}
	spec, err := f.run.spec(paths)
	if err != nil {
		return err
	}
	dir, remove, err := f.directory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	ctx, release := env.interruptible(messages{env}.note, "stopping: the rehearsal ends; nothing was sent to a target")
	defer release()

	t := &trial{faults: faults.String(), rate: f.run.rate, when: importer.Timetable{Hours: f.run.hours, PerDay: f.run.perDay}, keep: f.keep}
	if t.dry, err = f.survey(ctx, env, spec, filepath.Join(dir, "dry-run"), called); err != nil {
		return err
	}
	if err := interrupted(ctx); err != nil {
		return err
	}
	if err := f.perform(ctx, env, t, spec, faults, filepath.Join(dir, "import"), called); err != nil {
		return err
	}
	if err := t.print(env.stdout, env.style()); err != nil {
		return err
	}
	return endWith(t.exitCode())
}

// interrupted is the error of a rehearsal that a signal ended.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return usage("run the rehearsal again", "interrupted; nothing was sent to a target")
}

func (f *rehearseFlags) check(paths []string) (sandbox.Faults, error) {
	faults, err := sandbox.ParseFaults(f.faults)
	if err != nil {
		return faults, usage("consentimport sandbox --help lists the faults", "--faults: %w", err)
	}
	if _, err := f.run.wording(); err != nil {
		return faults, refused(err)
	}
	if _, err := importer.ParseBudget(f.run.maxFailures); err != nil {
		return faults, refused(err)
	}
	for _, p := range paths {
		if p == "-" {
			return faults, usage("write it to a file first", "rehearse reads the export more than once, so it cannot read standard input (-)")
		}
	}
	return faults, f.run.check(paths)
}

// directory makes the place for what the rehearsal writes, and says how to be
// rid of it. It holds what an import's does, so it is for its owner alone.
func (f *rehearseFlags) directory() (dir string, remove func() error, err error) {
	if f.keep == "" {
		dir, err := os.MkdirTemp("", "consentimport-rehearsal-")
		if err != nil {
			return "", nil, usage("choose another place with TMPDIR or --keep DIR", "make a directory for the rehearsal: %w", err)
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if list, err := os.ReadDir(f.keep); err == nil && len(list) > 0 {
		return "", nil, usage("give --keep a new directory", "--keep %s: the directory is not empty", f.keep)
	}
	if err := os.MkdirAll(f.keep, 0o700); err != nil {
		return "", nil, refused(fmt.Errorf("--keep: %w", err))
	}
	return f.keep, func() error { return nil }, nil
}

// survey is the dry run over the whole export.
func (f *rehearseFlags) survey(ctx context.Context, env *environment, spec *mapping.Spec, dir string, called report.Invocation) (*summary.Summary, error) {
	dry := f.run
	dry.dryRun = true
	if f.keep == "" {
		called.Lasting = dry.dir(called.Exports)
	}
	dry.out = dir
	cfg := dry.config(env, spec, called.Exports, nil)
	cfg.Since = dry.earlier(ctx, env)
	im, err := importer.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer im.Close()
	for _, n := range notesOf(im) {
		messages{env}.note(n)
	}
	if err := im.CommitDryRun(); err != nil {
		return nil, err
	}
	return dry.report(ctx, env, im, called, nil)
}

// perform imports the sample in two runs and compares.
func (f *rehearseFlags) perform(ctx context.Context, env *environment, t *trial, spec *mapping.Spec, faults sandbox.Faults, dir string, called report.Invocation) error {
	rows, made := t.dry.Rows.Read, t.dry.Consents.Pending // of these all would be sent
	t.sample = f.sampleOf(rows, made)
	wording, err := f.run.wording()
	if err != nil {
		return refused(err)
	}
	server, err := sandbox.Start(sandbox.Config{Key: sandboxKey, Faults: faults, Seed: f.seed, Form: sandboxForm(wording), Dir: filepath.Dir(dir)})
	if err != nil {
		return fmt.Errorf("start the sandbox: %w", err)
	}
	defer server.Close()
	f.run.sandbox, f.run.out, f.run.resume = true, dir, true
	cut := int64(1)
	if rows > 0 {
		cut = max(1, int64(float64(made)*float64(t.sample)/float64(rows)/3))
	}
	p := &performance{flags: f.run, env: env, spec: spec, server: server, trial: t, called: called}
	if err := p.killed(ctx, cut); err != nil {
		return err
	}
	if err := interrupted(ctx); err != nil {
		return err
	}
	if t.early() == nil {
		if err := p.goOn(ctx); err != nil {
			return err
		}
	}
	if err := interrupted(ctx); err != nil {
		return err
	}
	return p.compare(ctx)
}

// sampleOf says how many of the rows are sent.
func (f *rehearseFlags) sampleOf(rows, made int64) int64 {
	n := rows
	if f.run.limit > 0 {
		n = min(n, f.run.limit)
	}
	if f.run.rate > 0 && !f.limited && made > 0 {
		perRow := float64(made) / float64(rows)
		n = min(n, max(1, int64(f.run.rate*sampleFor.Seconds()/perRow)))
	}
	return n
}

// performance is the import of the sample into the sandbox.
type performance struct {
	flags  runFlags
	env    *environment
	spec   *mapping.Spec
	server *sandbox.Server
	trial  *trial
	called report.Invocation
}

// goOn is the resume, in this process.
func (p *performance) goOn(ctx context.Context) error {
	t := p.trial
	wording, err := p.flags.wording()
	if err != nil {
		return refused(err)
	}
	out, err := p.flags.sandboxTarget(p.env, p.flags.rehearsed(p.server.URL()), wording, p.server.URL())
	if err != nil {
		return err
	}
	defer out.close()
	cfg := p.flags.config(p.env, p.spec, p.called.Exports, out)
	out.arrived = p.quiet
	im, err := importer.Open(cfg)
	if err != nil {
		return err
	}
	defer im.Close()
	limits := p.flags.limits()
	limits.Rows, limits.When = 0, importer.Timetable{}
	if t.sample < t.dry.Rows.Read {
		if limits.Rows = t.sample - im.Progress().Rows; limits.Rows <= 0 { // all of them have their outcome
			t.stop = nil
			return nil
		}
	}
	shown := p.flags.showProgress(p.env, im)
	start := time.Now()
	stop, err := im.Run(ctx, out.sending(p.env, limits, p.flags.rate))
	t.took += time.Since(start)
	shown()
	t.stop = stop
	now := out.client.Stats().Snapshot()
	t.requests += now.Requests
	t.lag = now.Quantile(0.5)
	return err
}

// compare reads the checkpoint and asks the sandbox what it holds.
func (p *performance) compare(ctx context.Context) error {
	t := p.trial
	surveyed, err := survey.Open(p.env.disk, p.flags.out, p.env.access(ctx))
	if err != nil {
		return err
	}
	defer surveyed.Close()
	wording, err := p.flags.wording()
	if err != nil {
		return refused(err)
	}
	t.found = newHoldings(wording, surveyed.Facts().Header.History != "rows")
	if err := surveyed.Each(ctx, t.found.visit); err != nil {
		return fmt.Errorf("compare checkpoint and sandbox: %w", err)
	}
	t.held = t.found.compare(p.server.All)
	for _, name := range []string{"400", "413", "422", "refuse"} {
		t.injected += p.server.Stats().Faults[name]
	}
	if t.keep == "" {
		return nil
	}
	_, err = writeReport(ctx, p.env, surveyed, p.flags.out, p.called, []string{"this is a rehearsal: everything is sent to a sandbox with the faults " + t.faults})
	return err
}

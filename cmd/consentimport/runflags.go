package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// runFlags are the flags of run as they were typed.
type runFlags struct {
	metrics, events, onEnd string // what others see of the run
	mapping                mappingFlags
	read                   readFlags

	baseURL, org, project, keyFile, dialect string
	auth, times, validUntil                 string
	sandbox                                 bool

	dryRun, resume, retry, restart bool
	repair, out, history           string
	suppress, suppressColumn       string
	since                          string
	rehearses                      bool // it goes into a sandbox in the place of a target

	concurrency, attempts int
	rate                  float64
	between               string
	hours                 importer.Hours // what --between says
	perDay                int64
	limit                 int64
	maxFailures           string
	retryFor, timeout     time.Duration
	given                 func(flag string) bool // whether the user set a flag; nil: of a command that has not all of them

	shard string
	part  shard.Shard // what --shard says
	job   bool        // a scheduler runs it

	strict   bool
	approved string
	follows  atomic.Value   // what a signal leads to now: a string
	signed   *report.Signed // the file that --approved names
	// approvedAs is the hash of what was approved by a file that is gone; else empty.
	approvedAs string
	progress   string
	json       bool
	quiet      bool
	verbose    string // text, json, or empty
	warns      func() // of variables that stand for no flag
}

// mappingFlags choose a mapping.
type mappingFlags struct {
	preset, file string
	set          []string
}

func (f *mappingFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.preset, "preset", "", "use the built-in mapping `NAME` (consentimport mapping list)")
	c.Flags().StringVar(&f.file, "mapping", "", "use the mapping in `FILE`")
	c.Flags().StringArrayVar(&f.set, "set", nil, "give a parameter of the mapping its value, `NAME=VALUE`; may be repeated")
	_ = c.MarkFlagFilename("mapping", "yaml", "yml")
}

// given reports whether a mapping was chosen.
func (f *mappingFlags) given() bool { return f.preset != "" || f.file != "" }

// mistyped is what is wrong with the flags as far as that can be said without reading a
// file: of a preset all, of a mapping what is given to it.
func (f *mappingFlags) mistyped() error {
	if f.preset != "" {
		_, err := f.load()
		return err
	}
	_, err := f.values()
	return err
}

// values are the parameters that are given a value.
func (f *mappingFlags) values() (map[string]string, error) {
	set := make(map[string]string, len(f.set))
	for _, s := range f.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usage("for example --set time=2026-05-01T00:00:00Z", "--set %q is not of the form NAME=VALUE", s)
		}
		if was, twice := set[name]; twice && was != value {
			return nil, usage("give it once", "--set %s is given twice, as %q and as %q", name, was, value)
		}
		set[name] = value
	}
	return set, nil
}

// load reads and compiles the chosen mapping.
func (f *mappingFlags) load() (*mapping.Spec, error) {
	if f.preset != "" && f.file != "" {
		return nil, usage("give only one of them", "--preset and --mapping are both given")
	}
	set, err := f.values()
	if err != nil {
		return nil, err
	}
	if f.preset != "" {
		p, err := mapping.FindPreset(f.preset)
		if err != nil {
			return nil, refused(err)
		}
		return rows.ParseMapping(p.Name+".yaml", p.Source, set)
	}
	text, err := readMapping(f.file)
	if err != nil {
		return nil, usage("consentimport mapping show NAME prints one to start from", "read the mapping: %w", err)
	}
	return rows.ParseMapping(f.file, text, set)
}

// readMapping reads a mapping file, which is not read further than a mapping may be
// long: Parse then says so.
func readMapping(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mapping.MaxFile+1))
}

// readFlags override what is detected of an export.
type readFlags struct {
	format, delimiter, encoding string
	remote                      *source.Remote // how URLs are reached
}

// command writes a command of the program about the files of an export, read as they are
// now.
func (f *readFlags) command(paths []string, words ...string) string {
	words = append([]string{"consentimport"}, words...)
	for _, path := range paths {
		words = append(words, report.PathWord(path))
	}
	for _, o := range []struct{ flag, value string }{{"--format", f.format}, {"--delimiter", f.delimiter}, {"--encoding", f.encoding}} {
		if o.value != "" {
			words = append(words, o.flag, o.value)
		}
	}
	return report.ShellLine(words)
}

func (f *readFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.format, "format", "", "format of the export: `csv|jsonl` (detected)")
	c.Flags().StringVar(&f.delimiter, "delimiter", "", "what separates the cells of a CSV, a `CHARACTER` or \\t (detected)")
	c.Flags().StringVar(&f.encoding, "encoding", "", "encoding of the export, a WHATWG `NAME` such as windows-1252 (detected)")
	offer(c, "format", source.FormatNames()...)
}

func (f *readFlags) config(paths []string) source.Config {
	return source.Config{Paths: paths, Format: f.format, Delimiter: f.delimiter, Encoding: f.encoding, Remote: f.remote}
}

func (f *runFlags) register(c *cobra.Command) {
	fl := c.Flags()
	f.mapping.register(c)
	fl.StringVar(&f.baseURL, "base-url", "", "base `URL` of the API (env INTEMPT_BASE_URL; default "+intempt.DefaultBaseURL+")")
	fl.StringVar(&f.org, "org", "", "organisation `NAME` in the API's path (env INTEMPT_ORG)")
	fl.StringVar(&f.project, "project", "", "project `NAME` in the API's path (env INTEMPT_PROJECT)")
	fl.StringVar(&f.keyFile, "api-key-file", "", "read the API key from `FILE` (or env INTEMPT_API_KEY)")
	f.registerWording(c)
	fl.BoolVar(&f.sandbox, "sandbox", false, "import into a sandbox inside this process; needs no other target flag")
	fl.BoolVar(&f.dryRun, "dry-run", false, "do everything but sending: decode, map, validate, lint, report")
	fl.StringVar(&f.out, "out", "", "`DIR` for everything that this import writes (default EXPORT.import, in a dry run EXPORT.dry-run)")
	fl.BoolVar(&f.resume, "resume", false, "continue from the checkpoint in --out")
	fl.BoolVar(&f.retry, "retry", false, "with --resume: also send the refused and failed again, perhaps with a changed mapping")
	fl.StringVar(&f.repair, "repair", "", "EXPORT is a repaired rejected.* of the import in `DIR`: continue there")
	f.registerHistory(c)
	fl.StringVar(&f.suppress, "suppress", "", "people who opted out elsewhere, in `FILE`, one identifier a line: their accepts make no consent")
	fl.StringVar(&f.suppressColumn, "suppress-column", "", "the `COLUMN` of the CSV file of --suppress that has the identifiers")
	fl.BoolVar(&f.restart, "restart", false, "rename the old out directory and start over")
	fl.IntVar(&f.concurrency, "concurrency", importer.DefaultConcurrency, "requests in flight at most, `N`")
	fl.Float64Var(&f.rate, "rate", 0, "consents per second at most, `N` (0: no fixed limit; 429 and 503 slow the run down by themselves)")
	f.registerHours(c)
	fl.Int64Var(&f.limit, "limit", 0, "stop cleanly after `N` rows of this run (0: all)")
	fl.StringVar(&f.maxFailures, "max-failures", importer.DefaultMaxFailures, "stop when more than `N|P%` of the consents failed (once 200 have an outcome)")
	fl.IntVar(&f.attempts, "attempts", importer.DefaultAttempts, "how often one consent is tried before it counts as failed, `N`")
	f.given = fl.Changed
	fl.DurationVar(&f.retryFor, "retry-for", importer.DefaultRetryFor, "how long the target may be gone before the run stops, a `DURATION`")
	fl.DurationVar(&f.timeout, "timeout", intempt.DefaultTimeout, "how long one request may take, a `DURATION`; a resume waits as long for requests that an earlier run left unanswered")
	fl.StringVar(&f.shard, "shard", "1/1", "send only the people of shard `I/N`, as one of N processes that share nothing but the export; auto takes both from the scheduler")
	fl.BoolVar(&f.strict, "strict", false, "refuse the run before anything is sent when the lint finds something")
	fl.StringVar(&f.approved, "approved", "", "send only what was signed: the approval hash of a dry run, or its decisions.csv (`HASH|FILE`)")
	f.read.register(c)
	fl.StringVar(&f.progress, "progress", "auto", "how progress is shown: `auto|bar|log|none`")
	fl.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at `ADDR`/metrics while it runs (:9090 is for this machine alone)")
	fl.StringVar(&f.events, "events", "", "write a JSON line for each event to `FILE`, or - for standard output")
	fl.StringVar(&f.onEnd, "on-end", "", "run `COMMAND` in a shell when it ends, with state and counts in its environment")
	fl.BoolVar(&f.quiet, "quiet", false, "print errors and one line of result, nothing else")
	fl.StringVar(&f.verbose, "verbose", "", "also print what the run decides (retries, pauses, pace, what a resume found), never a person; `text|json`, text when nothing is given")
	fl.Lookup("verbose").NoOptDefVal = "text"
	fl.BoolVar(&f.json, "json", false, "print report.json on standard output instead of the text summary")
	fl.BoolVar(&f.rehearses, "rehearsal", false, "the target stands in for another one, on this machine")
	_ = fl.MarkHidden("rehearsal")
	offer(c, "progress", "auto", "bar", "log", "none")
	offer(c, "verbose", "text", "json")
	_ = c.MarkFlagDirname("out")
	_ = c.MarkFlagDirname("repair")
}

// registerHours adds the flags that say when consents may leave.
func (f *runFlags) registerHours(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.between, "between", "", "send in these `HOURS` of the day alone, such as 01:00-05:00 or \"22:00-05:00 Europe/Berlin\", and wait outside of them (without a zone: local time)")
	fl.Int64Var(&f.perDay, "per-day", 0, "send `N` requests a day at most, from midnight to midnight in the zone of --between, then wait for the next day (0: no limit; a resume keeps the count)")
}

func (f *runFlags) limits() importer.Limits {
	budget, _ := importer.ParseBudget(f.maxFailures)
	var first time.Duration
	if f.given != nil && f.given("retry-for") {
		first = f.retryFor // who says how long to wait means also a target that is not there yet
	}
	return importer.Limits{
		FirstContact: first,
		Concurrency:  f.concurrency, Rate: f.rate, When: importer.Timetable{Hours: f.hours, PerDay: f.perDay}, Rows: f.limit, MaxFailures: budget, Attempts: f.attempts, RetryFor: f.retryFor, Timeout: f.timeout,
	}
}

// earlier is the import that this one is held against; nil when there is none.
func (f *runFlags) earlier(ctx context.Context, env *environment) *importer.Since {
	if f.since == "" {
		return nil
	}
	to := f.identity(env)
	return &importer.Since{
		Dir: filepath.Clean(f.since), Context: ctx, Remote: env.access(ctx),
		AnyTarget: f.rehearses && (f.dryRun || intempt.Here(to.BaseURL)) || f.dryRun && to.Org == "" && to.Project == "",
	}
}

// dir is the out directory.
func (f *runFlags) dir(paths []string) string {
	switch {
	case f.repair != "":
		return filepath.Clean(f.repair)
	case f.out != "":
		return filepath.Clean(f.out)
	}
	name := filepath.Clean(paths[0])
	switch {
	case paths[0] == "-":
		name = "stdin"
	case source.IsRemote(paths[0]):
		name = source.BaseName(paths[0]) // here
	}
	if f.dryRun {
		return name + ".dry-run"
	}
	if !f.part.Whole() {
		return fmt.Sprintf("%s.import-%d-of-%d", name, f.part.I, f.part.N)
	}
	return name + ".import"
}

// written notes how requests are written. Flags that say nothing known are refused
// before anything is written down.
func (f *runFlags) written(t journal.Target) journal.Target {
	w, _ := f.wording()
	t.Dialect, t.Auth, t.Times, t.ValidUntil = f.dialect, w.Auth, w.Times, w.ValidUntil
	return t
}

// registerHistory adds the flags that say which decisions leave, and in which order.
func (f *runFlags) registerHistory(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.history, "history", "", "in which order a person's decisions arrive: `chronological|latest|rows` (default chronological: oldest first, whatever their order in the files)")
	fl.StringVar(&f.since, "since", "", "send only what is new against the finished import in `DIR`: what that one sent is not sent again, and nothing older leaves")
	offer(c, "history", "chronological", "latest", "rows")
	_ = c.MarkFlagDirname("since")
}

// oneOf is the value of a flag that takes one of some words, as its help has it.
func oneOf(words []string) string { return "`" + strings.Join(words, "|") + "`" }

// registerWording adds the flags that say how requests are written.
func (f *runFlags) registerWording(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.dialect, "dialect", "docs", "how times and the key are written: "+oneOf(intempt.DialectNames()))
	fl.StringVar(&f.auth, "auth", "", "where the key stands: "+oneOf(intempt.AuthNames())+" (as the dialect says)")
	fl.StringVar(&f.times, "times", "", "how times are written: "+oneOf(intempt.TimesNames())+" (as the dialect says)")
	fl.StringVar(&f.validUntil, "valid-until", "", "how ends are written: "+oneOf(intempt.ValidUntilNames())+" (as the dialect says)")
	for name, words := range map[string][]string{
		"dialect": intempt.DialectNames(), "auth": intempt.AuthNames(), "times": intempt.TimesNames(), "valid-until": intempt.ValidUntilNames(),
	} {
		offer(c, name, words...)
	}
}

// identity joins flags and environment to the identity of the target.
func (f *runFlags) identity(env *environment) journal.Target {
	or := func(flag, variable, otherwise string) string {
		if flag != "" {
			return flag
		}
		if v := env.getenv(variable); v != "" {
			return v
		}
		return otherwise
	}
	t := f.written(journal.Target{Sandbox: f.sandbox})
	if f.sandbox {
		t.Org, t.Project = "sandbox", "sandbox"
		return t
	}
	t.BaseURL = strings.TrimRight(or(f.baseURL, "INTEMPT_BASE_URL", intempt.DefaultBaseURL), "/")
	t.Org = or(f.org, "INTEMPT_ORG", "")
	t.Project = or(f.project, "INTEMPT_PROJECT", "")
	return t
}

// key reads the API key from where the user keeps it.
func (f *runFlags) key(env *environment) (intempt.Key, error) {
	if f.keyFile != "" {
		if err := ownKeyFile(f.keyFile); err != nil {
			return intempt.Key{}, err
		}
		return intempt.ReadKey(f.keyFile)
	}
	if v := env.getenv("INTEMPT_API_KEY"); v != "" {
		return intempt.ParseKey(v)
	}
	return intempt.Key{}, fmt.Errorf("no API key: give --api-key-file FILE, or set INTEMPT_API_KEY")
}

// keyFrom says where the API key is read from.
func (f *runFlags) keyFrom() string {
	switch {
	case f.sandbox:
		return "of the sandbox"
	case f.keyFile != "":
		return "from " + f.keyFile
	}
	return "from INTEMPT_API_KEY"
}

// invocation is the command line as the reports repeat it.
func invocation(c *cobra.Command, paths []string) report.Invocation {
	in := report.Invocation{Program: "consentimport", Exports: paths}
	c.Flags().VisitAll(func(f *flag) {
		if f.Changed {
			in.Flags = append(in.Flags, flagOf(f)...)
		}
	})
	return in
}

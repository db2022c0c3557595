// Package report derives everything that a person reads from a survey of an
// import: the summary, its forms, and the lists of what was sent, what failed
// and what to do about it. Nothing here is remembered between runs: the same
// journal and export give the same reports.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/html"
	"github.com/consentimport/consentimport/report/summary"
)

// Survey is what a report needs of an import: its export and its journal, merged.
type Survey interface {
	// Each shows all rows to the visitors. Its error stops the report.
	Each(ctx context.Context, visitors ...survey.Visitor) error
	// Rows shows a few rows once more, by their numbers, and maps no other.
	Rows(ctx context.Context, numbers []int64, visitors ...survey.Visitor) error
	// Arrivals gives the outcomes of some consents in the order in which the answers came;
	// ordered is false where that is not known.
	Arrivals(refs []journal.Ref) (all []journal.Arrival, ordered bool, err error)
	// Facts are complete when Each has returned; header and passes before.
	Facts() survey.Facts
}

// Options are what a report says beside the survey.
type Options struct {
	Tool       summary.Tool
	Invocation Invocation
	// Visitors see the survey too.
	Visitors []survey.Visitor
	// Lint and Decisions are asked after the survey, when its visitors know
	// them. Both may be nil.
	Lint      func() []summary.Finding
	Decisions DecisionTable
	// Mapping is the mapping of the last pass, for the sheet to sign.
	Mapping *mapping.Spec
	// Try tries changed mappings on all rows, see survey.Survey.Try; nil when no change
	// of the mapping is to be proposed.
	Try func(ctx context.Context, trials []survey.Trial, upTo int64) ([]survey.Effect, error)
	// Notes are for the person who reads: what the run said only once.
	Notes []string
	// Memory is how much of the index of histories stays in memory, in bytes; 0: a million
	// decisions.
	Memory int
}

// DecisionTable is what the values of the export became.
type DecisionTable interface {
	// Each gives every line, whole and unmasked, in the order of Decision.
	Each(func(summary.Decision) error) error
	// Table is the table in short, masked.
	Table() ([]summary.Decision, error)
	// Shown is a value as reports may show it, ShownCategory a category, Named says whether
	// the mapping has it.
	Shown(value string) string
	ShownCategory(category string) string
	Named(value string) bool
	// ApprovalHash names what is signed.
	ApprovalHash() (string, error)
}

// form is a report made from the summary and, where it says so, the decision table.
// One that advises holds advice, or what changes with the day: verify cannot hold
// it to the byte against the checkpoint.
type form struct {
	name    string
	table   bool
	advises bool
	write   func(io.Writer, *summary.Summary, *Options) error
}

// forms is the table of the reports that are written into the out directory
// from the summary, in the order in which they are put in place: report.json,
// which scripts wait for, is the last.
var forms = []form{
	{decisionsName, true, false, func(w io.Writer, _ *summary.Summary, o *Options) error { return writeDecisions(w, o.Decisions) }},
	{html.ApprovalName, true, false, func(w io.Writer, s *summary.Summary, o *Options) error {
		return html.WriteApproval(w, s, o.Decisions, o.Mapping)
	}},
	{"report.html", false, true, func(w io.Writer, s *summary.Summary, _ *Options) error { return html.Write(w, s) }},
	{summary.Name, false, true, func(w io.Writer, s *summary.Summary, _ *Options) error { return summary.JSON(w, s) }},
}

// Write surveys an import and writes its reports into dir: all of them or, when
// it returns an error, none. An import whose counts do not balance is reported
// too, with state Unbalanced. Of one shard of several there is report.json alone: the
// lists are those of all shards together.
func Write(ctx context.Context, disk journal.Disk, dir string, s Survey, opts Options) (*summary.Summary, error) {
	return derive(ctx, &sheets{disk: disk, dir: dir}, s, opts)
}

// derive is Write into files that are begun.
func derive(ctx context.Context, files *sheets, s Survey, opts Options) (*summary.Summary, error) {
	facts := s.Facts()
	files.taken = journal.Repaired(facts.Passes)
	defer files.discard()
	if facts.Header.Shard != journal.WholeShard {
		files.only = summary.Name
	}
	c, err := newCollector(files, &facts, opts.Memory)
	if err != nil {
		return nil, err
	}
	c.table = opts.Decisions
	defer c.close()
	if err := s.Each(ctx, append([]survey.Visitor{c.visit}, opts.Visitors...)...); err != nil {
		decisions := c.history.Len()
		c.close() // what it holds takes up the room that there is
		if errors.As(err, new(*blocked.Error)) {
			return nil, err // it says itself what it is about
		}
		return nil, c.full(fmt.Errorf("survey the import: %w", err), decisions)
	}
	facts = s.Facts()
	decisions := c.history.Len()
	sum, err := c.summary(ctx, files.dir, &facts, &opts, func(sum *summary.Summary) error { return c.histories(ctx, s, sum, &facts) })
	if err != nil {
		return nil, c.full(err, decisions)
	}
	if err := writeForms(files, sum, &opts); err != nil {
		return nil, err
	}
	if err := files.commit(c.stale()); err != nil {
		return nil, err
	}
	sum.Kept = files.kept
	return sum, nil
}

// writeForms writes what is made from the summary and the decision table.
func writeForms(files *sheets, sum *summary.Summary, opts *Options) error {
	for _, f := range forms {
		if f.table && opts.Decisions == nil || files.only != "" && f.name != files.only {
			continue
		}
		x, err := files.create(f.name)
		if err != nil {
			return err
		}
		if err := f.write(x, sum, opts); err != nil {
			return err
		}
	}
	return nil
}

// close frees what the collector holds on disk.
func (c *collector) close() {
	if c.history != nil {
		_ = c.history.Close() // the error that led here is the one to report
		c.history = nil
	}
	if c.unsaid != nil {
		_ = c.unsaid.lines.Close() // all that it had was read, or there is an error to report
	}
}

// stale names the files that an earlier report may have left and that must not
// be there any more. Layouts do not change in an import, so neither do names.
func (c *collector) stale() []string {
	names := []string{"rejected.csv", "rejected.jsonl"}
	for _, l := range lists {
		names = append(names, l.name)
	}
	for n, x := range c.rejected {
		names = append(names, rows.RejectedName(x.layout, n))
	}
	return names
}

// summary counts the survey up. people counts people; nil: nobody has looked at them.
func (c *collector) summary(ctx context.Context, dir string, facts *survey.Facts, opts *Options, people func(*summary.Summary) error) (*summary.Summary, error) {
	t := c.tally
	s := &summary.Summary{
		DryRun:         facts.Header.DryRun,
		Tool:           opts.Tool,
		Inputs:         []summary.Input{},
		Target:         summary.Target(facts.Header.Target),
		StartedAt:      moment(facts.Header.Started),
		FinishedAt:     moment(facts.Finished),
		Runs:           len(facts.Runs),
		Rows:           t.rows,
		Consents:       t.consents,
		LastWords:      []summary.LastWord{},
		ByDecision:     t.byDecision(),
		FailureGroups:  t.failures.list(),
		OverPermissive: summary.OverPermissive{Consents: []string{}},
		Lint:           []summary.Finding{},
		HTTP:           httpOf(&facts.HTTP),
		Steps:          []string{},
		Notes:          append([]string{}, opts.Notes...),
		Passes:         []summary.Pass{},
		Skips:          t.skipped(),
		Decisions:      []summary.Decision{},
		Decided:        t.months.list(),
		Throughput:     []summary.Point{},
	}
	if facts.Header.Shard != journal.WholeShard {
		s.Shard = facts.Header.Shard
	}
	for _, in := range facts.Inputs {
		s.Inputs = append(s.Inputs, summary.Input(in))
	}
	for _, p := range facts.Passes {
		s.Mapping = summary.Mapping{Name: p.Mapping.Name, SHA256: p.Mapping.SHA256}
		s.Lookups = LookupsOf(p.Mapping)
		x := summary.Pass{N: p.N, Kind: string(p.Kind), Mapping: s.Mapping}
		if p.N < len(t.passes) {
			x.Sent = t.passes[p.N]
		}
		s.Passes = append(s.Passes, x)
	}
	for _, p := range facts.Timeline {
		s.Throughput = append(s.Throughput, summary.Point{
			At: moment(p.At), Run: p.Run, Sent: p.Sent, Refused: p.Refused, Failed: p.Failed,
			Requests: p.Requests, Retries: p.Retries, ThrottledSeconds: round(p.Throttled, 3),
		})
	}
	if opts.Lint != nil {
		s.Lint = append(s.Lint, opts.Lint()...)
	}
	if list := facts.Header.Suppressed; list != nil && s.Shard == "" && t.skips[mapping.OptedOut] == 0 {
		s.Lint = append(s.Lint, summary.Finding{
			Rule: "suppressed-nobody", Count: list.People,
			Message: "Nobody on the list of people who opted out elsewhere has an accept in the export; make sure that it has the identifiers that the mapping sends, spelled as they are here.",
		})
	}
	if people != nil {
		if err := people(s); err != nil {
			return nil, err
		}
	}
	for i := range s.Lint {
		s.Lint[i].Rows = append([]int64{}, s.Lint[i].Rows...)
	}
	if opts.Decisions != nil {
		var err error
		if s.Decisions, err = opts.Decisions.Table(); err != nil {
			return nil, err
		}
		if s.ApprovalHash, err = opts.Decisions.ApprovalHash(); err != nil {
			return nil, err
		}
	}
	s.ElapsedSeconds = round(facts.Active.Seconds(), 3)
	if done := s.Consents.Sent + s.Consents.Refused + s.Consents.Failed; done > 0 && facts.Active > 0 {
		s.ConsentsPerSecond = round(float64(done)/facts.Active.Seconds(), 1)
	} else if s.DryRun && facts.Active > 0 {
		s.ConsentsPerSecond = round(float64(s.Consents.Made)/facts.Active.Seconds(), 1)
	}
	conclude(s, facts)
	s.OutDir, s.Files = dir, c.files(opts)
	called := opts.Invocation
	if len(called.Exports) == 0 {
		called = recall(called.Program, dir, facts)
	} else if called.flag("repair") != "" {
		called.goesOnWith(recall(called.Program, dir, facts).Exports, dir)
	}
	if n := len(facts.Passes); n > 0 {
		called.stored = filepath.Join(dir, facts.Passes[n-1].Mapping.File)
	}
	called.unfinished = unfinishedOf(dir, facts)
	if err := propose(ctx, s, opts); err != nil {
		return nil, fmt.Errorf("try changes of the mapping: %w", err)
	}
	called.closed = closedBy(c, s, &called, facts)
	advise(s, &called)
	return s, nil
}

// conclude sets state, reason and exit code.
func conclude(s *summary.Summary, facts *survey.Facts) {
	s.State = summary.Complete
	switch end := facts.End; {
	case end == nil:
		s.State, s.Why, s.Detail = summary.Incomplete, summary.WhyCrash, "the last run was killed, or its machine stopped"
	case end.State != summary.Complete:
		s.State, s.Why, s.Detail = summary.Incomplete, end.Why, end.Detail
		if s.Detail == "" {
			s.Detail = end.Why
		}
	case s.Consents.Pending > 0 && !s.DryRun:
		s.State, s.Why, s.Detail = summary.Incomplete, summary.WhyPending, "some consents have no outcome yet"
	}
	if err := s.Balanced(); err != nil {
		s.State, s.Why, s.Detail = summary.Unbalanced, summary.WhyBalance, err.Error()
	}
	s.ExitCode = summary.Exit(s)
}

// files names what the report puts into the out directory.
func (c *collector) files(opts *Options) []string {
	var names []string
	for _, x := range c.sheets.open {
		names = append(names, x.name)
	}
	for _, f := range forms {
		if (!f.table || opts.Decisions != nil) && (c.sheets.only == "" || c.sheets.only == f.name) {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return names
}

// httpOf turns the facts of all requests into those of the summary.
func httpOf(h *survey.HTTPFacts) summary.HTTP {
	out := summary.HTTP{
		Requests: h.Requests, Retries: h.Retries, ByStatus: map[string]int64{},
		LatencyMs:        summary.Latency{P50: ms(h.P50), P95: ms(h.P95), P99: ms(h.P99), Max: ms(h.Max)},
		ThrottledSeconds: round(h.Throttled.Seconds(), 3),
	}
	for status, n := range h.ByStatus {
		out.ByStatus[status] = n
	}
	return out
}

// moment is a time in UTC, to the millisecond.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// ms is a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// round cuts a number to some digits after the point.
func round(x float64, digits int) float64 {
	f := 1.0
	for range digits {
		f *= 10
	}
	return float64(int64(x*f+0.5)) / f
}

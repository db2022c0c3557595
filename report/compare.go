package report

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// Comparison is what deriving the reports again shows of those that are there.
type Comparison struct {
	// Summary is what report.json would be now.
	Summary *summary.Summary
	// Agree are the files that were derived again and are the same, to the byte;
	// of report.json what it counts.
	Agree []string
	// Advise are those of the forms with advice that are the same, to the byte, with the advice
	// of now.
	Advise []string
	// Differ are the others, a sentence each.
	Differ []string
	// Partial says that report.json was written alone when a signal ended the run (see
	// Brief): lists that are not there are not missing.
	Partial bool
	// Older says why files differ that nobody needs to have changed: the reports of the
	// last run were not written, since it was killed then or had no room. Empty otherwise.
	Older string
}

// Compare derives the reports of an import again and holds those in dir against
// them, without changing anything. Forms that advise are left out; of report.json
// the counts are held.
func Compare(ctx context.Context, disk journal.Disk, dir string, s Survey, opts Options) (*Comparison, error) {
	c := &comparing{Disk: disk, dir: dir}
	had, err := storedSummary(disk, dir)
	if err != nil {
		return nil, err
	}
	if had != nil {
		opts.Tool.Version = had.Tool.Version // the sheet to sign names it: the one that wrote it, which may not be this one
	}
	sum, err := derive(ctx, &sheets{disk: c, dir: dir, compares: true}, s, opts)
	if err != nil {
		return nil, err
	}
	x := &Comparison{Summary: sum, Agree: c.agree, Differ: c.differ}
	switch {
	case had == nil:
		x.Differ = append(x.Differ, "report.json"+isMissing)
	case had.Partial && sum.State == summary.Incomplete:
		x.Partial = true
		x.Differ = slices.DeleteFunc(x.Differ, func(what string) bool { return strings.HasSuffix(what, isMissing) })
		what := contradicts(briefly(had), briefly(sum))
		if settled(had.Consents) != settled(sum.Consents) {
			what = "consents"
		}
		if what != "" {
			x.Differ = append(x.Differ, fmt.Sprintf("report.json was changed, or belongs to another time: its %s differs from what the checkpoint gives", what))
		}
	default:
		if what := contradicts(had, sum); what != "" {
			x.Differ = append(x.Differ, fmt.Sprintf("report.json was changed, or belongs to another time: its %s differs from what checkpoint and export give", what))
		} else {
			x.Agree = append(x.Agree, "report.json")
		}
	}
	if x.Advise, err = advising(disk, dir, sum, &opts); err != nil {
		return nil, err
	}
	if !x.Partial && len(x.Differ) > 0 {
		x.Older = older(had, sum, x.Differ)
	}
	slices.Sort(x.Agree)
	slices.Sort(x.Differ)
	return x, nil
}

// advising names the forms with advice in dir that are what a summary makes them now.
func advising(disk journal.Disk, dir string, s *summary.Summary, opts *Options) (names []string, err error) {
	for _, f := range forms {
		if !f.advises {
			continue
		}
		sum := sha256.New()
		if err := f.write(sum, s, opts); err != nil {
			return nil, err
		}
		is, err := DigestFile(disk, dir, f.name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case is.SHA256 == hex.EncodeToString(sum.Sum(nil)):
			names = append(names, f.name)
		}
	}
	return names, nil
}

// older says that the reports are those of an earlier run, or that none were written:
// report.json is written last.
func older(had, now *summary.Summary, differ []string) string {
	missing := func(what string) bool { return strings.HasSuffix(what, isMissing) }
	switch {
	case had == nil && !slices.ContainsFunc(differ, func(what string) bool { return !missing(what) }):
		return "the reports were not written, or not all of them: the run was killed then, or had no room for them"
	case had != nil && !had.FinishedAt.IsZero() && had.FinishedAt.Before(now.FinishedAt):
		return fmt.Sprintf("the reports are of an earlier run: report.json knows the import as it was at %s, and it was at work until %s", had.FinishedAt.Format(time.RFC3339), now.FinishedAt.Format(time.RFC3339))
	}
	return ""
}

// isMissing is behind the name of a file that is not there.
const isMissing = " is missing"

// settled are the counts that need no look at the export.
func settled(c summary.Consents) [4]int64 {
	return [4]int64{c.Sent, c.Refused, c.Failed, c.Superseded}
}

// maxReportJSON bounds what is read of a report.json that another program may have put
// there. Ours has a thousand lines of each kind at most.
const maxReportJSON = 64 << 20

// storedSummary reads report.json; nil when there is none.
func storedSummary(disk journal.Disk, dir string) (*summary.Summary, error) {
	f, err := disk.Open(filepath.Join(dir, "report.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read report.json: %w", err)
	}
	defer f.Close()
	s := &summary.Summary{}
	d := json.NewDecoder(io.LimitReader(f, maxReportJSON))
	d.DisallowUnknownFields() // a name that was changed would leave zeros behind
	if d.Decode(s) == nil {
		if _, err := d.Token(); err == io.EOF {
			return s, nil
		}
	}
	return &summary.Summary{}, nil // it is not a report of ours: every count of it differs
}

// Changes are the changes of the mapping that the report in dir proposes, those of
// the largest groups first.
func Changes(disk journal.Disk, dir string) ([]summary.Suggestion, error) {
	s, err := storedSummary(disk, dir)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("%s has no report.json", dir)
	}
	var changes []summary.Suggestion
	for _, g := range s.FailureGroups {
		if g.Suggestion != nil && len(g.Suggestion.Edits) > 0 {
			changes = append(changes, *g.Suggestion)
		}
	}
	return changes, nil
}

// contradicts names the first thing that two summaries of one import say
// differently. What only the run itself knew is left out: the next command and what comes
// before it repeat how it was called, its notes what it saw, and the out directory may lie
// elsewhere by now.
func contradicts(s, now *summary.Summary) string {
	for _, x := range []struct {
		what string
		a, b any
	}{
		{"state", s.State, now.State},
		{"exit code", s.ExitCode, now.ExitCode},
		{"dryRun", s.DryRun, now.DryRun},
		{"shard", s.Shard, now.Shard},
		{"times", [2]time.Time{s.StartedAt, s.FinishedAt}, [2]time.Time{now.StartedAt, now.FinishedAt}},
		{"number of runs", s.Runs, now.Runs},
		{"rows", s.Rows, now.Rows},
		{"consents", s.Consents, now.Consents},
		{"list of decisions", s.ByDecision, now.ByDecision},
		{"number of subjects", s.Subjects, now.Subjects},
		{"list of last words", s.LastWords, now.LastWords},
		{"list of what the target has", s.AtTarget, now.AtTarget},
		{"overPermissive", s.OverPermissive, now.OverPermissive},
		{"approval hash", s.ApprovalHash, now.ApprovalHash},
		{"decision table", s.Decisions, now.Decisions},
		{"mapping", s.Mapping, now.Mapping},
		{"list of lookups", s.Lookups, now.Lookups},
		{"list of inputs", s.Inputs, now.Inputs},
		{"target", s.Target, now.Target},
		{"number of failures", groupCounts(s), groupCounts(now)},
		{"list of failures", bareGroups(s), bareGroups(now)},
		{"list of what fixes failures", s.FailureGroups, now.FailureGroups},
		{"reason", [2]string{s.Why, s.Detail}, [2]string{now.Why, now.Detail}},
		{"lint", s.Lint, now.Lint},
		{"list of files", s.Files, now.Files},
		{"tool", s.Tool, now.Tool},
		{"partial", s.Partial, now.Partial},
		{"list of courses", s.Courses, now.Courses},
		{"list of what was sent earlier", s.Since, now.Since},
		{"list of skipped rows", s.Skips, now.Skips},
		{"list of passes", s.Passes, now.Passes},
		{"history", []any{s.History, s.Overtaken, s.Withheld}, []any{now.History, now.Overtaken, now.Withheld}},
		{"list of months", s.Decided, now.Decided},
		{"list of requests", []any{s.HTTP, s.Throughput}, []any{now.HTTP, now.Throughput}},
		{"pace", []any{s.ElapsedSeconds, s.ConsentsPerSecond}, []any{now.ElapsedSeconds, now.ConsentsPerSecond}},
	} {
		if !sameJSON(x.a, x.b) && !(isEmpty(x.a) && isEmpty(x.b)) {
			return x.what
		}
	}
	return ""
}

// briefly is what a summary says that needs no look at the export: what Brief knows.
func briefly(s *summary.Summary) *summary.Summary {
	return &summary.Summary{
		State: s.State, DryRun: s.DryRun, ExitCode: s.ExitCode, Shard: s.Shard, Tool: s.Tool, Mapping: s.Mapping, Lookups: s.Lookups, Target: s.Target,
		StartedAt: s.StartedAt, FinishedAt: s.FinishedAt, Runs: s.Runs, HTTP: s.HTTP, ElapsedSeconds: s.ElapsedSeconds, Why: s.Why, Detail: s.Detail, Throughput: s.Throughput,
	}
}

// sameJSON reports whether two values are the same where they are written.
func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// bareGroups are the groups of failures without what is proposed against them.
func bareGroups(s *summary.Summary) []summary.FailureGroup {
	groups := slices.Clone(s.FailureGroups)
	for i := range groups {
		groups[i].Suggestion = nil
	}
	return groups
}

func groupCounts(s *summary.Summary) map[string]int64 {
	counts := map[string]int64{}
	for i := range s.FailureGroups {
		g := &s.FailureGroups[i]
		counts[fmt.Sprintf("%s %d", g.Stage, g.Status)] += g.Count
	}
	return counts
}

func isEmpty(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.Len() == 0
}

// comparing is a Disk on which reports are not written but held against the
// files that lie there already. Temporary files go to the disk below.
type comparing struct {
	journal.Disk
	dir           string
	agree, differ []string
}

// compared says whether the file that is written under a temporary name is one
// that is compared, and gives its name.
func (c *comparing) compared(path string) (string, bool) {
	name, ok := strings.CutPrefix(filepath.Base(path), ".")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, ".tmp")
	return name, ok && Written(name)
}

// Create implements journal.Disk.
func (c *comparing) Create(path string) (journal.File, error) {
	name, ok := c.compared(path)
	if !ok {
		return c.Disk.Create(path)
	}
	f := &comparedFile{name: name, to: c}
	was, err := c.Disk.Open(filepath.Join(c.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.missing = true
	case err != nil:
		return nil, err
	default:
		f.was, f.file = bufio.NewReaderSize(was, 64<<10), was
	}
	return f, nil
}

// Rename implements journal.Disk: a file was derived whole.
func (c *comparing) Rename(from, to string) error {
	if _, ok := c.compared(from); ok {
		return nil
	}
	return c.Disk.Rename(from, to)
}

// Remove implements journal.Disk: what a report would remove should not be there.
func (c *comparing) Remove(path string) error {
	name := filepath.Base(path)
	if _, temp := c.compared(path); temp || name == tempName(wholeName(name)) && HoldsPeople(wholeName(name)) { // what somebody may be writing
		return nil
	}
	if !Written(name) {
		return c.Disk.Remove(path)
	}
	f, err := c.Disk.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.Close()
	}
	c.differ = append(c.differ, name+" should not be there: by checkpoint and export it has no line")
	return err
}

// SyncDir implements journal.Disk.
func (c *comparing) SyncDir(string) error { return nil }

// comparedFile takes what a list should be and compares it with what is there.
type comparedFile struct {
	journal.File // nil: nothing but the methods below is used
	name         string
	to           *comparing
	was          *bufio.Reader
	file         journal.File
	missing      bool
	differs      bool
	at           int64
	buf          []byte
	closed       bool
}

// Write implements io.Writer.
func (f *comparedFile) Write(b []byte) (int, error) {
	if f.missing || f.differs || f.free() {
		return len(b), nil
	}
	if cap(f.buf) < len(b) {
		f.buf = make([]byte, len(b))
	}
	n, err := io.ReadFull(f.was, f.buf[:len(b)])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("read %s: %w", f.name, err)
	}
	if !bytes.Equal(f.buf[:n], b) {
		f.differs = true
	}
	f.at += int64(n)
	return len(b), nil
}

// free says that the file is a form that advises.
func (f *comparedFile) free() bool {
	return slices.ContainsFunc(forms, func(x form) bool { return x.advises && x.name == f.name })
}

// Sync implements journal.File.
func (f *comparedFile) Sync() error { return nil }

// Close implements io.Closer, and gives the verdict.
func (f *comparedFile) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	if f.file != nil {
		defer f.file.Close()
	}
	switch {
	case f.free():
	case f.missing:
		f.to.differ = append(f.to.differ, f.name+isMissing)
	default:
		if !f.differs {
			_, err := f.was.ReadByte()
			f.differs = err != io.EOF
		}
		if f.differs {
			f.to.differ = append(f.to.differ, f.name+" was changed, or belongs to another time: it is not what checkpoint and export give")
		} else {
			f.to.agree = append(f.to.agree, f.name)
		}
	}
	return nil
}

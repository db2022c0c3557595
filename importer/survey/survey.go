package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Survey goes over journal and export together: every row that the import has
// read, with what became of it. It changes nothing.
type Survey struct {
	snap   *journal.Snapshot
	disk   journal.Disk
	dir    string
	files  *rows.Files
	owned  bool // the files are closed with the survey
	inputs []InputFacts
	// earlier is what other imports have sent; nil: it is not asked.
	earlier *history.Earlier
	kept    []*rows.Kept // what this process has kept of the rows
}

// Open opens the import, or the dry run, in a directory. It checks that
// the export is still the one that was read; errors are for the user. remote is how an
// export elsewhere is reached, nil where there is none.
func Open(disk journal.Disk, dir string, remote *source.Remote) (*Survey, error) {
	snap, err := journal.Read(disk, dir)
	if err != nil {
		return nil, &blocked.Error{Err: err}
	}
	reading := snap.Header.Reading
	reading.Paths, reading.Remote = StoredPaths(snap.Header, dir, remote), remote
	reading.Names = StoredNames(snap.Header, reading.Paths)
	export, err := source.Open(reading)
	if err != nil && snap.Purged != nil && slices.ContainsFunc(snap.Purged.Removed, func(f journal.FileDigest) bool { return f.Name == Spooled }) {
		return nil, blocked.Errorf("verify checks what is left", "%s was purged: the copy of standard input, which was its export, is gone", dir)
	}
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("open the export of the import in %s: %w", dir, err), Hint: "move the export back to where it was when it was imported"}
	}
	if snap.Read != nil {
		if err := export.Check(*snap.Read); err != nil {
			return nil, errors.Join(blocked.Errorf("restore the export as it was when it was imported",
				"the export is not the one that the checkpoint in %s belongs to: %w", dir, err), export.Close())
		}
	}
	files, err := rows.OpenFiles(export, dir, snap.Passes)
	if err != nil {
		return nil, errors.Join(err, export.Close())
	}
	suppressed, err := rows.LoadSuppressed(dir, snap.Header.Suppressed)
	if err != nil {
		return nil, errors.Join(err, files.Close(), export.Close())
	}
	files.Suppress(suppressed)
	s, err := Of(snap, disk, dir, files)
	if err != nil {
		return nil, errors.Join(err, files.Close(), export.Close())
	}
	s.owned = true
	return s, nil
}

// Of is the survey of an import whose checkpoint was read and whose files are open. What
// is kept of its rows is not mapped again.
func Of(snap *journal.Snapshot, disk journal.Disk, dir string, files *rows.Files, kept ...*rows.Kept) (*Survey, error) {
	if len(snap.Passes) == 0 && snap.Lost != nil {
		return nil, blocked.Errorc(blocked.RestoreOrStartOver, "%w", snap.Lost)
	}
	if len(snap.Passes) == 0 {
		return nil, blocked.Errorc(blocked.Resume, "the import in %s was interrupted before it began", dir)
	}
	earlier, err := LoadEarlier(disk, dir, snap.Header.Since)
	if err != nil {
		return nil, err
	}
	return &Survey{snap: snap, disk: disk, dir: dir, files: files, earlier: earlier, kept: slices.Clone(kept)}, nil
}

// Spec is the mapping of the last pass.
func (s *Survey) Spec() (*mapping.Spec, error) {
	return LoadMapping(s.dir, s.snap.Passes[len(s.snap.Passes)-1].Mapping)
}

// Snapshot is what the checkpoint said.
func (s *Survey) Snapshot() *journal.Snapshot { return s.snap }

// Close lets go of the files, if the survey opened them.
func (s *Survey) Close() error {
	if s.owned {
		return errors.Join(s.files.Close(), s.files.Export().Close())
	}
	return nil
}

// Each shows every row that the import has read to some visitors. It can be called
// again.
func (s *Survey) Each(ctx context.Context, visitors ...Visitor) error {
	return s.each(ctx, begun{counts: make([]int64, len(s.files.Export().Inputs))}, visitors)
}

// begun is how far a survey has come, by who followed the run.
type begun struct {
	counts []int64         // of the rows of each input that were shown
	behind source.Position // of these; the zero one: nothing was shown
	sums   []string        // digests of the inputs, where all of them were read to their ends
}

// each shows what is left of a survey.
func (s *Survey) each(ctx context.Context, from begun, visitors []Visitor) error {
	_, far := highest(s.snap, len(s.snap.Passes))
	if !s.snap.Header.DryRun && from.behind.Row > far {
		return s.measure(ctx, from.sums, from.counts)
	}
	passes, err := OpenPasses(s.snap, s.dir, s.files)
	if err != nil {
		return err
	}
	defer passes.Close()
	show, err := s.show(append([]Visitor{countRows(from.counts, s.files.Export())}, visitors...))
	if err != nil {
		return err
	}
	var sums []string
	if s.snap.Header.DryRun {
		show.reading = passes.readings[0]
		sums, err = s.dryRun(ctx, show)
	} else if show.passes = passes; far > 0 {
		sweep := rows.Sweep{Files: s.files, Plan: passes.Plan, Kept: s.kept, UpTo: far, ToEnd: s.complete()}
		sums, err = s.sweep(ctx, sweep, from.behind, show)
	}
	if err != nil {
		return err
	}
	return s.measure(ctx, sums, from.counts)
}

// show makes a show of the part of the rows that is the import's.
func (s *Survey) show(visitors []Visitor) (*show, error) {
	show := newShow(visitors)
	var err error
	if show.shard, err = shard.Parse(s.snap.Header.Shard); err != nil {
		return nil, blocked.Errorc(blocked.RestoreOrStartOver, "the checkpoint in %s: %w", s.dir, err)
	}
	return show, nil
}

// dryRun shows all rows of a dry run. It gives the digests of the inputs.
func (s *Survey) dryRun(ctx context.Context, show *show) ([]string, error) {
	sweep := rows.Sweep{Files: s.files, Reading: show.reading}
	unsent := func(err error) error { // nothing was sent, nor will be
		if errors.As(err, new(*rows.ReadError)) {
			return &blocked.Error{Err: err}
		}
		return err
	}
	if s.earlier != nil {
		foreseen, err := s.foresee(ctx, show.reading)
		if err != nil {
			return nil, unsent(err)
		}
		defer foreseen.close()
		show.known, sweep.Plan = true, func(b *rows.Batch) error { return foreseen.look(b, show.reading) }
	}
	sums, err := s.sweep(ctx, sweep, source.Position{}, show)
	if err != nil {
		return nil, unsent(err)
	}
	if err := show.reading.Unread(); err != nil {
		return nil, &blocked.Error{Err: err}
	}
	return sums, nil
}

// sweep shows the rows of a sweep from a position on, the zero one being the first. It
// gives the digests of the inputs where all of them were read to their ends.
func (s *Survey) sweep(ctx context.Context, sweep rows.Sweep, from source.Position, show *show) ([]string, error) {
	reader, err := s.files.Export().Read(from, source.ReadOptions{Sums: true, NoMarks: true, Once: s.snap.Header.DryRun})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if err := sweep.Run(ctx, reader, show.visit); err != nil {
		return nil, err
	}
	sums, _ := reader.Sums()
	return sums, nil
}

// countRows is the Visitor that counts the rows of each input.
func countRows(counts []int64, export *source.Export) Visitor {
	return func(b *Batch) func() error {
		return func() error {
			counts[export.Members[b.Member].Input] += int64(len(b.Rows))
			return nil
		}
	}
}

// measure sets down what the files are, after a survey. Sums are their digests where all
// of them were read to their ends.
func (s *Survey) measure(ctx context.Context, sums []string, rows []int64) error {
	s.inputs = s.inputs[:0]
	for i, in := range s.files.Export().Inputs {
		f := InputFacts{Path: s.snap.Header.Inputs[i].Path, Bytes: in.Bytes, Rows: rows[i]}
		stdin := s.snap.Header.Inputs[i].Stdin
		switch {
		case stdin != nil:
			f.Path, f.Bytes, f.SHA256 = stdin.Name, stdin.Bytes, stdin.SHA256
		case sums != nil:
			f.SHA256 = sums[i]
		case in.Bytes <= sumAnyway || s.complete():
			sum, err := s.files.Export().Sum(ctx, i)
			if err != nil {
				return fmt.Errorf("digest the export: %w", err)
			}
			f.SHA256 = sum
		}
		s.inputs = append(s.inputs, f)
	}
	return nil
}

// sumAnyway is the size up to which a file of an incomplete import is digested
// all the same: it takes a second or two.
const sumAnyway = 4 << 30

func (s *Survey) complete() bool { return s.snap.End != nil && s.snap.End.State == "complete" }

// Facts are what the journal knows beside the outcomes. Inputs are known after Each.
func (s *Survey) Facts() Facts {
	return Facts{
		Header: s.snap.Header, Passes: s.snap.Passes, Runs: s.snap.Runs, End: s.snap.End, Inputs: s.inputs,
		Sealed: s.snap.SHA256, Finished: s.snap.Finished, Active: s.snap.Active, HTTP: httpFacts(s.snap.HTTP),
		Timeline: s.snap.Timeline, Earlier: s.earlier,
	}
}

func httpFacts(h journal.HTTP) HTTPFacts {
	f := HTTPFacts{Requests: h.Requests, Retries: h.Retries, ByStatus: h.ByStatus, Throttled: time.Duration(h.Throttled * float64(time.Second))}
	if h.Latency == "" {
		return f
	}
	if hist, err := journal.DecodeLatency(h.Latency); err == nil {
		at := func(q float64) time.Duration { return time.Duration(hist.ValueAtQuantile(q)) * time.Microsecond }
		f.P50, f.P95, f.P99 = at(50), at(95), at(99)
		f.Max = time.Duration(hist.Max()) * time.Microsecond
	}
	return f
}

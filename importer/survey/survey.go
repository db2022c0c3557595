package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Survey goes over journal and export together: every row that the import has
// read, with what became of it. It changes nothing.
type Survey struct {
	snap    *journal.Snapshot
	disk    journal.Disk
	dir     string
	export  *source.Export
	owned   bool // the export is closed with the survey
	watch   rows.Observer
	fold    func(batch any) error // what the observer does in row order
	sums    bool                  // the files are digested, for Facts
	inputs  []InputFacts
	mappers []*mapping.Mapper
}

// Open opens the import, or the dry run, in a directory. It checks that
// the export is still the one that was read; errors are for the user.
func Open(disk journal.Disk, dir string) (*Survey, error) {
	snap, err := journal.Read(disk, dir)
	if err != nil {
		return nil, &blocked.Error{Err: err, Hint: Hint(err)}
	}
	reading := snap.Header.Reading
	reading.Paths = StoredPaths(snap.Header, dir)
	export, err := source.Open(reading)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("open the export of the import in %s: %w", dir, err), Hint: "move the export back to where it was when it was imported"}
	}
	if snap.Read != nil {
		if err := export.Check(*snap.Read); err != nil {
			return nil, errors.Join(blocked.Errorf("restore the export as it was when it was imported",
				"the export is not the one that the checkpoint in %s belongs to: %w", dir, err), export.Close())
		}
	}
	s, err := Of(snap, disk, dir, export)
	if err != nil {
		return nil, errors.Join(err, export.Close())
	}
	s.owned = true
	return s, nil
}

// Of is the survey of an import whose checkpoint was read and whose export is open.
func Of(snap *journal.Snapshot, disk journal.Disk, dir string, export *source.Export) (*Survey, error) {
	if len(snap.Passes) == 0 {
		return nil, blocked.Errorf("run it again with --resume", "the import in %s was interrupted before it began", dir)
	}
	s := &Survey{snap: snap, disk: disk, dir: dir, export: export, sums: true}
	spec, err := LoadMapping(dir, snap.Passes[0].Mapping)
	if err != nil {
		return nil, err
	}
	if s.mappers, err = rows.Bind(export, spec, snap.Passes[0].Mapping.Units); err != nil {
		return nil, &blocked.Error{Err: err}
	}
	return s, nil
}

// Undigested tells the survey that it will not be asked what the files are, so that
// they are not digested.
func (s *Survey) Undigested() { s.sums = false }

// Watch puts an observer into the next Each; fold gets what it kept of each
// batch, in row order.
func (s *Survey) Watch(o rows.Observer, fold func(batch any) error) { s.watch, s.fold = o, fold }

// Spec is the mapping of the last pass.
func (s *Survey) Spec() (*mapping.Spec, error) {
	return LoadMapping(s.dir, s.snap.Passes[len(s.snap.Passes)-1].Mapping)
}

// Snapshot is what the checkpoint said.
func (s *Survey) Snapshot() *journal.Snapshot { return s.snap }

// Close lets go of the export, if the survey opened it.
func (s *Survey) Close() error {
	if s.owned {
		return s.export.Close()
	}
	return nil
}

// high is the last row that any pass has read; of a dry run, all rows.
func (s *Survey) high() int64 {
	if s.snap.Header.DryRun {
		return 1 << 62
	}
	var high int64
	for _, p := range s.snap.Passes {
		high = max(high, s.snap.High(p.N))
	}
	return high
}

// Each shows every row that the import has read to a visitor. It can be called
// again.
func (s *Survey) Each(ctx context.Context, v Visitor) error {
	passes, err := OpenPasses(s.snap, s.disk, s.dir, s.export, 0)
	if err != nil {
		return err
	}
	defer passes.Close()
	high := s.high()
	reader, err := s.export.Read(s.export.Start(), source.ReadOptions{Sums: s.sums, NoMarks: true})
	if err != nil {
		return err
	}
	defer reader.Close()
	counts := make([]int64, len(s.export.Inputs))

	g, working := errgroup.WithContext(ctx)
	judged := make(chan *judgedBatch)
	worked := rows.InOrder(working, g, runtime.GOMAXPROCS(0), judged, func() func(*judgedBatch) {
		return func(b *judgedBatch) { v.Work(&b.survey) }
	})
	free := make(chan *judgedBatch, runtime.GOMAXPROCS(0)+1)
	for range cap(free) {
		free <- &judgedBatch{}
	}
	g.Go(func() error {
		defer close(judged)
		sweep := rows.Sweep{Export: s.export, Mappers: s.mappers, Watch: s.watch, Hold: cap(free)}
		return sweep.Run(working, s.rows(reader, high), func(b *rows.Batch) error {
			if s.fold != nil {
				if err := s.fold(b.Seen); err != nil {
					return err
				}
			}
			n := len(b.Rows)
			for n > 0 && b.Src.Rows[n-1].Number > high {
				n--
			}
			var j *judgedBatch
			select {
			case j = <-free:
			case <-working.Done():
				return working.Err()
			}
			if err := j.judge(passes, b, n, s.snap.Header.DryRun); err != nil {
				return err
			}
			counts[b.Member.Input] += int64(n)
			select {
			case judged <- j:
			case <-working.Done():
				return working.Err()
			}
			if n < len(b.Rows) {
				return rows.ErrStop
			}
			return nil
		})
	})
	g.Go(func() error {
		for b := range worked {
			if err := v.Fold(&b.survey); err != nil {
				return err
			}
			b.mapped.Release()
			free <- b
		}
		return nil
	})
	err = g.Wait()
	switch {
	case s.snap.Header.DryRun && errors.As(err, new(*rows.ReadError)):
		return &blocked.Error{Err: err} // nothing was sent, nor will be
	case err != nil || !s.sums:
		return err
	}
	return s.measure(ctx, reader, counts)
}

// rows feeds the rows of an import that is complete to the end, for the sums of
// the files, and those of another one up to row high: what lies behind it may
// be what could not be read.
func (s *Survey) rows(reader *source.Reader, high int64) rows.Feeder {
	next := rows.Plain(reader)
	if s.snap.Header.DryRun || s.complete() && s.sums {
		return next
	}
	var last int64
	return func() (rows.Fed, error) {
		if last >= high {
			return rows.Fed{}, io.EOF
		}
		in, err := next()
		if err == nil {
			last = in.Rows[len(in.Rows)-1].Number
		}
		return in, err
	}
}

// judgedBatch is a mapped batch with what became of its rows. It holds the mapped
// batch, whose bytes its consents are.
type judgedBatch struct {
	mapped   *rows.Batch
	survey   Batch
	rows     []Row
	consents []Consent
	readable []mapping.Consent
	text     []byte // bytes of consents that another mapping read
}

// judge fills in the first n rows of b with their outcomes.
func (j *judgedBatch) judge(p *Passes, b *rows.Batch, n int, dry bool) error {
	j.mapped = b
	j.rows, j.consents, j.readable, j.text = j.rows[:0], j.consents[:0], j.readable[:0], j.text[:0]
	for i := range n {
		row := Row{Row: &b.Src.Rows[i], Status: b.Rows[i].Status, Reason: b.Rows[i].Reason, Column: b.Rows[i].Column}
		switch {
		case dry:
			j.take(&row, b.Of(i))
			for k := range row.Consents {
				row.Consents[k].Outcome.Ref = journal.Ref{Row: row.Row.Number, Consent: int32(k + 1)}
			}
		case p.single():
			k := 0
			if row.Status == mapping.Mapped {
				k = len(b.Of(i))
			}
			var err error
			if p.outcomes, err = p.ledger.Outcomes(row.Row.Number, k, p.outcomes[:0]); err != nil {
				return err
			}
			j.take(&row, b.Of(i))
			for k := range row.Consents {
				row.Consents[k].Outcome, row.Consents[k].Pass = p.outcomes[k].Outcome, p.outcomes[k].Pass
			}
		default:
			if err := j.mixed(p, b, i, &row); err != nil {
				return err
			}
		}
		j.rows = append(j.rows, row)
	}
	j.survey = Batch{Layout: b.Layout, Member: b.Src.Member, File: b.Member.Name, Rows: j.rows}
	return nil
}

// mixed judges a row that passes may have read differently.
func (j *judgedBatch) mixed(p *Passes, b *rows.Batch, i int, row *Row) error {
	v, err := p.Look(rows.Text{Row: row.Row, Layout: b.Member.Layout, File: b.Member.Name})
	if err != nil || v.Pass == 0 {
		return err
	}
	res := v.Result
	row.Status, row.Reason, row.Column = res.Status, res.Reason, res.Column
	if res.Status != mapping.Mapped {
		first := len(j.readable)
		for k := range res.Consents {
			j.readable = append(j.readable, j.own(res.Consents[k]))
		}
		row.Readable = j.readable[first:len(j.readable):len(j.readable)]
		return nil
	}
	first := len(j.consents)
	for k := range v.Outcomes {
		c := Consent{Consent: j.own(p.consent(v, k)), Outcome: v.Outcomes[k].Outcome, Pass: v.Outcomes[k].Pass}
		j.consents = append(j.consents, c)
	}
	row.Consents = j.consents[first:len(j.consents):len(j.consents)]
	return nil
}

// take makes the consents of a row those of the batch.
func (j *judgedBatch) take(row *Row, consents []mapping.Consent) {
	if row.Status == mapping.Mapped {
		first := len(j.consents)
		for k := range consents {
			j.consents = append(j.consents, Consent{Consent: consents[k]})
		}
		row.Consents = j.consents[first:len(j.consents):len(j.consents)]
		return
	}
	row.Readable = consents
}

// own copies the bytes of a consent.
func (j *judgedBatch) own(c mapping.Consent) mapping.Consent {
	for _, f := range [...]*[]byte{&c.Source, &c.Category, &c.UserID, &c.ProfileID, &c.Email, &c.Message, &c.Raw} {
		from := len(j.text)
		j.text = append(j.text, *f...)
		*f = j.text[from:len(j.text):len(j.text)]
	}
	return c
}

// measure sets down what the files are, after a survey.
func (s *Survey) measure(ctx context.Context, reader *source.Reader, rows []int64) error {
	s.inputs = s.inputs[:0]
	sums, all := reader.Sums()
	for i, in := range s.export.Inputs {
		f := InputFacts{Path: s.snap.Header.Inputs[i].Path, Bytes: in.Bytes, Rows: rows[i]}
		switch {
		case all:
			f.SHA256 = sums[i]
		case in.Bytes <= sumAnyway || s.complete():
			sum, err := source.Sum(ctx, in.Path)
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
	f := Facts{
		Header: s.snap.Header, Passes: s.snap.Passes, Runs: s.snap.Runs, End: s.snap.End, Inputs: s.inputs,
		Sealed: s.snap.SHA256, Finished: s.snap.Finished, Active: s.snap.Active, HTTP: httpFacts(s.snap.HTTP),
	}
	for _, p := range s.snap.Timeline {
		f.Timeline = append(f.Timeline, TimelinePoint{
			At: p.At, Run: p.Run, Sent: p.Sent, Refused: p.Refused, Failed: p.Failed, Requests: p.Requests, Retries: p.Retries,
			Throttled: time.Duration(p.Throttled * float64(time.Second)),
		})
	}
	return f
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

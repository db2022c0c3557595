package report

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// Stored are the reports of a finished import, or dry run, as they lie in its directory:
// nothing is derived again, and the export is not needed.
type Stored struct {
	Summary   *summary.Summary
	dir       string
	disk      journal.Disk
	mapping   journal.Mapping
	decisions *mapping.Decisions // masks, and knows what the mapping names
}

// OpenStored reads the reports in dir. An error says why they cannot be relied on: nothing
// finished there, somebody works there, or they are not those of the checkpoint.
func OpenStored(disk journal.Disk, dir string) (*Stored, error) {
	snap, sum, err := stored(disk, dir)
	if err != nil {
		return nil, err
	}
	switch {
	case snap.Purged != nil:
		return nil, blocked.Errorf("compare before the purge", "%s was purged: what its values became is not there any more", dir)
	case snap.Header.Shard != journal.WholeShard:
		return nil, blocked.Errorf("join all shards into one import first", "%s is shard %s: what its values became is known when all are joined", dir, snap.Header.Shard)
	case sum.State != summary.Complete:
		return nil, blocked.Errorf("run it to its end, then compare", "%s is not complete: what it has not read or sent would look like a difference", dir)
	}
	s := &Stored{Summary: sum, dir: dir, disk: disk, mapping: snap.Passes[len(snap.Passes)-1].Mapping}
	spec, err := survey.LoadMapping(dir, s.mapping)
	if err != nil {
		return nil, err
	}
	s.decisions = mapping.NewLinter(spec, mapping.LintOptions{}).Decisions()
	return s, nil
}

// StoredSummary is report.json as it lies in dir, whatever the import came to. An error
// says why there is none to rely on.
func StoredSummary(disk journal.Disk, dir string) (*summary.Summary, error) {
	_, sum, err := stored(disk, dir)
	return sum, err
}

// stored reads checkpoint and report.json, which have to be of one import and one moment.
func stored(disk journal.Disk, dir string) (*journal.Snapshot, *summary.Summary, error) {
	switch lock, err := journal.Lock(disk, dir); {
	case err == nil:
		_ = lock.Close() // whoever begins now replaces the reports as a whole
	case errors.Is(err, journal.ErrLocked):
		return nil, nil, &blocked.Error{Err: err}
	}
	snap, err := journal.Read(disk, dir)
	if err != nil {
		return nil, nil, &blocked.Error{Err: err}
	}
	if len(snap.Passes) == 0 {
		return nil, nil, blocked.Errorc(blocked.Resume, "the import in %s was interrupted before it began", dir)
	}
	again := CommandOn(dir, "report") + " writes its reports again"
	sum, err := storedSummary(disk, dir)
	if err != nil {
		return nil, nil, err
	}
	if sum == nil {
		return nil, nil, blocked.Errorf(again, "%s has no report.json", dir)
	}
	state := ""
	if snap.End != nil {
		state = snap.End.State
	}
	if sum.Mapping.SHA256 != snap.Passes[len(snap.Passes)-1].Mapping.SHA256 || !sum.StartedAt.Equal(moment(snap.Header.Started)) ||
		sum.DryRun != snap.Header.DryRun || sum.Runs != len(snap.Runs) || (sum.State == summary.Complete) != (state == summary.Complete) {
		return nil, nil, blocked.Errorf(again, "report.json in %s is not what the checkpoint there says", dir)
	}
	sum.OutDir = dir
	return snap, sum, nil
}

// each gives the lines of decisions.csv. They have to add up to what report.json says.
func (s *Stored) each(give func(*summary.Decision) error) error {
	f, err := s.disk.Open(filepath.Join(s.dir, decisionsName))
	again := CommandOn(s.dir, "report") + " writes it again"
	if errors.Is(err, fs.ErrNotExist) {
		return blocked.Errorf(again, "%s has no %s", s.dir, decisionsName)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", decisionsName, err)
	}
	defer f.Close()
	strange := func() error {
		return blocked.Errorf(again, "%s in %s is not what report.json there says", decisionsName, s.dir)
	}
	in := csv.NewReader(bufio.NewReader(f))
	in.ReuseRecord = true
	if names, err := in.Read(); err != nil || strings.Join(names, ",")+"\n" != decisionsHeader {
		return strange()
	}
	left := map[string]int64{}
	for _, d := range s.Summary.Decisions {
		left[d.Decision] += d.Count
	}
	for {
		row, err := in.Read()
		if err == io.EOF {
			break
		}
		d := summary.Decision{}
		if err == nil {
			d = summary.Decision{Category: row[0], Value: row[1], Decision: row[2]}
			_, err = fmt.Sscan(row[3], &d.Count)
		}
		if err != nil {
			return strange()
		}
		left[d.Decision] -= d.Count
		if err := give(&d); err != nil {
			return err
		}
	}
	for _, n := range left {
		if n != 0 {
			return strange()
		}
	}
	return nil
}

// maxTable is how many different lines of two decision tables are held in memory.
const maxTable = 200_000

// table collects the lines of two decision tables, sorted by category and value.
type table struct {
	disk     journal.Disk
	lines    map[string]int64
	most     int // of them
	overflow *Overflow
	dir      string
}

// lineKey sorts the lines of a value behind each other. A NUL is not in a category: it is
// not in text that is sent.
func lineKey(side string, d *summary.Decision) string {
	return d.Category + "\x00" + d.Value + "\x00" + side + d.Decision
}

func (t *table) add(key string, n int64) error {
	t.lines[key] += n
	if len(t.lines) < t.most {
		return nil
	}
	if t.overflow == nil {
		var err error
		if t.dir, err = os.MkdirTemp("", "consentimport-"); err != nil {
			return fmt.Errorf("compare decisions: %w", err)
		}
		t.overflow = NewOverflow(t.disk, t.dir)
	}
	err := t.overflow.Add(t.sorted())
	t.lines = map[string]int64{}
	return err
}

func (t *table) sorted() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, key := range slices.Sorted(maps.Keys(t.lines)) {
			if !yield(key, t.lines[key]) {
				return
			}
		}
	}
}

func (t *table) merge(give func(key string, n int64) error) error {
	if t.overflow == nil {
		for key, n := range t.sorted() {
			if err := give(key, n); err != nil {
				return err
			}
		}
		return nil
	}
	return t.overflow.Merge(t.sorted(), give)
}

func (t *table) close() {
	if t.overflow != nil {
		t.overflow.Close()
		_ = os.Remove(t.dir) // what is left of it is empty
	}
}

// Differ says what differs between two imports: what their values became, how people
// decided, what was counted and found.
func Differ(a, b *Stored) (*summary.Difference, error) {
	d := summary.NewDifference(a.Summary, b.Summary)
	for _, l := range a.mapping.Lookups {
		for _, m := range b.mapping.Lookups {
			if l.Name == m.Name && l.SHA256 != m.SHA256 {
				d.Notes = append(d.Notes, fmt.Sprintf("The file that lookup %s reads is not the same.", l.Name))
			}
		}
	}
	if a.Summary.History != b.Summary.History {
		d.Notes = append(d.Notes, fmt.Sprintf("The order of sending is not the same: %s, then %s.", a.Summary.History, b.Summary.History))
	}
	t := &table{disk: a.disk, lines: map[string]int64{}, most: maxTable}
	defer t.close()
	for i, s := range []*Stored{a, b} {
		side := "AB"[i : i+1]
		if err := s.each(func(line *summary.Decision) error { return t.add(lineKey(side, line), line.Count) }); err != nil {
			return nil, err
		}
	}
	shown := func(value string) string {
		if a.decisions.Named(value) || b.decisions.Named(value) {
			return value
		}
		return a.decisions.Shown(value)
	}
	var at string
	var v summary.ValueMove
	done := func() {
		if v.A != nil || v.B != nil {
			v.Category, v.Value = a.decisions.ShownCategory(v.Category), shown(v.Value)
			place(&d.Values, v)
		}
	}
	if err := t.merge(func(key string, n int64) error {
		last := strings.LastIndexByte(key, 0)
		if value := key[:last]; value != at || v.A == nil && v.B == nil {
			done()
			at, v = value, summary.ValueMove{}
			v.Category, v.Value, _ = strings.Cut(value, "\x00")
		}
		became := summary.Became{Decision: key[last+2:], Count: n}
		if key[last+1] == 'A' {
			v.A = append(v.A, became)
		} else {
			v.B = append(v.B, became)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	done()
	d.Conclude()
	return d, nil
}

// place counts a value by what happened to it.
func place(all *summary.ValueChanges, v summary.ValueMove) {
	same := func(x, y summary.Became) bool { return x.Decision == y.Decision }
	switch {
	case v.A == nil:
		v.A = []summary.Became{}
		all.New.Add(v)
	case v.B == nil:
		v.B = []summary.Became{}
		all.Gone.Add(v)
	case slices.Equal(v.A, v.B):
		all.Same++
	case slices.EqualFunc(v.A, v.B, same):
		all.Moved.Add(v)
	default:
		all.Changed.Add(v)
	}
}

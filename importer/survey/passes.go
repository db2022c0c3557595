package survey

import (
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/mapping"
)

// Passes tell of each row which pass's reading counts and what became of the
// consents, over the passes of an import. They are for one sweep: Plan looks the
// rows up in ascending order, Look then answers for a batch that was mapped.
type Passes struct {
	snap     *journal.Snapshot
	all      *journal.Outcomes
	readings []*rows.Reading // how each pass reads rows
	read     int64           // last row that was read
	high     int64           // last row that was read, or of which something was sent
}

// OpenPasses opens the outcomes of all passes of a checkpoint. dir is where the
// mappings of the passes are stored.
func OpenPasses(snap *journal.Snapshot, dir string, files *rows.Files) (*Passes, error) {
	return OpenPassesFrom(snap, dir, files, 0)
}

// OpenPassesFrom is OpenPasses for a sweep that begins at a row.
func OpenPassesFrom(snap *journal.Snapshot, dir string, files *rows.Files, row int64) (*Passes, error) {
	specs := map[string]*mapping.Spec{}
	p := &Passes{snap: snap}
	for _, pass := range snap.Passes {
		spec := specs[pass.Mapping.SHA256]
		if spec == nil {
			var err error
			if spec, err = LoadMapping(dir, pass.Mapping); err != nil {
				return nil, err
			}
			specs[pass.Mapping.SHA256] = spec
		}
		reading, err := files.Reading(spec, pass.Mapping.Units, pass)
		if err != nil {
			return nil, err
		}
		p.readings = append(p.readings, reading)
	}
	p.read, p.high = highest(snap, len(p.readings))
	need := room.Need{Dir: dir, What: "putting the outcomes in the order of rows", For: "temporary files", Of: fmt.Sprintf("%d outcomes", snap.Total.All()), Bytes: snap.SortRoom()}
	err := need.Check()
	if err == nil {
		p.all, err = snap.OutcomesFrom(0, row)
	}
	return p, err
}

// highest is the last row that one of the first passes has read, and the last of
// which one has read or sent anything.
func highest(snap *journal.Snapshot, passes int) (read, far int64) {
	for n := 1; n <= passes; n++ {
		read, far = max(read, snap.High(n)), max(far, snap.Far(n))
	}
	return read, far
}

// Close closes the outcomes.
func (p *Passes) Close() error { return p.all.Close() }

// UpTo are the passes up to one, of the same sweep. Close them once.
func (p *Passes) UpTo(pass int) *Passes {
	up := *p
	up.readings = p.readings[:min(pass, len(p.readings))]
	up.read, up.high = highest(p.snap, len(up.readings))
	return &up
}

// High is the last row that a pass has read, or sent something of: consents may leave
// before the rows that they stand in are come to.
func (p *Passes) High() int64 { return p.high }

// Reached reports whether a row was read, or something of it was sent.
func (p *Passes) Reached(b *rows.Batch, i int) bool {
	return b.Number(i) <= p.read || len(p.outcomes(b, i)) > 0
}

// Plan has each row of a batch that was reached mapped under the readings that Look
// needs. It is for rows.Sweep.
func (p *Passes) Plan(b *rows.Batch) error {
	if err := p.LookUp(b); err != nil {
		return err
	}
	for i := range b.Len() {
		if p.Reached(b, i) {
			p.wantAnyway(b, i)
		}
	}
	return nil
}

// wantAnyway has a row mapped under the readings that Look needs; one that no pass has
// read is shown as the first would read it.
func (p *Passes) wantAnyway(b *rows.Batch, i int) {
	if p.counts(b, i) == 0 {
		b.Want(i, p.readings[0])
	}
	p.Want(b, i)
}

// LookUp looks up the outcomes of a batch's rows, for a plan that does not want all
// of them mapped.
func (p *Passes) LookUp(b *rows.Batch) error { return b.LookUp(p.all) }

// Want has a row mapped under the readings that Look needs.
func (p *Passes) Want(b *rows.Batch, i int) {
	if pass := p.counts(b, i); pass > 0 {
		b.Want(i, p.readings[pass-1])
	}
	row := p.outcomes(b, i)
	for k := range row {
		if !outdone(row, k) {
			b.Want(i, p.readings[row[k].Pass-1])
		}
	}
}

// outcomes are what these passes have about a row.
func (p *Passes) outcomes(b *rows.Batch, i int) []journal.RowOutcome {
	row := b.Outcomes(i) // in the order of passes
	for len(row) > 0 && row[len(row)-1].Pass > len(p.readings) {
		row = row[:len(row)-1]
	}
	return row
}

// outdone reports whether another outcome counts for all consents of one.
func outdone(row []journal.RowOutcome, k int) bool {
	o := &row[k]
	for j := range row {
		other := &row[j]
		switch {
		case j == k || other.First > o.First || other.Last < o.Last:
		case o.Outcome.State.Final() && (j > k || !other.Outcome.State.Final()):
		case other.Outcome.State.Final() || j > k:
			return true
		}
	}
	return false
}

// Left is what passes have left to do of a row, as far as their outcomes alone tell.
type Left int

// What is left of a row.
const (
	// LeftUnread is a row that no pass has read.
	LeftUnread Left = iota
	// LeftNothing is a row all of whose consents were sent in one pass.
	LeftNothing
	// LeftAll is a row of which nothing has a final outcome, nor is anything under
	// way: it made no consent, or all that it made failed.
	LeftAll
	// LeftSome is any other: what is left of it is for Look to say.
	LeftSome
)

// Left tells what is left of a row, whatever a mapping makes of it.
func (p *Passes) Left(b *rows.Batch, i int) Left {
	pass := p.counts(b, i)
	if pass == 0 {
		return LeftUnread
	}
	final := false
	for _, o := range p.outcomes(b, i) {
		if o.First == 1 && o.Last == journal.WholeRow {
			return LeftNothing
		}
		final = final || o.Outcome.State.Final()
	}
	if !final && (pass > 1 || b.Number(i) < p.snap.Low(1)) {
		return LeftAll
	}
	return LeftSome
}

// counts is the pass whose reading of a row counts: the first that has a final
// outcome for it, else the last that has read it, 0 when none has.
func (p *Passes) counts(b *rows.Batch, i int) int {
	for _, o := range p.outcomes(b, i) { // in the order of passes
		if o.Outcome.State.Final() {
			return o.Pass
		}
	}
	for pass := len(p.readings); pass > 0; pass-- {
		if (p.snap.High(pass) >= b.Number(i) || p.tried(b, i, pass)) && (p.snap.Passes[pass-1].Repair == nil || b.Repaired(i, pass)) {
			return pass
		}
	}
	return 0
}

// tried reports whether a pass has an outcome for something of a row.
func (p *Passes) tried(b *rows.Batch, i, pass int) bool {
	for _, o := range p.outcomes(b, i) {
		if o.Pass == pass {
			return true
		}
	}
	return false
}

// A Verdict is what became of one row over all passes.
type Verdict struct {
	Pass     int                   // whose reading of the row counts; 0: none has read it
	Result   *rows.Result          // what the row became in it
	Outcomes []journal.PassOutcome // of each of its consents
}

// Look gives what became of a row. The outcomes are appended to dst, which may be
// used again when they are no longer needed.
func (p *Passes) Look(b *rows.Batch, i int, dst []journal.PassOutcome) (Verdict, error) {
	v := Verdict{Pass: p.counts(b, i)}
	if v.Pass == 0 {
		if v.Result = b.Result(i, p.readings[0]); v.Result == nil {
			v.Result = new(rows.Result)
		}
		return v, nil
	}
	if v.Result = b.Result(i, p.readings[v.Pass-1]); v.Result == nil {
		return v, errors.New("a row was looked up that was not planned for")
	}
	k := 0
	if v.Result.Status == mapping.Mapped {
		k = len(v.Result.Consents)
	}
	v.Outcomes = journal.Resolve(p.outcomes(b, i), b.Number(i), k, dst)[len(dst):]
	return v, nil
}

// Consents appends the consents of a mapped row to dst, each as the pass that gave
// its outcome read it.
func (p *Passes) Consents(b *rows.Batch, i int, v *Verdict, dst []Consent) []Consent {
	for k := range v.Outcomes {
		o := &v.Outcomes[k]
		c := Consent{Consent: &v.Result.Consents[k], Outcome: o.Outcome, Pass: o.Pass}
		if o.Pass > 0 && o.Pass != v.Pass {
			if r := b.Result(i, p.readings[o.Pass-1]); r != nil && r.Status == mapping.Mapped && len(r.Consents) == len(v.Outcomes) {
				c.Consent = &r.Consents[k]
			}
		}
		dst = append(dst, c)
	}
	return dst
}

package survey

import (
	"errors"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// version is one reading of rows: a mapping, and where the rows' text comes
// from. Passes that share both share the version.
type version struct {
	key     string            // digest of the mapping, and the names of repaired copies
	mappers []*mapping.Mapper // one a layout of the export; nil: a repair, which reads repaired rows only
	mended  rows.Revisions    // whose rows stand in for the export's
	memory  rows.Memory
	// what the row looked up last became
	row      int64
	covers   bool
	rec      mapping.Record
	consents []mapping.Consent
}

// Passes looks up, row by row in ascending order, what the passes of an import
// have made of each row. Passes may have had different mappings, so the same
// row can have been read in several versions.
type Passes struct {
	snap     *journal.Snapshot
	ledger   *journal.Ledger
	export   *source.Export
	versions []*version // in order of first use
	of       []int      // pass-1 → index into versions
	outcomes []journal.PassOutcome
	High     int64 // last row that a pass has read
}

// OpenPasses opens the outcomes of the passes up to upTo (0: all) of a checkpoint.
func OpenPasses(snap *journal.Snapshot, disk journal.Disk, dir string, export *source.Export, upTo int) (*Passes, error) {
	ledger, err := snap.Ledger(upTo)
	if err != nil {
		return nil, err
	}
	p := &Passes{snap: snap, ledger: ledger, export: export}
	passes := snap.Passes
	if upTo > 0 && upTo < len(passes) {
		passes = passes[:upTo]
	}
	for _, pass := range passes {
		p.High = max(p.High, snap.High(pass.N))
		if err := p.add(pass, dir); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

// add makes the version of a pass known. The pass of a repair reads the rows of
// its file; one that reads the export after repairs reads repaired rows as they were
// repaired last.
func (p *Passes) add(pass journal.Pass, dir string) error {
	key := pass.Mapping.SHA256
	over := []journal.Pass{pass}
	if pass.Repair != nil {
		key += " only"
	} else {
		over = rows.PassesBefore(p.snap.Passes, pass.N)
	}
	for _, o := range over {
		if o.Repair != nil {
			key += " " + o.Repair.Name
		}
	}
	for i, v := range p.versions {
		if v.key == key {
			p.of = append(p.of, i)
			return nil
		}
	}
	spec, err := LoadMapping(dir, pass.Mapping)
	if err != nil {
		return err
	}
	v := &version{key: key, row: -1}
	if v.mended, err = rows.OpenRevisions(over, dir, spec, pass.Mapping.Units); err != nil {
		return err
	}
	p.of = append(p.of, len(p.versions))
	p.versions = append(p.versions, v)
	if pass.Repair == nil {
		v.mappers, err = rows.Bind(p.export, spec, pass.Mapping.Units)
	}
	return err
}

// Close closes the files.
func (p *Passes) Close() error {
	errs := []error{p.ledger.Close()}
	for _, v := range p.versions {
		errs = append(errs, v.mended.Close())
	}
	return errors.Join(errs...)
}

// single reports whether every pass read every row alike, so that the first
// version is the only one.
func (p *Passes) single() bool { return len(p.versions) <= 1 }

// read gives what a row became in a version: false when that version never saw it.
func (p *Passes) read(v *version, t rows.Text) (bool, error) {
	if v.row == t.Row.Number {
		return v.covers, nil
	}
	v.row, v.covers = t.Row.Number, true
	by, mended, err := v.mended.Find(t.Row.Number)
	switch {
	case err != nil:
		return false, err
	case by != nil:
		by.MapRow(mended, t.File, &v.rec, &v.memory)
	case v.mappers == nil:
		v.covers = false
		return false, nil
	default:
		v.memory.MapOne(v.mappers[t.Layout], &p.export.Layouts[t.Layout], t.File, t.Row, &v.rec)
	}
	v.consents = v.memory.Result.Consents
	return true, nil
}

// lastPass is the last pass that swept the row.
func (p *Passes) lastPass(t rows.Text) (int, error) {
	last := p.ledger.Covered(t.Row.Number)
	for pass := len(p.of); pass > last; pass-- {
		v := p.versions[p.of[pass-1]]
		if v.mappers != nil || p.snap.High(pass) < t.Row.Number {
			continue
		}
		covers, err := p.read(v, t)
		if err != nil {
			return 0, err
		}
		if covers {
			return pass, nil
		}
	}
	return last, nil
}

// A Verdict is what the passes made of one row.
type Verdict struct {
	Pass     int                   // that the row's own status comes from; 0: no pass has read it
	Result   *mapping.Result       // what the row became in it
	Outcomes []journal.PassOutcome // one a consent
	version  *version
}

// Look finds what became of a row over all passes: the version that counts, and
// the outcome of each of its consents.
//
// The version is the one of the first pass that has a final outcome for one of
// the row's consents: what was sent is told as it was sent. Without such a
// consent it is the one of the last pass that read the row.
func (p *Passes) Look(t rows.Text) (Verdict, error) {
	most := 0
	for _, v := range p.versions {
		covers, err := p.read(v, t)
		if err != nil {
			return Verdict{}, err
		}
		if covers && v.memory.Result.Status == mapping.Mapped {
			most = max(most, len(v.consents))
		}
	}
	var err error
	if p.outcomes, err = p.ledger.Outcomes(t.Row.Number, most, p.outcomes[:0]); err != nil {
		return Verdict{}, err
	}
	var out Verdict
	for _, o := range p.outcomes {
		if o.State.Final() && (out.Pass == 0 || o.Pass < out.Pass) {
			out.Pass = o.Pass
		}
	}
	if out.Pass == 0 {
		if out.Pass, err = p.lastPass(t); err != nil || out.Pass == 0 {
			return Verdict{}, err
		}
	}
	out.version = p.versions[p.of[out.Pass-1]]
	out.Result = &out.version.memory.Result
	n := 0
	if out.version.memory.Result.Status == mapping.Mapped {
		n = len(out.version.consents)
	}
	out.Outcomes = p.outcomes[:min(n, len(p.outcomes))]
	return out, nil
}

// consent gives the i-th consent of a Verdict as the pass that gave its outcome
// read it.
func (p *Passes) consent(v Verdict, i int) mapping.Consent {
	own := v.version
	if o := v.Outcomes[i]; o.Pass > 0 {
		if w := p.versions[p.of[o.Pass-1]]; w != own && w.covers && w.row == own.row &&
			w.memory.Result.Status == mapping.Mapped && len(w.consents) == len(own.consents) {
			return w.consents[i]
		}
	}
	return own.consents[i]
}

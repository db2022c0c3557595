// Package importer moves the consents of an export to the target: it reads,
// maps, orders, sends and records, one row one way.
//
// Open makes or finds the checkpoint of an import, and Import.Run sends; package
// survey tells what became of each row for the reports.
package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Config is one call of the command: what to import, from where to where, and
// whether to begin or to go on.
type Config struct {
	Tool   string // version of the program
	Disk   journal.Disk
	Dir    string // the out directory
	Source source.Config
	Stdin  io.Reader     // read where Source.Paths is "-"
	Spec   *mapping.Spec // nil to go on with the stored one
	Target journal.Target
	DryRun bool
	Resume bool
	Retry  bool // with Resume: send again what has no final outcome
	// Restart sets an import that is there aside and begins anew.
	Restart bool
	// Approved says what the user gave as approved, for the checkpoint; see journal.Run.
	Approved string
	// Repair is a repaired file of rejected rows; Source is then ignored.
	Repair string
	// History is the order in which the decisions about a key arrive; empty: that of
	// the import which goes on, chronological for a new one.
	History string
	Shard   shard.Shard // what of the export is sent; the zero value: all
	// Suppressed are the people whose accepts make no consent; nil: nobody, or those of
	// the import which goes on.
	Suppressed *rows.Suppressed
	// Since is the import that this one is held against; nil: none, or that of the import
	// which goes on.
	Since *Since
	Now   func() time.Time
}

// Import is an open import: its checkpoint is locked, its export read as far as
// the headers, its mapping bound.
type Import struct {
	cfg     Config
	export  *source.Export // the one that the import is about
	files   *rows.Files    // it, and the repaired files of its passes
	reading *rows.Reading  // how this pass reads rows
	spec    *mapping.Spec
	journal *journal.Writer
	header  journal.Header
	pass    journal.Pass
	state   *journal.Snapshot // what the checkpoint said when it was opened; nil when it is new
	index   *history.Index    // what Check has found in the rows; nil before, and after Arrange
	order   *order            // how the consents of this pass leave; nil until Arrange
	// narrowed is what an earlier run has found of the order, where the rows that were sent
	// are not looked at again; nil: all rows are.
	narrowed *journal.Arranged
	runs     int              // runs before this one
	mode     history.Mode     // in which order the decisions about a key arrive
	earlier  *history.Earlier // what other imports have sent; nil: it is not asked
	shard    shard.Shard      // what of the rows is this import's

	from  source.Position // where this pass goes on
	high  int64           // last row that it has read
	read  source.Mark     // what of the export was read
	whole source.Mark     // the same, as far as Arrange has read it

	kept      []*rows.Kept     // what rows became that are come to again
	mostKept  int64            // how much of the disk each of them may take, in bytes; 0: the usual
	follower  *survey.Follower // of the run; nil: nobody follows it
	fed       *rows.Kept       // what the rows became that the run has fed; nil: it is not kept, or follower keeps it
	decisions int64            // that the index had

	count counters
	watch atomic.Pointer[watch]
	notes []Note
	key   []byte // memory, for the goroutine that feeds
	fresh bool   // the import began with this process
	idle  bool   // nothing is left to be sent
	unset bool   // the pass is not set down in the checkpoint yet

	patience time.Duration // how long Announce waits for a directory that somebody else has; 0: the usual
	// What Abandon undoes: the directory that was made; standard input and the
	// mapping that were stored in it, where no file of that name lay before; what
	// Announce has said; and where an older import was set aside.
	made, spooled, stored, held bool
	said                        []string            // files in the directories of imports that this one follows
	stdin                       *journal.FileDigest // standard input, as this process has read it; nil: it has not
	aside                       string
}

// Open makes the import ready to run. Every error is one for the user, and
// nothing was sent: a *RefusedError, or one of opening files.
func Open(cfg Config) (*Import, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := CheckOurs(cfg.Dir); err != nil {
		return nil, err
	}
	if cfg.Since != nil && SameFile(cfg.Since.Dir, cfg.Dir) {
		return nil, cure(blocked.SinceWhat, "%s is the out directory of this import, which cannot be held against itself", cfg.Dir)
	}
	var aside string
	if cfg.Restart {
		var err error
		if aside, err = setAside(cfg); err != nil {
			return nil, err
		}
	}
	ahead := digestAhead(cfg)
	defer ahead.Stop()
	w, state, err := journal.Open(cfg.Disk, cfg.Dir)
	switch {
	case errors.Is(err, journal.ErrEmpty), errors.Is(err, journal.ErrNone):
		ahead.Stop() // nothing is to be gone on with
		im := &Import{cfg: cfg, spec: cfg.Spec, shard: cfg.Shard, fresh: true, aside: aside}
		if im.mode, err = history.ParseMode(cmp.Or(cfg.History, history.Chronological.String())); err != nil {
			return nil, &RefusedError{Err: err, Setting: blocked.History}
		}
		if err := im.create(); err != nil {
			_ = im.Abandon() // the first error is the one to report
			return nil, err
		}
		return im, nil
	case err != nil:
		return nil, &RefusedError{Err: err}
	}
	im, err := goOn(cfg, w, state, ahead)
	if err != nil {
		_ = w.Close() // it has nothing to add
		return nil, err
	}
	return im, nil
}

// create starts an import in a directory that holds none.
func (im *Import) create() error {
	cfg := im.cfg
	made, err := vacant(cfg.Dir)
	if err != nil {
		return err
	}
	if cfg.Spec == nil {
		return cure(blocked.ChooseMapping, "no mapping: %s contains no import to continue", cfg.Dir)
	}
	if cfg.Repair != "" {
		return cure(blocked.RepairWhat, "%s contains no import", cfg.Dir)
	}
	im.made = made
	if cfg.Resume {
		im.note(blocked.None, "no checkpoint was written yet, so nothing was sent: the import starts now; if one was removed from %s, stop this, because everything is sent again", cfg.Dir)
	}
	reading := cfg.Source
	if err := im.spool(&reading); err != nil {
		return err
	}
	export, err := source.Open(rows.Config(reading, cfg.Spec.Input()))
	if errors.Is(err, context.Canceled) {
		return blocked.Interrupted()
	}
	if err != nil && im.spooled {
		err = source.AboutStdin(err, reading.Paths[0])
	}
	if err != nil {
		return &RefusedError{Err: err}
	}
	im.export = export
	if left := export.LeftOut(); left != "" {
		im.note(blocked.None, "%s", left)
	}
	if own := rows.OwnNames(export); len(own) > 0 {
		cure := blocked.None
		if own[0] == rows.RowColumn {
			cure = blocked.AsRepair
		}
		im.note(cure, "the export has a column %s, as the rejected rows of an import do: it is imported as an export of its own, and rejected rows of it have what this import found under that name",
			strings.Join(own, " and a column "))
	}
	if err := im.writeHeader(); err != nil {
		return errors.Join(err, export.Close())
	}
	im.from = export.Start()
	return nil
}

// readFirst makes the reading of the first pass, with what the mapping learns from the
// export.
func (im *Import) readFirst() (units mapping.Units, err error) {
	if im.files, err = rows.OpenFiles(im.export, im.cfg.Dir, nil); err != nil {
		return nil, err
	}
	if units, err = im.files.Learn(im.spec); err != nil {
		return nil, err
	}
	im.pass = journal.Pass{N: 1, Kind: journal.Import}
	im.files.Suppress(im.cfg.Suppressed)
	im.reading, err = im.files.Reading(im.spec, units, im.pass)
	return units, err
}

// writeHeader binds the mapping, learns what it must from the first rows and writes
// the checkpoint's beginning.
func (im *Import) writeHeader() error {
	units, err := im.readFirst()
	if err != nil {
		return err
	}
	im.header = journal.Header{
		Version: journal.Version, Tool: im.cfg.Tool, ID: newID(), Started: im.cfg.Now().UTC(), DryRun: im.cfg.DryRun,
		Reading: im.export.Config, Target: im.cfg.Target, Shard: im.shard.String(), History: im.mode.String(),
	}
	if im.cfg.Since != nil {
		if im.header.Since, err = im.hold(); err != nil {
			return err
		}
	}
	if im.cfg.Suppressed != nil {
		im.header.Suppressed = im.cfg.Suppressed.Identity()
	}
	for i, in := range im.export.Inputs {
		head, n, err := im.export.Head(i)
		if err != nil {
			return &RefusedError{Err: err}
		}
		abs := in.Path
		if !source.IsRemote(in.Path) {
			if abs, err = filepath.Abs(in.Path); err != nil {
				return fmt.Errorf("find %s: %w", in.Path, err)
			}
		}
		im.header.Inputs = append(im.header.Inputs, journal.Input{Path: in.Path, Abs: abs, Bytes: in.Bytes, Head: head, HeadBytes: n})
	}
	if im.stdin != nil {
		im.header.Inputs[0].Stdin = im.stdin
	}
	w, err := journal.Create(im.cfg.Disk, im.cfg.Dir, im.header)
	if err != nil {
		im.made, im.spooled, im.held = false, false, false // another process may be at work there
		return &RefusedError{Err: err}
	}
	im.journal = w
	if err := im.keepSuppressed(); err != nil {
		return err
	}
	if err := im.startPass(im.spec, units); err != nil {
		return err
	}
	return im.CommitPass()
}

// startPass stores the mapping beside the checkpoint; CommitPass sets the pass down.
// Nothing was sent when it fails.
func (im *Import) startPass(spec *mapping.Spec, units mapping.Units) error {
	sum := spec.SHA256()
	im.pass.Mapping = journal.Mapping{Name: spec.Name(), SHA256: sum, File: "mapping-" + sum[:12] + ".yaml", Units: units}
	var err error
	if im.pass.Mapping.Lookups, err = im.files.Lookups(spec); err != nil {
		return err
	}
	path := filepath.Join(im.cfg.Dir, im.pass.Mapping.File)
	_, err = os.Lstat(path)
	im.stored = errors.Is(err, os.ErrNotExist)
	err = journal.AtomicWrite(im.cfg.Disk, path, func(w io.Writer) error {
		_, err := w.Write(spec.Source())
		return err
	})
	if err != nil {
		return notStarted(fmt.Errorf("store the mapping: %w", err))
	}
	im.unset = true
	return nil
}

// CommitPass sets the pass down in the checkpoint; that of an import which goes on is
// there already. Until then it can be given up without a trace: see Abandon. Nothing was
// sent when it fails.
func (im *Import) CommitPass() error {
	if !im.unset {
		return nil
	}
	if err := im.journal.Pass(im.pass); err != nil {
		return notStarted(err)
	}
	im.unset = false
	return nil
}

func notStarted(err error) error {
	return &RefusedError{Err: err, Cure: blocked.RemoveCause}
}

// Taken are the SHA-256 (hex) of the files of which the passes that are set down have copies.
func (im *Import) Taken() []string {
	var passes []journal.Pass
	if im.state != nil {
		passes = im.state.Passes
	}
	if !im.unset {
		passes = append(slices.Clone(passes), im.pass)
	}
	return journal.Repaired(passes)
}

// Close lets go of checkpoint and export.
func (im *Import) Close() error {
	var errs []error
	if im.journal != nil {
		errs = append(errs, im.journal.Close())
	}
	errs = append(errs, im.dropIndex())
	if im.order != nil {
		errs = append(errs, im.order.close())
	}
	for _, k := range im.kept {
		errs = append(errs, k.Close())
	}
	if im.files != nil {
		errs = append(errs, im.files.Close())
	}
	if im.export != nil {
		errs = append(errs, im.export.Close())
	}
	return errors.Join(errs...)
}

// dropIndex lets go of what Check has found.
func (im *Import) dropIndex() error {
	index := im.index
	if im.index = nil; index == nil {
		return nil
	}
	return index.Close()
}

// ID is the random name of the import.
func (im *Import) ID() string { return im.header.ID }

// RunNumber is the number of the run that this process makes, from 1.
func (im *Import) RunNumber() int { return im.runs + 1 }

// Killed reports whether the run before this one had no chance to end.
func (im *Import) Killed() bool { return im.runs > 0 && im.state != nil && im.state.End == nil }

// Idle reports whether the import is complete and this process has nothing to do for it: it
// sends nothing, and the checkpoint stays as it is.
func (im *Import) Idle() bool { return im.idle }

// Notes are what the user should know about how the import was opened.
func (im *Import) Notes() []Note { return im.notes }

// Note is something that the user should know, and what can be done about it.
type Note struct {
	Text string
	Cure blocked.Cure // None: nothing has to be done
}

func (im *Import) note(c blocked.Cure, format string, args ...any) {
	im.notes = append(im.notes, Note{fmt.Sprintf(format, args...), c})
}

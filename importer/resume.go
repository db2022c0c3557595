package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// goOn takes up an import that has a checkpoint, if everything is still as it
// says.
func goOn(cfg Config, w *journal.Writer, state *journal.Snapshot, ahead *source.Ahead) (*Import, error) {
	im := &Import{cfg: cfg, journal: w, header: state.Header, state: state, shard: cfg.Shard, runs: len(state.Runs)}
	if err := im.allowed(); err != nil {
		return nil, err
	}
	if err := CheckLatest(cfg.Disk, cfg.Dir, state); err != nil {
		return nil, err
	}
	if err := im.sameShard(); err != nil {
		return nil, err
	}
	if err := im.joined(); err != nil {
		return nil, err
	}
	if err := im.sameTarget(); err != nil {
		return nil, err
	}
	if err := im.sameHistory(); err != nil {
		return nil, err
	}
	if err := im.sameSuppressed(); err != nil {
		return nil, err
	}
	if err := im.sameSince(); err != nil {
		return nil, err
	}
	if err := im.sameExport(ahead); err != nil {
		return nil, err
	}
	if len(state.Passes) == 0 { // it died before its first pass was set down: nothing was sent
		entries, err := os.ReadDir(cfg.Dir)
		if err != nil {
			return nil, cure(blocked.AnotherDirectory, "use %s as the out directory: %w", cfg.Dir, err)
		}
		if err := begun(cfg.Dir, entries); err != nil {
			return nil, err
		}
		return im, im.firstPass()
	}
	im.pass = state.Passes[len(state.Passes)-1]
	for _, p := range state.Passes { // reports need them all, and should not find out after sending
		if _, err := survey.LoadMapping(cfg.Dir, p.Mapping); err != nil {
			return nil, err
		}
	}
	if err := im.sameMapping(); err != nil {
		return nil, err
	}
	var err error
	if im.files, err = rows.OpenFiles(im.export, cfg.Dir, state.Passes); err != nil {
		return nil, err
	}
	im.files.Suppress(im.cfg.Suppressed)
	if im.idle = im.nothingLeft(); im.idle {
		return im, im.continuePass()
	}
	if n := len(state.Runs); n > 0 && state.Runs[n-1].Approved != "" && cfg.Approved == "" {
		im.note(blocked.ApproveAgain, "the run before this one sent only what was approved (%s), and this one is not held to it", state.Runs[n-1].Approved)
	}
	if err := im.notFollowed(); err != nil {
		return nil, err
	}
	switch {
	case cfg.Repair != "":
		return im, im.startRepair()
	case cfg.Retry:
		return im, im.startRetry()
	}
	return im, im.continuePass()
}

// nothingLeft reports whether a run would send nothing and set nothing down that is not known:
// the import is complete, its export has not grown and lies where it lay, and a retry has
// nothing to send again.
func (im *Import) nothingLeft() bool {
	s := im.state
	if !s.Complete() || im.cfg.Repair != "" || im.grown() || im.moved() != nil {
		return false
	}
	if !im.cfg.Retry {
		return true
	}
	// A retry has looked at all that was left before it, but for one of a join, some of whose
	// shards may have had none. A repair may have been given up for another one.
	for i := len(s.Passes) - 1; i >= 0; i-- {
		if s.Passes[i].Kind == journal.Repair || s.ByPass[i].Refused+s.ByPass[i].Failed > 0 {
			return false
		}
		if s.Passes[i].Kind == journal.Retry && i >= s.Header.JoinedPasses {
			break
		}
	}
	return im.spec.SHA256() == im.pass.Mapping.SHA256
}

// allowed checks that the user meant to go on.
func (im *Import) allowed() error {
	dir := im.cfg.Dir
	switch {
	case im.state.Purged != nil:
		return cure(blocked.StartOver, "%s was purged: what an import needs to go on is gone", dir)
	case im.header.DryRun:
		return cure(blocked.AnotherOrStartOver, "%s contains a dry run, not an import", dir)
	case im.cfg.DryRun:
		return cure(blocked.AnotherForDryRun, "%s contains an import; a dry run in there could not be told from it", dir)
	case !im.cfg.Resume && im.cfg.Repair == "":
		return cure(blocked.GoOnOrStartOver, "%s already contains an import", dir)
	}
	return nil
}

// sameShard checks that the import is of the same part of the export.
func (im *Import) sameShard() error {
	if was, is := im.header.Shard, im.shard.String(); was != is {
		return cure(blocked.SameShard, "the checkpoint in %s is of shard %s, not %s", im.cfg.Dir, was, is)
	}
	return nil
}

func (im *Import) sameTarget() error {
	was, is := im.header.Target, im.cfg.Target
	if was.Sandbox && is.Sandbox {
		is.BaseURL = was.BaseURL
	}
	if was == is {
		return nil
	}
	var changed []string
	differ := func(what, was, is string) {
		if was != is {
			changed = append(changed, fmt.Sprintf("%s was %q and is now %q", what, was, is))
		}
	}
	differ("the base URL", was.BaseURL, is.BaseURL)
	differ("the organisation", was.Org, is.Org)
	differ("the project", was.Project, is.Project)
	differ("the dialect", was.Dialect, is.Dialect)
	differ("the way to authenticate", was.Auth, is.Auth)
	differ("the form of times", was.Times, is.Times)
	differ("the form of ends", was.ValidUntil, is.ValidUntil)
	if was.Sandbox != is.Sandbox {
		differ("the sandbox", onOff(was.Sandbox), onOff(is.Sandbox))
	}
	return cure(blocked.SameTarget, "the checkpoint in %s belongs to another target: %s", im.cfg.Dir, strings.Join(changed, ", "))
}

// sameHistory checks that decisions go on to arrive in the order in which they began to.
func (im *Import) sameHistory() error {
	was := im.header.History
	if is := im.cfg.History; is != "" && is != was {
		return cure(blocked.OldHistory, "the import in %s has begun with the history %s, not %s", im.cfg.Dir, was, is)
	}
	var err error
	if im.mode, err = history.ParseMode(was); err != nil {
		return cure(blocked.RestoreOrStartOver, "continue the import in %s: %w", im.cfg.Dir, err)
	}
	return nil
}

// sameSuppressed checks that the same people's accepts go on to be left out, or takes
// the list that was kept.
func (im *Import) sameSuppressed() error {
	was := im.header.Suppressed
	if is := im.cfg.Suppressed; is != nil && (was == nil || is.Identity().SHA256 != was.SHA256) {
		return cure(blocked.OldOptOuts, "the list of people who opted out elsewhere is not the one that the import in %s has begun with", im.cfg.Dir)
	}
	kept, err := rows.LoadSuppressed(im.cfg.Dir, was)
	switch {
	case err == nil:
		im.cfg.Suppressed = kept
		return nil
	case im.cfg.Suppressed != nil: // a process that died may have written the checkpoint, and not the list
		return im.keepSuppressed()
	}
	return cure(blocked.OptOutsAgain, "%w", err)
}

// keepSuppressed writes the list of who opted out elsewhere beside the checkpoint that
// names it.
func (im *Import) keepSuppressed() error {
	id := im.header.Suppressed
	if id == nil {
		return nil
	}
	err := journal.AtomicWrite(im.cfg.Disk, filepath.Join(im.cfg.Dir, id.File), func(w io.Writer) error {
		_, err := w.Write(im.cfg.Suppressed.Text())
		return err
	})
	if err != nil {
		return notStarted(fmt.Errorf("keep the list of who opted out elsewhere: %w", err))
	}
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// digestAhead begins to digest the files of an export that is gone on with: to read a long
// checkpoint takes one processor nearly as long as it takes two to digest the export.
func digestAhead(cfg Config) *source.Ahead {
	paths := cfg.Source.Paths
	switch {
	case !cfg.Resume || cfg.DryRun || cfg.Restart || cfg.Repair != "":
		paths = nil
	case len(paths) == 1 && paths[0] == "-":
		paths = []string{filepath.Join(cfg.Dir, survey.Spooled)}
	}
	return source.DigestAhead(paths)
}

// sameExport opens the export and checks that its bytes are those that were read
// before. More may have come behind them.
func (im *Import) sameExport(ahead *source.Ahead) error {
	reading := im.header.Reading
	if paths := im.cfg.Source.Paths; len(paths) == 1 && paths[0] == "-" && im.header.Inputs[0].Stdin == nil {
		return cure(blocked.SameExport, "the import in %s has begun with %s, and not with standard input", im.cfg.Dir, im.header.Inputs[0].Path)
	}
	if paths := im.cfg.Source.Paths; len(paths) > 0 && paths[0] != "-" && im.cfg.Repair == "" {
		reading.Paths = source.InOrder(paths)
	} else {
		reading.Paths = survey.StoredPaths(im.header, im.cfg.Dir, im.cfg.Source.Remote)
	}
	reading.Remote = im.cfg.Source.Remote
	if len(reading.Paths) != len(im.header.Inputs) {
		return cure(blocked.SameExport, "the checkpoint in %s belongs to an export of %d files, not %d", im.cfg.Dir, len(im.header.Inputs), len(reading.Paths))
	}
	reading.Names = survey.StoredNames(im.header, reading.Paths)
	for i, was := range im.header.Inputs {
		if source.IsRemote(reading.Paths[i]) {
			continue // what it has become is asked for once, below
		}
		if err := source.CheckHead(reading.Paths[i], was.Head, was.HeadBytes); err != nil {
			return im.changed(err)
		}
	}
	export, err := source.Open(reading)
	if err != nil {
		return &RefusedError{Err: err}
	}
	im.export = export
	if im.cfg.Repair == "" {
		if err := export.ReadAs(im.cfg.Source); err != nil {
			return errors.Join(cure(blocked.OldReading, "the import in %s has begun to read the export in another way: %w", im.cfg.Dir, err), export.Close())
		}
	}
	for i, was := range im.header.Inputs {
		if err := export.CheckHead(i, was.Head, was.HeadBytes); err != nil {
			return errors.Join(im.changed(err), export.Close())
		}
	}
	if m := im.state.Read; m != nil {
		im.read = *m
		if err := export.CheckAfter(ahead, *m); err != nil {
			return errors.Join(im.changed(err), export.Close())
		}
	}
	for i, was := range im.header.Inputs {
		if export.Inputs[i].Bytes > was.Bytes {
			im.note(blocked.None, "%s has grown since the import began: the new rows at its end are imported too", export.Inputs[i].Path)
		}
	}
	return nil
}

// moved says where the files of the export lie when one does not lie where it did: what
// comes after this run looks for it there. nil: they lie where they did.
func (im *Import) moved() []journal.Place {
	var to []journal.Place
	elsewhere := false
	for i, was := range im.header.Inputs {
		place := journal.Place{Path: was.Path, Abs: was.Abs}
		is := im.export.Inputs[i].Path
		if abs, err := filepath.Abs(is); err == nil && abs != was.Abs && !source.IsRemote(is) && !source.IsRemote(was.Path) && filepath.Base(was.Path) != survey.Spooled {
			place, elsewhere = journal.Place{Path: is, Abs: abs}, true
		}
		to = append(to, place)
	}
	if !elsewhere {
		return nil
	}
	return to
}

func (im *Import) changed(err error) error {
	if errors.As(err, new(*source.ChangedError)) {
		return cure(blocked.SameExport, "the export is not the one that the checkpoint in %s belongs to: %w", im.cfg.Dir, err)
	}
	return &RefusedError{Err: err}
}

// sameMapping checks the mapping that the user gave against the one of the last
// pass, or takes that one when none was given.
func (im *Import) sameMapping() error {
	if im.cfg.Spec == nil {
		spec, err := survey.LoadMapping(im.cfg.Dir, im.pass.Mapping)
		im.spec = spec
		return err
	}
	im.spec = im.cfg.Spec
	if im.spec.SHA256() == im.pass.Mapping.SHA256 {
		survey.LocateGiven(im.spec, im.pass.Mapping.Lookups)
	}
	if im.spec.SHA256() != im.pass.Mapping.SHA256 && !im.shard.Whole() {
		return cure(blocked.JoinFirst, "the mapping has changed since this import began (%s, now %s), and it could move rows to other shards than %s", im.pass.Mapping.SHA256[:12], im.spec.SHA256()[:12], im.shard)
	}
	if im.spec.SHA256() == im.pass.Mapping.SHA256 || im.cfg.Retry || im.cfg.Repair != "" {
		return nil
	}
	return cure(blocked.OldMapping, "the mapping has changed since this import began: it was %s (%s), now it is %s",
		filepath.Join(im.cfg.Dir, im.pass.Mapping.File), im.pass.Mapping.SHA256[:12], im.spec.SHA256()[:12])
}

func (im *Import) firstPass() error {
	if im.spec = im.cfg.Spec; im.spec == nil {
		return cure(blocked.ChooseMapping, "no mapping was stored in %s yet", im.cfg.Dir)
	}
	units, err := im.readFirst()
	if err != nil {
		return err
	}
	im.from = im.export.Start()
	return im.startPass(im.spec, units)
}

// continuePass goes on where the last pass stood, by all that its runs have set
// down: what a run has read stays read, however early the runs after it stopped.
func (im *Import) continuePass() error {
	var err error
	if im.reading, err = im.files.Reading(im.spec, im.pass.Mapping.Units, im.pass); err != nil {
		return err
	}
	im.from = im.reading.Export().Start()
	if m := im.state.Mark; m != nil {
		im.from, im.high = m.Low, m.High
	}
	im.count.seed(im.state, im.pass.N)
	return nil
}

// startRetry begins a pass over everything that is not settled.
func (im *Import) startRetry() error {
	units := mapping.Units(im.pass.Mapping.Units)
	if im.spec.SHA256() != im.pass.Mapping.SHA256 {
		var err error
		if units, err = im.files.Learn(im.spec); err != nil {
			return err
		}
	}
	var err error
	im.pass = journal.Pass{N: im.pass.N + 1, Kind: journal.Retry}
	if im.reading, err = im.files.Reading(im.spec, units, im.pass); err != nil {
		return err
	}
	im.from = im.export.Start()
	im.count.seed(im.state, im.pass.N)
	return im.startPass(im.spec, units)
}

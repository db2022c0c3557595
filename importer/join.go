package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/survey"
)

// Join makes one import in the directory out of the shards in others: their
// checkpoints merged, and what they rest on. It gives the shards that are not complete
// yet, a sentence each; then the import in out is not either. Every error is one for
// the user, and out is as it was.
//
// An older join of the same shards is replaced, unless it has gone on since.
func Join(disk journal.Disk, tool string, dirs []string, out string) (unfinished []string, err error) {
	parts := make([]*part, 0, len(dirs))
	for _, dir := range dirs {
		p, err := openPart(disk, dir)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if parts, err = allParts(parts); err != nil {
		return nil, err
	}
	for _, p := range parts[1:] {
		if what := parts[0].differs(p); what != "" {
			return nil, refuse("give the shards of one import", "%s and %s are not shards of one import: %s differs", parts[0].dir, p.dir, what)
		}
	}
	for _, p := range parts {
		if SameFile(p.dir, out) {
			return nil, cure(blocked.AnotherDirectory, "%s is one of the shards: they stay as they are", out)
		}
		if to, err := filepath.Abs(out); err == nil && strings.HasPrefix(to, p.abs+string(filepath.Separator)) {
			return nil, cure(blocked.AnotherDirectory, "%s lies in that of shard %s, which stays as it is", out, p.shard)
		}
		behind := slices.ContainsFunc(parts, func(o *part) bool { return p.snap.Behind(o.snap) })
		switch p.unfinished = behind || !p.snap.Complete(); {
		case behind && p.snap.Complete():
			unfinished = append(unfinished, fmt.Sprintf("shard %s in %s ended before the export grew: continue it, then join again", p.shard, p.dir))
		case p.unfinished:
			unfinished = append(unfinished, fmt.Sprintf("shard %s in %s is not complete: continue it, then join again", p.shard, p.dir))
		}
	}
	header := parts[0].snap.Header
	header.Tool, header.Shard, header.ID, header.Parts = tool, journal.WholeShard, "", nil
	sum := sha256.New()
	snaps := make([]*journal.Snapshot, len(parts))
	for i, p := range parts {
		h := &p.snap.Header
		if h.Started.Before(header.Started) {
			header.Started = h.Started
		}
		header.Parts = append(header.Parts, journal.Part{Shard: h.Shard, ID: h.ID, Dir: p.abs, Bytes: p.snap.Bytes, SHA256: p.snap.SHA256, Sent: p.snap.Total.Sent, Unfinished: p.unfinished})
		snaps[i] = p.snap
		_, _ = io.WriteString(sum, h.ID) // a hash takes everything
	}
	header.ID = hex.EncodeToString(sum.Sum(nil)[:8])
	return unfinished, writeJoin(disk, out, header, parts, snaps)
}

// part is one shard.
type part struct {
	dir, abs string
	shard    shard.Shard
	snap     *journal.Snapshot
	// unfinished is one that has to be continued before the import is whole.
	unfinished bool
}

func openPart(disk journal.Disk, dir string) (*part, error) {
	snap, err := journal.Read(disk, dir)
	if err != nil {
		return nil, &RefusedError{Err: err}
	}
	if err := CheckLatest(disk, dir, snap); err != nil {
		return nil, err
	}
	p := &part{dir: dir, snap: snap}
	switch {
	case snap.Header.DryRun:
		return nil, refuse("give the out directories of the shards", "%s contains a dry run", dir)
	case snap.Purged != nil:
		return nil, refuse("", "%s was purged: what a join needs of it is gone", dir)
	case len(snap.Header.Parts) > 0:
		return nil, refuse("give the shards themselves", "%s is a join of shards already", dir)
	}
	if p.shard, err = shard.Parse(snap.Header.Shard); err != nil {
		return nil, cure(blocked.RestoreOrStartOver, "the checkpoint in %s: %w", dir, err)
	}
	if p.abs, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("find %s: %w", dir, err)
	}
	return p, nil
}

// allParts puts the shards in order, and refuses any but all of one division.
func allParts(parts []*part) ([]*part, error) {
	n := parts[0].shard.N
	by := make(map[int]*part, n)
	for _, p := range parts {
		if p.shard.N != n {
			return nil, refuse("give the shards of one import", "%s is shard %s, and %s is shard %s: they are not of one import", parts[0].dir, parts[0].shard, p.dir, p.shard)
		}
		if also := by[p.shard.I]; also != nil {
			return nil, refuse("give each shard once", "shard %s is there twice: in %s and in %s", p.shard, also.dir, p.dir)
		}
		by[p.shard.I] = p
	}
	var missing []string
	for i := 1; i <= n; i++ {
		if by[i] == nil && len(missing) < 10 {
			missing = append(missing, shard.Shard{I: i, N: n}.String())
		}
	}
	if len(missing) > 0 {
		of := "shard %s is missing: %d of %d are there"
		if n-len(by) > 1 {
			of = "shards are missing, such as %s: %d of %d are there"
		}
		return nil, refuse("give the out directories of all shards", of, missing[0], len(by), n)
	}
	ordered := make([]*part, n)
	for i := range ordered {
		ordered[i] = by[i+1]
	}
	return ordered, nil
}

// differs names the first thing in which two shards are not of one import.
func (p *part) differs(o *part) string {
	a, b := &p.snap.Header, &o.snap.Header
	was, is := a.Target, b.Target
	if was.Sandbox && is.Sandbox {
		is.BaseURL = was.BaseURL
	}
	switch {
	case was.Dialect != is.Dialect:
		return "the dialect"
	case was != is:
		return "the target"
	case a.History != b.History:
		return "the history"
	case (a.Suppressed == nil) != (b.Suppressed == nil), a.Suppressed != nil && *a.Suppressed != *b.Suppressed:
		return "the list of people who opted out elsewhere"
	case (a.Since == nil) != (b.Since == nil), a.Since != nil && a.Since.SHA256 != b.Since.SHA256:
		return "what was sent earlier"
	case !sameInputs(a.Inputs, b.Inputs):
		return "the export"
	}
	x, y := p.snap.Read, o.snap.Read
	if x != nil && y != nil && x.Input == y.Input && x.Bytes == y.Bytes && *x != *y {
		return "the export"
	}
	first, second := a.Reading, b.Reading
	first.Paths, second.Paths = nil, nil
	if fmt.Sprintf("%+v", first) != fmt.Sprintf("%+v", second) {
		return "how the export is read (format, delimiter, encoding or the mapping's input)"
	}
	for i := range min(len(p.snap.Passes), len(o.snap.Passes)) {
		m, n := &p.snap.Passes[i], &o.snap.Passes[i]
		if m.Mapping.SHA256 != n.Mapping.SHA256 || !maps.Equal(m.Mapping.Units, n.Mapping.Units) {
			return "the mapping"
		}
		if !slices.EqualFunc(m.Mapping.Lookups, n.Mapping.Lookups, func(a, b journal.Lookup) bool { return a.Name == b.Name && a.SHA256 == b.SHA256 }) {
			return "the file of a lookup"
		}
		if m.Kind != n.Kind || m.Repair != nil || n.Repair != nil {
			return fmt.Sprintf("what pass %d is", i+1)
		}
	}
	return ""
}

// sameInputs reports whether two shards began with the same files, wherever they lay.
func sameInputs(a, b []journal.Input) bool {
	return slices.EqualFunc(a, b, func(x, y journal.Input) bool {
		return x.Bytes == y.Bytes && x.Head == y.Head && x.HeadBytes == y.HeadBytes
	})
}

// writeJoin writes the import into its directory.
func writeJoin(disk journal.Disk, out string, header journal.Header, parts []*part, snaps []*journal.Snapshot) error {
	if err := CheckOurs(out); err != nil {
		return err
	}
	if err := replaceable(disk, out, header.ID); err != nil {
		return err
	}
	if err := joinRoom(out, parts).Check(); err != nil {
		return err
	}
	if err := disk.MkdirAll(out); err != nil {
		return cure(blocked.AnotherDirectory, "%w", err)
	}
	lock, err := journal.Lock(disk, out)
	if err != nil {
		return &RefusedError{Err: err}
	}
	defer lock.Close()
	copied := map[string]bool{}
	for _, p := range parts {
		for _, name := range Rests(p.snap) {
			if copied[name] {
				continue
			}
			copied[name] = true
			if err := copyFile(disk, filepath.Join(p.dir, name), filepath.Join(out, name)); err != nil {
				return &RefusedError{Err: fmt.Errorf("copy what shard %s rests on: %w", p.shard, err)}
			}
		}
	}
	if err := journal.Join(disk, out, header, snaps); err != nil {
		return &RefusedError{Err: fmt.Errorf("join the shards: %w", err)}
	}
	return nil
}

// joinRoom is the room that the import takes in its directory: the checkpoint, what it
// rests on, and the index of histories that its reports need.
func joinRoom(out string, parts []*part) room.Need {
	need := room.Need{Dir: out, What: "the join of these shards", For: "its checkpoint and its temporary files"}
	var consents int64
	copied := map[string]bool{}
	for _, p := range parts {
		consents += p.snap.Total.All()
		need.Bytes += p.snap.Bytes
		for _, name := range Rests(p.snap) {
			if info, err := os.Stat(filepath.Join(p.dir, name)); err == nil && !copied[name] {
				copied[name] = true
				need.Bytes += info.Size()
			}
		}
	}
	need.Bytes += history.Room(consents)
	need.Of = fmt.Sprintf("%d consents", consents)
	return need
}

// replaceable checks that a directory is empty or holds an older join of the same
// shards that nothing was sent from.
func replaceable(disk journal.Disk, out, id string) error {
	snap, err := journal.Read(disk, out)
	switch {
	case errors.Is(err, journal.ErrNone), errors.Is(err, journal.ErrEmpty):
		_, err := vacant(out)
		return err
	case err != nil:
		return &RefusedError{Err: err}
	case len(snap.Header.Parts) == 0 || snap.Header.ID != id:
		return cure(blocked.AnotherDirectory, "%s contains another import", out)
	case len(snap.Runs) > snap.Header.JoinedPasses || snap.Purged != nil:
		return cure(blocked.ContinueThere, "%s is a join of these shards that has gone on since", out)
	}
	return CheckLatest(disk, out, snap)
}

// Rests are the files beside a checkpoint that an import rests on.
func Rests(s *journal.Snapshot) []string {
	var names []string
	for _, p := range s.Passes {
		names = append(names, p.Mapping.File)
		if p.Repair != nil {
			names = append(names, p.Repair.Name)
		}
	}
	if s.Header.Suppressed != nil {
		names = append(names, s.Header.Suppressed.File)
	}
	if s.Header.Since != nil {
		names = append(names, s.Header.Since.File)
	}
	for _, in := range s.Header.Inputs {
		if filepath.Base(in.Path) == survey.Spooled {
			names = append(names, survey.Spooled)
		}
	}
	return names
}

func copyFile(disk journal.Disk, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return journal.AtomicWrite(disk, to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// joined refuses to go on with a join that is not whole, or that has lost its end.
func (im *Import) joined() error {
	h, last := &im.header, len(im.state.Passes)
	if len(h.Parts) == 0 || last > h.JoinedPasses {
		return nil
	}
	var dirs []string
	for _, p := range h.Parts {
		dirs = append(dirs, p.Dir)
	}
	if im.state.End == nil {
		return blocked.Join(blocked.JoinAgain, dirs, im.cfg.Dir, "the checkpoint in %s was joined from shards and has lost its end", im.cfg.Dir)
	}
	if !im.state.Complete() {
		return blocked.Join(blocked.FinishShard, dirs, im.cfg.Dir, "%s was joined when %s", im.cfg.Dir, im.state.End.Detail)
	}
	return nil
}

package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
)

// Since names a finished import: what that one has sent is not sent again, and nothing
// older leaves.
//
// What it has sent is copied into the out directory as a sorted file of hashes
// (history.Earlier), with what it was held against itself, and the checkpoint names the
// file and the checkpoints that it comes from. So everything that is done with the new
// import later holds it against the same, and the other one may go away. One that is
// still there and has sent something since is another thing: nothing is sent then.
type Since struct {
	Dir string
	// Context ends the reading of that import early.
	Context context.Context
	// Remote is how its export is reached, if that lies elsewhere.
	Remote *source.Remote
	// AnyTarget is for what goes nowhere: a rehearsal, and a dry run without a target.
	AnyTarget bool
}

// hold writes what the other import has sent into the out directory.
func (im *Import) hold() (_ *journal.Since, err error) {
	since := im.cfg.Since
	surveyed, err := im.openSince()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, surveyed.Close()) }()
	snap := surveyed.Snapshot()
	if snap.Header.Suppressed != nil && im.cfg.Suppressed == nil {
		im.note(blocked.OptOutsToo, "the import in %s left out the accepts of people who opted out elsewhere, and this one has no list of them", since.Dir)
	}
	if err := im.noteForked(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(since.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", since.Dir, err)
	}
	id := &journal.Since{File: survey.EarlierName}
	if was := snap.Header.Since; was != nil {
		id.Imports = append(id.Imports, was.Imports...)
	}
	if len(id.Imports) == journal.MaxEarlier {
		return nil, refuse("", "%s is the last of %d imports: no more can follow", since.Dir, len(id.Imports))
	}
	id.Imports = append(id.Imports, journal.Earlier{ID: snap.Header.ID, Dir: abs, Runs: len(snap.Runs), Bytes: snap.Bytes, SHA256: snap.SHA256, Sent: snap.Total.Sent})
	if err := im.cfg.Disk.MkdirAll(im.cfg.Dir); err != nil {
		return nil, cure(blocked.AnotherDirectory, "%w", err)
	}
	sent := snap.Total.Sent
	if was := snap.Header.Since; was != nil {
		sent += was.Decisions
	}
	room := room.Need{
		Dir: im.cfg.Dir, What: "what the import in " + since.Dir + " has sent", For: "an index of it", Of: fmt.Sprintf("%d consents", sent),
		Bytes: history.EarlierRoom(sent),
	}
	if err := room.Check(); err != nil {
		return nil, err
	}
	index, err := im.sentBy(surveyed)
	if err != nil {
		return nil, im.unheld(err)
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	mode, err := history.ParseMode(snap.Header.History)
	if err != nil {
		return nil, cure(blocked.SinceWhat, "the checkpoint in %s: %w", since.Dir, err)
	}
	path := filepath.Join(im.cfg.Dir, survey.EarlierName)
	err = journal.AtomicWrite(im.cfg.Disk, path, func(w io.Writer) error {
		sum := sha256.New()
		out := &counted{w: io.MultiWriter(w, sum)}
		if id.Decisions, err = index.WriteEarlier(since.Context, mode, uint16(len(id.Imports)), out); err != nil {
			return err
		}
		id.Bytes, id.SHA256 = out.n, hex.EncodeToString(sum.Sum(nil))
		return nil
	})
	if err != nil {
		return nil, im.unheld(err)
	}
	im.held = true
	im.earlier, err = survey.LoadEarlier(im.cfg.Disk, im.cfg.Dir, id)
	return id, err
}

// unheld says why an import could not be held against another one.
func (im *Import) unheld(err error) error {
	switch {
	case im.cfg.Since.Context.Err() != nil:
		return blocked.Interrupted()
	case IsRefused(err):
		return err
	}
	return &RefusedError{Err: fmt.Errorf("find out what the import in %s has sent: %w", im.cfg.Since.Dir, err), Hint: "make room or remove the cause, then run it again"}
}

// sentBy is an index of what an import has sent.
func (im *Import) sentBy(s *survey.Survey) (*history.Index, error) {
	snap := s.Snapshot()
	cfg := history.Config{Temp: im.temps("since"), Now: im.cfg.Now(), Earlier: s.Facts().Earlier}
	if cfg.Earlier != nil {
		cfg.Salt = cfg.Earlier.Salt()
	} else {
		// The same for all shards that are held against one import.
		sum := sha256.Sum256([]byte("since " + snap.Header.ID + snap.SHA256))
		cfg.Salt = sum[:16]
	}
	x := s.NewIndex(cfg, "", func(b *history.Batch, r *survey.Row) {
		for i := range r.Consents {
			if c := &r.Consents[i]; c.Outcome.State == journal.Sent {
				b.Consent(history.At(r.Row.Number, i+1), c.Consent, history.Fate{State: history.Sent, Pass: c.Pass})
			}
		}
	})
	if err := s.Each(im.cfg.Since.Context, x.Visit); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x.Sort()
}

// counted counts the bytes that are written.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// openSince opens the other import, if it is one that this can be held against.
func (im *Import) openSince() (*survey.Survey, error) {
	dir := im.cfg.Since.Dir
	snap, err := journal.Read(im.cfg.Disk, dir)
	switch {
	case errors.Is(err, journal.ErrNone), errors.Is(err, journal.ErrEmpty):
		return nil, cure(blocked.SinceWhat, "%s contains no import to be held against", dir)
	case err != nil:
		return nil, refuse("restore a complete copy of the directory: what the import has sent cannot be told without its checkpoint", "the import in %s cannot be read: %w", dir, err)
	case snap.Header.DryRun:
		return nil, cure(blocked.SinceWhat, "%s contains a dry run, which has sent nothing", dir)
	case snap.Purged != nil:
		return nil, cure(blocked.SinceWhat, "%s was purged: what it has sent cannot be told any more", dir)
	case snap.Header.Shard != journal.WholeShard:
		return nil, cure(blocked.SinceJoin, "%s contains shard %s alone", dir, snap.Header.Shard)
	case !snap.Complete():
		return nil, cure(blocked.SinceFinish, "the import in %s is not finished", dir)
	}
	if !im.cfg.Since.AnyTarget {
		if differs := differentTarget(snap.Header.Target, im.cfg.Target); differs != "" {
			return nil, cure(blocked.SinceTarget, "the import in %s went elsewhere: %s", dir, differs)
		}
	}
	if err := CheckLatest(im.cfg.Disk, dir, snap); err != nil {
		return nil, err
	}
	return survey.Open(im.cfg.Disk, dir, im.cfg.Since.Remote)
}

// differentTarget says in what two targets differ, or the dialects spoken to them. How
// the key is given makes no difference to what arrives.
func differentTarget(was, is journal.Target) string {
	if was.Sandbox && is.Sandbox {
		is.BaseURL = was.BaseURL
	}
	var all []string
	for _, x := range []struct{ what, was, is string }{
		{"the base URL", was.BaseURL, is.BaseURL},
		{"the organisation", was.Org, is.Org},
		{"the project", was.Project, is.Project},
		{"the dialect", was.Dialect, is.Dialect},
		{"the form of times", was.Times, is.Times},
		{"the form of ends", was.ValidUntil, is.ValidUntil},
		{"the sandbox", onOff(was.Sandbox), onOff(is.Sandbox)},
	} {
		if x.was != x.is {
			all = append(all, fmt.Sprintf("%s was %q and is now %q", x.what, x.was, x.is))
		}
	}
	return strings.Join(all, ", ")
}

// sameSince checks that an import goes on to be held against the same, or against
// nothing.
func (im *Import) sameSince() (err error) {
	was := im.header.Since
	if is := im.cfg.Since; is != nil {
		if was == nil {
			return cure(blocked.OldSince, "the import in %s has begun without being held against another one", im.cfg.Dir)
		}
		snap, err := journal.Read(im.cfg.Disk, is.Dir)
		named := was.Imports[len(was.Imports)-1]
		switch {
		case errors.Is(err, journal.ErrNone): // it may go away
		case err != nil:
			return &RefusedError{Err: err}
		case snap.Header.ID != named.ID:
			return cure(blocked.OldSince, "the import in %s was held against the one in %s, not the one in %s", im.cfg.Dir, named.Dir, is.Dir)
		}
	}
	if was == nil {
		return nil
	}
	if len(was.Imports) == 0 {
		return cure(blocked.RestoreOrStartOver, "the checkpoint in %s does not say what the import was held against", im.cfg.Dir)
	}
	if gone := survey.GoneOn(im.cfg.Disk, was); gone != "" {
		return cure(blocked.OldSinceGone, "%s: what is left could arrive behind newer decisions", gone)
	}
	im.earlier, err = survey.LoadEarlier(im.cfg.Disk, im.cfg.Dir, was)
	return err
}

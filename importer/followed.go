package importer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
)

// An import that another one was held against knows nothing of what that one sends, and
// shards know nothing of what the import sends that they were joined into. Were what has
// failed sent again there, it could arrive behind a newer decision: a yes behind the no that
// the delta, or a repair, brought. So who follows leaves its name in the directories of those
// before it sends anything, and nothing more leaves from there once it may have sent. Where
// such a directory cannot be written in, nothing goes on in it either.

// followerName is the name of the file by which an import says that it follows another one,
// in the directory of that one.
var followerName = regexp.MustCompile(`^\.followed-[0-9a-f]{16}\.json$`)

// maxFollower is how many bytes such a file may have.
const maxFollower = 64 << 10

// followedBy is what the file says.
type followedBy struct {
	ID  string `json:"id"`  // of the import that follows
	Dir string `json:"dir"` // absolute, where it lay
}

// Announce says in the directories of the imports which this one follows that it does, and
// asks here whether another one follows, for the last time before something is sent. Nothing
// was sent when it fails, and Abandon takes back what was said.
func (im *Import) Announce(ctx context.Context) error {
	if err := im.notFollowed(); err != nil {
		return err
	}
	if im.header.DryRun {
		return nil
	}
	if len(im.header.Parts) > 0 && im.sendsMore() {
		if err := im.announceIn(ctx, im.header.Parts); err != nil {
			return err
		}
	}
	since := im.header.Since
	if since == nil {
		return nil
	}
	was := since.Imports[len(since.Imports)-1]
	dir := was.Dir
	if im.cfg.Since != nil {
		dir = im.cfg.Since.Dir
	}
	is, err := journal.Read(im.cfg.Disk, dir)
	if err != nil || is.Header.ID != was.ID || is.Purged != nil || differentTarget(is.Header.Target, im.header.Target) != "" {
		return nil // it went away, or nothing that leaves from there can meet this one
	}
	return im.announceIn(ctx, append([]journal.Part{{ID: was.ID, Dir: dir, Sent: was.Sent}}, is.Header.Parts...))
}

// announceIn leaves the name of this import in the directories of others, those that are
// still there.
func (im *Import) announceIn(ctx context.Context, others []journal.Part) error {
	abs, err := filepath.Abs(im.cfg.Dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", im.cfg.Dir, err)
	}
	for _, o := range others {
		if is, err := journal.Read(im.cfg.Disk, o.Dir); err != nil || is.Header.ID != o.ID {
			continue
		}
		if err := im.announce(ctx, o, followedBy{ID: im.header.ID, Dir: abs}); err != nil {
			return err
		}
	}
	return nil
}

// announce leaves the name of this import in the directory of another one, which this process
// takes for that moment: a run that was at work there before shows in its checkpoint, one that
// begins later reads the name. In an import of which this one does not know all that it has
// sent, or may send, the name stays until Abandon.
func (im *Import) announce(ctx context.Context, o journal.Part, by followedBy) error {
	if err := im.leaveName(ctx, o, by); err != nil {
		return err
	}
	is, err := journal.Read(im.cfg.Disk, o.Dir)
	switch {
	case err != nil:
		return &RefusedError{Err: err}
	case is.Total.Sent > o.Sent && o.Shard == "":
		return cure(blocked.OldSinceGone, "the import in %s has gone on since this one was held against it: what is left could arrive behind newer decisions", o.Dir)
	case is.Total.Sent > o.Sent:
		return cure(blocked.JoinElsewhere, "shard %s in %s has sent more since it was joined: what is left here could arrive behind that", o.Shard, o.Dir)
	case !is.Complete() && o.Shard == "":
		return cure(blocked.SinceFinish, "the import in %s has gone on and is not finished", o.Dir)
	case !is.Complete():
		return cure(blocked.JoinElsewhere, "shard %s in %s has gone on since it was joined, and is not finished: what is left here could arrive behind that", o.Shard, o.Dir)
	}
	return nil
}

// leaveName takes the directory for no longer than the name needs: reading a long checkpoint
// would have other shards wait for each other.
func (im *Import) leaveName(ctx context.Context, o journal.Part, by followedBy) error {
	patient, enough := context.WithTimeout(ctx, cmp.Or(im.patience, lockPatience))
	defer enough()
	lock, err := journal.LockWithin(patient, im.cfg.Disk, o.Dir)
	switch {
	case ctx.Err() != nil && err != nil:
		return blocked.Interrupted()
	case errors.Is(err, journal.ErrLocked):
		return &RefusedError{Err: err}
	}
	if err == nil { // else nobody can be at work there either, or there are no locks
		defer lock.Close()
	}
	path, text, err := by.in(o.Dir)
	if err != nil {
		return err
	}
	_, err = os.Lstat(path)
	if missing := errors.Is(err, fs.ErrNotExist); missing && im.runs == 0 {
		im.said = append(im.said, path)
	}
	err = journal.AtomicWrite(im.cfg.Disk, path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil && !readOnly(err) {
		return notStarted(fmt.Errorf("leave the name of this import in %s: %w", o.Dir, err))
	}
	return nil
}

// lockPatience is how long Announce waits for whoever has a directory for a moment: other
// shards of a delta, a report.
const lockPatience = 10 * time.Second

// in is the path of the file that says so in a directory, and what stands in it.
func (by followedBy) in(dir string) (path string, text []byte, err error) {
	if text, err = json.Marshal(by); err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(text) // two joins of the same shards have one ID
	return filepath.Join(dir, ".followed-"+hex.EncodeToString(sum[:8])+".json"), append(text, '\n'), nil
}

// unsay takes back what Announce has said, for an import of which nothing was sent.
func (im *Import) unsay() error {
	var errs []error
	for _, path := range im.said {
		if err := takeBack(im.cfg.Disk, path); err != nil {
			errs = append(errs, fmt.Errorf("take back that this import follows another one: %w", err))
		}
	}
	im.said = nil
	return errors.Join(errs...)
}

// takeBack removes a file that says so. Where nothing can be written, none could be left.
func takeBack(disk journal.Disk, path string) error {
	if err := disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !readOnly(err) {
		return err
	}
	return nil
}

// readOnly reports whether an error is that this process must not write there.
func readOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// notFollowed refuses to send more from here once an import that was held against this one
// may have sent something.
func (im *Import) notFollowed() error {
	if im.state == nil || !im.sendsMore() {
		return nil
	}
	return mayGoOn(im.cfg.Disk, im.cfg.Dir, &im.header)
}

// mayGoOn refuses to send more from an import once another one that follows it may have sent
// something.
func mayGoOn(disk journal.Disk, dir string, h *journal.Header) error {
	for _, p := range h.Parts {
		if err := notElsewhere(disk, dir, p); err != nil {
			return err
		}
	}
	all, err := followers(disk, dir)
	if err != nil {
		return err
	}
	for _, by := range all { // those that can be named first
		if by.there && !by.silent {
			return cure(blocked.Followed, "the import in %s follows this one and may have sent newer decisions: what is left here could arrive behind them", by.Dir)
		}
	}
	for _, by := range all {
		if !by.there {
			return refuse("restore that directory; if that import has sent nothing, remove "+by.path,
				"an import that follows this one may have sent newer decisions, and is not in %s any more: what is left here could arrive behind them", by.Dir)
		}
	}
	return nil
}

// notElsewhere refuses to send more from a join once a shard of it has gone on, or another
// join of the same shards.
func notElsewhere(disk journal.Disk, dir string, p journal.Part) error {
	is, err := journal.Read(disk, p.Dir)
	if err != nil || is.Header.ID != p.ID {
		return nil // it went away, or lies elsewhere
	}
	if is.Total.Sent > p.Sent {
		return cure(blocked.JoinElsewhere, "shard %s in %s has sent more since it was joined into %s: what is left here could arrive behind that", p.Shard, p.Dir, dir)
	}
	all, err := followers(disk, p.Dir)
	for _, by := range all {
		if by.there && !by.silent && !SameFile(by.Dir, dir) {
			return cure(blocked.Followed, "the import in %s follows the shards of this one and may have sent newer decisions: what is left here could arrive behind them", by.Dir)
		}
	}
	return err
}

// noteForked says so when the import that this one is held against was followed by another
// one already: what that one sent is not known to this one.
func (im *Import) noteForked() error {
	since := im.cfg.Since
	if since.AnyTarget || !im.shard.Whole() { // the other shards follow it, too
		return nil
	}
	all, err := followers(im.cfg.Disk, since.Dir)
	for _, by := range all {
		if by.there && !by.silent && !SameFile(by.Dir, im.cfg.Dir) {
			im.note(blocked.SinceLast, "the import in %s was followed by the one in %s, of which this one knows nothing: what that one sent is sent again, and something older may arrive behind it", since.Dir, by.Dir)
		}
	}
	return err
}

// sendsMore reports whether an import that was complete is to send something: what failed,
// repaired rows, or what its export has grown by.
func (im *Import) sendsMore() bool {
	return im.cfg.Retry || im.cfg.Repair != "" || im.grown()
}

// grown reports whether the export has more bytes than when the import began.
func (im *Import) grown() bool {
	for i, was := range im.header.Inputs {
		if im.export.Inputs[i].Bytes > was.Bytes {
			return true
		}
	}
	return false
}

// follower is an import that follows another one.
type follower struct {
	followedBy
	path string // of the file that says so
	// there: it is where it was. silent: it has sent nothing, and sends nothing now.
	there, silent bool
}

// followers are the imports that were held against the one in a directory.
func followers(disk journal.Disk, dir string) (all []follower, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cure(blocked.AnotherDirectory, "use %s as the out directory: %w", dir, err)
	}
	for _, e := range entries {
		if !followerName.MatchString(e.Name()) {
			continue
		}
		f := follower{path: filepath.Join(dir, e.Name())}
		if f.followedBy, err = readFollower(disk, f.path); err != nil {
			return nil, refuse("restore the file: an import that followed this one may have sent newer decisions", "%s: %w", f.path, err)
		}
		f.look(disk)
		all = append(all, f)
	}
	return all, nil
}

func readFollower(disk journal.Disk, path string) (by followedBy, err error) {
	f, err := disk.Open(path)
	if err != nil {
		return by, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFollower))
	if err != nil {
		return by, err
	}
	if json.Unmarshal(text, &by) != nil || by.ID == "" || by.Dir == "" {
		return by, errors.New("it does not say which import follows")
	}
	if named, _, err := by.in(filepath.Dir(path)); err != nil || filepath.Base(named) != filepath.Base(path) {
		return by, errors.New("it was changed: its name is not that of what it says")
	}
	return by, nil
}

// CheckFollowers says which file by which another import says that it follows the one in a
// directory was changed.
func CheckFollowers(disk journal.Disk, dir string) error {
	_, err := followers(disk, dir)
	return err
}

// withdraw removes what an import says in the directories of others, if it has sent nothing:
// it is about to be set aside, and would not be found any more where they say it is.
func withdraw(disk journal.Disk, dir string) error {
	is, err := journal.Read(disk, dir)
	if err != nil || !silent(is) {
		return nil
	}
	by := followedBy{ID: is.Header.ID}
	if by.Dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	others := is.Header.Parts
	if since := is.Header.Since; since != nil {
		was := since.Imports[len(since.Imports)-1]
		others = append(others, journal.Part{Dir: was.Dir})
		if before, err := journal.Read(disk, was.Dir); err == nil {
			others = append(others, before.Header.Parts...)
		}
	}
	for _, o := range others {
		path, _, err := by.in(o.Dir)
		if err != nil {
			return err
		}
		if err := takeBack(disk, path); err != nil {
			return fmt.Errorf("take back that the import in %s follows another one: %w", dir, err)
		}
	}
	return nil
}

// silent reports whether an import at which no process is at work has sent nothing of its own.
func silent(is *journal.Snapshot) bool {
	if h := is.Header; len(h.Parts) > 0 {
		return len(is.Runs) <= h.JoinedPasses
	}
	ended := len(is.Runs) == 0 || is.End != nil && is.End.Unanswered.IsZero()
	return ended && is.Total.Sent+is.Total.Failed == 0
}

// look finds out what has become of it.
func (f *follower) look(disk journal.Disk) {
	is, err := journal.Read(disk, f.Dir)
	if f.there = err == nil && is.Header.ID == f.ID; !f.there {
		return
	}
	lock, err := journal.Lock(disk, f.Dir)
	if err != nil { // it is at work
		return
	}
	defer lock.Close()
	f.silent = silent(is)
}

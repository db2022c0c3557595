package importer

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
)

// lockFile is the lock of an out directory; package journal takes it.
const lockFile = ".lock"

// ControlSocket is the name of the socket in an out directory over which a run at work
// is steered.
const ControlSocket = "ctl.sock"

// spool keeps standard input in the out directory before anything of it is
// sent, so that resume, report and verify need nothing else. Should the process
// die meanwhile, nothing was sent.
func (im *Import) spool(c *source.Config) error {
	if len(c.Paths) != 1 || c.Paths[0] != "-" {
		return nil
	}
	path := filepath.Join(im.cfg.Dir, survey.Spooled)
	c.Paths = []string{path}
	given := &measured{r: im.cfg.Stdin, sum: sha256.New()}
	text, err := source.Unpack(given)
	if err != nil {
		return refuse("", "standard input %w", err)
	}
	defer text.Close()
	if err := im.cfg.Disk.MkdirAll(im.cfg.Dir); err != nil {
		return cure(blocked.AnotherDirectory, "%w", err)
	}
	err = journal.AtomicWrite(im.cfg.Disk, path, func(w io.Writer) error {
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		if _, err := io.Copy(z, text); err != nil {
			return err
		}
		return z.Close()
	})
	if err != nil {
		return cure(blocked.LargerDisk, "keep standard input: %w", err)
	}
	im.stdin = &journal.FileDigest{Name: "-", Bytes: given.n, SHA256: hex.EncodeToString(given.sum.Sum(nil))}
	im.spooled = true // not before: what an earlier process has kept may be the only copy of its input
	return nil
}

// measured tells how much was read, and its digest.
type measured struct {
	r   io.Reader
	n   int64
	sum hash.Hash
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.sum.Write(p[:n])
	return n, err
}

// vacant checks that a directory without a checkpoint is not another program's, and
// says whether it is still to be made.
func vacant(dir string) (missing bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, cure(blocked.AnotherDirectory, "use %s as the out directory: %w", dir, err)
	}
	if err := begun(dir, entries); err != nil {
		return false, err
	}
	for _, e := range entries {
		if !Ours(e.Name()) {
			return false, cure(blocked.AnotherDirectory, "%s contains files that no import wrote (such as %s)", dir, e.Name())
		}
	}
	return false, nil
}

// RejectedKnown is the file by which reports tell what they have written of rejected rows from
// what a person has changed.
const RejectedKnown = ".rejected.json"

// IsEdited reports whether that is kept under a name.
func IsEdited(name string) bool { return editedRows.MatchString(name) }

var editedRows = regexp.MustCompile(`^rejected(-[0-9]+)?-edited-[0-9]+\.(csv|jsonl)$`)

// onceBegun are files that are written when the pass stands in the checkpoint, and not
// before: the socket of a run that was killed, its lists as they grew, its reports.
var onceBegun = []string{journal.KnownName, ControlSocket, ".successes.csv.tmp", ".failures.csv.tmp", "successes.csv", "failures.csv", reportName}

// begun refuses a directory without a pass in its checkpoint in which a run has been at
// work all the same: what was sent is not known any more, and nothing of it may be taken
// for an import that sent nothing.
func begun(dir string, entries []os.DirEntry) error {
	for _, e := range entries {
		if slices.Contains(onceBegun, e.Name()) {
			return cure(blocked.RestoreOrStartOver, "a run was at work in %s (it left %s), but its checkpoint is gone or was cut: what was sent is not known", dir, e.Name())
		}
	}
	return nil
}

// Abandon removes an import that was begun by this process and of which nothing
// was sent, so that the next try can begin anew: its files, the directory that was
// made for it; and what --restart has set aside is put back. Of an import that was
// there before, it gives up the retry or the repair that CommitPass has not set down.
func (im *Import) Abandon() error {
	err := errors.Join(im.dropIndex(), im.unsay())
	if !im.fresh {
		return errors.Join(err, im.removeUnset())
	}
	err = errors.Join(err, im.removeBegun())
	if im.aside != "" {
		if _, e := os.Lstat(im.cfg.Dir); errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, im.cfg.Disk.Rename(im.aside, im.cfg.Dir), im.cfg.Disk.SyncDir(filepath.Dir(im.cfg.Dir)))
		}
	}
	return err
}

// removeBegun removes what this process has written. It holds the lock meanwhile,
// if it came as far as that; without the lock the checkpoint is not its own.
func (im *Import) removeBegun() error {
	var errs []error
	remove := func(name string) {
		err := im.cfg.Disk.Remove(filepath.Join(im.cfg.Dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if im.spooled {
		remove(survey.Spooled)
	}
	if im.held {
		remove(survey.EarlierName)
	}
	if im.journal != nil {
		remove(journal.KnownName)
		remove(journal.Name)
		if im.stored {
			remove(im.pass.Mapping.File)
		}
		if id := im.header.Suppressed; id != nil {
			remove(id.File)
		}
		if im.made {
			remove(lockFile)
		}
		errs = append(errs, im.journal.Close())
		im.journal = nil
	}
	err := errors.Join(errs...)
	if im.made && err == nil {
		_ = im.cfg.Disk.Remove(im.cfg.Dir) // unless another program has put something there
	}
	return err
}

// removeUnset removes what a pass brought that does not come to be.
func (im *Import) removeUnset() error {
	if !im.unset {
		return nil
	}
	var err error
	if im.stored {
		err = im.cfg.Disk.Remove(filepath.Join(im.cfg.Dir, im.pass.Mapping.File))
	}
	if im.pass.Repair != nil {
		err = errors.Join(err, im.cfg.Disk.Remove(filepath.Join(im.cfg.Dir, im.pass.Repair.Name)))
	}
	return err
}

// storedMapping is the name of a mapping that startPass has stored.
var storedMapping = regexp.MustCompile(`^mapping-[0-9a-f]{12}\.yaml$`)

// keptList is the name of the list of who opted out elsewhere.
var keptList = regexp.MustCompile(`^suppressed-[0-9a-f]{12}\.txt$`)

// Ours reports whether an import that died early may have left the file, or a
// program that shows files to a person: it holds nobody's work, but for rejected rows that a
// person has changed, which RemoveDryRun leaves there.
func Ours(name string) bool {
	switch name {
	case survey.Spooled, survey.EarlierName, RejectedKnown, journal.Name, journal.KnownName, lockFile, ControlSocket, ".DS_Store", "Thumbs.db", "desktop.ini":
		return true
	}
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp") || storedMapping.MatchString(name) || keptList.MatchString(name) || followerName.MatchString(name) || IsEdited(name) ||
		strings.HasPrefix(name, ".~lock.") || strings.HasPrefix(name, "~$")
}

// setAside renames the out directory, if there is one. It is never deleted.
// It gives the new name.
func setAside(cfg Config) (to string, err error) {
	if _, err := os.Stat(cfg.Dir); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	lock, err := journal.Lock(cfg.Disk, cfg.Dir)
	if err != nil {
		return "", &RefusedError{Err: err}
	}
	defer lock.Close()
	if err := withdraw(cfg.Disk, cfg.Dir); err != nil {
		return "", &RefusedError{Err: err, Cure: blocked.MoveAside}
	}
	to = cfg.Dir + ".old-" + cfg.Now().UTC().Format("20060102-150405")
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = fmt.Sprintf("%s.old-%s-%d", cfg.Dir, cfg.Now().UTC().Format("20060102-150405"), n)
	}
	if err := cfg.Disk.Rename(cfg.Dir, to); err != nil {
		return "", cure(blocked.MoveAside, "set %s aside: %w", cfg.Dir, err)
	}
	return to, cfg.Disk.SyncDir(filepath.Dir(cfg.Dir))
}

// RemoveDryRun removes what an earlier dry run wrote to a directory: a dry run
// replaces it. A directory that holds anything else, such as a mapping that
// a person works on, is left alone, with an error. Written tells the names of reports, and
// keep gives rejected rows that a person has changed other names, which are returned; they stay.
func RemoveDryRun(disk journal.Disk, dir string, written func(name string) bool, keep func(journal.Disk, string) ([]string, error)) (kept []string, err error) {
	if err := CheckOurs(dir); err != nil {
		return nil, err
	}
	snap, err := journal.Read(disk, dir)
	if errors.Is(err, journal.ErrNone) || errors.Is(err, journal.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, &RefusedError{Err: err}
	}
	if !snap.Header.DryRun {
		return nil, cure(blocked.AnotherForDryRun, "%s contains an import", dir)
	}
	lock, err := journal.Lock(disk, dir)
	if err != nil {
		return nil, &RefusedError{Err: err}
	}
	defer lock.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cure(blocked.AnotherDirectory, "replace the dry run in %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() || !Ours(e.Name()) && !written(e.Name()) {
			return nil, cure(blocked.MoveAside, "the dry run in %s is not replaced: it did not write %s", dir, e.Name())
		}
	}
	if kept, err = keep(disk, dir); err != nil {
		return nil, err
	}
	if entries, err = os.ReadDir(dir); err != nil {
		return kept, cure(blocked.AnotherDirectory, "replace the dry run in %s: %w", dir, err)
	}
	for _, e := range entries {
		if name := e.Name(); IsEdited(name) || name == RejectedKnown || !Ours(name) && !written(name) {
			continue
		}
		if err := disk.Remove(filepath.Join(dir, e.Name())); err != nil {
			return kept, cure(blocked.AnotherDirectory, "replace the dry run in %s: %w", dir, err)
		}
	}
	// Without it, rows that were not removed yet would be taken for a person's.
	if err := disk.Remove(filepath.Join(dir, RejectedKnown)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kept, cure(blocked.AnotherDirectory, "replace the dry run in %s: %w", dir, err)
	}
	return kept, nil
}

// newID names an import.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

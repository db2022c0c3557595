package report

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
)

// sheets are the files of one report on their way into the out directory. Each
// is written under a temporary name; commit renames them all at the end. So
// every file is whole at any moment, and those of a report that did not come to
// its end never take the place of older ones.
type sheets struct {
	disk journal.Disk
	dir  string
	// only is the one file that is written, the others being left out; "": all are.
	only string
	// compares: what lies there stays, whatever the disk makes of new files.
	compares bool
	open     []*sheet // in the order in which they are put in place
	// taken are the digests of files that were repaired: the import has copies of them.
	taken []string
	kept  []string // names that commit gave to what a person has changed
}

// sheet is one file under its temporary name. The first error sticks.
type sheet struct {
	name string
	file journal.File
	buf  *bufio.Writer
	sum  hash.Hash // SHA-256 of rejected rows; nil for other files
}

// create begins a file.
func (s *sheets) create(name string) (*sheet, error) {
	if s.only != "" && s.only != name {
		return &sheet{name: name, buf: bufio.NewWriter(io.Discard)}, nil
	}
	f, err := s.disk.Create(s.temp(name))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	x := &sheet{name: name, file: f}
	to := io.Writer(f)
	if rejectedForms.MatchString(name) {
		x.sum = sha256.New()
		to = io.MultiWriter(f, x.sum)
	}
	x.buf = bufio.NewWriterSize(to, 64<<10)
	s.open = append(s.open, x)
	return x, nil
}

func (s *sheets) temp(name string) string { return filepath.Join(s.dir, tempName(name)) }

// tempName is the name that a file has until it is whole.
func tempName(name string) string { return "." + name + ".tmp" }

// wholeName is the name that such a file gets when it is whole.
func wholeName(temp string) string { return strings.TrimSuffix(strings.TrimPrefix(temp, "."), ".tmp") }

// RemoveLeft removes what a process that died was writing in a directory: the rows that
// failed may be among it, or a copy of the input. The lock of the directory is the caller's,
// so that nobody else is writing there; before there is one, standard input is copied
// without it, so its copy is left alone where begun says that this process began the import.
func RemoveLeft(disk journal.Disk, dir string, begun bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for what is left of earlier reports: %w", err)
	}
	for _, e := range entries {
		name := wholeName(e.Name())
		if e.Name() != tempName(name) || !Written(name) && !HoldsPeople(name) && name != importer.RejectedKnown || !e.Type().IsRegular() || begun && name == survey.Spooled {
			continue
		}
		if err := disk.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what is left of an earlier report: %w", err)
		}
	}
	return nil
}

// Write implements io.Writer.
func (x *sheet) Write(b []byte) (int, error) {
	n, err := x.buf.Write(b)
	if err != nil {
		err = fmt.Errorf("write %s: %w", x.name, err)
	}
	return n, err
}

// commit makes the files durable and puts them in place in the order in which
// they were created, then removes those of stale that this report did not write. What a
// person has changed of them is kept under other names.
func (s *sheets) commit(stale []string) error {
	written := map[string]bool{}
	var rejected []string // digests
	for _, x := range s.open {
		written[x.name] = true
		err := x.buf.Flush()
		if err == nil {
			err = x.file.Sync()
		}
		if closeErr := x.file.Close(); err == nil {
			err = closeErr
		}
		x.file = nil
		if err != nil {
			return fmt.Errorf("write %s: %w", x.name, err)
		}
		if x.sum != nil {
			rejected = append(rejected, hex.EncodeToString(x.sum.Sum(nil)))
		}
	}
	if !s.compares {
		var err error
		if s.kept, err = keepEdited(s.disk, s.dir, rejected, s.taken, ""); err != nil {
			return err
		}
	}
	// Stale files go first: a list of people to act on must not outlive, even
	// in a crash, the report that cleared it.
	for _, name := range stale {
		if written[name] {
			continue
		}
		for _, path := range []string{filepath.Join(s.dir, name), s.temp(name)} {
			if err := s.disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove stale %s: %w", name, err)
			}
		}
	}
	for i, x := range s.open {
		if i == len(s.open)-1 && !s.compares { // the one that says that all is there
			if err := settleKnown(s.disk, s.dir, rejected); err != nil {
				return err
			}
		}
		if err := s.disk.Rename(s.temp(x.name), filepath.Join(s.dir, x.name)); err != nil {
			return fmt.Errorf("put %s in place: %w", x.name, err)
		}
	}
	s.open = nil
	if err := s.disk.SyncDir(s.dir); err != nil {
		return fmt.Errorf("make reports durable: %w", err)
	}
	return nil
}

// discard gives up the files that were not put in place.
func (s *sheets) discard() {
	for _, x := range s.open {
		// The error that led here is the one to report.
		if x.file != nil {
			_ = x.file.Close()
		}
		_ = s.disk.Remove(s.temp(x.name))
	}
	s.open = nil
}

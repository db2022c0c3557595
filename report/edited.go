package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
)

// A person repairs rejected.csv where it lies, while another run, or a report, gives the name
// to a new file. So what was written under such a name is known by its digest, and what is
// none of that is kept under another name first. A digest is in place before its file is: a
// process that dies between them takes nothing of its own for a person's.

// mostKnown bounds how much of importer.RejectedKnown is read, in bytes.
const mostKnown = 1 << 20

// rejectedDigests is what importer.RejectedKnown has: SHA-256, hex, of what reports have
// written under the names of rejected rows, or are about to.
type rejectedDigests struct {
	SHA256 []string `json:"sha256"`
}

// keepEdited gives what a person has changed in rejected rows another name, so that theirs
// may be written anew or removed. next are the digests of what is about to be written, taken
// those of what the import has a copy of; the file repaired is left alone. It returns the new
// names.
func keepEdited(disk journal.Disk, dir string, next, taken []string, repaired string) (kept []string, err error) {
	known, err := readRejectedKnown(disk, dir)
	if err != nil {
		return nil, err
	}
	edited, ours, err := sortOut(disk, dir, slices.Concat(known, next), taken, repaired)
	if err != nil {
		return nil, err
	}
	for _, name := range edited {
		to := freeName(dir, name)
		if err := disk.Rename(filepath.Join(dir, name), filepath.Join(dir, to)); err != nil {
			return kept, fmt.Errorf("keep %s, which was changed by hand: %w", name, err)
		}
		kept = append(kept, to)
	}
	if len(kept) > 0 {
		if err := disk.SyncDir(dir); err != nil {
			return kept, fmt.Errorf("keep what was changed by hand: %w", err)
		}
	}
	if len(next) == 0 { // nothing comes that would have to be known
		return kept, nil
	}
	return kept, writeRejectedKnown(disk, dir, known, append(ours, next...))
}

// KeepEdited gives rejected rows that a person has changed other names, which it returns.
func KeepEdited(disk journal.Disk, dir string) (kept []string, err error) {
	return keepEdited(disk, dir, nil, nil, "")
}

// sortOut tells the files of rejected rows that a person has changed from those whose digests
// are known, which it gives.
func sortOut(disk journal.Disk, dir string, known, taken []string, repaired string) (edited, ours []string, err error) {
	names, err := rejectedIn(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if importer.SameFile(filepath.Join(dir, name), repaired) {
			continue
		}
		is, err := DigestFile(disk, dir, name)
		switch {
		case err != nil:
			return nil, nil, err
		case slices.Contains(taken, is.SHA256):
		case slices.Contains(known, is.SHA256):
			ours = append(ours, is.SHA256)
		default:
			edited = append(edited, name)
		}
	}
	return edited, ours, nil
}

// rejectedIn names the files of rejected rows in a directory.
func rejectedIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for rejected rows: %w", err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && rejectedForms.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// freeName is a name for what was changed of a file, which nothing has yet.
func freeName(dir, name string) string {
	ext := filepath.Ext(name)
	return filepath.Base(free(func(n int) string {
		return filepath.Join(dir, fmt.Sprintf("%s-edited-%d%s", strings.TrimSuffix(name, ext), n, ext))
	}))
}

// readRejectedKnown gives the digests that are known; of a file that cannot be understood
// none, so that what lies there is kept.
func readRejectedKnown(disk journal.Disk, dir string) ([]string, error) {
	f, err := disk.Open(filepath.Join(dir, importer.RejectedKnown))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what rejected rows were written: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostKnown))
	if err != nil {
		return nil, fmt.Errorf("read what rejected rows were written: %w", err)
	}
	var known rejectedDigests
	if json.Unmarshal(text, &known) != nil {
		return nil, nil
	}
	return known.SHA256, nil
}

// settleKnown makes the digests of the rejected rows that lie there the only ones that are known.
func settleKnown(disk journal.Disk, dir string, digests []string) error {
	known, err := readRejectedKnown(disk, dir)
	if err != nil {
		return err
	}
	return writeRejectedKnown(disk, dir, known, digests)
}

// writeRejectedKnown makes digests those that are known, where others were; without any, it
// removes the file.
func writeRejectedKnown(disk journal.Disk, dir string, was, is []string) error {
	slices.Sort(is)
	if is = slices.Compact(is); slices.Equal(was, is) {
		return nil
	}
	path := filepath.Join(dir, importer.RejectedKnown)
	if len(is) == 0 {
		if err := disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what rejected rows were written: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(rejectedDigests{is})
	if err != nil {
		return err
	}
	err = journal.AtomicWrite(disk, path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("note what rejected rows are written: %w", err)
	}
	return nil
}

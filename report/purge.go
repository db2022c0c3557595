package report

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
)

// purged are the files of an out directory that are there for people's data alone.
var purged = regexp.MustCompile(`^(rejected(-[0-9]+)?\.(csv|jsonl)|suppress(ed)?\.csv|input\.zst|repair-[0-9]+\.(csv|jsonl))$`)

// HoldsPeople reports whether Purge removes a file of an out directory.
func HoldsPeople(name string) bool { return purged.MatchString(name) || importer.IsEdited(name) }

// removedValue stands in decisions.csv for a value that the mapping does not name.
const removedValue = "(removed)"

// Purge removes what holds people from an out directory: the rejected rows, the
// people to act on, copies of the input and of repaired files, and from decisions.csv
// the values that the mapping does not name. First it writes into the checkpoint what
// is removed and what the rest is then; so a purge that died is finished by another,
// which is given what the checkpoint says of it. parts are the files that the checkpoint
// names, mappings among them: they stay, and can be held against what they were.
func Purge(disk journal.Disk, dir string, w *journal.Writer, was *journal.Purge, parts []string, named func(value string) bool, tool string, at time.Time) (*journal.Purge, error) {
	if err := RemoveLeft(disk, dir, false); err != nil {
		return nil, err
	}
	names, err := regularFiles(dir)
	if err != nil {
		return nil, err
	}
	table := ""
	if slices.Contains(names, decisionsName) {
		if table, err = withoutValues(disk, dir, named); err != nil {
			_ = disk.Remove(filepath.Join(dir, tempName(decisionsName))) // it is worth nothing half
			return nil, fmt.Errorf("purge %s: %w", decisionsName, err)
		}
	}
	p := was
	if p == nil {
		if p, err = purgeOf(disk, dir, names, parts); err != nil {
			return nil, err
		}
		p.At, p.Tool = at.UTC(), tool
		if err := w.Purge(*p); err != nil {
			return nil, err
		}
	}
	if table != "" {
		if err := disk.Rename(filepath.Join(dir, table), filepath.Join(dir, decisionsName)); err != nil {
			return nil, fmt.Errorf("purge %s: %w", decisionsName, err)
		}
	}
	for _, name := range names {
		if !HoldsPeople(name) && !HoldsPeople(wholeName(name)) { // what died while it was written
			continue
		}
		if err := disk.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("purge %s: %w", name, err)
		}
	}
	if err := disk.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("make the purge durable: %w", err)
	}
	return p, nil
}

// purgeOf digests what goes and what stays.
func purgeOf(disk journal.Disk, dir string, names, parts []string) (*journal.Purge, error) {
	p := &journal.Purge{Removed: []journal.FileDigest{}, Kept: []journal.FileDigest{}}
	for _, name := range names {
		from, to := name, &p.Kept
		switch {
		case HoldsPeople(name):
			to = &p.Removed
		case name == decisionsName:
			from = tempName(name)
			was, err := DigestFile(disk, dir, name)
			if err != nil {
				return nil, err
			}
			p.Changed = append(p.Changed, was)
		case !Written(name) && !slices.Contains(parts, name):
			continue
		}
		d, err := DigestFile(disk, dir, from)
		if err != nil {
			return nil, err
		}
		d.Name = name
		*to = append(*to, d)
	}
	return p, nil
}

func regularFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look what to purge: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// DigestFile says what a file in an out directory is.
func DigestFile(disk journal.Disk, dir, name string) (journal.FileDigest, error) {
	return DigestBeginning(disk, dir, name, math.MaxInt64)
}

// DigestBeginning says what the first n bytes of a file in an out directory are.
func DigestBeginning(disk journal.Disk, dir, name string, n int64) (journal.FileDigest, error) {
	f, err := disk.Open(filepath.Join(dir, name))
	if err != nil {
		return journal.FileDigest{}, fmt.Errorf("digest %s: %w", name, err)
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, io.LimitReader(f, n))
	if err != nil {
		return journal.FileDigest{}, fmt.Errorf("digest %s: %w", name, err)
	}
	return journal.FileDigest{Name: name, Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// withoutValues writes decisions.csv without the values that the mapping does not
// name, under a temporary name, which it gives. Done twice it changes nothing more.
func withoutValues(disk journal.Disk, dir string, named func(string) bool) (temp string, err error) {
	f, err := disk.Open(filepath.Join(dir, decisionsName))
	if err != nil {
		return "", err
	}
	defer f.Close()
	temp = tempName(decisionsName)
	out, err := disk.Create(filepath.Join(dir, temp))
	if err != nil {
		return "", err
	}
	err = copyNamed(out, f, named)
	if err == nil {
		err = out.Sync()
	}
	return temp, errors.Join(err, out.Close())
}

func copyNamed(out io.Writer, in io.Reader, named func(string) bool) error {
	rows, to := csv.NewReader(in), csv.NewWriter(out)
	rows.ReuseRecord = true
	for n := 0; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			to.Flush()
			return to.Error()
		}
		if err != nil {
			return err
		}
		if n > 0 && row[1] != "" && !named(row[1]) {
			row[1] = removedValue
		}
		if err := to.Write(row); err != nil {
			return err
		}
	}
}

package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
)

// CheckOurs refuses an out directory in which somebody else can write, or in which
// something was planted that is not what it looks like: a link, which would be
// written through, a pipe, which would be waited for, a directory under the name of a
// file, a file of another owner. A
// directory that does not exist yet is fine. Where a system knows no owners and
// modes, those are not looked at.
func CheckOurs(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(dir); err == nil {
			return cure(blocked.AnotherDirectory, "%s is a link to nowhere", dir)
		}
		return nil
	}
	if err != nil {
		return cure(blocked.AnotherDirectory, "use %s as the out directory: %w", dir, err)
	}
	if !info.IsDir() {
		return cure(blocked.AnotherDirectory, "%s is not a directory", dir)
	}
	if !owned(info) {
		return cure(blocked.AnotherDirectory, "%s belongs to another user", dir)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o022 != 0 {
		return refuse("look at what is in there; if all of it is yours: chmod go-w, and run it again", "others may write in %s (mode %04o)", dir, mode)
	}
	return checkEntries(dir, func(e fs.DirEntry) string {
		if what := disguised(e); what != "" {
			return what
		}
		return notOurs(e)
	})
}

// CheckPlanted refuses an out directory in which something was planted that is not what
// it looks like. It is for who only reads what may be somebody else's.
func CheckPlanted(dir string) error { return checkEntries(dir, disguised) }

// checkEntries refuses a directory with an entry of which wrong says what it is.
func checkEntries(dir string, wrong func(fs.DirEntry) string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return cure(blocked.AnotherDirectory, "use %s as the out directory: %w", dir, err)
	}
	for _, e := range entries {
		if what := wrong(e); what != "" {
			return cure(blocked.RemoveOrAnother, "%s is %s, which no import puts there", filepath.Join(dir, e.Name()), what)
		}
	}
	return nil
}

// fileEndings are those of the files of an import.
var fileEndings = []string{".jsonl", ".json", ".csv", ".html", ".yaml", ".zst", ".txt", ".sig", ".tsr", ".tmp", ".lock", ".sock", journal.KnownName}

// disguised says what an entry of an out directory is when it is no file.
func disguised(e fs.DirEntry) string {
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		return "a link"
	case e.Type()&fs.ModeNamedPipe != 0:
		return "a pipe"
	case e.Type()&(fs.ModeDevice|fs.ModeCharDevice) != 0:
		return "a device"
	case e.Type()&fs.ModeSocket != 0 && e.Name() != ControlSocket:
		return "a socket"
	case e.Type().IsRegular() && e.Name() == ControlSocket:
		return "a file"
	case e.IsDir() && slices.Contains(fileEndings, filepath.Ext(e.Name())): // others are a person's own
		return "a directory"
	}
	return ""
}

// notOurs says what a file of an out directory is when it is not ours alone.
func notOurs(e fs.DirEntry) string {
	if !e.Type().IsRegular() {
		return ""
	}
	info, err := e.Info()
	switch {
	case err != nil: // it is gone by now
		return ""
	case !owned(info):
		return "a file of another user"
	case linked(info) && (e.Name() == journal.Name || e.Name() == lockFile): // these are written in place
		return "a file with another name elsewhere"
	}
	return ""
}

package importer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
)

// CheckOurs refuses an out directory in which somebody else can write, or in which
// something was planted that is not what it looks like: a link, which would be
// written through, a pipe, which would be waited for, a file of another owner. A
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
	entries, err := os.ReadDir(dir)
	if err != nil {
		return cure(blocked.AnotherDirectory, "use %s as the out directory: %w", dir, err)
	}
	for _, e := range entries {
		if what := planted(e); what != "" {
			return cure(blocked.RemoveOrAnother, "%s is %s, which no import puts there", filepath.Join(dir, e.Name()), what)
		}
	}
	return nil
}

// planted says what an entry of an out directory is when it is none of ours.
func planted(e fs.DirEntry) string {
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		return "a link"
	case e.Type()&fs.ModeNamedPipe != 0:
		return "a pipe"
	case e.Type()&(fs.ModeDevice|fs.ModeCharDevice) != 0:
		return "a device"
	case !e.Type().IsRegular():
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

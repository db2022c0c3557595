package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
)

// missing lists what a run that sends needs and nobody has given, so that all of it
// is named at once.
func (f *runFlags) missing(env *environment) []string {
	if f.dryRun || f.sandbox {
		return nil
	}
	var missing []string
	target := f.identity(env)
	for _, x := range []struct {
		given bool
		what  string
	}{
		{target.Org != "", "the organisation (--org or INTEMPT_ORG)"},
		{target.Project != "", "the project (--project or INTEMPT_PROJECT)"},
		{f.keyFile != "" || env.getenv("INTEMPT_API_KEY") != "", "the API key (--api-key-file or INTEMPT_API_KEY)"},
	} {
		if !x.given {
			missing = append(missing, x.what)
		}
	}
	return missing
}

// alsoMissing adds what else is missing to an error that there is no mapping.
func (f *runFlags) alsoMissing(err error, missing []string) error {
	var e *exitError
	if len(missing) == 0 || !errors.As(err, &e) || f.mapping.given() {
		return err
	}
	e.hint += "; also missing: " + strings.Join(missing, ", ")
	return err
}

// outDirectory checks that a directory is that of an import. Whoever names the export
// in its place is told where its import lies.
func outDirectory(dir string) error {
	holds := func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, journal.Name))
		return err == nil
	}
	if holds(dir) {
		return importer.CheckPlanted(dir)
	}
	for _, ending := range []string{".import", ".dry-run"} {
		if beside := filepath.Clean(dir) + ending; holds(beside) {
			return usage("give the out directory: "+beside, "%s is not the out directory of an import", dir)
		}
	}
	info, err := os.Stat(dir)
	switch inside := filepath.Dir(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return usage("give the out directory of an import", "there is no directory %s", dir)
	case err != nil || info.IsDir(): // whoever opens it says what is wrong
		return nil
	case holds(inside):
		return usage("give the out directory: "+inside, "%s is not the out directory of an import", dir)
	default:
		return usage("give the out directory of an import", "%s is not a directory", dir)
	}
}

// ownKeyFile refuses a key file that others can read, as ssh refuses its own: one
// that the user owns and that is open to a group or to everybody.
func ownKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || !info.Mode().IsRegular() || !ownedByUser(info) || info.Mode().Perm()&0o077 == 0 {
		return nil // what cannot be read is found out when it is read
	}
	return usage("chmod 600 "+path, "the key file %s can be read by others (mode %04o)", path, info.Mode().Perm())
}

package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/summary"
)

// Brief writes report.json alone, from what a run counted as it went, when there is
// no time to read the export again: a scheduler kills what does not end soon after
// it was told to. What earlier reports have left in dir tells of another time and is
// removed, so that nobody takes it for the list of today; the names are given, and Next
// is the command that writes everything anew. Rows that runs before this one found
// invalid or skipped are counted as mapped.
func Brief(disk journal.Disk, dir string, facts survey.Facts, rows summary.Rows, consents summary.Consents, opts Options) (sum *summary.Summary, removed []string, err error) {
	opts.Lint, opts.Decisions, opts.Try = nil, nil, nil
	files := &sheets{disk: disk, dir: dir, taken: journal.Repaired(facts.Passes)}
	defer files.discard()
	c, err := newCollector(files, &facts, opts.Memory)
	if err != nil {
		return nil, nil, err
	}
	defer c.close()
	sum, err = c.summary(context.Background(), dir, &facts, &opts, nil)
	if err != nil {
		return nil, nil, err
	}
	files.discard() // the lists that the collector has begun
	files.open = nil
	sum.Rows, sum.Consents = rows, consents
	sum.State, sum.ExitCode = summary.Incomplete, 4
	if facts.End != nil {
		sum.Why, sum.Detail = facts.End.Why, facts.End.Detail
	}
	sum.Partial = true
	sum.Files = []string{summary.Name}
	sum.Steps = []string{}
	sum.Next = opts.Invocation.on(dir, "report")
	x, err := files.create(summary.Name)
	if err != nil {
		return nil, nil, err
	}
	if err := summary.JSON(x, sum); err != nil {
		return nil, nil, err
	}
	if removed, err = earlier(dir); err != nil {
		return nil, nil, err
	}
	err = files.commit(removed)
	sum.Kept = files.kept
	return sum, removed, err
}

// RemoveEarlier removes the reports of earlier runs from the directory of an import that is
// about to go on, for good before it returns: from then on they would tell of another time, and
// whoever is killed writes none. report.json, which scripts read, goes first. What a person
// has changed of the rejected rows gets another name, which is returned, unless its SHA-256
// (hex) is among taken: of that, the import has a copy. The file repaired, if it lies there,
// stays for now: until the pass that repairs it is set down it is all that there is of the repair.
func RemoveEarlier(disk journal.Disk, dir, repaired string, taken []string) (kept []string, err error) {
	names, err := earlier(dir)
	if err != nil {
		return nil, err
	}
	if kept, err = keepEdited(disk, dir, nil, taken, repaired); err != nil {
		return kept, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return importer.SameFile(filepath.Join(dir, name), repaired) })
	gone := false
	for _, name := range append([]string{summary.Name}, names...) {
		switch err := disk.Remove(filepath.Join(dir, name)); {
		case err == nil:
			gone = true
		case !errors.Is(err, fs.ErrNotExist):
			return kept, fmt.Errorf("remove the report of an earlier run: %w", err)
		}
	}
	if !gone {
		return kept, nil
	}
	return kept, disk.SyncDir(dir)
}

// earlier names the reports in a directory beside report.json.
func earlier(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for earlier reports: %w", err)
	}
	for _, e := range entries {
		if Written(e.Name()) && e.Name() != summary.Name {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

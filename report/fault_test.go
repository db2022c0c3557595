package report

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// repaired is what becomes of mixed when its failures are fixed.
func repaired() *told {
	s := mixed()
	for i := range s.parts[0].rows {
		r := &s.parts[0].rows[i]
		if r.Status == mapping.Invalid {
			r.Status = mapping.Skipped
		}
		for j := range r.Consents {
			r.Consents[j].Outcome = sent
		}
	}
	return s
}

// Wherever the disk gives up, each file is the old one or the new one, as a
// whole, report.json is never newer than the lists, and the next report heals
// what is left.
func TestEveryStepOfAReportFails(t *testing.T) {
	oldDir, _ := write(t, mixed())
	newDir, _ := write(t, repaired())
	text := func(dir, name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return ""
		}
		return strings.ReplaceAll(string(b), dir, "DIR")
	}
	opts := Options{
		Tool:       summary.Tool{Name: "consentimport", Version: "1.0.0"},
		Invocation: Invocation{Exports: []string{"acme.csv"}, Flags: []Flag{{Name: "preset", Value: "acme"}}},
	}
	for _, plan := range []faultdisk.Plan{{Do: faultdisk.Fail}, {Do: faultdisk.Fail, Once: true}, {Do: faultdisk.Short}} {
		hit := 0
		for step := int64(1); ; step++ {
			dir, _ := write(t, mixed())
			plan.Step = step
			disk := faultdisk.New(journal.OS{}, plan)
			_, err := Write(t.Context(), disk, dir, repaired(), opts)
			if disk.Steps() < step {
				require.NoError(t, err)
				break
			}
			hit++
			require.ErrorIs(t, err, syscall.ENOSPC, "step %d", step)
			all := names(t, dir)
			for _, name := range all {
				if strings.HasPrefix(name, ".") {
					assert.False(t, plan.Once, "step %d left %s", step, name)
					continue
				}
				got := text(dir, name)
				assert.True(t, got == text(oldDir, name) || got == text(newDir, name), "step %d: %s is neither old nor new", step, name)
			}
			if text(dir, "report.json") == text(newDir, "report.json") {
				assert.Equal(t, names(t, newDir), all, "step %d: report.json came before the rest", step)
			}
			_, err = Write(t.Context(), journal.OS{}, dir, repaired(), opts)
			require.NoError(t, err)
			assert.Equal(t, names(t, newDir), names(t, dir), "after step %d", step)
		}
		assert.Greater(t, hit, 10)
	}
}

// diary notes which files were synced and put in place, in order.
type diary struct {
	journal.OS
	said *[]string
}

func (d diary) Create(path string) (journal.File, error) {
	f, err := d.OS.Create(path)
	return diaryFile{f, path, d.said}, err
}

func (d diary) Rename(from, to string) error {
	*d.said = append(*d.said, "rename "+filepath.Base(from))
	return d.OS.Rename(from, to)
}

func (d diary) SyncDir(dir string) error {
	*d.said = append(*d.said, "syncdir")
	return d.OS.SyncDir(dir)
}

type diaryFile struct {
	journal.File
	path string
	said *[]string
}

func (f diaryFile) Sync() error {
	*f.said = append(*f.said, "sync "+filepath.Base(f.path))
	return f.File.Sync()
}

// No file takes the place of another before it is on the medium.
func TestFilesAreDurableBeforeTheyAreInPlace(t *testing.T) {
	var said []string
	dir := t.TempDir()
	_, err := Write(t.Context(), diary{said: &said}, dir, mixed(), Options{})
	require.NoError(t, err)
	synced, renamed := map[string]bool{}, 0
	for _, s := range said {
		verb, file, _ := strings.Cut(s, " ")
		switch verb {
		case "sync":
			synced[file] = true
		case "rename":
			assert.True(t, synced[file], file)
			renamed++
		}
	}
	assert.Equal(t, len(names(t, dir))+1, renamed, "they, and importer.RejectedKnown")
	assert.Equal(t, []string{"rename .report.json.tmp", "syncdir"}, said[len(said)-2:])
}

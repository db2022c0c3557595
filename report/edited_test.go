package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// theirs changes the rejected rows in a directory as a person does, and gives what they are then.
func theirs(t *testing.T, dir string) string {
	text := strings.Replace(read(t, dir, "rejected.csv"), "maybe", "yes", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rejected.csv"), []byte(text), 0o600))
	return text
}

// requireKept checks that what a person has changed lies in a directory, and gives its name.
func requireKept(t *testing.T, dir, text string, msg ...any) string {
	t.Helper()
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, "rejected") && read(t, dir, name) == text {
			return name
		}
	}
	require.Fail(t, "what was changed by hand is gone", msg...)
	return ""
}

// Whatever step of the disk fails, a report or a run that begins loses nothing that a person
// has changed, and takes nothing that it wrote itself for a person's.
func TestWhatAPersonHasChangedIsKept(t *testing.T) {
	for name, write2 := range map[string]func(t *testing.T, disk journal.Disk, dir string) error{
		"by a report of other rows": func(t *testing.T, disk journal.Disk, dir string) error {
			_, err := Write(t.Context(), disk, dir, repaired(), Options{})
			return err
		},
		"by a report of the same rows": func(t *testing.T, disk journal.Disk, dir string) error {
			_, err := Write(t.Context(), disk, dir, mixed(), Options{})
			return err
		},
		"by a run that begins": func(_ *testing.T, disk journal.Disk, dir string) error {
			_, err := RemoveEarlier(disk, dir, "", nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			hit := 0
			for step := int64(1); ; step++ {
				dir, _ := write(t, mixed())
				text := theirs(t, dir)
				disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Do: faultdisk.Fail, Step: step})
				err := write2(t, disk, dir)
				requireKept(t, dir, text, "step %d", step)
				if disk.Steps() < step {
					require.NoError(t, err)
					require.Equal(t, "rejected-edited-1.csv", requireKept(t, dir, text))
					break
				}
				hit++
				require.NoError(t, write2(t, journal.OS{}, dir)) // again, on a disk that works
				require.Equal(t, "rejected-edited-1.csv", requireKept(t, dir, text), "step %d", step)
				for _, left := range names(t, dir) {
					assert.NotContains(t, left, "edited-2", "step %d: what was written is taken for a person's", step)
				}
			}
			assert.Greater(t, hit, 2)
		})
	}
}

// A second edit has a name of its own, and a purge takes both.
func TestEachChangeIsKeptByItself(t *testing.T) {
	dir, _ := write(t, mixed())
	first := theirs(t, dir)
	_, err := Write(t.Context(), journal.OS{}, dir, mixed(), Options{})
	require.NoError(t, err)
	second := theirs(t, dir) + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rejected.csv"), []byte(second), 0o600))
	sum, err := Write(t.Context(), journal.OS{}, dir, mixed(), Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"rejected-edited-2.csv"}, sum.Kept)
	assert.Equal(t, first, read(t, dir, "rejected-edited-1.csv"))
	assert.Equal(t, second, read(t, dir, "rejected-edited-2.csv"))
	assert.True(t, HoldsPeople("rejected-edited-2.csv") && HoldsPeople("rejected-2-edited-1.jsonl"))
}

// What is repaired where it lies stays until the import has its copy, and is not kept twice.
func TestWhatIsRepairedWhereItLiesStaysAtFirst(t *testing.T) {
	dir, _ := write(t, mixed())
	text := theirs(t, dir)
	given := filepath.Join(dir, "rejected.csv")
	kept, err := RemoveEarlier(journal.OS{}, dir, given, nil)
	require.NoError(t, err)
	assert.Empty(t, kept)
	assert.Equal(t, []string{"rejected.csv"}, names(t, dir))
	assert.Equal(t, text, read(t, dir, "rejected.csv"))
	is, err := DigestFile(journal.OS{}, dir, "rejected.csv")
	require.NoError(t, err)
	kept, err = RemoveEarlier(journal.OS{}, dir, "", []string{is.SHA256})
	require.NoError(t, err)
	assert.Empty(t, kept)
	assert.Empty(t, names(t, dir))
}

// Without the digests, or with some that cannot be understood, what lies there is kept.
func TestUnknownRejectedRowsAreKept(t *testing.T) {
	for _, text := range []string{"", "{", `{"sha256":"x"}`} {
		dir, _ := write(t, mixed())
		rows := read(t, dir, "rejected.csv")
		known := filepath.Join(dir, importer.RejectedKnown)
		require.NoError(t, os.Remove(known))
		if text != "" {
			require.NoError(t, os.WriteFile(known, []byte(text), 0o600))
		}
		kept, err := RemoveEarlier(journal.OS{}, dir, "", nil)
		require.NoError(t, err)
		require.Equal(t, []string{"rejected-edited-1.csv"}, kept)
		assert.Equal(t, rows, read(t, dir, kept[0]))
	}
}

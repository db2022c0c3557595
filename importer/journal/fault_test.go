package journal_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/journal/faultdisk"
)

// work does an import in small: two runs of one pass, ten rows each. It returns
// the consents whose outcome it was told is written, and the first error.
func work(disk journal.Disk, dir string) (done []int64, err error) {
	w, s, err := journal.Open(disk, dir)
	runs := 0
	if err == nil {
		runs = len(s.Runs)
	} else if w, err = journal.Create(disk, dir, header()); err != nil {
		return nil, err
	}
	defer func() {
		if closing := w.Close(); err == nil {
			err = closing
		}
	}()
	if runs == 0 && (s == nil || len(s.Passes) == 0) {
		if err := w.Pass(journal.Pass{N: 1, Kind: journal.Import}); err != nil {
			return nil, err
		}
	}
	if err := w.Run(journal.Run{N: runs + 1, At: moment, Pass: 1}); err != nil {
		return nil, err
	}
	for i := range 10 {
		row := int64(10*runs + i + 1)
		o := sent(row, 1, true)
		if i == 3 {
			o = refused(row, 1, "no")
		}
		if err := w.Append(o); err != nil {
			return done, err
		}
		done = append(done, row)
		if i == 5 {
			if err := w.Mark(mark(row+1, row+1)); err != nil {
				return done, err
			}
			if err := w.Sync(); err != nil {
				return done, err
			}
		}
	}
	return done, w.End(journal.End{At: moment, State: "incomplete"})
}

// holds checks that the checkpoint is sound and knows the outcomes of rows.
func holds(t *testing.T, dir string, done []int64) {
	t.Helper()
	snap, err := journal.Read(journal.OS{}, dir)
	if len(done) == 0 && err != nil {
		return // it may not have been created yet
	}
	require.NoError(t, err)
	l, err := snap.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	for _, row := range done {
		got, err := l.Of(row, 1, nil)
		require.NoError(t, err)
		require.NotEqual(t, journal.Pending, got[0].State, "row %d", row)
	}
	v, err := journal.Verify(journal.OS{}, dir)
	require.NoError(t, err)
	require.Zero(t, v.Overlaps)
}

// Every durable step in turn fails, for once or for good: what was told to be
// written is there, the file can be opened, and the import goes on.
func TestEveryStepFails(t *testing.T) {
	for name, plan := range map[string]faultdisk.Plan{
		"full for good":  {Do: faultdisk.Fail},
		"full for once":  {Do: faultdisk.Fail, Once: true},
		"full half-way":  {Do: faultdisk.Short},
		"half, and then": {Do: faultdisk.Short, Once: true},
		"sync fails":     {Do: faultdisk.Fail, Only: "sync", Err: syscall.EIO},
		"read-only":      {Do: faultdisk.Fail, Err: syscall.EROFS},
	} {
		t.Run(name, func(t *testing.T) {
			hit := 0
			for k := int64(1); ; k++ {
				dir := filepath.Join(t.TempDir(), "out")
				plan.Step = k
				disk := faultdisk.New(journal.OS{}, plan)
				done, err := work(disk, dir)
				if disk.Steps() < k {
					require.NoError(t, err)
					break
				}
				hit++
				want := plan.Err
				if want == nil {
					want = syscall.ENOSPC
				}
				require.ErrorIs(t, err, want, "step %d", k)
				holds(t, dir, done)
				more, err := work(journal.OS{}, dir)
				require.NoError(t, err, "after step %d failed", k)
				holds(t, dir, append(done, more...))
			}
			assert.Greater(t, hit, 2)
		})
	}
}

// The first error is the last word, also for appends that wait meanwhile.
func TestErrorsStay(t *testing.T) {
	dir := t.TempDir()
	disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: 20, Do: faultdisk.Short, Once: true, Only: "write"})
	w, err := journal.Create(disk, dir, header())
	require.NoError(t, err)
	require.NoError(t, w.Pass(journal.Pass{N: 1}))
	require.NoError(t, w.Run(journal.Run{N: 1, Pass: 1}))
	var mu sync.Mutex
	var done []int64
	var wg sync.WaitGroup
	for i := range int64(64) {
		wg.Go(func() {
			failed := false
			for row := i + 1; row < 6400; row += 64 {
				err := w.Append(sent(row, 1, true))
				switch {
				case err == nil && failed:
					t.Error("an append succeeds after another failed")
				case err == nil:
					mu.Lock()
					done = append(done, row)
					mu.Unlock()
				case !strings.HasPrefix(err.Error(), "write checkpoint: "):
					t.Error(err)
				}
				failed = err != nil
			}
		})
	}
	wg.Wait()
	require.ErrorIs(t, w.Mark(mark(1, 1)), syscall.ENOSPC)
	require.ErrorIs(t, w.Sync(), syscall.ENOSPC)
	require.ErrorIs(t, w.Close(), syscall.ENOSPC)
	require.NotEmpty(t, done)
	s, err := journal.Read(journal.OS{}, dir)
	require.NoError(t, err)
	assert.Zero(t, s.Torn, "what was written of the last write is taken back")
	assert.EqualValues(t, len(done), s.Total.Sent)
	slices.Sort(done)
	l, err := s.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	for _, row := range done {
		got, err := l.Of(row, 1, nil)
		require.NoError(t, err)
		require.Equal(t, journal.Sent, got[0].State)
	}
}

// What was answered more than a second ago survives a power loss, as does all
// of a run that ended.
func TestPowerLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		disk := faultdisk.New(journal.OS{}, faultdisk.Plan{})
		w, err := journal.Create(disk, dir, header())
		require.NoError(t, err)
		require.NoError(t, w.Pass(journal.Pass{N: 1}))
		require.NoError(t, w.Run(journal.Run{N: 1, Pass: 1}))
		require.NoError(t, w.Append(sent(1, 1, true)))
		time.Sleep(time.Second)
		synctest.Wait()
		require.NoError(t, w.Append(sent(2, 1, true)))
		require.NoError(t, disk.PowerLoss())
		_ = w.Close() // of a file that is gone

		s, err := journal.Read(journal.OS{}, dir)
		require.NoError(t, err)
		assert.EqualValues(t, 1, s.Total.Sent, "the second had its second still to come")
		require.NotNil(t, s.Sealed)
	})
}

func TestPowerLossAtTheEdges(t *testing.T) {
	t.Run("created", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		disk := faultdisk.New(journal.OS{}, faultdisk.Plan{})
		w, err := journal.Create(disk, dir, header())
		require.NoError(t, err)
		require.NoError(t, disk.PowerLoss())
		_ = w.Close() // of a file that is gone
		s, err := journal.Read(journal.OS{}, dir)
		require.NoError(t, err)
		assert.Equal(t, "c0ffee", s.Header.ID)
	})
	t.Run("ended", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		disk := faultdisk.New(journal.OS{}, faultdisk.Plan{})
		done, err := work(disk, dir)
		require.NoError(t, err)
		require.NoError(t, disk.PowerLoss())
		holds(t, dir, done)
		s, err := journal.Read(journal.OS{}, dir)
		require.NoError(t, err)
		assert.NotNil(t, s.End)
		assert.Zero(t, s.Unsealed)
	})
	t.Run("what another process left", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		_, err := work(journal.OS{}, dir)
		require.NoError(t, err)
		disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: 1 << 40, Only: "sync"})
		w, _, err := journal.Open(disk, dir)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		assert.EqualValues(t, 1, disk.Steps(), "it may have been killed before it synced")
	})
}

func TestAtomicWriteIsAllOrNothing(t *testing.T) {
	for k := int64(1); ; k++ {
		path := filepath.Join(t.TempDir(), "report.json")
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
		disk := faultdisk.New(journal.OS{}, faultdisk.Plan{Step: k, Do: faultdisk.Short})
		err := journal.AtomicWrite(disk, path, func(w io.Writer) error {
			_, err := io.WriteString(w, "a new text")
			return err
		})
		got, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		if err == nil {
			require.Greater(t, k, int64(4))
			assert.Equal(t, "a new text", string(got))
			break
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.Contains(t, []string{"old", "a new text"}, string(got))
		left, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		assert.Len(t, left, 1, "nothing is left behind")
	}
	info := func(path string) os.FileMode {
		i, err := os.Stat(path)
		require.NoError(t, err)
		return i.Mode().Perm()
	}
	dir := filepath.Join(t.TempDir(), "out")
	w := begin(t, dir)
	require.NoError(t, w.Close())
	assert.Equal(t, os.FileMode(0o700), info(dir))
	assert.Equal(t, os.FileMode(0o600), info(filepath.Join(dir, journal.Name)))
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	_, _, err := journal.Open(journal.OS{}, dir)
	require.ErrorIs(t, err, journal.ErrLocked)
	_, err = journal.Create(journal.OS{}, dir, header())
	require.ErrorIs(t, err, journal.ErrLocked)
	_, err = journal.Lock(journal.OS{}, dir)
	require.ErrorIs(t, err, journal.ErrLocked)
	_, err = journal.Read(journal.OS{}, dir)
	require.NoError(t, err, "reading is open to all")
	require.NoError(t, w.Close())
	require.NoError(t, w.Close(), "twice is once")
	require.Error(t, w.Append(sent(1, 1, true)))
	w, _, err = journal.Open(journal.OS{}, dir)
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

// 64 goroutines append at once, while another reads.
func TestManyAppendAtOnce(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir)
	const rows = 6400
	var row atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for n := row.Add(1); n <= rows; n = row.Add(1) {
				o := sent(n, 1, true)
				if n%10 == 0 {
					o = refused(n, 1, "no")
				}
				if err := w.Append(o); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		s, err := journal.Read(journal.OS{}, dir)
		require.NoError(t, err)
		require.LessOrEqual(t, s.Total.All(), int64(rows))
	}
	wg.Wait()
	require.NoError(t, w.Close())
	v, err := journal.Verify(journal.OS{}, dir)
	require.NoError(t, err)
	assert.Equal(t, journal.Counts{Sent: rows * 9 / 10, Refused: rows / 10}, v.Total)
	assert.Zero(t, v.Overlaps)
	l, err := v.Outcomes(0)
	require.NoError(t, err)
	defer l.Close()
	for n := range int64(rows) {
		o, err := l.Of(n+1, 1, nil)
		require.NoError(t, err)
		require.Equal(t, 1, o[0].Pass)
		require.Equal(t, (n+1)%10 == 0, o[0].State == journal.Refused)
	}
	assert.Less(t, v.Lines, int64(rows), "outcomes are written in groups")
}

package extsort_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/extsort"
)

// What was added is read again, in order and at any place, whether or not it fits into
// memory.
func TestASpoolGivesBackWhatItGot(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		files := 0
		limit := rapid.SampledFrom([]int{0, 1, 100, 300 << 10}).Draw(t, "limit")
		s := &extsort.Spool{Limit: limit, Temp: func() (extsort.File, error) {
			files++
			return os.Create(filepath.Join(dir, "spool"))
		}}
		var all []byte
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			piece := make([]byte, rapid.SampledFrom([]int{0, 1, 99, 4 << 10, 200 << 10, 300 << 10}).Draw(t, "size"))
			for i := range piece {
				piece[i] = byte(len(all) + i*7)
			}
			all = append(all, piece...)
			require.NoError(t, s.Add(piece))
		}
		require.NoError(t, s.End())
		assert.EqualValues(t, len(all), s.Size())
		assert.Equal(t, len(all) > limit, files == 1, "%d bytes", len(all))
		for range 2 {
			r, err := s.Reader()
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			require.True(t, string(all) == string(got))
		}
		at := rapid.IntRange(0, len(all)).Draw(t, "at")
		part := make([]byte, rapid.IntRange(0, len(all)-at).Draw(t, "part"))
		require.NoError(t, s.ReadFull(part, int64(at)))
		require.True(t, string(all[at:at+len(part)]) == string(part))
		require.ErrorIs(t, s.ReadFull(make([]byte, 2), int64(len(all))-1), io.ErrUnexpectedEOF)
		require.NoError(t, s.Close())
	})
}

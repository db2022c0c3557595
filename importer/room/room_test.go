package room

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
)

// What is needed is held against what is free where the directory will lie.
func TestNeedIsHeldAgainstWhatIsFree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there yet")
	free, known := Free(dir)
	if !known {
		t.Skip("this file system does not know how much room it has")
	}
	require.Positive(t, free)
	n := Need{Dir: dir, What: "this", For: "its files", Of: "7 things", Bytes: 1}
	require.NoError(t, n.Check())
	n.Bytes = 1 << 60
	err := n.Check()
	var b *blocked.Error
	require.ErrorAs(t, err, &b)
	assert.Equal(t, blocked.MoreRoom, b.Cure)
	assert.Regexp(t, `not/there yet has \d+ MiB free, and this needs about \d{10,} MiB there for its files \(7 things\)$`, filepath.ToSlash(err.Error()))

	assert.NoError(t, n.Full(nil))
	other := errors.New("another")
	assert.Equal(t, other, n.Full(other))
	full := n.Full(fmt.Errorf("write: %w", syscall.ENOSPC))
	require.ErrorAs(t, full, &b)
	assert.ErrorIs(t, full, syscall.ENOSPC)
	assert.Regexp(t, `needs more than \d{10,} MiB there for its files \(of 7 things or more\): write: `, full.Error())
	full = n.Full(fmt.Errorf("write: %w", syscall.EDQUOT))
	require.ErrorAs(t, full, &b)
	assert.Equal(t, blocked.MoreRoom, b.Cure)
	assert.ErrorIs(t, full, syscall.EDQUOT)
	assert.Regexp(t, `^the quota for .*not/there yet is used up, and this needs more there for its files: write: `, filepath.ToSlash(full.Error()))
}

func TestAheadLooksAgainWhenThereIsTwiceAsMuch(t *testing.T) {
	var a Ahead
	var due []int64
	for n := int64(0); n < 1_000_000; n += 1000 {
		if a.Due(n) {
			due = append(due, n)
		}
	}
	assert.Equal(t, []int64{100_000, 200_000, 400_000, 800_000}, due)
}

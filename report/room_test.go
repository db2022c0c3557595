package report

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Reports of an import whose index of histories will not have room are refused when a
// part of it tells so, with figures; what they would replace stays.
func TestReportsWithoutRoomAreRefused(t *testing.T) {
	var rows []survey.Row
	for n := int64(1); n <= 100_000; n++ {
		rows = append(rows, mapped(n, "x", consent(fmt.Sprint("u", n), "ads", mapping.Accept, sent)))
	}
	s := &told{facts: finished(int64(len(rows))), batch: 5000, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}, times: 10}
	dir := t.TempDir()
	_, err := Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.NoError(t, err)
	before, err := os.ReadFile(filepath.Join(dir, "report.json"))
	require.NoError(t, err)

	s.times = 1e8
	_, err = Write(t.Context(), journal.OS{}, dir, s, Options{})
	var b *blocked.Error
	require.ErrorAs(t, err, &b)
	assert.Equal(t, blocked.MoreRoom, b.Cure)
	assert.Regexp(t, `^.* has \d+ MiB free, and the report needs about \d{9} MiB there for its temporary files \(1\d{13} decisions\)$`, err.Error())
	after, err := os.ReadFile(filepath.Join(dir, "report.json"))
	require.NoError(t, err)
	assert.Equal(t, before, after)

	s.times, s.err = 1, fmt.Errorf("write: %w", syscall.ENOSPC)
	s.facts.Header.DryRun = true
	_, err = Write(t.Context(), journal.OS{}, dir, s, Options{})
	require.ErrorAs(t, err, &b)
	assert.Regexp(t, `the dry run needs more than \d+ MiB there for its temporary files \(of 100000 decisions or more\): survey the import: write: `, err.Error())
}

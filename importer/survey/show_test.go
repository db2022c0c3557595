package survey

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// crowd is an export of more rows than a batch has; every tenth cannot be read, every
// tenth has an empty cell.
func crowd(n int) string {
	var text strings.Builder
	text.WriteString("id,mail,ads,at\n")
	for i := 1; i <= n; i++ {
		mail := "yes"
		switch i % 10 {
		case 3:
			mail = "perhaps"
		case 7:
			mail = ""
		}
		fmt.Fprintf(&text, "u%d,%s,no,2024-01-01T00:00:00Z\n", i, mail)
	}
	return text.String()
}

// Visitors see each batch from several goroutines, and take in what they found in the
// order of rows. One that fails ends the survey, with its error.
func TestVisitorsAreServedByOneSweep(t *testing.T) {
	t.Parallel()
	const n = 5000
	b := newBook(t, crowd(n))
	b.pass(reader("A", ""), "")
	b.mark(1, n)
	snap, files := b.closed()
	s, err := Of(snap, journal.OS{}, b.dir, files)
	require.NoError(t, err)
	var mu sync.Mutex
	visited, folded := map[int64]bool{}, int64(0)
	counts := map[mapping.Status]int{}
	ordered := func(b *Batch) func() error {
		mu.Lock()
		for i := range b.Rows {
			visited[b.Rows[i].Row.Number] = true
		}
		mu.Unlock()
		return func() error {
			for i := range b.Rows {
				folded++
				assert.Equal(t, folded, b.Rows[i].Row.Number)
				counts[b.Rows[i].Status]++
			}
			return nil
		}
	}
	silent := func(*Batch) func() error { return nil }
	require.NoError(t, s.Each(t.Context(), silent, ordered, silent))
	assert.Len(t, visited, n)
	assert.EqualValues(t, n, folded)
	assert.Equal(t, map[mapping.Status]int{mapping.Mapped: n * 9 / 10, mapping.Invalid: n / 10}, counts)
	assert.EqualValues(t, n, files.Mappings(), "however many visitors")
	facts := s.Facts()
	require.Len(t, facts.Inputs, 1)
	assert.EqualValues(t, n, facts.Inputs[0].Rows)
	assert.Len(t, facts.Inputs[0].SHA256, 64)

	full := errors.New("the disk is full")
	seen := 0
	err = s.Each(t.Context(), func(b *Batch) func() error {
		return func() error {
			if seen++; seen == 2 {
				return full
			}
			return nil
		}
	})
	require.ErrorIs(t, err, full)
	assert.Equal(t, 2, seen, "nothing is folded after an error")
}

// preview shows visitors the rows of a reading before anything has an outcome.
func preview(t *testing.T, files *rows.Files, reading *rows.Reading, r *source.Reader, visitors ...Visitor) error {
	sweep := rows.Sweep{Files: files, Reading: reading}
	return sweep.Run(t.Context(), r, Show(reading, visitors...))
}

// Before anything is sent, rows are shown with all that a decision table needs.
func TestAPreviewShowsWhatRowsWillBecome(t *testing.T) {
	t.Parallel()
	const n = 3000
	b := newBook(t, crowd(n))
	b.pass(reader("A", ""), "")
	snap, files := b.closed()
	spec, err := LoadMapping(b.dir, snap.Passes[0].Mapping)
	require.NoError(t, err)
	reading, err := files.Reading(spec, nil, snap.Passes[0])
	require.NoError(t, err)
	r, err := b.export.Read(source.Position{}, source.ReadOptions{NoMarks: true})
	require.NoError(t, err)
	defer r.Close()
	dropped, readable, pending := 0, 0, 0
	require.NoError(t, preview(t, files, reading, r, func(b *Batch) func() error {
		return func() error {
			for i := range b.Rows {
				row := &b.Rows[i]
				for k := range row.Consents {
					c := &row.Consents[k]
					assert.Equal(t, journal.Outcome{Ref: journal.Ref{Row: row.Row.Number, Consent: int32(k + 1)}}, c.Outcome)
					pending++
				}
				for k := range row.Dropped {
					assert.Contains(t, []string{"", "perhaps"}, string(row.Dropped[k].Raw))
					dropped++
				}
				readable += len(row.Readable())
			}
			return nil
		}
	}))
	assert.Equal(t, n*8/10*2+n/10, pending, "an empty cell makes none")
	assert.Equal(t, 2*n/10, dropped)
	assert.Equal(t, n/10, readable, "of the rows that cannot be read whole")
}

// A repaired file is shown by itself, in the pass that repairs.
func TestAPreviewOfARepairShowsItsRowsAlone(t *testing.T) {
	t.Parallel()
	b := newBook(t, threePeople)
	b.pass(reader("A", ""), "")
	b.pass(reader("A", ""), "id,mail,ads,at,_row,_error\ncem,yes,yes,2024-01-03T00:00:00Z,3,x\n")
	b.pass(reader("A", ""), "")
	b.pass(reader("A", ""), "id,mail,ads,at,_row,_error\ncem,,yes,2024-01-03T00:00:00Z,3,x\n")
	b.pass(reader("A", ""), "")
	snap, files := b.closed()
	spec, err := LoadMapping(b.dir, snap.Passes[0].Mapping)
	require.NoError(t, err)
	for pass, want := range map[int][]string{
		1: {"1 2", "2 2", "3 0", "4 2", "5 0", "6 2"},
		2: {"3 2"},
		3: {"1 2", "2 2", "3 2", "4 2", "5 0", "6 2"},
		4: {"3 1"},
		5: {"1 2", "2 2", "3 1", "4 2", "5 0", "6 2"},
	} {
		reading, err := files.Reading(spec, nil, snap.Passes[pass-1])
		require.NoError(t, err)
		assert.Equal(t, pass > 1, reading.Repaired(), "pass %d", pass)
		r, err := reading.Export().Read(source.Position{}, source.ReadOptions{NoMarks: true})
		require.NoError(t, err)
		var got []string
		require.NoError(t, preview(t, files, reading, r, func(b *Batch) func() error {
			for i := range b.Rows {
				got = append(got, fmt.Sprint(b.Rows[i].Row.Number, " ", len(b.Rows[i].Consents)))
			}
			return nil
		}))
		assert.Equal(t, want, got, "pass %d", pass)
		require.NoError(t, r.Close())
	}
}

package rows

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// people is an export of some rows; each says yes.
func people(n int) string {
	var text strings.Builder
	text.WriteString("id,choice,at\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&text, "u%d,yes,2024-01-01T00:00:00Z\n", i)
	}
	return text.String()
}

// fixed is a repaired file that has some rows; each says no.
func fixed(numbers ...int64) string {
	var text strings.Builder
	text.WriteString("id,choice,at,_row,_error\n")
	for _, n := range numbers {
		fmt.Fprintf(&text, "u%d,no,2024-01-01T00:00:00Z,%d,was wrong\n", n, n)
	}
	return text.String()
}

// place is an export with the repaired files of passes 2, 3, …
func place(t *testing.T, export string, repaired ...string) (*Files, []journal.Pass) {
	dir := t.TempDir()
	passes := []journal.Pass{{N: 1, Kind: journal.Import}}
	for i, text := range repaired {
		p := journal.Pass{N: i + 2, Kind: journal.Repair, Repair: &journal.RepairedExport{Name: fmt.Sprintf("repair-%d.csv", i+2)}}
		path := filepath.Join(dir, p.Repair.Name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		var err error
		p.Repair.SHA256, err = source.Sum(t.Context(), path)
		require.NoError(t, err)
		passes = append(passes, p)
	}
	passes = append(passes, journal.Pass{N: len(passes) + 1, Kind: journal.Retry})
	files, err := OpenFiles(exportOf(t, map[string]string{"export.csv": export}), dir, passes)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, files.Close()) })
	return files, passes
}

func users(t *testing.T, more string) *mapping.Spec {
	spec, err := mapping.Parse("m.yaml", []byte(userMapping+more), nil)
	require.NoError(t, err)
	return spec
}

// sweepOver runs a sweep over what a reading goes over, from its beginning.
func sweepOver(t *testing.T, s *Sweep, visit Visit) error {
	export := s.Files.Export()
	if s.Reading != nil {
		export = s.Reading.Export()
	}
	r, err := export.Read(source.Position{}, source.ReadOptions{NoMarks: true})
	require.NoError(t, err)
	defer r.Close()
	return s.Run(t.Context(), r, visit)
}

// Rows come in order, each mapped once, in the form that is current; what a batch
// holds stays until its fold.
func TestASweepMapsEachRowInTheFormOfItsReading(t *testing.T) {
	t.Parallel()
	const n = 6000
	rng := rand.New(rand.NewPCG(7, 7))
	var some []int64
	for i := int64(1); i <= n; i++ {
		if i < n && rng.IntN(50) == 0 {
			some = append(some, i)
		}
	}
	files, passes := place(t, people(n), fixed(some...), strings.ReplaceAll(fixed(some[0], 6000), ",no,", ",yes,"))
	spec := users(t, "")
	for pass, c := range map[int]struct {
		rows int
		no   []int64
	}{1: {n, nil}, 2: {len(some), some}, 3: {2, nil}, 4: {n, some[1:]}} {
		reading, err := files.Reading(spec, nil, passes[pass-1])
		require.NoError(t, err)
		no := map[int64]bool{}
		for _, i := range c.no {
			no[i] = true
		}
		last, seen, before := int64(0), 0, files.Mappings()
		require.NoError(t, sweepOver(t, &Sweep{Files: files, Reading: reading, Workers: 3}, func(b *Batch) func() error {
			return func() error {
				for i := range b.Len() {
					row := b.Number(i)
					assert.Greater(t, row, last)
					last = row
					seen++
					res := b.Result(i, reading)
					if !assert.NotNil(t, res) || !assert.Len(t, res.Consents, 1) {
						return ErrStop
					}
					assert.Equal(t, fmt.Sprint("u", row), string(res.Consents[0].UserID))
					assert.Equal(t, no[row], res.Consents[0].Action == mapping.Reject, "pass %d, row %d", pass, row)
				}
				return nil
			}
		}))
		assert.Equal(t, c.rows, seen, "pass %d", pass)
		assert.EqualValues(t, seen, files.Mappings()-before, "pass %d", pass)
	}
}

// A plan says which rows are mapped and how: none, or under several readings. Two
// readings that share mapping and form share what came of it.
func TestAPlanMapsWhatIsWanted(t *testing.T) {
	t.Parallel()
	files, passes := place(t, people(100), fixed(50))
	one, other := users(t, ""), users(t, "  category: {const: mail}\n")
	first, err := files.Reading(one, nil, passes[0])
	require.NoError(t, err)
	repair, err := files.Reading(one, nil, passes[1])
	require.NoError(t, err)
	later, err := files.Reading(one, nil, passes[2])
	require.NoError(t, err)
	changed, err := files.Reading(other, nil, passes[2])
	require.NoError(t, err)
	plan := func(b *Batch) error {
		for i := range b.Len() {
			if b.Number(i)%10 == 0 {
				b.Want(i, first)
				b.Want(i, repair)
				b.Want(i, later)
			}
			if b.Number(i) == 50 {
				b.Want(i, changed)
			}
		}
		return nil
	}
	require.NoError(t, sweepOver(t, &Sweep{Files: files, Plan: plan}, func(b *Batch) func() error {
		for i := range b.Len() {
			assert.Equal(t, b.Number(i)%10 == 0, b.Result(i, first) != nil, "row %d", b.Number(i))
			assert.Equal(t, b.Number(i) == 50, b.Repaired(i, 2))
			assert.False(t, b.Repaired(i, 3))
			assert.Equal(t, b.Number(i) == 50, b.Result(i, repair) != nil, "a repair has its own rows alone")
		}
		if res := b.Result(49, changed); assert.NotNil(t, res) {
			assert.Equal(t, "mail", string(res.Consents[0].Category))
			assert.Equal(t, mapping.Reject, res.Consents[0].Action)
		}
		return nil
	}))
	assert.EqualValues(t, 10+2, files.Mappings(), "each tenth row once; row 50 as it was, as it was repaired, and as that under the other mapping")
}

// A sweep ends where it is told to: at a row, or when a fold says so.
func TestASweepEndsWhereItIsTold(t *testing.T) {
	t.Parallel()
	files, passes := place(t, people(5000))
	reading, err := files.Reading(users(t, ""), nil, passes[0])
	require.NoError(t, err)
	seen := 0
	count := func(b *Batch) func() error {
		return func() error { seen += b.Len(); return nil }
	}
	ended := func(s *Sweep) bool {
		r, err := files.Export().Read(source.Position{}, source.ReadOptions{NoMarks: true, Sums: true})
		require.NoError(t, err)
		defer r.Close()
		require.NoError(t, s.Run(t.Context(), r, count))
		_, all := r.Sums()
		return all
	}
	assert.True(t, ended(&Sweep{Files: files, Reading: reading, UpTo: 5000, ToEnd: true}))
	assert.False(t, ended(&Sweep{Files: files, Reading: reading, UpTo: 5000}), "what lies behind may be unreadable")
	for _, c := range []struct {
		upTo  int64
		toEnd bool
		want  int
	}{{0, false, 5000}, {1, false, 1}, {1024, false, 1024}, {1025, true, 1025}, {2000, false, 2000}, {5000, true, 5000}, {9000, false, 5000}} {
		seen = 0
		require.NoError(t, sweepOver(t, &Sweep{Files: files, Reading: reading, UpTo: c.upTo, ToEnd: c.toEnd}, count))
		assert.Equal(t, c.want, seen, "up to %d", c.upTo)
	}
	full := errors.New("full")
	for _, end := range []error{ErrStop, full} {
		folds := 0
		err := sweepOver(t, &Sweep{Files: files, Reading: reading}, func(*Batch) func() error {
			return func() error { folds++; return end }
		})
		assert.Equal(t, 1, folds, "nothing is folded after it")
		if end == ErrStop {
			assert.NoError(t, err)
		} else {
			assert.ErrorIs(t, err, full)
		}
	}
	broken := errors.New("no plan")
	err = sweepOver(t, &Sweep{Files: files, Plan: func(*Batch) error { return broken }}, count)
	assert.ErrorIs(t, err, broken)
}

// What does not fit together is an error that names it.
func TestRepairedFilesThatDoNotFit(t *testing.T) {
	t.Parallel()
	nothing := func(*Batch) func() error { return nil }
	for name, c := range map[string]struct{ repaired, want string }{
		"a row that the export does not have": {fixed(3, 11), "row 11, which the export does not have"},
		"rows out of order":                   {fixed(3, 2), "row 2 comes after row 3"},
		"no number":                           {strings.ReplaceAll(fixed(3), ",3,", ",three,"), "_row is not a row number"},
	} {
		files, passes := place(t, people(10), c.repaired)
		reading, err := files.Reading(users(t, ""), nil, passes[1])
		require.NoError(t, err)
		err = sweepOver(t, &Sweep{Files: files, Reading: reading}, nothing)
		require.ErrorAs(t, err, new(*ReadError), name)
		assert.ErrorContains(t, err, c.want, name)
	}

	files, passes := place(t, people(10), strings.ReplaceAll(fixed(3), "choice", "decision"))
	_, err := files.Reading(users(t, ""), nil, passes[2])
	var unfit *blocked.Error
	require.ErrorAs(t, err, &unfit)
	assert.Contains(t, unfit.Hint, "repair-2.csv")

	_, err = files.Reading(users(t, ""), nil, passes[0])
	require.NoError(t, err, "the export alone fits")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "repair-2.csv"), []byte(fixed(3)), 0o600))
	passes[1].Repair.SHA256 = strings.Repeat("0", 64)
	_, err = OpenFiles(files.Export(), dir, passes)
	require.ErrorAs(t, err, new(*blocked.Error))
	assert.ErrorContains(t, err, "is not the repaired file that the checkpoint lists")
}

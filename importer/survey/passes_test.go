package survey

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// book is an import that is written by hand: an export, mappings and a checkpoint.
type book struct {
	t      *testing.T
	dir    string
	export *source.Export
	w      *journal.Writer
	passes int
}

func newBook(t *testing.T, export string) *book {
	b := &book{t: t, dir: t.TempDir()}
	path := filepath.Join(b.dir, "export.csv")
	require.NoError(t, os.WriteFile(path, []byte(export), 0o600))
	var err error
	b.export, err = source.Open(source.Config{Paths: []string{path}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, b.export.Close()) })
	b.w, err = journal.Create(journal.OS{}, b.dir, journal.Header{
		ID: "c0ffee", Started: time.Now(), Reading: b.export.Config, Shard: "1/1", History: "rows",
		Inputs: []journal.Input{{Path: path, Abs: path, Bytes: b.export.Inputs[0].Bytes}},
	})
	require.NoError(t, err)
	return b
}

// reader is a mapping by whose name the consents that it makes can be told; more are
// values that it knows beside yes and no.
func reader(name, more string) string {
	return fmt.Sprintf(`
name: %s
each: {columns: {mail: mail, ads: ads}}
consent:
  userId: id
  action: {from: each.value, values: {"yes": accept, "no": reject%s}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {template: "%s {each.key}"}
`, name, more, name)
}

// pass begins a pass under a mapping, over repaired rows where there are some.
func (b *book) pass(text, repaired string) {
	t := b.t
	b.passes++
	spec, err := mapping.Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	p := journal.Pass{N: b.passes, Kind: journal.Retry, Mapping: journal.Mapping{Name: spec.Name(), SHA256: spec.SHA256(), File: spec.Name() + ".yaml"}}
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, p.Mapping.File), spec.Source(), 0o600))
	switch {
	case b.passes == 1:
		p.Kind = journal.Import
	case repaired != "":
		p.Kind = journal.Repair
		p.Repair = &journal.RepairedExport{Name: fmt.Sprintf("repair-%d.csv", p.N), Bytes: int64(len(repaired))}
		path := filepath.Join(b.dir, p.Repair.Name)
		require.NoError(t, os.WriteFile(path, []byte(repaired), 0o600))
		p.Repair.SHA256, err = source.Sum(t.Context(), path)
		require.NoError(t, err)
	}
	require.NoError(t, b.w.Pass(p))
	require.NoError(t, b.w.Run(journal.Run{N: p.N, At: time.Now(), Pass: p.N, From: 1}))
}

// outcome sets down what became of a consent, last in its row.
func (b *book) outcome(row int64, consent int32, state journal.State) {
	o := journal.Outcome{Ref: journal.Ref{Row: row, Consent: consent}, State: state, Last: consent == 2}
	switch state {
	case journal.Refused:
		o.Status, o.Attempts = 400, 1
	case journal.Superseded:
		o.By = journal.Ref{Row: 99, Consent: 1}
	}
	require.NoError(b.t, b.w.Append(o))
}

// mark says that everything before row low is done, and rows up to high are read.
func (b *book) mark(low, high int64) {
	require.NoError(b.t, b.w.Mark(journal.Mark{At: time.Now(), Low: source.Position{Row: low, Line: low + 1}, High: high}))
}

// closed reads what was written.
func (b *book) closed() (*journal.Snapshot, *rows.Files) {
	require.NoError(b.t, b.w.Close())
	snap, err := journal.Read(journal.OS{}, b.dir)
	require.NoError(b.t, err)
	files, err := rows.OpenFiles(b.export, b.dir, snap.Passes)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { assert.NoError(b.t, files.Close()) })
	return snap, files
}

// told is what a survey says of each row: its status and each consent as
// "category state pass".
func told(t *testing.T, s *Survey) map[int64]string {
	out := map[int64]string{}
	last := int64(0)
	require.NoError(t, s.Each(t.Context(), func(b *Batch) func() error {
		return func() error {
			for i := range b.Rows {
				r := &b.Rows[i]
				assert.Greater(t, r.Row.Number, last, "rows come in order")
				last = r.Row.Number
				text := map[mapping.Status]string{mapping.Mapped: "mapped", mapping.Skipped: "skipped", mapping.Invalid: "invalid"}[r.Status]
				for _, c := range r.Consents {
					text += fmt.Sprintf(", %s %s %s %d", c.Category, c.Action, c.Outcome.State, c.Pass)
				}
				out[last] = text
			}
			return nil
		}
	}))
	return out
}

const threePeople = `id,mail,ads,at
ann,yes,no,2024-01-01T00:00:00Z
bob,yes,no,2024-01-02T00:00:00Z
cem,perhaps,no,2024-01-03T00:00:00Z
dan,yes,no,2024-01-04T00:00:00Z
eve,perhaps,no,2024-01-05T00:00:00Z
fay,yes,no,2024-01-06T00:00:00Z
`

// What was sent is told as it was sent; of what was not, the last reading counts.
func TestTheReadingOfTheFirstFinalOutcomeCounts(t *testing.T) {
	t.Parallel()
	b := newBook(t, threePeople)
	b.pass(reader("A", ""), "")
	b.outcome(1, 1, journal.Sent) // ann: all sent at first
	b.outcome(1, 2, journal.Sent)
	b.outcome(2, 1, journal.Sent) // bob: half at first, half by the retry
	b.outcome(2, 2, journal.Refused)
	b.outcome(4, 1, journal.Refused) // dan: all by the retry
	b.outcome(4, 2, journal.Refused)
	b.outcome(6, 1, journal.Refused) // fay: refused each time
	b.outcome(6, 2, journal.Superseded)
	b.mark(7, 6)
	b.pass(reader("B", ", perhaps: accept"), "")
	b.outcome(2, 2, journal.Sent)
	b.outcome(3, 1, journal.Sent) // cem: could not be read at first
	b.outcome(3, 2, journal.Sent)
	b.outcome(4, 1, journal.Sent)
	b.outcome(4, 2, journal.Sent)
	b.outcome(6, 1, journal.Refused)
	b.mark(5, 6) // the retry did not come to eve
	snap, files := b.closed()
	s, err := Of(snap, journal.OS{}, b.dir, files)
	require.NoError(t, err)
	for range 2 { // it can be told again
		assert.Equal(t, map[int64]string{
			1: "mapped, A mail accept sent 1, A ads reject sent 1",
			2: "mapped, A mail accept sent 1, B ads reject sent 2",
			3: "mapped, B mail accept sent 2, B ads reject sent 2",
			4: "mapped, B mail accept sent 2, B ads reject sent 2",
			5: "mapped, B mail accept pending 0, B ads reject pending 0",
			6: "mapped, B mail accept refused 2, A ads reject superseded 1",
		}, told(t, s))
	}
}

// A repair has read the rows of its file, in the form that they have there; later
// passes read that form, and a form that was repaired once more from then on.
func TestRepairedRowsAreReadInTheFormOfTheirPass(t *testing.T) {
	t.Parallel()
	b := newBook(t, threePeople)
	b.pass(reader("A", ""), "")
	for _, row := range []int64{1, 2, 4, 6} {
		b.outcome(row, 1, journal.Sent)
		b.outcome(row, 2, journal.Sent)
	}
	b.mark(7, 6)
	b.pass(reader("A", ""), "id,mail,ads,at,_row,_error\ncem,yes,yes,2024-01-03T00:00:00Z,3,x\neve,never,no,2024-01-05T00:00:00Z,5,x\n")
	b.outcome(3, 1, journal.Refused)
	b.outcome(3, 2, journal.Refused)
	b.mark(6, 5)
	b.pass(reader("B", ""), "id,mail,ads,at,_row,_error\neve,no,no,2024-01-05T00:00:00Z,5,x\n")
	b.outcome(5, 1, journal.Refused)
	b.outcome(5, 2, journal.Refused)
	b.mark(6, 5)
	b.pass(reader("C", ""), "")
	b.outcome(3, 1, journal.Sent)
	b.outcome(3, 2, journal.Sent)
	b.mark(4, 4)
	snap, files := b.closed()
	s, err := Of(snap, journal.OS{}, b.dir, files)
	require.NoError(t, err)
	got := told(t, s)
	assert.Equal(t, "mapped, C mail accept sent 4, C ads accept sent 4", got[3], "as it was repaired, and not as the export has it")
	assert.Equal(t, "mapped, B mail reject refused 3, B ads reject refused 3", got[5], "the retry did not come to it")
	assert.Equal(t, "mapped, A mail accept sent 1, A ads reject sent 1", got[1])
	assert.EqualValues(t, 6, files.Mappings(), "each row once: an outcome that a later one outdid needs no reading")
}

// Left is told by outcomes alone.
func TestWhatIsLeftOfARow(t *testing.T) {
	t.Parallel()
	b := newBook(t, threePeople)
	b.pass(reader("A", ""), "")
	b.outcome(1, 1, journal.Sent)
	b.outcome(1, 2, journal.Sent)
	b.outcome(2, 1, journal.Sent)
	b.outcome(2, 2, journal.Refused)
	b.outcome(4, 1, journal.Refused)
	b.outcome(4, 2, journal.Refused)
	b.mark(5, 5)
	b.pass(reader("A", ""), "")
	b.outcome(4, 1, journal.Sent)
	b.outcome(4, 2, journal.Sent)
	b.mark(5, 5)
	snap, files := b.closed()
	for name, c := range map[string]struct {
		upTo int
		want []Left
	}{
		"both":  {2, []Left{LeftNothing, LeftSome, LeftAll, LeftNothing, LeftAll, LeftUnread}},
		"first": {1, []Left{LeftNothing, LeftSome, LeftAll, LeftAll, LeftSome, LeftUnread}},
		"none":  {0, []Left{LeftUnread, LeftUnread, LeftUnread, LeftUnread, LeftUnread, LeftUnread}},
	} {
		all, err := OpenPasses(snap, b.dir, files)
		require.NoError(t, err)
		p := all.UpTo(c.upTo)
		var got []Left
		r, err := b.export.Read(source.Position{}, source.ReadOptions{NoMarks: true})
		require.NoError(t, err)
		sweep := rows.Sweep{Files: files, Plan: func(batch *rows.Batch) error {
			if err := p.LookUp(batch); err != nil {
				return err
			}
			for i := range batch.Len() {
				got = append(got, p.Left(batch, i))
			}
			return nil
		}}
		require.NoError(t, sweep.Run(t.Context(), r, func(*rows.Batch) func() error { return nil }))
		assert.Equal(t, c.want, got, name)
		require.NoError(t, r.Close())
		require.NoError(t, all.Close())
	}
}

package rows

import (
	"reflect"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Result is what a row became under a reading. Its slices live as long as the
// batch.
type Result struct {
	Status mapping.Status
	// Reason and Column say why an invalid row is invalid, or a skipped one skipped.
	Reason, Column string
	// Consents of a mapped row; of an invalid one those that could be read all the
	// same.
	Consents []mapping.Consent
	// Dropped are the values that made no consent.
	Dropped []mapping.Dropped
	// Missed says what of the row the mapping did not see.
	Missed mapping.Missed
}

// Batch is a number of consecutive rows of one member on their way through a sweep.
type Batch struct {
	Src    *source.Batch // the rows as they were read; the first Len of them count
	Member *source.Member
	Layout *source.Layout

	files    *Files
	file     int    // that the rows are from
	n        int    // rows that count
	forms    []form // other forms of the rows, by row and then as Files has them
	wants    []want // by row
	outcomes []journal.RowOutcome
	known    []int // end in outcomes of each row

	made     []made
	at       []int // begin in made of each row, and the end of the last
	reused   int   // of made: how many were kept, see Sweep.Kept
	fromKept fromKept
	consents []mapping.Consent
	dropped  []mapping.Dropped
	memory   memory
	fold     func() error
	home     chan *Batch
	holders  atomic.Int32 // the sweep, and who keeps it
}

// form is a row as another file has it.
type form struct {
	row, file int
	text      Text
}

// want is a reading that a row is to be mapped under.
type want struct {
	row     int
	reading *Reading
}

// made is what one row became of one form under one mapping.
type made struct {
	by     *bound
	file   int
	kept   bool // it was taken from a Kept
	result Result
}

// Len is the number of rows.
func (b *Batch) Len() int { return b.n }

// Times is how many times as long the export is as what was read of it up to the end of
// the batch, at least.
func (b *Batch) Times() float64 {
	if b.Src.Read <= 0 {
		return 1
	}
	var all int64
	for _, in := range b.files.Export().Inputs {
		all += in.Bytes
	}
	return max(1, float64(all)/float64(b.Src.Read))
}

// Number is the number of a row within the export.
func (b *Batch) Number(i int) int64 { return b.Src.Rows[i].Number }

// Want has a row mapped under a reading too. It is for Sweep.Plan, with ascending
// rows.
func (b *Batch) Want(i int, r *Reading) { b.wants = append(b.wants, want{i, r}) }

// Outcomes knows what became of rows, which are asked for in ascending order.
type Outcomes interface {
	Row(n int64, dst []journal.RowOutcome) ([]journal.RowOutcome, error)
}

// LookUp makes the outcomes of the rows known. It is for Sweep.Plan.
func (b *Batch) LookUp(l Outcomes) error {
	b.outcomes, b.known = slices.Grow(b.outcomes, b.n), slices.Grow(b.known, b.n)
	for i := range b.n {
		var err error
		if b.outcomes, err = l.Row(b.Number(i), b.outcomes); err != nil {
			return err
		}
		b.known = append(b.known, len(b.outcomes))
	}
	return nil
}

// Outcomes are what the journal has about a row, once LookUp was called.
func (b *Batch) Outcomes(i int) []journal.RowOutcome {
	from := 0
	if i > 0 {
		from = b.known[i-1]
	}
	return b.outcomes[from:b.known[i]]
}

// Repaired reports whether a pass has repaired a row.
func (b *Batch) Repaired(i, pass int) bool {
	file := b.files.of(pass)
	return file > 0 && b.has(i, file)
}

// Forms appends the row as each repaired file has it to dst.
func (b *Batch) Forms(i int, dst []Text) []Text {
	if len(b.forms) == 0 {
		return dst
	}
	from := sort.Search(len(b.forms), func(k int) bool { return b.forms[k].row >= i })
	for ; from < len(b.forms) && b.forms[from].row == i; from++ {
		dst = append(dst, b.forms[from].text)
	}
	return dst
}

// Result is what a row became under a reading: nil when the sweep has not mapped
// it so, or the reading does not have that row.
func (b *Batch) Result(i int, r *Reading) *Result {
	m := b.find(i, r.by, b.formOf(i, r))
	if m == nil {
		return nil
	}
	return &m.result
}

// find looks for a mapping that was made. Two readings with one mapping and one
// form of the row have it in common.
func (b *Batch) find(i int, by *bound, file int) *made {
	end := len(b.made)
	if i+1 < len(b.at) {
		end = b.at[i+1]
	}
	for k := b.at[i]; k < end; k++ {
		if m := &b.made[k]; m.by == by && m.file == file {
			return m
		}
	}
	return nil
}

// formOf is the file whose form of a row a reading reads; -1 when it has none.
func (b *Batch) formOf(i int, r *Reading) int {
	for _, file := range r.forms {
		if b.has(i, file) {
			return file
		}
	}
	return -1
}

func (b *Batch) has(i, file int) bool {
	if file == b.file {
		return true
	}
	_, ok := b.text(i, file)
	return ok
}

// text is a row as a file has it.
func (b *Batch) text(i, file int) (Text, bool) {
	if file == b.file {
		return Text{Row: &b.Src.Rows[i], Layout: b.Member.Layout, File: b.Member.Name}, true
	}
	k := sort.Search(len(b.forms), func(k int) bool {
		f := &b.forms[k]
		return f.row > i || f.row == i && f.file >= file
	})
	if k == len(b.forms) || b.forms[k].row != i || b.forms[k].file != file {
		return Text{}, false
	}
	return b.forms[k].text, true
}

// begin makes the batch ready for rows.
func (b *Batch) begin(files *Files, file int, src *source.Batch) {
	b.Src, b.files, b.file, b.n = src, files, file, len(src.Rows)
	export := files.all[file].export
	b.Member = &export.Members[src.Member]
	b.Layout = &export.Layouts[b.Member.Layout]
	b.forms, b.wants = b.forms[:0], b.wants[:0]
	b.outcomes, b.known = b.outcomes[:0], b.known[:0]
	b.made, b.at, b.reused = b.made[:0], b.at[:0], 0
	b.consents, b.dropped = b.consents[:0], b.dropped[:0]
	b.memory.begin()
	b.fold = nil
	b.holders.Store(1)
}

// Keep has the batch outlive its sweep, until Release is called. It is called by what a
// visit returned, and the sweep goes on with other memory.
func (b *Batch) Keep() {
	b.holders.Add(1)
	if len(b.home) > 0 {
		return // there is memory to go on with
	}
	select {
	case b.home <- &Batch{home: b.home}:
	default: // others came back meanwhile
	}
}

// Release gives the batch back, so that its memory serves other rows, unless it is kept.
func (b *Batch) Release() {
	if b.holders.Add(-1) > 0 {
		return
	}
	b.Src.Release()
	select {
	case b.home <- b:
	default: // others took its place while it was kept
	}
}

// Room is about how much memory the batch takes, in bytes.
func (b *Batch) Room() int64 {
	n := len(b.memory.scratch) + b.fromKept.size()
	for i := range b.Src.Rows {
		n += len(b.Src.Rows[i].Raw)
	}
	n += cap(b.Src.Rows)*int(reflect.TypeFor[source.Row]().Size()) + cap(b.made)*int(reflect.TypeFor[made]().Size())
	n += cap(b.consents)*int(reflect.TypeFor[mapping.Consent]().Size()) + cap(b.dropped)*int(reflect.TypeFor[mapping.Dropped]().Size())
	return int64(n)
}

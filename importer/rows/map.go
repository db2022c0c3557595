package rows

import (
	"slices"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// memory is what mapping the rows of a batch takes; it is reused from batch to
// batch.
type memory struct {
	result  mapping.Result
	record  mapping.Record
	cells   [][]byte
	scratch []byte
	// scratchKey is of identifiers as they are compared.
	scratchKey []byte
}

func (mem *memory) begin() {
	mem.result.Reset()
	mem.scratch = mem.scratch[:0]
}

// mapAll maps the rows of a batch: all of them under one reading or, where that is
// nil, those that are wanted under the readings that were asked for.
func (b *Batch) mapAll(all *Reading, own *clones) {
	b.fromKept.read(b)
	b.at, b.made = slices.Grow(b.at, b.n+1), slices.Grow(b.made, b.n)
	w := 0
	for i := range b.n {
		b.at = append(b.at, len(b.made))
		if all != nil {
			b.mapRow(i, all, own)
			continue
		}
		for ; w < len(b.wants) && b.wants[w].row == i; w++ {
			b.mapRow(i, b.wants[w].reading, own)
		}
	}
	b.at = append(b.at, len(b.made))
	b.files.mappings.Add(int64(len(b.made) - b.reused))
}

// mapRow maps one row under a reading, unless that was done.
func (b *Batch) mapRow(i int, r *Reading, own *clones) {
	file := b.formOf(i, r)
	if file < 0 || len(b.made) > b.at[i] && b.find(i, r.by, file) != nil {
		return
	}
	if m := b.fromKept.find(b.Number(i), r.by, file); m != nil {
		b.made = append(b.made, *m)
		b.reused++
		return
	}
	text, _ := b.text(i, file)
	name := text.File
	if file > 0 { // a mapping that reads the name of the file means that of the export
		if origin, ok := b.text(i, 0); ok {
			name = origin.File
		}
	}
	mem, res := &b.memory, &b.memory.result
	res.Consents, res.Dropped = b.consents[len(b.consents):], b.dropped[len(b.dropped):] // they are made where they stay
	mem.mapRow(own.of(r.by.mappers[file][text.Layout]), &b.files.all[file].export.Layouts[text.Layout], name, text.Row)
	b.files.suppressed.suppress(res, &mem.scratchKey)
	b.made = append(b.made, made{by: r.by, file: file, result: b.stays(res)})
}

// stays keeps a result whose consents and dropped values were made behind those of the batch.
func (b *Batch) stays(res *mapping.Result) Result {
	first, lost := len(b.consents), len(b.dropped)
	b.consents, b.dropped = kept(b.consents, res.Consents), kept(b.dropped, res.Dropped)
	return Result{
		Status: res.Status, Reason: res.Reason, Column: res.Column, Missed: res.Missed,
		Consents: b.consents[first:len(b.consents):len(b.consents)], Dropped: b.dropped[lost:len(b.dropped):len(b.dropped)],
	}
}

// kept appends what was made to all, where it stands already unless it had no room
// there.
func kept[T any](all, more []T) []T {
	if cap(more) == cap(all)-len(all) {
		return all[:len(all)+len(more)]
	}
	return append(all, more...)
}

// mapRow takes one row apart and maps it; mem.result holds what it became.
func (mem *memory) mapRow(m *mapping.Mapper, l *source.Layout, file string, row *source.Row) {
	res := &mem.result
	if reason := mem.open(l, file, row); reason != "" {
		res.Status, res.Reason, res.Column, res.Missed = mapping.Invalid, reason, "", 0
		res.Consents, res.Dropped = res.Consents[:0], res.Dropped[:0]
		return
	}
	m.Map(&mem.record, res)
}

// open takes one row apart, into mem.record; it gives the reason when it cannot.
func (mem *memory) open(l *source.Layout, file string, row *source.Row) string {
	mem.record = mapping.Record{File: file, Row: row.Number, Key: row.Key}
	if row.Reason != "" {
		return row.Reason
	}
	var err error
	mem.record.JSON, mem.cells, mem.scratch, err = l.Open(row.Raw, mem.cells[:0], mem.scratch)
	if err != nil {
		return err.Error()
	}
	mem.record.Cells = mem.cells
	return ""
}

// clones are the mappers of one goroutine.
type clones struct {
	all       map[*mapping.Mapper]*mapping.Mapper
	last, own *mapping.Mapper // rows in a row mostly share a mapper
}

func newClones() *clones { return &clones{all: map[*mapping.Mapper]*mapping.Mapper{}} }

func (c *clones) of(m *mapping.Mapper) *mapping.Mapper {
	if m == c.last {
		return c.own
	}
	own := c.all[m]
	if own == nil {
		own = m.Clone()
		c.all[m] = own
	}
	c.last, c.own = m, own
	return own
}

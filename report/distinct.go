package report

import "github.com/axiomhq/hyperloglog"

// exactDistinct is up to how many things distinct counts exactly.
const exactDistinct = 1 << 16

// distinct counts different things by their hashes: exactly as long as they are
// few, and then within about half a percent in 64 KiB.
type distinct struct {
	seen   map[uint64]struct{} // nil once there are too many
	sketch *hyperloglog.Sketch
}

func newDistinct() *distinct { return &distinct{seen: map[uint64]struct{}{}} }

// add counts the thing with hash h.
func (d *distinct) add(h uint64) {
	if d.seen == nil {
		d.sketch.InsertHash(h)
		return
	}
	if d.seen[h] = struct{}{}; len(d.seen) <= exactDistinct {
		return
	}
	d.sketch = hyperloglog.New16NoSparse()
	for h := range d.seen {
		d.sketch.InsertHash(h)
	}
	d.seen = nil
}

// count is how many there are.
func (d *distinct) count() int64 {
	if d.seen != nil {
		return int64(len(d.seen))
	}
	return int64(d.sketch.Estimate())
}

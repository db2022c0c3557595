package report

import (
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Where the target is more permissive than the person is found in one survey
// and in flat memory: while rows go by, two logs are kept, of what was sent (a
// few bytes a consent) and of the rejects that were not (with the line for
// suppress.csv). At the end the logs are joined by subject and category, a part
// of the keys at a time. A second survey, which would know the keys beforehand,
// would cost as much as the first.

// arrival is the place of a sent consent among those of its subject and
// category in the order in which they reached the target.
//
// The policy: what a later pass sent came later, whatever its row. Within a
// pass one subject's consents leave in row order, or by time when the history
// is chronological (then rows decide between equal times).
type arrival struct {
	pass int32
	time int64 // 0 when the history is in row order
	row  int64
	n    int32 // of the consent in its row
}

// after says whether a came after b.
func (a arrival) after(b arrival) bool {
	switch {
	case a.pass != b.pass:
		return a.pass > b.pass
	case a.time != b.time:
		return a.time > b.time
	case a.row != b.row:
		return a.row > b.row
	default:
		return a.n > b.n
	}
}

const (
	// sentSize is the size of a record in the log of what was sent, when
	// records stand in order of arrival: a key whose lowest bit is the action.
	sentSize = 16
	// arrivalSize is what is added when they do not: pass, time, row, consent.
	arrivalSize = 4 + 8 + 8 + 4
	// openSize is the size of a record in the log of rejects not sent, before
	// its line: key, time, row, consent, length of the line.
	openSize = 16 + 8 + 8 + 4 + 4
	// spillAt is how much of a log stays in memory before it goes to a file.
	spillAt = 1 << 20
	// joinKeys is how many open rejects are joined at a time.
	joinKeys = 1 << 17
	// maxListed is how many consents OverPermissive names.
	maxListed = 1000
)

// permissive finds the consents of which the target allows more than the person.
type permissive struct {
	joinKeys int64 // open rejects joined at a time
	inOrder  bool  // records of sent consents stand in order of arrival
	timed    bool  // within a pass, consents arrived by time
	sent     spill
	open     spill
	opens    int64 // records in open
}

// newPermissive prepares for a survey of the import that facts describe.
func newPermissive(disk journal.Disk, dir string, facts *survey.Facts) *permissive {
	timed := facts.Header.History != "" && facts.Header.History != "rows"
	return &permissive{
		joinKeys: joinKeys,
		timed:    timed,
		inOrder:  !timed && len(facts.Passes) <= 1,
		sent:     spill{disk: disk, path: filepath.Join(dir, ".sent.tmp"), limit: spillAt},
		open:     spill{disk: disk, path: filepath.Join(dir, ".open.tmp"), limit: spillAt},
	}
}

// appendSent appends the record of a sent consent.
func (p *permissive) appendSent(dst []byte, k subjectKey, c *survey.Consent, ref journal.Ref) []byte {
	lo := k[1] &^ 1
	if c.Action == mapping.Accept {
		lo |= 1
	}
	dst = binary.LittleEndian.AppendUint64(dst, k[0])
	dst = binary.LittleEndian.AppendUint64(dst, lo)
	if p.inOrder {
		return dst
	}
	var t int64
	if p.timed {
		t = c.Timestamp
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.Pass))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(ref.Row))
	return binary.LittleEndian.AppendUint32(dst, uint32(ref.Consent))
}

// appendOpen appends the record of a reject that was not sent.
func (p *permissive) appendOpen(dst []byte, k subjectKey, c *mapping.Consent, ref journal.Ref) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, k[0])
	dst = binary.LittleEndian.AppendUint64(dst, k[1]&^1)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.Timestamp))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(ref.Row))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(ref.Consent))
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendSuppressLine(dst, c, ref)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// openRecord is a record of the log of rejects not sent.
type openRecord struct {
	key  subjectKey
	time int64
	ref  journal.Ref
	line []byte // of suppress.csv; valid until the next record
}

// eachOpen reads the log of rejects not sent, in row order.
func (p *permissive) eachOpen(f func(i int64, r *openRecord) error) error {
	r, err := p.open.reader()
	if err != nil {
		return err
	}
	var rec openRecord
	for i := int64(0); ; i++ {
		head, err := r.Peek(openSize)
		if len(head) == 0 && err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		rec.key = subjectKey{binary.LittleEndian.Uint64(head[0:]), binary.LittleEndian.Uint64(head[8:])}
		rec.time = int64(binary.LittleEndian.Uint64(head[16:]))
		rec.ref = journal.Ref{
			Row:     int64(binary.LittleEndian.Uint64(head[24:])),
			Consent: int32(binary.LittleEndian.Uint32(head[32:])),
		}
		n := int(binary.LittleEndian.Uint32(head[36:]))
		if _, err := r.Discard(openSize); err != nil {
			return err
		}
		if cap(rec.line) < n {
			rec.line = make([]byte, n)
		}
		rec.line = rec.line[:n]
		if _, err := io.ReadFull(r, rec.line); err != nil {
			return err
		}
		if err := f(i, &rec); err != nil {
			return err
		}
	}
}

// eachSent reads the log of what was sent, in row order.
func (p *permissive) eachSent(f func(k subjectKey, accept bool, a arrival)) error {
	r, err := p.sent.reader()
	if err != nil {
		return err
	}
	size := sentSize
	if !p.inOrder {
		size += arrivalSize
	}
	var a arrival
	for {
		rec, err := r.Peek(size)
		if len(rec) == 0 && err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		lo := binary.LittleEndian.Uint64(rec[8:])
		if p.inOrder {
			a.row++
		} else {
			a = arrival{
				pass: int32(binary.LittleEndian.Uint32(rec[16:])),
				time: int64(binary.LittleEndian.Uint64(rec[20:])),
				row:  int64(binary.LittleEndian.Uint64(rec[28:])),
				n:    int32(binary.LittleEndian.Uint32(rec[36:])),
			}
		}
		f(subjectKey{binary.LittleEndian.Uint64(rec), lo &^ 1}, lo&1 == 1, a)
		if _, err := r.Discard(size); err != nil {
			return err
		}
	}
}

// verdict is what the join knows of one key.
type verdict struct {
	last   arrival
	accept bool  // the last thing sent is an accept
	sent   bool  // something was sent
	open   int64 // index of the newest open reject
	time   int64 // its time
}

// resolve joins the logs. It names the consents concerned and calls line with
// the line of suppress.csv of each person and category, in row order; of
// several rejects the newest counts.
func (p *permissive) resolve(line func([]byte) error) (OverPermissive, error) {
	out := OverPermissive{Consents: []string{}}
	if p.opens == 0 {
		return out, nil
	}
	over, listed := newBitset(p.opens), newBitset(p.opens)
	parts := uint64((p.opens + p.joinKeys - 1) / p.joinKeys)
	for part := range parts {
		if err := p.join(part, parts, over, listed); err != nil {
			return out, fmt.Errorf("join rejects not sent with what was sent: %w", err)
		}
	}
	err := p.eachOpen(func(i int64, r *openRecord) error {
		if !over.has(i) {
			return nil
		}
		out.Count++
		if len(out.Consents) < maxListed {
			out.Consents = append(out.Consents, refString(r.ref))
		}
		if !listed.has(i) {
			return nil
		}
		return line(r.line)
	})
	return out, err
}

// join finds the over-permissive ones among the keys of one part, and marks
// them in over, the newest of each key in listed as well.
func (p *permissive) join(part, parts uint64, over, listed bitset) error {
	keys := map[subjectKey]int32{}
	var verdicts []verdict
	err := p.eachOpen(func(i int64, r *openRecord) error {
		if r.key[0]%parts != part {
			return nil
		}
		at, ok := keys[r.key]
		if !ok {
			keys[r.key] = int32(len(verdicts))
			verdicts = append(verdicts, verdict{open: i, time: r.time})
		} else if v := &verdicts[at]; r.time >= v.time {
			v.open, v.time = i, r.time
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	err = p.eachSent(func(k subjectKey, accept bool, a arrival) {
		if k[0]%parts != part {
			return
		}
		at, ok := keys[k]
		if !ok {
			return
		}
		if v := &verdicts[at]; !v.sent || a.after(v.last) {
			v.last, v.accept, v.sent = a, accept, true
		}
	})
	if err != nil {
		return err
	}
	return p.eachOpen(func(i int64, r *openRecord) error {
		if r.key[0]%parts != part {
			return nil
		}
		if v := &verdicts[keys[r.key]]; v.accept {
			over.set(i)
			if v.open == i {
				listed.set(i)
			}
		}
		return nil
	})
}

// close removes the logs.
func (p *permissive) close() {
	p.sent.close()
	p.open.close()
}

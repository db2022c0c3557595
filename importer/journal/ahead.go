package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/consentimport/consentimport/importer/extsort"
)

// inRows is the outcomes of a pass in the order of rows, sorted outside of memory:
// of a pass in which outcomes come far ahead of their rows (mostEarly, farAhead).
//
// A record has the first consent (12 bytes, big-endian: row, number) and a running
// number (8), so that of two outcomes of one consent the later one comes last; then
// the last consent (12), the state (1), and of a superseded one what it was
// overtaken by and in which import (12, 4), of a failure status and attempts (4 each) and the message.
type inRows struct {
	sorted *extsort.Sorted
	reader *extsort.Reader
	late   []Ref // the first outcomes for rows below a mark that stood above them
}

const (
	refSize     = 12
	inRowsKey   = refSize + 8
	inRowsFixed = inRowsKey + refSize + 1
	sortMemory  = 8 << 20 // bytes, twice
)

// SortRoom is about how many bytes of the disk Outcomes takes: none where outcomes stand
// nearly in the order of rows, or can be sorted in memory.
func (s *Snapshot) SortRoom() (bytes int64) {
	const record, stored = inRowsFixed + 4, 15 // bytes; stored: as runs have it, compressed
	for i, seg := range s.segments {
		if n := s.ByPass[i].All(); seg.ahead && n*record > sortMemory {
			bytes += n * stored
		}
	}
	return bytes
}

func appendFixedRef(b []byte, r Ref) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, uint64(r.Row)), uint32(r.Consent))
}

func fixedRef(b []byte) Ref {
	return Ref{Row: int64(binary.BigEndian.Uint64(b)), Consent: int32(binary.BigEndian.Uint32(b[8:]))}
}

// sortRows sorts the outcomes of a pass; scan stands at its beginning.
func sortRows(s *Snapshot, pass int, scan *scanner, to int64) (_ *inRows, err error) {
	temps := &Temps{Disk: s.disk, Dir: s.dir(), Name: fmt.Sprintf("outcomes-%d", pass)}
	sorter := extsort.New(extsort.Config{Key: inRowsKey, Buffer: sortMemory, Temp: temps.Open})
	defer func() {
		if err != nil {
			err = errors.Join(err, sorter.Close())
		}
	}()
	var rec []byte
	out := &inRows{}
	n, low := uint64(0), int64(0)
	add := func(lo, hi Ref, state State) {
		if lo.Row < low && len(out.late) < maxExamples {
			out.late = append(out.late, lo)
		}
		n++
		rec = appendFixedRef(rec[:0], lo)
		rec = binary.BigEndian.AppendUint64(rec, n)
		rec = append(appendFixedRef(rec, hi), byte(state))
	}
	for scan.offset < to {
		if err := scan.next(); err == io.EOF {
			return nil, scan.damaged("is missing: the file is shorter than it was a moment ago")
		} else if err != nil {
			return nil, err
		}
		switch r := &scan.rec; r.kind {
		case kindSent, kindKnown:
			for _, s := range r.spans {
				add(s.lo, s.hi, s.state())
				if err := sorter.Add(rec); err != nil {
					return nil, err
				}
			}
		case kindFail, kindHeld:
			o := &r.outcome
			add(o.Ref, o.Ref, o.State)
			if o.State == Superseded {
				rec = binary.BigEndian.AppendUint32(appendFixedRef(rec, o.By), uint32(o.In))
			} else {
				rec = binary.BigEndian.AppendUint32(rec, uint32(o.Status))
				rec = binary.BigEndian.AppendUint32(rec, uint32(o.Attempts))
				rec = append(rec, o.Message...)
			}
			if err := sorter.Add(rec); err != nil {
				return nil, err
			}
		case kindMark:
			low = max(low, r.mark.Low.Row)
		}
	}
	if out.sorted, err = sorter.Sort(); err != nil {
		return nil, err
	}
	if out.reader, err = out.sorted.Reader(); err != nil {
		return nil, errors.Join(err, out.sorted.Close())
	}
	return out, nil
}

// next adds the next record to a window, and gives the row before which nothing more
// comes.
func (x *inRows) next(w *window, from int64) (low int64, added bool, err error) {
	rec, err := x.reader.Next()
	if err == io.EOF {
		return math.MaxInt64, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if len(rec) < inRowsFixed {
		return 0, false, io.ErrUnexpectedEOF
	}
	state, rest := State(rec[inRowsFixed-1]), rec[inRowsFixed:]
	s := span{lo: fixedRef(rec), hi: fixedRef(rec[inRowsKey:]), known: state == Known}
	if s.hi.Row < from {
		return s.lo.Row, false, nil
	}
	switch {
	case state.runs():
		w.spans = append(w.spans, s)
	case state == Superseded && len(rest) == refSize+4:
		w.rest = append(w.rest, Outcome{Ref: s.lo, State: state, By: fixedRef(rest), In: int(binary.BigEndian.Uint32(rest[refSize:]))})
	case state != Superseded && len(rest) >= 8:
		w.rest = append(w.rest, Outcome{
			Ref: s.lo, State: state, Status: int(binary.BigEndian.Uint32(rest)), Attempts: int(binary.BigEndian.Uint32(rest[4:])), Message: string(rest[8:]),
		})
	default:
		return 0, false, io.ErrUnexpectedEOF
	}
	return s.lo.Row, true, nil
}

func (x *inRows) close() error {
	x.reader.Close()
	return x.sorted.Close()
}

package source

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// batchRows is how many rows a batch has at most.
const batchRows = 1024

// ReadOptions say what a Reader does beside finding rows. The zero value makes
// marks from the beginning of the export.
type ReadOptions struct {
	// Seed is a mark that Check has verified: the digest goes on from there, and
	// what lies before it is not read for its sake. Until reading comes to the
	// seed, it is the mark of every batch.
	Seed *Mark
	// NoMarks leaves the digest away: the marks of batches are zero.
	NoMarks bool
	// Sums computes the plain SHA-256 of each input as well.
	Sums bool
	// Once: nothing that is done with another reading rests on this one, so that it is not
	// held against others, nor they against it.
	Once bool
}

// Reader gives the rows of an export in order, a batch at a time. It is for one
// goroutine; what it returns is for any.
type Reader struct {
	e       *Export
	from    Position
	feed    *feed
	wait    sync.WaitGroup
	stop    sync.Once
	member  int
	started bool // a member is being scanned
	window  window
	lies    *memory // where the text of the window lies; nil when it lies in no block
	rooms   chan []Row
	scanner scanner
	charset *charset
	row     int64 // number of the next row
	mark    Mark
	read    int64
	err     error // what follows after the rows of the window
}

// Read begins to read at a position: Start, Batch.Next, or where a Row began.
// Marks and sums take the bytes before it into account, which costs reading
// them unless there is a Seed.
func (e *Export) Read(from Position, opts ReadOptions) (*Reader, error) {
	if from == (Position{}) {
		from = e.Start()
	}
	if from.Member < 0 || from.Member >= len(e.members) || from.Offset < 0 || from.Line < 1 || from.Row < 1 {
		return nil, fmt.Errorf("continue reading: there is no member %d with a row %d at offset %d in this export", from.Member, from.Row, from.Offset)
	}
	for i := range e.inputs {
		if r, elsewhere := e.inputs[i].file.(*remote); elsewhere {
			r.detach()
		}
	}
	f := &feed{e: e, from: from, once: opts.Once, blocks: make(chan block, ahead), done: make(chan struct{}), free: make(chan *memory, spare)}
	if !opts.NoMarks {
		f.digest = newDigest()
		if opts.Seed != nil {
			e.mu.Lock()
			seed := e.verified[opts.Seed.closed()]
			e.mu.Unlock()
			if seed == nil {
				return nil, errors.New("continue reading: the mark to continue from has not been checked")
			}
			f.digest = seed.clone()
		}
	}
	if opts.Sums {
		f.sums = newSums(len(e.inputs))
		f.summed = make([]int64, len(e.inputs))
	}
	r := &Reader{e: e, from: from, feed: f, row: from.Row, rooms: make(chan []Row, spare)}
	r.wait.Go(f.run)
	return r, nil
}

// Close ends the reading. It may be called more than once, and while another
// goroutine waits in Next, which then returns an error.
func (r *Reader) Close() error {
	r.stop.Do(func() { close(r.feed.done) })
	r.wait.Wait()
	return nil
}

// Sums gives the plain SHA-256 (hex) of each input as it lies on disk, once
// Next has returned io.EOF, when they were asked for.
func (r *Reader) Sums() ([]string, bool) {
	if r.err != io.EOF {
		return nil, false
	}
	r.wait.Wait()
	return r.feed.sum()
}

// Next gives the next batch, which has at least one row. It returns io.EOF
// after the last one. Any other error means that the export cannot be read to
// its end; it names the file and the place, and the rows before it have been
// given.
func (r *Reader) Next() (*Batch, error) {
	for {
		if r.started {
			found := r.scanner.scan(&r.window, r.takeRoom())
			if rows := r.since(found); len(rows) > 0 {
				return r.batch(rows, found), nil
			}
			r.giveRoom(found)
			if len(found) > 0 {
				continue
			}
			if r.window.eof {
				r.started = false
				if r.window.cut != "" {
					cure := "get the file again"
					if r.window.stray {
						cure = "remove it, or " + cure
					}
					r.err = fmt.Errorf("read %s at line %d: %s; %s", r.e.members[r.member].path, r.window.line, r.window.cut, cure)
				}
				r.window = window{}
				r.lies.drop()
				r.lies = nil
			}
		}
		if r.err != nil {
			return nil, r.err
		}
		b, ok := <-r.feed.blocks
		if !ok {
			r.err = io.EOF
			if r.feed.stopped() {
				r.err = errClosed
			}
			return nil, r.err
		}
		r.add(b)
	}
}

// takeRoom gives room for the rows of the next batch.
func (r *Reader) takeRoom() []Row {
	select {
	case room := <-r.rooms:
		return room[:0]
	default:
		return make([]Row, 0, r.e.batchRows)
	}
}

// add adds a block to the window.
func (r *Reader) add(b block) {
	if b.err != nil {
		r.err = b.err
	}
	if b.memory == nil {
		return
	}
	buf := b.memory.buf
	r.mark, r.read = b.mark, b.read
	w := &r.window
	if b.first {
		m := &r.e.members[b.member]
		layout := &r.e.Layouts[m.layout]
		r.member, r.started = b.member, true
		r.scanner = m.grammar.scanner(m, layout, &r.e.Config)
		r.charset = m.charset
		*w = window{
			data: buf[headroom:], pos: min(b.back, len(buf)-headroom), base: b.begin.Offset - int64(b.back), line: b.begin.Line, eof: b.eof,
		}
		w.here()
		r.lies = b.memory
		return
	}
	keep := w.data[max(0, w.pos-r.scanner.behind()):]
	w.base += int64(len(w.data) - len(keep))
	w.pos -= len(w.data) - len(keep)
	if len(keep) <= headroom {
		start := headroom - len(keep)
		copy(buf[start:], keep)
		w.data = buf[start:]
		r.lies.drop()
		r.lies = b.memory
	} else {
		w.data = append(append(make([]byte, 0, len(keep)+len(buf)-headroom), keep...), buf[headroom:]...)
		r.lies.drop()
		b.memory.drop()
		r.lies = nil
	}
	w.eof = b.eof
}

// since leaves away the rows before the position at which reading was to begin.
func (r *Reader) since(rows []Row) []Row {
	if r.member != r.from.Member {
		return rows
	}
	for len(rows) > 0 && rows[0].Offset < r.from.Offset {
		rows = rows[1:]
	}
	return rows
}

// batch makes a batch of rows that were found in the window, in a room for rows.
func (r *Reader) batch(rows, room []Row) *Batch {
	r.lies.hold()
	check := !r.valid(rows)
	for i := range rows {
		row := &rows[i]
		row.Number = r.row
		r.row++
		if check && row.Reason == "" && !r.charset.valid(row.Raw) {
			row.Reason = r.charset.fault(row.Raw)
		}
	}
	mark := r.mark
	mark.Open = r.window.open
	return &Batch{
		Member: r.member,
		Rows:   rows,
		Next:   Position{Member: r.member, Offset: r.window.next, Line: r.window.nextLine, Row: r.row},
		Mark:   mark,
		Read:   r.read,
		memory: r.lies, room: room, home: r,
	}
}

// valid tells that all the text from the first to the last row is sound, which
// is quicker to find out at once than row by row.
func (r *Reader) valid(rows []Row) bool {
	first := int(rows[0].Offset - r.window.base)
	end := int(r.window.next - r.window.base)
	return first >= 0 && end <= len(r.window.data) && r.charset.valid(r.window.data[first:end])
}

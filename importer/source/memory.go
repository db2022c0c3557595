package source

import "sync/atomic"

// spare is how many pieces of memory wait at most to be used again.
const spare = 16

// memory is the buffer of a block. The window and every batch whose rows lie in
// it hold it; when all have let go it serves another block. What is never let go
// is left to the garbage collector.
type memory struct {
	buf     []byte
	holders atomic.Int32
	home    chan *memory
}

// lend gives a buffer of a size, held once.
func lend(home chan *memory, size int) *memory {
	var m *memory
	select {
	case m = <-home:
	default:
		m = &memory{home: home}
	}
	if cap(m.buf) < size {
		m.buf = make([]byte, size)
	}
	m.buf = m.buf[:size]
	m.holders.Store(1)
	return m
}

// hold and drop do nothing without a memory: text that came together from
// several blocks lies in none.
func (m *memory) hold() {
	if m != nil {
		m.holders.Add(1)
	}
}

func (m *memory) drop() {
	if m == nil || m.holders.Add(-1) > 0 {
		return
	}
	if poison {
		for i := range m.buf {
			m.buf[i] = '?'
		}
	}
	select {
	case m.home <- m:
	default:
	}
}

// Release gives the memory of a batch back, so that rows read later lie in it:
// neither the batch nor what its rows point to may be used any more. It need
// not be called, and may be from any goroutine, once.
func (b *Batch) Release() {
	b.memory.drop()
	if poison {
		clear(b.room)
	}
	b.home.giveRoom(b.room)
	b.Rows, b.room, b.memory = nil, nil, nil
}

// giveRoom takes room for rows back. One that holds none would look like the end of
// the rows.
func (r *Reader) giveRoom(room []Row) {
	if cap(room) == 0 {
		return
	}
	select {
	case r.rooms <- room:
	default:
	}
}

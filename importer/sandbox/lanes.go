package sandbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// abandonGrace is how long a second request of a lane waits to see whether the
// client had given up the first one.
const abandonGrace = 250 * time.Millisecond

// lanes watches that a client keeps one request in flight for each subject and
// category.
type lanes struct {
	shards [64]laneShard
	max    atomic.Int64
}

type laneShard struct {
	mu sync.Mutex
	m  map[uint64]*flight
}

// flight is one request of a lane.
type flight struct {
	ctx      context.Context
	answered atomic.Bool
	next     *flight
}

// enter notes a request. A client that gave up an earlier one has closed its
// connection, which the server may learn a little later than it learns of the
// next request: such a one is waited for and does not count.
func (l *lanes) enter(key uint64, ctx context.Context) *flight {
	s := &l.shards[key%uint64(len(l.shards))]
	f := &flight{ctx: ctx}
	s.mu.Lock()
	if s.m == nil {
		s.m = make(map[uint64]*flight)
	}
	f.next = s.m[key]
	s.m[key] = f
	var others []*flight
	for o := f.next; o != nil; o = o.next {
		others = append(others, o)
	}
	s.mu.Unlock()
	n := int64(1)
	if len(others) > 0 {
		n += inFlight(others)
	}
	for {
		old := l.max.Load()
		if n <= old || l.max.CompareAndSwap(old, n) {
			return f
		}
	}
}

// inFlight counts those whose clients were still waiting for an answer.
func inFlight(others []*flight) (n int64) {
	grace := time.NewTimer(abandonGrace)
	defer grace.Stop()
	over := false
	for _, o := range others {
		if !over {
			select {
			case <-o.ctx.Done():
			case <-grace.C:
				over = true
			}
		}
		if o.ctx.Err() == nil || o.answered.Load() {
			n++
		}
	}
	return n
}

// leave notes that the request is about to be answered: its client may send
// the next one.
func (l *lanes) leave(key uint64, f *flight) {
	s := &l.shards[key%uint64(len(l.shards))]
	f.answered.Store(f.ctx.Err() == nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m[key] == f {
		if f.next == nil {
			delete(s.m, key)
		} else {
			s.m[key] = f.next
		}
		return
	}
	for o := s.m[key]; o != nil; o = o.next {
		if o.next == f {
			o.next = f.next
			return
		}
	}
}

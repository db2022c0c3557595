package importer

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

func taskOf(row int64, k byte) task {
	return task{ref: journal.Ref{Row: row, Consent: 1}, key: key{lo: uint64(k)}, packed: make([]byte, 10)}
}

// Against a naive model: whatever the order of completions and retries, the
// tasks of one key are out one at a time and in the order in which they came,
// every task is out at last, and low is the oldest unfinished row.
func TestLanesKeepTheOrderOfEachKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.ByteRange(0, 4), 1, 60).Draw(t, "keys")
		l := newLanes(len(keys), window{Bytes: 1 << 30, Tasks: 1 << 20}, stopwatch())
		want := map[uint64][]int64{} // what each key still has to send, in order
		unfinished := map[int64]bool{}
		for i, k := range keys {
			row := int64(i + 1)
			l.advance(source.Position{Row: row})
			if !l.addRow(source.Position{Row: row}, []task{taskOf(row, k)}) {
				t.Fatal("refused a row")
			}
			want[uint64(k)] = append(want[uint64(k)], row)
			unfinished[row] = true
		}
		l.advance(source.Position{Row: int64(len(keys) + 1)})
		l.close()
		var out []*task
		outKeys := map[uint64]bool{}
		for len(unfinished) > 0 {
			low := int64(len(keys) + 1)
			for row := range unfinished {
				low = min(low, row)
			}
			if got := l.low().Row; got != low {
				t.Fatalf("low is row %d, the oldest unfinished is %d", got, low)
			}
			ready := 0
			for k, rows := range want {
				if len(rows) > 0 && !outKeys[k] {
					ready++
				}
			}
			if ready > 0 && (len(out) == 0 || rapid.Bool().Draw(t, "take")) {
				got, ok := l.next(context.Background())
				if !ok {
					t.Fatalf("no task, though %d keys have one", ready)
				}
				if outKeys[got.key.lo] {
					t.Fatalf("row %d is out together with another of its key", got.ref.Row)
				}
				if first := want[got.key.lo][0]; first != got.ref.Row {
					t.Fatalf("row %d came out before row %d", got.ref.Row, first)
				}
				outKeys[got.key.lo] = true
				out = append(out, got)
				continue
			}
			i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
			done := out[i]
			out = slices.Delete(out, i, i+1)
			delete(outKeys, done.key.lo)
			if rapid.IntRange(0, 3).Draw(t, "retry") == 0 {
				l.again(done, -time.Second) // due at once, but its lane must not be overtaken
				l.mu.Lock()
				for len(l.delayed) > 0 {
					l.urgent.push(l.delayed.Pop().(*task))
				}
				l.mu.Unlock()
				l.notify()
				continue
			}
			want[done.key.lo] = want[done.key.lo][1:]
			delete(unfinished, done.ref.Row)
			l.done(done)
		}
		if _, ok := l.next(context.Background()); ok {
			t.Fatal("a task came out after the last")
		}
	})
}

func TestARetryLeavesItsPlaceToNobodyOfItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(10, window{Bytes: 1 << 20, Tasks: 100}, stopwatch())
		var wait sync.WaitGroup
		wait.Go(l.requeueDue)
		for row, k := range []byte{1, 1, 2} {
			require.True(t, l.addRow(source.Position{Row: int64(row + 1)}, []task{taskOf(int64(row+1), k)}))
		}
		l.close()
		ctx := context.Background()
		first, _ := l.next(ctx)
		other, _ := l.next(ctx)
		assert.Equal(t, []int64{1, 3}, []int64{first.ref.Row, other.ref.Row}, "row 2 waits behind row 1")
		began := time.Now()
		l.again(first, 5*time.Second)
		l.done(other)
		back, ok := l.next(ctx)
		require.True(t, ok)
		assert.EqualValues(t, 1, back.ref.Row)
		assert.Equal(t, 5*time.Second, time.Since(began))
		l.done(back)
		next, ok := l.next(ctx)
		require.True(t, ok)
		assert.EqualValues(t, 2, next.ref.Row)
		l.done(next)
		_, ok = l.next(ctx)
		assert.False(t, ok)
		wait.Wait()
	})
}

func TestTheWindowBoundsWhatIsUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(10, window{Bytes: 1 << 20, Tasks: 3}, stopwatch())
		added := 0
		var mu sync.Mutex
		var wait sync.WaitGroup
		wait.Go(func() {
			for row := int64(1); row <= 5; row++ {
				if !l.addRow(source.Position{Row: row}, []task{taskOf(row, 7)}) {
					return
				}
				mu.Lock()
				added++
				mu.Unlock()
			}
		})
		synctest.Wait()
		mu.Lock()
		assert.Equal(t, 3, added, "the fourth waits for room")
		mu.Unlock()
		first, _ := l.next(context.Background())
		l.done(first)
		synctest.Wait()
		mu.Lock()
		assert.Equal(t, 4, added)
		mu.Unlock()
		l.stop(false)
		wait.Wait()
		_, ok := l.next(context.Background())
		assert.False(t, ok, "nothing leaves after a stop")
		assert.EqualValues(t, 2, l.low().Row)
	})
}

func TestARowLargerThanTheWindowGoesThroughAlone(t *testing.T) {
	l := newLanes(10, window{Bytes: 1 << 20, Tasks: 2}, stopwatch())
	tasks := []task{taskOf(1, 1), taskOf(1, 1), taskOf(1, 1), taskOf(1, 2)}
	require.True(t, l.addRow(source.Position{Row: 1}, tasks))
	l.close()
	for range tasks {
		got, ok := l.next(context.Background())
		require.True(t, ok)
		l.done(got)
	}
	_, ok := l.next(context.Background())
	assert.False(t, ok)
}

// done ends a task that has its outcome; the next of its lane waits for any taker. A
// sender takes it itself.
func (l *lanes) done(t *task) {
	if next := l.finish(t, false); next != nil {
		l.mu.Lock()
		l.urgent.push(next)
		l.mu.Unlock()
		l.notify()
	}
}

// A killed run may have left more keys at an accept than there are places: those whose
// reject waited for its retry had none. The next run begins with all of them, before it
// allows anything anew, of a key whose reject has arrived meanwhile, too.
func TestKeysThatARunHasLeftAtAnAcceptGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := func(k byte, action mapping.Action) task {
			x := taskOf(1, k)
			x.packed[0] = byte(action)
			return x
		}
		front := func(tasks ...task) []task {
			tasks[0].begun = true
			return tasks
		}
		const yes, no = mapping.Accept, mapping.Reject
		l := newLanes(10, window{Bytes: 1 << 30, Tasks: 1 << 20}, stopwatch())
		l.places = 1
		l.begin(true)
		require.True(t, l.addRow(source.Position{Row: 1}, front(said(1, no), said(1, yes), said(1, no))))
		require.True(t, l.offer(0))
		next := func() *task {
			x, ok := l.next(t.Context())
			require.True(t, ok)
			return x
		}
		is := func(x *task, k uint64, action mapping.Action) {
			t.Helper()
			require.NotNil(t, x)
			require.Equal(t, k, x.key.lo)
			require.Equal(t, action, x.action())
		}
		first := next()
		is(first, 1, no)
		require.Nil(t, l.finish(first, true), "more of those that stand at an accept may come")
		require.True(t, l.addRow(source.Position{Row: 1}, front(said(2, no))))
		require.True(t, l.addRow(source.Position{Row: 1}, front(said(3, yes), said(3, no))))
		require.True(t, l.addRow(source.Position{Row: 1}, []task{said(4, yes), said(4, no)}))
		l.begin(false)
		l.close()
		second := next()
		is(second, 2, no)
		waiting := make(chan *task)
		go func() { waiting <- next() }()
		synctest.Wait() // nobody else leaves meanwhile
		require.Nil(t, l.finish(second, true))
		third := <-waiting
		is(third, 3, yes)
		third = l.finish(third, true)
		is(third, 3, no)
		require.Nil(t, l.finish(third, true))
		for _, k := range []uint64{1, 4} { // now they may
			x := next()
			is(x, k, yes)
			x = l.finish(x, true)
			is(x, k, no)
			require.Nil(t, l.finish(x, true))
		}
		_, more := l.next(t.Context())
		require.False(t, more)
	})
}

// A task that was held is counted once: one behind it, of a row that may be under way as
// well, may wait for its retry, and others still get their places.
func TestARetryBehindWhatWasHeldIsNoHeldTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := func(row int64, k byte, action mapping.Action, held bool) task {
			x := taskOf(row, k)
			x.packed[0], x.held = byte(action), held
			return x
		}
		l := newLanes(10, window{Bytes: 1 << 30, Tasks: 1 << 20}, stopwatch())
		l.places = 1
		l.holdFor(time.Second)
		go l.requeueDue()
		for row, tasks := range [][]task{{said(1, 1, mapping.Reject, true), said(1, 1, mapping.Reject, true)}, {said(2, 2, mapping.Accept, false), said(2, 2, mapping.Reject, false)}} {
			require.True(t, l.addRow(source.Position{Row: int64(row + 1)}, tasks))
		}
		l.close()
		next := func(k uint64) *task {
			x, ok := l.next(t.Context())
			require.True(t, ok)
			require.Equal(t, k, x.key.lo)
			return x
		}
		_, held := l.waiting()
		require.Equal(t, 1, held)
		x := l.finish(next(1), true) // after a second, in which nobody leaves the target at an accept
		require.NotNil(t, x)
		l.again(x, time.Second)
		retrying, held := l.waiting()
		require.Equal(t, [2]int{1, 0}, [2]int{retrying, held})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		retrying, held = l.waiting()
		require.Equal(t, [2]int{0, 0}, [2]int{retrying, held})
		for range 2 { // whichever comes first
			x, ok := l.next(t.Context())
			for require.True(t, ok); x != nil; {
				x = l.finish(x, true)
			}
		}
	})
}

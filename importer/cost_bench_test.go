//go:build !windows

package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// costRows is how many consents one import of BenchmarkCost sends.
const costRows = 20_000

// BenchmarkCost measures what journal and order cost an import by leaving them
// out. Each round is a pair of imports of the same file, read, mapped and sent by
// the real client, 64 in flight, to a bare net/http server in a process of its
// own; one of the pair is whole, the other lacks the part:
//
//	nothing  both are whole: what is measured here is the error of the others
//	journal  outcomes and marks are not encoded, grouped, written or synced, and
//	         nobody waits for that
//	order    consents go to the workers through a channel of the same size,
//	         whoever they are of, and no row is known to be finished
//
// cpu-% and wall-% are how much more processor time of this process, and time,
// the whole one took: medians over the pairs. Processor time is the steadier of
// the two, and is what an import is bound by when the target is quick. On a busy
// machine both waver by more than what is measured: take 21 pairs (-benchtime 21x)
// and see whether cpu-%-from and cpu-%-to lie close.
func BenchmarkCost(b *testing.B) {
	addr := startBareServer(b)
	path := costExport(b)
	b.Run("nothing", func(b *testing.B) {
		benchCost(b, func(bool) spent { return costImport(b, addr, path, false, false) })
	})
	b.Run("journal", func(b *testing.B) {
		benchCost(b, func(lacking bool) spent { return costImport(b, addr, path, lacking, false) })
	})
	b.Run("order", func(b *testing.B) {
		benchCost(b, func(lacking bool) spent { return costImport(b, addr, path, false, lacking) })
	})
}

// spent is what an import took.
type spent struct{ wall, cpu time.Duration }

func benchCost(b *testing.B, run func(lacking bool) spent) {
	run(false) // connections, page cache
	var cpu, wall []float64
	var whole time.Duration
	first := false
	for b.Loop() {
		first = !first // neither is always the first of its pair
		one, other := run(first), run(!first)
		with, without := one, other
		if first {
			with, without = other, one
		}
		whole += with.wall
		cpu = append(cpu, 100*(with.cpu.Seconds()/without.cpu.Seconds()-1))
		wall = append(wall, 100*(with.wall.Seconds()/without.wall.Seconds()-1))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(cpu, 0.5), "cpu-%")
	b.ReportMetric(quantile(cpu, 0.25), "cpu-%-from") // half of the pairs lie between these
	b.ReportMetric(quantile(cpu, 0.75), "cpu-%-to")
	b.ReportMetric(quantile(wall, 0.5), "wall-%")
	b.ReportMetric(float64(b.N)*costRows/whole.Seconds(), "requests/s")
}

// quantile is the value below which a share q of v lies; it sorts v.
func quantile(v []float64, q float64) float64 {
	slices.Sort(v)
	at := q * float64(len(v)-1)
	below := int(at)
	above := min(below+1, len(v)-1)
	return v[below] + (at-float64(below))*(v[above]-v[below])
}

const costMapping = `
name: cost
consent:
  userId: customer_id
  email: email
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: {from: consented_at, format: rfc3339}
  validUntil: {after: 395d}
  source: channel
  category: purpose
`

func costExport(b *testing.B) string {
	var text bytes.Buffer
	text.WriteString("customer_id,email,consented_at,decision,purpose,channel\n")
	for i := range costRows {
		fmt.Fprintf(&text, "u%010d,user%d@example.com,2024-%02d-%02dT08:09:10Z,%s,%s,web\n", i*7919, i*7919, 1+i%12, 1+i%28,
			[]string{"yes", "no"}[i%2], []string{"marketing", "analytics", "profiling"}[i%3])
	}
	path := filepath.Join(b.TempDir(), "export.csv")
	require.NoError(b, os.WriteFile(path, text.Bytes(), 0o600))
	return path
}

// costImport imports the file, with or without journal and order, and gives what
// Run, or what stands in its place, took.
func costImport(b *testing.B, addr, path string, noJournal, noOrder bool) spent {
	spec, err := mapping.Parse("cost.yaml", []byte(costMapping), nil)
	require.NoError(b, err)
	key, err := intempt.ParseKey("bench.key")
	require.NoError(b, err)
	client, err := intempt.New(intempt.Config{BaseURL: "http://" + addr + "/v1", Org: "acme", Project: "web", Key: key, Concurrency: DefaultConcurrency})
	require.NoError(b, err)
	defer client.Close()
	budget, err := ParseBudget(DefaultMaxFailures)
	require.NoError(b, err)
	disk := &deafDisk{}
	im, err := Open(Config{Disk: disk, Dir: filepath.Join(b.TempDir(), "out"), Source: source.Config{Paths: []string{path}}, Spec: spec,
		Target: journal.Target{BaseURL: "http://" + addr + "/v1", Org: "acme", Project: "web", Dialect: "docs"}})
	require.NoError(b, err)
	defer im.Close()
	require.NoError(b, im.Arrange(b.Context()))
	stats := client.Stats()
	r := newRun(im, Sending{
		Target: client, Pacer: intempt.NewPacer(intempt.PacerConfig{Max: DefaultConcurrency}),
		Limits: Limits{Concurrency: DefaultConcurrency, MaxFailures: budget, Attempts: DefaultAttempts, RetryFor: DefaultRetryFor},
		HTTP: func(bool) journal.HTTP {
			requests, byStatus := stats.Counts()
			return journal.HTTP{Requests: requests, ByStatus: byStatus}
		},
	})
	if noJournal {
		disk.deaf.Store(true)
		r.sender.book = unwritten{}
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r.onStop = cancel

	began, before := time.Now(), cpuTime(b)
	require.NoError(b, r.begin())
	var g errgroup.Group
	if noOrder {
		tasks := make(chan *task, cap(r.lanes.fresh))
		g.Go(func() error { defer close(tasks); return r.feedUnordered(ctx, tasks) })
		for range DefaultConcurrency {
			g.Go(func() error { return r.sender.sendUnordered(ctx, tasks) })
		}
	} else {
		g.Go(func() error { return r.feed(ctx) })
		for range DefaultConcurrency {
			g.Go(func() error { return r.sender.loop(ctx, ctx) })
		}
	}
	stop, err := r.end(g.Wait())
	took := spent{time.Since(began), cpuTime(b) - before}
	require.NoError(b, err)
	require.Nil(b, stop)
	require.EqualValues(b, costRows, r.count.sent.Load())
	return took
}

// feedUnordered is feed and admit without lanes.
func (r *run) feedUnordered(ctx context.Context, tasks chan<- *task) error {
	var err error
	if r.lookup, err = r.im.lookup(r.im.from); err != nil {
		return err
	}
	return r.im.each(ctx, r.lookup.sweep(nil), r.im.from, true, func(batch *rows.Batch) func() error {
		return func() error { return r.takeUnordered(batch, tasks) }
	})
}

func (r *run) takeUnordered(batch *rows.Batch, tasks chan<- *task) error {
	taken := batch.Src.Rows
	r.mu.Lock()
	r.high, r.read = taken[len(taken)-1].Number, batch.Src.Mark
	r.mu.Unlock()
	if err := r.mark(false); err != nil {
		return err
	}
	for i := range taken {
		r.count.rows.Add(1)
		made, _, err := r.tasks(batch, i)
		if err != nil {
			return err
		}
		for i := range made {
			tasks <- &made[i]
		}
	}
	return nil
}

// sendUnordered is loop, deliver and record without lanes, for a target that
// takes everything.
func (s *sender) sendUnordered(ctx context.Context, tasks <-chan *task) error {
	for t := range tasks {
		c := unpack(t.packed)
		if err := s.pacer.Acquire(ctx); err != nil {
			return err
		}
		s.count.flying.Add(1)
		answer := s.target.Send(ctx, &c)
		s.count.flying.Add(-1)
		s.pacer.Release(answer)
		s.count.request(false)
		s.reached.Store(true)
		if answer.Class != delivery.Sent {
			return fmt.Errorf("the bare server did not take a consent: %s", answer.Message)
		}
		s.heard(0)
		if err := s.book.Append(journal.Outcome{Ref: t.ref, Last: t.last, State: journal.Sent}); err != nil {
			return err
		}
		if s.limits.MaxFailures.spent(s.count.outcome(journal.Sent)) {
			return errors.New("sound consents count as failures")
		}
	}
	return nil
}

// unwritten is a journal that keeps nothing.
type unwritten struct{}

func (unwritten) Append(journal.Outcome) error { return nil }

func (unwritten) Begin(journal.Ref) error { return nil }

func (unwritten) AppendAll([]journal.Outcome) error { return nil }

// deafDisk is the real disk, until it is deaf: then its files take what is
// written and keep nothing.
type deafDisk struct {
	journal.OS
	deaf atomic.Bool
}

type deafFile struct {
	journal.File
	disk *deafDisk
}

func (d *deafDisk) Create(path string) (journal.File, error) {
	f, err := d.OS.Create(path)
	return deafFile{f, d}, err
}

func (d *deafDisk) Append(path string) (journal.File, error) {
	f, err := d.OS.Append(path)
	return deafFile{f, d}, err
}

func (f deafFile) Write(p []byte) (int, error) {
	if f.disk.deaf.Load() {
		return len(p), nil
	}
	return f.File.Write(p)
}

func (f deafFile) Sync() error {
	if f.disk.deaf.Load() {
		return nil
	}
	return f.File.Sync()
}

// cpuTime is the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package importer

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
)

// BenchmarkOrder is what keeping the order costs by itself: tasks go into the
// lanes, out to 64 takers and are done at once, with nothing sent between. In
// "even keys" hardly two rows are of one key, in "hot key" every tenth row is of
// the same, in "one key" all are.
func BenchmarkOrder(b *testing.B) {
	const rows = 20_000
	for _, c := range []struct {
		name string
		key  func(row int) key
	}{
		{"even keys", func(row int) key { return key{lo: uint64(row)} }},
		{"hot key", func(row int) key {
			if row%10 == 0 {
				return key{hi: 1}
			}
			return key{lo: uint64(row)}
		}},
		{"one key", func(int) key { return key{} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			tasks := make([][]task, rows)
			for i := range tasks {
				tasks[i] = []task{{ref: journal.Ref{Row: int64(i + 1), Consent: 1}, last: true, key: c.key(i), packed: make([]byte, 120)}}
			}
			b.ReportAllocs()
			for b.Loop() {
				throughLanes(b, tasks, 64)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/consent")
		})
	}
}

// throughLanes has takers take and do all tasks, those of one row together.
func throughLanes(b *testing.B, rows [][]task, takers int) {
	l := newLanes(2*takers, defaultWindow, stopwatch())
	var wg sync.WaitGroup
	taken := make([]int, takers)
	for i := range takers {
		wg.Go(func() {
			for {
				t, ok := l.next(b.Context())
				if !ok {
					return
				}
				taken[i]++
				l.done(t)
			}
		})
	}
	for i, tasks := range rows {
		l.addRow(source.Position{Row: int64(i + 1)}, tasks)
	}
	l.close()
	wg.Wait()
	all := 0
	for _, n := range taken {
		all += n
	}
	require.Equal(b, len(rows), all)
}

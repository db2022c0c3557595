package main

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
)

// BenchmarkProgress is one look at a running import, drawn into a pipe that
// somebody reads. The bar is drawn once a second and a line every ten, so cpu-% is
// what progress takes of one processor.
func BenchmarkProgress(b *testing.B) {
	for _, mode := range []string{"bar", "log"} {
		b.Run(mode, func(b *testing.B) {
			r, w, err := os.Pipe()
			require.NoError(b, err)
			defer w.Close()
			go func() { _, _ = io.Copy(io.Discard, r); r.Close() }()
			env := benchEnvironment()
			env.stderr = w
			draw, every := drawer(mode, env)
			p := importer.Progress{Size: 1 << 30, InFlight: 64, Retrying: 3}
			at := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
			pace := newPace(at, p)
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(time.Second)
				p.Bytes = (p.Bytes + 4<<20) % p.Size
				p.Rows += 30_000
				p.Sent += 29_000
				p.Settled = p.Sent
				pace.add(at, p)
				draw(p, pace, false)
			}
			perFrame := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(100*perFrame/float64(every), "cpu-%")
		})
	}
}

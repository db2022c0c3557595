package intempt

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/consentimport/consentimport/importer/delivery"
)

// BenchmarkPacer is what an Acquire and a Release cost together.
func BenchmarkPacer(b *testing.B) {
	for _, goroutines := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("free/%d", goroutines), func(b *testing.B) { benchPacer(b, PacerConfig{Max: goroutines}, goroutines) })
	}
	b.Run("full/64of128", func(b *testing.B) { benchPacer(b, PacerConfig{Max: 64}, 128) })
	b.Run("rate50000/64", func(b *testing.B) { benchPacer(b, PacerConfig{Max: 64, Rate: 50000}, 64) })
}

func benchPacer(b *testing.B, cfg PacerConfig, goroutines int) {
	p := NewPacer(cfg)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	b.ReportAllocs()
	for g := range goroutines {
		n := b.N / goroutines
		if g < b.N%goroutines {
			n++
		}
		wg.Go(func() {
			for range n {
				if p.Acquire(ctx) != nil {
					return
				}
				p.Release(delivery.Answer{Class: delivery.Sent, Status: 200})
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/consentimport/consentimport/importer"
)

// meter serves the numbers of a run in Prometheus' text format. Its methods do
// nothing on nil.
type meter struct {
	server *http.Server
	addr   string
	now    atomic.Pointer[metered]
}

// metered is what a meter looks at.
type metered struct {
	progress func() importer.Progress
	byStatus func() map[string]int64
}

// meterAddress makes :9090 an address of this machine alone: another one has to be
// written out.
func meterAddress(given string) (string, error) {
	host, port, err := net.SplitHostPort(given)
	if err != nil {
		return "", usage("for example --metrics :9090, which this machine alone can reach", "--metrics %q is not an address", given)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", usage("give a port from 1 to 65535, or 0 for a free one", "--metrics: %q is not a port", port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// openMeter listens at an address; nil when none is given.
func openMeter(given string) (*meter, error) {
	if given == "" {
		return nil, nil
	}
	addr, err := meterAddress(given)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, usage("choose another port with --metrics", "serve metrics: %w", err)
	}
	m := &meter{addr: l.Addr().String()}
	set := m.set()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		set.WritePrometheus(w)
		m.answers(w)
	})
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = m.server.Serve(l) }() // it ends when it is closed
	return m, nil
}

// watch has the meter show an import.
func (m *meter) watch(progress func() importer.Progress, byStatus func() map[string]int64) {
	if m != nil {
		m.now.Store(&metered{progress, byStatus})
	}
}

func (m *meter) close() {
	if m != nil {
		_ = m.server.Close()
	}
}

// set names the numbers. Each is asked for when somebody looks.
func (m *meter) set() *metrics.Set {
	set := metrics.NewSet()
	gauge := func(name string, of func(p *importer.Progress) float64) {
		set.NewGauge(name, func() float64 {
			w := m.now.Load()
			if w == nil {
				return 0
			}
			p := w.progress()
			return of(&p)
		})
	}
	set.NewGauge(fmt.Sprintf("consentimport_info{version=%q}", version()), func() float64 { return 1 })
	gauge("consentimport_export_bytes", func(p *importer.Progress) float64 { return float64(p.Size) })
	gauge("consentimport_export_read_bytes", func(p *importer.Progress) float64 { return float64(p.Bytes) })
	gauge("consentimport_rows_read", func(p *importer.Progress) float64 { return float64(p.Rows) })
	gauge("consentimport_rows_skipped", func(p *importer.Progress) float64 { return float64(p.Skipped) })
	gauge("consentimport_rows_invalid", func(p *importer.Progress) float64 { return float64(p.Invalid) })
	for outcome, of := range map[string]func(p *importer.Progress) int64{
		"sent":       func(p *importer.Progress) int64 { return p.Sent },
		"refused":    func(p *importer.Progress) int64 { return p.Refused },
		"failed":     func(p *importer.Progress) int64 { return p.Failed },
		"superseded": func(p *importer.Progress) int64 { return p.Superseded },
		"known":      func(p *importer.Progress) int64 { return p.Known },
	} {
		gauge(fmt.Sprintf("consentimport_consents{outcome=%q}", outcome), func(p *importer.Progress) float64 { return float64(of(p)) })
	}
	gauge("consentimport_requests_in_flight", func(p *importer.Progress) float64 { return float64(p.InFlight) })
	gauge("consentimport_consents_waiting_for_retry", func(p *importer.Progress) float64 { return float64(p.Retrying) })
	gauge("consentimport_waiting_until_timestamp_seconds", func(p *importer.Progress) float64 { // 0: it does not wait
		if p.Waiting.Why == "" {
			return 0
		}
		return float64(p.Waiting.Until.Unix())
	})
	gauge("consentimport_throttled", func(p *importer.Progress) float64 {
		if p.Throttled {
			return 1
		}
		return 0
	})
	return set
}

// answers writes how often each status was answered: which there are shows with time.
func (m *meter) answers(w http.ResponseWriter) {
	now := m.now.Load()
	if now == nil || now.byStatus == nil {
		return
	}
	var text strings.Builder
	for status, n := range now.byStatus() {
		fmt.Fprintf(&text, "consentimport_requests_total{status=%q} %d\n", status, n)
	}
	_, _ = w.Write([]byte(text.String()))
}

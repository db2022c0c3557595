package intempt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

// benchServer is the environment variable that makes this test binary a server
// for benchmarks: plain or tls.
const benchServer = "CONSENTIMPORT_BENCH_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(benchServer); kind != "" {
		os.Exit(runBenchServer(kind))
	}
	os.Exit(m.Run())
}

// runBenchServer is a server of net/http that takes everything, until its
// standard input ends.
func runBenchServer(kind string) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(ln.Addr())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	}), ErrorLog: quiet()}
	if kind == "tls" {
		certificate, _ := testCertificate()
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	go func() { _ = server.Serve(ln) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// startBenchServer starts the server in a process of its own.
func startBenchServer(b *testing.B, kind string) (addr string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchServer+"="+kind)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	addr, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(addr)
}

// BenchmarkSend compares, on the same server in another process and with 64 in
// flight, this client with fasthttp's own and with a tuned one of net/http.
func BenchmarkSend(b *testing.B) {
	const workers = 64
	for _, kind := range []string{"plain", "tls"} {
		addr := startBenchServer(b, kind)
		scheme := "http"
		var settings *tls.Config
		if kind == "tls" {
			scheme = "https"
			_, roots := testCertificate()
			settings = &tls.Config{RootCAs: roots}
		}
		key, err := ParseKey("identifier.secret")
		if err != nil {
			b.Fatal(err)
		}
		base := scheme + "://" + addr
		url := base + "/acme/projects/main/consents/data?apiKey=identifier.secret"

		b.Run(kind+"/client", func(b *testing.B) {
			c, err := New(Config{BaseURL: base, Org: "acme", Project: "main", Key: key, Concurrency: workers, TLS: settings})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			benchSend(b, workers, func() func(*mapping.Consent) bool {
				return func(consent *mapping.Consent) bool { return c.Send(b.Context(), consent).Class == delivery.Sent }
			})
		})
		b.Run(kind+"/fasthttp", func(b *testing.B) {
			c := &fasthttp.HostClient{Addr: addr, IsTLS: kind == "tls", TLSConfig: settings, MaxConns: workers, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
			defer c.CloseIdleConnections()
			benchSend(b, workers, func() func(*mapping.Consent) bool {
				req, resp := &fasthttp.Request{}, &fasthttp.Response{}
				req.SetRequestURI(url)
				req.Header.SetMethod(http.MethodPost)
				req.Header.SetContentType("application/json")
				var body []byte
				return func(consent *mapping.Consent) bool {
					body = Wording{Dialect: Docs}.AppendBody(body[:0], consent)
					req.SetBodyRaw(body)
					return c.Do(req, resp) == nil && resp.StatusCode() == 200
				}
			})
		})
		b.Run(kind+"/nethttp", func(b *testing.B) {
			transport := &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers, MaxConnsPerHost: workers, DisableCompression: true, TLSClientConfig: settings}
			c := &http.Client{Transport: transport, Timeout: 30 * time.Second}
			defer c.CloseIdleConnections()
			benchSend(b, workers, func() func(*mapping.Consent) bool {
				var body []byte
				return func(consent *mapping.Consent) bool {
					body = Wording{Dialect: Docs}.AppendBody(body[:0], consent)
					req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
					if err != nil {
						return false
					}
					req.Header.Set("Content-Type", "application/json")
					resp, err := c.Do(req)
					if err != nil {
						return false
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					return resp.StatusCode == 200
				}
			})
		})
	}
}

// benchSend sends b.N consents with workers that each have a send function.
func benchSend(b *testing.B, workers int, worker func() func(*mapping.Consent) bool) {
	var left, failed atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range workers {
		wg.Go(func() {
			send := worker()
			consent := full()
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				consent.Timestamp++
				if !send(consent) {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	if failed.Load() > 0 {
		b.Fatalf("%d of %d failed", failed.Load(), b.N)
	}
}

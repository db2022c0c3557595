package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"
)

// asServer is the environment variable that makes this test binary the server of
// BenchmarkReference.
const asServer = "CONSENTIMPORT_BENCH_SERVER"

// BenchmarkServer is not a benchmark: started by startServer, it is a server of
// net/http that takes everything, until its standard input ends; of the bodies for
// the organisation "choosy" it refuses a tenth. GET /seconds answers how many
// came, and in how many seconds, since the GET before.
func BenchmarkServer(b *testing.B) {
	if os.Getenv(asServer) == "" {
		b.Skip("it is the server of another benchmark")
	}
	var n, first, last atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /seconds", func(w http.ResponseWriter, _ *http.Request) {
		count, from, to := n.Swap(0), first.Swap(0), last.Swap(0)
		fmt.Fprintf(w, "%d %g", count, time.Duration(to-from).Seconds())
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		first.CompareAndSwap(0, time.Now().UnixNano())
		sum := crc32.NewIEEE()
		if size, err := io.Copy(sum, r.Body); err == nil && size > 100 {
			n.Add(1)
		}
		last.Store(time.Now().UnixNano())
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/v1/choosy/") && sum.Sum32()%10 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"message":"source is required for this profile"}`)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	fmt.Fprintln(os.Stderr, ln.Addr())
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(ln) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close()
}

// bareServer is the server in a process of its own.
type bareServer struct{ addr string }

func startServer(b *testing.B) *bareServer {
	exe, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(exe, "-test.run=^$", "-test.bench=^BenchmarkServer$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), asServer+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	said, err := cmd.StderrPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	addr, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(b, err)
	return &bareServer{strings.TrimSpace(addr)}
}

func (s *bareServer) base() string { return "http://" + s.addr + "/v1" }
func (s *bareServer) url() string {
	return s.base() + "/acme/projects/web/consents/data?apiKey=bench.key"
}

// seconds gives the time from the first to the last of the requests since it was
// called before, of which there must be so many.
func (s *bareServer) seconds(b *testing.B, want int) float64 {
	r, err := http.Get("http://" + s.addr + "/seconds")
	require.NoError(b, err)
	defer r.Body.Close()
	var count int
	var took float64
	_, err = fmt.Fscan(r.Body, &count, &took)
	require.NoError(b, err)
	require.Equal(b, want, count, "requests that the server took")
	return took
}

// send sends one body and waits for its answer; it belongs to one worker.
type send func(body []byte) error

// sender makes what each worker sends with, over connections that are closed in
// the end.
type sender struct {
	worker func() send
	close  func()
}

// bareLoop is an import without everything that makes it one: it reads with
// encoding/csv, encodes by hand and sends. No order, no retry, no journal.
func bareLoop(export string, workers int, to sender) error {
	defer to.close()
	f, err := os.Open(export)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReaderSize(f, 1<<20))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	const batch = 64
	feed := make(chan [][]byte, 4)
	var g errgroup.Group
	g.Go(func() error {
		defer close(feed)
		for {
			bodies := make([][]byte, 0, batch)
			for len(bodies) < batch {
				rec, err := r.Read()
				if errors.Is(err, io.EOF) {
					feed <- bodies
					return nil
				}
				if err != nil {
					return err
				}
				body, err := bareBody(rec)
				if err != nil {
					return err
				}
				bodies = append(bodies, body)
			}
			feed <- bodies
		}
	})
	for range workers {
		g.Go(func() (failed error) {
			send := to.worker()
			for bodies := range feed {
				for _, body := range bodies {
					if err := send(body); err != nil {
						failed = err // the others are still taken, so that feed empties
					}
				}
			}
			return failed
		})
	}
	return g.Wait()
}

// bareBody is what mapping-csv.yaml makes of a row; nothing in these columns
// needs an escape.
func bareBody(rec []string) ([]byte, error) {
	at, err := time.Parse(time.RFC3339, rec[2])
	if err != nil {
		return nil, err
	}
	action, ok := map[string]string{"yes": "accept", "no": "reject"}[rec[3]]
	if !ok {
		return nil, fmt.Errorf("unlisted decision")
	}
	b := append(make([]byte, 0, 320), `{"action":"`...)
	b = append(b, action...)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	b = append(b, `,"validUntil":`...)
	b = strconv.AppendInt(b, at.Add(395*24*time.Hour).UnixMilli(), 10)
	for _, field := range [...][2]string{
		{"source", rec[5]}, {"category", rec[4]}, {"userId", rec[0]}, {"email", rec[1]},
		{"message", "Migrated from the old preference centre, record " + rec[11]},
	} {
		b = append(b, `,"`...)
		b = append(b, field[0]...)
		b = append(b, `":"`...)
		b = append(b, field[1]...)
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

func fasthttpSender(url string) sender {
	c := &fasthttp.Client{MaxConnsPerHost: 64, NoDefaultUserAgentHeader: true, DisablePathNormalizing: true,
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	return sender{close: c.CloseIdleConnections, worker: func() send {
		q, p := &fasthttp.Request{}, &fasthttp.Response{}
		q.SetRequestURI(url)
		q.Header.SetMethod(http.MethodPost)
		q.Header.SetContentType("application/json")
		return func(body []byte) error {
			q.SetBodyRaw(body)
			if err := c.Do(q, p); err != nil {
				return err
			}
			return taken(p.StatusCode())
		}
	}}
}

func nethttpSender(url string) sender {
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: 64, MaxIdleConnsPerHost: 64,
		MaxConnsPerHost: 64, DisableCompression: true}}
	return sender{close: c.CloseIdleConnections, worker: func() send {
		return func(body []byte) error {
			q, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return err
			}
			q.Header.Set("Content-Type", "application/json")
			p, err := c.Do(q)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, p.Body)
			return errors.Join(err, p.Body.Close(), taken(p.StatusCode))
		}
	}}
}

func taken(status int) error {
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return nil
}

// Command server is the bare target of the comparisons: net/http, reads the
// body, answers {}. It measures by itself, so that every client is measured
// alike: GET /rate answers the requests, the requests per second between the
// first and the last one, how many were odd, and when the first one came (seconds
// since 1970), all since the previous GET /rate. GET /count answers the requests
// and leaves everything as it is.
//
//	server [-addr 127.0.0.1:8799] [-latency 20ms] [-ignore TEXT] [-refuse PERCENT]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8799", "loopback address to listen on")
	latency := flag.Duration("latency", 0, "time to answer")
	ignore := flag.String("ignore", "", "requests whose body holds this are answered but not counted")
	refuse := flag.Uint("refuse", 0, "share of the bodies in percent that is answered with 400, always the same ones")
	flag.Parse()
	var n, first, last, other atomic.Int64
	jsonType := []string{"application/json"}
	body, refusal := []byte("{}"), []byte(`{"message":"source is required for this profile"}`)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rate", func(w http.ResponseWriter, r *http.Request) {
		count, from, to := n.Swap(0), first.Swap(0), last.Swap(0)
		rate := 0.0
		if to > from {
			rate = float64(count) / (float64(to-from) / 1e9)
		}
		fmt.Fprintf(w, "%d %.0f %d %.6f\n", count, rate, other.Swap(0), float64(from)/1e9)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, n.Load()) })
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		counts, refused := true, false
		if *refuse > 0 {
			sum := crc32.NewIEEE()
			_, err := io.Copy(sum, r.Body)
			refused = err == nil && uint(sum.Sum32()%100) < *refuse
		} else if *ignore != "" {
			got, err := io.ReadAll(r.Body)
			counts = err == nil && !bytes.Contains(got, []byte(*ignore))
		} else if size, err := io.Copy(io.Discard, r.Body); err != nil || size < 50 {
			other.Add(1)
		}
		if counts {
			first.CompareAndSwap(0, now.UnixNano())
		}
		if *latency > 0 {
			time.Sleep(*latency)
			now = time.Now()
		}
		if counts {
			n.Add(1)
			last.Store(now.UnixNano())
		}
		w.Header()["Content-Type"] = jsonType
		if refused {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(refusal)
			return
		}
		_, _ = w.Write(body)
	})
	fmt.Fprintln(os.Stderr, "server:", http.ListenAndServe(*addr, mux))
	os.Exit(1)
}

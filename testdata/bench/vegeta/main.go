// Command vegeta sends ready bodies with the vegeta library as fast as it can.
//
//	vegeta -url URL -bodies FILE [-workers 64]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func main() {
	url := flag.String("url", "", "where to")
	file := flag.String("bodies", "", "file with a body a line")
	workers := flag.Uint64("workers", 64, "requests in flight")
	flag.Parse()
	text, err := os.ReadFile(*file)
	if err != nil {
		fail(err)
	}
	bodies := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	header := http.Header{"Content-Type": {"application/json"}}
	var next atomic.Int64
	targeter := func(t *vegeta.Target) error {
		i := next.Add(1) - 1
		if i >= int64(len(bodies)) {
			return vegeta.ErrNoTargets
		}
		t.Method, t.URL, t.Body, t.Header = http.MethodPost, *url, bodies[i], header
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.Workers(*workers), vegeta.MaxWorkers(*workers), vegeta.Connections(int(*workers)),
		vegeta.KeepAlive(true), vegeta.Redirects(vegeta.NoFollow), vegeta.HTTP2(false))
	began, sent, failed := time.Now(), 0, 0
	for r := range attacker.Attack(targeter, vegeta.Rate{}, 0, "bench") {
		switch {
		case r.Code == http.StatusOK:
			sent++
		case r.Error != vegeta.ErrNoTargets.Error():
			failed++
		}
	}
	fmt.Printf("sent %d failed %d per second %.0f\n", sent, failed, float64(sent)/time.Since(began).Seconds())
	if failed > 0 || sent != len(bodies) {
		fail(fmt.Errorf("%d of %d bodies were not taken", len(bodies)-sent, len(bodies)))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "vegeta:", err)
	os.Exit(1)
}

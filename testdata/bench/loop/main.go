// Command loop is the import without everything that makes it one: read, encode,
// send. No order, no retry, no journal.
//
//	loop -url URL (-csv FILE | -bodies FILE) [-client fasthttp|nethttp|raw] [-workers 64] [-batch 64]
package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	url := flag.String("url", "", "where to, with the key in its query")
	export := flag.String("csv", "", "export of gen to read and encode")
	bodies := flag.String("bodies", "", "file with a ready body a line")
	client := flag.String("client", "fasthttp", "fasthttp, nethttp or raw: a connection a worker and nothing else")
	workers := flag.Int("workers", 64, "requests in flight")
	batch := flag.Int("batch", 64, "bodies that a worker takes at once; 1 where waiting is the cost, or the last batches do not fill all workers")
	flag.Parse()
	newSender, ok := senders[*client]
	if !ok {
		fail(fmt.Errorf("unknown client %q", *client))
	}
	feed := make(chan [][]byte, 2**workers / *batch + 2)
	var read error
	go func() {
		defer close(feed)
		if *export != "" {
			read = encode(*export, *batch, feed)
		} else {
			read = lines(*bodies, *batch, feed)
		}
	}()
	var sent atomic.Int64
	shared := newSender(*url, *workers)
	began := time.Now()
	var g sync.WaitGroup
	for range *workers {
		g.Go(func() {
			send, err := shared()
			if err != nil {
				fail(err)
			}
			for bs := range feed {
				for _, b := range bs {
					if err := send(b); err != nil {
						fail(err)
					}
					sent.Add(1)
				}
			}
		})
	}
	g.Wait()
	if read != nil {
		fail(read)
	}
	fmt.Printf("sent %d per second %.0f\n", sent.Load(), float64(sent.Load())/time.Since(began).Seconds())
}

// lines hands over the lines of a file.
func lines(name string, batch int, feed chan<- [][]byte) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var bs [][]byte
	for len(text) > 0 {
		i := 0
		for i < len(text) && text[i] != '\n' {
			i++
		}
		bs = append(bs, text[:i])
		text = text[min(i+1, len(text)):]
		if len(bs) == batch {
			feed <- bs
			bs = nil
		}
	}
	feed <- bs
	return nil
}

// encode makes the body of every row of an export, as mapping-csv.yaml says.
func encode(name string, batch int, feed chan<- [][]byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	r := csv.NewReader(bufio.NewReaderSize(f, 1<<20))
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, column := range head {
		at[strings.Clone(column)] = i
	}
	var bs [][]byte
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			feed <- bs
			return nil
		}
		if err != nil {
			return err
		}
		b, err := body(rec, at)
		if err != nil {
			return err
		}
		bs = append(bs, b)
		if len(bs) == batch {
			feed <- bs
			bs = nil
		}
	}
}

func body(rec []string, at map[string]int) ([]byte, error) {
	when, err := time.Parse(time.RFC3339, rec[at["consented_at"]])
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 320)
	b = append(b, `{"action":"`...)
	switch rec[at["decision"]] {
	case "yes":
		b = append(b, "accept"...)
	case "no":
		b = append(b, "reject"...)
	default:
		return nil, errors.New("unlisted decision")
	}
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, when.UnixMilli(), 10)
	b = append(b, `,"validUntil":`...)
	b = strconv.AppendInt(b, when.Add(395*24*time.Hour).UnixMilli(), 10)
	for _, f := range [...][2]string{{"source", "channel"}, {"category", "purpose"}, {"userId", "customer_id"}, {"email", "email"}} {
		b = append(b, `,"`...)
		b = append(b, f[0]...)
		b = append(b, `":"`...)
		b = append(b, rec[at[f[1]]]...) // nothing in these columns of gen needs an escape
		b = append(b, '"')
	}
	b = append(b, `,"message":"Migrated from the old preference centre, record `...)
	b = append(b, rec[at["record"]]...)
	return append(b, `"}`...), nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "loop:", err)
	os.Exit(1)
}

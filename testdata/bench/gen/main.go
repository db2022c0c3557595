// Command gen writes an export of a given size, the same bytes for the same
// flags, and the request bodies that its rows become.
//
//	gen -kind csv|jsonl|bodies [-rows N | -bytes N] [-hot PERCENT]
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

var (
	purposes  = [...]string{"marketing", "analytics", "profiling", "newsletter"}
	channels  = [...]string{"web", "mobile", "desktop"}
	countries = [...]string{"DE", "FR", "AT", "NL", "SE", "PL"}
	languages = [...]string{"de-DE", "fr-FR", "de-AT", "nl-NL", "sv-SE", "pl-PL"}
	campaigns = [...]string{"spring-24", "welcome", `"fair, Berlin"`, "shop"}
	start     = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
)

// mix scrambles a number (SplitMix64), so that rows are varied and repeatable.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func main() {
	kind := flag.String("kind", "csv", "csv, jsonl, or bodies: one request body a line")
	rows := flag.Int64("rows", 0, "number of rows; 0 is as many as bytes ask for")
	bytes := flag.Int64("bytes", 100<<20, "size to reach when rows is 0")
	hot := flag.Uint64("hot", 0, "percentage of the rows that belong to one subject")
	flag.Parse()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	size := int64(0)
	if *kind == "csv" {
		n, _ := out.WriteString("customer_id,email,consented_at,decision,purpose,channel,country,language,ip,version,campaign,record\n")
		size += int64(n)
	}
	var line []byte
	for i := int64(0); *rows > 0 && i < *rows || *rows == 0 && size < *bytes; i++ {
		line = row(line[:0], *kind, i, *hot)
		if _, err := out.Write(line); err != nil {
			fail(err)
		}
		size += int64(len(line))
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

// row appends the i-th, with its line end.
func row(b []byte, kind string, i int64, hot uint64) []byte {
	h := mix(uint64(i))
	subject := h >> 8 % 50_000_000
	if mix(h)%100 < hot {
		subject = 1
	}
	at := start.Add(time.Duration(i) * 311 * time.Millisecond).Truncate(time.Second)
	decision, action := "yes", "accept"
	if h%3 == 0 {
		decision, action = "no", "reject"
	}
	place := h >> 16 % uint64(len(countries))
	purpose, channel := purposes[h>>24%4], channels[h>>32%3]
	switch kind {
	case "csv":
		b = fmt.Appendf(b, "u%010d,user%d@example.com,", subject, subject)
		b = at.AppendFormat(b, time.RFC3339)
		return fmt.Appendf(b, ",%s,%s,%s,%s,%s,192.0.2.%d,v3.%d,%s,%d\n", decision, purpose, channel, countries[place],
			languages[place], h>>40%256, h>>48%9, campaigns[h>>56%4], i+1)
	case "jsonl":
		b = fmt.Appendf(b, `{"customer":{"id":"u%010d","email":"user%d@example.com"},"consented_at":"`, subject, subject)
		b = at.AppendFormat(b, time.RFC3339)
		campaign := campaigns[h>>56%4]
		if campaign[0] != '"' {
			campaign = `"` + campaign + `"`
		}
		return fmt.Appendf(b, `","decision":"%s","purpose":"%s","channel":"%s","country":"%s","language":"%s","ip":"192.0.2.%d","version":"v3.%d","campaign":%s,"record":%d}`+"\n",
			decision, purpose, channel, countries[place], languages[place], h>>40%256, h>>48%9, campaign, i+1)
	case "bodies":
		b = append(b, `{"action":"`...)
		b = append(b, action...)
		b = append(b, `","timestamp":`...)
		b = strconv.AppendInt(b, at.UnixMilli(), 10)
		b = append(b, `,"validUntil":`...)
		b = strconv.AppendInt(b, at.Add(395*24*time.Hour).UnixMilli(), 10)
		return fmt.Appendf(b, `,"source":"%s","category":"%s","userId":"u%010d","email":"user%d@example.com","message":"Migrated from the old preference centre, record %d"}`+"\n",
			channel, purpose, subject, subject, i+1)
	}
	fail(fmt.Errorf("unknown kind %q: there are csv, jsonl and bodies", kind))
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gen:", err)
	os.Exit(1)
}

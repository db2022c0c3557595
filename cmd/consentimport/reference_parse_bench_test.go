package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/gocarina/gocsv"
	"github.com/stretchr/testify/require"
)

// reference is what a dry run is compared with: it reads an export and nothing more.
type reference struct {
	name  string
	parse func(io.Reader) (rows int, err error)
}

func parseCSV(in io.Reader) (rows int, err error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	for rows = -1; ; rows++ { // the header is none
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
	}
}

// csvRow is a row of the CSV export, as gocsv fills it.
type csvRow struct {
	CustomerID  string `csv:"customer_id"`
	Email       string `csv:"email"`
	ConsentedAt string `csv:"consented_at"`
	Decision    string `csv:"decision"`
	Purpose     string `csv:"purpose"`
	Channel     string `csv:"channel"`
	Country     string `csv:"country"`
	Language    string `csv:"language"`
	IP          string `csv:"ip"`
	Version     string `csv:"version"`
	Campaign    string `csv:"campaign"`
	Record      int64  `csv:"record"`
}

func parseGocsv(in io.Reader) (rows int, err error) {
	err = gocsv.UnmarshalToCallback(in, func(csvRow) { rows++ })
	return rows, err
}

// jsonRow is a row of the JSONL export.
type jsonRow struct {
	Customer struct {
		ID    string `json:"id"`
		Email string `json:"email"`
	} `json:"customer"`
	ConsentedAt string `json:"consented_at"`
	Decision    string `json:"decision"`
	Purpose     string `json:"purpose"`
	Channel     string `json:"channel"`
	Country     string `json:"country"`
	Language    string `json:"language"`
	IP          string `json:"ip"`
	Version     string `json:"version"`
	Campaign    string `json:"campaign"`
	Record      int64  `json:"record"`
}

func parseJSON(in io.Reader) (rows int, err error) {
	return eachLine(in, func(line []byte, v *jsonRow) error { return json.Unmarshal(line, v) })
}

func parseJSONv2(in io.Reader) (rows int, err error) {
	return eachLine(in, func(line []byte, v *jsonRow) error { return jsonv2.Unmarshal(line, v) })
}

func eachLine(in io.Reader, parse func([]byte, *jsonRow) error) (rows int, err error) {
	s := bufio.NewScanner(bufio.NewReaderSize(in, 1<<20))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v jsonRow
		if err := parse(s.Bytes(), &v); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, s.Err()
}

// writeExport makes an export of about so many bytes, or of so many rows: twelve
// columns, like those of testdata/bench/gen, the same each time.
func writeExport(b *testing.B, kind string, bytes, rows int) (path string, made int) {
	path = filepath.Join(b.TempDir(), "export."+kind)
	f, err := os.Create(path)
	require.NoError(b, err)
	out := bufio.NewWriterSize(f, 1<<20)
	if kind == "csv" {
		fmt.Fprintln(out, "customer_id,email,consented_at,decision,purpose,channel,country,language,ip,version,campaign,record")
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for size := 0; size < bytes || made < rows; made++ {
		h := uint64(made+1) * 0x9e3779b97f4a7c15
		h ^= h >> 29
		subject := h % 50_000_000
		at := start.Add(time.Duration(made) * 311 * time.Millisecond).Format(time.RFC3339)
		decision := []string{"no", "yes", "yes"}[h>>8%3]
		purpose := []string{"marketing", "analytics", "profiling", "newsletter"}[h>>16%4]
		channel := []string{"web", "mobile", "desktop"}[h>>24%3]
		place := h >> 32 % 4
		country, language := []string{"DE", "FR", "AT", "NL"}[place], []string{"de-DE", "fr-FR", "de-AT", "nl-NL"}[place]
		campaign := []string{`spring-24`, `welcome`, `"fair, Berlin"`, `shop`}[h>>40%4]
		var n int
		if kind == "csv" {
			n, err = fmt.Fprintf(out, "u%010d,user%d@example.com,%s,%s,%s,%s,%s,%s,192.0.2.%d,v3.%d,%s,%d\n",
				subject, subject, at, decision, purpose, channel, country, language, h>>48%256, h>>56%9, campaign, made+1)
		} else {
			if campaign[0] != '"' {
				campaign = `"` + campaign + `"`
			}
			n, err = fmt.Fprintf(out, `{"customer":{"id":"u%010d","email":"user%d@example.com"},"consented_at":"%s","decision":"%s","purpose":"%s","channel":"%s","country":"%s","language":"%s","ip":"192.0.2.%d","version":"v3.%d","campaign":%s,"record":%d}`+"\n",
				subject, subject, at, decision, purpose, channel, country, language, h>>48%256, h>>56%9, campaign, made+1)
		}
		require.NoError(b, err)
		size += n
	}
	require.NoError(b, out.Flush())
	require.NoError(b, f.Close())
	return path, made
}

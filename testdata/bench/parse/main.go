// Command parse is the reference of the dry run: the standard library reading
// an export and nothing more.
//
//	parse csv FILE    encoding/csv with ReuseRecord, parse only
//	parse jsonl FILE  encoding/json, each line into a struct
package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

type row struct {
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

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: parse csv|jsonl FILE"))
	}
	f, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	rows, err := map[string]func(io.Reader) (int, error){"csv": parseCSV, "jsonl": parseJSONL}[os.Args[1]](f)
	if err != nil {
		fail(err)
	}
	fmt.Println("rows", rows)
}

func parseCSV(in io.Reader) (rows int, err error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return 0, err
	}
	for {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		rows++
	}
}

func parseJSONL(in io.Reader) (rows int, err error) {
	s := bufio.NewScanner(bufio.NewReaderSize(in, 1<<20))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v row
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, s.Err()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "parse:", err)
	os.Exit(1)
}

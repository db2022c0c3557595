package studio

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/report/wording"
)

// Bounds of what can be repaired on a page; an editor has none.
const (
	maxRepair     = 1 << 20
	maxRepairRows = 200
)

// repairData is what the page of the repair shows.
type repairData struct {
	Dir, File string // names alone
	Saved     string // the repaired file, when there is one
	Head      []string
	Rows      [][]string
	Error     int // the column that says why, -1: none
	Locked    int // columns from here on are ours
	Command   string
	Run       runData
}

// rejectedIn finds the rows that failed.
func rejectedIn(dir string) (path, name string) {
	for _, name := range []string{"rejected.csv", "rejected.jsonl"} {
		if slices.Contains(filesIn(dir), name) {
			return filepath.Join(dir, name), name
		}
	}
	return "", ""
}

// repaired is where repaired rows are written: beside the export, so that the out directory
// stays what the program wrote.
func repaired(dir, name string) string { return dir + "-repaired" + filepath.Ext(name) }

// rejectedTable reads the rows that failed. Only what can be written again as it was is taken.
func rejectedTable(path string) (rows [][]string, comma rune, crlf bool, err error) {
	text, err := read(path, maxRepair)
	switch {
	case err != nil:
		return nil, 0, false, err
	case !utf8.Valid(text) || bytes.HasPrefix(text, []byte("\ufeff")):
		return nil, 0, false, errors.New("the rows are not in plain UTF-8; repair them in an editor that keeps their encoding")
	}
	if filepath.Ext(path) == ".jsonl" {
		rows = [][]string{{"row"}}
		for line := range strings.Lines(string(text)) {
			rows = append(rows, []string{strings.TrimRight(line, "\r\n")})
		}
		return rows, 0, false, nil
	}
	head, _, _ := bytes.Cut(text, []byte("\n"))
	comma = ','
	for _, c := range []rune{';', '\t', '|'} {
		if bytes.ContainsRune(head, c) && !bytes.ContainsRune(head, ',') {
			comma = c
		}
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma = comma
	if rows, err = in.ReadAll(); err != nil {
		return nil, 0, false, fmt.Errorf("the rows cannot be shown as a table; repair them in an editor: %w", err)
	}
	if len(rows) == 0 || !slices.Contains(rows[0], "_row") {
		return nil, 0, false, errors.New("the rows have no header with _row; repair them in an editor")
	}
	return rows, comma, bytes.HasSuffix(head, []byte("\r")), nil
}

func (s *Studio) repairPage(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	p := s.page("repair", "Repair", nil)
	dir, err := work.find(r.URL.Query().Get("dir"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	path, name := rejectedIn(dir)
	d := repairData{Dir: filepath.Base(dir), File: name, Error: -1, Run: s.runData(r)}
	if name != "" {
		saved := repaired(dir, name)
		if text, err := read(saved, maxRepair); err == nil && text != nil {
			d.Saved = filepath.Base(saved)
			path = saved
		}
		d.Command = commandLine([]string{"run", "--repair", word(dir), word(repaired(dir, name))})
		rows, _, _, err := rejectedTable(path)
		if err == nil && len(rows) > maxRepairRows+1 {
			err = fmt.Errorf("%s failed: more than a page is good for; repair them in an editor or a spreadsheet", wording.Plural(int64(len(rows)-1), "row"))
		}
		if err != nil {
			p.Fault = err.Error()
		} else {
			d.Head, d.Rows = rows[0], rows[1:]
			d.Error, d.Locked = slices.Index(d.Head, "_error"), len(d.Head)
			if i := slices.Index(d.Head, "_row"); i >= 0 {
				d.Locked = i
			}
		}
	}
	p.Data = d
	s.show(w, http.StatusOK, "repair", p)
}

// saveRepair writes the rows as they were repaired and, when asked to, goes on with the import.
func (s *Studio) saveRepair(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	dir, err := work.find(r.PostForm.Get("dir"))
	if err != nil {
		s.fault(w, "reports", err)
		return
	}
	path, name := rejectedIn(dir)
	if name == "" {
		s.fault(w, "reports", errors.New("no row failed there"))
		return
	}
	saved := repaired(dir, name)
	if r.PostForm.Get("how") == "run" {
		args := []string{"run", "--repair", word(dir)}
		if text, err := read(filepath.Join(work.Dry(), "decisions.csv"), maxReport); err == nil && text != nil {
			args = append(args, "--approved", word(filepath.Join(work.Dry(), "decisions.csv")))
		}
		_, err := approvedArgs(work, r)
		var target []string
		if err == nil {
			target, err = targetArgs(r)
		}
		if err == nil {
			err = s.start("repair", append(append(args, target...), word(saved))...)
		}
		if err != nil {
			s.fault(w, "reports", err)
			return
		}
		http.Redirect(w, r, "/run", http.StatusSeeOther)
		return
	}
	rows, comma, crlf, err := rejectedTable(path)
	if err == nil {
		for i := range rows[1:] {
			for j := range rows[i+1] {
				if v, ok := r.PostForm["cell."+strconv.Itoa(i)+"."+strconv.Itoa(j)]; ok {
					rows[i+1][j] = strings.ReplaceAll(v[0], "\r\n", "\n")
				}
			}
		}
		err = write(saved, tableText(rows, comma, crlf))
	}
	if err != nil {
		s.fault(w, "reports", err)
		return
	}
	http.Redirect(w, r, "/repair?dir="+url.QueryEscape(filepath.Base(dir)), http.StatusSeeOther)
}

// tableText writes a table as it was read; without a comma each row is a line.
func tableText(rows [][]string, comma rune, crlf bool) []byte {
	var b bytes.Buffer
	if comma == 0 {
		for _, row := range rows[1:] {
			b.WriteString(strings.ReplaceAll(row[0], "\n", " ") + "\n")
		}
		return b.Bytes()
	}
	out := csv.NewWriter(&b)
	out.Comma, out.UseCRLF = comma, crlf
	_ = out.WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}

package studio

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rowsOnPage is how many rows are repaired on one page.
const rowsOnPage = 50

// repairData is what the page of the repair shows.
type repairData struct {
	Dir, File  string // names alone
	Saved      string // the repaired file, when there is one
	Table      *rejected
	Rows       []repairRow
	From, To   int  // of all rows, the first from 1
	Prev, Next int  // where other pages begin; -1: there is none
	Guessed    bool // some cells are not in the encoding of the others
	Run        runData
}

// repairRow is a row of the page.
type repairRow struct {
	N int // of all
	*rejectedRow
	Cells []repairCell
}

// repairCell is a cell that can be changed.
type repairCell struct {
	Name, Text string
	Long       bool // it has line ends, which a field of one line would lose
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

// rejectedTable reads the rows that fail now, as far as somebody has repaired them.
func (s *Studio) rejectedTable(dir, path string) (*rejected, error) {
	encoding := ""
	if was := importIn(dir); was != nil {
		encoding = was.Reading.Encoding
	}
	if in, _ := s.inspection(); encoding == "" && in != nil && len(in.Layouts) == 1 {
		encoding = in.Layouts[0].Encoding
	}
	table, err := readRejected(path, encoding)
	if err != nil {
		return nil, err
	}
	if saved, err := readRejected(repaired(dir, path), encoding); err == nil {
		table.overlay(saved)
	}
	return table, nil
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
	d := repairData{Dir: filepath.Base(dir), File: name, Prev: -1, Next: -1, Run: s.runData(r)}
	if name != "" {
		saved := repaired(dir, name)
		if text, err := read(saved, maxRejected); err == nil && text != nil {
			d.Saved = filepath.Base(saved)
		}
		d.Run.Target, d.Run.Dir = s.targetOf(dir), d.Dir
		d.Run.Commands = []string{commandLine(work.repairArgs(dir, d.Run.Target))}
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		if d.Table, err = s.rejectedTable(dir, path); err != nil {
			p.Fault = err.Error()
		} else {
			d.show(from)
		}
	}
	p.Data = d
	s.show(w, http.StatusOK, "repair", p)
}

// show takes the rows of one page.
func (d *repairData) show(from int) {
	all := len(d.Table.Rows)
	from = max(0, min(from, all-1))
	to := min(from+rowsOnPage, all)
	d.From, d.To = from+1, to
	if from > 0 {
		d.Prev = max(0, from-rowsOnPage)
	}
	if to < all {
		d.Next = to
	}
	for i := from; i < to; i++ {
		row := repairRow{N: i, rejectedRow: &d.Table.Rows[i]}
		for k := range row.rejectedRow.Cells {
			name := "a cell too many"
			if k < d.Table.Own() {
				name = d.Table.Head[k]
			}
			text, guessed := d.Table.shown(row.rejectedRow.Cells[k])
			d.Guessed = d.Guessed || guessed
			row.Cells = append(row.Cells, repairCell{name, text, strings.ContainsAny(text, "\r\n") || d.Table.comma == 0})
		}
		d.Rows = append(d.Rows, row)
	}
}

// repairArgs go on with an import: what was signed of the dry run is what may be sent.
func (w work) repairArgs(dir string, to targetForm) []string {
	args := []string{"run", "--repair", word(dir)}
	if slices.Contains(filesIn(w.Dry()), "decisions.csv") {
		args = append(args, "--approved", word(filepath.Join(w.Dry(), "decisions.csv")))
	}
	_, name := rejectedIn(dir)
	return append(append(args, to.flags()...), word(repaired(dir, name)))
}

// saveRepair writes the rows as they were repaired or, when asked to, goes on with the import.
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
	back := "/repair?dir=" + url.QueryEscape(filepath.Base(dir))
	if r.PostForm.Get("how") == "run" {
		back = "/run"
		err = s.startRepair(r, work, dir)
	} else {
		err = s.writeRepair(r, dir, path)
		if from := r.PostForm.Get("from"); from != "" {
			back += "&from=" + url.QueryEscape(from)
		}
	}
	if err != nil {
		s.fault(w, "reports", err)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (s *Studio) startRepair(r *http.Request, work work, dir string) error {
	if _, err := approvedArgs(work, r); err != nil {
		return err
	}
	to, err := targetIn(r)
	if err == nil {
		err = s.start("repair", work.repairArgs(dir, to)...)
	}
	if err == nil {
		s.remember(to)
	}
	return err
}

// writeRepair writes the cells of the form into the repaired file. A cell is known by the row
// of the export, since others may have changed the directory meanwhile.
func (s *Studio) writeRepair(r *http.Request, dir, path string) error {
	table, err := s.rejectedTable(dir, path)
	if err != nil {
		return err
	}
	for i := range table.Rows {
		for k := range table.Rows[i].Cells {
			if v, ok := r.PostForm["cell."+table.Rows[i].Number+"."+strconv.Itoa(k)]; ok {
				table.set(i, k, strings.ReplaceAll(v[0], "\r\n", "\n"))
			}
		}
	}
	text, err := table.text()
	if err != nil {
		return err
	}
	if err := write(repaired(dir, path), text); err != nil {
		return fmt.Errorf("write the repaired rows: %w", err)
	}
	return nil
}

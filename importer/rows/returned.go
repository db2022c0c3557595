package rows

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer/source"
)

// Unfixed is a row of a repaired file that stays what it was: nobody changed what made
// it invalid, or it still cannot be read.
type Unfixed struct {
	Number int64 // of the row that it was to repair
	Line   int64 // in the repaired file
	Reason string
}

// Repaired is a row of a repaired file that takes the place of one of the export.
type Repaired struct {
	source.Row      // its number is that of the row that it repairs, its line that in the repaired file
	Changed    bool // it does not say what the row of the export says
}

// Returned reads the rows of a repaired file and sorts them by the row that they
// repair: somebody may have sorted them otherwise while at it. They are held in
// memory; a file of repaired rows was gone through by hand.
//
// rejected.* shows a row that could not be read in a form that can be: its missing
// cells filled up, its text in quotes of JSON, its header repeated as data. So each row
// is held against that of the export. One that could not be read there and comes back
// as it was given out is not repaired, whatever the file would make of it, and is left
// out; so is one that cannot be read now. What they are in the import stays true.
func Returned(given, export *source.Export) (repaired []Repaired, unfixed []Unfixed, err error) {
	lists := export.Config.Columns != nil
	all, err := readReturned(given, lists)
	if err != nil {
		return nil, nil, err
	}
	origin, err := newStream(export, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if closeErr := origin.reader.Close(); err == nil {
			err = closeErr
		}
	}()
	forms := make([]*Rejected, len(export.Layouts))
	for i := range export.Layouts {
		forms[i] = NewRejected(&export.Layouts[i])
		forms[i].lists = lists
	}
	for i := range all {
		r := &all[i]
		t, err := origin.at(r.row.Number)
		if err != nil {
			return nil, nil, err
		}
		if t.Row == nil {
			return nil, nil, fmt.Errorf("line %d: the export has no row %d", r.row.Line, r.row.Number)
		}
		f := forms[t.Layout]
		fault, unchanged := f.fault(t.Row), f.unchanged(r, t.Row)
		switch {
		case fault != "" && unchanged:
			unfixed = append(unfixed, Unfixed{r.row.Number, r.row.Line, fault})
		case r.fault != "":
			unfixed = append(unfixed, Unfixed{r.row.Number, r.row.Line, r.fault})
		default:
			repaired = append(repaired, Repaired{r.row, !unchanged})
		}
	}
	return repaired, unfixed, nil
}

// returned is a row of a repaired file.
type returned struct {
	row   source.Row // its number is that of the row that it repairs
	body  []byte     // what it says without _row and _error
	cells [][]byte   // CSV, where it can be taken apart: the same as cells
	names []string   // of the cells, as the repaired file has them
	fault string     // why it cannot be read
}

// readReturned reads all rows, in the order of their numbers. Lists says that rows of
// JSON may be lists or single values, for the mapping names their columns.
func readReturned(given *source.Export, lists bool) ([]returned, error) {
	reader, err := given.Read(given.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var all []returned
	for {
		b, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		l := &given.Layouts[given.Members[b.Member].Layout]
		for i := range b.Rows {
			r := returned{row: b.Rows[i], fault: b.Rows[i].Reason}
			if l.Nested() {
				err = r.readJSON(lists)
			} else {
				err = r.readCSV(l)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", r.row.Line, err)
			}
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b returned) int { return cmp.Compare(a.row.Number, b.row.Number) })
	for i := 1; i < len(all); i++ {
		if all[i].row.Number == all[i-1].row.Number {
			return nil, fmt.Errorf("lines %d and %d both repair row %d", all[i-1].row.Line, all[i].row.Line, all[i].row.Number)
		}
	}
	return all, nil
}

// readCSV takes a CSV row apart. One that is not what its header says has its number at
// its end all the same, where rejected.csv has it.
func (r *returned) readCSV(l *source.Layout) error {
	cells, _, err := l.Split(r.row.Raw, nil, nil)
	if err == nil && r.fault == "" {
		at := ColumnOf(l.Columns, RowColumn)
		if r.row.Number, err = rowNumber(string(cells[at])); err != nil {
			return err
		}
		form := NewRejected(l)
		r.body, _ = form.appendBody(nil, r.row.Raw)
		for i, c := range cells {
			if !slices.Contains(form.drop, i) {
				r.cells, r.names = append(r.cells, c), append(r.names, l.Columns[i])
			}
		}
		return nil
	}
	if r.fault == "" {
		r.fault = err.Error()
	}
	body, number, ok := lineageAtEnd(r.row.Raw, l.Delimiter)
	if !ok {
		return fmt.Errorf("%s, and there is no telling which row it repairs: its %s and %s are not at its end", r.fault, RowColumn, ErrorColumn)
	}
	r.body, r.row.Number = r.row.Raw[:body], number
	return nil
}

// rowNumber reads _row.
func rowNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("its %s is not a row number", RowColumn)
	}
	return n, nil
}

// lineageAtEnd finds _row and _error at the end of a CSV row of rejected.csv, and where
// what stands before them ends: also in one whose cells nobody can tell.
func lineageAtEnd(raw []byte, delimiter byte) (body int, number int64, ok bool) {
	end := len(raw)
	at := -1 // where the cell of _error begins
	if end > 1 && raw[end-1] == '"' {
		for i := end - 2; i > 0; i-- {
			if raw[i] != '"' {
				continue
			}
			if raw[i-1] == '"' {
				i-- // a quote of the text
				continue
			}
			if raw[i-1] == delimiter {
				at = i
			}
			break
		}
		if at < 0 && raw[end-2] == '"' && end > 2 && raw[end-3] == delimiter {
			at = end - 2 // "" is an empty text
		}
	} else if i := bytes.LastIndexByte(raw, delimiter); i >= 0 {
		at = i + 1
	}
	if at < 1 {
		return 0, 0, false
	}
	before := raw[:at-1]
	body = bytes.LastIndexByte(before, delimiter)
	if body < 0 {
		return 0, 0, false
	}
	number, err := rowNumber(strings.Trim(string(before[body+1:]), `"`))
	return body, number, err == nil
}

// rowMember finds _row in a text that is not JSON.
var rowMember = regexp.MustCompile(`"` + RowColumn + `"\s*:\s*([0-9]+)\s*[,}]`)

// readJSON takes a JSON row apart. Where somebody repaired the text in _raw, that is the
// row.
func (r *returned) readJSON(lists bool) error {
	var members map[string]json.RawMessage
	raw := bytes.TrimSpace(r.row.Raw)
	if !isObject(raw) || json.Unmarshal(raw, &members) != nil {
		if r.fault == "" {
			r.fault = "is not a JSON object"
		}
		found := rowMember.FindAllSubmatch(raw, -1)
		if found == nil {
			return fmt.Errorf("it has no %s, or is not a JSON object", RowColumn)
		}
		var err error
		r.row.Number, err = rowNumber(string(found[len(found)-1][1]))
		r.body = raw
		return err
	}
	text, given := members[RowColumn]
	if !given {
		return fmt.Errorf("it has no %s, or is not a JSON object", RowColumn)
	}
	var err error
	if r.row.Number, err = rowNumber(strings.Trim(string(text), `"`)); err != nil {
		return err
	}
	r.body = dropMembers(raw)
	inner, wrapped := members[rawMember]
	for name := range members {
		wrapped = wrapped && (name == RowColumn || name == ErrorColumn || name == KeyMember || name == rawMember)
	}
	if lists && inner != nil && !bytes.Equal(inner, []byte("null")) {
		r.readList(inner, members[KeyMember], wrapped)
		return nil
	}
	if !wrapped {
		return nil
	}
	var row string
	if json.Unmarshal(inner, &row) != nil || !isObject([]byte(row)) {
		if r.fault == "" {
			r.fault = "the text in " + rawMember + " is not a JSON object"
		}
		return nil
	}
	object := dropMembers(bytes.TrimSpace([]byte(row)))
	object = bytes.Map(func(c rune) rune {
		if c == '\n' || c == '\r' { // never within a string
			return ' '
		}
		return c
	}, object)
	rest := `"` + RowColumn + `":` + strconv.FormatInt(r.row.Number, 10)
	if key, given := members[KeyMember]; given {
		rest += `,"` + KeyMember + `":` + string(key)
	}
	rest += "}"
	if len(bytes.TrimSpace(object[1:len(object)-1])) > 0 {
		rest = "," + rest
	}
	r.row.Raw = append(object[:len(object)-1], rest...)
	return nil
}

// readList takes a row that is a list, or a single value, out of _raw, where it stands as
// text, or as it is where somebody wrote it so.
func (r *returned) readList(inner, key json.RawMessage, wrapped bool) {
	value := []byte(inner)
	var text string
	if json.Unmarshal(inner, &text) == nil && (json.Valid([]byte(text)) || strings.ContainsAny(text, "[]{}\"")) {
		value = []byte(text)
	}
	switch {
	case !wrapped:
		r.fault = "is a list in the export, and the list has to stand in " + rawMember + " alone"
	case json.Valid(value):
		r.row.Raw = listRow(r.row.Number, key, compact(value))
	case r.fault == "":
		r.fault = "the text in " + rawMember + " is not valid JSON"
	}
}

// listRow is how the repaired rows that are kept have a row that is not an object.
func listRow(number int64, key, value []byte) []byte {
	row := []byte(`{"` + RowColumn + `":` + strconv.FormatInt(number, 10))
	if key != nil {
		row = append(append(row, `,"`+KeyMember+`":`...), key...)
	}
	row = append(append(row, `,"`+rawMember+`":`...), value...)
	return append(row, '}')
}

// unwrap undoes listRow; other rows stay as they are.
func unwrap(row *source.Row) {
	if !bytes.HasPrefix(row.Raw, []byte(`{"`+RowColumn+`":`)) {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(row.Raw, &members) != nil || members[rawMember] == nil {
		return
	}
	key := members[KeyMember]
	if !bytes.Equal(listRow(row.Number, key, members[rawMember]), row.Raw) {
		return
	}
	var name string
	if key != nil && json.Unmarshal(key, &name) == nil {
		row.Key = []byte(name)
	}
	row.Raw = members[rawMember]
}

package mapping

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// canonicalRow is a row of our own CSV: a column a field of the request. Columns
// may be missing and stand in any order.
type canonicalRow struct {
	UserID     string `csv:"userId"`
	ProfileID  string `csv:"profileId"`
	Email      string `csv:"email"`
	SourceID   string `csv:"sourceId"`
	Action     string `csv:"action"`
	Timestamp  string `csv:"timestamp"`
	ValidUntil string `csv:"validUntil"`
	Source     string `csv:"source"`
	Category   string `csv:"category"`
	Message    string `csv:"message"`
	Reason     string `csv:"reason"`
	Method     string `csv:"method"`
	DeviceInfo string `csv:"deviceInfo"`
}

// canonicalColumns are the columns of canonicalRow, in its order.
var canonicalColumns = []string{"userId", "profileId", "email", "sourceId", "action", "timestamp", "validUntil", "source", "category", "message", "reason", "method", "deviceInfo"}

// canonicalReader decodes rows through gocsv into canonicalRow. It serves this
// one preset, whose columns are fixed. Other mappings pick cells by column
// number: gocsv decodes a row by reflection into strings of their own, at a
// quarter of their speed, and counts rows where we know lines.
//
// The decoded row then goes through the same rules as every other one.
type canonicalReader struct {
	columns []string
	place   []int // of each canonical column in the row; -1: missing
	line    oneRow
	rows    []canonicalRow
	cells   [][]byte
}

// oneRow is the csv reader that gocsv reads the current row from.
type oneRow struct{ record []string }

func (o *oneRow) Read() ([]string, error) {
	if o.record == nil {
		return nil, io.EOF
	}
	r := o.record
	o.record = nil
	return r, nil
}

func (o *oneRow) ReadAll() ([][]string, error) {
	r, err := o.Read()
	if err != nil {
		return nil, nil
	}
	return [][]string{r}, nil
}

// newCanonicalReader checks the header: columns that are none of ours are a
// fault, since a misspelt one would be left out in silence.
func newCanonicalReader(file string, columns []string) (*canonicalReader, error) {
	for _, c := range columns {
		if c == "_row" || c == "_error" {
			continue
		}
		if !slices.Contains(canonicalColumns, c) {
			return nil, &Error{File: file, Message: fmt.Sprintf("the export has a column %q, which is not part of the canonical form%s", c, spelling.DidYouMean(c, canonicalColumns)), Hint: "its columns are " + strings.Join(canonicalColumns, ", ")}
		}
	}
	c := &canonicalReader{columns: columns, cells: make([][]byte, len(columns))}
	for _, name := range canonicalColumns {
		c.place = append(c.place, slices.Index(columns, name))
	}
	return c, nil
}

// read puts the decoded row in the place of the record's cells.
func (c *canonicalReader) read(rec *Record) string {
	line := make([]string, len(canonicalColumns))
	for i, at := range c.place {
		if at >= 0 {
			line[i] = string(rec.Cells[at])
		}
	}
	c.line.record, c.rows = line, c.rows[:0]
	if err := gocsv.UnmarshalCSVWithoutHeaders(&c.line, &c.rows); err != nil || len(c.rows) != 1 {
		return "cannot be decoded: it does not fit the header"
	}
	row := &c.rows[0]
	fields := [...]string{row.UserID, row.ProfileID, row.Email, row.SourceID, row.Action, row.Timestamp, row.ValidUntil, row.Source, row.Category, row.Message, row.Reason, row.Method, row.DeviceInfo}
	copy(c.cells, rec.Cells)
	for i, at := range c.place {
		if at >= 0 {
			c.cells[at] = []byte(fields[i])
		}
	}
	rec.Cells = c.cells
	return ""
}

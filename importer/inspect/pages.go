package inspect

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/importer/source"
)

// pageNames are the names under which APIs keep the rows of a page.
func pageNames() []string {
	return []string{"content", "items", "data", "results", "records", "rows", "consents", "users", "subjects"}
}

// firstRecords reads the first JSON values of an export; none of CSV.
func firstRecords(e *source.Export, n int) ([][]byte, error) {
	r, err := e.Read(e.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out [][]byte
	for looked := 0; looked < n; {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		json := e.Layouts[e.Members[b.Member].Layout].Format == source.JSONL
		for _, row := range b.Rows {
			if looked++; json && row.Reason == "" && len(out) < n {
				out = append(out, row.Raw)
			}
		}
	}
	return out, nil
}

// pagePath is the name of the array that holds the rows, where a JSON file is a
// page of them: {"total": 2, "data": [{…}, {…}]}. Empty when it is none.
func pagePath(e *source.Export) string {
	for _, l := range e.Layouts {
		if l.Format != source.JSONL {
			return ""
		}
	}
	heads, err := firstRecords(e, 1)
	if err != nil {
		return "" // reading the rows will say what is wrong
	}
	if len(heads) > 0 {
		return pageOf(heads[0])
	}
	// The first value cannot be read, perhaps because a page is longer than a
	// row may be: then it is a page if its rows are found under one of the names.
	for _, name := range pageNames() {
		cfg := e.Config
		cfg.Rows = name
		if again, err := source.Open(cfg); err == nil {
			heads, err = firstRecords(again, 1)
			again.Close()
			if err == nil && len(heads) > 0 {
				return name
			}
		}
	}
	return ""
}

// pageOf tells from one document whether it is a page.
func pageOf(doc []byte) string {
	members := map[string]bool{} // name → its value is an array of objects
	d := jsontext.NewDecoder(bytes.NewReader(doc), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return ""
		}
		key := name.String()
		switch compactName(key) {
		case "id", "userid", "email", "identifier", "timestamp", "subject", "messageid":
			return "" // a person's or an event's own record, with a list inside
		}
		switch d.PeekKind() {
		case '[':
			v, err := d.ReadValue()
			if err != nil {
				return ""
			}
			members[key] = bytes.HasPrefix(bytes.TrimLeft(v[1:], " \t\r\n"), []byte("{"))
		case '{':
			if err := d.SkipValue(); err != nil {
				return ""
			}
			members[key] = false
		default:
			if err := d.SkipValue(); err != nil {
				return ""
			}
		}
	}
	for _, name := range pageNames() {
		if members[name] {
			return name
		}
	}
	return ""
}

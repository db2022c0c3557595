package inspect

import (
	"errors"
	"io"

	"github.com/consentimport/consentimport/importer/source"
)

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
		nested := e.Layouts[e.Members[b.Member].Layout].Nested()
		for _, row := range b.Rows {
			if looked++; nested && row.Reason == "" && len(out) < n {
				out = append(out, row.Raw)
			}
		}
	}
	return out, nil
}

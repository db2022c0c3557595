package importer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// TestExamplesByTheRow: a preset reads an export of one row, which has only the names
// that this row needs, as it reads one of many.
func TestExamplesByTheRow(t *testing.T) {
	mapped := 0
	for _, e := range examples(t, "exports") {
		t.Run(e.name, func(t *testing.T) {
			spec, cfg := e.preset(t)
			export, err := source.Open(rows.Config(cfg, spec.Input()))
			require.NoError(t, err)
			defer export.Close()
			for _, l := range export.Layouts {
				if !l.Nested() {
					t.Skip("a header has all names")
				}
			}
			var all *rows.Reading
			alone := 0
			err = sweepAll(t.Context(), export, spec, nil, func(b *rows.Batch, reading *rows.Reading) error {
				all = reading
				for i := range b.Len() {
					if row := b.Result(i, reading); row.Status != mapping.Mapped {
						continue
					}
					m, err := spec.Bind(mapping.Layout{JSON: true})
					require.NoError(t, err)
					var out mapping.Result
					m.Map(&mapping.Record{File: b.Member.Name, Row: 1, JSON: b.Src.Rows[i].Raw}, &out)
					assert.NoError(t, m.Unread(), "row %d", b.Number(i))
					alone++
				}
				return nil
			})
			require.NoError(t, err)
			require.NoError(t, all.Unread())
			require.Positive(t, alone)
			mapped += alone
		})
	}
	require.Positive(t, mapped, "no example is JSON")
}

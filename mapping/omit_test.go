package mapping_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// TestOmitSilent: a row that has none of the names of any block is left out, one that has
// one of them is not, be it null.
func TestOmitSilent(t *testing.T) {
	spec, err := mapping.Parse("m.yaml", []byte("each:\n  - {columns: {ads: gdpr.ads.consented, \"x y\": x y}}\n  - {columns: {sale: ccpa.sale.consented}}\nconsent: {userId: id, category: each.key, action: {from: each.value, values: {\"true\": accept, \"false\": reject}}, timestamp: at, validUntil: unlimited, source: {const: web}}\n"), nil)
	require.NoError(t, err)
	edit, ok := spec.OmitSilent("nothing was asked")
	require.True(t, ok)
	edited, err := spec.Edited([]mapping.Edit{edit})
	require.NoError(t, err, "%s", edit.String())
	m, err := edited.Bind(mapping.Layout{JSON: true})
	require.NoError(t, err)
	const rest = `"id":"u","at":"2024-05-01T10:00:00Z"}`
	assert.Contains(t, becomes(m, mapping.Record{Row: 1, JSON: []byte(`{"gdpr":{},` + rest)}), "skipped: nothing was asked")
	for _, row := range []string{`{"ccpa":{"sale":{"consented":false}},`, `{"x y":true,`} {
		var res mapping.Result
		m.Map(&mapping.Record{Row: 1, JSON: []byte(row + rest)}, &res)
		assert.Len(t, res.Consents, 1, row)
	}
	_, err = spec.Edited([]mapping.Edit{{Path: edit.Path, Item: "{when: 'true', reason: " + mapping.ToDecide + "}"}})
	require.ErrorContains(t, err, mapping.ToDecide, "why is a person's to say")
}

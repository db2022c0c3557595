package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAPartIsOneDecision: where something else stands between the parts than the mapping
// says, the first decisions would become part of a category's name, a refusal among them.
func TestAPartIsOneDecision(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ by, cell, want string }{
		{",", "news:no;ads:yes", ""},
		{", ", "news:no,ads:yes", ""},
		{";", "news: NO | ads: yes", ""},
		{",", "news:no\nads:yes", ""},
		{",", "news:no ads:yes", ""},
		{",", "urn:no;x:news:yes", ""},
		{",", "news:no，ads:yes", ""},
		{",", "news:no、ads:yes", ""},
		{",", "news:no\u00a0ads:yes", ""},
		{",", "news:no#ads:yes", ""},
		{",", "news:no\x1fads:yes", ""},
		{",", "a:no-code:yes", "accept a:no-code"},
		{",", "iab:no:1:yes", "accept iab:no:1"},
		{",", "news:no,ads:yes", "reject news, accept ads"},
		{",", "urn:consent:news:yes", "accept urn:consent:news"},
		{",", "Marketing: e-mail and post:no", "reject Marketing: e-mail and post"},
		{",", "a:norm;b:yes", "accept a:norm;b"},
	} {
		spec, err := Parse("m.yaml", []byte("each: {split: p, by: \""+tt.by+"\", pair: \":\"}\nconsent:\n  userId: id\n  action: {from: each.value, values: {\"yes\": accept, \"no\": reject}}\n"+
			"  timestamp: at\n  validUntil: unlimited\n  source: {const: x}\n  category: each.key\n"), nil)
		require.NoError(t, err)
		m, err := spec.Bind(Layout{Columns: []string{"id", "at", "p"}})
		require.NoError(t, err)
		var out Result
		m.Map(&Record{Row: 1, Cells: [][]byte{[]byte("u1"), []byte("2024-01-02T03:04:05Z"), []byte(tt.cell)}}, &out)
		if tt.want == "" {
			assert.Equal(t, Invalid, out.Status, tt.cell)
			assert.Contains(t, out.Reason, "several decisions in one part", tt.cell)
			continue
		}
		require.Equal(t, Mapped, out.Status, "%s: %s", tt.cell, out.Reason)
		var got string
		for i := range out.Consents {
			if i > 0 {
				got += ", "
			}
			got += out.Consents[i].Action.String() + " " + string(out.Consents[i].Category)
		}
		assert.Equal(t, tt.want, got)
	}
}

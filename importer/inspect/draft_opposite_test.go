package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// TestObjectionsAreTurned: wherever a name says that a yes objects, a person who answers
// what the draft asks gets a reject out of it, and out of a no nothing.
func TestObjectionsAreTurned(t *testing.T) {
	const at = "2024-05-01T10:00:00Z"
	for name, c := range map[string]struct {
		export string
		want   []string
	}{
		"the name around the answer": {
			`{"userId":"u1","state":{"ads":{"consented":true,"at":"` + at + `"},"data_sale_opt_out":{"consented":true,"at":"` + at + `"}}}
{"userId":"u2","state":{"ads":{"consented":false,"at":"` + at + `"},"data_sale_opt_out":{"consented":false,"at":"` + at + `"}}}
`, []string{"1 accept ads", "1 reject data_sale_opt_out", "2 reject ads"},
		},
		"a member of an object": {
			`{"userId":"u1","timestamp":"` + at + `","preferences":{"newsletter":true,"do_not_sell":true}}
{"userId":"u2","timestamp":"` + at + `","preferences":{"newsletter":false,"do_not_sell":false}}
`, []string{"1 accept newsletter", "1 reject do_not_sell", "2 reject newsletter"},
		},
		"an element of a list": {
			`{"userId":"u1","timestamp":"` + at + `","consents":[{"purpose":"ads","consented":true},{"purpose":"Sale opt-out","consented":true}]}
{"userId":"u2","timestamp":"` + at + `","consents":[{"purpose":"ads","consented":false},{"purpose":"Sale opt-out","consented":false}]}
`, []string{"1 accept ads", "1 reject Sale opt-out", "2 reject ads"},
		},
		"the purpose of a row": {
			"user_id,purpose,consented,timestamp\nu1,ads,true," + at + "\nu1,do_not_sell,true," + at + "\nu2,ads,false," + at + "\nu2,do_not_sell,false," + at + "\n",
			[]string{"1 accept ads", "2 reject do_not_sell", "3 reject ads"},
		},
		"answers of one letter": {
			"userId;Newsletter erlaubt;Werbesperre;timestamp\nu1;J;J;" + at + "\nu2;N;N;" + at + "\n",
			[]string{"1 accept Newsletter erlaubt", "1 reject Werbesperre", "2 reject Newsletter erlaubt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.txt")
			require.NoError(t, os.WriteFile(path, []byte(c.export), 0o600))
			cfg := source.Config{Paths: []string{path}}
			draft := string(inspected(t, cfg).SuggestMapping())
			decided := undecidedValue.ReplaceAllStringFunc(draft, func(line string) string {
				m := undecidedValue.FindStringSubmatch(line)
				action := "reject"
				if (m[2] == "true" || m[2] == "J") && !strings.Contains(line, "DECIDE: reject? ") {
					action = "accept"
				}
				return fmt.Sprintf("%s%q: %s", m[1], m[2], action)
			})
			spec, err := mapping.Parse("draft.yaml", []byte(decided), nil)
			require.NoError(t, err, "%s", decided)
			var want []string
			for _, w := range c.want {
				want = append(want, w+" "+at)
			}
			assert.Equal(t, want, becameOf(t, cfg, spec), "%s", draft)
			assert.Empty(t, mapping.LintSpec(spec), "%s", decided)
		})
	}
}

package inspect

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// The forms in which a draft leaves something to decide, and an answer to each: what
// is not among them is no question that a draft may ask.
var open = []struct {
	form   *regexp.Regexp
	answer string
}{
	{regexp.MustCompile(`(?m)^(\s*"(?:[^"\\]|\\.)*"): DECIDE\b.*nobody said anything.*$`), "$1:"},
	{regexp.MustCompile(`(?m)^(\s*"(?:[^"\\]|\\.)*"): DECIDE\b.*$`), "$1: reject"},
	{regexp.MustCompile(`(?m)^( +)from: DECIDE\n +values:.*\n +DECIDE: DECIDE.*$`), "${1}const: reject"},
	{regexp.MustCompile(`(?m)^( +(?:- )?)from: DECIDE\n +format: DECIDE$`), "${1}const: 2025-01-01T00:00:00Z"},
	{regexp.MustCompile(`timezone: DECIDE`), "timezone: Europe/Berlin"},
	{regexp.MustCompile(`(?m)^( +)format: DECIDE$`), `${1}format: "%d/%m/%Y"`},
	{regexp.MustCompile(`format: DECIDE\b`), `format: "%d/%m/%Y"`},
	{regexp.MustCompile(`action: \{const: DECIDE\}`), "action: {const: reject}"},
	{regexp.MustCompile(`category: \{const: DECIDE\}`), "category: {const: everything}"},
	{regexp.MustCompile(`sourceId: \{const: DECIDE\}`), `sourceId: {const: "12"}`},
	{regexp.MustCompile(`(?m)^( +)userId: DECIDE$`), `${1}userId: {const: somebody}`},
}

// decideAll answers every question of a draft.
func decideAll(draft string) string {
	for _, o := range open {
		draft = o.form.ReplaceAllString(draft, o.answer)
	}
	return draft
}

// TestDraftsAreMappings: a draft is refused, with the line, as long as something is
// to be decided, and for nothing else; when a person has decided, it maps rows.
func TestDraftsAreMappings(t *testing.T) {
	for name, cfg := range judgedExports(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := inspected(t, cfg)
			draft := string(in.SuggestMapping())
			if strings.Contains(draft, "\n  - array:") || strings.HasSuffix(in.Paged, "*") {
				t.Skip("the language cannot say it yet")
			}
			_, err := mapping.Parse("draft.yaml", []byte(draft), nil)
			if strings.Contains(uncommented(draft), mapping.ToDecide) {
				require.ErrorContains(t, err, mapping.ToDecide, "%s", draft)
				assert.Regexp(t, `^draft\.yaml:\d+:\d+: DECIDE stands where`, err.Error())
			}
			decided := decideAll(draft)
			spec, err := mapping.Parse("draft.yaml", []byte(decided), nil)
			require.NoError(t, err, "%s", decided)
			i := spec.Input()
			cfg.Format, cfg.Rows, cfg.Columns, cfg.SkipLines = i.Format, i.Rows, i.Columns, i.SkipLines
			if cfg.Encoding == "" && len(in.Layouts) == 1 {
				cfg.Delimiter = i.Delimiter
			}
			export, err := source.Open(cfg)
			require.NoError(t, err)
			defer export.Close()
			mapped, all, reasons := mapAll(t, export, spec)
			if !strings.Contains(draft, "userId: DECIDE") {
				least := 1
				if all >= 20 {
					least = all / 3
				}
				assert.GreaterOrEqual(t, mapped, least, "of %d rows %d are mapped; %v\n%s", all, mapped, reasons, decided)
			}
		})
	}
}

// uncommented takes the comments out of a draft.
func uncommented(draft string) string {
	return regexp.MustCompile(`(?m)(^| )#.*$`).ReplaceAllString(draft, "")
}

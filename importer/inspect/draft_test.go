package inspect

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// The forms in which a draft leaves something to decide, and an answer to each: what
// is not among them is no question that a draft may ask.
var open = []struct {
	form   *regexp.Regexp
	answer string
}{
	{regexp.MustCompile(`(?m)^(\s*"(?:[^"\\]|\\.)*"): DECIDE\b.*Then leave the place empty.*$`), "$1:"},
	{regexp.MustCompile(`(?m)^(\s*"(?:[^"\\]|\\.)*"): DECIDE\b.*$`), "$1: reject"},
	{regexp.MustCompile(`(?m)^( +)from: DECIDE\n +values:.*\n +DECIDE: DECIDE.*$`), "${1}const: reject"},
	{regexp.MustCompile(`(?m)^( +(?:- )?)from: DECIDE\n +format: DECIDE$`), "${1}const: 2025-01-01T00:00:00Z"},
	{regexp.MustCompile(`(?m)^( +(?:- )?columns:\n +)DECIDE: `), "${1}refused: "},
	{regexp.MustCompile(`(?m)^  - DECIDE$`), "  - $$row == 0"},
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

// TestDraftsOfAnyHeadingsAreMappings: whatever columns and members are called, a draft
// is a mapping but for what is to be decided.
func TestDraftsOfAnyHeadingsAreMappings(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		headings := []string{"consent", "opt out: e-mail", "Do Not \"Call\"", "status #1", "{a}", "[x]", "a.b", "a b.c", "yes", "null", "each.key", "$file", "-", "- x",
			"email", "id", "user id", "created_at", "consent date", "opted_out_at", "x: y", "&a", "*b", "!c", "%d", "@e", "`f", "line\nend", "tab\there", "é", "no_sms", "purpose", "accepted", "rejected", "1", ""}
		values := []string{"yes", "no", "true", "false", "subscribed", "unsubscribed", "pending", "0", "1", "", "2024-05-01T00:00:00Z", "01/02/2024", "u1", "a@mail.example", "news", "x, y", "C0001:1,C0002:0"}
		name := rapid.SampledFrom(headings)
		value := rapid.SampledFrom(values)
		n := rapid.IntRange(1, 8).Draw(t, "columns")
		var rows []map[string]any
		var names []string
		for range n {
			names = append(names, name.Draw(t, "name"))
		}
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			row := map[string]any{}
			for _, c := range names {
				switch rapid.IntRange(0, 6).Draw(t, "kind") {
				case 0:
					row[c] = map[string]any{name.Draw(t, "inner"): value.Draw(t, "value"), "at": "2024-05-01T00:00:00Z"}
				case 1:
					row[c] = []any{map[string]any{name.Draw(t, "inner"): value.Draw(t, "value"), "name": "news"}}
				case 2:
					row[c] = []any{value.Draw(t, "value")}
				default:
					row[c] = value.Draw(t, "value")
				}
			}
			rows = append(rows, row)
		}
		var text bytes.Buffer
		path := filepath.Join(dir, "x.jsonl")
		if rapid.Bool().Draw(t, "csv") {
			path = filepath.Join(dir, "x.csv")
			w := csv.NewWriter(&text)
			_ = w.Write(names)
			for _, row := range rows {
				var cells []string
				for _, c := range names {
					cells = append(cells, fmt.Sprint(row[c]))
				}
				_ = w.Write(cells)
			}
			w.Flush()
		} else {
			e := json.NewEncoder(&text)
			for _, row := range rows {
				_ = e.Encode(row)
			}
		}
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := Inspect(context.Background(), source.Config{Paths: []string{path}})
		if err != nil {
			return
		}
		draft := string(in.SuggestMapping())
		if _, err = mapping.Parse("draft.yaml", []byte(draft), nil); err != nil && !strings.Contains(err.Error(), mapping.ToDecide) {
			t.Fatalf("%v\n%s\n%s", err, draft, text.String())
		}
		if _, err = mapping.Parse("draft.yaml", []byte(decideAll(draft)), nil); err != nil {
			t.Fatalf("%v\n%s\n%s", err, decideAll(draft), text.String())
		}
	})
}

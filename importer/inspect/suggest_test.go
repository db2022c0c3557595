package inspect

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/consentimport/consentimport/importer/source"
)

// ask stands for a question that a draft leaves to a person.
const ask = "DECIDE"

// answers is what a suggestion says of an export, each as a text.
type answers struct{ subject, time, decision, category string }

func (a answers) list() [4]string { return [4]string{a.subject, a.time, a.decision, a.category} }

var questions = [4]string{"subject", "time", "decision", "category"}

func answersOf(s *Suggestion) answers {
	join := func(columns []*Column) string {
		names := make([]string, len(columns))
		for i, c := range columns {
			names[i] = c.Name
		}
		return strings.Join(names, ", ")
	}
	var out answers
	var who []string
	if s.UserID != nil {
		who = append(who, join(append([]*Column{s.UserID}, s.AlsoUser...)))
	}
	who = append(who, s.UserPath)
	if s.Email != nil && s.Email != s.UserID {
		who = append(who, s.Email.Name)
	}
	who = slices.DeleteFunc(append(who, s.EmailPath), func(w string) bool { return w == "" })
	if len(who) == 0 && s.ProfileID != nil {
		who = append(who, "profile "+s.ProfileID.Name)
	}
	if out.subject = strings.Join(who, ", "); out.subject == "" {
		out.subject = ask
	}
	var times []string
	for _, t := range s.Times {
		of := join(t.Columns)
		if of == "" {
			of = ask
		}
		if t.Rejects {
			of = "rejects " + of
		}
		if t.Of != "" {
			of = t.Of + " " + of
		}
		times = append(times, of)
	}
	out.time = strings.Join(times, "; ")
	out.decision, out.category = ask, ask
	switch {
	case s.FileState:
		out.decision = "$file"
	case s.Form == "columns":
		out.decision, out.category = "columns "+join(s.Decisions), strings.Join(labels(s.Decisions), ", ")
	case s.Form == "lists":
		out.decision, out.category = "lists "+join(s.Decisions), "each.value"
	case s.Form == "array":
		out.decision = "array " + join(s.Decisions)
	case s.Source != nil:
		out.decision, out.category = s.Form+" "+s.Source.Name, "each.key"
	case len(s.Decisions) > 0:
		out.decision = join(s.Decisions)
	}
	if s.Category != nil {
		out.category = s.Category.Name
	}
	return out
}

// truth is what a person who knows the platform would choose: for each question the
// right answers. "-" means that the export does not say it, and that asking is right.
type truth [4][]string

// readTruth reads suggested.yaml of an example; false where it is missing, or judges
// nothing yet.
func readTruth(t *testing.T, dir string) (out truth, ok bool) {
	path := filepath.Join(dir, "suggested.yaml")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return out, false
	}
	require.NoError(t, err)
	var found map[string]any
	require.NoError(t, yaml.Unmarshal(text, &found), path)
	for i, q := range questions {
		switch v := found[q].(type) {
		case string:
			out[i] = []string{v}
		case []any:
			for _, answer := range v {
				out[i] = append(out[i], strings.TrimSpace(fmt.Sprint(answer)))
			}
		}
		if len(out[i]) == 0 {
			return out, false
		}
	}
	return out, true
}

// judgedExports are the examples of presets and those that are here for what is
// suggested for them, with how they are to be read, by their directories.
func judgedExports(t *testing.T) map[string]source.Config {
	t.Helper()
	out := map[string]source.Config{}
	for _, room := range []string{"exports", "suggest"} {
		dirs, err := filepath.Glob("../../testdata/" + room + "/*")
		require.NoError(t, err)
		require.NotEmpty(t, dirs)
		for _, dir := range dirs {
			files, err := filepath.Glob(filepath.Join(dir, "export.*"))
			require.NoError(t, err)
			if len(files) > 0 {
				out[dir] = source.Config{Paths: files, Encoding: encodingOf(dir)}
			}
		}
	}
	return out
}

// TestSuggestionsAreRight holds what is suggested for many exports against what a
// person who knows the platform would choose. What is not right is asked: nothing
// that is suggested is wrong.
func TestSuggestionsAreRight(t *testing.T) {
	var right, asked, all, whole int
	exports := judgedExports(t)
	for _, dir := range slices.Sorted(maps.Keys(exports)) {
		in := inspected(t, exports[dir])
		got := answersOf(in.Suggest())
		want, ok := readTruth(t, dir)
		if !assert.True(t, ok, "%s/suggested.yaml is missing or says nothing of one: what is right of subject, time, decision and category? Suggested is now:\n%s", dir, asFile(got)) {
			continue
		}
		row, good := "", 0
		for i, answer := range got.list() {
			verdict := "right"
			switch {
			case slices.Contains(want[i], answer):
			case strings.Contains(answer, ask) && slices.Contains(want[i], "-"):
			case strings.Contains(answer, ask):
				verdict = ask
				asked++
			default:
				verdict = "WRONG"
				assert.Fail(t, "a suggestion is wrong: let importer/inspect find what is right, or ask", "%s: the %s is %q, right is %q", dir, questions[i], answer, want[i])
			}
			all++
			if verdict == "right" {
				right++
				good++
			}
			row += fmt.Sprintf(" %-8s", verdict)
		}
		if good == len(questions) {
			whole++
		}
		t.Logf("%-34s%s", filepath.Base(dir), row)
	}
	t.Logf("%d exports, %d of them right in all; of %d answers %d are right (%.1f %%), %d are asked", len(exports), whole, all, right, 100*float64(right)/float64(all), asked)
	assert.GreaterOrEqual(t, len(exports), 60, "exports")
	assert.GreaterOrEqual(t, right*100, all*80, "right answers")
}

func asFile(a answers) string {
	var b strings.Builder
	for i, answer := range a.list() {
		fmt.Fprintf(&b, "%s: %s\n", questions[i], answer)
	}
	return b.String()
}

package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/report/summary"
)

// testKey opens the sandboxes of the tests.
const testKey = "tests.of-the-program"

// plainMapping reads the exports that writeExport makes. The message carries the
// row, so that what arrived can be told apart.
const plainMapping = `name: plain
consent:
  userId: id
  email: {from: mail, trim: true, lower: true}
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: decided
  validUntil: unlimited
  source: {const: web}
  category: purpose
  message: {template: "row {n}"}
`

const exportHeader = "n,id,mail,purpose,decision,decided\n"

var began = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// exportRow is row n of a generated export. Decisions get newer from row to row.
func exportRow(n int, subject, purpose, decision string) string {
	return fmt.Sprintf("%d,%s,%s@people.example,%s,%s,%s\n", n, subject, subject, purpose, decision,
		began.Add(time.Duration(n)*time.Second).Format(time.RFC3339))
}

// lane is a subject and a category.
type lane struct{ subject, category string }

// rehearsal is a directory with an export and a mapping, a sandbox to import
// into, and the program.
type rehearsal struct {
	program
	server *sandbox.Server
	export string         // path of the export
	lanes  map[lane][]int // rows of each subject and category, in order
	rows   int
	killed bool // the last program was
}

// rehearse makes one with an export of n rows, in which every subject has
// several decisions about a category.
func rehearse(t *testing.T, n int, faults string) *rehearsal {
	t.Helper()
	r := newRehearsal(t, faults)
	var text strings.Builder
	text.WriteString(exportHeader)
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for row := 1; row <= n; row++ {
		l := lane{fmt.Sprintf("u%d", random.IntN(n/12+1)), []string{"mail", "ads", "stats"}[random.IntN(3)]}
		decision := []string{"yes", "no"}[random.IntN(2)]
		text.WriteString(exportRow(row, l.subject, l.category, decision))
		r.lanes[l] = append(r.lanes[l], row)
	}
	r.rows = n
	r.write(t, "export.csv", text.String())
	return r
}

// newRehearsal makes one without an export.
func newRehearsal(t *testing.T, faults string) *rehearsal {
	t.Helper()
	server := newSandboxWith(t, testKey, faults)
	dir := t.TempDir()
	r := &rehearsal{
		program: program{dir: dir, env: []string{"INTEMPT_API_KEY=" + testKey}},
		server:  server, lanes: map[lane][]int{}, export: filepath.Join(dir, "export.csv"),
	}
	r.write(t, "plain.yaml", plainMapping)
	r.env = append(r.env, arrivedAt+"="+awaitQuiet(t, server))
	return r
}

// awaitQuiet serves a URL that answers when nothing is under way to a sandbox any
// more, whatever process has sent it.
func awaitQuiet(t *testing.T, server *sandbox.Server) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), waitFor)
		defer cancel()
		if err := server.AwaitQuiet(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// newSandboxWith starts a sandbox that takes one key.
func newSandboxWith(t *testing.T, key, faults string) *sandbox.Server {
	t.Helper()
	f, err := sandbox.ParseFaults(faults)
	require.NoError(t, err)
	server, err := sandbox.Start(sandbox.Config{Key: key, Faults: f, Seed: 7})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// write puts a file beside the export and gives its path.
func (r *rehearsal) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// faults changes how the sandbox misbehaves.
func (r *rehearsal) faults(t *testing.T, spec string) {
	t.Helper()
	f, err := sandbox.ParseFaults(spec)
	require.NoError(t, err)
	r.server.SetFaults(f)
}

// target are the flags that lead to the sandbox.
func (r *rehearsal) target() []string {
	return []string{"--base-url", r.server.URL(), "--org", "acme", "--project", "shop"}
}

// args are those of an import of the export under the plain mapping, and more.
func (r *rehearsal) args(more ...string) []string {
	args := append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml")}, r.target()...)
	return append(append(args, more...), r.export)
}

// out is the out directory of the import.
func (r *rehearsal) out() string { return r.export + ".import" }

// summary reads report.json.
func summaryIn(t *testing.T, dir string) *summary.Summary {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	require.NoError(t, err)
	var s summary.Summary
	require.NoError(t, json.Unmarshal(text, &s))
	require.NoError(t, s.Balanced())
	return &s
}

// column reads one column of a CSV file in a directory; without the file, nothing.
func column(t *testing.T, dir, file, name string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, file))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, lines, "%s has a header", file)
	for i, c := range lines[0] {
		if strings.TrimPrefix(c, "\ufeff") == name {
			var out []string
			for _, l := range lines[1:] {
				out = append(out, l[i])
			}
			return out
		}
	}
	require.Fail(t, "no such column", "%s in %s: %v", name, file, lines[0])
	return nil
}

func asSet(t *testing.T, list []string) map[string]bool {
	t.Helper()
	set := make(map[string]bool, len(list))
	for _, s := range list {
		require.False(t, set[s], "%s stands there twice", s)
		set[s] = true
	}
	return set
}

// account checks an import that is complete against the sandbox: every row of
// the export was sent or stands in failures.csv; what was sent has arrived; the
// decisions about each subject and category arrived in row order; no two of them
// were in flight at once. It gives how often something arrived again.
func (r *rehearsal) account(t *testing.T) (repeats int) {
	t.Helper()
	s := summaryIn(t, r.out())
	require.Equal(t, "complete", s.State)
	sent := asSet(t, column(t, r.out(), "successes.csv", "row"))
	failed := asSet(t, column(t, r.out(), "failures.csv", "row"))
	require.Equal(t, r.rows, len(sent)+len(failed), "sent and failed are all rows")
	require.EqualValues(t, r.rows, s.Rows.Read)
	require.EqualValues(t, len(sent), s.Consents.Sent)
	require.EqualValues(t, len(failed), s.Failures())
	for row := range failed {
		require.False(t, sent[row], "row %s was sent and failed", row)
	}

	last := map[lane]int{}
	arrived := map[string]bool{}
	total := 0
	for c := range r.server.All {
		total++
		var row int
		_, err := fmt.Sscanf(c.Message, "row %d", &row)
		require.NoError(t, err)
		l := lane{c.UserID, c.Category}
		if row < last[l] {
			require.Fail(t, "out of order", "row %d arrived after row %d of the same subject and category; it had arrived before: %v", row, last[l], arrived[fmt.Sprint(row)])
		}
		last[l] = row
		arrived[fmt.Sprint(row)] = true
	}
	for row := range sent {
		require.True(t, arrived[row], "row %s is said to be sent, but never arrived", row)
	}
	stats := r.server.Stats()
	unsaid := len(arrived) - len(sent) // arrived, the answer lost, and refused when it came again
	assert.LessOrEqual(t, int64(unsaid), stats.Faults["lost"])
	assert.EqualValues(t, 1, stats.MaxInFlight, "in flight of one subject and category")
	return total - len(arrived)
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInspectSaysWhatAnExportIs(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	args := append([]string{"inspect", "--encoding", "windows-1252"}, exampleFiles(t, "brevo")...)
	got := p.here(t, nil, args...).requireCode(t, exitComplete)
	assert.Empty(t, got.stderr)
	for _, want := range []string{
		"format: csv", "encoding windows-1252", `delimiter ";"`, "line ends: CRLF", "header: 8 columns", "rows: 200",
		"EMAIL_BLACKLISTED: filled 100.0 % (200 of 200)", "values: No (", "e-mail",
		"%d-%m-%Y %H:%M, zone none", "day first: 14/7 occurs in row 1", "aaaaaa.aaaaaa9@aaaa.aaaa…",
		"presets that fit:\n  brevo: ", "needs --set timezone=Europe/Paris",
	} {
		assert.Contains(t, got.stdout, want)
	}
	assert.NotRegexp(t, `[a-z]@[b-z]`, got.stdout, "an address is shown")
}

func TestInspectPrintsJSON(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	got := p.here(t, nil, append([]string{"inspect", "--json"}, exampleFiles(t, "mailchimp")...)...).requireCode(t, exitComplete)
	var in inspect.Inspection
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &in))
	assert.Equal(t, "zip", in.Inputs[0].Compression)
	assert.Len(t, in.Members, 4)
	assert.EqualValues(t, 275, in.Rows)
	assert.Equal(t, "mailchimp", in.Presets[0].Name)
}

func TestInspectReadsStandardInput(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir(), stdin: strings.NewReader("userId,consent,at\nu1,yes,2024-05-01T00:00:00Z\n")}
	got := p.here(t, nil, "inspect", "-").requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "file: -, ")
	assert.Contains(t, got.stdout, "rows: 1\n")
	assert.Contains(t, got.stdout, "presets: none fits")
}

// A suggested mapping is refused with the line at which to decide, and runs once
// that was done.
func TestASuggestedMappingRunsOnceDecided(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	export := filepath.Join(p.dir, "acme.csv")
	require.NoError(t, os.WriteFile(export, []byte("customer_id,optin_mail,consented_at\nc-1,yes,31.12.2023 10:00\nc-2,no,01.02.2024 11:00\n"), 0o600))
	draft := p.here(t, nil, "inspect", "--suggest", export).requireCode(t, exitComplete).stdout
	file := filepath.Join(p.dir, "acme.yaml")
	dryRun := func() finished {
		return p.here(t, nil, "run", "--dry-run", "--progress", "none", "--mapping", file, export)
	}
	require.NoError(t, os.WriteFile(file, []byte(draft), 0o600))
	assert.Regexp(t, regexp.MustCompile(`acme\.yaml:\d+:\d+: .*DECIDE`), dryRun().requireCode(t, exitRefused).message(t))

	decided := strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, "timezone: DECIDE", "timezone: Europe/Berlin", "const: DECIDE", "const: newsletter").Replace(draft)
	require.NoError(t, os.WriteFile(file, []byte(decided), 0o600))
	dryRun().requireCode(t, exitComplete)
}

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	file := filepath.Join(p.dir, "x.csv")
	require.NoError(t, os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600))
	for _, args := range [][]string{
		{"inspect"}, {"inspect", filepath.Join(p.dir, "none.csv")}, {"inspect", "--format", "xml", file},
		{"inspect", "--json", "--suggest", file}, {"inspect", "-", file}, {"inspect", "--delimiter", "ab", file},
	} {
		assert.NotEmpty(t, p.here(t, nil, args...).requireCode(t, exitRefused).message(t), "%q", args)
	}
}

// TestInspectPrintsTwoScreens: whatever the export, what inspect prints fits on two
// screens, and says how to get the rest; --full prints every column.
func TestInspectPrintsTwoScreens(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	wide, rows := "id,consent", strings.Builder{}
	for i := range 600 {
		wide += fmt.Sprintf(",c%d", i)
	}
	rows.WriteString("Report of the shop\nmade by somebody on a Monday\n\nid;consent;at\n")
	for i := range 20000 {
		fmt.Fprintf(&rows, "u%d;yes;2024-05-01T00:00:00Z\n", i)
	}
	exports := map[string][]string{}
	for name, text := range map[string]string{"wide.csv": wide + "\n1,yes" + strings.Repeat(",x", 600) + "\n", "preamble.csv": rows.String()} {
		path := filepath.Join(p.dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		exports[name] = []string{path}
	}
	dirs, err := filepath.Glob("../../testdata/exports/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "export.*"))
		require.NoError(t, err)
		exports[filepath.Base(dir)] = files
	}
	cut := 0
	for name, files := range exports {
		got := p.here(t, nil, append([]string{"inspect"}, files...)...).requireCode(t, exitComplete)
		assert.LessOrEqual(t, strings.Count(got.stdout, "\n"), twoScreens, name)
		full := p.here(t, nil, append([]string{"inspect", "--full"}, files...)...).requireCode(t, exitComplete)
		if full.stdout != got.stdout {
			cut++
			assert.Contains(t, got.stdout, "--full", name)
		}
	}
	assert.Greater(t, cut, 10)
	got := p.here(t, nil, "inspect", exports["preamble.csv"][0])
	assert.Contains(t, got.stdout, "the header is below 3 lines (input.skipLines of a mapping)\n")
	assert.Contains(t, got.stdout, "rows: 20,000\n")
	assert.Contains(t, p.here(t, nil, "inspect", exports["wide.csv"][0]).stdout, "  consent: 100 %, yes/no, yes (1)\n", "the column that matters is shown")
	assert.Regexp(t, `suppression\[\]\.reason: 100 %, decision word, .*, and 1 more\n`, p.here(t, nil, append([]string{"inspect"}, exports["klaviyo-api"]...)...).stdout, "a value that is not shown is counted")
}

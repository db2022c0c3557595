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
)

// TestRowsAreFoundByShape: rows are in the array of objects, whatever it is called and
// however deep it lies, unless the value around it names somebody: then it is a row.
func TestRowsAreFoundByShape(t *testing.T) {
	person := `{"email":"a@mail.example","status":"subscribed"},{"email":"b@mail.example","status":"unsubscribed"}`
	for text, want := range map[string]string{
		`{"members":[` + person + `],"total_items":2}`:                                      "members",
		`{"Data":[` + person + `]}`:                                                         "Data",
		`{"kundenliste":[` + person + `]}`:                                                  "kundenliste",
		`{"data":{"results":[` + person + `],"page":1}}`:                                    "data.results",
		`{"a":{"b":{"c":[` + person + `]}}}`:                                                "a.b.c",
		`{"errors":[{"code":1}],"customers":[` + person + `]}`:                              "customers",
		`{"status":"ok","startedAt":"2024-01-01T00:00:00Z","results":[` + person + `]}`:     "results",
		`{"consents":[{"purpose":"news","granted":true}],"next":null}`:                      "consents",
		`{"total":"2","contacts":{"47":{"id":47,"email":"a@mail.example"},"48":{"id":48}}}`: "contacts.*",
		`{"5f0c6b7e-1111-4222-8333-000000000001":{"email":"a@mail.example"}}`:               "*",
		`{"total":2,"unsubscribed":["a@mail.example","b@mail.example"]}`:                    "unsubscribed",
		// Rows themselves, with lists inside.
		`{"email":"a@mail.example","permissions":[{"name":"news","on":true}]}`:     "",
		`{"userId":"u1","purposes":[{"id":"news","on":true}]}`:                     "",
		`{"person":{"mail":"a@mail.example"},"prefs":[{"name":"news","on":true}]}`: "",
		`{"id":"1","consents":[{"purpose":"news","granted":true}]}`:                "",
		`{"contacts":{"first":{"email":"a@mail.example"},"second":{"x":1}}}`:       "",
		`{"items":["a","b"]}`: "",
		`{"items":[]}`:        "",
		`{}`:                  "",
		`[1]`:                 "",
		`{"a`:                 "",
	} {
		assert.Equal(t, want, rowsPath([]byte(text)), text)
	}
}

// TestALongPageIsNoRow: a page may be longer than a row may be.
func TestALongPageIsNoRow(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"meta":{"page":1},"data":{"people":[`)
	for i := range 30000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"email":"p%d@mail.example","consent":"subscribed","consent_timestamp":"2024-05-01T00:00:00Z"}`, i)
	}
	b.WriteString(`]}}`)
	require.Greater(t, b.Len(), 2*looked)
	in := inspectedText(t, "x.json", b.String())
	assert.Equal(t, "data.people", in.Paged)
	assert.EqualValues(t, 30000, in.Rows)
	assert.Zero(t, in.Unreadable)
	assert.Equal(t, answers{"email", "consent_timestamp", "consent", ask}, answersOf(in.Suggest()))
	fits, err := Fitting(source.Config{Paths: []string{"../../testdata/exports/didomi-users/export.part-00000.json.gz"}})
	require.NoError(t, err)
	require.NotEmpty(t, fits)
}

// TestTheHeaderIsFound: it may stand below lines of text, and what separates cells
// shows in all lines and not in the first alone.
func TestTheHeaderIsFound(t *testing.T) {
	rows := "id;mail;consent\n1;a@mail.example;yes\n2;b@mail.example;no\n3;c@mail.example;no\n"
	for name, c := range map[string]struct {
		text    string
		skipped int
		columns string
	}{
		"nothing above":           {rows, 0, "id mail consent"},
		"a title":                 {"Consents of the shop\n" + rows, 1, "id mail consent"},
		"a title and a gap":       {"Consents of the shop\n\n" + rows, 2, "id mail consent"},
		"more commas than cells":  {"Printed on Monday, 5 May 2024, by A, B, C and D\n" + rows, 1, "id mail consent"},
		"filled up by Excel":      {"Consents;;\nMay 2024;;\n" + rows, 2, "id mail consent"},
		"commas in the header":    {"name, first;mail, main;consent, given\nA;a@mail.example;yes\nB;b@mail.example;no\n", 0, "name, first mail, main consent, given"},
		"key and value above":     {"Shop:;Nord\nMonth:;May\n" + rows, 2, "id mail consent"},
		"ragged rows":             {"id;mail;consent\n1;a@mail.example;yes\n2;b@mail.example\n3;c@mail.example;no;x\n4;d@mail.example;no\n", 0, "id mail consent"},
		"a blank heading":         {"id;;consent\n1;x;yes\n2;y;no\n", 0, "id  consent"},
		"one column":              {"mail\na@mail.example\nb@mail.example\nc@mail.example\n", 0, "mail"},
		"one column with a comma": {"mail\n\"a, b\"\nb@mail.example\nc@mail.example\nd@mail.example\n", 0, "mail"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.csv")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			cfg := source.Config{Paths: []string{path}}
			export, found, err := openInspected(&cfg)
			require.NoError(t, err)
			defer export.Close()
			assert.Equal(t, c.skipped, found.Skipped)
			assert.Equal(t, c.columns, strings.Join(export.Layouts[0].Columns, " "))
		})
	}
}

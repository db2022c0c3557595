package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// TestWhoIsNobody: an address that gets copies, a colleague's, one that stands in every
// row and the platform's id of a record are nobody's who decided.
func TestWhoIsNobody(t *testing.T) {
	const rest = `"status":"subscribed","consent_at":"2024-05-01T00:00:00Z"}` + "\n"
	rows := func(n int, row string) (text string) {
		for i := range n {
			text += strings.ReplaceAll(row, "N", fmt.Sprint(i+1)) + rest
		}
		return text
	}
	for name, c := range map[string]struct{ text, want string }{
		"copies":                {rows(3, `{"id":1N,"cc_email":"deal+N@mail.example",`), ask},
		"a colleague":           {rows(3, `{"id":1N,"owner_id":{"email":"jane@mail.example"},`), ask},
		"one in all rows":       {rows(12, `{"id":1N,"account_email":"shop@mail.example","user_id":"7",`), ask},
		"one person's rows":     {rows(4, `{"id":1N,"email":"ann@mail.example",`), "email"},
		"the record":            {rows(3, `{"id":1N,"list":"2",`), ask},
		"a list of addresses":   {rows(3, `{"id":1N,"cc_email":"x@mail.example","emails":["aN@mail.example","bN@mail.example"],`), "emails[0]"},
		"one marked":            {rows(3, `{"id":1N,"email":[{"value":"bN@mail.example","primary":false},{"value":"aN@mail.example","primary":true}],`), "email[primary=true].value"},
		"none marked":           {rows(3, `{"id":1N,"email_addresses":[{"address":"aN@mail.example"}],`), "email_addresses[0].address"},
		"a person with an id":   {rows(3, `{"id":1N,"external_id":"c-N","emails":["aN@mail.example"],`), "external_id"},
		"addresses of messages": {rows(3, `{"id":1N,"messages":[{"email":"aN@mail.example"}],`), ask},
	} {
		assert.Equal(t, c.want, answersOf(inspectedText(t, "x.jsonl", c.text).Suggest()).subject, name)
	}
}

// TestWhoIsMarkedIsMapped: the path to one of several addresses leads there.
func TestWhoIsMarkedIsMapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":11,"status":"subscribed","consent_at":"2024-05-01T00:00:00Z","email":[{"value":"b@mail.example","primary":false},{"value":"A@mail.example","primary":true}]}
{"id":12,"status":"subscribed","consent_at":"2024-05-02T00:00:00Z","email":[{"value":"c@mail.example","primary":false}]}
`), 0o600))
	cfg := source.Config{Paths: []string{path}}
	draft := strings.NewReplacer(`"subscribed": DECIDE`, `"subscribed": accept`, "{const: DECIDE}", "{const: a}").Replace(string(inspected(t, cfg).SuggestMapping()))
	spec, err := mapping.Parse("draft.yaml", []byte(draft), nil)
	require.NoError(t, err, "%s", draft)
	assert.Equal(t, []string{"1 accept a 2024-05-01T00:00:00Z", "2 invalid: userId"}, becameOf(t, cfg, spec))
	assert.Contains(t, draft, "email[primary=true].value")
}

// TestWhatStandsInPlaceOfAPersonIsSaid: where nobody is named, the draft says what the
// export has, and each of the ways that it shows is a mapping.
func TestWhatStandsInPlaceOfAPersonIsSaid(t *testing.T) {
	files, err := filepath.Glob("../../testdata/suggest/activecampaign/export.*")
	require.NoError(t, err)
	draft := string(inspected(t, source.Config{Paths: files}).SuggestMapping())
	assert.NotContains(t, uncommented(draft), "profileId")
	assert.Contains(t, draft, `#   status: "1" 1, "2" 1`+"\n")
	assert.NotContains(t, draft, "ip4Unsub")
	decided := regexp.MustCompile(`(?m)^ +from: DECIDE\n +values:.*\n +DECIDE: DECIDE.*$`).ReplaceAllString(draft, `    from: status
    values: {"1": accept, "2": reject}`)
	decided = strings.Replace(decided, "from: DECIDE\n    format: DECIDE", "from: sdate", 1)

	lookup := regexp.MustCompile(`# +(lookup: .*)\n.*in place of this: (email: .*)\n`).FindStringSubmatch(draft)
	require.NotNil(t, lookup, "%s", draft)
	people := strings.Replace(decided, "userId: DECIDE", lookup[2], 1)
	people = strings.Replace(people, "\nconsent:\n", "\n"+lookup[1]+"\nconsent:\n", 1)
	_, err = mapping.Parse("draft.yaml", []byte(people), nil)
	require.NoError(t, err, "%s", people)

	profile := regexp.MustCompile(`# +(profileId: .*)\n *# +(sourceId: .*)\n`).FindStringSubmatch(draft)
	require.NotNil(t, profile, "%s", draft)
	_, err = mapping.Parse("draft.yaml", []byte(strings.Replace(decided, "userId: DECIDE", profile[1]+"\n  "+profile[2], 1)), nil)
	require.NoError(t, err)
}

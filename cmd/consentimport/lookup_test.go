package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lookupMapping = `name: two-files
lookup:
  people: {file: data/people.csv, key: id, on: customer}
skip: [people.kind == "staff"]
consent:
  userId: customer
  email: people.mail
  action: {from: state, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: purpose
`

// lookedUp is an export whose people stand in another file.
func lookedUp(t *testing.T, n int) *rehearsal {
	t.Helper()
	r := newRehearsal(t, "")
	r.write(t, "plain.yaml", lookupMapping)
	require.NoError(t, os.Mkdir(filepath.Join(r.dir, "data"), 0o700))
	var decisions, people strings.Builder
	decisions.WriteString("customer,purpose,state,at\n")
	people.WriteString("id,mail,kind\n")
	for i := range n {
		fmt.Fprintf(&decisions, "c%d,news,%s,2024-05-01T10:00:%02dZ\n", i, []string{"yes", "no"}[i%2], i%60)
		if i != 5 {
			fmt.Fprintf(&people, "c%d,u%d@mail.example,%s\n", n-1-i, n-1-i, map[bool]string{true: "staff"}[n-1-i == 7])
		}
	}
	r.write(t, "data/people.csv", people.String())
	r.write(t, "export.csv", decisions.String())
	return r
}

// addresses are those of the consents that arrived, by user.
func (r *rehearsal) addresses() map[string]string {
	out := map[string]string{}
	for _, c := range r.server.Consents() {
		out[c.UserID] = c.Email
	}
	return out
}

func TestRowsAreLookedUpInASecondFile(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 300)
	out := r.here(t, nil, r.args()...).requireCode(t, exitComplete)
	assert.Contains(t, out.stdout, "Rows have a key that the file of a lookup does not have")
	got := r.addresses()
	require.Len(t, got, 299)
	assert.NotContains(t, got, "c7", "staff, by the other file")
	assert.Equal(t, "u8@mail.example", got["c8"])
	assert.Contains(t, got, "c294")
	assert.Empty(t, got["c294"], "a key that is not there is empty")
	assert.NotContains(t, strings.Join(listing(t, r.out()), " "), "tmp", "nothing is left")

	s := summaryIn(t, r.out())
	require.Len(t, s.Lookups, 1)
	assert.Equal(t, "people", s.Lookups[0].Name)
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	text, err := os.ReadFile(filepath.Join(r.out(), "evidence.json"))
	require.NoError(t, err)
	assert.Contains(t, string(text), s.Lookups[0].SHA256)
	sheet, err := os.ReadFile(filepath.Join(r.out(), "approval.html"))
	require.NoError(t, err)
	assert.Contains(t, string(sheet), "data/people.csv")
	found := r.here(t, nil, "verify", r.out(), "--subject", "u8@mail.example").requireCode(t, exitComplete)
	assert.Contains(t, found.stdout, "\n9.1 ")
}

// What the checkpoint belongs to has the content of the file in it.
func TestAChangedLookupFileIsRefused(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 300)
	people := filepath.Join(r.dir, "data", "people.csv")
	before, err := os.ReadFile(people)
	require.NoError(t, err)
	r.here(t, nil, r.args("--limit", "100")...).requireCode(t, exitIncomplete)
	requests := r.server.Stats().Requests
	require.NoError(t, os.WriteFile(people, []byte(strings.Replace(string(before), "u200@", "x200@", 1)), 0o600))
	for name, args := range map[string][]string{
		"resume": r.args("--resume"), "resume without the mapping": {"run", "--resume", "--base-url", r.server.URL(), "--org", "acme", "--project", "shop", r.export},
		"retry": r.args("--resume", "--retry"), "report": {"report", r.out()}, "verify": {"verify", r.out()}, "evidence": {"evidence", r.out()},
	} {
		message := r.here(t, nil, args...).requireCode(t, exitRefused).message(t)
		assert.Contains(t, message, "lookup people: "+people+" is not the file that the import has begun with", name)
		assert.Contains(t, message, "--restart", name)
	}
	assert.Equal(t, requests, r.server.Stats().Requests)
	require.NoError(t, os.Remove(people))
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitRefused).message(t), "people.csv")

	require.NoError(t, os.WriteFile(people, before, 0o600))
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Len(t, r.addresses(), 299)
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
}

// The way out that the message names is one: a corrected copy, and a mapping that names it.
func TestACorrectedCopyIsImportedByARetry(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 60)
	required := strings.Replace(lookupMapping, "on: customer}", "on: customer, required: true}", 1)
	r.write(t, "plain.yaml", required)
	out := r.here(t, nil, r.args()...).requireCode(t, exitFailures)
	assert.Contains(t, out.stdout, "cannot be told: people.csv has no row with that id")
	people, err := os.ReadFile(filepath.Join(r.dir, "data", "people.csv"))
	require.NoError(t, err)
	r.write(t, "data/corrected.csv", string(people)+"c54,u54@mail.example,\n")
	r.write(t, "plain.yaml", strings.Replace(required, "people.csv", "corrected.csv", 1))
	requests := r.server.Stats().Requests
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.Equal(t, requests+1, r.server.Stats().Requests, "what was sent is not sent again")
	assert.Equal(t, "u54@mail.example", r.addresses()["c54"])
	r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
}

func TestEveryShardReadsTheLookupFile(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 200)
	whole := filepath.Join(r.dir, "whole")
	r.here(t, nil, r.args("--out", whole)...).requireCode(t, exitComplete)
	want := r.addresses()
	dirs := r.shards(t, 3)
	assert.Equal(t, want, r.addresses())
	joined := filepath.Join(r.dir, "joined")
	r.here(t, nil, append([]string{"report", "--out", joined}, dirs...)...).requireCode(t, exitComplete)
	r.here(t, nil, "verify", joined).requireCode(t, exitComplete)

	people := filepath.Join(r.dir, "data", "people.csv")
	text, err := os.ReadFile(people)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(people, append(text, "c54,u54@mail.example,\n"...), 0o600))
	other := filepath.Join(r.dir, "other")
	r.here(t, nil, r.args("--shard", "1/3", "--out", other)...)
	message := r.here(t, nil, append([]string{"report", "--out", joined + "2", other}, dirs[1:]...)...).requireCode(t, exitRefused).message(t)
	assert.Contains(t, message, "the file of a lookup")
}

func TestAKilledRunWithALookupGoesOn(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 200)
	r.env = append(r.env, sendFault+"=after@20")
	r.exec(t, r.args()...)
	r.env = r.env[:len(r.env)-1]
	r.exec(t, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Len(t, r.addresses(), 199)
}

func TestTheNamesOfALookupAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, says string }{
		"a column":      {"people.mail", "people.mial", `plain.yaml:7:10: email: data/people.csv has no column "mial"; did you mean "mail"?`},
		"in a rule":     {"people.kind", "people.knd", `data/people.csv has no column "knd"; did you mean "kind"?`},
		"the key":       {"key: id", "key: ids", `key: data/people.csv has no column "ids"; did you mean "id"?`},
		"on":            {"on: customer", "on: custmer", `on: the export has no column "custmer"; did you mean "customer"?`},
		"the file":      {"data/people.csv", "people.csv", `plain.yaml:\d+:\d+: lookup people: .*no such file`},
		"the name":      {"people: {", "customer: {", `lookup customer: the export has a column "customer" itself`},
		"without name":  {"people: {file: data/people.csv, key: id, on: customer}", "file: data/people.csv", `lookup: file belongs below a name`},
		"an odd option": {"key: id", "keey: id", `unknown key "keey" in lookup people; did you mean "key"`},
	} {
		t.Run(name, func(t *testing.T) {
			r := lookedUp(t, 20)
			require.Contains(t, lookupMapping, c.old)
			r.write(t, "plain.yaml", strings.Replace(lookupMapping, c.old, c.new, 1))
			message := r.here(t, nil, r.args()...).requireCode(t, exitRefused).message(t)
			assert.Regexp(t, strings.NewReplacer("(", `\(`, "?", `\?`).Replace(c.says), message)
			assert.Zero(t, r.server.Stats().Requests)
		})
	}
}

// A decision that is read from the other file is one that gets signed.
func TestDecisionsOfTheOtherFileAreInTheTable(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "plain.yaml", `name: people-first
input: {format: jsonl}
lookup:
  answers: {file: answers.jsonl.gz, key: person, on: id}
each: {array: "answers.given"}
consent:
  userId: id
  action: {from: each.state, values: {granted: accept, denied: reject}}
  timestamp: each.at
  validUntil: unlimited
  source: {const: app}
  category: each.purpose
`)
	f, err := os.Create(filepath.Join(r.dir, "answers.jsonl.gz"))
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	_, err = z.Write([]byte(`{"person":"p1","given":[{"purpose":"news","state":"granted","at":"2024-05-01T10:00:00Z"},{"purpose":"ads","state":"denied","at":"2024-05-01T10:00:00Z"}]}
{"person":"p2","given":[{"purpose":"news","state":"perhaps","at":"2024-05-01T10:00:00Z"}]}
`))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	r.export = r.write(t, "export.jsonl", `{"id":"p1"}`+"\n"+`{"id":"p2"}`+"\n"+`{"id":"p3"}`+"\n")
	r.here(t, nil, r.args("--dry-run")...)
	text, err := os.ReadFile(filepath.Join(r.export+".dry-run", "decisions.csv"))
	require.NoError(t, err)
	assert.Equal(t, "category,value,decision,count,reason\nnews,granted,accept,1,\nads,denied,reject,1,\n", regexp.MustCompile(`(?m)^.*,(invalid|none|nothing),.*\n`).ReplaceAllString(string(text), ""))
	assert.Regexp(t, `news,perhaps,invalid,1,`, string(text))
	r.write(t, "plain.yaml", strings.Replace(r.read(t, "plain.yaml"), "each.state", "each.stat", 1))
	message := r.here(t, nil, r.args()...).requireCode(t, exitRefused).message(t)
	assert.Contains(t, message, "stat")
}

func (r *rehearsal) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(t, err)
	return string(text)
}

func TestMappingTryAndTestKnowLookups(t *testing.T) {
	t.Parallel()
	r := lookedUp(t, 20)
	mapping := filepath.Join(r.dir, "plain.yaml")
	got := r.here(t, nil, "mapping", "try", "--unmasked", "--row", "3", mapping, r.export).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "  people.mail: u2@mail.example\n")
	learned := r.here(t, nil, "mapping", "test", "--learn", mapping, r.export).requireCode(t, exitComplete)
	assert.Contains(t, learned.stdout, `people.kind: "staff"`)
	assert.NotContains(t, learned.stdout, "u2@mail.example")
	r.write(t, "plain.yaml", lookupMapping+learned.stdout)
	tests := r.here(t, nil, "mapping", "test", mapping).requireCode(t, exitComplete)
	assert.Regexp(t, `[3-9] tests`, tests.stdout)
	r.write(t, "plain.yaml", lookupMapping+strings.Replace(learned.stdout, `people.kind: "staff"`, `people.kind: ""`, 1))
	r.here(t, nil, "mapping", "test", mapping).requireCode(t, exitFailures)
	r.here(t, nil, "mapping", "check", mapping).requireCode(t, exitComplete)
}

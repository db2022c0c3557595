package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report"
)

// patchMapping is a mapping with comments and short forms, which a change has to keep.
const patchMapping = `# of the May export
name: acme
consent:
  userId: id # theirs
  action:
    from: choice
    values: {"yes": accept, "no": reject}
  timestamp: at # as they wrote it
  validUntil: unlimited
  source: {const: web}
  category: {const: news}
`

// spoiled is an export in which some rows fail for one of several causes.
func spoiled(r *rand.Rand, rows int) string {
	times := [...]string{
		"2024-%02[2]d-%02[1]dT10:00:00Z", "%02[1]d.%02[2]d.2024 10:00", "%02[1]d/%02[2]d/2024 10:00", "%02[2]d/%02[1]d/2024", "2024-%02[2]d-%02[1]d 10:00:00",
		"%02[1]d-%02[2]d-2024", "2024%02[2]d%02[1]d", "not a time", "",
	}
	values := [...]string{"maybe", "Ja, gern", "true", "OUI", "x: y", "\"quoted\"", "#1", "ann@mail.example", "-"}
	odd, oddTime := values[r.IntN(len(values))], times[r.IntN(len(times))]
	share := 1 + r.IntN(6)
	var b strings.Builder
	b.WriteString("id,choice,at\n")
	for i := range rows {
		choice, at := []string{"yes", "no", "YES", ""}[r.IntN(4)], times[0]
		if r.IntN(10) < share {
			choice = odd
			if r.IntN(3) == 0 {
				choice = values[r.IntN(len(values))]
			}
		}
		if r.IntN(10) < share {
			at = oddTime
		}
		if strings.Contains(at, "%") {
			at = fmt.Sprintf(at, 1+r.IntN(28), 1+r.IntN(12))
		}
		id := fmt.Sprintf("u%d", i)
		if r.IntN(40) == 0 {
			id = ""
		}
		fmt.Fprintf(&b, "%s,\"%s\",%s\n", id, strings.ReplaceAll(choice, "\"", "\"\""), at)
	}
	return b.String()
}

// Every change that is proposed, made by the command that is printed, does what it
// says: it fixes as many rows as it says, and no row that was good becomes another.
// An undecided one is refused until somebody decides.
func TestEveryProposedChangeDoesWhatItSays(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	proposed, undecided := 0, 0
	for range pairsOf(12, 200) {
		dir := t.TempDir()
		p := program{dir: dir}
		export, file, dry := filepath.Join(dir, "export.csv"), filepath.Join(dir, "acme.yaml"), filepath.Join(dir, "dry")
		require.NoError(t, os.WriteFile(export, []byte(spoiled(random, 60)), 0o600))
		require.NoError(t, os.WriteFile(file, []byte(patchMapping), 0o600))
		p.here(t, nil, "run", "--dry-run", "--mapping", file, "--out", dry, export)
		before := summaryIn(t, dry)
		changes, err := report.Changes(journal.OS{}, dry)
		require.NoError(t, err)
		sent := func(mapping, name string) map[string]string {
			out := filepath.Join(dir, name)
			p.here(t, nil, "run", "--sandbox", "--progress", "none", "--mapping", mapping, "--out", out, export)
			return successesIn(t, out)
		}
		good := sent(file, "good")
		for n, change := range changes {
			proposed++
			require.Positive(t, change.Fixes)
			require.LessOrEqual(t, change.Fixes, change.Of)
			got := p.here(t, nil, "mapping", "apply", "--change", fmt.Sprint(n+1), dry).requireCode(t, exitComplete)
			assert.Contains(t, got.stdout, "# of the May export\n")
			assert.Contains(t, got.stdout, "userId: id # theirs\n")
			fixed := filepath.Join(dir, fmt.Sprintf("fixed-%d.yaml", n))
			require.NoError(t, os.WriteFile(fixed, []byte(got.stdout), 0o600))
			if strings.Contains(got.stdout, "DECIDE") {
				undecided++
				assert.Contains(t, p.here(t, nil, "mapping", "check", fixed).requireCode(t, exitRefused).message(t), "DECIDE")
				decided := strings.NewReplacer("timezone: DECIDE", "timezone: UTC", ": DECIDE", ": accept").Replace(got.stdout)
				require.NoError(t, os.WriteFile(fixed, []byte(decided), 0o600))
			}
			p.here(t, nil, "mapping", "check", fixed).requireCode(t, exitComplete)
			after := filepath.Join(dir, fmt.Sprintf("after-%d", n))
			p.here(t, nil, "run", "--dry-run", "--mapping", fixed, "--out", after, export)
			assert.Equal(t, before.Rows.Invalid-change.Fixes, summaryIn(t, after).Rows.Invalid, "%s", change.Patch)
			now := sent(fixed, fmt.Sprintf("sent-%d", n))
			for row, consent := range good {
				require.Equal(t, consent, now[row], "row %s is another: %s", row, change.Patch)
			}
			require.GreaterOrEqual(t, len(now), len(good))
		}
	}
	assert.Greater(t, proposed, 7, "that many changes were to be proposed")
	assert.Greater(t, undecided, 3)
}

// From a suggested mapping to a dry run without an invalid row: the change that leaves out an
// accept at no known time is proposed, applied as printed, and keeps what else its row says.
// Of a reject without a time nothing is proposed.
func TestAcceptsAtNoKnownTimeAreProposedToBeLeftOut(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	export, file, fixed := filepath.Join(p.dir, "shop.jsonl"), filepath.Join(p.dir, "shop.yaml"), filepath.Join(p.dir, "shop-fixed.yaml")
	row := func(n int, mail, at, sms string) string {
		return fmt.Sprintf(`{"email":"p%d@mail.example","mailConsent":{"state":"%s","consentUpdatedAt":%s},"smsConsent":{"state":"%s","consentUpdatedAt":"2024-05-0%dT00:00:00Z"}}`+"\n", n, mail, at, sms, n)
	}
	const dated = `"2024-05-01T00:00:00Z"`
	rows := row(1, "SUBSCRIBED", dated, "SUBSCRIBED") + row(2, "UNSUBSCRIBED", dated, "SUBSCRIBED") + row(3, "SUBSCRIBED", "null", "UNSUBSCRIBED")
	dryRun := func(mapping, out string) finished {
		return p.here(t, nil, "run", "--dry-run", "--progress", "none", "--mapping", mapping, "--out", filepath.Join(p.dir, out), export)
	}
	require.NoError(t, os.WriteFile(export, []byte(rows), 0o600))
	draft := p.here(t, nil, "inspect", "--suggest", export).requireCode(t, exitComplete).stdout
	decided := strings.NewReplacer(`"SUBSCRIBED": DECIDE`, `"SUBSCRIBED": accept`, `"UNSUBSCRIBED": DECIDE`, `"UNSUBSCRIBED": reject`).Replace(draft)
	require.NoError(t, os.WriteFile(file, []byte(decided), 0o600))
	first := dryRun(file, "first").requireCode(t, exitFailures)
	assert.Contains(t, first.stdout, "change in the mapping: fixes 1 of 1 row, changes 0 others\n  consent:\n    timestamp:\n      required: false\n")

	changed := p.here(t, nil, "mapping", "apply", filepath.Join(p.dir, "first")).requireCode(t, exitComplete).stdout
	require.NoError(t, os.WriteFile(fixed, []byte(changed), 0o600))
	second := dryRun(fixed, "second").requireCode(t, exitComplete)
	assert.Regexp(t, `"SUBSCRIBED" +→ nothing: accepted at no known time +1\n`, second.stdout)
	assert.Equal(t, int64(5), summaryIn(t, filepath.Join(p.dir, "second")).Consents.Made)

	require.NoError(t, os.WriteFile(export, []byte(rows+row(4, "UNSUBSCRIBED", "null", "UNSUBSCRIBED")), 0o600))
	third := dryRun(file, "third").requireCode(t, exitFailures)
	assert.Contains(t, third.stdout, "fixes 1 of 2 rows", "the reject stays for a person")
	fourth := dryRun(fixed, "fourth").requireCode(t, exitFailures)
	assert.NotContains(t, fourth.stdout, "change in the mapping")
	assert.Equal(t, int64(1), summaryIn(t, filepath.Join(p.dir, "fourth")).Rows.Invalid)
}

// successesIn are the lines of successes.csv by row.
func successesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "successes.csv"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	found := map[string]string{}
	for _, line := range strings.Split(string(text), "\n")[1:] {
		row, _, _ := strings.Cut(line, ",")
		found[row] = line
	}
	return found
}

// Where the time of some decisions is empty, a change is proposed that leaves out the
// accepts among them, element by element, and no reject; another, for a person to judge,
// leaves out rows that state nothing by any name that is read.
func TestAcceptsWithoutATimeAreLeftOutAndNoReject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := program{dir: dir}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("users.jsonl", `{"id":"u1","email":"opted_in","sms":"unsubscribed","sms_out":"2024-01-01T00:00:00Z"}
{"id":"u2","email":"unsubscribed","sms":"opted_in","sms_in":"2024-01-01T00:00:00Z"}
{"id":"u3"}
{"id":"u4","email":"opted_in","email_in":"2024-01-01T00:00:00Z","email_out":"2024-01-01T00:00:00Z"}
{"id":"u5","email":"opted_in"}
`)
	write("acme.yaml", `name: acme
each: {columns: {email: email, sms: sms}}
consent:
  userId: id
  action: {from: each.value, values: {opted_in: accept, unsubscribed: reject}}
  timestamp:
    cases:
      - {when: 'each.key == "email" and each.value == "unsubscribed"', from: email_out}
      - {when: 'each.key == "email"', from: email_in}
      - {when: 'each.value == "unsubscribed"', from: sms_out}
      - from: sms_in
  validUntil: unlimited
  source: {const: web}
  category: each.key
`)
	dry := p.exec(t, "run", "--dry-run", "--mapping", "acme.yaml", "--out", "dry", "users.jsonl").requireCode(t, exitFailures)
	assert.Contains(t, dry.stdout, "change in the mapping: fixes 2 of 3 rows, changes 0 others\n  consent:\n    timestamp:\n      required: false\n")
	assert.Contains(t, dry.stdout, "change 2: fixes 1 of 1 row, changes 0 others, once DECIDE is decided\n  skip:\n    - {when: 'row[\"email\"] == nil and row[\"sms\"] == nil', reason: DECIDE}\n")
	fixed := p.exec(t, "mapping", "apply", "dry").requireCode(t, exitComplete).stdout
	write("fixed.yaml", fixed)
	p.exec(t, "run", "--dry-run", "--mapping", "fixed.yaml", "--out", "again", "users.jsonl").requireCode(t, exitFailures)
	silent := p.exec(t, "mapping", "apply", "again").requireCode(t, exitComplete).stdout
	write("fixed.yaml", strings.Replace(silent, "DECIDE", "nothing was asked", 1))
	p.exec(t, "run", "--sandbox", "--progress", "none", "--mapping", "fixed.yaml", "--out", "out", "users.jsonl").requireCode(t, exitFailures)
	s := summaryIn(t, filepath.Join(dir, "out"))
	assert.EqualValues(t, 1, s.Rows.Invalid, "the reject without a time is still there")
	sent := successesIn(t, filepath.Join(dir, "out"))
	assert.Contains(t, sent["1"], ",sms,reject,")
	assert.Contains(t, sent["4"], ",email,accept,")
	assert.NotContains(t, sent, "2")
}

// TestOneFormatIsProposed: a date in digits alone is not taken for a number of seconds as
// well, times as JavaScript and mail write them are known, and one value that nobody may
// see keeps no other from being proposed.
func TestOneFormatIsProposed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows, says string
		fixes      int64
		format     string // of the mapping
	}{
		"a compact date":                       {"u1,yes,20240305\nu2,no,20240316\n", `"%Y%m%d"]`, 2, ""},
		"a compact time":                       {"u1,yes,20240305010203\nu2,no,20240316010203\n", `"%Y%m%d%H%M%S"]`, 2, ""},
		"JavaScript":                           {"u1,yes,Mon Feb 10 2025 14:33:05 GMT+0100 (CET)\n", `"%a %b %d %Y %H:%M:%S GMT%z"]`, 1, ""},
		"mail":                                 {"u1,yes,\"Mon, 10 Feb 2025 14:33:05 +0100\"\n", `"%a, %d %b %Y %H:%M:%S %z"]`, 1, ""},
		"values, one not":                      {"u1,maybe,2024-01-02T03:04:05Z\nu2,ann@mail.example,2024-01-02T03:04:05Z\n", `"maybe": DECIDE`, 1, ""},
		"values, one that no mapping can list": {"u1,maybe,2024-01-02T03:04:05Z\nu2,${consent},2024-01-02T03:04:05Z\nu3,DECIDE,2024-01-02T03:04:05Z\n", `"maybe": DECIDE`, 1, ""},
		"ISO among others":                     {"u1,yes,03.04.2024\nu2,no,2024-04-13T10:00:00Z\n", `["%d.%m.%Y", iso8601]`, 2, "%d.%m.%Y"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			export, file, dry := filepath.Join(dir, "export.csv"), filepath.Join(dir, "acme.yaml"), filepath.Join(dir, "dry")
			require.NoError(t, os.WriteFile(export, []byte("id,choice,at\nu0,yes,2024-01-02T03:04:05Z\n"+tt.rows), 0o600))
			text := patchMapping
			if tt.format != "" {
				text = strings.Replace(text, "timestamp: at", "timestamp: {from: at, format: '"+tt.format+"', timezone: UTC}", 1)
			}
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			program{dir: dir}.here(t, nil, "run", "--dry-run", "--mapping", file, "--out", dry, export).requireCode(t, exitFailures)
			changes, err := report.Changes(journal.OS{}, dry)
			require.NoError(t, err)
			require.Len(t, changes, 1)
			assert.Contains(t, changes[0].Patch, tt.says)
			assert.EqualValues(t, tt.fixes, changes[0].Fixes)
		})
	}
}

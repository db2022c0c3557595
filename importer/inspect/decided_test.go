package inspect

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// undecidedValue is a value in a draft whose meaning is to be decided.
var undecidedValue = regexp.MustCompile(`(?m)^(\s*)"([^"]*)": DECIDE.*$`)

// TestADraftIsRightOnceDecided: a person who says of each value whether it is an accept
// or a reject, and names zone and category, gets out of the draft what the rows state.
// All else was found.
func TestADraftIsRightOnceDecided(t *testing.T) {
	const accepts, rejects = " SUBSCRIBED active true erteilt ", " UNSUBSCRIBED unsubscribed false widerrufen "
	for name, want := range map[string][]string{
		"hubspot-status": {"1 accept Newsletter 2023-11-07T05:31:56Z", "3 reject Newsletter 2024-11-07T05:31:56Z"},
		"klaviyo-api": {"1 accept email 2023-02-21T20:07:38Z", "2 reject email 2024-05-30T13:51:17Z", "2 accept sms 2023-01-01T00:00:00Z",
			"4 accept email 2022-02-21T20:07:38Z", "5 accept email 2022-03-21T20:07:38Z", "5 reject sms 2024-04-01T09:00:00Z", "6 accept email 2022-04-21T20:07:38Z"},
		"mailerlite": {"1 accept x 2021-09-01T14:03:50Z", "2 reject x 2023-01-01T10:00:00Z"},
		"shopify-bulk": {"1 accept emailMarketingConsent 2023-10-12T10:00:00Z", "2 reject emailMarketingConsent 2023-11-12T10:00:00Z",
			"2 accept smsMarketingConsent 2022-01-12T10:00:00Z", "7 invalid: timestamp"},
		"german-status": {"1 accept E-Mail 2021-02-03T10:00:00Z", "2 reject Telefon 2022-05-06T12:00:00Z", "4 accept Telefon 2020-12-24T18:00:00Z"},
		"mparticle": {"1 accept performance 2022-04-15T05:20:01Z", "1 reject marketing 2022-04-15T05:20:02Z", "2 reject performance 2022-04-15T05:20:03Z",
			"2 reject marketing 2022-04-15T05:20:04Z", "3 accept performance 2022-04-15T05:20:05Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join("../../testdata/suggest", name, "export.*"))
			require.NoError(t, err)
			cfg := source.Config{Paths: files}
			draft := undecidedValue.ReplaceAllStringFunc(string(inspected(t, cfg).SuggestMapping()), func(line string) string {
				m := undecidedValue.FindStringSubmatch(line)
				action := ""
				switch word := " " + m[2] + " "; {
				case strings.Contains(accepts, word) && strings.Contains(line, "empty if it means accept"):
				case strings.Contains(accepts, word):
					action = "accept"
				case strings.Contains(rejects, word):
					action = "reject"
				}
				return fmt.Sprintf("%s%q: %s", m[1], m[2], action)
			})
			draft = strings.NewReplacer("skip:\n  - DECIDE\n", "", "timezone: DECIDE", "timezone: UTC", "category: {const: DECIDE}", "category: {const: x}").Replace(draft)
			spec, err := mapping.Parse("draft.yaml", []byte(draft), nil)
			require.NoError(t, err, "%s", draft)
			assert.Equal(t, want, becameOf(t, cfg, spec))
		})
	}
}

// becameOf says what rows become: a line a consent, or why a row is invalid.
func becameOf(t *testing.T, cfg source.Config, spec *mapping.Spec) (out []string) {
	t.Helper()
	all, err := rows.OpenSingle(cfg, spec)
	require.NoError(t, err)
	defer all.Close()
	for {
		one, err := all.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		if one.Result.Status == mapping.Invalid {
			field, _, _ := strings.Cut(one.Result.Reason, ":")
			out = append(out, fmt.Sprintf("%d invalid: %s", one.Row.Number, field))
			continue
		}
		for _, c := range one.Result.Consents {
			out = append(out, fmt.Sprintf("%d %s %s %s", one.Row.Number, c.Action, c.Category, time.UnixMilli(c.Timestamp).UTC().Format(time.RFC3339)))
		}
	}
}

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
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.txt")
			require.NoError(t, os.WriteFile(path, []byte(c.export), 0o600))
			cfg := source.Config{Paths: []string{path}}
			draft := string(inspected(t, cfg).SuggestMapping())
			decided := undecidedValue.ReplaceAllStringFunc(draft, func(line string) string {
				m := undecidedValue.FindStringSubmatch(line)
				action := "reject"
				if m[2] == "true" && !strings.Contains(line, "DECIDE: reject? ") {
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

// TestOtherLegalGrounds: where rows say that the ground is not consent, an accept there is
// none, and a refusal stays one.
func TestOtherLegalGrounds(t *testing.T) {
	const row = `{"subscriberIdString":"u%d@mail.example","status":"%s","legalBasis":"%s","subscriptionName":"News","timestamp":"2024-05-01T10:00:00Z"}` + "\n"
	text := ""
	for i, ground := range []string{"CONSENT_WITH_NOTICE", "LEGITIMATE_INTEREST_CLIENT"} {
		for k, status := range []string{"SUBSCRIBED", "UNSUBSCRIBED", "SUBSCRIBED", "UNSUBSCRIBED"} {
			text += fmt.Sprintf(row, 4*i+k, status, ground)
		}
	}
	path := filepath.Join(t.TempDir(), "x.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	cfg := source.Config{Paths: []string{path}}
	draft := string(inspected(t, cfg).SuggestMapping())
	assert.Contains(t, draft, "legalBasis names legal grounds other than consent (4 times)")
	assert.Contains(t, draft, `when: 'lower(row["legalBasis"]) in ["legitimate_interest_client"]'`)
	decided := strings.Replace(draft, `"SUBSCRIBED": DECIDE # DECIDE: reject, or empty`, `"SUBSCRIBED": # `, 1)
	decided = strings.ReplaceAll(decided, `"UNSUBSCRIBED": DECIDE`, `"UNSUBSCRIBED": reject`)
	decided = strings.ReplaceAll(decided, `"SUBSCRIBED": DECIDE`, `"SUBSCRIBED": accept`)
	spec, err := mapping.Parse("draft.yaml", []byte(decided), nil)
	require.NoError(t, err, "%s", decided)
	got := strings.Join(becameOf(t, cfg, spec), "; ")
	for _, want := range []string{"1 accept", "2 reject", "3 accept", "4 reject", "6 reject", "8 reject"} {
		assert.Contains(t, got, want+" News")
	}
	assert.NotContains(t, got, "5 ")
	assert.NotContains(t, got, "7 ")
}

// TestRefusalsBesideTheDecisionAreAsked: a list of suppressions or a do-not flag says no for
// whoever is in it, whatever the decision says.
func TestRefusalsBesideTheDecisionAreAsked(t *testing.T) {
	for name, asks := range map[string]bool{"klaviyo-api": true, "hubspot-status": false, "mailerlite": false, "shopify-bulk": false} {
		files, err := filepath.Glob(filepath.Join("../../testdata/suggest", name, "export.*"))
		require.NoError(t, err)
		draft := string(inspected(t, source.Config{Paths: files}).SuggestMapping())
		assert.Equal(t, asks, strings.Contains(draft, "\nskip:\n  - DECIDE\n"), "%s\n%s", name, draft)
	}
}

// TestAListOfWhatWasAcceptedIsAskedAbout: such an export has no refusals in so many words;
// the draft says what makes them, and the rules that it names are ones.
func TestAListOfWhatWasAcceptedIsAskedAbout(t *testing.T) {
	for name, column := range map[string]string{"commanders-act": "cookie", "ccm19": "purposes", "hu-manity": "purpose", "contao-cookiebar": "confirmed"} {
		files, err := filepath.Glob(filepath.Join("../../testdata/exports", name, "export*"))
		require.NoError(t, err)
		draft := string(inspected(t, source.Config{Paths: files}).SuggestMapping())
		assert.Contains(t, draft, "who left something out has refused it", name)
		each := regexp.MustCompile(`(?m)^ *# (each: \{(?:split|array|object): ` + column + `, .*\})$`).FindStringSubmatch(draft)
		require.NotNil(t, each, "%s\n%s", name, draft)
		text := strings.NewReplacer("name or number in the list", "n", "'…'", "'(.+)'").Replace(each[1]) +
			"\nconsent: {userId: u, category: each.key, action: {from: each.value, values: {\"true\": accept, \"false\": reject}}, timestamp: at, validUntil: unlimited, source: {const: s}}"
		_, err = mapping.Parse("draft.yaml", []byte(text), nil)
		require.NoError(t, err, "%s\n%s", name, text)
	}
}

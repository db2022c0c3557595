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
	const accepts, rejects = " SUBSCRIBED active true erteilt ", " UNSUBSCRIBE USER_SUPPRESSED UNSUBSCRIBED unsubscribed false widerrufen "
	for name, want := range map[string][]string{
		"hubspot-status": {"1 accept Newsletter 2023-11-07T05:31:56Z", "3 reject Newsletter 2024-11-07T05:31:56Z"},
		"klaviyo-api": {"1 accept email 2023-02-21T20:07:38Z", "2 reject email 2024-05-30T13:51:17Z", "2 accept sms 2023-01-01T00:00:00Z",
			"2 reject x 2024-05-30T13:51:17Z", "4 accept email 2022-02-21T20:07:38Z", "4 reject x 2024-01-02T00:00:00Z", "5 accept email 2022-03-21T20:07:38Z",
			"5 reject sms 2024-04-01T09:00:00Z", "6 accept email 2022-04-21T20:07:38Z", "6 reject x 2024-02-21T20:07:38Z"},
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
			draft = strings.NewReplacer("timezone: DECIDE", "timezone: UTC", "category: {const: DECIDE}", "category: {const: x}").Replace(draft)
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
// whoever is in it, whatever the decision says. A list becomes a block of its own, in the
// order of the export, with the time of its elements and their values to decide.
func TestRefusalsBesideTheDecisionAreAsked(t *testing.T) {
	for name, blocks := range map[string]int{"klaviyo-api": 2, "hubspot-status": 0, "mailerlite": 0, "shopify-bulk": 0} {
		files, err := filepath.Glob(filepath.Join("../../testdata/suggest", name, "export.*"))
		require.NoError(t, err)
		draft := string(inspected(t, source.Config{Paths: files}).SuggestMapping())
		assert.Equal(t, blocks, strings.Count(draft, "\n  - array: "), "%s\n%s", name, draft)
		assert.NotContains(t, draft, "\nskip:\n", "%s\n%s", name, draft)
	}
	one := string(inspectedText(t, "x.csv", "email,newsletter,do_not_email,at\na@mail.example,subscribed,true,2024-05-01T00:00:00Z\nb@mail.example,unsubscribed,false,2024-05-01T00:00:00Z\n").SuggestMapping())
	assert.Contains(t, one, "\nskip:\n  - DECIDE\n", "beside one decision of a row a refusal is asked about")
	draft := string(inspectedText(t, "x.jsonl", `{"email":"a@mail.example","at":"2024-05-01T00:00:00Z","email_consent":"subscribed","sms_consent":"subscribed","do_not_call":true,"lists":[],"complaints":[]}
{"email":"b@mail.example","at":"2024-05-02T00:00:00Z","email_consent":"unsubscribed","sms_consent":"subscribed","do_not_call":false,"lists":[{"list":"l1","state":"unsubscribed","opted_out_at":"2024-01-01T00:00:00Z","decision_date":"2024-02-02T00:00:00Z"}],"complaints":[{"reason":"spam complaint","date":"2024-03-03T00:00:00Z"},{"reason":"hard bounce","date":"2024-03-04T00:00:00Z"}]}
`).SuggestMapping())
	assert.Contains(t, draft, `  - columns:
      DECIDE: do_not_call # DECIDE: it holds refusals; of which category? Remove this block if the decisions above know them already
    consent:
      action:
        from: each.value
        values: # `+valuesNote+`
          "false": # says nothing: not to object is not to agree (once)
          "true": DECIDE # DECIDE: reject? The column asks whether somebody objects (once)
`)
	assert.Contains(t, draft, `  - array: lists # it holds refusals beside the decisions above: remove this block if these know them already
    consent:
      action:
        from: each.state
        values: # `+valuesNote+`
          "unsubscribed": DECIDE # DECIDE: accept or reject? (once)
      category: {const: DECIDE} # DECIDE: about which of the above? Or is it about what each.list names? Then: category: {from: each.list}
      timestamp:
        from: DECIDE
        format: DECIDE
  - array: complaints # it`)
	assert.Contains(t, draft, `"spam complaint": DECIDE # DECIDE: reject? Who complained about mail wants none (once)`)
	assert.Contains(t, draft, `"hard bounce": DECIDE # DECIDE: what became of mail, and nobody's decision? Then leave the place empty (once)`)
	assert.NotContains(t, draft, "lists[].state:", "what has a block of its own is not listed again")
}

// TestBlocksThatAreShownAreOnes: beside one decision of a row the draft shows how a list of
// decisions, or a refusal in a column, is mapped as well; put where it says, it is.
func TestBlocksThatAreShownAreOnes(t *testing.T) {
	const at = "2024-05-01T00:00:00Z"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a list": {
			`{"email":"a@mail.example","status":"subscribed","timestamp":"` + at + `","permissions":[{"text":"Post","enabled":false},{"text":"Phone","enabled":true}]}
{"email":"b@mail.example","status":"unsubscribed","timestamp":"` + at + `","permissions":[]}
{"email":"c@mail.example","status":"subscribed","timestamp":"` + at + `","permissions":[{"text":"Post","enabled":false},{"text":"Phone","enabled":false}]}
{"email":"d@mail.example","status":"subscribed","timestamp":"` + at + `"}
`, []string{"1 accept status", "1 reject Post", "1 accept Phone", "2 reject status", "3 reject Post", "3 reject Phone", "4 accept status"},
		},
		"a refusal": {
			"email,newsletter,Do Not Call,timestamp\na@mail.example,subscribed,yes," + at + "\nb@mail.example,unsubscribed,no," + at + "\n",
			[]string{"1 accept newsletter", "1 reject Do Not Call", "2 reject newsletter"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.txt")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			cfg := source.Config{Paths: []string{path}}
			draft := string(inspected(t, cfg).SuggestMapping())
			shown := regexp.MustCompile(`(?m)^ *# +each:\n(?: *# +- .*\n)+`).FindString(draft)
			require.NotEmpty(t, shown, "%s", draft)
			blocks := strings.ReplaceAll(regexp.MustCompile(`(?m)^ *#   `).ReplaceAllString(shown, ""), "DECIDE", "reject")
			blocks = strings.ReplaceAll(blocks, `{"false": reject, "true": reject}`, `{"false": reject, "true": accept}`)
			if rule := regexp.MustCompile(`in the first block: (skip: .*)`).FindStringSubmatch(draft); rule != nil {
				blocks = strings.Replace(blocks, "{columns: {status: status}}", "{columns: {status: status}, "+rule[1]+"}", 1)
			}
			decided := strings.NewReplacer("skip:\n  - DECIDE\n", "", "\nconsent:\n", "\n"+blocks+"\nconsent:\n", "from: newsletter\n", "from: each.value\n", "from: status\n", "from: each.value\n",
				"category: {const: DECIDE}", "category: each.key", `"subscribed": DECIDE`, `"subscribed": accept`, `"unsubscribed": DECIDE`, `"unsubscribed": reject`).Replace(draft)
			spec, err := mapping.Parse("draft.yaml", []byte(decided), nil)
			require.NoError(t, err, "%s", decided)
			var want []string
			for _, w := range c.want {
				want = append(want, w+" "+at)
			}
			assert.Equal(t, want, becameOf(t, cfg, spec), "%s", decided)
		})
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

// TestFlagsMayLackAnAnswer: one word for "nobody knows" in a column of flags does not part
// it from the others, whatever the language of both.
func TestFlagsMayLackAnAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"opt-outs": "Email,Opted out of email: News,Opted out of email: Offers,Unsubscribed from all email\na@mail.example,true,unknown,false\nb@mail.example,,true,yes\nc@mail.example,true,false,\n",
		"opt-ins":  "email,optin_news,optin_offers,optin_sms\na@mail.example,yes,pending,no\nb@mail.example,no,yes,no\nc@mail.example,yes,no,yes\n",
		"german":   "E-Mail,Widerspruch Post,Widerspruch Telefon,Widerspruch E-Mail\na@mail.example,ja,unbekannt,nein\nb@mail.example,nein,ja,ja\nc@mail.example,,nein,ja\n",
	} {
		s := inspectedText(t, "x.csv", text).Suggest()
		assert.Equal(t, "columns", s.Form, name)
		assert.Len(t, s.Decisions, 3, name)
	}
}

// TestObjectionsHaveNoOtherGround: where every column asks whether somebody objects, there
// is no accept that another legal ground could unmake, and no table for it.
func TestObjectionsHaveNoOtherGround(t *testing.T) {
	const text = "Email,Opted out of email: News,Opted out of email: Offers,Legal basis\na@mail.example,true,false,Performance of a contract\nb@mail.example,,true,Legitimate interest\n"
	draft := string(inspectedText(t, "x.csv", text).SuggestMapping())
	assert.NotContains(t, draft, "legal ground")
	assert.Contains(t, draft, `"false": # says nothing: not to object is not to agree`)
}

// TestAnExportWithoutTimes: the draft says what the time is where the export has none, and
// what it says is a mapping.
func TestAnExportWithoutTimes(t *testing.T) {
	for name, text := range map[string]string{
		"none":       "email,newsletter\na@mail.example,yes\nb@mail.example,no\n",
		"a record's": "email,newsletter,Create Date\na@mail.example,yes,2024-05-01\nb@mail.example,no,2024-05-02\n",
	} {
		path := filepath.Join(t.TempDir(), "x.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		cfg := source.Config{Paths: []string{path}}
		draft := string(inspected(t, cfg).SuggestMapping())
		require.Contains(t, draft, "that day is the time of all:\n", name)
		says := regexp.MustCompile(`in place of from and format: (const: \S+)\n`).FindStringSubmatch(draft)
		require.NotNil(t, says, "%s\n%s", name, draft)
		draft = strings.Replace(draft, "from: DECIDE\n    format: DECIDE", says[1], 1)
		draft = strings.NewReplacer(`"yes": DECIDE`, `"yes": accept`, `"no": DECIDE`, `"no": reject`, "category: {const: DECIDE}", "category: {const: x}").Replace(draft)
		spec, err := mapping.Parse("draft.yaml", []byte(draft), nil)
		require.NoError(t, err, "%s\n%s", name, draft)
		assert.Equal(t, []string{"1 accept x 2026-05-01T00:00:00Z", "2 reject x 2026-05-01T00:00:00Z"}, becameOf(t, cfg, spec), name)
	}
	dated := string(inspectedText(t, "x.csv", "email,newsletter,consent_timestamp\na@mail.example,yes,2024-05-01T00:00:00Z\nb@mail.example,no,2024-05-01T00:00:00Z\n").SuggestMapping())
	assert.NotContains(t, dated, "that day is the time of all")
}

// TestWhoIsMissingIsSaid: where rows may have none of the identifiers that were chosen, the
// draft names the record's own.
func TestWhoIsMissingIsSaid(t *testing.T) {
	const says = "id, the platform's id of the record, names the others as well: userId: {from: id}"
	rest := ",consent,consent_at\n"
	some := string(inspectedText(t, "x.csv", "id,email"+rest+"17001,a@mail.example,subscribed,2024-05-01T00:00:00Z\n17002,,unsubscribed,2024-05-02T00:00:00Z\n").SuggestMapping())
	assert.Contains(t, some, says)
	all := string(inspectedText(t, "x.csv", "id,email"+rest+"17001,a@mail.example,subscribed,2024-05-01T00:00:00Z\n17002,b@mail.example,unsubscribed,2024-05-02T00:00:00Z\n").SuggestMapping())
	assert.NotContains(t, all, says)
}

// TestRowsOfTwoForms: files of pages and files of single rows may lie side by side; what the
// rows of one form say is not taken for what all say.
func TestRowsOfTwoForms(t *testing.T) {
	dir := t.TempDir()
	lines, page := filepath.Join(dir, "1.jsonl"), filepath.Join(dir, "2.json")
	require.NoError(t, os.WriteFile(lines, []byte(`{"email":"a@mail.example","mailConsent":{"state":"SUBSCRIBED","consentAt":"2024-05-01T00:00:00Z"},"smsConsent":{"state":"UNSUBSCRIBED","consentAt":"2024-05-01T00:00:00Z"}}`+"\n"), 0o600))
	require.NoError(t, os.WriteFile(page, []byte(`{"customers":[{"email":"b@mail.example","mail_consent":{"status":"subscribed","consent_at":"2024-05-01T00:00:00Z"},"sms_consent":{"status":"unsubscribed","consent_at":"2024-05-01T00:00:00Z"}}]}`), 0o600))
	both := inspected(t, source.Config{Paths: []string{lines, page}})
	assert.Equal(t, "customers", both.Paged)
	assert.Equal(t, int64(2), both.Rows)
	assert.Equal(t, int64(0), both.Unreadable)
	got := answersOf(both.Suggest())
	assert.Equal(t, answers{"email", ask, ask, ask}, got)
	assert.Empty(t, inspected(t, source.Config{Paths: []string{lines}}).Paged, "no file is a page")
}

// TestValuesThatAreNotShownAreCounted: a list of values that leaves some out says so, of the
// decision as of what else may be one.
func TestValuesThatAreNotShownAreCounted(t *testing.T) {
	text := "email,status,delivery_reason,at\n"
	for i, v := range []string{"subscribed,hard bounce", "unsubscribed,unsubscribed", "subscribed,hard bounce", "Sonstiges,GDPR_DELETED"} {
		text += fmt.Sprintf("p%d@mail.example,%s,2024-05-01T00:00:00Z\n", i, v)
	}
	draft := string(inspectedText(t, "x.csv", text).SuggestMapping())
	assert.Contains(t, draft, "#   delivery_reason: hard bounce 2, unsubscribed 1, and 1 more\n")
	assert.Contains(t, draft, "# Values that are not shown here: 1; a dry run lists")
	assert.NotContains(t, draft, "GDPR")
	assert.NotContains(t, draft, "Sonstiges")
}

// TestWhatADraftSaysOfChoices: the zone of several times is asked for once, a word for who
// is signed up is doubted beside one for who chose to be, and an id by which the platform
// counts people is named as that.
func TestWhatADraftSaysOfChoices(t *testing.T) {
	draft := string(inspectedText(t, "x.csv", "contact_id,email,status,subscribed_at,unsubscribed_at\n1,a@mail.example,subscribed,2024-05-01 10:00:00,\n2,b@mail.example,unsubscribed,,2024-05-02 10:00:00\n3,c@mail.example,opted_in,2024-05-03 10:00:00,\n").SuggestMapping())
	assert.Equal(t, 1, strings.Count(uncommented(draft), "timezone: DECIDE"), "%s", draft)
	assert.Contains(t, draft, "\ntimezone: DECIDE\n")
	assert.Contains(t, draft, `"subscribed": DECIDE # DECIDE: accept? Or what everybody is who chose nothing, where "opted_in" says who chose? Then leave the place empty (once)`)
	assert.Contains(t, draft, `"opted_in": DECIDE # DECIDE: accept or reject? (once)`)
	assert.Contains(t, draft, "userId: {from: contact_id, trim: true} # the platform's own id: only if the target knows people by it; without this line the e-mail is the userId\n")

	one := string(inspectedText(t, "x.csv", "user_id,status,consent_at\n1,subscribed,2024-05-01 10:00:00\n2,rejected,2024-05-02 10:00:00\n").SuggestMapping())
	assert.Contains(t, one, "\n    timezone: DECIDE\n", "one time has its zone beside it")
	assert.Contains(t, one, `"subscribed": DECIDE # DECIDE: accept or reject? (once)`)
	assert.NotContains(t, one, "the platform's own id")
}

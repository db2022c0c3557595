package importer

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// decisionPlace is a place in a platform's export on which it depends whether a row
// says yes: one of the fields finds it, accept lists the only words that may
// stand there beside an accept.
type decisionPlace struct {
	columns []string // CSV: these cells
	within  string   // CSV: only what this finds in them
	file    bool     // the name of the file
	json    string   // JSON: what the only group of this finds, wherever it is found
	inside  string   // JSON: only inside of what this finds
	accept  []string // words, compared without regard to case and blanks around them
	like    string   // or words in which this is found
}

// decisions says, for every preset, where its decisions stand. What is not
// listed here could forge an accept unseen, so a preset without an entry fails.
func decisions() map[string][]decisionPlace {
	yes := []string{"yes"}
	truth := []string{"true"}
	bit := []string{"1"}
	given := []string{"ACTIVE", "CONFIRMED", "OPT_IN", "EXTEND", "EXPIRED"}
	status := `\s*:\s*("[^"]*"|true|false|null)`
	return map[string][]decisionPlace{
		"canonical":        {{columns: []string{"action"}, accept: []string{"accept"}}},
		"onetrust":         {{json: `"Status"` + status, accept: given}},
		"onetrust-webhook": {{json: `"TransactionStatus"` + status, accept: given}},
		"transcend": {
			{columns: []string{"Advertising", "Analytics", "Functional", "SaleOfInfo"}, accept: truth},
			{columns: []string{"decryptionStatus"}, accept: []string{"", "DECRYPTED"}},
		},
		"transcend-upload": {
			{columns: []string{"purposes"}, within: `true|false|"Auto"`, accept: truth},
			{columns: []string{"confirmed"}, accept: truth},
		},
		"usercentrics": {
			{columns: []string{"Consent Given"}, accept: []string{"true", "1"}},
			{columns: []string{"Consent Action"}, accept: []string{"onAcceptAllServices", "onDenyAllServices", "onUpdateServices"}},
			{columns: []string{"Data Processing Service ID"}, accept: []string{"H1Vl5NidjWX", "BJ59EidsWQ", "S1_9Vsuj-Q"}},
		},
		"didomi-users":  {{json: `"enabled"` + status, accept: truth}},
		"didomi-events": {{json: `"enabled"` + status, accept: truth}, {json: `"status"` + status, accept: []string{"confirmed"}}},
		"segment-events": {
			{json: `:\s*(true|false)`, inside: `"categoryPreferences":\{[^}]*\}`, accept: truth},
			{json: `"event"` + status, accept: []string{"Segment Consent Preference Updated"}},
			{json: `"type"` + status, accept: []string{"track"}},
		},
		"segment-subscriptions": {{columns: []string{"email_subscription_status", "sms_subscription_status", "whatsapp_subscription_status"}, accept: []string{"subscribed"}}},
		"webtoffee":             {{columns: []string{"Cookie Details"}, within: `\b(yes|no)\b`, accept: yes}},
		"complianz": {
			{columns: []string{"statistics", "stats", "preferences", "prefs", "marketing"}, accept: bit},
			{columns: []string{"consenttype"}, accept: []string{"optin", "optinstats"}},
			{columns: []string{"no_choice"}, accept: []string{"", "0"}},
		},
		"moove":            {{columns: []string{"3rd Party Cookies", "Additional Cookies"}, accept: yes}},
		"cookieadmin":      {{columns: []string{"Consent Status"}, accept: []string{"Accepted"}}},
		"contao-cookiebar": {{columns: []string{"confirmed"}, like: `(?i)\(ID:\s*(3|4|7)\b`}},
		"ccm19": {
			{json: `("\d+")\s*:`, inside: `"purposes"\s*:\s*\{[^}]*\}`, accept: []string{"2", "3", "5"}},
			{json: `"consent"` + status, accept: truth},
		},
		"hu-manity": {
			{columns: []string{"purpose"}, like: `(?i)(^|,)\s*(Personalization|Analytics|Advertising)\s*(,|$)`},
			{columns: []string{"consent"}, accept: []string{"Accept"}},
		},
		"commanders-act": {
			{columns: []string{"cookie"}, like: `(^|,)\s*(2|3|10001)\s*(,|$)`},
			{columns: []string{"privacy_action"}, accept: bit},
		},
		"consentforge": {
			{columns: []string{"analytics", "marketing", "functional"}, accept: truth},
			{columns: []string{"event_type"}, accept: []string{"consent.created", "consent.updated"}},
		},
		"voyado": {{columns: []string{"value"}, accept: truth}},
		"fides": {
			{json: `"preference"` + status, accept: []string{"opt_in"}},
			{json: `"method"` + status, accept: []string{"accept", "reject", "save", "button", "individual_notice", "null"}},
		},
		"iubenda":   {{json: `:\s*(true|false)`, inside: `"preferences"\s*:\s*\{[^}]*\}`, accept: truth}},
		"mailchimp": {{file: true, like: `(?i)^subscribed([_.\s]|$)`}},
		"shopify":   {{columns: []string{"Accepts Email Marketing", "Accepts SMS Marketing"}, accept: yes}},
		"klaviyo": {
			{columns: []string{"Email Marketing Consent"}, accept: []string{"SUBSCRIBED"}},
			{columns: []string{"Email Suppressions"}, like: `^[\s\[\]'",]*((HARD_BOUNCE|INVALID_EMAIL)[\s\[\]'",]*)*$`},
		},
		// no word there is an accept, only a date
		"braze": {{columns: []string{"opted_in_to_emails_at", "opted_into_push_at"}}},
		"brevo": {{columns: []string{"EMAIL_BLACKLISTED", "SMS_BLACKLISTED"}}},
		"salesforce-marketing-cloud": {
			{columns: []string{"Status"}, accept: []string{"active"}},
		},
		"salesforce-contact-point-consent": {
			{columns: []string{"PrivacyConsentStatus", "PRIVACYCONSENTSTATUS"}, accept: []string{"OptIn"}},
			{columns: []string{"DataUsePurposeId", "DATAUSEPURPOSEID"}, accept: []string{"0ZW5f000000Kz1AGAS", "0ZW5f000000Kz1BGAS"}},
		},
	}
}

// allows says that an accept beside this word forges nothing.
func (d *decisionPlace) allows(word string) bool {
	word = strings.TrimSpace(word)
	if d.like != "" && regexp.MustCompile(d.like).MatchString(word) {
		return true
	}
	return slices.ContainsFunc(d.accept, func(a string) bool { return strings.EqualFold(a, word) })
}

// undecided are the words with which platforms say that nobody decided, and
// others that a lenient reader would take for a yes.
var undecided = []string{
	"", " ", "null", "NULL", "nil", "None", "undefined", "wait", "NEVER_SUBSCRIBED", "did-not-subscribe", "PENDING", "pending_approval", "NO_CHOICE", "NONE", "Auto", "V", "-1",
	"IMPLICIT", "implied", "ALWAYS_ACTIVE", "NO_OPT_OUT", "CHANGE_PREFERENCES", "default", "onInitialPageLoad", "onNonEURegion", "onSessionRestored", "onEssentialChange", "banner.shown",
	"Partial", "Partially Accepted", "held", "bounced", "cleaned", "nonsubscribed", "Seen", "NotSeen", "acknowledge", "dismiss", "script", "not set", "n/a", "unknown", "0", "2", "01", "1.0", "+1", "no", "false",
	"y", "ja", "oui", "on", "ok", "t", "x", "✓", "granted", "allow", "trueish", "not true", "yes?", "no yes", "acceptall", "accept,reject", "unsubscribed", "inactive", "notactive", "OptInPending", "\u200eyes",
}

// forged makes a word that may stand where a decision stands.
func forged(r *rand.Rand, d *decisionPlace) string {
	letters := []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. äßéİſ真是")
	random := func(n int) string {
		out := make([]rune, n)
		for i := range out {
			out[i] = letters[r.IntN(len(letters))]
		}
		return string(out)
	}
	word := "yes"
	if len(d.accept) > 0 {
		word = d.accept[r.IntN(len(d.accept))]
	}
	at := r.IntN(len(word) + 1)
	switch r.IntN(8) {
	case 0:
		return random(1 + r.IntN(20))
	case 1:
		return word[:at] // cut off
	case 2:
		return word[:at] + random(1) + word[at:]
	case 3:
		return word + word
	case 4:
		return strings.ToUpper(word[:at]) + strings.ToLower(word[at:])
	case 5:
		return word + " " + random(3)
	case 6:
		return "not " + word
	default:
		return undecided[r.IntN(len(undecided))]
	}
}

// literal writes a word as JSON: mostly as a string, sometimes as another value
// that a lenient reader would take for true.
func literal(r *rand.Rand, word string) (text, means string) {
	other := []string{"null", "1", "0", "-1", "1.0", "[]", "{}", "[true]", `["true"]`, `{"value":true}`, `{"enabled":true}`, "1e0"}
	if r.IntN(8) == 0 {
		v := other[r.IntN(len(other))]
		return v, v
	}
	b, _ := json.Marshal(word)
	return string(b), word
}

// forgeries is how many words are tried at each place.
const forgeries = 1000

// TestNoAcceptIsForged puts words in the place of decisions that no preset lists
// as an accept: whatever comes out of such a row, no accept does.
func TestNoAcceptIsForged(t *testing.T) {
	places := decisions()
	for _, e := range examples(t, "exports") {
		require.NotEmpty(t, places[e.name], "decisions() does not say where the decisions of %s stand", e.name)
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			rows := decidedRows(t, e)
			for i := range places[e.name] {
				d := &places[e.name][i]
				r := rand.New(rand.NewPCG(uint64(i), 3))
				var have []int // the rows that have this place
				spots := make([][]spot, len(rows))
				for k := range rows {
					if spots[k] = rows[k].find(d); len(spots[k]) > 0 {
						have = append(have, k)
					}
				}
				require.NotEmpty(t, have, "place %d of %s is not found in the example", i, e.name)
				for n, changed := 0, 0; changed < forgeries; n++ {
					k := have[r.IntN(len(have))]
					row := &rows[k]
					word := forged(r, d)
					if n < 3*len(undecided) { // each of these for certain
						word = undecided[n%len(undecided)]
					}
					rec, word := row.forge(r, d, spots[k], word)
					if d.allows(word) {
						continue
					}
					changed++
					var res mapping.Result
					row.mapper.Map(&rec, &res)
					if res.Status != mapping.Mapped {
						continue
					}
					for k := range res.Consents {
						if !assert.NotEqual(t, mapping.Accept, res.Consents[k].Action, "%q in place %d became an accept of %q (raw %q)", word, i, res.Consents[k].Category, res.Consents[k].Raw) {
							return
						}
					}
				}
			}
		})
	}
}

// decidedRow is a row of an example that makes an accept as it stands.
type decidedRow struct {
	mapper  *mapping.Mapper
	columns []string
	rec     mapping.Record
}

func decidedRows(t *testing.T, e example) []decidedRow {
	t.Helper()
	spec, cfg := e.preset(t)
	export, err := source.Open(merged(cfg, spec.Input()))
	require.NoError(t, err)
	defer export.Close()
	units, err := rows.Learn(export, spec)
	require.NoError(t, err)
	mappers, err := rows.Bind(export, spec, units)
	require.NoError(t, err)
	var decided []decidedRow
	s := rows.Sweep{Export: export, Mappers: mappers, Workers: 1}
	err = sweepAll(t.Context(), &s, func(b *rows.Batch) error {
		for i := range b.Rows {
			accepts := slices.ContainsFunc(b.Of(i), func(c mapping.Consent) bool { return c.Action == mapping.Accept })
			// where no word is an accept, rows that reject are as good
			if b.Rows[i].Status != mapping.Mapped || !accepts && e.name != "brevo" {
				continue
			}
			row := decidedRow{mapper: mappers[b.Member.Layout], columns: b.Layout.Columns, rec: mapping.Record{File: b.Member.Name, Row: b.Src.Rows[i].Number}}
			if b.Layout.Format == source.JSONL {
				row.rec.JSON = bytes.Clone(b.Src.Rows[i].Raw)
			} else {
				cells, _, err := b.Layout.Split(bytes.Clone(b.Src.Rows[i].Raw), nil, nil)
				require.NoError(t, err)
				for _, c := range cells {
					row.rec.Cells = append(row.rec.Cells, bytes.Clone(c))
				}
			}
			decided = append(decided, row)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, decided, "the example of %s has no accept", e.name)
	return decided
}

// spot is where a decision stands in a row: bytes of a cell or of the JSON text.
type spot struct {
	cell     int // inJSON, inFile or a column
	from, to int
}

const (
	inJSON = -1
	inFile = -2
)

// find gives the spots of a row at which it depends on d whether it says yes.
func (row *decidedRow) find(d *decisionPlace) []spot {
	if d.file {
		return []spot{{cell: inFile}}
	}
	var spots []spot
	if d.json != "" {
		outer := [][]int{{0, len(row.rec.JSON)}}
		if d.inside != "" {
			outer = regexp.MustCompile(d.inside).FindAllIndex(row.rec.JSON, -1)
		}
		value := regexp.MustCompile(d.json)
		for _, o := range outer {
			for _, m := range value.FindAllSubmatchIndex(row.rec.JSON[o[0]:o[1]], -1) {
				spots = append(spots, spot{inJSON, o[0] + m[2], o[0] + m[3]})
			}
		}
		return spots
	}
	for i, name := range row.columns {
		if i >= len(row.rec.Cells) || !slices.Contains(d.columns, strings.TrimSpace(name)) {
			continue
		}
		if d.within == "" {
			spots = append(spots, spot{i, 0, len(row.rec.Cells[i])})
			continue
		}
		for _, m := range regexp.MustCompile(d.within).FindAllIndex(row.rec.Cells[i], -1) {
			spots = append(spots, spot{i, m[0], m[1]})
		}
	}
	return spots
}

// forge gives the row with one word at all of the spots, and what it came to
// there.
func (row *decidedRow) forge(r *rand.Rand, d *decisionPlace, spots []spot, word string) (mapping.Record, string) {
	rec := row.rec
	if d.file {
		rec.File = word
		return rec, word
	}
	text := word
	isJSON := rec.Cells == nil || d.within != "" && bytes.HasPrefix(rec.Cells[spots[0].cell], []byte("{"))
	switch {
	case isJSON && !strings.HasPrefix(d.json, `("`): // a value; what begins so is a key
		text, word = literal(r, word)
	case isJSON:
		text = strconv.Quote(word)
	case d.within != "": // the word must not end the part of the cell that it stands in
		word = strings.NewReplacer("|", "", ":", "").Replace(word)
		text = word
	}
	rec.Cells = slices.Clone(rec.Cells)
	for _, s := range slices.Backward(spots) {
		into := &rec.JSON
		if s.cell >= 0 {
			into = &rec.Cells[s.cell]
		}
		*into = slices.Concat((*into)[:s.from], []byte(text), (*into)[s.to:])
	}
	return rec, word
}

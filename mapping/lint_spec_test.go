package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mappingOf completes a mapping that a test is about.
func mappingOf(each, action, timestamp string) string {
	return "each:\n  " + each + "\nconsent:\n  userId: id\n  action: " + action + "\n  timestamp: " + timestamp +
		"\n  validUntil: unlimited\n  source: {const: web}\n  category: {const: news}\n"
}

func TestLintSpec(t *testing.T) {
	for name, c := range map[string]struct {
		mapping string
		want    map[string]int64
	}{
		"sound":                        {mappingOf("columns: {a: optin_mail, b: marketing}", "{from: each.value, values: {yes: accept, no: reject}}", "ts"), nil},
		"column that says no":          {mappingOf("columns: {a: opt_out, b: marketing}", "{from: each.value, values: {'true': accept, 'false': reject}}", "ts"), map[string]int64{"value-against-its-name": 2}},
		"turned round, as it should":   {mappingOf("columns: {a: EMAIL_BLACKLISTED}", "{from: each.value, values: {Yes: reject, No: }}", "ts"), nil},
		"not refused is not a consent": {mappingOf("columns: {a: EMAIL_BLACKLISTED, b: doNotCall}", "{from: each.value, values: {Yes: reject, No: accept}}", "ts"), map[string]int64{"no-reject-accepted": 2}},
		"ended, gone, undelivered":     {mappingOf("array: list", "{from: each.state, values: {EXPIRED: accept, gelöscht: accept, bounced: accept, 'legitimate interest': accept, spam: reject}}", "ts"), map[string]int64{"ended-state-accepted": 1, "accept-says-otherwise": 3}},
		"values of their own":          {mappingOf("array: list", "{from: [each.state], values: {unsubscribed: accept, OptIn: reject, other: accept}}", "ts"), map[string]int64{"value-against-its-name": 2}},
		"implied states":               {mappingOf("array: list", "{from: each.state, values: {PENDING: accept, default: accept, 'null': reject, implied: }}", "ts"), map[string]int64{"implied-state-accepted": 2}},
		"a list of who refused":        {mappingOf("split: unsubscribed_lists\n  by: ','\n  all: {news: n, ads: a}", "{from: each.value, values: {'true': accept, 'false': reject}}", "ts"), map[string]int64{"value-against-its-name": 4}},
		"not in a list is no consent":  {mappingOf("array: lists\n  all: {news: n, ads: a}", "{from: each.value, values: {'true': reject, 'false': accept}}", "ts"), map[string]int64{"no-reject-accepted": 2}},
		"members of who refused":       {mappingOf("object: consents_denied", "{from: each.value, values: {'true': reject, 'false': accept}}", "ts"), map[string]int64{"no-reject-accepted": 1}},
		"a list of who agreed":         {mappingOf("array: lists\n  all: {news: n, ads: a}", "{from: each.value, values: {'true': accept, 'false': reject}}", "ts"), nil},
		"a number in place of no":      {mappingOf("columns: {a: SaleOptOut}", "{from: each.value, values: {'1': reject, '2': accept}}", "ts"), map[string]int64{"no-reject-accepted": 1}},
		"a no, whatever was asked":     {mappingOf("columns: {a: status}", "{from: each.value, values: {nein: accept, ja: reject}}", "ts"), map[string]int64{"no-reject-accepted": 1}},
		"a code":                       {mappingOf("columns: {a: status}", "{from: each.value, values: {'0': accept, '1': reject}}", "ts"), nil},
		"in a case":                    {mappingOf("array: list", "{cases: [{when: 'true', from: each.unsubscribed, values: {'1': accept}}, {const: reject}]}", "ts"), map[string]int64{"value-against-its-name": 1}},
		"turned round by the key":      {mappingOf("columns: {a: sale_opt_out.consented, b: ads.consented}", "{cases: [{when: 'each.key == \"a\"', from: each.value, values: {'true': reject, 'false': }}, {from: each.value, values: {'true': accept, 'false': reject}}]}", "ts"), nil},
		"the wrong one turned round":   {mappingOf("columns: {a: sale_opt_out.consented, b: ads.consented}", "{cases: [{when: 'each.key in [\"b\"]', from: each.value, values: {'true': reject, 'false': }}, {from: each.value, values: {'true': accept, 'false': reject}}]}", "ts"), map[string]int64{"value-against-its-name": 3}},
		"turned round by the row":      {mappingOf("columns: {a: sale_opt_out.consented}", "{cases: [{when: 'law == \"ccpa\"', from: each.value, values: {'true': reject, 'false': }}, {from: each.value, values: {'true': accept}}]}", "ts"), map[string]int64{"value-against-its-name": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("m.yaml", []byte(c.mapping), nil)
			require.NoError(t, err)
			got := map[string]int64{}
			for _, f := range LintSpec(s) {
				got[f.Rule] = f.Count
				assert.Equal(t, []int64{}, f.Rows)
			}
			if c.want == nil {
				c.want = map[string]int64{}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestLintKnowsUnclearDates(t *testing.T) {
	for format, want := range map[string]bool{
		`"%d/%m/%Y %H:%M"`: true, `"%m/%d/%y"`: true, `[rfc3339, "%d-%m-%Y"]`: true,
		`"%d.%m.%Y"`: false, `"%Y/%m/%d"`: false, `"%d %B %Y"`: false, `rfc3339`: false, `excel`: false,
	} {
		s, err := Parse("m.yaml", []byte(mappingOf("columns: {a: b}", "each.value", "{from: ts, timezone: UTC, format: "+format+"}")), nil)
		require.NoError(t, err, format)
		assert.Equal(t, want, viewOf(s).dayMonth, format)
	}
}

// TestLintKeepsBlocksApart: what a yes means in one block says nothing of another, in the
// mapping and in the rows.
func TestLintKeepsBlocksApart(t *testing.T) {
	const text = `each:
  - columns: {ads: gdpr.ads.consented, sale: gdpr.sale.consented}
  - columns: {sale: ccpa.sale_opt_out.consented}
    consent: {action: {from: each.value, values: {"true": reject, "false": }}}
consent:
  userId: id
  action: {from: each.value, values: {"true": accept, "false": reject}}
  timestamp: ts
  validUntil: unlimited
  source: {const: web}
  category: each.key
`
	s, err := Parse("m.yaml", []byte(text), nil)
	require.NoError(t, err)
	assert.Empty(t, LintSpec(s))
	tally := (&Linter{spec: viewOf(s)}).NewTally()
	for _, c := range []Consent{{Category: []byte("ads"), Raw: []byte("true"), Action: Accept}, {Category: []byte("sale"), Raw: []byte("true"), Action: Reject}, {Category: []byte("sale"), Raw: []byte("true"), Action: Accept}} {
		assert.Zero(t, tally.marks(&c), "%s %s", c.Category, c.Action)
	}
	assert.NotZero(t, tally.marks(&Consent{Category: []byte("ads"), Raw: []byte("true"), Action: Reject}))
}

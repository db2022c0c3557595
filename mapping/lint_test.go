package mapping

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping/timetext"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// lintNow is the time of every lint test.
var lintNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// lintRow is a row of an export as the mapping hands it to lint.
type lintRow struct {
	status   Status
	reason   string
	consents []Consent
	dropped  []Dropped
	json     string
}

// said is a consent of a clean export, to be changed: the n-th of its export.
func said(n int, change ...func(*Consent)) lintRow {
	c := Consent{
		Action:     Accept,
		Timestamp:  time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() + int64(n)*18_000_000,
		ValidUntil: Unlimited,
		UserID:     []byte("user-" + strconv.Itoa(n)),
		Email:      []byte("user" + strconv.Itoa(n) + "@acme.example"),
		Category:   []byte("marketing"),
		Raw:        []byte("yes"),
	}
	if n%3 == 0 {
		c.Action, c.Raw = Reject, []byte("no")
	}
	for _, f := range change {
		f(&c)
	}
	return lintRow{consents: []Consent{c}}
}

// linted runs rows through a Linter in batches of the size.
func linted(view lintSpec, o LintOptions, rows []lintRow, size int) *Linter {
	if o.Now.IsZero() {
		o.Now = lintNow
	}
	l := newLinter(view, o)
	t := l.NewTally()
	var res Result
	for i, r := range rows {
		res = Result{Status: r.status, Reason: r.reason, Consents: r.consents, Dropped: r.dropped}
		var subjects []uint64
		for k := range res.Consents {
			subjects = append(subjects, xxhash.Sum64(res.Consents[k].Subject()))
		}
		t.Observe(&Record{Row: int64(i + 1), JSON: []byte(r.json)}, &res, subjects)
		if (i+1)%size == 0 {
			l.Fold(t)
		}
	}
	l.Fold(t)
	return l
}

func repeat(n int, row func(n int) lintRow) []lintRow {
	rows := make([]lintRow, n)
	for i := range rows {
		rows[i] = row(i)
	}
	return rows
}

func clean(n int) lintRow { return said(n) }

func TestLintFindsNothingInACleanExport(t *testing.T) {
	view := lintSpec{dayMonth: true}
	view.see(actionView{columns: map[string][]string{"": {"optin_mail"}}, values: map[string]Action{"yes": Accept, "no": Reject}})
	for _, n := range []int{0, 1, 2, 30, 3000} {
		rows := repeat(n, func(i int) lintRow { return said(i, func(c *Consent) { c.Timestamp += 20 * day }) })
		assert.Empty(t, linted(view, LintOptions{}, rows, 7).Findings(), "%d rows", n)
	}
}

// unheardRows are a row whose value makes no consent, and one that makes one.
func unheardRows(raw, why string, status Status) []lintRow {
	return []lintRow{{status: status, dropped: []Dropped{{Category: []byte("marketing"), Raw: []byte(raw), Why: why}}}, said(1)}
}

// Each rule is seen to fire, on the rows that it must name, and to keep quiet
// on rows that only look like it.
func TestLintRules(t *testing.T) {
	action := func(a Action, raw string) func(*Consent) {
		return func(c *Consent) { c.Action, c.Raw = a, []byte(raw) }
	}
	category := func(name string) func(*Consent) { return func(c *Consent) { c.Category = []byte(name) } }
	at := func(ts time.Time) func(*Consent) { return func(c *Consent) { c.Timestamp = ts.UnixMilli() } }
	user := func(id string) func(*Consent) { return func(c *Consent) { c.UserID, c.Email = []byte(id), nil } }
	email := func(address string) func(*Consent) {
		return func(c *Consent) { c.UserID, c.Email = []byte("u1"), []byte(address) }
	}
	one := func(change ...func(*Consent)) []lintRow { return []lintRow{said(1, change...), said(4)} }
	invalid := func(reason string) []lintRow { return []lintRow{{status: Invalid, reason: reason}, said(1)} }
	moment := time.Date(2025, 3, 4, 0, 0, 0, 0, time.UTC)

	for _, c := range []struct {
		rule  rule
		name  string
		view  lintSpec
		o     LintOptions
		rows  []lintRow
		count int64 // 0: the rule must keep quiet
		bare  bool  // it is about the mapping, and names no rows
	}{
		{rule: ruleAgainst, name: "opted out", rows: one(action(Accept, "Opted-Out")), count: 1},
		{rule: ruleAgainst, name: "unsubscribed", rows: one(action(Accept, "UNSUBSCRIBED")), count: 1},
		{rule: ruleAgainst, name: "do not sell", rows: one(action(Accept, "do_not_sell")), count: 1},
		{rule: ruleAgainst, name: "denied", rows: one(action(Accept, "denied")), count: 1},
		{rule: ruleAgainst, name: "withdrawn", rows: one(action(Accept, "WITHDRAWN")), count: 1},
		{rule: ruleAgainst, name: "blacklisted", rows: one(action(Accept, "blacklisted")), count: 1},
		{rule: ruleAgainst, name: "granted", rows: one(action(Reject, "granted")), count: 1},
		{rule: ruleAgainst, name: "subscribed", rows: one(action(Reject, "Subscribed")), count: 1},
		{rule: ruleAgainst, name: "category that says no", rows: one(category("sale_opt_out"), action(Accept, "true")), count: 1},
		{rule: ruleAgainst, name: "column that says no", view: lintSpec{names: map[string]vocabulary.Sense{"": vocabulary.Out}}, rows: []lintRow{said(1, action(Accept, "1"))}, count: 1},
		{rule: ruleAgainst, name: "column of the category", view: lintSpec{names: map[string]vocabulary.Sense{"marketing": vocabulary.In}}, rows: one(action(Reject, "yes")), count: 1},
		{rule: ruleAgainst, name: "column that says no, turned round", view: lintSpec{names: map[string]vocabulary.Sense{"": vocabulary.Out}}, rows: []lintRow{said(1, action(Reject, "1"))}},
		{rule: ruleAgainst, name: "yes to nothing known", rows: one(action(Reject, "yes"))},
		{rule: ruleAgainst, name: "denied opt-out", rows: one(category("opt_out"), action(Accept, "denied"))},
		{rule: ruleAgainst, name: "words of their own", rows: one(action(Accept, "gold member"))},

		{rule: ruleImplied, name: "implied", rows: one(action(Accept, "implied")), count: 1},
		{rule: ruleImplied, name: "page load", rows: one(action(Accept, "onInitialPageLoad")), count: 1},
		{rule: ruleImplied, name: "no choice", rows: one(action(Accept, "NO_CHOICE")), count: 1},
		{rule: ruleImplied, name: "not opted out", rows: one(action(Accept, "not-opted-out")), count: 1},
		{rule: ruleImplied, name: "null", rows: one(action(Accept, "NULL")), count: 1},
		{rule: ruleImplied, name: "refused when implied", rows: one(action(Reject, "implied"))},
		{rule: ruleImplied, name: "no value at all", rows: one(action(Accept, ""))},

		{rule: ruleEnded, name: "ended", rows: one(action(Accept, "EXPIRED")), count: 1},
		{rule: ruleEnded, name: "ended, in Polish", rows: one(action(Accept, "wygasła")), count: 1},
		{rule: ruleOtherwise, name: "delivery", rows: one(action(Accept, "Hard Bounce")), count: 1},
		{rule: ruleOtherwise, name: "legal basis", rows: one(action(Accept, "LEGITIMATE_INTEREST_CLIENT")), count: 1},
		{rule: ruleOtherwise, name: "gone", rows: one(action(Accept, "gelöscht")), count: 1},
		{rule: ruleOtherwise, name: "bounced: yes", view: lintSpec{names: map[string]vocabulary.Sense{"": vocabulary.Delivery}}, rows: []lintRow{said(1, action(Accept, "yes"))}, count: 1},
		{rule: ruleEnded, name: "refused when ended", rows: one(action(Reject, "EXPIRED"))},
		{rule: ruleEnded, name: "ended, with its end", rows: one(action(Accept, "EXPIRED"), func(c *Consent) { c.ValidUntil = c.Timestamp + day })},
		{rule: ruleOtherwise, name: "in force", rows: one(action(Accept, "ACTIVE"))},

		{rule: ruleNotAgainst, name: "do not: no", view: lintSpec{names: map[string]vocabulary.Sense{"": vocabulary.Out}}, rows: []lintRow{said(1, action(Accept, "No"))}, count: 1},
		{rule: ruleNotAgainst, name: "category that says no", rows: one(category("do_not_email"), action(Accept, "false")), count: 1},
		{rule: ruleNotAgainst, name: "do not: yes, refused", view: lintSpec{names: map[string]vocabulary.Sense{"": vocabulary.Out}}, rows: []lintRow{said(1, action(Reject, "yes"))}},
		{rule: ruleNotAgainst, name: "opt-in", rows: one(category("optin_mail"), action(Accept, "yes"))},

		{rule: ruleNecessary, name: "necessary", rows: one(category("cookie_cat_necessary")), count: 1},
		{rule: ruleNecessary, name: "essential", rows: one(category("Strictly Essential"), action(Reject, "no")), count: 1},
		{rule: ruleNecessary, name: "OneTrust's", rows: one(category("C0001")), count: 1},
		{rule: ruleNecessary, name: "the contrary", rows: one(category("non-essential"))},
		{rule: ruleNecessary, name: "the contrary, longer", rows: one(category("not strictly necessary"))},

		{rule: ruleOneTime, name: "twenty rows", rows: repeat(20, func(i int) lintRow { return said(i, at(moment)) }), count: 20},
		{rule: ruleOneTime, name: "nineteen rows", rows: repeat(19, func(i int) lintRow { return said(i, at(moment)) })},
		{rule: ruleOneTime, name: "one that differs", rows: append(repeat(20, func(i int) lintRow { return said(i, at(moment)) }), said(3))},

		{rule: ruleEarly, name: "1999", rows: one(at(time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC))), count: 1},
		{rule: ruleEarly, name: "2000", rows: one(at(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))},
		{rule: ruleFuture, name: "the day after tomorrow", rows: one(at(lintNow.Add(25 * time.Hour))), count: 1},
		{rule: ruleFuture, name: "tomorrow", rows: one(at(lintNow.Add(23 * time.Hour)))},
		{rule: ruleSeconds, name: "1970", rows: one(func(c *Consent) { c.Timestamp = 1608208345 }), count: 1},
		{rule: ruleSeconds, name: "refused by the mapping", rows: invalid("time " + timetext.Seconds), count: 1},
		{rule: ruleSeconds, name: "another year before 2000", rows: one(at(time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC)))},
		{rule: ruleMillis, name: "far ahead", rows: one(at(time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC))), count: 1},
		{rule: ruleMillis, name: "refused by the mapping", rows: invalid("time " + timetext.Late), count: 1},
		{rule: ruleMillis, name: "a little ahead", rows: one(at(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)))},
		{rule: ruleZone, name: "no zone", rows: invalid("time " + timetext.NoZone), count: 1},
		{rule: ruleZone, name: "no time", rows: invalid("time " + timetext.NoTime)},

		{rule: ruleDayMonth, name: "none above twelve", view: lintSpec{dayMonth: true}, rows: repeat(12, func(i int) lintRow { return said(i, at(time.Date(2025, 2, 1+i, 0, 0, 0, 0, time.UTC))) }), count: 12},
		{rule: ruleDayMonth, name: "a fourteenth", view: lintSpec{dayMonth: true}, rows: repeat(14, func(i int) lintRow { return said(i, at(time.Date(2025, 2, 1+i, 0, 0, 0, 0, time.UTC))) })},
		{rule: ruleDayMonth, name: "both orders", view: lintSpec{dayMonth: true, bothOrders: true}, rows: repeat(14, func(i int) lintRow { return said(i, at(time.Date(2025, 2, 1+i, 0, 0, 0, 0, time.UTC))) }), count: 14},
		{rule: ruleDayMonth, name: "another format", rows: repeat(12, func(i int) lintRow { return said(i, at(time.Date(2025, 2, 1+i, 0, 0, 0, 0, time.UTC))) })},

		{rule: ruleExpired, name: "yesterday", rows: one(func(c *Consent) { c.ValidUntil = lintNow.UnixMilli() - day }), count: 1},
		{rule: ruleExpired, name: "tomorrow", rows: one(func(c *Consent) { c.ValidUntil = lintNow.UnixMilli() + day })},

		{rule: ruleShare, name: "all accepted", rows: repeat(1000, func(i int) lintRow { return said(i, action(Accept, "yes")) }), count: 1000},
		{rule: ruleShare, name: "few", rows: repeat(999, func(i int) lintRow { return said(i, action(Accept, "yes")) })},
		{rule: ruleShare, name: "two rejects", rows: append(repeat(1000, func(i int) lintRow { return said(i, action(Accept, "yes")) }), said(1, action(Reject, "no")), said(2, action(Reject, "no")))},
		{rule: ruleShareDiffers, name: "turned around", rows: repeat(60, func(i int) lintRow {
			return said(i, func(c *Consent) { c.Action = Accept + Reject - c.Action })
		}), count: 60},
		{rule: ruleShareDiffers, name: "too few", rows: repeat(49, func(i int) lintRow {
			return said(i, func(c *Consent) { c.Action = Accept + Reject - c.Action })
		})},
		{rule: ruleShareDiffers, name: "turned around by a column that says no", view: lintSpec{inverted: true}, rows: repeat(60, func(i int) lintRow {
			return said(i, func(c *Consent) { c.Action = Accept + Reject - c.Action })
		})},
		{rule: ruleShareDiffers, name: "rejects are not listed", rows: append(repeat(60, func(i int) lintRow { return said(i, action(Accept, "yes")) }),
			repeat(40, func(int) lintRow {
				return lintRow{status: Invalid, reason: "r", dropped: []Dropped{{Raw: []byte("no"), Why: Unlisted}}}
			})...), count: 60},
		{rule: ruleShareDiffers, name: "rejects are skipped by a rule", rows: append(repeat(60, func(i int) lintRow { return said(i, action(Accept, "yes")) }),
			repeat(40, func(int) lintRow {
				return lintRow{status: Skipped, reason: "r", dropped: []Dropped{{Raw: []byte("no"), Why: "r"}}}
			})...)},

		{rule: ruleMangled, name: "rounded", rows: one(user("4.4E+07")), count: 1},
		{rule: ruleMangled, name: "rounded, three digits", rows: one(user("1,2E+100")), count: 1},
		{rule: ruleMangled, name: "rounded by a JVM", rows: one(user("4.4877E7")), count: 1},
		{rule: ruleMangled, name: "hexadecimal", rows: one(user("4e7"))},
		{rule: ruleMangled, name: "apostrophe", rows: one(user("'+4930123456")), count: 1},
		{rule: ruleMangled, name: "a fraction", rows: one(user("123.0")), count: 1},
		{rule: ruleMangled, name: "a longer fraction", rows: one(user("123.00")), count: 1},
		{rule: ruleMangled, name: "a formula", rows: one(user(`="00123"`)), count: 1},
		{rule: ruleMangled, name: "a version", rows: one(user("1.2.0"))},
		{rule: ruleMangled, name: "a real fraction", rows: one(user("12.50"))},
		{rule: ruleStandIn, name: "zero", rows: one(user("0")), count: 1},
		{rule: ruleStandIn, name: "dash", rows: one(user("-")), count: 1},
		{rule: ruleStandIn, name: "None", rows: one(user("None")), count: 1},
		{rule: ruleStandIn, name: "UNKNOWN", rows: one(user("UNKNOWN")), count: 1},
		{rule: ruleStandIn, name: "false", rows: one(user("false")), count: 1},
		{rule: ruleStandIn, name: "a browser's object", rows: one(user("[object Object]")), count: 1},
		{rule: ruleStandIn, name: "no uuid", rows: one(user("00000000-0000-0000-0000-000000000000")), count: 1},
		{rule: ruleStandIn, name: "no address", rows: one(user("No-Reply@acme.de")), count: 1},
		{rule: ruleStandIn, name: "unbekannt with a blank", rows: one(user("Unbekannt ")), count: 1},
		{rule: ruleStandIn, name: "a profile", rows: one(func(c *Consent) { c.ProfileID, c.HasSourceID = []byte("none"), true }), count: 1},
		{rule: ruleStandIn, name: "somebody", rows: one(user("nona"))},
		{rule: ruleStandIn, name: "ten", rows: one(user("10"))},
		{rule: ruleStandIn, name: "somebody's address", rows: one(user("nona@acme.de"))},
		{rule: ruleStandIn, name: "a long dash", rows: one(user("—")), count: 1},
		{rule: ruleStandIn, name: "stars", rows: one(user("****")), count: 1},
		{rule: ruleStandIn, name: "zeros", rows: one(user("00000")), count: 1},
		{rule: ruleStandIn, name: "ones alone", rows: one(user("FFFFFFFF-ffff-ffff-ffff-ffffffffffff")), count: 1},
		{rule: ruleStandIn, name: "a word in quotes", rows: one(user(`"null"`)), count: 1},
		{rule: ruleStandIn, name: "a word in brackets", rows: one(user("[unbekannt]")), count: 1},
		{rule: ruleStandIn, name: "an abbreviation", rows: one(user("k.A.")), count: 1},
		{rule: ruleStandIn, name: "large letters with accents", rows: one(user("GELÖSCHT")), count: 1},
		{rule: ruleStandIn, name: "Japanese", rows: one(user("不明")), count: 1},
		{rule: ruleStandIn, name: "Russian", rows: one(user("Нет данных")), count: 1},
		{rule: ruleStandIn, name: "first and last name", rows: one(user("undefined undefined")), count: 1},
		{rule: ruleStandIn, name: "a spreadsheet's fault", rows: one(user("#DIV/0!")), count: 1},
		{rule: ruleStandIn, name: "a narrow column", rows: one(user("########")), count: 1},
		{rule: ruleStandIn, name: "a hash of nothing", rows: one(user("D41D8CD98F00B204E9800998ECF8427E")), count: 1},
		{rule: ruleStandIn, name: "another hash of nothing", rows: one(user("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")), count: 1},
		{rule: ruleStandIn, name: "a third hash of nothing", rows: one(user("da39a3ee5e6b4b0d3255bfef95601890afd80709")), count: 1},
		{rule: ruleStandIn, name: "a merge tag", rows: one(user("*|EMAIL|*")), count: 1},
		{rule: ruleStandIn, name: "a Liquid tag", rows: one(user("{{ customer.id }}")), count: 1},
		{rule: ruleStandIn, name: "a shell variable", rows: one(user("${USER_ID_2}")), count: 1},
		{rule: ruleStandIn, name: "a hash", rows: one(user("d41d8cd98f00b204e9800998ecf8427f"))},
		{rule: ruleStandIn, name: "a GUID in braces", rows: one(user("{6F9619FF-8B86-D011-B42D-00C04FC964FF}"))},
		{rule: ruleStandIn, name: "a Steam id", rows: one(user("[U:1:22202]"))},
		{rule: ruleStandIn, name: "a telephone number", rows: one(user("0049 30 12345600"))},
		{rule: ruleStandIn, name: "nobody of a shop, dash", rows: one(user("acme:-")), count: 1},
		{rule: ruleStandIn, name: "nobody of a shop, word", rows: one(user("acme:unknown")), count: 1},
		{rule: ruleStandIn, name: "nobody of a shop, long", rows: one(user("a-shop-with-a-long-name|None")), count: 1},
		{rule: ruleStandIn, name: "nobody of a shop, nothing", rows: one(user("acme:")), count: 1},
		{rule: ruleStandIn, name: "somebody of a shop, acme:u1x", rows: one(user("acme:u1x"))},
		{rule: ruleStandIn, name: "somebody of a shop, unknown:u1x", rows: one(user("unknown:u1x"))},
		{rule: ruleStandIn, name: "somebody of a shop, a:nanette", rows: one(user("a:nanette"))},
		{rule: ruleStandIn, name: "a person of two names", rows: one(user("Ann Null"))},
		{rule: ruleStandIn, name: "who was deleted", rows: one(user("deleted_user_93"))},
		{rule: ruleInvisible, name: "blank", rows: one(user("u1 ")), count: 1},
		{rule: ruleInvisible, name: "tab", rows: one(user("\tu1")), count: 1},
		{rule: ruleInvisible, name: "no-break blank", rows: one(user("u1\u00a0")), count: 1},
		{rule: ruleInvisible, name: "zero width, within", rows: one(user("u\u200b1")), count: 1},
		{rule: ruleInvisible, name: "word joiner", rows: one(user("\u2060u1")), count: 1},
		{rule: ruleInvisible, name: "cut off", rows: one(func(c *Consent) { c.Hidden = true }), count: 1},
		{rule: ruleInvisible, name: "letters", rows: one(user("Jürgen Öl"))},
		{rule: ruleInvisible, name: "a joiner that Persian needs", rows: one(user("می\u200cخواهم"))},
		{rule: ruleNoAddress, name: "two", rows: one(email("ann@mail.de;bob@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "two, by a comma", rows: one(email("ann@mail.de,bob@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "with a name", rows: one(email("Ann <ann@mail.de>")), count: 1},
		{rule: ruleNoAddress, name: "mailto", rows: one(email("mailto:ann@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "a dot at the end", rows: one(email("ann@mail.de.")), count: 1},
		{rule: ruleNoAddress, name: "no domain", rows: one(email("ann@")), count: 1},
		{rule: ruleNoAddress, name: "a phone", rows: one(email("+4930123456")), count: 1},
		{rule: ruleNoAddress, name: "no dot", rows: one(email("ann@mail")), count: 1},
		{rule: ruleNoAddress, name: "plus", rows: one(email("ann+news@mail.de"))},
		{rule: ruleNoAddress, name: "apostrophe", rows: one(email("o'hara@mail.de"))},
		{rule: ruleNoAddress, name: "of any script", rows: one(email("jürgen@müller.de"))},
		{rule: ruleNoAddress, name: "quoted", rows: one(email(`"ann b"@mail.de`))},
		{rule: ruleNoAddress, name: "by number", rows: one(email("ann@[IPv6:2001:db8::1]"))},
		{rule: ruleNoAddress, name: "blanks around are another finding", rows: one(email(" ann@mail.de"))},
		{rule: ruleNoAddress, name: "masked", rows: one(email("a***@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "a query", rows: one(email("ann@mail.de?subject=x")), count: 1},
		{rule: ruleNoAddress, name: "a number for a domain", rows: one(email("ann@mail.123")), count: 1},
		{rule: ruleNoAddress, name: "wide letters", rows: one(email("ａｎｎ@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "a wide dot", rows: one(email("ann@news.mail。de")), count: 1},
		{rule: ruleNoAddress, name: "in an id, two", rows: one(user("ann@mail.de; bob@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "in an id, with a name", rows: one(user("Ann <ann@mail.de>")), count: 1},
		{rule: ruleNoAddress, name: "in an id, mailto", rows: one(user("mailto:ann@mail.de")), count: 1},
		{rule: ruleNoAddress, name: "an id with an @", rows: one(user("shop@42"))},
		{rule: ruleNoAddress, name: "an id that is an address", rows: one(user("ann@mail.de"))},
		{rule: ruleNoAddress, name: "a star", rows: one(email("a*b@mail.de"))},
		{rule: ruleAssumed, name: "what is left", rows: one(func(c *Consent) { c.Assumed = true }), count: 1},
		{rule: ruleAssumed, name: "in the mapping alone", view: lintSpec{faults: [ruleCount]int64{ruleAssumed: 2}}, rows: nil, count: 2, bare: true},
		{rule: ruleNoPurpose, name: "null", rows: one(category("null")), count: 1},
		{rule: ruleNoPurpose, name: "undefined", rows: one(category("Undefined")), count: 1},
		{rule: ruleNoPurpose, name: "a dash", rows: one(category("—")), count: 1},
		{rule: ruleNoPurpose, name: "a merge tag", rows: one(category("{{ purpose }}")), count: 1},
		{rule: ruleNoPurpose, name: "a number", rows: one(category("0"))},
		{rule: ruleNoPurpose, name: "none at all", rows: one(category(""))},
		{rule: ruleUnheard, name: "a word of refusal", rows: unheardRows("Unsubscribed", NoStatement, Skipped), count: 1},
		{rule: ruleUnheard, name: "in another language", rows: unheardRows("abgemeldet", NoStatement, Skipped), count: 1},
		{rule: ruleUnheard, name: "a bare no", rows: unheardRows("no", NoStatement, Skipped)},
		{rule: ruleUnheard, name: "undecided", rows: unheardRows("pending", NoStatement, Skipped)},
		{rule: ruleUnheard, name: "a rule of the mapping", rows: unheardRows("unsubscribed", "test data", Skipped)},
		{rule: ruleUnheard, name: "an invalid row", rows: unheardRows("unsubscribed", NoStatement, Invalid)},
		{rule: ruleCrowd, name: "a third", rows: repeat(300, func(i int) lintRow {
			return said(i, func(c *Consent) { c.UserID = fmt.Appendf(nil, "u%d", i*min(1, i%3)) })
		}), count: 100},
		{rule: ruleCrowd, name: "few", rows: repeat(150, func(i int) lintRow {
			return said(i, func(c *Consent) { c.UserID = fmt.Appendf(nil, "u%d", i*min(1, i%3)) })
		})},
		{rule: ruleCrowd, name: "a tenth", rows: repeat(300, func(i int) lintRow {
			return said(i, func(c *Consent) { c.UserID = fmt.Appendf(nil, "u%d", i*min(1, i%10)) })
		})},
		{rule: ruleCrowd, name: "one person's export", rows: repeat(300, func(i int) lintRow {
			return said(i, user("u1"))
		})},
		{rule: ruleMangled, name: "a number", rows: one(user("44000000"))},
		{rule: ruleMangled, name: "a uuid with an e", rows: one(user("4e1b6f00-0000-4000-8000-00000000e+07"))},
		{rule: ruleMangled, name: "a phone", rows: one(user("+4930123456"))},

		{rule: ruleTestData, name: "example.com", rows: one(user("jane@Example.COM")), count: 1},
		{rule: ruleTestData, name: "a test domain", rows: one(user("jane@acme.test")), count: 1},
		{rule: ruleTestData, name: "somebody called test", rows: one(user("test@acme.de")), count: 1},
		{rule: ruleTestData, name: "test data subject", rows: []lintRow{{consents: said(1).consents, json: `{"TestDataSubject" : true}`}}, count: 1},
		{rule: ruleTestData, name: "no test data subject", rows: []lintRow{{consents: said(1).consents, json: `{"TestDataSubject" : false}`}}},
		{rule: ruleTestData, name: "an address like it", rows: one(user("jane@counterexample.com"))},
		{rule: ruleTestData, name: "an id like it", rows: one(user("unit.test"))},

		{rule: ruleSourceID, name: "profile alone", rows: one(func(c *Consent) { c.ProfileID = []byte("p") }), count: 1},
		{rule: ruleSourceID, name: "profile and source", rows: one(func(c *Consent) { c.ProfileID, c.HasSourceID = []byte("p"), true })},
	} {
		t.Run(c.rule.text().name+"/"+c.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 10_000} {
				found := linted(c.view, c.o, c.rows, size).Findings()
				var got *Finding
				for i := range found {
					if found[i].Rule == c.rule.text().name {
						got = &found[i]
					}
				}
				if c.count == 0 {
					assert.Nil(t, got)
					continue
				}
				require.NotNil(t, got, "%+v", found)
				assert.Equal(t, c.count, got.Count)
				assert.LessOrEqual(t, len(got.Rows), firstRows)
				assert.NotNil(t, got.Rows)
				if c.rule != ruleShare && c.rule != ruleShareDiffers && !c.bare {
					assert.NotEmpty(t, got.Rows)
				}
			}
		})
	}
}

// Every rule has a name and a sentence of its own, and a test that sees it fire.
func TestLintRulesAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for r := range ruleCount {
		text := r.text()
		assert.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)+$|^contradiction$|^expired$`, text.name)
		assert.Regexp(t, `^[A-Z].*[^.]\.$`, text.message, text.name)
		assert.False(t, seen[text.name], text.name)
		seen[text.name] = true
	}
	assert.LessOrEqual(t, int(ruleCount), 32)
}

// Findings name the first ten rows, whatever the batches.
func TestLintRows(t *testing.T) {
	rows := repeat(40, func(i int) lintRow {
		return said(i, func(c *Consent) {
			if i%2 == 1 {
				c.Raw, c.Action = []byte("implied"), Accept
			}
		})
	})
	rows[3].consents = append(rows[3].consents, rows[3].consents[0])
	for _, size := range []int{1, 7, 100} {
		found := linted(lintSpec{}, LintOptions{}, rows, size).Findings()
		require.Len(t, found, 1)
		assert.Equal(t, []int64{2, 4, 6, 8, 10, 12, 14, 16, 18, 20}, found[0].Rows)
		assert.EqualValues(t, 21, found[0].Count)
	}
}

// The mapping alone shows values that go against their names, also where no
// row has them.
func TestLintOfTheMappingAlone(t *testing.T) {
	var view lintSpec
	view.see(actionView{
		columns: map[string][]string{"mail": {"EMAIL_OPT_OUT"}, "sms": {"sms_optin"}, "post": {"status"}},
		values:  map[string]Action{"1": Accept, "0": Reject, "pending": Accept, "unsubscribed": Reject},
	})
	assert.True(t, view.inverted)
	found := (&Linter{spec: view}).Findings()
	require.Len(t, found, 2)
	assert.Equal(t, "value-against-its-name", found[0].Rule)
	assert.EqualValues(t, 2, found[0].Count, "1 and 0 of EMAIL_OPT_OUT")
	assert.Equal(t, []int64{}, found[0].Rows)
	assert.Equal(t, "implied-state-accepted", found[1].Rule)
	assert.EqualValues(t, 1, found[1].Count)
}

func TestDayOfMonth(t *testing.T) {
	for d := time.Date(1999, 12, 1, 13, 0, 0, 0, time.UTC); d.Year() < 2105; d = d.AddDate(0, 0, 1) {
		ts := d.UnixMilli()
		require.EqualValues(t, d.Day(), dayOfMonth(ts), d)
		days := mayBeMonths(ts)
		require.LessOrEqual(t, days.from, ts)
		require.Equal(t, d.Day() <= 13, ts < days.to, d)
	}
}

// BenchmarkLint is the cost of lint and decision table per row of one consent.
// The rows are few, as in an import, where lint sees each while it is warm.
func BenchmarkLint(b *testing.B) {
	const batch, warm = 2000, 32
	l := newLinter(lintSpec{dayMonth: true}, LintOptions{Now: lintNow})
	t := l.NewTally()
	var results [warm]Result
	for i := range results {
		results[i].Consents = said(i).consents
		results[i].Consents[0].Category = []byte(fmt.Sprintf("category %d", i%3))
	}
	rec, subject, random := Record{}, []uint64{0}, rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for i := range b.N {
		subject[0] = random.Uint64()
		rec.Row = int64(i)
		t.Observe(&rec, &results[i%warm], subject)
		if i%batch == batch-1 {
			l.Fold(t)
		}
	}
}

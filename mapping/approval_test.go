package mapping

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signable is a mapping and the decisions of an export under it, made at random.
type signable struct {
	values []string          // of the mapping, in order
	means  map[string]string // accept, reject or nothing
	rows   []string          // the values of the export, in order
	// tableAlone leaves the mapping out of the hash, so that the table has to tell.
	tableAlone bool
}

func someSignable(r *rand.Rand) signable {
	s := signable{means: map[string]string{}}
	long := strings.Repeat("I agree to be written to about offers ", 1+r.IntN(4))
	for i := range 2 + r.IntN(6) {
		value := [...]string{
			strconv.Itoa(534120000 + r.IntN(50)), long + string(rune('a'+i)), "yes" + letters(r.IntN(90)), "jane" + strconv.Itoa(i) + "@acme.example",
		}[r.IntN(4)]
		if _, ok := s.means[value]; !ok {
			s.values = append(s.values, value)
			s.means[value] = [...]string{DecidedAccept, DecidedReject, DecidedNothing}[r.IntN(3)]
		}
	}
	s.rows = append(s.rows, s.values...)
	for range r.IntN(30) {
		s.rows = append(s.rows, s.values[r.IntN(len(s.values))])
	}
	return s
}

// hash is what somebody signs. Layout writes the same mapping in other ways.
func (s signable) hash(t testing.TB, r *rand.Rand) string {
	return s.hashAs(t, r, false)
}

func (s signable) hashAs(t testing.TB, r *rand.Rand, otherLayout bool) string {
	var b strings.Builder
	values := append([]string{}, s.values...)
	if otherLayout {
		r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		b.WriteString("# somebody's remark\nconsent:\n  validUntil: unlimited\n  source:\n    const: web\n  userId: {from: [id]} # who\n  timestamp: {from: \"t\"}\n  action:\n    values:\n")
	} else {
		b.WriteString("consent:\n  userId: id\n  timestamp: t\n  validUntil: unlimited\n  source: {const: web}\n  action:\n    from: a\n    values:\n")
	}
	for _, value := range values {
		to := s.means[value]
		if to == DecidedNothing {
			to = ""
		}
		fmt.Fprintf(&b, "      %q: %s\n", value, to)
	}
	if otherLayout {
		b.WriteString("    from: a\n")
	}
	spec, err := Parse("m.yaml", []byte(b.String()), nil)
	require.NoError(t, err, b.String())
	l := NewLinter(spec, LintOptions{})
	if s.tableAlone {
		l.canonical = nil
	}
	rows := append([]string{}, s.rows...)
	if otherLayout {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		rows = append(rows, s.values[r.IntN(len(s.values))]) // another count
	}
	tally := l.NewTally()
	for n, value := range rows {
		row := int64(n + 1)
		if otherLayout && n%7 == 3 { // a row that is invalid
			tally.Observe(&Record{Row: row}, &Result{Status: Invalid, Reason: "x", Dropped: []Dropped{{Raw: []byte("?" + value), Why: Unlisted}}}, nil)
		}
		tally.Observe(&Record{Row: row}, s.result(value), []uint64{uint64(row)})
	}
	l.Fold(tally)
	h, err := l.ApprovalHash()
	require.NoError(t, err)
	return h
}

func (s signable) result(value string) *Result {
	switch s.means[value] {
	case DecidedAccept, DecidedReject:
		c := Consent{UserID: []byte("u"), Category: []byte("news"), Raw: []byte(value), Action: Accept, ValidUntil: 1 << 60}
		if s.means[value] == DecidedReject {
			c.Action = Reject
		}
		return &Result{Status: Mapped, Consents: []Consent{c}}
	default:
		return &Result{Status: Skipped, Reason: NoStatement, Dropped: []Dropped{{Category: []byte("news"), Raw: []byte(value), Why: NoStatement}}}
	}
}

func pairs(few, many int) int {
	if os.Getenv("CONSENTIMPORT_SOAK") != "" {
		return many
	}
	return few
}

// Two mappings that differ in one decision never share an approval hash: not
// when two codes are swapped, not behind the 64th byte of a sentence, not when
// the values are addresses.
func TestNoTwoDecisionsShareAnApprovalHash(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range pairs(1000, 10_000) {
		a := someSignable(r)
		b := signable{values: a.values, rows: a.rows, means: map[string]string{}}
		for value, to := range a.means {
			b.means[value] = to
		}
		one := a.values[r.IntN(len(a.values))]
		for b.means[one] == a.means[one] {
			b.means[one] = [...]string{DecidedAccept, DecidedReject, DecidedNothing}[r.IntN(3)]
		}
		if other := a.values[r.IntN(len(a.values))]; r.IntN(2) == 0 && a.means[other] != a.means[one] { // swapped
			b.means[one], b.means[other] = a.means[other], a.means[one]
		}
		a.tableAlone, b.tableAlone = n%2 == 0, n%2 == 0
		require.NotEqual(t, a.hash(t, r), b.hash(t, r), "pair %d: %v %v", n, a.means, b.means)
	}
}

// What changes no decision changes no hash: comments, layout, order and short
// forms of the mapping, counts and order of rows, rows that are invalid.
func TestLayoutAndCountsKeepTheApprovalHash(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range pairs(300, 1000) {
		s := someSignable(r)
		require.Equal(t, s.hash(t, r), s.hashAs(t, r, true), "pair %d: %v", n, s.means)
	}
}

// A table under the same decisions has another hash when the mapping takes time,
// end or person from elsewhere, and when a value is there that was not.
func TestTheApprovalHashCoversTheMapping(t *testing.T) {
	const text = "name: a\nparameters: [{name: zone, default: UTC}]\ntimezone: ${zone}\nconsent: {userId: id, timestamp: t, validUntil: unlimited, source: {const: web}, action: {from: a, values: {yes: accept}}}\n"
	hashes := map[string]string{}
	for name, change := range map[string][]string{
		"as it is":        {"", ""},
		"another time":    {"timestamp: t", "timestamp: t2"},
		"another end":     {"validUntil: unlimited", "validUntil: {after: 1y}"},
		"a column as end": {"validUntil: unlimited", "validUntil: {from: unlimited}"},
		"another person":  {"userId: id", "userId: mail"},
		"another zone":    {"default: UTC", "default: Europe/Paris"},
		"another label":   {"const: web", "const: app"},
		"another list":    {"{yes: accept}", "{yes: accept, no: reject}"},
		"nothing":         {"{yes: accept}", "{yes: accept, no: }"},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		spec, err := Parse("m.yaml", []byte(changed), nil)
		require.NoError(t, err, name)
		h, err := NewLinter(spec, LintOptions{}).ApprovalHash()
		require.NoError(t, err)
		assert.Empty(t, hashes[h], "%s has the hash of another", name)
		hashes[h] = name
	}
	given, err := Parse("m.yaml", []byte(text), map[string]string{"zone": "Europe/Paris"})
	require.NoError(t, err)
	h, err := NewLinter(given, LintOptions{}).ApprovalHash()
	require.NoError(t, err)
	assert.Equal(t, "another zone", hashes[h], "a parameter counts as what it fills in")
	stored, err := Parse("stored.yaml", given.Source(), nil)
	require.NoError(t, err)
	again, err := NewLinter(stored, LintOptions{}).ApprovalHash()
	require.NoError(t, err)
	assert.Equal(t, h, again, "the stored mapping has the hash of the one that was signed")
}

func TestLinesComeBackAsTheyWere(t *testing.T) {
	for _, d := range []Decision{
		{"", "", DecidedAccept, "", 0}, {"a\x00b", "\x00\x01", DecidedReject, "\x00", 0}, {"a", "b\xff\x00\xff", DecidedNothing, "why", 0},
		{"a\x00", "", DecidedInvalid, "", 0}, {"a", "\x00", DecidedInvalid, "", 0},
	} {
		got, err := readLine(string(appendLine(nil, []byte(d.Category), []byte(d.Value), fateOf(d.Decision), d.Reason)))
		require.NoError(t, err)
		assert.Equal(t, d, got)
	}
	for _, damaged := range []string{"", "\x09", "\x00abc", "\x00a\x00", "\x00a\x00\x01b\x00\x01c"} {
		_, err := readLine(damaged)
		assert.Error(t, err, "%q", damaged)
	}
}

func fateOf(decision string) fate {
	for i, word := range decided {
		if word == decision {
			return fate(i)
		}
	}
	return fateInvalid
}

func TestOriginsSayWhereTimeEndAndPersonComeFrom(t *testing.T) {
	spec, err := Parse("m.yaml", []byte("parameters: [{name: zone, default: UTC}]\ntimezone: ${zone}\nconsent:\n  userId: {from: [id, mail]}\n  timestamp:\n    from: t\n    format: [\"%d.%m.%Y\", rfc3339]\n  validUntil: {after: 395d}\n  source: {const: web}\n  action: {from: a, values: {yes: accept}}\n"), nil)
	require.NoError(t, err)
	assert.Equal(t, []Origin{
		{"timezone", "UTC"}, {"userId", "{from: [id, mail]}"}, {"timestamp", `{from: t, format: ["%d.%m.%Y", rfc3339]}`},
		{"validUntil", "{after: 395d}"}, {"source", "{const: web}"},
	}, spec.Origins())
}

// A mapping whose names are words that mean something elsewhere in it.
const namedLikeKeys = `name: consent
empty: ["", null]
timezone: UTC
lookup: {consent: {file: consent.csv, key: id, on: id}}
skip: [{when: a == "consent", reason: consent}]
each:
  - columns: {consent: a, each: b, trim: [c, d]}
    skip: each.value == "consent"
  - array: consent
    consent:
      email: {from: trim, trim: true}
      action:
        cases:
          - {when: each.cases == "1", from: each.consent, values: {consent: accept, trim: reject, cases: reject}}
          - {from: each.value, values: {lower: accept, optional: }}
consent:
  userId: {from: [id, consent], trim: true, lower: true}
  timestamp: {from: t, format: ["%d.%m.%Y", rfc3339]}
  validUntil: {after: 395d}
  source: {const: consent}
  category: {from: each.key, values: {consent: news, each: ads, trim: stats}}
  action: {from: each.value, values: {consent: accept, each: reject, trim: reject}}
  message: {template: "consent {trim}"}
`

// Whatever word of a mapping is another one, the mapping is another one to whoever signs it.
func TestTheApprovalHashCoversEveryWordOfTheMapping(t *testing.T) {
	texts := []string{namedLikeKeys}
	for i, p := range Presets() {
		if i%4 == 0 && !strings.Contains(string(p.Source), "parameters:") {
			text, _, _ := strings.Cut(string(p.Source), "\ntests:")
			texts = append(texts, text+"\n")
		}
	}
	word := regexp.MustCompile(`[A-Za-z0-9_%]+`)
	tried := 0
	for i, text := range texts {
		spec, err := Parse("m.yaml", []byte(text), nil)
		require.NoError(t, err)
		others := []string{"x"}
		if i == 0 {
			others = []string{"x", "consent", "reject"}
		}
		was := string(spec.Canonical())
		for _, at := range word.FindAllStringIndex(text, -1) {
			line := text[strings.LastIndexByte(text[:at[0]], '\n')+1:]
			if line, _, _ = strings.Cut(line, "\n"); strings.Contains(line, "#") {
				continue // it may be a comment
			}
			for _, other := range others {
				if other == "x" {
					other = text[at[0]:at[1]] + "x"
				}
				changed := text[:at[0]] + other + text[at[1]:]
				if spec, err := Parse("m.yaml", []byte(changed), nil); err == nil && changed != text {
					tried++
					require.NotEqual(t, was, string(spec.Canonical()), "%s in %q", other, line)
				}
			}
		}
	}
	require.Greater(t, tried, 300)
}

// What is written out and changes nothing changes no hash.
func TestDefaultsWrittenOutKeepTheApprovalHash(t *testing.T) {
	const short = "consent: {userId: id, timestamp: t, validUntil: unlimited, source: {const: web}, action: {from: a, values: {yes: accept}}}\n"
	const long = "empty: [\"\"]\ninput: {}\nconsent: {userId: {from: [id], trim: false, lower: false, optional: false}, timestamp: {from: t}, validUntil: unlimited, source: {const: web}, action: {values: {'yes': accept}, from: a}}\n"
	var forms [2]string
	for i, text := range []string{short, long} {
		spec, err := Parse("m.yaml", []byte(text), nil)
		require.NoError(t, err)
		forms[i] = string(spec.Canonical())
	}
	require.Equal(t, forms[0], forms[1])
}

// A block of each may have fields of its own, and one that stands alone, too: the sheet
// would name the person of nobody's consent.
func TestOriginsSayWhatABlockOverlays(t *testing.T) {
	const block = "{columns: {news: a}, consent: {userId: member}}"
	for label, each := range map[string]string{"each: ": block, "each block 1: ": "[" + block + "]"} {
		spec, err := Parse("m.yaml", []byte("each: "+each+"\nconsent: {userId: id, timestamp: t, validUntil: unlimited, source: {const: web}, category: each.key, action: {from: each.value, values: {yes: accept}}}\n"), nil)
		require.NoError(t, err)
		assert.Contains(t, spec.Origins(), Origin{label + "userId", "member"})
	}
}

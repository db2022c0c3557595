package mapping

import (
	"bytes"
	"math"
	"strings"

	"github.com/consentimport/consentimport/mapping/timetext"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// Tally is what lint saw in one batch of rows. It is for one goroutine at a
// time and keeps what the rows say until Linter.Fold: the batch must live as
// long.
type Tally struct {
	linter     *Linter // read only
	seen       [ruleCount]sightings
	decisions  decisionTally
	subjects   []appearance
	oneTime    oneTime
	dayProven  bool
	unproven   span               // the days of a month that may be months as well, looked at last
	categories Few[knownCategory] // of this batch and those before it
	domain     domain
}

// knownCategory is what the name of a category says by itself.
type knownCategory struct {
	sense     vocabulary.Sense
	necessary bool
}

// NewTally makes a Tally for batches of rows, one after the other.
func (l *Linter) NewTally() *Tally {
	t := &Tally{linter: l}
	t.reset()
	return t
}

func (t *Tally) reset() {
	t.seen = [ruleCount]sightings{}
	t.decisions.reset()
	t.subjects = t.subjects[:0]
	t.oneTime = oneTime{min: math.MaxInt64, max: math.MinInt64}
	t.dayProven, t.unproven = false, span{}
}

// Observe looks at one row and what it became. Subjects holds a hash of the
// subject of each consent in res, well mixed over all 64 bits; it may be nil for a
// row that is not mapped.
func (t *Tally) Observe(rec *Record, res *Result, subjects []uint64) {
	t.Row(rec.Row, res.Status, res.Reason, len(res.Consents)+len(res.Dropped) > 0)
	t.Missed(rec.Row, res.Missed)
	for i := range res.Dropped {
		t.Dropped(rec.Row, &res.Dropped[i], res.Status)
	}
	if res.Status != Mapped {
		for i := range res.Consents {
			t.Readable(&res.Consents[i])
		}
		return
	}
	for i := range res.Consents {
		t.Consent(rec.Row, &res.Consents[i], subjects[i])
	}
	t.Text(rec.Row, rec.JSON)
}

// Text looks at the JSON of a mapped row; it may be empty.
func (t *Tally) Text(row int64, json []byte) {
	if len(json) > 0 && isTestSubject(json) {
		t.seen[ruleTestData].at(row)
	}
}

// Row looks at the outcome of a row; values says whether any value of it was
// read, which Dropped, Readable or Consent then get.
func (t *Tally) Row(row int64, status Status, reason string, values bool) {
	switch status {
	case Mapped:
		return
	case Invalid:
		t.invalid(row, reason)
	}
	if values {
		return
	}
	as := fateInvalid
	if status == Skipped {
		as = fateSkipped
	}
	line, _ := t.decisions.at(nil, nil, as, reason)
	line.count++
}

// Missed notes what of a row the mapping did not see.
func (t *Tally) Missed(row int64, missed Missed) {
	if missed&MissedKey != 0 {
		t.seen[ruleLookupMissing].at(row)
	}
	if missed&MissedNear != 0 {
		t.seen[ruleLookupSpelling].at(row)
	}
	if missed&MissedOptOut != 0 {
		t.seen[ruleUnread].at(row)
	}
}

// invalid looks for the faults of times that the mapping itself refuses.
func (t *Tally) invalid(row int64, reason string) {
	for _, fault := range [...]struct {
		rule rule
		why  string
	}{
		{ruleZone, timetext.NoZone}, {ruleSeconds, timetext.Seconds}, {ruleMillis, timetext.Millis}, {ruleMillis, timetext.Late}, {ruleMangled, timetext.Mangled},
	} {
		if strings.HasSuffix(reason, fault.why) {
			t.seen[fault.rule].at(row)
		}
	}
}

// Dropped counts a value that made no consent, in a row of that status.
func (t *Tally) Dropped(row int64, d *Dropped, status Status) {
	as, why := fateSkipped, d.Why
	if d.Why == Unlisted || status == Invalid {
		as, why = fateInvalid, ""
	}
	line, isNew := t.decisions.at(d.Category, d.Raw, as, why)
	line.count++
	if as == fateSkipped && why == acceptLapsed {
		t.seen[ruleEnded].at(row)
	}
	if as != fateSkipped || why != NoStatement {
		return
	}
	if isNew && unheard(t.linter.spec.sense(d.Category), vocabulary.Value(d.Raw)) {
		line.marks = 1 << ruleUnheard
	}
	if line.marks.has(ruleUnheard) {
		t.seen[ruleUnheard].at(row)
	}
}

// Readable counts a consent that could be read in an invalid row.
func (t *Tally) Readable(c *Consent) {
	line, _ := t.decisions.at(c.Category, c.Raw, fateInvalid, "")
	line.count++
}

// The ms of a day, and of the years that times are held against.
const (
	day      = 86_400_000
	year2000 = 946_684_800_000
	year3000 = 32_503_680_000_000
)

// Consent looks at one consent of a mapped row.
func (t *Tally) Consent(row int64, c *Consent, subject uint64) {
	as := fateAccept
	if c.Action == Reject {
		as = fateReject
	}
	line, isNew := t.decisions.at(c.Category, c.Raw, as, "")
	if isNew {
		line.marks = t.marks(c)
	}
	line.count++
	if line.marks != 0 {
		for r := ruleAgainst; r <= ruleNecessary; r++ {
			// With an end of its own, an ended consent is told as it was.
			if line.marks.has(r) && (r != ruleEnded || c.ValidUntil == Unlimited) {
				t.seen[r].at(row)
			}
		}
		if line.marks.has(ruleNoPurpose) {
			t.seen[ruleNoPurpose].at(row)
		}
	}

	ts := c.Timestamp
	if ts < year2000 || ts >= t.linter.future {
		t.seen[strangeTime(ts)].at(row)
	}
	t.oneTime.min = min(t.oneTime.min, ts)
	t.oneTime.max = max(t.oneTime.max, ts)
	if o := &t.oneTime.rows; o.last != row {
		o.at(row)
	}
	if t.linter.spec.dayMonth && !t.dayProven && (ts < t.unproven.from || ts >= t.unproven.to) {
		t.unproven = mayBeMonths(ts)
		t.dayProven = ts >= t.unproven.to
	}
	if c.ValidUntil < t.linter.now {
		t.seen[ruleExpired].at(row)
	}
	if c.Assumed {
		t.seen[ruleAssumed].at(row)
	}
	if len(c.ProfileID) > 0 && !c.HasSourceID {
		t.seen[ruleSourceID].at(row)
	}
	doubts, test := t.person(c)
	if c.Hidden {
		doubts |= 1 << ruleInvisible
	}
	if doubts != 0 {
		for _, r := range [...]rule{ruleMangled, ruleStandIn, ruleInvisible, ruleNoAddress} {
			if doubts.has(r) {
				t.seen[r].at(row)
			}
		}
	}
	if n := len(t.subjects); n == 0 || t.subjects[n-1].row != row {
		t.subjects = append(t.subjects, appearance{subject, row})
	}
	if test {
		t.seen[ruleTestData].at(row)
	}
}

// marks says what lint thinks of a combination of category, value and action.
func (t *Tally) marks(c *Consent) (marks ruleSet) {
	known, isNew := t.categories.Of(c.Category)
	if isNew {
		known.sense, known.necessary = t.linter.spec.sense(c.Category), vocabulary.Necessary(c.Category)
	}
	marks = doubts(known.sense, c.Raw, c.Action)
	if known.necessary {
		marks |= 1 << ruleNecessary
	}
	if isNoPurpose(c.Category) {
		marks |= 1 << ruleNoPurpose
	}
	return marks
}

// strangeTime says what is wrong with a time before 2000 or in the future.
// Seconds of the years 2000 to 2100 that are read as milliseconds fall into
// January and February of 1970.
func strangeTime(ts int64) rule {
	switch {
	case ts >= year3000:
		return ruleMillis
	case ts >= year2000:
		return ruleFuture
	case ts >= year2000/1000 && ts < 4_102_444_800:
		return ruleSeconds
	default:
		return ruleEarly
	}
}

// span is the times from one to before another, in ms since 1970.
type span struct{ from, to int64 }

// mayBeMonths gives the first days of the month of a time, whose numbers may be those of
// months; one more than there are months, because a zone may have moved it.
func mayBeMonths(ts int64) span {
	const last = 13
	from := (ts/day - dayOfMonth(ts) + 1) * day
	return span{from, from + last*day}
}

// dayOfMonth gives the day of a time in UTC, from 1.
func dayOfMonth(ms int64) int64 {
	// Days since 1 March of the year 0, by the calendar that repeats every
	// 400 years; then days since the 1 March before.
	d := ms/day + 719468
	d -= d / 146097 * 146097
	year := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*year + year/4 - year/100
	month := (5*d + 2) / 153
	return d - (153*month+2)/5 + 1
}

// isMangled reports whether an id is a number that a spreadsheet rounded, such
// as 4.4E+07, or bears what keeps a cell from that, an apostrophe or ="…", or is a
// whole number that a data frame made a fraction of, such as 123.0.
func isMangled(id []byte) bool {
	n := len(id)
	if n < 2 {
		return false
	}
	if id[0] == '\'' || id[0] == '=' && id[1] == '"' {
		return true
	}
	if id[0] < '0' || id[0] > '9' || n > 24 {
		return false
	}
	if id[n-1] == '0' && n > 2 {
		if whole := bytes.TrimRight(id, "0"); len(whole) > 1 && whole[len(whole)-1] == '.' && timetext.AllDigits(whole[:len(whole)-1]) {
			return true
		}
	}
	last := id[n-1]
	return last >= '0' && last <= '9' && timetext.IsScientific(id)
}

// isTestAddress reports whether an address belongs to nobody: a domain that is
// kept for examples and tests, or a local part "test".
func isTestAddress(address []byte) bool {
	return len(address) >= 6 && (hasTestDomain(address) || isNamedTest(address))
}

// hasTestDomain reports whether an address of five bytes or more ends with a domain for
// examples and tests.
func hasTestDomain(address []byte) bool {
	n := len(address)
	switch address[n-5] | 0x20 { // the fifth letter from the end of each of them
	case 'e', 't', '.':
		for _, end := range [...]string{"@example.com", "@example.org", "@example.net", ".test", "@test.com"} {
			if n > len(end) && address[n-len(end)] == end[0] && equalFold(address[n-len(end):], end) && (end[0] == '@' || bytes.IndexByte(address, '@') >= 0) {
				return true
			}
		}
	}
	return false
}

// isNamedTest reports whether the local part of an address, which has five bytes or more,
// is "test".
func isNamedTest(address []byte) bool { return address[4] == '@' && equalFold(address[:4], "test") }

// isTestSubject reports whether a JSON row is one that OneTrust marks as a test.
func isTestSubject(text []byte) bool {
	// Looked for without its beginning: a capital D is rarer than a T or a quote.
	const before, name = `"Test`, `DataSubject"`
	for {
		i := bytes.Index(text, []byte(name))
		if i < 0 {
			return false
		}
		marked := bytes.HasSuffix(text[:i], []byte(before))
		text = text[i+len(name):]
		if marked {
			return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n:"), []byte("true"))
		}
	}
}

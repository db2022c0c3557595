package mapping

import (
	"math"
	"slices"
	"time"

	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// Finding is a sign that an export or a mapping does not mean what it seems to.
type Finding struct {
	Rule    string  `json:"rule"`    // stable name, kebab-case
	Count   int64   `json:"count"`   // consents or rows that show it; of a fault of the mapping alone, places in it
	Message string  `json:"message"` // one sentence that says what to do
	Rows    []int64 `json:"rows"`    // the first ten, ascending; none for a fault of the mapping alone
	// Examples are a few of what shows it, where a row alone does not tell: people masked.
	Examples []string `json:"examples,omitempty"`
}

// rule is one thing that lint looks for.
type rule uint8 // of at most 32, as many as a ruleSet holds

const (
	ruleAgainst rule = iota
	ruleImplied
	ruleEnded
	ruleOtherwise
	ruleNotAgainst
	ruleNecessary
	ruleOneTime
	ruleEarly
	ruleFuture
	ruleSeconds
	ruleMillis
	ruleZone
	ruleDayMonth
	ruleExpired
	ruleShare
	ruleShareDiffers
	ruleMangled
	ruleTestData
	ruleSourceID
	ruleFreeText
	ruleStandIn
	ruleInvisible
	ruleNoAddress
	ruleCrowd
	ruleLookupMissing
	ruleLookupSpelling
	ruleAssumed
	ruleUnheard
	ruleUnread
	ruleNoPurpose
	ruleCount
)

// ruleSet is a set of rules.
type ruleSet uint32

func (s ruleSet) has(r rule) bool { return s>>r&1 == 1 }

// ruleText is how a rule is called and what it tells the user.
type ruleText struct{ name, message string }

// text of the rules. A message names no value: values may identify a person.
func (r rule) text() ruleText {
	return [ruleCount]ruleText{
		ruleAgainst:        {"value-against-its-name", "A value becomes the opposite of what it or its column is called (such as opt_out: true → accept); swap the values in the mapping, or rename the category."},
		ruleImplied:        {"implied-state-accepted", "A default, implied or undecided state becomes accept although nobody chose it; skip these rows, or remove the value from the mapping."},
		ruleEnded:          {"ended-state-accepted", "A state that says that consent has ended is an accept in the mapping, which counts only where the row states when it ended; map validUntil from the column that says so, or skip these rows."},
		ruleOtherwise:      {"accept-says-otherwise", "A value that says what became of mail, another legal ground or that the record is gone becomes accept; skip these rows, or map the column that says what the person decided."},
		ruleNotAgainst:     {"no-reject-accepted", "A no becomes accept (as of Do Not Email: No), although it holds for everyone who was never asked; import only the rejects, or map the column that says who agreed."},
		ruleNecessary:      {"necessary-category", "A necessary or essential category is imported as consent although nobody is asked about it; skip it."},
		ruleOneTime:        {"one-timestamp", "All rows have the same time, which is likely that of the export and not of the consents; map the column that says when each decision was made or, where there is none, import the rejects alone."},
		ruleEarly:          {"time-before-2000", "Times lie before the year 2000; check the time's column, format and unit."},
		ruleFuture:         {"time-in-future", "Times lie more than a day ahead; check the time's column, format, unit and zone."},
		ruleSeconds:        {"seconds-as-milliseconds", "Epoch seconds are read as milliseconds, which puts them into 1970; set the format epoch-s."},
		ruleMillis:         {"milliseconds-as-seconds", "Times lie beyond the year 3000, as epoch milliseconds do that are read as seconds: set the format epoch-ms; a day such as 9999-12-31 is no time of a consent."},
		ruleZone:           {"zone-missing", "Times have no zone, so their rows are invalid; set the zone in the mapping (timezone: Europe/Berlin)."},
		ruleDayMonth:       {"day-month-ambiguous", "Day and month cannot be told apart: no time has a number above 12, or the mapping lists formats in both orders, of which the first that fits counts; make sure that the format has them in the right order."},
		ruleExpired:        {"expired", "Consents have a validUntil in the past; skip them, or check the column and the lifetime that it comes from."},
		ruleShare:          {"nearly-all-accepted", "At least 99.9 % of the consents are accept; make sure that the export has the rejects and that the mapping reads them."},
		ruleShareDiffers:   {"accepted-share-differs", "The share of accept among the consents is far from the share of yes among the export's values; check which values are swapped or missing."},
		ruleMangled:        {"mangled-by-spreadsheet", "Ids look mangled by a spreadsheet or a data frame (4.4E+07, 123.0, =\"00123\", or a leading apostrophe); take the export as the platform wrote it, without opening it in a spreadsheet."},
		ruleTestData:       {"test-data", "Rows are test data (addresses at example.com or .test, test data subjects); exclude them with a skip rule."},
		ruleSourceID:       {"profile-without-source", "A profileId has no sourceId, so the target refuses it; map sourceId, or send the id as userId."},
		ruleStandIn:        {"stand-in-id", "Ids such as 0, none, unknown or - stand for nobody in particular, so that many become one person; skip these rows, or list the words under empty."},
		ruleInvisible:      {"invisible-in-id", "Ids have invisible characters in them, or blanks around them that are sent: one person may stand under several spellings, here or in the target; trim: true cuts off what is around an id."},
		ruleNoAddress:      {"not-an-address", "E-mail fields, or ids with an @, hold something else than one address (a name, two addresses, mailto:, stars), under which nobody is found; take the address out with match."},
		ruleCrowd:          {"one-subject-for-many", "At least these rows, a large share of all, are about one and the same subject; make sure that it is a person and not what stands for those without an id."},
		ruleLookupMissing:  {"lookup-missing", "Rows have a key that the file of a lookup does not have, so that its columns are empty in them; make sure that the file is whole and that key and on are the same thing, or say required: true in the lookup, which makes such rows invalid."},
		ruleLookupSpelling: {"lookup-spelling", "Rows have a key that the file of a lookup has in another spelling alone (case, zeros in front, blanks, quotes, 12.0): keys are compared as they are; take both files as the platform wrote them, without opening them in a spreadsheet."},
		ruleAssumed:        {"accept-by-default", "What no case of the action is about becomes accept, also where the row says nothing or something new; give the last case a condition that says what a yes is."},
		ruleUnheard:        {"reject-unheard", "A value that says that somebody refused makes no consent, because it stands under empty or has no meaning in values; make it a reject, or say in a skip rule why it is none."},
		ruleUnread:         {"opt-out-unread", "A column that the mapping does not read says that people left: a yes under a name of opt-outs (such as Do Not Email), UNSUBSCRIBED or the like under one of consents (such as SMS Marketing Consent), or a no in a column that only a pattern in except leaves out. These rejects are lost; map it, or read it in a skip rule that says why it counts for nothing, or name it in except."},
		ruleNoPurpose:      {"stand-in-category", "Categories such as null, undefined or n/a stand for no purpose; list these words under empty, which makes their rows invalid, or map what they mean with values."},
		ruleFreeText:       {"decisions-from-free-text", "Decisions are read from more than 1,000 different values, as people's own words have; make sure that the column holds decisions, and have decisions.csv read whole before it is signed."},
	}[r]
}

// firstRows is how many rows a finding names.
const firstRows = 10

// sightings counts where a rule was met.
type sightings struct {
	count int64
	n     int
	last  int64 // the row of the last sighting
	rows  [firstRows]int64
}

// at counts one sighting in a row; rows come in ascending order.
func (s *sightings) at(row int64) {
	s.count++
	s.last = row
	if s.n < firstRows && (s.n == 0 || s.rows[s.n-1] != row) {
		s.rows[s.n] = row
		s.n++
	}
}

// merge adds the sightings of later rows.
func (s *sightings) merge(later *sightings) {
	s.count += later.count
	s.last = later.last
	for _, row := range later.rows[:later.n] {
		if s.n < firstRows && (s.n == 0 || s.rows[s.n-1] != row) {
			s.rows[s.n] = row
			s.n++
		}
	}
}

// LintOptions say how an export is going to be imported.
type LintOptions struct {
	// Now is the time against which times are held.
	Now time.Time
	// Overflow takes the lines of the decision table that do not fit into
	// memory; nil keeps them all there.
	Overflow Overflow
}

// Linter watches an import for signs that it does not mean what it seems to,
// and draws up the decision table on the way. Any number of goroutines fill
// tallies, one a batch of rows; one goroutine folds them in row order.
type Linter struct {
	spec      lintSpec
	now       int64
	future    int64 // the first ms that is too far ahead
	seen      [ruleCount]sightings
	decisions Decisions
	crowd     crowd
	shares    shares
	oneTime   oneTime
	dayProven bool
	canonical []byte // the mapping, for the approval hash
}

// NewLinter makes a Linter for an export under a mapping.
func NewLinter(spec *Spec, o LintOptions) *Linter {
	l := newLinter(viewOf(spec), o)
	l.canonical = spec.Canonical()
	l.decisions.listed = listedValues(spec)
	return l
}

func newLinter(view lintSpec, o LintOptions) *Linter {
	now := o.Now.UnixMilli()
	return &Linter{spec: view, now: now, future: now + day, decisions: Decisions{overflow: o.Overflow}, oneTime: oneTime{min: math.MaxInt64, max: math.MinInt64}}
}

// Decisions is the decision table of what was folded so far.
func (l *Linter) Decisions() *Decisions { return &l.decisions }

// The numbers below which a rule keeps silent, because chance explains what it
// would see.
const (
	fewestOneTime = 20
	fewestShare   = 1000
	fewestDiffers = 50
)

// Findings lists what was found, in the order of the rules; none for an export
// that is clean. Faults of the mapping alone are among them where no row of
// the export showed them.
func (l *Linter) Findings() []Finding {
	seen := l.seen
	if t := &l.oneTime; t.rows.count >= fewestOneTime && t.min == t.max {
		seen[ruleOneTime] = t.rows
	}
	if (l.spec.dayMonth && !l.dayProven || l.spec.bothOrders) && l.oneTime.rows.count > 1 {
		seen[ruleDayMonth] = l.oneTime.rows
	}
	if made := l.shares.accept + l.shares.reject; made >= fewestShare && l.shares.reject*1000 <= made {
		seen[ruleShare].count = made
	}
	if l.decisions.free.found() {
		seen[ruleFreeText].count = l.shares.accept + l.shares.reject
	}
	if !l.spec.inverted && l.shares.differ() {
		seen[ruleShareDiffers].count = l.shares.accept + l.shares.reject
	}
	seen[ruleCrowd] = l.crowd.found()
	var found []Finding
	for r := range ruleCount {
		switch s := &seen[r]; {
		case s.count > 0:
			text := r.text()
			found = append(found, Finding{Rule: text.name, Count: s.count, Message: text.message, Rows: append([]int64{}, s.rows[:s.n]...)})
		case r == ruleNotAgainst && l.oneTime.rows.count > 0:
			// A rule may skip the rows that have such a value: then none shows it.
		case l.spec.faults[r] > 0:
			text := r.text()
			found = append(found, Finding{Rule: text.name, Count: l.spec.faults[r], Message: text.message, Rows: []int64{}})
		}
	}
	return found
}

// Fold adds the tally of the batch that follows the last one, and empties the
// tally for another batch.
func (l *Linter) Fold(t *Tally) {
	for r := range t.seen {
		if later := &t.seen[r]; later.count > 0 {
			l.seen[r].merge(later)
		}
	}
	for i := range t.decisions.lines {
		line := &t.decisions.lines[i]
		l.decisions.add(line.category, line.raw, line.fate, line.reason(), line.count)
		l.shares.add(line)
	}
	if t.oneTime.rows.count > 0 {
		l.oneTime.rows.merge(&t.oneTime.rows)
		l.oneTime.min = min(l.oneTime.min, t.oneTime.min)
		l.oneTime.max = max(l.oneTime.max, t.oneTime.max)
	}
	l.dayProven = l.dayProven || t.dayProven
	l.crowd.fold(t.subjects)
	t.reset()
}

// oneTime knows whether all rows have one time.
type oneTime struct {
	rows     sightings // rows that made consents
	min, max int64
}

// shares compares what the export's values say with what they became.
type shares struct {
	accept, reject int64 // consents
	yes, no        int64 // values that say so by themselves, whatever became of them
	other          int64 // values that say neither
}

func (s *shares) add(line *tallyLine) {
	switch line.fate {
	case fateAccept:
		s.accept += line.count
	case fateReject:
		s.reject += line.count
	case fateSkipped:
		return // left out on purpose
	}
	switch vocabulary.Value(line.raw) {
	case vocabulary.Yes, vocabulary.Accepted, vocabulary.In:
		s.yes += line.count
	case vocabulary.No, vocabulary.Rejected, vocabulary.Out:
		s.no += line.count
	default:
		s.other += line.count
	}
}

// differ reports whether the shares are more than 20 points apart, where most
// values are words that say something.
func (s *shares) differ() bool {
	made, said := s.accept+s.reject, s.yes+s.no
	if made < fewestDiffers || said < 4*s.other {
		return false
	}
	return math.Abs(float64(s.accept)/float64(made)-float64(s.yes)/float64(said)) > 0.2
}

// lintSpec is what lint knows of a mapping.
type lintSpec struct {
	// names says what a yes means in the column or key that states the action, by
	// category; the one under "" does for categories that are not in it, and where
	// that says nothing, or is a word for any answer, the category's own name is looked at.
	names    map[string]vocabulary.Sense
	inverted bool // at least one column of the action says no with a yes
	dayMonth bool // a format of the timestamp has day and month as numbers, separated by slashes or dashes
	// bothOrders: formats of one timestamp have the day first, and the month first.
	bothOrders bool
	faults     [ruleCount]int64
}

// sense says what a yes means for a category.
func (s *lintSpec) sense(category []byte) vocabulary.Sense {
	if n, ok := s.names[string(category)]; ok && n != vocabulary.None {
		return n
	}
	n, own := s.names[""], vocabulary.Name(category)
	if n == vocabulary.None || n == vocabulary.In && own == vocabulary.Out { // consented: true, of do_not_sell
		return own
	}
	return n
}

// LintSpec looks at a mapping alone and lists the values that go against their
// names, and the implied states that it accepts. The line numbers of a mapping
// are not known here: a count says in how many places.
func LintSpec(s *Spec) []Finding {
	view := viewOf(s)
	l := Linter{spec: view}
	return slices.Clip(l.Findings())
}

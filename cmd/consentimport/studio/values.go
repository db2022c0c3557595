package studio

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/mapping"
)

// maxValues is how many values can be decided on the page.
const maxValues = 1000

// values is the part of the page where raw values are decided.
type values struct {
	Places []decidedAt
	// Fixed are values that no table decides, and what does: the first of FixedLines.
	Fixed      []fixed
	FixedLines int64
	Open       int64  // that nobody has decided
	More       int    // that do not stand on the page
	Rest       bool   // the last dry run has others that no table lists
	Fault      string // why there are none
}

// decidedAt is a table of the mapping with its values.
type decidedAt struct {
	mapping.Where
	Values []value
}

// value is one raw value and what the mapping makes of it.
type value struct {
	N               int // of all on the page
	Value, Decision string
	Count           int64
	New             bool // the export has it, the table does not
	Own             bool // the table makes something else of it than is chosen here
}

// Open says that a person still has to decide it.
func (v value) Open() bool { return v.New || v.Decision == mapping.ToDecide }

// fixed is a line of the decision table that no table of the mapping decides.
type fixed struct {
	decision
	Why  string
	Line int // of the mapping; 0: not known
}

// valuesOf joins what the mapping says with what the last dry run found, and what the
// column of the decisions holds.
func valuesOf(work work, text []byte, in *inspect.Inspection) (v values) {
	places, err := mapping.Deciding(text)
	if err != nil {
		v.Fault = "The text is not YAML yet, so its values cannot be chosen here."
		return v
	}
	found := findValues(work.Dry(), places, text)
	if !found.any && in != nil { // before there is a dry run, the columns that look like decisions
		for _, c := range in.Suggest().Decisions {
			for _, v := range c.Values {
				found.counts[v.Value] += v.Count
			}
		}
	}
	shown := 0
	for _, p := range places {
		at := decidedAt{Where: p}
		for _, c := range p.Choices {
			own := !slices.Contains([]string{"accept", "reject", "", mapping.ToDecide}, c.Decision)
			at.Values = append(at.Values, value{Value: c.Value, Decision: c.Decision, Count: found.counts[c.Value], Own: own})
		}
		if p.Table && len(p.Choices) > 0 {
			for _, u := range found.unlisted {
				if !listed(at.Values, u.Value) {
					at.Values = append(at.Values, u)
				}
			}
		}
		slices.SortStableFunc(at.Values, func(a, b value) int { return cmp.Compare(rank(a), rank(b)) })
		if over := shown + len(at.Values) - maxValues; over > 0 {
			v.More += over
			at.Values = at.Values[:len(at.Values)-over]
		}
		for i := range at.Values {
			at.Values[i].N = shown
			if shown++; at.Values[i].Open() {
				v.Open++
			}
		}
		v.Places = append(v.Places, at)
	}
	v.Fixed, v.FixedLines, v.Rest = found.fixed, found.fixedLines, found.rest
	return v
}

// foundValues is what the last dry run found, as far as the page of the mapping shows it.
type foundValues struct {
	any      bool             // there is a table
	counts   map[string]int64 // how often each value of the mapping's tables occurs
	unlisted []value          // those that it could not read and that no table lists
	rest     bool             // there are more of these
	fixed    []fixed
	// fixedLines is how many there are, shown or not.
	fixedLines int64
}

// findValues goes over all lines of the last dry run, however many: what nobody has
// decided stands at their end.
func findValues(dry string, places []mapping.Where, text []byte) foundValues {
	f := foundValues{counts: map[string]int64{}}
	known := map[string]string{} // value in lower case → as a table has it
	for _, p := range places {
		for _, c := range p.Choices {
			f.counts[c.Value] = 0
			known[strings.ToLower(c.Value)] = c.Value
		}
	}
	at := map[string]int{} // of unlisted, by lower case
	untabled := newUntabled(places)
	eachDecision(dry, math.MaxInt, func(d decision) {
		f.any = true
		lower := strings.ToLower(d.Value)
		if _, exactly := f.counts[d.Value]; exactly {
			f.counts[d.Value] += d.times()
		} else if value, ok := known[lower]; ok { // in other letters
			f.counts[value] += d.times()
		}
		if d.unlisted() {
			if i, ok := at[lower]; ok { // of another category
				f.unlisted[i].Count += d.times()
			} else if len(f.unlisted) < maxValues {
				at[lower] = len(f.unlisted)
				f.unlisted = append(f.unlisted, value{Value: d.Value, Count: d.times(), New: true})
			} else {
				f.rest = true
			}
		}
		if line, ok := untabled.of(d); ok {
			if f.fixedLines++; f.fixedLines <= maxFixed {
				if line.Reason != "" {
					line.Line = lineOf(text, line.Reason)
				}
				f.fixed = append(f.fixed, line)
			}
		}
	})
	return f
}

// unlisted reports a value that no table had.
func (d decision) unlisted() bool {
	return d.Decision == mapping.DecidedInvalid && d.Value != "" && d.Reason == ""
}

// listed reports whether a table has a value, be it in other letters.
func listed(values []value, text string) bool {
	return slices.ContainsFunc(values, func(v value) bool { return strings.EqualFold(v.Value, text) })
}

// rank puts what is to be decided first.
func rank(v value) int {
	if v.Open() {
		return 0
	}
	return 1
}

// maxFixed is how many lines are shown that no table decides.
const maxFixed = 200

// untabled finds the lines of the decision table that cannot be decided on the page, each
// with the reason.
type untabled struct {
	plain   []mapping.Where // places that have no table
	tables  int
	inTable map[string][]string // value → what tables make of it
}

func newUntabled(places []mapping.Where) *untabled {
	u := &untabled{inTable: map[string][]string{}}
	for _, p := range places {
		if !p.Table || len(p.Choices) == 0 {
			u.plain = append(u.plain, p)
			continue
		}
		u.tables++
		for _, c := range p.Choices {
			v := strings.ToLower(c.Value)
			u.inTable[v] = append(u.inTable[v], cmp.Or(c.Decision, mapping.DecidedNothing))
		}
	}
	return u
}

func (u *untabled) of(d decision) (fixed, bool) {
	means := u.inTable[strings.ToLower(d.Value)]
	if d.unlisted() && u.tables > 0 || slices.Contains(means, d.Decision) || len(means) > 0 && d.Decision == mapping.DecidedInvalid {
		return fixed{}, false // it can be decided, or its row is invalid for what else stands there
	}
	f := fixed{decision: d, Why: d.Reason}
	switch {
	case d.Reason != "":
	case d.Value == "":
		f.Why = "an empty cell says nothing, whatever a table says"
	case len(u.plain) > 0:
		f.Line, f.Why = u.plain[0].Line, u.plain[0].Path+" "+cmp.Or(u.plain[0].Says, "has an empty table: write the first value there by hand")
	default:
		f.Why = "no table has it"
	}
	return f, true
}

// lineOf finds the line of the mapping on which a rule gives this reason; 0: none does.
func lineOf(text []byte, reason string) int {
	for i, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, reason) {
			return i + 1
		}
	}
	return 0
}

// decide writes what was chosen for each raw value into the text, and that to the file.
func (s *Studio) decide(w http.ResponseWriter, r *http.Request) {
	s.keep(w, r, func(text []byte) ([]byte, error) { return decided(text, r) })
}

// decided is a text with the choices of the form in it.
func decided(text []byte, r *http.Request) ([]byte, error) {
	for n := range maxValues {
		form := func(name string) string { return r.PostForm.Get(name + "." + strconv.Itoa(n)) }
		choice := form("choice")
		if choice == "" || choice == form("was") || choice == "unlisted" {
			continue
		}
		if choice == "nothing" {
			choice = ""
		}
		changed, err := mapping.Decide(text, carriedOut.Replace(form("at")), carriedOut.Replace(form("value")), choice)
		if err != nil {
			return nil, fmt.Errorf("decide %q: %w", form("value"), err)
		}
		text = changed
	}
	return text, nil
}

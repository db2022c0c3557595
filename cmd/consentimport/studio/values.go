package studio

import (
	"cmp"
	"fmt"
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
	// Fixed are values that no table decides, and what does.
	Fixed []fixed
	Open  int64  // that nobody has decided
	More  int    // that do not stand on the page
	Fault string // why there are none
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
	found := decisionsOf(work.Dry())
	counts := countsOf(found, in)
	shown := 0
	for _, p := range places {
		at := decidedAt{Where: p}
		for _, c := range p.Choices {
			own := !slices.Contains([]string{"accept", "reject", "", mapping.ToDecide}, c.Decision)
			at.Values = append(at.Values, value{Value: c.Value, Decision: c.Decision, Count: counts[c.Value], Own: own})
		}
		if p.Table && len(p.Choices) > 0 {
			at.add(found)
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
	v.Fixed = fixedOf(places, found, text)
	return v
}

// countsOf says how often each value occurs: by the last dry run or, before there is one,
// by the columns that look like decisions.
func countsOf(found []decision, in *inspect.Inspection) map[string]int64 {
	counts := map[string]int64{}
	for _, d := range found {
		n, _ := strconv.ParseInt(d.Count, 10, 64)
		counts[d.Value] += n
	}
	if in != nil && len(found) == 0 {
		for _, c := range in.Suggest().Decisions {
			for _, v := range c.Values {
				counts[v.Value] += v.Count
			}
		}
	}
	return counts
}

// add adds the values that the last dry run could not read and that the table lacks.
func (at *decidedAt) add(found []decision) {
	for _, d := range found {
		if !d.unlisted() || listed(at.Values, d.Value) {
			continue
		}
		n, _ := strconv.ParseInt(d.Count, 10, 64)
		at.Values = append(at.Values, value{Value: d.Value, Count: n, New: true})
	}
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

// fixedOf are the lines of the decision table that cannot be decided on the page, each
// with the reason.
func fixedOf(places []mapping.Where, found []decision, text []byte) (out []fixed) {
	var plain []mapping.Where // places that have no table
	tables := 0
	inTable := map[string][]string{} // value → what tables make of it
	for _, p := range places {
		if !p.Table || len(p.Choices) == 0 {
			plain = append(plain, p)
			continue
		}
		tables++
		for _, c := range p.Choices {
			v := strings.ToLower(c.Value)
			inTable[v] = append(inTable[v], cmp.Or(c.Decision, mapping.DecidedNothing))
		}
	}
	for _, d := range found {
		means := inTable[strings.ToLower(d.Value)]
		if d.unlisted() && tables > 0 || slices.Contains(means, d.Decision) || len(means) > 0 && d.Decision == mapping.DecidedInvalid {
			continue // it can be decided, or its row is invalid for what else stands there
		}
		f := fixed{decision: d, Why: d.Reason}
		switch {
		case d.Reason != "":
			f.Line = lineOf(text, d.Reason)
		case d.Value == "":
			f.Why = "an empty cell says nothing, whatever a table says"
		case len(plain) > 0:
			f.Line, f.Why = plain[0].Line, plain[0].Path+" "+cmp.Or(plain[0].Says, "has an empty table: write the first value there by hand")
		default:
			f.Why = "no table has it"
		}
		if out = append(out, f); len(out) == maxFixed {
			break
		}
	}
	return out
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

package inspect

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping"
)

// Suggestion names the columns from which a mapping for an export can be
// written. What a value means it never says.
type Suggestion struct {
	UserID, ProfileID, Email *Column
	Mixed                    bool      // one column holds ids as well as e-mail addresses
	AlsoUser                 []*Column // stand for UserID in the files that lack it
	RecordID                 *Column   // the platform's own id of the record, where somebody is named otherwise
	// UserPath and EmailPath lead to an identifier in a list of them, where no
	// column holds it: identities[type=email].value.
	UserPath, EmailPath string

	Times      []TimeChoice // in the order in which they are asked; of those without columns a person has to decide
	OtherTimes []*Column    // columns that hold times as well
	ValidUntil *Column

	// Candidate is how decisions lie in a row; it is empty where a person has to
	// choose among the candidates.
	Candidate
	Decisions  []*Column // the columns or paths that hold decisions
	Candidates []Candidate
	Parts      *Column // lists purposes, so that no column says by itself what was decided of each
	Category   *Column
	FileState  bool // the state stands in the names of the files alone
}

// view is an inspection while columns are chosen from it.
type view struct {
	in     *Inspection
	byName map[string]*Column
}

// Suggest chooses columns by their names and by what they hold.
func (in *Inspection) Suggest() *Suggestion {
	v := view{in, map[string]*Column{}}
	for i := range in.Columns {
		v.byName[in.Columns[i].name] = &in.Columns[i]
	}
	s := &Suggestion{}
	v.decisions(s)
	v.subject(s)
	v.times(s)
	return s
}

// Telling are the columns that matter to a mapping: those that a suggestion takes,
// and those that it names beside them.
func (in *Inspection) Telling() []*Column {
	s := in.Suggest()
	out := append([]*Column{s.UserID, s.Email, s.ProfileID, s.ValidUntil, s.Category, s.Source}, s.Decisions...)
	for _, t := range s.Times {
		out = append(out, t.Columns...)
	}
	for _, c := range s.Candidates {
		out = append(append(out, c.Source), c.Columns...)
	}
	out = append(out, s.OtherTimes...)
	return slices.DeleteFunc(out, func(c *Column) bool { return c == nil })
}

// all are the columns that a mapping can name: each.x and $file mean something else
// there, and a heading may be empty.
func (v *view) all(yield func(*Column) bool) {
	for i := range v.in.Columns {
		c := &v.in.Columns[i]
		if strings.HasPrefix(c.name, "each.") || c.name == "each" || c.name == "$file" || c.name == "$row" || strings.TrimSpace(c.name) == "" || c.name == mapping.ToDecide {
			continue
		}
		if !yield(c) {
			return
		}
	}
}

// outer are the columns that belong to the row itself and not to an element of
// an array in it.
func (v *view) outer(yield func(*Column) bool) {
	for c := range v.all {
		if !strings.Contains(c.name, "[]") && !yield(c) {
			return
		}
	}
}

func (v *view) decisions(s *Suggestion) {
	s.Candidates = v.candidates()
	if len(s.Candidates) == 0 || s.Candidates[0].score < sureScore {
		if s.FileState = v.stateInNames(); s.FileState {
			return
		}
	}
	if len(s.Candidates) == 0 {
		s.Category = v.category("", nil)
		return
	}
	best := s.Candidates[0]
	if best.score < sureScore || len(s.Candidates) > 1 && rivals(best, s.Candidates[1]) {
		s.Category = v.commonCategory(s.Candidates)
		return
	}
	if best.Form == "" && v.category("", best.Columns) == nil {
		if s.Parts = v.parts(best.Columns); s.Parts != nil {
			return // what the whole says is not what it says of each part
		}
	}
	s.Candidate, s.Decisions = best, best.Columns
	switch best.Form {
	case "":
		s.Category = v.category("", best.Columns)
	case "array":
		s.Category = v.category(best.Source.name+"[].", best.Columns)
	}
}

// parts is a column that lists purposes or categories, beside one that states a
// decision of the whole: who left a banner with some of them has not accepted all.
func (v *view) parts(decision []*Column) *Column {
	for c := range v.outer {
		if slices.Contains(decision, c) || len(c.Times) > 0 || scoreOf(lastName(c.name), []hint{{"purpose", 1}, {"categor", 1}, {"service", 1}, {"cookie", 1}, {"zweck", 1}, {"finalit", 1}}) == 0 || isVetoed(c.name) {
			continue
		}
		if c.lists > 0.3 || c.Pairs != nil || c.shares[kindObject]+c.shares[kindArray]+c.shares[kindJSON] > 0.3 {
			return c
		}
	}
	return nil
}

// commonCategory is the category of candidates that all are single columns.
func (v *view) commonCategory(candidates []Candidate) *Column {
	var columns []*Column
	for _, c := range candidates {
		if c.score >= sureScore && c.Form != "" {
			return nil
		}
		columns = append(columns, c.Columns...)
	}
	return v.category("", columns)
}

// rivals reports whether two candidates are about equally likely.
func rivals(best, next Candidate) bool {
	lead := best.score - next.score
	return next.score >= sureScore && lead < leadScore || next.score >= strongScore && lead < 40 && next.Form != "array" && next.Form != "lists"
}

// rated is a column and how well it suits.
type rated struct {
	column *Column
	score  int
}

// choose gives the column that suits best, and for files that lack it the best
// of theirs.
func (v *view) choose(found []rated) (best *Column, also []*Column) {
	slices.SortStableFunc(found, func(a, b rated) int { return cmp.Compare(b.score, a.score) })
	covered := map[int]bool{}
	for _, r := range found {
		if r.score <= 0 {
			break
		}
		adds := best == nil
		for _, l := range r.column.within {
			adds = adds || !covered[l]
		}
		if !adds {
			continue
		}
		for _, l := range r.column.within {
			covered[l] = true
		}
		if best == nil {
			best = r.column
		} else {
			also = append(also, r.column)
		}
	}
	return best, also
}

// category finds the column that says what a decision is about, among those
// whose path begins with a prefix. What names a person is none.
func (v *view) category(prefix string, decisions []*Column) *Column {
	var found *Column
	best := 0
	for c := range v.all {
		rest, ok := strings.CutPrefix(c.name, prefix)
		if !ok || slices.Contains(decisions, c) || strings.Contains(rest, "[]") || len(c.Times) > 0 || c.Filled == 0 || c.shares[kindEmail] > 0 || c.lists > 0.3 ||
			c.shares[kindObject]+c.shares[kindArray] > 0 {
			continue
		}
		score := exact(c.name, categoryHints())
		if prefix == "" && (score < 50 || c.Distinct < 0) {
			continue // names and ids of a row are a person's
		}
		if prefix != "" && c.Distinct < 0 {
			score -= 30
		}
		if score > best {
			found, best = c, score
		}
	}
	return found
}

// stateInNames reports whether files are called subscribed_…, unsubscribed_….
func (v *view) stateInNames() bool {
	states := map[string]bool{}
	for _, m := range v.in.Members {
		if word := stateWord(m.Name); mapping.Decisive([]byte(word)) && utf8.RuneCountInString(word) > 3 {
			states[word] = true
		}
	}
	return len(states) > 1
}

// stateWord is what a file's name begins with.
func stateWord(name string) string {
	word, _, _ := strings.Cut(strings.ToLower(name), "_")
	return word
}

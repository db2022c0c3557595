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
	Mixed                    bool // one column holds ids as well as e-mail addresses
	Timestamp                *Column
	// AlsoUser and AlsoTimes stand for UserID and Timestamp in the files that lack these.
	AlsoUser, AlsoTimes []*Column
	OtherTimes          []*Column // columns that hold times as well
	ValidUntil          *Column

	// Form is how decisions lie in a row: "columns", "object", "array", "split",
	// the name of a decoder, or empty where one column holds one.
	Form      string
	Source    *Column   // of every form but columns: the cell, object or array
	Decisions []*Column // the columns or paths that hold decisions; one, or several of columns
	Category  *Column
	FileState bool // only the names of the files state it
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

// outer are the columns that belong to the row itself and not to an element of
// an array in it.
func (v *view) outer(yield func(*Column) bool) {
	for i := range v.in.Columns {
		if c := &v.in.Columns[i]; !strings.Contains(c.name, "[]") && !yield(c) {
			return
		}
	}
}

func (v *view) subject(s *Suggestion) {
	var visitor, mail int
	var users []rated
	for c := range v.outer {
		if c.Filled == 0 || len(c.Times) > 0 && !strings.HasSuffix(compactName(lastName(c.name)), "id") || slices.Contains(s.Decisions, c) {
			continue
		}
		email := c.shares[kindEmail]
		if score := int(email*100) + scoreOf(lastName(c.name), []hint{{"mail", 30}}) + int(c.Fill()*20); email >= 0.5 && score > mail {
			s.Email, mail = c, score
		}
		if email >= 0.95 {
			continue
		}
		if score := exact(c.name, personHints()); score > 0 {
			users = append(users, rated{c, score + int(c.Fill()*5)})
		}
		if score := exact(c.name, visitorHints()); score > 0 && score+int(c.Fill()*5) > visitor {
			s.ProfileID, visitor = c, score+int(c.Fill()*5)
		}
	}
	s.UserID, s.AlsoUser = v.choose(users)
	// A column of ids and addresses is both; one of addresses is the e-mail.
	s.Mixed = s.UserID != nil && s.UserID.shares[kindEmail] >= 0.05 && (s.Email == nil || s.Email == s.UserID)
	if s.Mixed {
		s.Email = s.UserID
	}
	if (s.UserID != nil || s.Email != nil) && s.ProfileID != nil && exact(s.ProfileID.name, visitorHints()) < 50 {
		s.ProfileID = nil // an id of the record
	}
}

func (v *view) times(s *Suggestion) {
	within := "" // the array whose elements are the decisions
	if s.Form == "array" {
		within = s.Source.name + "[]"
	}
	var end int
	var found []rated
	for i := range v.in.Columns {
		c := &v.in.Columns[i]
		inside := within != "" && strings.HasPrefix(c.name, within+".")
		if len(c.Times) == 0 || strings.Contains(c.name, "[]") && !inside || c.Filled == 0 {
			continue
		}
		if isExpiry(c.name) {
			score := 1 + int(c.Fill()*10)
			if inside {
				score += 5
			}
			if score > end {
				s.ValidUntil, end = c, score
			}
			continue
		}
		score := scoreOf(lastName(c.name), timeHints()) + int(c.Fill()*40)
		if exact(c.name, personHints())+exact(c.name, visitorHints()) > 0 {
			continue // ten digits of an id can look like a time
		}
		if inside && scoreOf(lastName(c.name), []hint{{"consent", 1}, {"transaction", 1}, {"timestamp", 1}, {"decision", 1}}) > 0 {
			score += 25
		}
		if !strings.Contains(c.Times[0].Zone, zoneInText) {
			score -= 5
		}
		found = append(found, rated{c, score})
	}
	s.Timestamp, s.AlsoTimes = v.choose(found)
	for _, r := range found {
		if r.column != s.Timestamp && !slices.Contains(s.AlsoTimes, r.column) {
			s.OtherTimes = append(s.OtherTimes, r.column)
		}
	}
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

// option is one way in which the decisions may lie in a row.
type option struct {
	form      string
	source    *Column
	decisions []*Column
	score     float64
}

func (v *view) decisions(s *Suggestion) {
	options := slices.Concat(v.columnOptions(), v.cellOptions(), v.objectOptions(), v.arrayOptions())
	if len(options) == 0 {
		s.FileState = v.stateInNames()
		return
	}
	best := slices.MaxFunc(options, func(a, b option) int { return cmp.Compare(a.score, b.score) })
	s.Form, s.Source, s.Decisions = best.form, best.source, best.decisions
	if best.form == "columns" && len(best.decisions) == 1 {
		s.Form = ""
		s.Category = v.category("", best.decisions[0])
	}
	if best.form == "array" {
		s.Category = v.category(best.source.name+"[].", best.decisions[0])
	}
}

// decided is the share of a column's values that are words of decision.
func decided(c *Column) float64 { return c.shares[kindFlag] + c.shares[kindBit] + c.shares[kindWord] }

// decisionScore says how much a column looks as if it stated decisions; 0: not.
func decisionScore(c *Column) float64 {
	if c.Filled == 0 || c.Distinct < 0 || len(c.Times) > 0 || isNecessary(c.name) {
		return 0
	}
	share, name := decided(c), scoreOf(lastName(c.name), decisionHints())
	bits := c.shares[kindBit] == share && c.Distinct < 2 // a column of zeros counts something
	switch {
	case share >= 0.9 && name > 0 && !bits, share >= 0.9 && name >= 30:
	case share >= 0.9 && name == 0 && c.shares[kindFlag] >= 0.9:
	case name >= 30 && c.Distinct <= 12 && share >= 0.4:
	default:
		return 0
	}
	return float64(name) + 20*share + 1
}

// family tells columns apart whose values are of different vocabularies.
func family(c *Column) string {
	if c.shares[kindFlag]+c.shares[kindBit] >= c.shares[kindWord] {
		return "flags"
	}
	return "words"
}

// columnOptions are decisions in columns of their own: several of one
// vocabulary are one option, for each is about another category.
func (v *view) columnOptions() []option {
	groups := map[string]*option{}
	var out []option
	for c := range v.outer {
		score := decisionScore(c)
		if score == 0 {
			continue
		}
		g := groups[family(c)]
		if g == nil {
			g = &option{form: "columns"}
			groups[family(c)] = g
		}
		g.decisions = append(g.decisions, c)
		g.score = max(g.score, score)
	}
	for _, name := range []string{"flags", "words"} {
		if g := groups[name]; g != nil {
			g.score += 5 * float64(len(g.decisions)-1)
			out = append(out, *g)
		}
	}
	return out
}

// cellOptions are decisions inside a cell of text.
func (v *view) cellOptions() []option {
	var out []option
	for c := range v.outer {
		switch {
		case c.Decoder != "":
			out = append(out, option{c.Decoder, c, nil, 60 * c.Fill()})
		case c.Pairs != nil:
			out = append(out, option{"split", c, nil, 60*c.Fill() + float64(scoreOf(lastName(c.name), decisionHints()))})
		}
	}
	return out
}

// children are the values one level below a path.
func (v *view) children(path string) []*Column {
	var out []*Column
	for i := range v.in.Columns {
		c := &v.in.Columns[i]
		rest, ok := strings.CutPrefix(c.name, path)
		if ok && rest != "" && (rest[0] == '.' || rest[0] == '[' && rest != "[]") && lastName(c.name) == strings.Trim(rest, `.[]"`) {
			out = append(out, c)
		}
	}
	return out
}

// objectOptions are objects whose members are all decisions: {"ads": true}.
func (v *view) objectOptions() []option {
	var out []option
	for c := range v.outer {
		if c.shares[kindObject]+c.shares[kindJSON] < 0.5 {
			continue
		}
		children := v.children(c.name)
		all, yes := int64(0), int64(0)
		for _, k := range children {
			all += k.Filled
			yes += int64(decided(k)*float64(k.Filled) + 0.5)
		}
		if all > 0 && yes*10 >= all*9 {
			out = append(out, option{"object", c, children, c.Fill() * (45 + float64(max(0, scoreOf(lastName(c.name), decisionHints()))) + 5*float64(min(4, len(children))))})
		}
	}
	return out
}

// arrayOptions are arrays of objects of which one member is a decision.
func (v *view) arrayOptions() []option {
	var out []option
	for i := range v.in.Columns {
		a := &v.in.Columns[i]
		path, ok := strings.CutSuffix(a.name, "[]")
		if !ok || strings.Contains(path, "[]") || a.shares[kindObject] < 0.5 {
			continue
		}
		source := v.byName[path]
		if source == nil {
			continue
		}
		name := max(0, scoreOf(lastName(path), append(decisionHints(), hint{"profile", 15}, hint{"channel", 5})))
		for j := range v.in.Columns {
			c := &v.in.Columns[j]
			rest, inside := strings.CutPrefix(c.name, a.name+".")
			if !inside || strings.Contains(rest, "[]") {
				continue
			}
			if score := decisionScore(c); score > 0 {
				out = append(out, option{"array", source, []*Column{c}, source.Fill() * (20 + float64(name) + score)})
			}
		}
	}
	return out
}

// category finds the column that says what a decision is about, among those
// whose path begins with a prefix.
func (v *view) category(prefix string, decision *Column) *Column {
	var found *Column
	best := 0
	for i := range v.in.Columns {
		c := &v.in.Columns[i]
		rest, ok := strings.CutPrefix(c.name, prefix)
		if !ok || c == decision || strings.Contains(rest, "[]") || len(c.Times) > 0 || c.Filled == 0 || c.shares[kindEmail] > 0 || c.lists > 0.3 {
			continue
		}
		score := exact(c.name, categoryHints())
		if prefix == "" && (score < 50 || c.Distinct < 0) {
			continue // names and ids of a row are a person's
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
		word, _, _ := strings.Cut(m.Name, "_")
		if mapping.Decisive([]byte(word)) && utf8.RuneCountInString(word) > 3 {
			states[strings.ToLower(word)] = true
		}
	}
	return len(states) > 1
}

package inspect

import (
	"cmp"
	"slices"
	"strings"
)

// Candidate is one way in which the decisions may lie in a row.
type Candidate struct {
	// Form is how they lie: "columns", "object", "array", "split", "lists", the name
	// of a decoder, or empty where one column holds one.
	Form    string
	Source  *Column   // of every form but columns and lists: the cell, object or array
	Columns []*Column // the columns or paths that hold decisions, or the lists
	score   float64
}

// Scores from which a candidate is taken without asking, is named at all, and by
// which it must be better than the next.
const (
	sureScore  = 35
	leastScore = 5
	leadScore  = 9
	// strongScore is that of a candidate that would be right as well.
	strongScore = 58
)

// candidates finds every way in which decisions may lie in a row, the best first.
func (v *view) candidates() []Candidate {
	found := slices.Concat(v.columnCandidates(), v.cellCandidates(), v.objectCandidates(), v.arrayCandidates(), v.listCandidates())
	found = slices.DeleteFunc(found, func(c Candidate) bool { return c.score < leastScore })
	slices.SortStableFunc(found, func(a, b Candidate) int { return cmp.Compare(b.score, a.score) })
	return found
}

// rate says how much a column looks as if it stated decisions; 0: not.
func rate(c *Column) float64 {
	if c.Filled == 0 || c.Distinct < 0 || len(c.Times) > 0 || isNecessary(c.name) {
		return 0
	}
	name := float64(scoreOf(lastName(c.name), decisionHints()))
	if around, _ := parent(c.name); around != "" {
		name += float64(max(-30, min(20, scoreOf(around, decisionHints())/3)))
	}
	name = min(60, name)
	accepts, rejects := c.says[saysAccept], c.says[saysReject]
	clear := accepts + rejects
	veto := isVetoed(c.name)
	switch {
	case clear > 0 && decided(c) >= 0.4 && c.Distinct <= 20:
		score := 45 + 10*decided(c) + max(-20, min(25, name/2))
		if accepts > 0 && rejects > 0 {
			score += 15
		} else if c.Distinct == 1 {
			score -= 15
		}
		if veto {
			score = min(score-45, 20)
		}
		return score
	case veto:
		if isFlags(c) && name >= 15 {
			return leastScore // named, and never taken
		}
		return 0
	case isFlags(c):
		bits := c.shares[kindBit] == flagShare(c) && c.Distinct < 2 // a column of zeros counts something
		switch {
		case asksOpposite(c.name):
			return 55 + max(0, name)/6
		case bits && name < 30, name < 0:
			return 0
		case name >= 15:
			return 30 + name/2
		case c.shares[kindBit] < 0.1:
			return 10 + name/2
		}
		return 0
	case isState(c.name) && c.Distinct <= mostCodes && len(c.Values) == c.Distinct && c.shares[kindInteger]+c.shares[kindBit] > 0.99:
		return 2 * leastScore // asked: what the numbers mean, the platform's documentation knows
	case c.shares[kindWord]+c.shares[kindFlag] >= 0.4 && c.Distinct <= 20 && name >= 15:
		return 10 + 20*decided(c) + name/2
	}
	return 0
}

// columnCandidates are decisions in columns of their own. Several columns of flags
// are one candidate, for each is about another category; so are columns of words
// that are called alike but for one part, such as email_status and sms_status.
func (v *view) columnCandidates() []Candidate {
	var flags, weak Candidate
	var worded []Candidate
	for c := range v.outer {
		score := rate(c)
		switch {
		case score == 0:
		case isFlags(c) && wordShare(c) == 0:
			into := &flags
			if score < sureScore {
				into = &weak
			}
			into.Columns = append(into.Columns, c)
			into.score = max(into.score, score)
		case isVetoed(c.name):
			worded = append(worded, Candidate{Columns: []*Column{c}, score: score})
		default:
			i := slices.IndexFunc(worded, func(o Candidate) bool {
				return !isVetoed(o.Columns[0].name) && !slices.ContainsFunc(o.Columns, func(other *Column) bool { return !areParallel(other, c) })
			})
			if i < 0 {
				worded = append(worded, Candidate{Columns: []*Column{c}, score: score})
			} else {
				worded[i].Columns = append(worded[i].Columns, c)
				worded[i].score = max(worded[i].score, score)
			}
		}
	}
	out := worded
	if len(flags.Columns) > 0 {
		out = append(out, flags)
	}
	for _, c := range weak.Columns {
		out = append(out, Candidate{Columns: []*Column{c}, score: rate(c)})
	}
	for i := range out {
		out[i].Columns = withoutShortForms(out[i].Columns)
	}
	objects := v.objectCandidates()
	out = slices.DeleteFunc(out, func(c Candidate) bool { // the members of an object are not columns
		return slices.ContainsFunc(objects, func(o Candidate) bool {
			return o.score >= c.score-10 && !slices.ContainsFunc(c.Columns, func(m *Column) bool { return !slices.Contains(o.Columns, m) })
		})
	})
	for i := range out {
		if len(out[i].Columns) > 1 {
			out[i].Form = "columns"
			out[i].score += 4 * float64(min(3, len(out[i].Columns)-1))
		}
	}
	return out
}

// cellCandidates are decisions inside a cell of text.
func (v *view) cellCandidates() []Candidate {
	var out []Candidate
	for c := range v.outer {
		switch {
		case c.Decoder != "":
			out = append(out, Candidate{c.Decoder, c, nil, 75 * c.Fill()})
		case c.Pairs != nil:
			out = append(out, Candidate{"split", c, nil, 70*c.Fill() + float64(max(-40, min(20, scoreOf(lastName(c.name), decisionHints()))))})
		}
	}
	return out
}

// children are the values one level below a path.
func (v *view) children(path string) []*Column {
	var out []*Column
	for c := range v.all {
		rest, ok := strings.CutPrefix(c.name, path)
		if ok && rest != "" && (rest[0] == '.' || rest[0] == '[' && rest != "[]") && lastName(c.name) == strings.Trim(rest, `.[]"`) {
			out = append(out, c)
		}
	}
	return out
}

// objectCandidates are objects whose members are all decisions: {"ads": true}.
func (v *view) objectCandidates() []Candidate {
	var out []Candidate
	for c := range v.outer {
		if c.shares[kindObject]+c.shares[kindJSON] < 0.5 {
			continue
		}
		hinted := scoreOf(lastName(c.name), decisionHints()) >= 20 // zeros and ones may count anything
		children := v.children(c.name)
		all, yes := int64(0), int64(0)
		for _, k := range children {
			all += k.Filled
			share := k.shares[kindFlag] + k.shares[kindWord]
			if k.shares[kindBit] > 0 && hinted {
				share += k.shares[kindBit]
			}
			yes += int64(share*float64(k.Filled) + 0.5)
		}
		numbers := slices.ContainsFunc(children, func(k *Column) bool {
			return scoreOf(lastName(k.name), []hint{{"rate", 1}, {"avg", 1}, {"count", 1}, {"total", 1}, {"latitude", 1}, {"offset", 1}}) > 0
		})
		if all > 0 && yes*10 >= all*9 && !numbers {
			name := scoreOf(lastName(c.name), append(decisionHints(), hint{"interest", -20}, hint{"field", -40}, hint{"propert", -40}, hint{"attribut", -40}))
			if isVetoed(c.name) || name < 0 {
				continue
			}
			out = append(out, Candidate{"object", c, children, c.Fill() * (45 + float64(max(-40, min(40, name))) + 5*float64(min(4, len(children))))})
		}
	}
	return out
}

// arrayCandidates are arrays of objects with a member that is a decision, or with
// several of one name, of which an element has one.
func (v *view) arrayCandidates() []Candidate {
	var out []Candidate
	for a := range v.all {
		path, ok := strings.CutSuffix(a.name, "[]")
		if !ok || strings.Contains(path, "[]") || a.shares[kindObject] < 0.5 {
			continue
		}
		source := v.byName[path]
		if source == nil {
			continue
		}
		name := max(0, scoreOf(lastName(path), append(decisionHints(), hint{"profile", 15}, hint{"channel", 5}, hint{"purpose", 25})))
		var here []Candidate
		for c := range v.all {
			rest, inside := strings.CutPrefix(c.name, a.name+".")
			if !inside || strings.Contains(rest, "[]") {
				continue
			}
			score := rate(c)
			if score == 0 {
				continue
			}
			alike := slices.IndexFunc(here, func(o Candidate) bool {
				return lastName(o.Columns[0].name) == lastName(c.name) && o.Columns[0].name != c.name && len(splitPath(o.Columns[0].name)) == len(splitPath(c.name))
			})
			if alike >= 0 && strings.Contains(rest, ".") {
				here[alike].Columns = append(here[alike].Columns, c)
				continue
			}
			here = append(here, Candidate{"array", source, []*Column{c}, (0.5 + 0.5*source.Fill()) * (score + min(20, float64(name)/3))})
		}
		out = append(out, here...)
	}
	return out
}

// listCandidates are lists of what somebody accepted or rejected.
func (v *view) listCandidates() []Candidate {
	var found Candidate
	senses := map[saying]bool{}
	for c := range v.outer {
		cell := c.lists > 0.3 && len(c.Times) == 0 && c.Decoder == ""
		if sense := listSense(c.name); sense != saysNothing && (cell || c.shares[kindArray] > 0.9) {
			if e := v.byName[c.name+"[]"]; e != nil && (e.shares[kindObject]+e.shares[kindArray]+e.shares[kindEmail] > 0 || e.says[sense] > 0.5) {
				continue
			}
			senses[sense] = true
			found.Columns = append(found.Columns, c)
		}
	}
	switch len(senses) {
	case 0:
		return nil
	case 1:
		found.score = 40
	default:
		found.score = 72
	}
	found.Form = "lists"
	if strings.Contains(compactName(found.Columns[0].name), "vendor") { // of companies, not of purposes
		found.score -= 50
	}
	slices.SortStableFunc(found.Columns, func(a, b *Column) int { return cmp.Compare(listSense(a.name), listSense(b.name)) })
	return []Candidate{found}
}

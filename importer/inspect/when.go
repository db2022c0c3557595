package inspect

import (
	"cmp"
	"slices"
	"strings"
)

// timeClass says what a column of times is the time of.
type timeClass uint8

const (
	timeOther  timeClass = iota // something that is not a decision: a birth, an order
	timeRecord                  // the record: created, updated, last seen
	timeOwn                     // a decision
)

// polarity says for which decisions a time is the one.
type polarity uint8

const (
	timeOfAny polarity = iota
	timeOfYes
	timeOfNo
)

// classOfTime tells by the name of a column of times what it is the time of.
func classOfTime(path string) (timeClass, polarity) {
	compact, w := compactName(lastName(path)), words(lastName(path))
	has := func(stems ...string) bool {
		return slices.ContainsFunc(stems, func(s string) bool { return strings.Contains(compact, s) })
	}
	word := func(list ...string) bool {
		return slices.ContainsFunc(w, func(s string) bool { return slices.Contains(list, s) })
	}
	switch {
	case has("birth", "purchase", "order", "login", "logon", "click", "bounce", "undeliver", "clean", "metadata", "invoice", "payment", "delet", "visit") && !has("consent", "optin", "optout", "visited"),
		word("open", "opened", "sent", "send", "held", "hold", "expiry", "expires", "expiration", "birthday", "dob", "age"):
		return timeOther, timeOfAny
	case has("unsub", "optout", "optedout", "withdraw", "revok", "reject", "declin", "refus", "optoff", "abmeld", "widerruf", "desabonn", "désinscri", "afmeld", "suppress", "objection", "denied", "disiscri", "desuscri", "wypis", "uitgeschr", "配信停止"), word("baja"):
		return timeOwn, timeOfNo
	case has("optin", "optedin", "optedinto", "optedon", "optintime", "subscri", "signup", "signedup", "confirm", "anmeld", "joined", "doubleopt", "inscription", "abonn", "aanmeld", "erteilt", "zugestimmt", "iscrizione", "zapisu", "ingeschr", "suscrip") || word("signup", "joined", "opt", "opted"):
		return timeOwn, timeOfYes
	case has("consent", "consens", "zgod", "souhlas", "samtyck", "同意", "given", "granted", "agreed", "accepted", "einwillig", "zustimm", "toestemming", "permission", "gdpr"):
		if word("created", "creation", "update", "updated", "changed", "modified", "timestamp") || !has("date", "at", "on", "time") {
			return timeOwn, timeOfAny
		}
		return timeOwn, timeOfYes
	case has("lastevent", "lastseen", "lastactiv", "lastinteract", "acquir", "acquisition", "updated", "update", "modified", "changed", "change", "created", "creation", "added", "insert", "import", "export", "sync", "registered", "registration", "profile", "account", "received", "firsttransaction", "erstell", "angelegt", "geändert", "aktualisiert", "started", "completed"):
		return timeRecord, timeOfAny
	case has("decision", "captur", "transaction", "collected", "choice", "preference", "statusdate", "statustime", "statusat", "eventtime", "event", "request", "hit", "effectivefrom", "visited", "answered", "recorded", "action", "signed", "state", "occurred", "happened", "submitted", "responded", "performed", "eingang", "geantwortet"):
		return timeOwn, timeOfAny
	case slices.Contains([]string{"timestamp", "time", "date", "datetime", "when", "ts", "at", "datum", "zeit", "zeitpunkt", "datumuhrzeit", "datetimeutc", "fecha", "data", "unixtime", "epoch", "lat", "iat", "day", "horodatage"}, compact), has("timestamp", "datetime"):
		return timeOwn, timeOfAny
	}
	return timeRecord, timeOfAny
}

// TimeChoice is the time of some decisions.
type TimeChoice struct {
	Of      string    // the category that it is for; empty: any
	Rejects bool      // it is for rejects alone
	Columns []*Column // the first that is not empty counts; none: a person has to decide
}

// dated is a column of times and what its name says.
type dated struct {
	column *Column
	class  timeClass
	of     polarity
	score  int
}

// times chooses the times of the decisions and of their end.
func (v *view) times(s *Suggestion) {
	within := "" // the array whose elements are the decisions
	if s.Form == "array" {
		within = s.Source.name + "[]"
	}
	refusesOnly := len(s.Decisions) > 0 && !slices.ContainsFunc(s.Decisions, func(c *Column) bool { return !asksOpposite(c.name) })
	var end int
	var found []dated
	for c := range v.all {
		inside := within != "" && strings.HasPrefix(c.name, within+".") && !strings.Contains(c.name[len(within):], "[]")
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
		if exact(c.name, personHints())+exact(c.name, visitorHints()) > 0 && classOf(c) == timeRecord {
			continue // ten digits of an id can look like a time
		}
		d := dated{column: c, score: scoreOf(lastName(c.name), timeHints()) + int(c.Fill()*40)}
		d.class, d.of = classOfTime(c.name)
		if d.class == timeRecord && isOf(c, s.Decisions) {
			d.class = timeOwn
		}
		if refusesOnly && d.class == timeOwn && (d.of == timeOfYes || d.of == timeOfAny && scoreOf(lastName(c.name), []hint{{"consent", 1}, {"consens", 1}}) > 0) && !isOf(c, s.Decisions) && !near(c, s.Decisions) {
			d.class = timeRecord // when somebody consented is not when they objected
		}
		if inside {
			d.score += 60
		}
		if near(c, s.Decisions) {
			d.score += 40
		}
		if !strings.Contains(c.Times[0].Zone, zoneInText) {
			d.score -= 5
		}
		if d.class == timeOther {
			continue
		}
		found = append(found, d)
	}
	if v.clock() != nil {
		for i := range found { // the time of day stands elsewhere: a day alone is not when it was
			if d := found[i].column; d.shares[kindDate] > 0.9 {
				found[i].class = timeRecord
			}
		}
	}
	slices.SortStableFunc(found, func(a, b dated) int { return cmp.Compare(b.score, a.score) })
	s.Times = v.perCategory(s, found)
	if s.Times == nil {
		s.Times = v.timesOf(s, found, "")
	}
	if s.open() {
		for i, t := range s.Times {
			if len(t.Columns) > 0 && s.ofOneCandidate(t.Columns[0]) {
				s.Times[i].Columns = nil
			}
		}
	}
	for _, d := range found {
		if !slices.ContainsFunc(s.Times, func(t TimeChoice) bool { return slices.Contains(t.Columns, d.column) }) {
			s.OtherTimes = append(s.OtherTimes, d.column)
		}
	}
}

// open reports whether a person has to say where the decisions stand.
func (s *Suggestion) open() bool { return len(s.Decisions) == 0 && s.Source == nil && !s.FileState }

// ofOneCandidate reports whether a time stands beside one of the columns that may hold
// the decisions, so that it is none of the others'.
func (s *Suggestion) ofOneCandidate(c *Column) bool {
	beside, apart := false, false
	for _, o := range s.Candidates {
		for _, d := range o.Columns {
			if near(c, []*Column{d}) {
				beside = true
			} else if o.score >= sureScore {
				apart = true
			}
		}
	}
	return beside && apart
}

// isOf reports whether a column of times is called after a decision:
// accepts_marketing_updated_at.
func isOf(c *Column, decisions []*Column) bool {
	return slices.ContainsFunc(decisions, func(d *Column) bool {
		name := compactName(lastName(d.name))
		return len(name) >= 6 && strings.HasPrefix(compactName(lastName(c.name)), name)
	})
}

func classOf(c *Column) timeClass {
	class, _ := classOfTime(c.name)
	return class
}

// clock is a column that holds times of day and no days.
func (v *view) clock() *Column {
	for c := range v.outer {
		if len(c.Times) > 0 || c.Filled == 0 || len(c.Samples) == 0 || !hasWord(c.name, []string{"time", "uhr", "uhrzeit", "zeit", "hour", "heure", "hora", "ora", "tijd", "tid"}) {
			continue
		}
		if !slices.ContainsFunc(c.Samples, func(s string) bool { return s != "99:99" && s != "99:99:99" && s != "9:99" }) {
			return c
		}
	}
	return nil
}

// near reports whether a column stands in the same object as one of others.
func near(c *Column, others []*Column) bool {
	around, _, _ := cutLast(c.name)
	return around != "" && slices.ContainsFunc(others, func(o *Column) bool {
		also, _, ok := cutLast(o.name)
		return ok && also == around
	})
}

// perCategory gives each column of decisions its own time, where there are such.
func (v *view) perCategory(s *Suggestion, found []dated) []TimeChoice {
	if s.Form != "columns" {
		return nil
	}
	var out []TimeChoice
	var rest []dated
	own := make([][]dated, len(s.Decisions))
	for _, d := range found {
		at := -1
		for i := range s.Decisions {
			if belongs(d.column, s.Decisions, i) {
				if at >= 0 {
					at = -2
					break
				}
				at = i
			}
		}
		if at >= 0 {
			own[at] = append(own[at], d)
		} else {
			rest = append(rest, d)
		}
	}
	any := false
	for i := range own {
		own[i] = slices.DeleteFunc(own[i], func(d dated) bool { return d.class != timeOwn })
		any = any || len(own[i]) > 0
	}
	if !any {
		return nil
	}
	names := labels(s.Decisions)
	for i := range own {
		one := *s
		one.Decisions = s.Decisions[i : i+1]
		if len(own[i]) > 0 {
			out = append(out, v.timesOf(&one, own[i], names[i])...)
		}
	}
	if slices.ContainsFunc(own, func(o []dated) bool { return len(o) == 0 }) {
		out = append(out, v.timesOf(s, rest, "")...)
	}
	return out
}

// belongs reports whether a column of times is about one of several columns of
// decisions: it stands in the same object, or its name has the words by which the
// decision differs from the others.
func belongs(t *Column, decisions []*Column, i int) bool {
	if around, _, ok := cutLast(decisions[i].name); ok {
		also, _, _ := cutLast(t.name)
		if also == around {
			for k, other := range decisions {
				if o, _, _ := cutLast(other.name); k != i && o == around {
					return ofName(t, decisions, i)
				}
			}
			return true
		}
		return false
	}
	return ofName(t, decisions, i)
}

func ofName(t *Column, decisions []*Column, i int) bool {
	have := words(lastName(t.name))
	own := 0
	for _, w := range words(lastName(decisions[i].name)) {
		shared := true
		for _, d := range decisions {
			shared = shared && slices.Contains(words(lastName(d.name)), w)
		}
		if shared {
			continue
		}
		if own++; !slices.Contains(have, w) {
			return false
		}
	}
	return own > 0
}

// timesOf chooses from columns of times those of decisions: one for all or, where
// rejects have a time of their own, two.
func (v *view) timesOf(s *Suggestion, found []dated, label string) []TimeChoice {
	pick := func(of polarity) []*Column {
		var r []rated
		for _, d := range found {
			if d.class == timeOwn && d.of == of {
				r = append(r, rated{d.column, d.score + 100})
			}
		}
		best, also := v.choose(r)
		if best == nil {
			return nil
		}
		out := append([]*Column{best}, also...)
		if s.Form == "array" && len(s.Decisions) > 1 && near(best, s.Decisions) { // each decision has its own, in one of several places
			for _, o := range r {
				if lastName(o.column.name) == lastName(best.name) && near(o.column, s.Decisions) && !slices.Contains(out, o.column) {
					out = append(out, o.column)
				}
			}
		}
		return out
	}
	plain, yes, no := pick(timeOfAny), pick(timeOfYes), pick(timeOfNo)
	words := rejections(s.Decisions)
	rejected := len(words) > 0 || s.FileState
	later := s.FileState || slices.ContainsFunc(words, isLater)
	ask := TimeChoice{Of: label}
	switch {
	case len(no) > 0 && rejected:
		return []TimeChoice{{label, true, append(no, plain...)}, {label, false, append(yes, plain...)}}
	case len(s.Decisions) == 0 && !s.FileState && (len(plain) == 0 || len(no) > 0):
		return []TimeChoice{ask}
	case len(plain) > 0:
		return []TimeChoice{{label, false, plain}}
	case len(yes) > 0 && len(no) == 0 && !later && !isOptIn(yes[0].name):
		return []TimeChoice{{label, false, yes}}
	case len(yes) > 0 && rejected:
		return []TimeChoice{{label, true, nil}, {label, false, yes}}
	case len(no) > 0 && onlyObjections(s):
		return []TimeChoice{{label, false, no}}
	}
	return []TimeChoice{ask}
}

// isOptIn reports whether a time is that of a subscription, and of no reject.
func isOptIn(path string) bool {
	compact := compactName(lastName(path))
	return slices.ContainsFunc([]string{"optin", "optedin", "subscri", "signup", "confirm", "joined", "opted", "opt", "anmeld", "abonn", "aanmeld"}, func(s string) bool { return strings.Contains(compact, s) })
}

package mapping

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/timetext"
)

// fieldSpec says where a field of the consent comes from and what is done to it.
type fieldSpec struct {
	name      string
	at        place
	from      []nameAt // candidates: the first that is not empty counts
	constant  *string
	template  []templatePart
	after     *afterSpec
	unlimited bool                 // the bare word, unless a column is called so
	cases     []*fieldSpec         // the first whose when holds counts
	when      *condition.Condition // of a case; nil: always
	remains   bool                 // of a case behind others: it counts for whatever they leave
	trim      bool
	lower     bool
	unescape  bool // HTML entities
	match     *pattern
	values    []valuePair // nil: any value
	byText    map[string]int
	fallback  *string // default
	times     *timetext.Reader
	required  bool
	relaxed   bool // required: false
	optional  bool // none of the columns need exist
	person    bool // it identifies the person
	wordy     bool // it is text for people, in which a part may be missing
	needed    bool // what it says must not be passed over: a match that fails is a fault
}

// nameAt is a column or path with its place in the mapping.
type nameAt struct {
	name string
	at   place
}

type valuePair struct {
	from, to string
	means    []byte // to
	nothing  bool   // the value says nothing
}

// templatePart is a literal text or a name in braces.
type templatePart struct {
	literal string
	name    nameAt // when its name is not empty
}

// afterSpec is a lifetime: fixed, or a number in a column.
type afterSpec struct {
	fixed timetext.Lifetime
	from  []nameAt
	unit  string // d, w, mo, y
}

var fieldKeys = []string{"from", "const", "template", "after", "cases", "when", "trim", "lower", "unescape", "match", "values", "default", "format", "timezone", "required", "optional"}

// parseConsent reads the fields of the request, for each block its own laid over the
// common ones.
func (s *Spec) parseConsent(r *reader, n ast.Node) {
	s.parseFields(r, n)
	common := s.fields
	for _, block := range append([]*Spec{s}, s.more...) {
		block.fields = common
		at := n
		if block.overlay != nil {
			at = block.overlay
			block.parseFields(r, at)
		}
		if r.err == nil {
			block.needFields(r, at)
		}
	}
}

func (s *Spec) parseFields(r *reader, n ast.Node) {
	for _, m := range r.members(n, "consent", fieldNames[:]) {
		i := slices.Index(fieldNames[:], m.key)
		if m.value == nil {
			r.fail(m.at, "%s has no value", m.key)
			return
		}
		s.fields[i] = s.parseField(r, m.key, m.value)
		if r.err != nil {
			return
		}
	}
	if c := s.fields[fieldCategory]; c != nil && !c.relaxed {
		c.meanOne(r)
	}
}

// needFields refuses a consent that lacks what the target needs.
func (s *Spec) needFields(r *reader, n ast.Node) {
	for _, i := range []int{fieldAction, fieldTimestamp, fieldValidUntil, fieldSource} {
		if s.fields[i] == nil {
			r.fail(n, "consent has no %s, which every consent needs", fieldNames[i])
			return
		}
	}
	if s.fields[fieldUserID] == nil && s.fields[fieldProfileID] == nil && s.fields[fieldEmail] == nil {
		r.fail(n, "consent has no subject: it needs userId, profileId or email")
	}
	if s.each != nil && s.fields[fieldCategory] == nil && s.each.severalPurposes() {
		r.fail(n, "each makes a consent for each of several purposes, and no category says for which: every one would be about everything")
		r.hint("add category: each.key to consent")
	}
}

// meanOne makes a category one that every consent needs: an empty one would turn a
// decision about something into one about everything.
func (f *fieldSpec) meanOne(r *reader) {
	f.required, f.needed = true, true
	if f.constant != nil && strings.TrimSpace(*f.constant) == "" {
		r.failAt(f.at, "category is empty, which would make each consent one about everything")
		r.hint("leave category away where that is meant")
	}
	for _, c := range f.cases {
		c.meanOne(r)
	}
}

func (s *Spec) parseField(r *reader, name string, n ast.Node) *fieldSpec {
	f := &fieldSpec{name: name, at: placeOf(n), person: isPerson(name), wordy: slices.Contains([]string{"message", "source", "reason", "method", "deviceInfo"}, name)}
	f.needed = slices.Contains([]string{"action", "timestamp", "validUntil", "source"}, name)
	if isList(n) {
		r.fail(n, "%s must be a column or a map, not a list", name)
		r.hint("the first of several columns that says something: " + name + ": {from: [first, second]}")
		return f
	}
	if !isMap(n) {
		text := r.text(n, name)
		if name == "validUntil" && text == "unlimited" {
			f.unlimited = true
		}
		f.from = []nameAt{{text, f.at}}
		s.finishField(r, n, f, nil, "")
		return f
	}
	var formats []string
	zone := ""
	ways := 0
	for _, m := range r.members(n, name, fieldKeys) {
		switch m.key {
		case "from":
			ways++
			for _, i := range r.items(m.value, "from") {
				f.from = append(f.from, nameAt{r.text(i, "from"), placeOf(i)})
			}
			if len(f.from) == 0 {
				r.fail(m.at, "from lists no column")
			}
		case "const":
			ways++
			c := ""
			if m.value != nil {
				c = r.text(m.value, "const")
			}
			f.constant = &c
		case "template":
			ways++
			f.template = r.template(m.value)
		case "after":
			ways++
			f.after = r.after(m.value)
		case "cases":
			ways++
			for _, i := range r.items(m.value, "cases") {
				if !isMap(i) {
					r.fail(i, "a case must be a map, such as {when: …, from: …}")
					return f
				}
				c := s.parseField(r, name, i)
				c.remains = len(f.cases) > 0 && (c.when == nil || len(c.when.Refs()) == 0)
				f.cases = append(f.cases, c)
			}
			if len(f.cases) == 0 {
				r.fail(m.at, "cases lists no case")
			}
		case "when":
			f.when = r.when(m.value, r.text(m.value, "when"))
		case "trim":
			f.trim = r.truth(m.value, "trim")
		case "lower":
			f.lower = r.truth(m.value, "lower")
		case "required":
			f.required = r.truth(m.value, "required")
			f.relaxed = !f.required
			f.needed = f.needed || f.required
		case "optional":
			f.optional = r.truth(m.value, "optional")
		case "unescape":
			if t := r.text(m.value, "unescape"); t != "html" {
				r.fail(m.value, "unescape: %q is unknown; the only one is html", t)
			}
			f.unescape = true
		case "match":
			f.match = newPattern(r.pattern(m.value))
		case "values":
			f.values = r.values(m.value, name)
		case "default":
			d := ""
			if m.value != nil {
				d = r.text(m.value, "default")
			}
			f.fallback = &d
			switch word := strings.TrimSpace(d); {
			case name == "action" && strings.EqualFold(word, "accept"):
				r.fail(m.value, "default: accept would turn an empty cell into consent")
				r.err.Hint = "remove it: an empty action is not a decision, and makes no consent"
			case name == "action" && word != "" && word != "reject":
				r.fail(m.value, "default: %s is not an action; the only one that an empty cell can mean is reject", word)
			case name == "timestamp" && word != "":
				r.fail(m.value, "a default for timestamp would invent the time of a consent")
				r.err.Hint = "remove it: a row without the time of consent is invalid"
			}
		case "format":
			formats = r.texts(m.value, "format")
		case "timezone":
			zone = r.text(m.value, "timezone")
		}
		if (m.key == "format" || m.key == "timezone") && name != "timestamp" && name != "validUntil" {
			r.fail(m.at, "%s is for timestamp and validUntil only: nothing else is read as a time", m.key)
		}
	}
	if r.err != nil {
		return f
	}
	if ways == 0 && f.when == nil && name == "validUntil" && f.fallback != nil {
		f.constant, ways = f.fallback, 1
	}
	if ways != 1 {
		r.fail(n, "%s takes exactly one of from, const, template, after and cases", name)
		return f
	}
	if f.after != nil && name != "validUntil" {
		r.fail(n, "after is for validUntil only")
	}
	var zoneNode ast.Node = n
	s.finishField(r, zoneNode, f, formats, zone)
	return f
}

// finishField compiles what depends on several keys.
func (s *Spec) finishField(r *reader, n ast.Node, f *fieldSpec, formats []string, zone string) {
	if r.err != nil {
		return
	}
	if f.name == "timestamp" || f.name == "validUntil" {
		z := s.zone
		if zone != "" {
			z = r.zone(n, zone)
		}
		var err error
		var named []string
		for _, format := range formats {
			if format != "" {
				named = append(named, format)
			}
		}
		if f.times, err = timetext.New(named, z); err != nil {
			r.fail(n, "%v", err)
		}
	}
	if f.constant != nil && *f.constant != "" && f.times != nil && r.err == nil && *f.constant != "unlimited" {
		if _, reason := f.times.Read([]byte(*f.constant), ""); reason != "" {
			r.fail(n, "%s: %q %s", f.name, *f.constant, reason)
		}
	}
	if f.values != nil {
		f.byText = make(map[string]int, len(f.values))
		for i, v := range f.values {
			first, twice := f.byText[v.from]
			switch other := &f.values[first]; {
			case !twice:
				f.byText[v.from] = i
			case other.to != v.to || other.nothing != v.nothing:
				r.fail(n, "values has %q twice, with different meanings; blanks around a value do not tell it apart", v.from)
			}
		}
	}
	if f.name != "action" {
		return
	}
	for _, v := range f.values {
		if v.from == "" && !v.nothing {
			r.fail(n, "values gives a meaning to an empty cell, but an empty action is not a decision")
		}
		if v.from != "" && !v.nothing && f.match == nil && f.template == nil && s.saysNothing(spelling.Trim([]byte(v.from))) {
			r.fail(n, "values gives %q the meaning %s, but empty says that such a cell says nothing; take it out of one of them", v.from, v.to)
		}
		if !v.nothing && v.to != "accept" && v.to != "reject" {
			r.fail(n, "action has %q for the value %q; an action is accept or reject%s", v.to, v.from, spelling.DidYouMean(v.to, []string{"accept", "reject"}))
		}
	}
	if f.constant != nil && *f.constant != "accept" && *f.constant != "reject" && *f.constant != "" {
		r.fail(n, "action is %q; an action is accept or reject", *f.constant)
	}
}

// values reads a value map: what the export says → what it means. A value
// without a meaning says nothing.
func (r *reader) values(n ast.Node, name string) []valuePair {
	out := []valuePair{}
	for _, p := range r.pairs(n, "values of "+name) {
		out = append(out, valuePair{from: string(spelling.Trim([]byte(p.key))), to: p.value, means: []byte(p.value), nothing: p.null})
	}
	return out
}

// template reads "text {column} text"; {{ and }} stand for braces.
func (r *reader) template(n ast.Node) []templatePart {
	text := r.text(n, "template")
	at := placeOf(n)
	var out []templatePart
	literal := ""
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			literal += text
			break
		}
		literal += text[:i]
		if i+1 < len(text) && text[i+1] == text[i] {
			literal += text[i : i+1]
			text = text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if text[i] == '}' || end < 0 {
			r.fail(n, "template has an unmatched brace; write a literal brace twice")
			return nil
		}
		name := strings.TrimSpace(text[i+1 : i+end])
		if name == "" {
			r.fail(n, "template has a {} without a column")
			return nil
		}
		if literal != "" {
			out = append(out, templatePart{literal: literal})
			literal = ""
		}
		out = append(out, templatePart{name: nameAt{name, at}})
		text = text[i+end+1:]
	}
	if literal != "" || len(out) == 0 {
		out = append(out, templatePart{literal: literal})
	}
	return out
}

// after reads a lifetime: 395d, or {from: column, unit: d}.
func (r *reader) after(n ast.Node) *afterSpec {
	a := &afterSpec{}
	if !isMap(n) {
		l, err := timetext.ParseLifetime(r.text(n, "after"))
		if err != nil {
			r.fail(n, "after: %v", err)
		}
		a.fixed = l
		return a
	}
	for _, m := range r.members(n, "after", []string{"from", "unit"}) {
		if m.key == "from" {
			for _, i := range r.items(m.value, "from") {
				a.from = append(a.from, nameAt{r.text(i, "from"), placeOf(i)})
			}
			continue
		}
		a.unit = r.text(m.value, "unit")
		if !slices.Contains([]string{"d", "w", "mo", "y"}, a.unit) {
			r.fail(m.value, "unit %q is unknown; use d, w, mo or y", a.unit)
		}
	}
	if len(a.from) == 0 || a.unit == "" {
		r.fail(n, "after takes a lifetime such as 395d, or {from: column, unit: d}")
	}
	return a
}

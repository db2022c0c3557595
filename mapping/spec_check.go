package mapping

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// elementName finds what a name below each. stands for in the elements of this each,
// and how many lists further out it lies: each.parent.name of a list inside of
// another. A message says why there is no such thing.
func (e *eachSpec) elementName(rest string) (kind accessKind, path jsonvalue.Path, up int, message string) {
	for ; len(e.within) > 0 && strings.HasPrefix(rest, "parent."); up++ {
		rest = strings.TrimPrefix(rest, "parent.")
	}
	if up > len(e.within) {
		return 0, nil, 0, fmt.Sprintf("each has %d parent: the list lies in so many others", len(e.within))
	}
	kind, path, message = e.ownName(rest)
	if message == "" && up > 0 && kind != accessElement && kind != accessValue {
		return 0, nil, 0, "each.parent." + rest + " is unknown: a parent has the names that it has in the export"
	}
	if up > 0 {
		kind = accessElement
	}
	return kind, path, up, message
}

// ownName is elementName for the element itself.
func (e *eachSpec) ownName(rest string) (kind accessKind, path jsonvalue.Path, message string) {
	listed := e.form != eachArray || e.all != nil
	switch {
	case rest == "key" && listed:
		return accessKey, nil, ""
	case rest == "value" && listed:
		return accessValue, nil, ""
	case rest == "index":
		return accessIndex, nil, ""
	case rest == "parent.key" && e.below != nil:
		return accessParent, nil, ""
	case e.form == eachDecoder && rest == "created":
		return accessCreated, nil, ""
	case e.form == eachDecoder && rest == "updated":
		return accessUpdated, nil, ""
	case e.form == eachDecoder && rest == "days":
		return accessDays, nil, ""
	case e.form != eachArray && e.form != eachObject:
		return 0, nil, "each." + rest + " is unknown: the elements of this each have each.key and each.value"
	}
	p, err := jsonvalue.ParsePath(rest)
	if err != nil {
		return 0, nil, err.Error()
	}
	if rest == "value" { // of an array: the scalar itself, unless its objects have a value
		return accessValue, p, ""
	}
	return accessElement, p, ""
}

// checkElements holds the names of elements against the each section: what a run
// cannot carry out is a fault of the mapping, whatever the export.
func (s *Spec) checkElements(r *reader) {
	for _, rules := range []struct {
		what  string
		rules []ruleSpec
	}{{"skip", s.skip}, {"refuse", s.refuse}} {
		for _, rule := range rules.rules {
			for _, ref := range rule.when.Refs() {
				if ref.Each {
					r.failAt(rule.at, "%s: each.%s: this rule is about the whole row, in which there is no element yet", rules.what, ref.Name)
					r.hint("put a rule about elements below each, as each: {…, skip: …}")
				}
			}
		}
	}
	if e := s.each; e != nil {
		names := []nameAt{e.source}
		for _, c := range e.columns {
			names = append(names, c.names...)
		}
		for _, n := range names {
			if strings.HasPrefix(n.name, "each.") {
				r.failAt(n.at, "%s: each is not made of its own elements", n.name)
			}
		}
		for _, rule := range e.skip {
			s.checkRefs(r, rule.when, rule.at)
		}
	}
	for _, f := range s.fields {
		s.checkField(r, f)
	}
}

func (s *Spec) checkField(r *reader, f *fieldSpec) {
	if f == nil {
		return
	}
	names := append([]nameAt(nil), f.from...)
	if f.after != nil {
		names = append(names, f.after.from...)
	}
	for _, p := range f.template {
		names = append(names, p.name)
	}
	for _, n := range names {
		if n.name == "$key" && !strings.HasSuffix(s.input.Rows, "*") {
			r.failAt(n.at, "$key: rows have keys where they are the members of an object: input: {rows: contacts.*}")
		}
		if rest, ok := strings.CutPrefix(n.name, "each."); ok && !f.unlimited {
			s.checkElement(r, rest, n.at)
		}
	}
	if f.when != nil {
		s.checkRefs(r, f.when, f.at)
	}
	for _, c := range f.cases {
		s.checkField(r, c)
	}
}

func (s *Spec) checkRefs(r *reader, c *condition.Condition, at place) {
	for _, ref := range c.Refs() {
		if ref.Each {
			s.checkElement(r, ref.Name, at)
		}
	}
}

func (s *Spec) checkElement(r *reader, rest string, at place) {
	if s.each == nil {
		r.failAt(at, "each.%s: the mapping has no each section", rest)
		return
	}
	if _, _, _, message := s.each.elementName(rest); message != "" {
		r.failAt(at, "%s", message)
	}
}

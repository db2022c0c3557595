package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

func (d *draft) action(consent *node) {
	s := d.s
	action := newMap()
	switch {
	case s.FileState:
		action.set("from", plain("$file")).beside("the state stands in the names of the files alone")
		action.set("match", single(`^([^_.\s]*)`))
		action.set("values", d.values(d.fileWords(), false)).beside(valuesNote)
	case s.open():
		head := []string{mapping.ToDecide + ": which column says what somebody decided? None has words such as yes, opted_in or DENIED."}
		if len(s.Candidates) > 0 {
			head[0] = mapping.ToDecide + ": which of these says what somebody decided? It cannot be told for sure:"
		}
		if s.Parts != nil {
			head = append(head, s.Parts.name+" lists purposes: who took some of them has not accepted all, so that what a column says of the whole is not a decision of each.",
				"If it lists what was accepted, who left something out has refused it; with every category there is:")
			head = append(head, acceptedList(s.Parts)...)
		}
		for _, c := range d.datedDecisions(len(s.Candidates) == 0) {
			head = append(head, fmt.Sprintf("%s holds times, and its name sounds like a decision at that time", c.name))
		}
		for i := range d.in.Columns {
			if c := &d.in.Columns[i]; c.shares[kindArray] > 0 && asksOpposite(c.name) && !strings.Contains(c.name, "[]") {
				head = append(head, c.name+" is a list, and its name asks the opposite: who has something in it has objected")
			}
		}
		for i := range d.in.Columns {
			c := &d.in.Columns[i]
			if c != s.Parts && c.Filled > 0 && flagShare(c)+wordShare(c) < 0.5 && len(c.Times) == 0 && c.shares[kindObject]+c.shares[kindArray] == 0 && !strings.Contains(c.name, "[]") && exact(c.name, []hint{{"confirmed", 1}, {"accepted", 1}, {"approved", 1}, {"granted", 1}, {"consents", 1}}) > 0 {
				head = append(head, c.name+" holds texts, and its name says that they list what was accepted: who left something out has refused it; with every category there is, match taking the name or number out of each part:")
				head = append(head, strings.Replace(acceptedList(c)[0], `by: ","`, `by: "\n", match: '…'`, 1), acceptedList(c)[1])
			}
		}
		action.above(append(head, d.candidates()...)...)
		action.set("from", plain(mapping.ToDecide))
		open := newMap()
		open.set(mapping.ToDecide, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": accept or reject?")
		action.set("values", open).beside(valuesNote)
	case s.ownWords():
		consent.set("action", plain(s.Decisions[0].name)).beside("it says accept and reject itself, in the words of the target").above(d.others()...)
		return
	case s.Form == "lists":
		consent.set("action", plain("each.value")).above("Each list has an action of its own, above.").above(d.others()...)
		return
	default:
		objections := d.objections()
		if objections.some() {
			d.turned(action, objections)
			break
		}
		in := action
		if len(d.otherGround) > 0 {
			cases := action.set("cases", list())
			none := newMap()
			none.set("when", single(strings.Join(d.otherGround, " or "))).beside("the legal ground is not consent" + d.unsaid)
			none.set("from", d.actionFrom())
			words, _ := d.decisionWords(s.Decisions)
			none.set("values", d.groundless(words)).beside("an accept there is no consent: its place stays empty; a refusal stays one")
			in = newMap()
			cases.items = append(cases.items, none, in)
		}
		d.decided(in, s.Decisions, objections.all)
		action.above(d.others()...)
	}
	consent.set("action", action)
}

// acceptedList is how a mapping reads a list of what was accepted.
func acceptedList(c *Column) []string {
	form := fmt.Sprintf(`split: %s, by: ","`, scalar(c.name))
	switch {
	case c.shares[kindArray] > 0.5:
		form = "array: " + scalar(c.name)
	case c.shares[kindObject] > 0.5:
		form = "object: " + scalar(c.name)
	}
	return []string{
		"each: {" + form + ", all: {category: name or number in the list}}",
		`and below consent: category: each.key, action: {from: each.value, values: {"true": accept, "false": reject}}`,
	}
}

// actionFrom is where a mapping reads the decision.
func (d *draft) actionFrom() *node {
	s := d.s
	switch s.Form {
	case "", "array":
		if len(s.Decisions) == 1 {
			return d.from(s.Decisions[0])
		}
		names := flowList()
		for _, c := range s.Decisions {
			names.items = append(names.items, plain(s.element(c)))
		}
		return names
	}
	return plain("each.value")
}

// ownWords reports whether the export is in the words of the target already.
func (s *Suggestion) ownWords() bool {
	if s.Form != "" || len(s.Decisions) != 1 || !strings.EqualFold(s.Decisions[0].name, "action") || s.Decisions[0].Others > 0 {
		return false
	}
	for _, v := range s.Decisions[0].Values {
		if v.Value != "accept" && v.Value != "reject" {
			return false
		}
	}
	return len(s.Decisions[0].Values) > 0
}

// datedDecisions are columns such as unsubscribed_at: that there is a time says
// what was decided.
func (d *draft) datedDecisions(wanted bool) []*Column {
	var out []*Column
	if !wanted {
		return nil
	}
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if len(c.Times) > 0 && scoreOf(c.name, []hint{{"optin", 1}, {"opted", 1}, {"optout", 1}, {"subscri", 1}, {"withdraw", 1}, {"revoke", 1}, {"consent", 1}}) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// maxCandidates is how many candidates a draft names, maxShownValues how many
// values of each.
const (
	maxCandidates  = 12
	maxShownValues = 6
)

// others names the candidates that were not taken.
func (d *draft) others() []string {
	lines := d.candidates()
	if len(lines) == 0 {
		return nil
	}
	lines = append([]string{"Other columns that may say what somebody decided:"}, lines...)
	if blocks := d.asBlocks(nil, d.otherLists()); blocks != nil {
		lines = append(append(lines, "To map the list as well, have blocks above consent:"), blocks...)
	}
	return lines
}

// candidates describes the candidates that were not taken, a line each, with
// their values and how often these occur.
func (d *draft) candidates() []string {
	var lines []string
	for _, o := range d.s.Candidates {
		if o.Source != nil && slices.Contains(d.drafted, o.Source) {
			continue // it has a block of its own
		}
		columns := o.Columns
		if o.Source != nil && (len(columns) == 0 || o.Form == "object") {
			columns = []*Column{o.Source}
		}
		for _, c := range columns {
			if slices.Contains(d.s.Decisions, c) || slices.Contains(d.drafted, c) || c == d.s.Source && o.Form == d.s.Form {
				continue
			}
			line := "  " + c.name
			if says := d.shown(c, o); says != "" {
				line += ": " + says
			}
			if asksOpposite(c.name) && flagShare(c) > 0 {
				line += "; its name asks the opposite"
			}
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) > maxCandidates {
		lines = append(lines[:maxCandidates], fmt.Sprintf("  and %d more", len(lines)-maxCandidates))
	}
	return lines
}

// shown lists the values of a candidate.
func (d *draft) shown(c *Column, o Candidate) string {
	switch {
	case o.Form == "object":
		return "an object of decisions by their names"
	case o.Form == "lists":
		return "a list"
	case o.Source == c:
		return "cells of the form " + o.Form
	}
	parts := make([]string, 0, len(c.Values))
	for _, v := range c.Values[:min(len(c.Values), maxShownValues)] {
		value := v.Value
		if strings.Trim(value, "0123456789") == "" {
			value = quoted(value) // no count
		}
		parts = append(parts, fmt.Sprintf("%s %d", value, v.Count))
	}
	switch left := max(0, len(c.Values)-maxShownValues) + c.Others; {
	case left > 0 && len(parts) > 0:
		parts = append(parts, fmt.Sprintf("and %d more", left))
	case left > 0:
		parts = append(parts, fmt.Sprintf("values that are not shown: %d", left))
	}
	if empty := c.Of - c.Filled; empty > 0 {
		parts = append(parts, fmt.Sprintf("empty %d", empty))
	}
	return strings.Join(parts, ", ")
}

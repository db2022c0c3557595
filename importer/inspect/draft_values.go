package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/vocabulary"
)

const valuesNote = "accept or reject; a value that says nothing keeps an empty place, one that is not listed makes its row invalid"

// decided writes from where an action is read and what its values mean.
func (d *draft) decided(action *node, columns []*Column, opposite bool) {
	words, more := d.decisionWords(columns)
	action.set("from", d.actionFrom())
	action.set("values", d.values(words, opposite)).beside(valuesNote).above(more...)
}

// values writes a table of values, all of them open but those that cannot be a
// decision: where the question is whether somebody objects, a no agrees to nothing.
func (d *draft) values(found []ValueCount, opposite bool) *node {
	table := newMap()
	if len(found) == 0 {
		table.set(mapping.ToDecide, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": accept or reject?")
	}
	for _, v := range found {
		count := ""
		if v.Count > 0 {
			count = fmt.Sprintf(" (%s)", times(v.Count))
		}
		switch says := sayingOf([]byte(v.Value)); {
		case opposite && says == saysNo:
			table.set(v.Value, nothing()).beside("says nothing: not to object is not to agree" + count)
		case opposite && says == saysYes:
			table.set(v.Value, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": reject? The column asks whether somebody objects" + count)
		default:
			ask := question(v.Value)
			if clear := clearer(v.Value, found); clear != "" {
				ask = fmt.Sprintf("accept? Or what everybody is who chose nothing, where %q says who chose? Then leave the place empty", clear)
			}
			table.set(v.Value, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": " + ask + count)
		}
	}
	table.quotedKeys = true
	return table
}

// question asks what a value means, with what the word says by itself.
func question(value string) string {
	sense := vocabulary.Value([]byte(value))
	about, known := map[vocabulary.Sense]string{
		vocabulary.Undecided: "nobody said anything?",
		vocabulary.Ended:     "it was given, and is over?",
		vocabulary.Delivery:  "what became of mail, and nobody's decision?",
		vocabulary.Basis:     "a legal ground other than consent?",
		vocabulary.Erased:    "the person or the record is gone?",
	}[sense]
	switch {
	case known:
		return about + " Then leave the place empty"
	case sense == vocabulary.Complaint:
		return "reject? Who complained about mail wants none"
	}
	return "accept or reject?"
}

// clearer finds, beside a word for somebody who is signed up, one for somebody who chose
// to be: opted_in beside subscribed. Where a platform has both, the first may be what
// everybody is.
func clearer(value string, all []ValueCount) string {
	chose := func(v string) bool {
		c := compactName(v)
		return sayingOf([]byte(v)) == saysAccept && slices.ContainsFunc([]string{"optin", "optedin", "explicit", "express"}, func(stem string) bool { return strings.Contains(c, stem) })
	}
	if sayingOf([]byte(value)) != saysAccept || chose(value) {
		return ""
	}
	for _, v := range all {
		if chose(v.Value) {
			return v.Value
		}
	}
	return ""
}

// groundless writes a table of values for rows whose legal ground is not consent.
func (d *draft) groundless(found []ValueCount) *node {
	table := newMap()
	for _, v := range found {
		if sayingOf([]byte(v.Value)) == saysUndecided {
			table.set(v.Value, nothing())
			continue
		}
		table.set(v.Value, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": reject, or empty if it means accept")
	}
	if len(found) == 0 {
		table.set(mapping.ToDecide, plain(mapping.ToDecide)).beside(mapping.ToDecide + ": reject, or empty if it means accept")
	}
	table.quotedKeys = true
	return table
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// decisionWords are the values of columns of decisions; those that differ in case
// alone are one, as they are for values. More says how many are not shown.
func (d *draft) decisionWords(columns []*Column) (all []ValueCount, more []string) {
	add := func(value string, n int64) {
		for i := range all {
			if strings.EqualFold(all[i].Value, value) {
				all[i].Count += n
				return
			}
		}
		all = append(all, ValueCount{value, n})
	}
	others := 0
	for _, c := range columns {
		others += c.Others
		for _, v := range c.Values {
			add(v.Value, v.Count)
		}
	}
	slices.SortStableFunc(all, func(a, b ValueCount) int { return int(b.Count - a.Count) })
	if others > 0 {
		more = append(more, fmt.Sprintf("Values that are not shown here: %d; a dry run lists the rows that have them.", others))
	}
	if len(all) == 0 && d.s.Source != nil { // decoders and lists of pairs
		for _, w := range []string{"true", "false", "yes", "no"} {
			if d.s.Form == "split" == (len(w) < 4) {
				all = append(all, ValueCount{w, 0})
			}
		}
	}
	return all, more
}

// fileWords are the states in the names of the files.
func (d *draft) fileWords() []ValueCount {
	var all []ValueCount
	for _, m := range d.in.Members {
		word := stateWord(m.Name)
		if i := slices.IndexFunc(all, func(v ValueCount) bool { return v.Value == word }); i >= 0 {
			all[i].Count += m.Rows
		} else {
			all = append(all, ValueCount{word, m.Rows})
		}
	}
	return all
}

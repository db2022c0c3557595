package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

func (d *draft) subject(consent *node) {
	s := d.s
	found := false
	if s.Mixed {
		found = true
		consent.set("userId", flow("from", d.from(s.UserID), "match", single(`^[^@]+$`), "trim", plainTrue())).beside(d.fill(s.UserID)).
			above(fmt.Sprintf("%.0f %% of %s are e-mail addresses, the others are ids", 100*s.UserID.shares[kindEmail], s.UserID.name))
		consent.set("email", flow("from", d.from(s.UserID), "match", single(`^[^@\s]+@[^@\s]+$`), "trim", plainTrue(), "lower", plainTrue()))
	} else if s.UserID != nil {
		found = true
		consent.set("userId", flow("from", d.from(s.UserID, s.AlsoUser...), "trim", plainTrue())).beside(joined(d.fill(s.UserID), d.platformsOwn()))
	} else if s.UserPath != "" {
		found = true
		consent.set("userId", flow("from", plain(s.UserPath), "trim", plainTrue())).beside("of the list of identifiers the one of that type")
	}
	switch {
	case s.Mixed:
	case s.Email != nil:
		found = true
		consent.set("email", flow("from", d.from(s.Email), "trim", plainTrue(), "lower", plainTrue())).beside(d.fill(s.Email))
	case s.EmailPath != "":
		found = true
		consent.set("email", flow("from", plain(s.EmailPath), "trim", plainTrue(), "lower", plainTrue())).beside(d.whichOne())
	}
	switch {
	case s.ProfileID == nil:
	case !found:
		found = true
		note := "a browser or device, not a person"
		if fill := d.fill(s.ProfileID); fill != "" {
			note += "; " + fill
		}
		consent.set("profileId", flow("from", d.from(s.ProfileID), "trim", plainTrue())).beside(note)
		consent.set("sourceId", flow("const", plain(mapping.ToDecide))).beside(mapping.ToDecide + ": the number of the source that these ids belong to, as the target has it")
	default:
		consent.items[len(consent.items)-1].tail = joined(consent.items[len(consent.items)-1].tail, fmt.Sprintf("%s is a browser or device: profileId, which wants a sourceId beside it", s.ProfileID.name))
	}
	if c := s.RecordID; found && c != nil && d.nobodyIn(c) {
		last := consent.items[len(consent.items)-1]
		last.tail = joined(last.tail, fmt.Sprintf("%s, the platform's id of the record, names the others as well: userId: {from: %s}, if the target knows these ids", c.name, d.s.element(c)))
	}
	if !found {
		consent.set("userId", plain(mapping.ToDecide)).above(d.nobody()...)
	}
}

// platformsOwn warns of an id by which the platform counts people: the target may never have
// heard of it, and would make people of its own of them.
func (d *draft) platformsOwn() string {
	if !slices.Contains([]string{"contactid", "subscriberid", "memberid", "leadid", "personid", "recipientid"}, compactName(lastName(d.s.UserID.name))) {
		return ""
	}
	note := "the platform's own id: only if the target knows people by it"
	if d.s.Email != nil && d.s.Email != d.s.UserID || d.s.EmailPath != "" {
		note += "; without this line the e-mail is the userId"
	}
	return note
}

// whichOne says which of several addresses is taken.
func (d *draft) whichOne() string {
	switch path := d.s.EmailPath; {
	case strings.Contains(path, "[0]"):
		return "the first of the list"
	case strings.Contains(path, "=true]"):
		return "the one of the list that is marked so"
	}
	return "of the list of identifiers the one of that type"
}

// nobody asks who decided, with what the export has in place of a person.
func (d *draft) nobody() []string {
	lines := []string{mapping.ToDecide + ": which column says who decided? None looks like an id or an e-mail address of a person."}
	for i := range d.in.Columns {
		c := &d.in.Columns[i]
		if c.Filled == 0 || strings.Contains(c.name, "[]") || len(c.Times) > 0 || isOneForAll(c) || !slices.Contains([]string{"contact", "contacts", "person", "subscriber", "member", "lead", "recipient", "people"}, compactName(lastName(c.name))) || c.shares[kindObject]+c.shares[kindArray] > 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s names somebody by the platform's id. If the target does not know these ids, take who it is from the platform's file of people:", c.name),
			fmt.Sprintf("  lookup: {people: {file: people.csv, key: id, on: %s}}", scalar(c.name)), "  and in place of this: email: people.email")
	}
	if c := d.s.RecordID; c != nil {
		lines = append(lines, fmt.Sprintf("%s is the platform's id of the record. Only if the target knows these ids as profiles, in place of this:", c.name),
			fmt.Sprintf("  profileId: {from: %s, trim: true}", scalar(d.s.element(c))), `  sourceId: {const: "12"} # the number of the source that they belong to, as the target has it`)
	}
	return lines
}

// nobodyIn reports whether rows may lack every identifier that was chosen, but not the
// one of the record.
func (d *draft) nobodyIn(record *Column) bool {
	if d.s.UserPath+d.s.EmailPath != "" {
		return false // it cannot be told
	}
	for _, c := range []*Column{d.s.UserID, d.s.Email} {
		if c != nil && c.Filled >= record.Filled {
			return false
		}
	}
	return record.Fill() > 0.995
}

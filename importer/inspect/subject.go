package inspect

import (
	"slices"
	"strings"
)

// notPeople are names of objects whose ids and addresses are nobody's who decided
// anything: messages, pages, staff.
var notPeople = []string{
	"metadata", "meta", "message", "event", "context", "request", "page", "link", "relationship", "company", "store", "shop", "site", "form", "campaign",
	"delegate", "agent", "author", "owner", "createdby", "updatedby", "modifiedby", "sender", "device", "app", "application", "property", "tenant", "list", "segment", "tag",
	"webhook", "source", "collectionpoint", "purpose", "topic", "template", "session", "referrer", "location", "geo", "controller", "organization",
}

// ofNobody reports whether a path leads through an object that is not a person.
func ofNobody(path string) bool {
	steps := splitPath(path)
	for i, s := range steps[:max(0, len(steps)-1)] {
		name := strings.TrimSuffix(strings.TrimSuffix(compactName(s), "s"), "id") // owner_id: {"email": …}
		if !slices.Contains(notPeople, name) {
			continue
		}
		// What a message carries may hold the person: request.identities, context.traits.
		if next := compactName(steps[i+1]); i+1 < len(steps)-1 && !slices.Contains(notPeople, strings.TrimSuffix(next, "s")) {
			continue
		}
		return true
	}
	return false
}

// subject finds who decided.
func (v *view) subject(s *Suggestion) {
	var visitor, mail int
	var users []rated
	for c := range v.outer {
		if c.Filled == 0 || len(c.Times) > 0 && !strings.HasSuffix(compactName(lastName(c.name)), "id") || slices.Contains(s.Decisions, c) || c.shares[kindObject]+c.shares[kindArray] > 0 {
			continue
		}
		nobody := ofNobody(c.name) && !slices.Contains([]string{"userid", "accountid", "customerid", "externalid"}, compactName(lastName(c.name)))
		email := c.shares[kindEmail]
		deep := 3 * strings.Count(c.name, ".")
		score := int(email*100) + scoreOf(lastName(c.name), []hint{{"mail", 30}, {"owner", -60}, {"created", -60}, {"updated", -60}, {"agent", -60}, {"sender", -60}, {"second", -20}}) + int(c.Fill()*20) - deep
		if email >= enoughAddresses(c) && !nobody && score > mail && !slices.Contains(copied, compactName(lastName(c.name))) {
			s.Email, mail = c, score
		}
		if email >= 0.95 || nobody {
			continue
		}
		if score := exact(c.name, personHints()); score > 0 {
			users = append(users, rated{c, score + int(c.Fill()*5) - deep})
		}
		if score := exact(c.name, visitorHints()); score > 0 && score+int(c.Fill()*5)-deep > visitor {
			s.ProfileID, visitor = c, score+int(c.Fill()*5)-deep
		}
	}
	if s.Email != nil && isOneForAll(s.Email) {
		s.Email = nil // an address of the account, not of people
	}
	users = slices.DeleteFunc(users, func(r rated) bool { return isOneForAll(r.column) })
	s.UserID, s.AlsoUser = v.choose(users)
	// A column of ids and addresses is both; one of addresses is the e-mail.
	s.Mixed = s.UserID != nil && s.UserID.shares[kindEmail] >= 0.05 && (s.Email == nil || s.Email == s.UserID)
	if s.Mixed {
		s.Email = s.UserID
	}
	v.listed(s)
	v.addresses(s)
	if s.ProfileID != nil && exact(s.ProfileID.name, visitorHints()) < 50 {
		s.RecordID, s.ProfileID = s.ProfileID, nil // the platform's id of a record: no profile of the target is called so
	}
}

// enoughAddresses is from which share of addresses a column is one of e-mails. Under a name
// that does not say so, a few other values show that it holds whatever named somebody:
// an id, a phone number, "admin".
func enoughAddresses(c *Column) float64 {
	if strings.Contains(compactName(c.name), "mail") {
		return 0.5
	}
	return 0.95
}

// manyRows is from how many rows one value in all of them names nobody.
const manyRows = 10

// isOneForAll reports whether a column has one value in many rows: who runs the account,
// where answers go.
func isOneForAll(c *Column) bool { return c.Distinct == 1 && c.Filled >= manyRows }

// copied are names of addresses to which a platform sends copies and answers.
var copied = []string{"ccemail", "bccemail", "ccemailaddress", "bccemailaddress", "emailcc", "emailbcc", "replyto", "replytoemail", "returnpath", "dropboxemail", "bccdropbox"}

// addresses looks for a list of a person's e-mail addresses, where no column holds one:
// the one that is marked as the first counts, else the first.
func (v *view) addresses(s *Suggestion) {
	if s.Email != nil || s.EmailPath != "" || s.UserID != nil || s.UserPath != "" {
		return
	}
	for c := range v.all {
		path, inside, isList := strings.Cut(c.name, "[]")
		if !isList || c.shares[kindEmail] < 0.5 || strings.Contains(inside, "[]") || strings.Count(inside, ".") > 1 || ofNobody(path) || ofNobody(c.name) || !strings.Contains(compactName(path), "mail") || isOneForAll(c) {
			continue
		}
		at := "[0]"
		for _, first := range []string{"primary", "is_primary", "isPrimary", "main", "default"} {
			if f := v.byName[path+"[]."+first]; f != nil && f.shares[kindFlag] > 0.9 && f.known["true"] > 0 {
				at = "[" + first + "=true]"
				break
			}
		}
		s.EmailPath = path + at + inside
		return
	}
}

// listed looks for identifiers in a list of them, each with its type beside it:
// [{"type": "email", "value": "…"}].
func (v *view) listed(s *Suggestion) {
	for kind := range v.all {
		around, name, ok := cutLast(kind.name)
		path, inArray := strings.CutSuffix(around, "[]")
		if !ok || !inArray || strings.Contains(path, "[]") || len(kind.known) == 0 {
			continue
		}
		if scoreOf(name, []hint{{"type", 1}, {"space", 1}, {"kind", 1}, {"name", 1}, {"key", 1}}) == 0 {
			continue
		}
		value := v.valueBeside(around, kind)
		if value == nil {
			continue
		}
		for word := range kind.known {
			step := path + "[" + name + "=" + word + "]" + strings.TrimPrefix(value.name, around)
			switch compact := compactName(word); {
			case strings.ContainsAny(word, `[]=",.`):
			case s.Email == nil && s.EmailPath == "" && value.shares[kindEmail] > 0 && strings.Contains(compact, "mail"):
				s.EmailPath = step
			case s.UserID == nil && s.UserPath == "" && s.Email == nil && slices.ContainsFunc(personHints(), func(h hint) bool { return h.word == compact && h.score >= 60 }):
				s.UserPath = step
			}
		}
	}
}

// valueBeside is the member that holds an identifier, beside one that holds its type.
func (v *view) valueBeside(around string, kind *Column) *Column {
	var found *Column
	for c := range v.all {
		if also, name, ok := cutLast(c.name); ok && also == around && c != kind && c.shares[kindObject]+c.shares[kindArray] == 0 {
			if compact := compactName(name); compact == "id" || strings.Contains(compact, "value") || strings.HasPrefix(compact, "identifier") && !strings.Contains(compact, "type") {
				found = c
			}
		}
	}
	return found
}

package inspect

import (
	"slices"
	"strings"

	"github.com/consentimport/consentimport/mapping/vocabulary"
)

// saying is what a value says by itself, as far as it matters for a suggestion.
type saying uint8

const (
	saysNothing   saying = iota // no word by which exports state decisions
	saysYes                     // yes, true, 1: what it says depends on the question
	saysNo                      // no, false, 0
	saysAccept                  // accepted, subscribed
	saysReject                  // denied, unsubscribed
	saysUndecided               // pending, default, expired, bounced: no decision that holds
	sayings                     // how many there are
)

func sayingOf(value []byte) saying {
	switch s := vocabulary.Value(value); {
	case s == vocabulary.Yes:
		return saysYes
	case s == vocabulary.No:
		return saysNo
	case s == vocabulary.Accepted, s == vocabulary.In:
		return saysAccept
	case s == vocabulary.Rejected, s == vocabulary.Out, s == vocabulary.Complaint:
		return saysReject
	case s.Otherwise():
		return saysUndecided
	}
	return saysNothing
}

// vetoed are words of names whose values sound like a decision and are none: the
// law or the way of asking, how somebody subscribed, what may be delivered.
var vetoed = []string{
	"model", "regime", "regulation", "regulations", "jurisdiction", "law", "basis", "policy", "version", "language", "locale", "lang", "source", "method", "level",
	"device", "browser", "country", "region", "currency", "gender", "score", "rating", "count", "format", "template", "environment", "platform", "double",
	"verified", "deleted", "vip", "tax", "exempt", "viewed", "archived", "published", "hold", "bounce", "bounced", "undeliverable", "track", "default", "linked",
	"legitimate", "li", "test", "decryption", "manipulation", "confirmed", "delivery", "deliverable", "delivered", "valid", "suppressed_reason", "reason", "kind", "os", "error", "via", "origin", "comment", "comments", "note", "notes", "text", "message", "explanation", "description", "remark",
}

// isVetoed reports whether a name is none under which decisions stand.
func isVetoed(path string) bool {
	compact := compactName(lastName(path))
	if strings.HasPrefix(compact, "canreceive") || strings.HasPrefix(compact, "canbe") {
		return true // what may be delivered
	}
	if strings.HasSuffix(compact, "type") && !slices.Contains([]string{"type", "eventtype", "actiontype", "transactiontype", "changetype", "messagetype"}, compact) || strings.HasSuffix(compact, "id") || strings.HasSuffix(compact, "optinlevel") {
		return true
	}
	for _, w := range words(lastName(path)) {
		if slices.Contains(vetoed, w) || slices.Contains([]string{"ip", "ip4", "ip6", "ipv4", "ipv6"}, w) {
			return true
		}
	}
	return false
}

// asked is the name of a path that says what is asked: the last one or, where that is a
// word for any answer, the one around it.
func asked(path string) string {
	last := lastName(path)
	around, _, ok := cutLast(path)
	if ok && slices.Contains([]string{"consented", "value", "val", "enabled", "active", "given", "granted", "accepted", "agreed", "allowed", "checked", "selected", "set", "flag", "answer", "choice", "state", "status", "decision", "response", "isset", "isactive", "isenabled", "consent"}, compactName(last)) {
		return lastName(around)
	}
	return last
}

// asksOpposite reports whether a yes under a name is a reject: Do Not Email,
// EMAIL_BLACKLISTED, No Bulk Emails (User Opt Out), keine Werbung.
//
// Where the last name of a path says only that an answer stands there, what it answers is
// called by the name around it: data_sale_opt_out.consented.
func asksOpposite(path string) bool { return namesObjection(asked(path)) }

// namesObjection reports whether a yes to what is called so is a reject.
func namesObjection(last string) bool {
	if vocabulary.Name([]byte(last)) == vocabulary.Out {
		return !turnsTwice(last)
	}
	compact := compactName(last)
	for _, stem := range []string{"optout", "optedout", "unsub", "donot", "dont", "blacklist", "blocklist", "abgemeldet", "widerspruch", "widerruf", "desabonn", "désabonn", "afgemeld", "objection", "complain", "asspam", "配信停止", "受信拒否"} {
		if strings.Contains(compact, stem) {
			return !turnsTwice(last)
		}
	}
	if w := words(last); len(w) > 1 {
		switch w[0] {
		case "no", "kein", "keine", "sin", "sans", "geen", "senza", "non", "stop", "exclude", "block", "never":
			rest := strings.Join(w[1:], "")
			return slices.ContainsFunc([]string{"mail", "sms", "phone", "call", "market", "newsletter", "contact", "promo", "sell", "share", "werbung", "anruf", "post", "reclame", "pub", "fax", "advert", "optout", "profil"},
				func(stem string) bool { return strings.Contains(rest, stem) })
		}
	}
	return false
}

// asksTwice reports whether a name turns a question round twice: not_opted_out.
func asksTwice(path string) bool { return turnsTwice(asked(path)) }

func turnsTwice(name string) bool {
	w := words(name)
	return len(w) > 1 && (w[0] == "not" || w[0] == "no" || w[0] == "never") && vocabulary.Name([]byte(strings.Join(w[1:], " "))) == vocabulary.Out && !slices.Contains(w, "no")
}

// listSense tells lists of what was accepted from lists of what was rejected by
// their names: accepted_purposes, unsubscribedMessageTypeIds.
func listSense(path string) saying {
	compact := compactName(lastName(strings.TrimSuffix(path, "[]")))
	for _, stem := range []string{"unsubscri", "reject", "refus", "denied", "declin", "optout", "optedout", "withdraw", "revok", "disabled", "blocked", "excluded", "abgelehnt"} {
		if strings.Contains(compact, stem) {
			return saysReject
		}
	}
	for _, stem := range []string{"subscribed", "accept", "granted", "approved", "allowed", "optin", "optedin", "agreed", "consented", "enabled", "akzeptiert"} {
		if strings.Contains(compact, stem) {
			return saysAccept
		}
	}
	return saysNothing
}

// flagShare is the share of a column's values that are yes, no, 1 or 0.
func flagShare(c *Column) float64 { return c.shares[kindFlag] + c.shares[kindBit] }

// isFlags reports whether a column answers yes or no, a few rows of which may say that
// there is no answer: true, false, unknown.
func isFlags(c *Column) bool {
	return flagShare(c) >= 0.9 || flagShare(c) >= 0.5 && flagShare(c)+c.says[saysUndecided] >= 0.95
}

// wordShare is the share of its values that state a decision whatever was asked:
// subscribed, denied.
func wordShare(c *Column) float64 { return c.says[saysAccept] + c.says[saysReject] }

// decided is the share of a column's values that are words of decision or state.
func decided(c *Column) float64 { return flagShare(c) + c.shares[kindWord] }

// isLater reports whether a value says that somebody took back what was said
// before, so that its time is not that of the consent: withdrawn, unsubscribed.
func isLater(value string) bool {
	if sayingOf([]byte(value)) != saysReject {
		return false
	}
	compact := compactName(value)
	return slices.ContainsFunc([]string{"withdraw", "revoke", "unsub", "optout", "optedout", "widerruf", "abgemeldet", "désabonn", "désinscri", "retir", "afgemeld", "uitgeschreven", "ingetrokken", "återkall", "revocat", "disiscritt", "cofni"},
		func(stem string) bool { return strings.Contains(compact, stem) })
}

// rejections are the values of the columns that state a reject whatever was asked,
// in lower case.
func rejections(columns []*Column) []string {
	var out []string
	for _, c := range columns {
		for v := range c.known {
			if low := strings.ToLower(v); sayingOf([]byte(v)) == saysReject && !slices.Contains(out, low) {
				out = append(out, low)
			}
		}
	}
	slices.Sort(out)
	return out
}

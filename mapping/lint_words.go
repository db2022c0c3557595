package mapping

// What the words of an export usually mean. Lint compares a mapping with them;
// nothing is ever decided by them.

// sense is what a name or a value says by itself.
type sense uint8

const (
	senseNone    sense = iota
	senseYes           // yes, true, 1: what it says depends on the question
	senseNo            // no, false, 0
	senseAccept        // accepted, granted: so does this, a little
	senseReject        // denied, refused
	senseIn            // opted_in, subscribed: clear whatever was asked
	senseOut           // opted_out, unsubscribed, do_not_sell
	senseImplied       // default, pending, unknown: nobody said anything
)

// bare is the longest name or value that is looked at; longer ones say nothing.
const bare = 40

// compact writes text in lower case without anything but letters and digits,
// "Opted-Out" as "optedout". ok is false for what is too long to be a word.
func compact(text []byte, buf *[bare]byte) (word []byte, ok bool) {
	n := 0
	for _, b := range text {
		switch {
		case 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b >= 0x80:
		default:
			continue
		}
		if n == bare {
			return nil, false
		}
		buf[n] = b
		n++
	}
	return buf[:n], true
}

// valueSense says what a value says.
func valueSense(value []byte) sense {
	var buf [bare]byte
	word, ok := compact(value, &buf)
	if !ok {
		return senseNone
	}
	switch string(word) {
	case "yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "sí", "x", "checked", "enabled":
		return senseYes
	case "no", "n", "false", "f", "0", "off", "nein", "non", "nee", "unchecked", "disabled":
		return senseNo
	case "accept", "accepted", "acceptall", "acceptedall", "grant", "granted", "allow", "allowed", "agree", "agreed", "consented", "consentgiven", "onacceptallservices":
		return senseAccept
	case "reject", "rejected", "rejectall", "rejectedall", "deny", "denied", "decline", "declined", "refuse", "refused", "disallow", "disallowed",
		"disagree", "disagreed", "revoke", "revoked", "withdraw", "withdrawn", "noconsent", "notgiven", "ondenyallservices":
		return senseReject
	case "optin", "optedin", "subscribe", "subscribed", "doubleoptin", "confirmedoptin":
		return senseIn
	case "optout", "optedout", "hardoptout", "hardoptedout", "unsubscribe", "unsubscribed", "blacklist", "blacklisted", "blocklisted", "suppressed", "objected":
		return senseOut
	case "implied", "implicit", "default", "oninitialpageload", "onnoneuregion", "onsessionrestored", "onmobilesessionrestore",
		"pending", "pendingapproval", "nochoice", "unknown", "undefined", "null", "none", "na", "notset", "unset", "auto", "wait", "waiting",
		"notoptedout", "nooptout", "neversubscribed", "didnotsubscribe", "notsubscribed", "notanswered", "noanswer", "undecided",
		"notspecified", "seen", "notseen", "assumed", "alwaysactive":
		return senseImplied
	}
	if hasPrefix(word, "donot") {
		return senseOut
	}
	return senseNone
}

// nameSense says what a yes under a name says: senseIn for optin_mail, senseOut
// for EMAIL_BLACKLISTED, nothing for status.
func nameSense(name []byte) sense {
	var buf [bare]byte
	word, ok := compact(name, &buf)
	if !ok || len(word) == 0 {
		return senseNone
	}
	// "not_opted_out", "no_optout": what a yes says here, a machine should not guess.
	if hasPrefix(word, "not") || hasPrefix(word, "no") && !hasPrefix(word, "node") || hasPrefix(word, "never") || contains(word, "without") {
		return senseNone
	}
	for _, stem := range []string{
		"optout", "optedout", "unsub", "donot", "blacklist", "blocklist", "suppress", "denied", "declined", "refused", "withdraw", "revoked", "objected", "objection", "rejected",
	} {
		if contains(word, stem) {
			return senseOut
		}
	}
	for _, stem := range []string{"optin", "optedin", "subscribed", "consent", "accepted", "agreed", "allowed", "granted", "permission"} {
		if contains(word, stem) {
			return senseIn
		}
	}
	return senseNone
}

// against reports whether a decision goes against what the value says under
// the name.
func against(name, value sense, action Action) bool {
	switch value {
	case senseIn:
		return action == Reject
	case senseOut:
		return action == Accept
	case senseAccept:
		return action == Reject && name != senseOut
	case senseReject:
		return action == Accept && name != senseOut
	case senseYes:
		return name == senseIn && action == Reject || name == senseOut && action == Accept
	case senseNo:
		return name == senseIn && action == Accept || name == senseOut && action == Reject
	}
	return false
}

// necessary reports whether a category is one that sites do not ask about.
func necessary(category []byte) bool {
	var buf [bare]byte
	word, ok := compact(category, &buf)
	if !ok {
		return false
	}
	switch string(word) {
	case "required", "strict", "c0001", "notwendig", "essenziell", "technischnotwendig", "nécessaires", "nécessaire", "noodzakelijk", "necesarias", "necessari":
		return true
	}
	for _, stem := range []string{"necessary", "essential"} {
		if !contains(word, stem) {
			continue
		}
		for _, no := range []string{"un" + stem, "non" + stem, "not" + stem, "non" + "strictly" + stem, "notstrictly" + stem, "in" + stem} {
			if contains(word, no) {
				return false
			}
		}
		return true
	}
	return false
}

func hasPrefix(word []byte, prefix string) bool {
	return len(word) >= len(prefix) && string(word[:len(prefix)]) == prefix
}

// contains is bytes.Contains for short words, which need no search by blocks.
func contains(word []byte, part string) bool {
	for i := 0; i+len(part) <= len(word); i++ {
		if string(word[i:i+len(part)]) == part {
			return true
		}
	}
	return false
}

package vocabulary

import (
	"bytes"
	"slices"
)

// negations turn around what stands behind them.
var negations = map[string]bool{
	"not": true, "no": true, "non": true, "never": true, "without": true, "nicht": true, "kein": true, "keine": true, "pas": true, "sans": true, "sin": true,
	"senza": true, "niet": true, "geen": true, "nao": true, "sem": true, "nie": true, "bez": true, "ej": true, "inte": true, "ikke": true, "ingen": true, "yet": true,
}

// Value says what a value says: of words.tsv as a whole, else by a part that says
// that no consent is in force ("Legitimate interest – existing customer", "On
// Hold Bounce"). A yes that is only part of a value says nothing.
func Value(value []byte) Sense {
	var b folded
	if !b.fold(value) {
		return None
	}
	senses := table().senses
	if s, ok := senses[string(b.text())]; ok {
		return s
	}
	if s := inflected(senses, b.text()); s != None {
		return s
	}
	if bytes.HasPrefix(b.text(), []byte("donot")) {
		return Out
	}
	for length := b.parts - 1; length > 0; length-- {
		for i := 0; i+length <= b.parts; i++ {
			s := senses[string(b.part(i, i+length))]
			negated := i > 0 && negations[string(b.part(i-1, i))]
			switch {
			case s.Otherwise(), (s == Out || s == Rejected) && !negated:
				return s
			case negated && (s == In || s == Accepted || s == Out || s == Rejected):
				return Undecided
			}
		}
	}
	return None
}

// endings of other genders and numbers, and what stands in their place in words.tsv:
// inscrite, expirada, scaduti, odrzucona, raderat.
var endings = [...]struct{ from, to string }{
	{"ees", "e"}, {"ee", "e"}, {"es", "e"}, {"tes", "t"}, {"te", "t"}, {"ses", "s"}, {"se", "s"}, {"as", "o"}, {"os", "o"}, {"a", "o"}, {"i", "o"}, {"e", "o"},
	{"a", "y"}, {"e", "y"}, {"o", "y"}, {"o", "a"}, {"i", "y"}, {"lo", "l"}, {"t", "d"}, {"de", "d"}, {"da", "d"}, {"d", "t"}, {"s", ""},
}

// inflected finds a word in another gender or number.
func inflected(senses map[string]Sense, word []byte) Sense {
	if len(word) < 6 || len(word) > longest-2 {
		return None
	}
	var buf [longest]byte
	for _, e := range endings {
		if bytes.HasSuffix(word, []byte(e.from)) {
			n := copy(buf[:], word[:len(word)-len(e.from)])
			n += copy(buf[n:], e.to)
			if s, ok := senses[string(buf[:n])]; ok && s != Yes && s != No {
				return s
			}
		}
	}
	return None
}

// ways are how people are reached, and what for: "no email" keeps them from it.
var ways = []string{
	"email", "mail", "sms", "text", "call", "phone", "bulk", "marketing", "newsletter", "contact", "solicit", "tracking", "shar", "sale", "sell", "ads", "advert", "post", "fax", "spam", "push",
	"promo", "werb", "anruf", "kontakt", "pub", "reklam", "correo", "llamad", "posta", "chiamat", "nieuwsbrief", "telefon",
}

// longestName is how many letters and digits a name has at most; more are a
// sentence.
const longestName = 56

// Name says what a yes under the name of a column, a key or a category says: In
// for optin_mail, Out for EMAIL_BLACKLISTED and "Do Not Email", Delivery for "On
// Hold", None for status and where a negation leaves it open.
func Name(name []byte) Sense {
	var b folded
	if !b.fold(name) || b.n == 0 || b.n > longestName {
		return None
	}
	if b.forbids() {
		return Out
	}
	l := table()
	for _, group := range []struct {
		parts []string
		sense Sense
	}{{l.out, Out}, {l.mail, Delivery}, {l.in, In}} {
		for _, part := range group.parts {
			at := b.find(part)
			switch {
			case at < 0:
			case b.negatedAt(at):
				return None
			default:
				return group.sense
			}
		}
	}
	return None
}

// alone are parts of names that speak of opting out of messages by themselves; the others,
// such as declined, also stand in the names of columns about orders and payments.
var alone = []string{"optout", "optedout", "optingout", "unsub", "donot", "blacklist"}

// OptOut reports whether the name of a column says, whatever else is in the export, that
// people opted out of messages or of the use of their data.
func OptOut(name []byte) bool {
	if Name(name) != Out {
		return false
	}
	var b folded
	b.fold(name) // Name could
	return b.forbids() || b.holds(alone) || b.holds(ways)
}

// about are parts of names that speak of consents to messages by themselves; the others,
// such as accepted, also stand in the names of columns about orders and payments.
var about = []string{"optin", "optedin", "subscri", "consent", "permission", "einwilligung", "zustimmung", "abonne", "consenso", "toestemming", "samtyk", "zgoda"}

// states are parts of names under which stands how far something got.
var states = []string{"status", "state", "preference"}

// OptIn reports whether the name of a column says, whatever else is in the export, that it
// is about what people agreed to or subscribed to, so that UNSUBSCRIBED in it is a no.
func OptIn(name []byte) bool {
	sense := Name(name)
	if sense == Out || sense == Delivery {
		return false
	}
	var b folded
	return b.fold(name) && b.n <= longestName && (b.holds(about) || b.holds(ways) && (sense == In || b.holds(states)))
}

// holds reports whether one of the parts is in the name.
func (b *folded) holds(parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return b.find(part) >= 0 })
}

// forbids reports whether a name begins with no and a way to reach people.
func (b *folded) forbids() bool {
	rest := b.text()
	switch first := string(b.part(0, 1)); {
	case b.parts > 1 && first != "not" && first != "yet" && negations[first]:
		rest = b.buf[b.starts[1]:b.n]
	case bytes.HasPrefix(rest, []byte("no")):
		rest = rest[2:]
	default:
		return false
	}
	for _, way := range ways {
		if bytes.HasPrefix(rest, []byte(way)) {
			return true
		}
	}
	return false
}

// find is where a part stands in the name; a short one only at the beginning of a
// part of the name.
func (b *folded) find(part string) int {
	if len(part) < 5 {
		for i := range b.parts {
			if bytes.HasPrefix(b.buf[b.starts[i]:b.n], []byte(part)) {
				return int(b.starts[i])
			}
		}
		return -1
	}
	return bytes.Index(b.text(), []byte(part))
}

// negatedAt reports whether one of the two parts before a place in the name is a
// negation, or all that stands before it.
func (b *folded) negatedAt(at int) bool {
	if negations[string(b.buf[:at])] {
		return true
	}
	i := 0
	for i < b.parts && int(b.starts[i]) < at {
		i++
	}
	return i > 0 && negations[string(b.part(i-1, i))] || i > 1 && negations[string(b.part(i-2, i-1))]
}

// necessaryWords are categories as banners call what they ask nobody about.
var necessaryWords = map[string]bool{
	"required": true, "strict": true, "c0001": true, "notwendig": true, "notwendige": true, "essenziell": true, "technischnotwendig": true,
	"necessaires": true, "necessaire": true, "essentiels": true, "obligatoires": true, "noodzakelijk": true, "noodzakelijke": true, "necesarias": true, "necesarios": true,
	"necessari": true, "essenziali": true, "necessarios": true, "essenciais": true, "niezbedne": true, "nodvandiga": true, "nodvendige": true, "nodvendig": true,
}

// Necessary reports whether a category is one that sites do not ask about.
func Necessary(category []byte) bool {
	var b folded
	if !b.fold(category) || b.n > longestName {
		return false
	}
	if necessaryWords[string(b.text())] {
		return true
	}
	for _, stem := range []string{"necessary", "essential"} {
		if !bytes.Contains(b.text(), []byte(stem)) {
			continue
		}
		for _, no := range []string{"un" + stem, "non" + stem, "not" + stem, "non" + "strictly" + stem, "notstrictly" + stem, "in" + stem} {
			if bytes.Contains(b.text(), []byte(no)) {
				return false
			}
		}
		return true
	}
	return false
}

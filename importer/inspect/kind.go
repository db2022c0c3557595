package inspect

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/vocabulary"
	"github.com/go-json-experiment/json/jsontext"
)

// valueKind is what one value looks like by itself.
type valueKind uint8

const (
	kindNothing valueKind = iota // NULL, N/A, —
	kindFlag                     // yes, no, true, false
	kindBit                      // 0, 1
	kindWord                     // opted_in, pending, ACTIVE
	kindInteger
	kindDecimal
	kindScientific
	kindEpochS
	kindEpochMS
	kindTime
	kindDate
	kindEmail
	kindUUID
	kindHash
	kindIP
	kindURL
	kindPhone
	kindJSON
	kindPairs
	kindText
	kindObject // JSON: a value with members
	kindArray
	kindCount
)

var kindNames = [kindCount]string{
	"no value (NULL, N/A …)", "yes/no", "0/1", "decision word", "integer", "decimal", "number in scientific notation", "epoch seconds", "epoch milliseconds",
	"date and time", "date", "e-mail", "UUID", "hash", "IP address", "URL", "phone number", "JSON", "list of name and value", "text", "object", "array",
}

// longestWord is the longest value that can be a word of decision.
const longestWord = 40

// shapeOf says what a trimmed, non-empty value looks like, and of a time how it
// is written.
func shapeOf(v []byte) (valueKind, timeText) {
	if len(v) <= longestWord {
		if k, ok := wordKind(v); ok {
			return k, timeText{}
		}
	}
	switch c := v[0]; {
	case c == '{' || c == '[':
		if jsontext.Value(v).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			return kindJSON, timeText{}
		}
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '\'' || c == '.':
		if k, ok := numberKind(bytes.TrimPrefix(v, []byte("'"))); ok {
			return k, timeText{}
		}
	}
	if isEmail(v) {
		return kindEmail, timeText{}
	}
	if k, ok := hexKind(v); ok {
		return k, timeText{}
	}
	if t, ok := readTime(v); ok {
		if t.clock {
			return kindTime, t
		}
		return kindDate, t
	}
	switch {
	case len(v) <= 45 && bytes.ContainsAny(v, ".:") && isIP(v):
		return kindIP, timeText{}
	case bytes.HasPrefix(v, []byte("http://")) || bytes.HasPrefix(v, []byte("https://")):
		return kindURL, timeText{}
	}
	if _, ok := pairsOf(v); ok {
		return kindPairs, timeText{}
	}
	return kindText, timeText{}
}

func wordKind(v []byte) (valueKind, bool) {
	if len(v) > 1 && bytes.ContainsAny(v, "0123456789@") {
		return 0, false // no word has any
	}
	switch strings.ToLower(string(v)) {
	case "null", "n/a", "na", "nil", "-", "–", "—", `\n`, "undefined":
		return kindNothing, true
	case "0", "1":
		return kindBit, true
	case "yes", "no", "y", "n", "true", "false", "t", "f", "on", "off", "ja", "nein", "oui", "non", "si", "sí", "nee", "tak", "nie", "ano", "ne", "sim", "não", "nao", "j", "x":
		return kindFlag, true
	}
	if !allDigits(v) && len(v) > 1 && v[0] >= utf8.RuneSelf { // an answer in another script
		if w, ok := vocabulary.Lookup(string(v)); ok && (w.Sense == vocabulary.Yes || w.Sense == vocabulary.No) {
			return kindFlag, true
		}
	}
	if isStatusWord(v) || isKnownWord(v) {
		return kindWord, true
	}
	return 0, false
}

// isKnownWord reports whether a value as a whole is a word by which exports state
// decisions. One that only holds such a word may hold a name as well.
func isKnownWord(v []byte) bool {
	if allDigits(v) {
		return false
	}
	w, ok := vocabulary.Lookup(string(v))
	return ok && w.Sense != vocabulary.None
}

// isStatusWord knows words of state beyond those that name a decision.
func isStatusWord(v []byte) bool {
	switch compactName(string(v)) {
	case "active", "inactive", "confirmed", "expired", "extend", "cancel", "cancelled", "cleaned", "held", "bounced", "partial", "partially", "partiallyaccepted",
		"acceptedpartially", "partialconsent", "junk", "spam", "complained", "redacted", "undeliverable", "hardbounced", "softbounced", "transactional", "archived",
		"onhold", "blocked", "ended", "lapsed", "aktiv", "inaktiv", "actif", "activo", "attivo", "actief", "abgelaufen", "expiré", "caducado", "scaduto", "verlopen", "bestätigt", "renew", "renewed", "notice", "acknowledge", "changepreferences", "unsure", "granularchoice", "custom", "customised", "customized", "dismiss", "dismissed", "save":
		return true
	}
	return false
}

// numberKind recognises numbers and phone numbers.
func numberKind(v []byte) (valueKind, bool) {
	body := v
	if len(body) > 0 && (body[0] == '-' || body[0] == '+') {
		body = body[1:]
	}
	if len(body) == 0 {
		return 0, false
	}
	digits, dots, exponent := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' || c == ',':
			dots++
		case (c == 'e' || c == 'E') && !exponent && digits > 0 && i+1 < len(body):
			exponent = true
		case c == '+' && exponent:
		case c == ' ' || c == '(' || c == ')' || c == '-' || c == '/':
			if v[0] == '+' {
				continue
			}
			return 0, false
		default:
			return 0, false
		}
	}
	switch {
	case v[0] == '+' && digits >= 7 && digits <= 15:
		return kindPhone, true
	case exponent && dots <= 1:
		return kindScientific, true
	case digits == len(body):
		return epochKind(body), true
	case dots == 1 && digits == len(body)-1:
		return kindDecimal, true
	}
	return 0, false
}

// The span of times that an epoch number is taken for: 2000 to 2040.
const (
	epochFrom = 946_684_800
	epochTo   = 2_208_988_800
)

// epochKind tells numbers that can count seconds or milliseconds since 1970.
func epochKind(digits []byte) valueKind {
	if len(digits) != 9 && len(digits) != 10 && len(digits) != 12 && len(digits) != 13 {
		return kindInteger
	}
	n := int64(0)
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	switch {
	case n >= epochFrom && n < epochTo:
		return kindEpochS
	case n >= epochFrom*1000 && n < epochTo*1000:
		return kindEpochMS
	}
	return kindInteger
}

func isEmail(v []byte) bool {
	at := bytes.IndexByte(v, '@')
	return at > 0 && at < len(v)-3 && len(v) <= 320 && bytes.IndexByte(v[at+1:], '@') < 0 && bytes.IndexByte(v[at:], '.') > 1 && !bytes.ContainsAny(v, " \t,;<>()\r\n")
}

// hexKind recognises UUIDs and digests.
func hexKind(v []byte) (valueKind, bool) {
	if i := bytes.IndexByte(v, ':'); i > 0 && bytes.HasPrefix(v, []byte("sha")) {
		v = v[i+1:]
	}
	hex, dashes := 0, 0
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			hex++
		case c == '-':
			dashes++
		default:
			return 0, false
		}
	}
	switch {
	case hex == 32 && dashes == 4 && len(v) == 36:
		return kindUUID, true
	case dashes == 0 && (hex == 32 || hex == 40 || hex == 64 || hex == 128):
		return kindHash, true
	}
	return 0, false
}

func isIP(v []byte) bool {
	_, err := netip.ParseAddr(string(v))
	return err == nil
}

// pairStyle is how a list of names and values is written in one cell.
type pairStyle struct {
	By   string `json:"by"`   // separates the elements
	Pair string `json:"pair"` // parts name and value
}

// pairsOf recognises lists such as "necessary:yes| analytics:no". Nearly all of
// their values must be words of decision: a list of anything else tells nothing.
func pairsOf(v []byte) (pairStyle, bool) {
	if len(v) > 4096 {
		return pairStyle{}, false
	}
	for _, by := range []string{"|", ",", ";", "&", "\n"} {
		for _, pair := range []string{":", "="} {
			if bytes.Contains(v, []byte(by)) && bytes.Contains(v, []byte(pair)) && arePairs(v, by, pair) {
				return pairStyle{by, pair}, true
			}
		}
	}
	return pairStyle{}, false
}

func arePairs(v []byte, by, pair string) bool {
	all, decisive := 0, 0
	for part := range bytes.SplitSeq(v, []byte(by)) {
		if part = bytes.TrimSpace(part); len(part) == 0 {
			continue
		}
		name, value, ok := bytes.Cut(part, []byte(pair))
		value = bytes.TrimSpace(value)
		if !ok || len(bytes.TrimSpace(name)) == 0 || len(name) > longestWord || bytes.Contains(value, []byte(pair)) {
			return false
		}
		if all++; len(value) > 0 && len(value) <= longestWord {
			if k, ok := wordKind(value); ok && k != kindNothing {
				decisive++
			}
		}
	}
	return all >= 2 && decisive*10 >= all*6
}

// compactName writes a name in lower case without anything but letters and digits.
func compactName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= 0x80:
			return r
		}
		return -1
	}, s)
}

func allDigits(v []byte) bool {
	return len(v) > 0 && !slices.ContainsFunc(v, func(c byte) bool { return c < '0' || c > '9' })
}

package mapping

import (
	"bytes"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// doubtfulPerson says what of a consent's identifiers looks like nobody's, or like one
// that nobody will ever be found under.
func doubtfulPerson(c *Consent) (found ruleSet) {
	if usualPerson(c) {
		return 0
	}
	return doubtful(c)
}

// doubtful is doubtfulPerson by full looks.
func doubtful(c *Consent) (found ruleSet) {
	found = doubtfulID(c.UserID)
	if len(c.ProfileID) > 0 {
		found |= doubtfulID(c.ProfileID)
	}
	if len(c.Email) > 0 {
		if !sameBytes(c.Email, c.UserID) {
			found |= doubtfulID(c.Email)
		}
		if !isPlainAddress(spelling.Trim(c.Email)) {
			found |= 1 << ruleNoAddress
		}
	}
	return found
}

// sameBytes reports whether two texts are the same bytes of memory.
func sameBytes(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func doubtfulID(id []byte) (found ruleSet) {
	n := len(id)
	if n == 0 {
		return 0
	}
	if id[0] == ' ' || id[n-1] == ' ' || !plainText(id) && hasInvisible(id) {
		found |= 1 << ruleInvisible
		if id = spelling.TrimInvisible(id); len(id) == 0 {
			return found
		}
	}
	if isMangled(id) {
		found |= 1 << ruleMangled
	}
	if isStandIn(id) {
		found |= 1 << ruleStandIn
	}
	return found
}

// hasInvisible reports whether a text has characters that nobody sees, or a blank of
// any kind around it.
func hasInvisible(id []byte) bool {
	if len(spelling.TrimInvisible(id)) != len(id) {
		return true
	}
	for i := 0; i < len(id); {
		r, n := utf8.DecodeRune(id[i:])
		if r >= utf8.RuneSelf && spelling.Invisible(r) && r != '\u200c' && r != '\u200d' { // which some scripts need within words
			return true
		}
		i += n
	}
	return false
}

// standIns are what programs and people write where they know nobody, in lower case.
var standIns = map[string]bool{
	"0": true, "-1": true, "-": true, "--": true, "---": true, ".": true, "?": true, "_": true, "*": true, "#": true, "'": true, `"`: true, `""`: true, "''": true, "{}": true, "[]": true,
	"none": true, "nil": true, "nul": true, "void": true, "empty": true, "missing": true, "unknown": true, "unset": true, "not set": true, "(not set)": true, "blank": true,
	"n/a": true, "na": true, "n.a.": true, "n/d": true, "tbd": true, "false": true, "true": true, "no": true, "yes": true,
	"<null>": true, "<nil>": true, "<none>": true, "(none)": true, "[null]": true, "(empty)": true, "(blank)": true, "#null!": true, "#value!": true, "#ref!": true, "#name?": true, "#error!": true,
	"[object object]": true, "[object]": true, "inf": true, "infinity": true, "00000000-0000-0000-0000-000000000000": true,
	"anonymous": true, "anon": true, "guest": true, "nobody": true, "no email": true, "noemail": true, "no-email": true, "no id": true, "default": true,
	"unbekannt": true, "keine": true, "leer": true, "gast": true, "anonym": true, "inconnu": true, "aucun": true, "anonyme": true, "invité": true, "desconocido": true, "ninguno": true,
	"anónimo": true, "sconosciuto": true, "nessuno": true, "anonimo": true, "onbekend": true, "geen": true, "anoniem": true, "desconhecido": true, "nenhum": true, "nieznany": true, "brak": true,
}

// longestStandIn is the length of the longest stand-in, that UUID aside.
const longestStandIn = 16

// nowhere are the names before the @ of addresses that no person has.
var nowhere = map[string]bool{
	"none": true, "noemail": true, "no-email": true, "no.email": true, "noreply": true, "no-reply": true, "donotreply": true, "unknown": true, "anonymous": true,
	"anon": true, "guest": true, "nobody": true, "null": true, "undefined": true, "na": true, "n/a": true, "deleted": true,
}

// isStandIn reports whether an id stands for nobody in particular.
func isStandIn(id []byte) bool {
	if at := bytes.IndexByte(id, '@'); at > 0 && at <= 12 {
		return isWord(id[:at], nowhere)
	}
	last := id[len(id)-1]
	if len(id) > 3 && last >= '0' && last <= '9' { // as most ids end
		return len(id) == nilUUID && standIns[string(id)]
	}
	return len(id) <= longestStandIn && isWord(id, standIns)
}

// isWord looks a text up in lower case.
func isWord(text []byte, words map[string]bool) bool {
	var buf [longestStandIn]byte
	if len(text) > len(buf) {
		return false
	}
	low := buf[:len(text)]
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return words[string(low)]
}

// isPlainAddress reports whether a text is one e-mail address and nothing else: no
// name beside it, no mailto:, no second one.
func isPlainAddress(text []byte) bool {
	at := bytes.IndexByte(text, '@')
	if at <= 0 || at == len(text)-1 {
		return false
	}
	domain := text[at+1:]
	if text[0] == '"' { // what stands in quotes may be anything
		at = bytes.LastIndexByte(text, '@')
		return at > 1 && text[at-1] == '"' && at < len(text)-1
	}
	if domain[0] == '.' || domain[len(domain)-1] == '.' || domain[0] == '-' || domain[0] != '[' && bytes.IndexByte(domain, '.') < 0 || bytes.Contains(text, []byte("..")) {
		return false
	}
	for i, c := range text {
		switch c {
		case ' ', '\t', ',', ';', '<', '>', '(', ')', '"', '\\', '|':
			return false
		case ':', '/':
			if domain[0] != '[' || i < at {
				return false
			}
		case '@':
			if i != at {
				return false
			}
		}
	}
	return true
}

package mapping

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/mapping/jsonvalue"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/timetext"
)

// person looks at the identifiers of a consent: doubtful says what of them looks like
// nobody's, or like one that nobody will ever be found under; test, that one is an address
// for tests.
func (t *Tally) person(c *Consent) (doubts ruleSet, test bool) {
	if t.domain.usualPerson(c) { // with no address but the e-mail
		return 0, len(c.Email) > 0 && (t.domain.test || isNamedTest(c.Email))
	}
	return doubtful(c), isTestAddress(c.Email) || isTestAddress(c.UserID)
}

// doubtful finds the doubts of person by full looks.
func doubtful(c *Consent) (found ruleSet) {
	found = doubtfulID(c.UserID)
	if len(c.ProfileID) > 0 {
		found |= doubtfulID(c.ProfileID)
	}
	if !sameBytes(c.Email, c.UserID) && isBrokenAddress(c.UserID) || isBrokenAddress(c.ProfileID) {
		found |= 1 << ruleNoAddress
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

// standIns are what programs and people write where they know nobody, in lower case and
// without quotes or brackets around them.
var standIns = map[string]bool{
	"-1": true, "none": true, "nil": true, "nul": true, "null": true, "undefined": true, "nan": true, "void": true, "empty": true, "missing": true, "unknown": true, "unset": true,
	"not set": true, "blank": true, "n/a": true, "na": true, "n.a": true, "n/d": true, "tbd": true, "false": true, "true": true, "no": true, "yes": true,
	"not available": true, "not applicable": true, "not provided": true, "not specified": true, "not logged in": true, "no data": true, "no value": true, "no name": true,
	"#null!": true, "#value!": true, "#ref!": true, "#name?": true, "#num!": true, "#div/0!": true, "#error!": true, "#n/a": true,
	"object object": true, "object": true, "inf": true, "infinity": true, "anonymous": true, "anon": true, "guest": true, "nobody": true, "no email": true, "noemail": true,
	"no-email": true, "no id": true, "default": true, "deleted": true, "removed": true, "erased": true, "redacted": true, "anonymized": true, "anonymised": true,
	"unbekannt": true, "keine": true, "leer": true, "gast": true, "anonym": true, "k.a": true, "k. a": true, "keine angabe": true, "nicht angegeben": true, "gelöscht": true, "anonymisiert": true,
	"inconnu": true, "aucun": true, "anonyme": true, "invité": true, "non renseigné": true, "supprimé": true, "anonymisé": true,
	"desconocido": true, "ninguno": true, "anónimo": true, "invitado": true, "sin datos": true, "no disponible": true, "s/d": true, "borrado": true, "eliminado": true, "anonimizado": true,
	"sconosciuto": true, "nessuno": true, "anonimo": true, "ospite": true, "non disponibile": true, "n.d": true, "eliminato": true, "cancellato": true,
	"onbekend": true, "geen": true, "anoniem": true, "verwijderd": true, "desconhecido": true, "nenhum": true, "convidado": true, "sem dados": true, "excluído": true,
	"nieznany": true, "brak": true, "brak danych": true, "usunięty": true, "gość": true, "okänd": true, "saknas": true, "raderad": true, "ukendt": true, "ukjent": true, "slettet": true,
	"неизвестно": true, "нет": true, "нет данных": true, "гость": true, "аноним": true, "удалён": true, "удален": true, "άγνωστο": true, "bilinmiyor": true, "misafir": true,
	"不明": true, "なし": true, "無し": true, "ゲスト": true, "匿名": true, "未設定": true, "削除済み": true, "未知": true, "无": true, "無": true, "空": true, "游客": true, "없음": true, "손님": true,
}

// noPurposes are what programs write where a category is missing, in lower case; 0, none
// and default may be names of purposes.
var noPurposes = map[string]bool{
	"n/a": true, "nil": true, "[object object]": true, "<null>": true, "[null]": true, "(none)": true, "(empty)": true, "(not set)": true, "#ref!": true, "#value!": true, "-": true, "—": true, "--": true,
}

// isNoPurpose reports whether a category stands for nothing.
func isNoPurpose(category []byte) bool {
	text := spelling.Trim(category)
	return len(text) > 0 && (nobody(text, jsonvalue.String) || isWord(text, noPurposes) || isUnfilled(text))
}

// hashesOfNothing are what an empty text gives: MD5, SHA-1 and SHA-256.
var hashesOfNothing = map[string]bool{
	"d41d8cd98f00b204e9800998ecf8427e": true, "da39a3ee5e6b4b0d3255bfef95601890afd80709": true, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": true,
}

// The lengths of the longest stand-in of letters, digits, - and _ alone, and of all.
const (
	longestPlain   = 16
	longestStandIn = 32
)

// nowhere are the names before the @ of addresses that no person has.
var nowhere = map[string]bool{
	"none": true, "noemail": true, "no-email": true, "no.email": true, "noreply": true, "no-reply": true, "donotreply": true, "unknown": true, "anonymous": true,
	"anon": true, "guest": true, "nobody": true, "null": true, "undefined": true, "na": true, "n/a": true, "deleted": true, "redacted": true, "anonymized": true, "anonymised": true,
	"unbekannt": true, "keine": true, "geloescht": true, "inconnu": true, "desconocido": true, "sconosciuto": true, "onbekend": true,
}

// isStandIn reports whether an id stands for nobody in particular.
func isStandIn(id []byte) bool {
	if at := bytes.IndexByte(id, '@'); at > 0 && at <= 12 {
		return isWord(id[:at], nowhere)
	}
	switch n := len(id); {
	case letterOf[id[n-1]] != isDigit && endsInNobody(id):
		return true
	case allOf(id, "0-"), n == nilUUID && allOf(id, "fF-"), saysNothing(id):
		return true
	case n == 32 || n == 40 || n == 64:
		var buf [64]byte
		return hashesOfNothing[string(lowerASCII(buf[:0], id))]
	case n > longestStandIn || n > 3 && letterOf[id[n-1]] == isDigit: // as most ids end
		return false
	}
	if isWord(id, standIns) || isUnfilled(id) {
		return true
	}
	within := bytes.Trim(id, "()[]<>{}'\"`.")
	return len(within) > 0 && (isWord(within, standIns) || eachPartIsNobody(within))
}

// endsInNobody reports whether an id that is put together, such as acme:unknown, ends in
// what is written for nobody, or in nothing: all without an id of their own are one then.
func endsInNobody(id []byte) bool {
	for i := len(id) - 1; i > 0 && len(id)-i <= longestStandIn; i-- {
		if c := id[i]; c == ':' || c == '|' || c == '#' {
			last := id[i+1:]
			return len(last) == 0 || saysNothing(last) || isWord(last, standIns) && letterOf[last[0]] != isDigit
		}
	}
	return false
}

// allOf reports whether a text is made of nothing but these characters.
func allOf(id []byte, chars string) bool {
	for _, c := range id {
		if strings.IndexByte(chars, c) < 0 {
			return false
		}
	}
	return true
}

// saysNothing reports whether a text has neither a letter nor a digit.
func saysNothing(id []byte) bool {
	for i := 0; i < len(id); {
		r, n := rune(id[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(id[i:])
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return false
		}
		i += n
	}
	return true
}

// isUnfilled reports whether a text is a place in a template that nobody filled in:
// {{customer.id}}, ${id}, *|EMAIL|*, %%id%%.
func isUnfilled(id []byte) bool {
	for _, around := range [...][2]string{{"{{", "}}"}, {"${", "}"}, {"#{", "}"}, {"*|", "|*"}, {"%%", "%%"}, {"[[", "]]"}, {"<%", "%>"}, {"%(", ")s"}} {
		if len(id) > len(around[0])+len(around[1]) && bytes.HasPrefix(id, []byte(around[0])) && bytes.HasSuffix(id, []byte(around[1])) {
			return true
		}
	}
	first, last := id[0], id[len(id)-1] // with digits it may be a GUID
	return len(id) > 2 && (first == '{' && last == '}' || first == '%' && last == '%') && !bytes.ContainsAny(id, "0123456789")
}

// eachPartIsNobody reports whether all words of a text are what programs write for
// nothing: "undefined undefined" is a first and a last name.
func eachPartIsNobody(id []byte) bool {
	parts := 0
	for part := range bytes.FieldsSeq(id) {
		if parts++; !nobody(part, jsonvalue.String) && !isWord(part, standIns) {
			return false
		}
	}
	return parts > 1
}

// isWord looks a text up in lower case.
func isWord(text []byte, words map[string]bool) bool {
	var buf [longestStandIn]byte
	if len(text) > len(buf) {
		return false
	}
	if low := lowerASCII(buf[:0], text); plainText(low) {
		return words[string(low)]
	}
	low := buf[:0]
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if i += n; len(low)+utf8.UTFMax > len(buf) {
			return false
		}
		low = utf8.AppendRune(low, unicode.ToLower(r))
	}
	return words[string(low)]
}

// isPlainAddress reports whether a text is one e-mail address and nothing else: no
// name beside it, no mailto:, no second one, and nothing masked.
func isPlainAddress(text []byte) bool {
	at := bytes.IndexByte(text, '@')
	if at <= 0 || at == len(text)-1 {
		return false
	}
	if text[0] == '"' { // what stands in quotes may be anything
		at = bytes.LastIndexByte(text, '@')
		return at > 1 && text[at-1] == '"' && at < len(text)-1
	}
	return isLocalPart(text[:at]) && isDomain(text[at+1:])
}

func isLocalPart(local []byte) bool {
	return !bytes.ContainsAny(local, " \t,;<>()\"\\|:/") && !bytes.Contains(local, []byte("..")) && !bytes.Contains(local, []byte("**")) && !hasWideForm(local)
}

// isDomain reports whether a text may stand behind the @ of an address that mail goes to.
func isDomain(domain []byte) bool {
	last := domain[len(domain)-1]
	if domain[0] == '[' { // [192.0.2.1], [IPv6:2001:db8::1]
		return last == ']' && !bytes.ContainsAny(domain, " \t,;<>()\"\\|@")
	}
	dot := bytes.LastIndexByte(domain, '.')
	if dot <= 0 || last == '.' || domain[0] == '.' || domain[0] == '-' || bytes.Contains(domain, []byte("..")) || hasWideForm(domain) {
		return false
	}
	for _, c := range domain {
		if c < utf8.RuneSelf && letterOf[c] == isOdd || c == '@' {
			return false
		}
	}
	return !timetext.AllDigits(domain[dot+1:]) // no top-level domain is a number
}

// hasWideForm reports whether a text has letters and signs of the width of ideographs, or
// an ideographic full stop, as they are typed in East Asia: ａｎｎ＠mail．example.
func hasWideForm(text []byte) bool {
	if plainText(text) {
		return false
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r >= '\uff01' && r <= '\uff5e' || r == '\u3002' || r == '\uff61' || r == '\ufe6b' {
			return true
		}
		i += n
	}
	return false
}

// isBrokenAddress reports whether an id is an address with something beside it. Other ids
// have an @ as well, so what is none at all is left alone.
func isBrokenAddress(id []byte) bool {
	at := bytes.IndexByte(id, '@')
	return at > 0 && bytes.IndexByte(id[at:], '.') > 0 && bytes.ContainsAny(id, " \t,;<>|:") && !isPlainAddress(spelling.Trim(id))
}

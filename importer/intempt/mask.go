package intempt

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
)

// maxText is how many bytes are looked at to find them: a page of markup may
// begin with a lot of style.
const maxText = 16 << 10

// The shortest texts that are masked. Shorter ones would blacken half of every
// message without hiding anything.
const (
	minKeyPart    = 4
	minIdentifier = 3
)

// maxIdentifier is how many bytes an identifier can have for a text about it to
// be shown. Real ones are shorter, and part of one could be left standing.
const maxIdentifier = 1 << 10

// Stand-ins for masked text while more is being masked: private use characters,
// which are dropped from the text first. So no mask is masked again.
const (
	keyMark   = '\uf8f0'
	emailMark = '\uf8f1'
	idMark    = '\uf8f2'
)

// shownMarks are what is shown in the places of the marks.
var shownMarks = strings.NewReplacer(string(keyMark), masked, string(emailMark), "[email]", string(idMark), "[id]")

// email finds what looks like an e-mail address, percent-encoded ones too. It
// rather takes too much: a text about people has no claim to be complete.
var email = regexp.MustCompile(`(?i)[^\s@<>()\[\],;:"'\\=&?/][^\s@<>()\[\],;:"\\=&?/]*(?:@|%40)[^\s@<>()\[\],;:"'\\=&?/]+`)

// tag finds markup, whole scripts and styles with what is in them.
var tag = regexp.MustCompile(`(?is)<script\b.*?(?:</script\s*>|$)|<style\b.*?(?:</style\s*>|$)|<!--.*?(?:-->|$)|<[a-z!/?][^>]*(?:>|$)`)

// masker hides the key, and for each message the identifiers of its consent.
type masker struct {
	key  []needle // longest first
	last atomic.Pointer[readings]
}

// needle is a text to hide, folded.
type needle []rune

// newMasker knows a key in all the ways in which it can come back.
func newMasker(k Key) *masker {
	m := &masker{}
	whole := k.reveal()
	parts := []string{whole, basicToken(k)}
	if identifier, secret, ok := k.halves(); ok {
		parts = append(parts, identifier+":"+secret, identifier, secret)
	}
	for _, part := range parts {
		m.key = addNeedles(m.key, part, minKeyPart)
	}
	longestFirst(m.key)
	return m
}

// mask makes a text fit to be shown: one line, at most delivery.MaxMessage characters,
// without markup, key, e-mail addresses and the consent's identifiers. cut says
// that the text was longer; c may be nil.
func (m *masker) mask(text string, cut bool, c *mapping.Consent) string {
	if len(text) > maxText {
		text, cut = text[:maxText], true
	}
	var ids []needle
	if c != nil {
		for _, id := range [...][]byte{c.UserID, c.ProfileID, c.Email} {
			if len(id) > maxIdentifier {
				return "not shown: the record's identifiers are too long to be masked"
			}
			ids = addNeedles(ids, string(id), minIdentifier)
		}
		if c.HasSourceID {
			ids = addNeedles(ids, strconv.FormatInt(c.SourceID, 10), minIdentifier)
		}
		longestFirst(ids)
	}
	// Once as it came, once as people read it: an identifier may look like
	// markup or an escape, and it may be in one.
	text = m.hide(clean(plain(text)), false, ids)
	text = m.hide(readable(text), cut, ids)
	// Addresses last: an identifier may be half of one.
	text = email.ReplaceAllString(text, string(emailMark))
	text = shownMarks.Replace(text)
	if c != nil && m.quotes(text, c) {
		return "not shown: it quotes the record's identifiers in another form"
	}
	return shorten(text, cut)
}

// hide puts marks in the places of the key and of identifiers. From the end of
// a text that was cut it takes what may be the beginning of one.
func (m *masker) hide(text string, cut bool, ids []needle) string {
	runes := []rune(text)
	end := len(runes)
	if cut {
		end = torn(runes, m.key, ids)
	}
	// The key goes first: an identifier inside it would break it up.
	runes, end = replace(runes, end, m.key, keyMark)
	runes, end = replace(runes, end, ids, idMark)
	return string(runes[:end])
}

// addNeedles adds a text in the forms in which servers give it back: as it is,
// encoded for a URL, and as readable makes it, in case that it looks like markup
// or escapes itself.
func addNeedles(needles []needle, text string, least int) []needle {
	text = plain(text)
	if utf8.RuneCountInString(clean(text)) < least {
		return needles
	}
	for _, form := range [...]string{text, url.QueryEscape(text), url.PathEscape(text), readable(text)} {
		n := fold([]rune(clean(form)))
		if len(n) >= least && !slices.ContainsFunc(needles, func(o needle) bool { return slices.Equal(o, n) }) {
			needles = append(needles, n)
		}
	}
	return needles
}

// longestFirst orders needles so that one inside another is tried after it.
func longestFirst(needles []needle) {
	slices.SortStableFunc(needles, func(a, b needle) int { return len(b) - len(a) })
}

// replace puts a mark in the place of every needle, whatever its case. It also
// gives what becomes of a position, end: behind a needle that spans it.
func replace(text []rune, end int, needles []needle, mark rune) ([]rune, int) {
	folded := fold(text)
	out := text[:0]
	newEnd := -1
	for i := 0; i < len(text); {
		if newEnd < 0 && i >= end {
			newEnd = len(out)
		}
		found := 0
		for _, n := range needles {
			if folded[i] == n[0] && len(folded)-i >= len(n) && slices.Equal(folded[i:i+len(n)], n) {
				found = len(n)
				break
			}
		}
		if found == 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(out, mark)
		i += found
	}
	if newEnd < 0 {
		newEnd = len(out)
	}
	return out, newEnd
}

// torn finds where the end of a text that was cut may be the beginning of
// something to hide.
func torn(text []rune, lists ...[]needle) int {
	folded := fold(text)
	from := len(text)
	for _, needles := range lists {
		for _, n := range needles {
			for i := max(0, len(folded)-len(n)); i < from; i++ {
				if begins(n, folded[i:]) {
					from = i
				}
			}
		}
	}
	return from
}

// begins says that a needle begins with end.
func begins(n, end []rune) bool { return len(end) <= len(n) && slices.Equal(n[:len(end)], end) }

// fold gives each character a form that does not depend on case, one for one:
// the least of those that package unicode takes for the same.
func fold(text []rune) []rune {
	out := make([]rune, len(text))
	for i, r := range text {
		if r >= utf8.RuneSelf {
			least := r
			for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
				least = min(least, next)
			}
			r = least
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		out[i] = r
	}
	return out
}

// plain makes text valid UTF-8: bytes that are none are taken for Latin-1, in
// which old gateways answer.
func plain(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && text[i] != "\ufffd"[0] {
			r = rune(text[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}

// readable takes escapes and markup out of a text and makes it one line.
func readable(text string) string {
	text = tag.ReplaceAllString(unescape(text), " ")
	if strings.Contains(text, "&") {
		text = html.UnescapeString(text)
	}
	return spelling.OneLine(text)
}

// clean makes one line of a text and takes out what could pass for a mark.
func clean(text string) string {
	return spelling.OneLine(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Co, r) {
			return -1
		}
		return r
	}, text))
}

// shorten cuts a text to delivery.MaxMessage characters and shows that it did.
func shorten(text string, cut bool) string {
	text = strings.TrimSpace(text)
	n := 0
	last := 0 // where the last character that leaves room for the sign ends
	for i := range text {
		if n == delivery.MaxMessage-1 {
			last = i
		}
		if n == delivery.MaxMessage {
			return strings.TrimSpace(text[:last]) + "…"
		}
		n++
	}
	if cut && n < delivery.MaxMessage && text != "" {
		return text + "…"
	}
	return text
}

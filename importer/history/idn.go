package history

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// asciiAddress gives an e-mail address, as it is compared, with its domain in the form
// that the DNS has (RFC 3492), if that is another: x@bücher.example is
// x@xn--bcher-kva.example. It is exact both ways, by the code alone and without a table
// of what may be registered: two domains that are not one never get one form.
//
// A domain with a sigma in it stays as it is: there are two in the DNS where a word ends
// with one, and the form in which addresses are compared has one.
func asciiAddress(key []byte) (string, bool) {
	if ascii(key) {
		return "", false
	}
	at := bytes.IndexByte(key, '@')
	domain := key[at+1:]
	if at <= 0 || len(domain) == 0 || ascii(domain) || bytes.ContainsAny(domain, "@σ \t\r\n") || !utf8.Valid(domain) {
		return "", false
	}
	form, err := idna.Punycode.ToASCII(string(domain))
	if err != nil || !ascii([]byte(form)) {
		return "", false
	}
	return string(key[:at+1]) + form, true
}

// ascii reports whether a text is ASCII.
func ascii(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

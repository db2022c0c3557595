package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// auth knows which keys are let in.
type auth struct {
	open bool // any key
	sum  [sha256.Size]byte
	key  string
}

func newAuth(key string) auth {
	return auth{open: key == "", sum: sha256.Sum256([]byte(key)), key: key}
}

// check says whether a request is let in, and which dialect it must speak: the
// key stands in the query in one and in Basic authentication in the other. A
// request that does both is read as docs, and both must be right.
func (a *auth) check(r *http.Request) (dialect Dialect, key, why string) {
	header := r.Header["Authorization"]
	key, inQuery := queryKey(r.URL.RawQuery)
	if !inQuery && len(header) == 0 {
		return Docs, "", "API key is required: apiKey in the query, or Basic or ApiKey authentication"
	}
	dialect = Docs
	if len(header) > 0 {
		whole, plain := strings.CutPrefix(header[0], "ApiKey ")
		basic, ok := whole, plain
		if !plain {
			basic, ok = basicKey(header[0])
		}
		switch {
		case !ok:
			return Docs, "", "Authorization must be Basic with identifier:secret, or ApiKey with the key"
		case plain && !inQuery:
			key = basic
		case !inQuery:
			dialect, key = SDK, basic
		case basic != key:
			return Docs, "", "API key is invalid"
		}
	}
	if key == "" {
		return dialect, "", "API key is empty"
	}
	if a.open || key == a.key {
		return dialect, key, ""
	}
	sum := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(sum[:], a.sum[:]) != 1 {
		return dialect, "", "API key is invalid"
	}
	return dialect, key, ""
}

// queryKey finds apiKey in a raw query.
func queryKey(query string) (string, bool) {
	for query != "" {
		var item string
		item, query, _ = strings.Cut(query, "&")
		value, ok := strings.CutPrefix(item, "apiKey=")
		if !ok {
			continue
		}
		if strings.ContainsAny(value, "%+") {
			plain, err := url.QueryUnescape(value)
			if err != nil {
				return "", true
			}
			return plain, true
		}
		return value, true
	}
	return "", false
}

// basicKey gives the key that a Basic header carries: identifier and secret with
// the dot between them put back.
func basicKey(header string) (string, bool) {
	scheme, encoded, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", false
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	identifier, secret, ok := strings.Cut(string(plain), ":")
	if !ok || identifier == "" || strings.Contains(identifier, ".") {
		return "", false
	}
	if secret == "" {
		return identifier, true // a key without a dot
	}
	return identifier + "." + secret, true
}

package studio

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/consentimport/consentimport/mapping"
)

// policy is the Content-Security-Policy of the pages: everything comes from here, nothing
// is written inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// documentPolicy is that of the reports, which are documents of their own: no script runs in
// them, and they are of no origin.
const documentPolicy = "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// maxForm bounds what is read of a form: a mapping, twice as long when it is escaped, thrice at worst.
const maxForm = 3*mapping.MaxFile + 1<<20

// guarded lets through only requests that come from the pages themselves, and the one that
// opens them with the token.
func (s *Studio) guarded(next http.Handler) http.Handler {
	origin := "http://" + s.cfg.Address
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // with none, a browser would call the Origin of our own forms null
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		// Any other name that leads here is that of a page that was bound to this address.
		if r.Host != s.cfg.Address {
			http.Error(w, "this is not the address of the studio", http.StatusMisdirectedRequest)
			return
		}
		if o := r.Header.Values("Origin"); len(o) > 0 && (len(o) > 1 || o[0] != origin) {
			http.Error(w, "a page of another origin may ask nothing", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.Query().Has("token") {
			s.open(w, r)
			return
		}
		cookie, err := r.Cookie(s.cookieName())
		if err != nil || !same(cookie.Value, s.session) {
			http.Error(w, "open the studio with the URL that it has printed in the terminal", http.StatusForbidden)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "a page of another site may ask nothing", http.StatusForbidden)
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodPost:
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				http.Error(w, "the form cannot be read, or is too long", http.StatusBadRequest)
				return
			}
			if !same(r.PostForm.Get("csrf"), s.csrf) {
				http.Error(w, "the form is not one of this studio; load the page again", http.StatusForbidden)
				return
			}
		default:
			http.Error(w, "only GET and POST are answered", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// open takes the token for the cookie. The page then goes on by itself, for a redirect that
// began on another site (a terminal in a browser, say) would come without the cookie.
func (s *Studio) open(w http.ResponseWriter, r *http.Request) {
	if !same(r.URL.Query().Get("token"), s.token) {
		http.Error(w, "the token is not that of this studio; use the URL that it has printed in the terminal", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	s.show(w, http.StatusOK, "opened", nil)
}

// cookieName has the port in it: cookies are shared by all ports of a host.
func (s *Studio) cookieName() string {
	u := url.URL{Host: s.cfg.Address}
	return "consentimport-" + u.Port()
}

func same(a, b string) bool {
	return len(b) > 0 && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(a)), []byte(b)) == 1
}

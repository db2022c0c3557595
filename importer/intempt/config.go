package intempt

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/consentimport/consentimport/importer/blocked"
)

// Defaults of a Config; the flag help quotes them.
const (
	DefaultBaseURL     = "https://api.intempt.com/v1"
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 64
)

// Config says where consents go and how.
type Config struct {
	BaseURL string // empty: DefaultBaseURL
	Org     string // slug, percent-encoded when it goes into the path
	Project string // slug, percent-encoded when it goes into the path
	Key     Key
	// Dialect and the three switches say how requests are written; see Wording.
	Dialect                 Dialect
	Auth, Times, ValidUntil string
	// Timeout is for one request, from the wish to send it to the answer's
	// header; 0: DefaultTimeout.
	Timeout time.Duration
	// Concurrency is how many connections are kept; 0: DefaultConcurrency. More
	// requests at once work, their connections are just not kept.
	Concurrency int
	// UserAgent names the program; empty: "consentimport".
	UserAgent string

	// Proxy gives the proxy for a target, nil for none; nil: HTTPS_PROXY,
	// HTTP_PROXY and NO_PROXY from the environment, read once by New.
	Proxy func(*url.URL) (*url.URL, error)
	// Dial makes a TCP connection; nil: a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is cloned; nil: the system's roots. Verification is never turned off
	// by this package and TLS 1.2 is the least in any case.
	TLS *tls.Config
}

// Validate says what is wrong with the target in words of the user's flags. The
// key never appears in them.
func (c Config) Validate() error {
	if err := c.CheckStated(); err != nil {
		return err
	}
	if err := checkSlug(c.Org, "organisation", blocked.Organisation); err != nil {
		return err
	}
	if err := checkSlug(c.Project, "project", blocked.Project); err != nil {
		return err
	}
	if c.Key.IsZero() {
		return blocked.Bad(blocked.Key, "there is no API key")
	}
	if _, _, dotted := c.Key.halves(); c.form().dotted && !dotted {
		by := "authentication basic"
		if c.Auth == "" {
			by = "dialect " + c.Dialect.String()
		}
		return blocked.Bad(blocked.Key, "the API key has no dot, and %s splits it there (identifier.secret)", by)
	}
	if c.Timeout < 0 {
		return errors.New("the time-out of a request is negative")
	}
	if c.Concurrency < 0 {
		return blocked.Bad(blocked.Concurrency, "the concurrency is negative")
	}
	return nil
}

// CheckStated checks what a Config states, where nothing is sent: org, project and key may
// be missing.
func (c Config) CheckStated() error {
	if err := c.CheckSecrets(); err != nil {
		return err
	}
	if err := c.wording().Validate(); err != nil {
		return err
	}
	if _, err := c.base(); err != nil {
		return err
	}
	if c.Org != "" {
		if err := checkSlug(c.Org, "organisation", blocked.Organisation); err != nil {
			return err
		}
	}
	if c.Project != "" {
		return checkSlug(c.Project, "project", blocked.Project)
	}
	return nil
}

// wording is how requests are written.
func (c Config) wording() Wording { return Wording{c.Dialect, c.Auth, c.Times, c.ValidUntil} }

// form is the wording made ready; the Config is valid.
func (c Config) form() form {
	f, _ := c.wording().form()
	return f
}

// checkSlug refuses what cannot be one segment of a path.
func checkSlug(s, what string, setting blocked.Setting) error {
	switch {
	case strings.TrimSpace(s) == "":
		return blocked.Bad(setting, "there is no %s", what)
	case s == "." || s == "..":
		return blocked.Bad(setting, "the %s is %q, which is not a valid name of %s %s", what, s, article(what), what)
	case strings.ContainsFunc(s, unicode.IsControl):
		return blocked.Bad(setting, "the %s contains a control character or a line break", what)
	}
	return nil
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an"
	}
	return "a"
}

// CheckSecrets says whether anything of a target that is printed, and noted in
// checkpoint and reports, holds the key, or stands where keys are put by mistake.
// It is all that a dry run needs to know of a target.
func (c Config) CheckSecrets() error {
	bad := func(format string, args ...any) error {
		return blocked.Bad(blocked.BaseURL, "the base URL "+format, args...)
	}
	secret := func(what string) error {
		return blocked.Errorc(blocked.KeyElsewhere, "the base URL must not contain %s", what)
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil:
		return bad("is not a URL; it looks like %s", DefaultBaseURL)
	case u.User != nil:
		return secret("a user or password")
	case strings.Contains(u.Path, "@") || strings.Contains(u.Opaque, "@"):
		// What stands before it may be a key with a slash in it: then the host
		// would be the key's beginning.
		return secret("an @")
	case u.RawQuery != "" || u.ForceQuery:
		return secret("a query (what follows the ?)")
	case u.Fragment != "" || strings.HasSuffix(c.BaseURL, "#"):
		return bad("must not contain a fragment (what follows the #)")
	}
	for _, in := range []struct{ text, where string }{{c.BaseURL, "base URL"}, {c.Org, "organisation"}, {c.Project, "project"}} {
		if c.Key.within(in.text) {
			return blocked.Errorc(blocked.KeyElsewhere, "the %s contains the API key", in.where)
		}
	}
	return nil
}

// base parses and checks the base URL, beyond what CheckSecrets does. What it
// says never quotes the URL as a whole: it may contain a key.
func (c Config) base() (*url.URL, error) {
	bad := func(format string, args ...any) error {
		return blocked.Bad(blocked.BaseURL, "the base URL "+format, args...)
	}
	text := c.BaseURL
	if text == "" {
		text = DefaultBaseURL
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, bad("is not a URL; it looks like %s", DefaultBaseURL)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, bad("must begin with https://; it looks like %s", DefaultBaseURL)
	case u.Hostname() == "":
		return nil, bad("has no host; it looks like %s", DefaultBaseURL)
	case strings.ContainsAny(u.Hostname(), " \t\"<>\\^`{|}"):
		return nil, bad("has an invalid host")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, bad("must begin with https://: over plain http the key and the people's data could be read on the way (only this machine itself may be http)")
	}
	if p := u.Port(); p != "" {
		if _, err := net.LookupPort("tcp", p); err != nil {
			return nil, bad("has the invalid port %s", p)
		}
	}
	return u, nil
}

// Here reports whether a base URL leads to this machine.
func Here(baseURL string) bool {
	u, err := url.Parse(baseURL)
	return err == nil && loopback(u.Hostname())
}

// loopback says that a host is this machine: localhost, 127.0.0.0/8, ::1.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// target is where requests go, worked out once.
type target struct {
	url    *url.URL // without the key, for the choice of a proxy and for redirects
	addr   string   // host:port to dial
	host   string   // without port, for TLS and messages
	secure bool
	head   []byte // request line and headers, up to the value of Content-Length
}

// target works out where requests go and how they begin. Holds the key.
func (c Config) target() (*target, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	t := &target{secure: base.Scheme == "https", host: base.Hostname()}
	port := base.Port()
	if port == "" {
		port = "80"
		if t.secure {
			port = "443"
		}
	}
	t.addr = net.JoinHostPort(t.host, port)
	path := strings.TrimRight(base.EscapedPath(), "/") + "/" + url.PathEscape(c.Org) + "/projects/" + url.PathEscape(c.Project) + "/consents/data"
	if t.url, err = url.Parse(base.Scheme + "://" + base.Host + path); err != nil {
		return nil, blocked.Bad(blocked.Organisation, "the organisation or project cannot be part of a URL")
	}
	query, headers := c.form().authorize(c.Key)
	agent := c.UserAgent
	if agent == "" {
		agent = "consentimport"
	}
	t.head = []byte("POST " + path + query + " HTTP/1.1\r\n" +
		"Host: " + base.Host + "\r\n" +
		"User-Agent: " + agent + "\r\n" +
		"Accept: application/json\r\n" +
		headers +
		"Content-Type: application/json\r\n" +
		"Content-Length: ")
	return t, nil
}

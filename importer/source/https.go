package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// httpGetter reads an object by ranges of HTTP (RFC 9110, section 14), guarded by its
// ETag. It never says where it asked: the query is a secret.
type httpGetter struct {
	url    string
	client *http.Client
	// whole is the answer of a server that knows no ranges, and gives all from byte 0 on:
	// it is read on as long as what is asked for comes behind what was read.
	mu    sync.Mutex
	whole *wholeBody
}

func newHTTPGetter(location string, access *Remote) (*httpGetter, error) {
	u := location
	if query := access.Queries[location]; query != "" {
		u += "?" + query
	}
	transport := access.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DisableCompression = true // the bytes are those of the object
		t.ResponseHeaderTimeout = remoteIdle
		transport = t
	}
	return &httpGetter{url: u, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}}, nil
}

// checkRedirect follows a few redirections, never from https to where others can read.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return &remoteError{"is redirected more than three times", true}
	}
	if r.URL.Scheme != httpsScheme && (via[0].URL.Scheme == httpsScheme || !isLoopback(r.URL.Hostname())) {
		return &remoteError{"is redirected to a place that is not encrypted", true}
	}
	r.Header.Del("Referer") // it has the query, which is a secret, and may be another host's to read
	return nil
}

func (g *httpGetter) get(ctx context.Context, from, n int64, tag string) (*part, error) {
	if p := g.readOn(from); p != nil {
		return p, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return nil, &remoteError{"is not a URL that can be asked for", true}
	}
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	r.Header.Set("Accept-Encoding", "identity")
	if strings.HasPrefix(tag, `"`) { // a weak one is none for If-Match
		r.Header.Set("If-Match", tag)
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return nil, withoutURL(err)
	}
	p := &part{body: answer.Body, from: from, size: -1, is: versionOf(answer.Header)}
	switch answer.StatusCode {
	case http.StatusPartialContent:
		if p.from, p.size, err = contentRange(answer.Header.Get("Content-Range")); err != nil {
			return nil, errors.Join(err, answer.Body.Close())
		}
		return p, nil
	case http.StatusOK:
		p.from, p.size, p.whole = 0, answer.ContentLength, true
		return g.keep(p), nil
	}
	_ = answer.Body.Close() // its text may repeat what was asked for
	return nil, statusError(answer.StatusCode, from)
}

func versionOf(h http.Header) version {
	var encodings []string
	for e := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Content-Encoding"), ",")), ",") {
		// How an object was uploaded to S3 stays in its Content-Encoding, but not in its bytes.
		if e = strings.TrimSpace(e); e != "" && e != "identity" && e != "aws-chunked" {
			encodings = append(encodings, e)
		}
	}
	return version{h.Get("ETag"), h.Get("Last-Modified"), strings.Join(encodings, ",")}
}

// contentRange reads "bytes 0-99/1234".
func contentRange(s string) (from, size int64, err error) {
	bad := &remoteError{"answers with a range that cannot be read", true}
	span, total, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 {
		return 0, 0, bad
	}
	if from, err = strconv.ParseInt(strings.TrimSpace(first), 10, 64); err != nil || from < 0 {
		return 0, 0, bad
	}
	if total == "*" {
		return from, -1, nil
	}
	if size, err = strconv.ParseInt(total, 10, 64); err != nil || size < 0 {
		return 0, 0, bad
	}
	return from, size, nil
}

// statusError says what an answer means, and whether it may become another one.
func statusError(code int, from int64) error {
	say := func(how string, final bool) error {
		return &remoteError{fmt.Sprintf("cannot be read: the server answers %d %s%s", code, http.StatusText(code), how), final}
	}
	switch {
	case code == http.StatusPreconditionFailed:
		return errChanged
	case code == http.StatusRequestedRangeNotSatisfiable:
		if from > 0 {
			return errChanged // it was longer
		}
		return &remoteError{"is empty", true}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return deniedError{&remoteError{fmt.Sprintf("cannot be read: the server answers %d %s; a presigned URL may have expired or lack its query", code, http.StatusText(code)), true}}
	case code == http.StatusNotFound, code == http.StatusGone:
		return say("", true)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return say("", false)
	}
	return say("", true)
}

// withoutURL is the cause of a failed request, without the URL that net/http repeats.
func withoutURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	var untrusted *tls.CertificateVerificationError
	var unknown *net.DNSError
	switch {
	case errors.As(err, new(*remoteError)):
		return err
	case errors.As(err, &untrusted):
		return &remoteError{"cannot be reached safely: " + err.Error(), true}
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return &remoteError{"cannot be reached: there is no host " + unknown.Name, true}
	}
	return fmt.Errorf("cannot be reached: %w", err)
}

// wholeBody is the answer of a server without ranges, on its way.
type wholeBody struct {
	io.ReadCloser
	g    *httpGetter
	p    part
	at   int64
	lent bool // somebody reads it
	over bool // it cannot be read on
}

// keep makes an answer one that can be read on.
func (g *httpGetter) keep(p *part) *part {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.whole != nil && !g.whole.lent {
		_ = g.whole.ReadCloser.Close() // nobody reads it any more
	}
	g.whole = &wholeBody{ReadCloser: p.body, g: g, p: *p, lent: true}
	p.body = g.whole
	return p
}

// readOn gives the answer that was kept, when it has not come further than an offset.
func (g *httpGetter) readOn(from int64) *part {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.whole
	if w == nil || w.lent || w.over || w.at > from {
		return nil
	}
	w.lent = true
	p := w.p
	p.body, p.from = w, w.at
	return &p
}

func (w *wholeBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.at += int64(n)
	if err != nil {
		w.over = true
	}
	return n, err
}

// Close gives the answer back.
func (w *wholeBody) Close() error {
	w.g.mu.Lock()
	defer w.g.mu.Unlock()
	w.lent = false
	if w.g.whole != w || w.over {
		w.over = true
		return w.ReadCloser.Close()
	}
	return nil
}

// httpTimeout bounds requests that answer with little.
const httpTimeout = 30 * time.Second

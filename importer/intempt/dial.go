package intempt

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"

	"github.com/consentimport/consentimport/importer/delivery"
)

// dialer makes connections to the target, over a proxy and with TLS where that
// is due.
type dialer struct {
	target *target
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	tls    *tls.Config // nil: plain
	proxy  *url.URL    // nil: none
	within time.Duration
}

// newDialer fixes the way to the target once. Its errors never quote a proxy's
// URL, which may hold a password.
func newDialer(c Config, t *target) (*dialer, error) {
	d := &dialer{target: t, dial: c.Dial, within: c.Timeout}
	if d.dial == nil {
		d.dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if t.secure {
		d.tls = secure(c.TLS, t.host)
	}
	choose := c.Proxy
	if choose == nil {
		choose = httpproxy.FromEnvironment().ProxyFunc()
	}
	p, err := choose(t.url)
	if err != nil {
		return nil, errors.New("the proxy in HTTPS_PROXY is not a URL; it looks like http://proxy.example:3128")
	}
	if p != nil {
		switch p.Scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			return nil, fmt.Errorf("the proxy in HTTPS_PROXY has the scheme %q; it must be http, https or socks5", p.Scheme)
		}
	}
	d.proxy = p
	return d, nil
}

// secure gives the TLS settings for a host: the caller's, never laxer than ours.
func secure(base *tls.Config, host string) *tls.Config {
	cfg := &tls.Config{}
	if base != nil {
		cfg = base.Clone()
	}
	cfg.InsecureSkipVerify = false
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	cfg.NextProtos = []string{"http/1.1"} // one connection of HTTP/2 is slower than many of HTTP/1.1
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return cfg
}

// connect gives a connection on which a request can be written, by deadline.
func (d *dialer) connect(ctx context.Context, deadline time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	nc, err := d.reach(ctx)
	if err != nil || d.tls == nil {
		return nc, err
	}
	return handshake(ctx, nc, d.tls)
}

// reach connects to the target's port, through the proxy if there is one.
func (d *dialer) reach(ctx context.Context) (net.Conn, error) {
	if d.proxy == nil {
		return d.dial(ctx, "tcp", d.target.addr)
	}
	switch d.proxy.Scheme {
	case "socks5", "socks5h":
		return d.socks(ctx)
	default:
		nc, err := d.tunnel(ctx)
		if err != nil {
			return nil, proxyFailure(err, d.within)
		}
		return nc, nil
	}
}

// handshake begins TLS on a connection, and closes it when that fails.
func handshake(ctx context.Context, nc net.Conn, cfg *tls.Config) (net.Conn, error) {
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		if ctx.Err() != nil {
			err = ctx.Err() // instead of "closed", which it looks like
		}
		return nil, err
	}
	return tc, nil
}

// tunnel asks an HTTP proxy for a connection to the target (CONNECT).
func (d *dialer) tunnel(ctx context.Context) (net.Conn, error) {
	nc, err := d.dial(ctx, "tcp", proxyAddr(d.proxy))
	if err != nil {
		return nil, err
	}
	if d.proxy.Scheme == "https" {
		if nc, err = handshake(ctx, nc, secure(nil, d.proxy.Hostname())); err != nil {
			return nil, err
		}
	}
	// The dial and the handshake watch ctx; here a deadline in the past does.
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(longAgo) })
	status, err := d.askTunnel(nc)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	switch {
	case err != nil:
	case classify(status) == delivery.Sent:
		_ = nc.SetDeadline(time.Time{})
		return nc, nil
	case status == 407:
		err = &failure{phrase: "proxy needs a user and password (status 407): put them into HTTPS_PROXY, or name the host in NO_PROXY", class: delivery.Stopped, refused: true}
	case classify(status) == delivery.Stopped:
		err = &failure{phrase: "proxy refuses to connect to the target (status " + strconv.Itoa(status) + "): check HTTPS_PROXY and NO_PROXY", class: delivery.Stopped, refused: true}
	default:
		err = &failure{phrase: "proxy could not connect to the target (status " + strconv.Itoa(status) + ")", class: delivery.Transient, refused: true}
	}
	nc.Close()
	return nil, err
}

// askTunnel sends a CONNECT and reads the status of its answer.
func (d *dialer) askTunnel(nc net.Conn) (int, error) {
	request := "CONNECT " + d.target.addr + " HTTP/1.1\r\nHost: " + d.target.addr + "\r\n"
	if user := d.proxy.User; user != nil {
		password, _ := user.Password()
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	if _, err := nc.Write([]byte(request + "\r\n")); err != nil {
		return 0, err
	}
	br := bufio.NewReaderSize(nc, maxHead)
	var header fasthttp.ResponseHeader
	status, err := readHead(br, &header)
	if err == nil && classify(status) == delivery.Sent && br.Buffered() > 0 {
		err = errNotHTTP // the other side must not speak first in a tunnel
	}
	return status, err
}

// socks asks a SOCKS5 proxy for a connection to the target.
func (d *dialer) socks(ctx context.Context) (net.Conn, error) {
	s, err := proxy.FromURL(d.proxy, forward{d.dial})
	if err != nil {
		return nil, &failure{phrase: "proxy in HTTPS_PROXY cannot be used", class: delivery.Stopped, refused: true}
	}
	nc, err := s.(proxy.ContextDialer).DialContext(ctx, "tcp", d.target.addr)
	if err != nil {
		return nil, proxyFailure(err, d.within)
	}
	return nc, nil
}

// forward lets the SOCKS client dial as we do.
type forward struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Dial is what proxy.Dialer asks for; DialContext is what is called.
func (f forward) Dial(network, addr string) (net.Conn, error) {
	return f.dial(context.Background(), network, addr)
}

// DialContext dials as the client does.
func (f forward) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return f.dial(ctx, network, addr)
}

// proxyFailure words trouble on the way to or at the proxy.
func proxyFailure(err error, within time.Duration) error {
	if own := (*failure)(nil); errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	f := connectFailure(err, "the proxy", within)
	f.phrase = "connect to proxy: " + f.phrase
	return f
}

// proxyAddr is the host and port of a proxy.
func proxyAddr(p *url.URL) string {
	port := p.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[p.Scheme]
	}
	return net.JoinHostPort(p.Hostname(), port)
}

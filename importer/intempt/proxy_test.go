package intempt

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
)

// connectProxy is a real proxy that answers CONNECT with a status, and when it
// is 200 connects to a fixed address.
type connectProxy struct {
	url     string
	asked   atomic.Int64
	mu      sync.Mutex
	request *http.Request // the last one
}

func serveProxy(t *testing.T, answer, to string) *connectProxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &connectProxy{url: "http://" + ln.Addr().String()}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				r, err := http.ReadRequest(bufio.NewReader(nc))
				if err != nil || r.Method != http.MethodConnect {
					return
				}
				p.asked.Add(1)
				p.mu.Lock()
				p.request = r
				p.mu.Unlock()
				if answer == "hang" {
					_, _ = nc.Read(make([]byte, 1))
					return
				}
				_, _ = io.WriteString(nc, answer)
				if !strings.HasPrefix(answer, "HTTP/1.1 200") {
					return
				}
				there, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer there.Close()
				go func() { _, _ = io.Copy(there, nc); there.Close() }()
				_, _ = io.Copy(nc, there)
			}()
		}
	}()
	return p
}

// example is a TLS server that goes by the name of example.com behind a proxy.
func example(t *testing.T) (cfg Config, addr string) {
	s := serve(t, true, accept)
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	cfg = s.config(t, SDK)
	cfg.BaseURL = "https://example.com/v1"
	return cfg, u.Host
}

func TestProxyFromEnvironment(t *testing.T) {
	cfg, addr := example(t)
	p := serveProxy(t, "HTTP/1.1 200 Connection established\r\n\r\n", addr)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTPS_PROXY", strings.Replace(p.url, "http://", "http://us%65r:pass%3Aword@", 1))
	c := newClient(t, cfg)
	for range 3 {
		got := c.Send(t.Context(), full())
		require.Equal(t, delivery.Sent, got.Class, got.Message)
	}
	assert.EqualValues(t, 1, p.asked.Load(), "one tunnel, used again")
	p.mu.Lock()
	assert.Equal(t, "example.com:443", p.request.Host)
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("user:pass:word")), p.request.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()

	t.Setenv("NO_PROXY", "example.com")
	cfg.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		assert.Equal(t, "example.com:443", to)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	assert.Equal(t, delivery.Sent, sendOnce(t, cfg).Class)
	assert.EqualValues(t, 1, p.asked.Load(), "not asked")
}

func TestProxyRefuses(t *testing.T) {
	tests := []struct {
		answer string
		class  delivery.Class
		want   string
	}{
		{"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!", delivery.Stopped, "proxy needs a user and password (status 407): put them into HTTPS_PROXY, or name the host in NO_PROXY"},
		{"HTTP/1.1 403 Forbidden\r\n\r\n" + testKey, delivery.Stopped, "proxy refuses to connect to the target (status 403): check HTTPS_PROXY and NO_PROXY"},
		{"HTTP/1.1 502 Bad Gateway\r\n\r\n", delivery.Transient, "proxy could not connect to the target (status 502)"},
		{"HTTP/1.1 000 Strange\r\n\r\n", delivery.Transient, "proxy could not connect to the target (status 0)"},
		{"HTTP/1.1 429 Too Many\r\n\r\n", delivery.Transient, "proxy could not connect to the target (status 429)"},
		{"", delivery.Transient, "connect to proxy: connection closed while it was made"},
		{"hang", delivery.Transient, "connect to proxy: no connection within 100ms"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			cfg, addr := example(t)
			p := serveProxy(t, tt.answer, addr)
			cfg.Timeout = 100 * time.Millisecond
			cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(p.url) }
			got := sendOnce(t, cfg)
			got.Latency = 0
			assert.Equal(t, delivery.Answer{Class: tt.class, Message: tt.want, Unreached: true}, got)
		})
	}
	t.Run("no proxy there", func(t *testing.T) {
		cfg, _ := example(t)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ln.Close()
		cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse("http://" + ln.Addr().String()) }
		assert.Equal(t, "connect to proxy: connection refused", sendOnce(t, cfg).Message)
	})
	t.Run("talks in the tunnel", func(t *testing.T) {
		cfg, addr := example(t)
		p := serveProxy(t, "HTTP/1.1 200 OK\r\n\r\nhello", addr)
		cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(p.url) }
		got := sendOnce(t, cfg)
		assert.Equal(t, delivery.Transient, got.Class)
		assert.True(t, got.Unreached)
	})
	t.Run("canceled", func(t *testing.T) {
		cfg, addr := example(t)
		p := serveProxy(t, "hang", addr)
		cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(p.url) }
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel)
		assert.True(t, newClient(t, cfg).Send(ctx, full()).Canceled)
	})
}

func TestProxySettings(t *testing.T) {
	cfg, _ := example(t)
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return nil, errProxy }
	_, err := New(cfg)
	assert.EqualError(t, err, "the proxy in HTTPS_PROXY is not a URL; it looks like http://proxy.example:3128")
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse("ftp://user:pa55word@x") }
	_, err = New(cfg)
	assert.EqualError(t, err, `the proxy in HTTPS_PROXY has the scheme "ftp"; it must be http, https or socks5`)
}

// socksProxy speaks just enough SOCKS5 (RFC 1928) to connect to a fixed address.
func socksProxy(t *testing.T, to string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				b := make([]byte, 512)
				_, _ = io.ReadFull(nc, b[:2])
				_, _ = io.ReadFull(nc, b[:b[1]])
				_, _ = nc.Write([]byte{5, 0})
				_, _ = io.ReadFull(nc, b[:5])
				_, _ = io.ReadFull(nc, b[:b[4]+2])
				_, _ = nc.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
				there, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer there.Close()
				go func() { _, _ = io.Copy(there, nc); there.Close() }()
				_, _ = io.Copy(nc, there)
			}()
		}
	}()
	return ln.Addr().String()
}

func TestSOCKS(t *testing.T) {
	cfg, addr := example(t)
	proxy := socksProxy(t, addr)
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse("socks5://" + proxy) }
	got := sendOnce(t, cfg)
	assert.Equal(t, delivery.Sent, got.Class, got.Message)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ln.Close()
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(fmt.Sprintf("socks5h://%s", ln.Addr())) }
	got = sendOnce(t, cfg)
	assert.Equal(t, "connect to proxy: connection refused", got.Message)
	assert.True(t, got.Unreached)
}

func TestHTTPSProxy(t *testing.T) {
	cfg, _ := example(t)
	s := serve(t, true, accept) // not a certificate that the system trusts
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(strings.TrimSuffix(s.url, "/v1")) }
	got := sendOnce(t, cfg)
	assert.Equal(t, delivery.Stopped, got.Class)
	assert.Contains(t, got.Message, "connect to proxy: certificate of the proxy does not verify")
}

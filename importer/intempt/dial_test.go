package intempt

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
)

// sendOnce sends one consent with a configuration and checks its message.
func sendOnce(t *testing.T, cfg Config) delivery.Answer {
	t.Helper()
	got := newClient(t, cfg).Send(t.Context(), full())
	assertClean(t, got.Message)
	return got
}

func TestRefusedPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := (&rawServer{url: "http://" + ln.Addr().String()}).config(t, Docs)
	ln.Close()
	c := newClient(t, cfg)
	got := c.Send(t.Context(), full())
	assert.Equal(t, delivery.Transient, got.Class)
	assert.Equal(t, "connection refused", got.Message)
	assert.True(t, got.Unreached)
	assert.False(t, got.Timeout)
	assert.Equal(t, map[string]int64{"0": 1}, c.Stats().Snapshot().ByStatus)
}

func TestUnknownHost(t *testing.T) {
	cfg := (&rawServer{url: "https://no-such-host.invalid"}).config(t, Docs)
	cfg.Timeout = 500 * time.Millisecond // the name server may not answer either
	cfg.Proxy = func(*url.URL) (*url.URL, error) { return nil, nil }
	got := sendOnce(t, cfg)
	assert.Equal(t, delivery.Transient, got.Class)
	assert.True(t, got.Unreached)
	assert.Regexp(t, "^look up host: |^no connection within", got.Message)
	assert.NotContains(t, got.Message, "invalid")
}

// What a dial can fail with, and how it is worded.
func TestConnectFailures(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	tests := []struct {
		err  error
		want string
	}{
		{op(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), "look up host: no such host"},
		{op(&net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}), "look up host: no answer"},
		{op(&net.DNSError{Err: "server misbehaving", Name: "x"}), "look up host: name server failed"},
		{op(syscall.ECONNREFUSED), "connection refused"},
		{op(syscall.ENETUNREACH), "host not reachable"},
		{op(syscall.EHOSTUNREACH), "host not reachable"},
		{op(syscall.EMFILE), "too many open files on this machine"},
		{op(syscall.EADDRNOTAVAIL), "no free port on this machine"},
		{op(syscall.ETIMEDOUT), "no connection within 5s"},
		{context.DeadlineExceeded, "no connection within 5s"},
		{op(syscall.ECONNRESET), "connection closed while it was made"},
		{io.ErrUnexpectedEOF, "connection closed while it was made"},
		{errors.New("something with " + testKey), "no connection"},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			cfg := (&rawServer{url: "https://x.example"}).config(t, Docs)
			cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, tt.err }
			got := sendOnce(t, cfg)
			got.Latency = 0
			assert.Equal(t, delivery.Answer{Class: delivery.Transient, Message: tt.want, Unreached: true}, got)
		})
	}
}

func TestNoConnectionInTime(t *testing.T) {
	for name, dial := range map[string]func(ctx context.Context, network, addr string) (net.Conn, error){
		"dial": func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		"handshake": func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			return ours, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := (&rawServer{url: "https://x.example"}).config(t, Docs)
			cfg.Timeout, cfg.Dial = 50*time.Millisecond, dial
			got := sendOnce(t, cfg)
			assert.Equal(t, "no connection within 50ms", got.Message)
			assert.True(t, got.Unreached)
			assert.Equal(t, delivery.Transient, got.Class)
		})
	}
}

// selfSigned makes a certificate for 127.0.0.1 with its own dates.
func selfSigned(t *testing.T, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestTLS(t *testing.T) {
	good, roots := testCertificate()
	end, begin := time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
	expired, expiredRoots := selfSigned(t, end.Add(-24*time.Hour), end)
	early, earlyRoots := selfSigned(t, begin, begin.Add(24*time.Hour))
	tests := []struct {
		name   string
		server *tls.Config // nil: no TLS there
		client *tls.Config
		host   string
		class  delivery.Class
		want   string
	}{
		{"good", &tls.Config{Certificates: []tls.Certificate{good}}, &tls.Config{RootCAs: roots}, "127.0.0.1", delivery.Sent, ""},
		{"verification cannot be turned off", &tls.Config{Certificates: []tls.Certificate{good}}, &tls.Config{InsecureSkipVerify: true}, "127.0.0.1", delivery.Stopped, "certificate of 127.0.0.1 does not verify: signed by an unknown authority"},
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{good}}, nil, "127.0.0.1", delivery.Stopped, "name it in SSL_CERT_FILE"},
		{"another host", &tls.Config{Certificates: []tls.Certificate{good}}, &tls.Config{RootCAs: roots}, "localhost", delivery.Stopped, "certificate of localhost does not verify: it is for another host"},
		{"expired", &tls.Config{Certificates: []tls.Certificate{expired}}, &tls.Config{RootCAs: expiredRoots}, "127.0.0.1", delivery.Stopped, "has expired on " + end.UTC().Format(time.DateOnly) + "; whoever runs the host has to renew it"},
		{"not valid yet", &tls.Config{Certificates: []tls.Certificate{early}}, &tls.Config{RootCAs: earlyRoots}, "127.0.0.1", delivery.Stopped, "not valid before " + begin.UTC().Format(time.DateOnly) + "; check this machine's clock"},
		{"too old", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10}, "127.0.0.1", delivery.Transient, "TLS handshake failed: the other side refused it"},
		{"no TLS there", nil, nil, "127.0.0.1", delivery.Transient, "TLS handshake failed: the other side does not speak TLS"},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, &tls.Config{RootCAs: roots}, "127.0.0.1", delivery.Sent, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ErrorLog: quiet()}
			if tt.server != nil {
				ln = tls.NewListener(ln, tt.server)
			}
			go func() { _ = server.Serve(ln) }()
			defer server.Close()
			cfg := (&rawServer{url: "https://" + tt.host + ":" + port}).config(t, Docs)
			cfg.TLS = tt.client
			got := sendOnce(t, cfg)
			assert.Equal(t, tt.class, got.Class, got.Message)
			assert.Contains(t, got.Message, tt.want)
			assert.Equal(t, tt.class != delivery.Sent, got.Unreached)
			if tt.client != nil {
				assert.Empty(t, tt.client.ServerName, "the caller's settings stay as they are")
			}
		})
	}
}

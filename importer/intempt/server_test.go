package intempt

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testKey has what must be encoded in a query, and a second dot.
const testKey = "ident+fier/9.s3cr=t&val.ue"

// request is what a rawServer read: a whole one.
type request struct {
	*http.Request
	body []byte
}

// script answers a request over the connection itself. The connection is
// closed when it says so.
type script func(w net.Conn, r request) (closed bool)

// rawServer is a real server on loopback that says what a script says, HTTP or not.
type rawServer struct {
	url      string
	client   *tls.Config // for a client of it; nil: plain
	accepted atomic.Int64
	requests atomic.Int64
	stop     chan struct{} // closed when the test ends
}

// serve starts a rawServer that ends with the test.
func serve(t *testing.T, secure bool, s script) *rawServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	rs := &rawServer{url: "http://" + ln.Addr().String() + "/v1", stop: make(chan struct{})}
	if secure {
		certificate, roots := testCertificate()
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}})
		rs.client = &tls.Config{RootCAs: roots}
		rs.url = "https" + rs.url[len("http"):]
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	t.Cleanup(func() {
		close(rs.stop)
		ln.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			rs.accepted.Add(1)
			mu.Lock()
			conns[nc] = true
			mu.Unlock()
			wg.Go(func() {
				defer func() {
					nc.Close()
					mu.Lock()
					delete(conns, nc)
					mu.Unlock()
				}()
				br := bufio.NewReader(nc)
				for {
					hr, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					body, err := io.ReadAll(hr.Body)
					if err != nil {
						return
					}
					rs.requests.Add(1)
					if s(nc, request{hr, body}) {
						return
					}
				}
			})
		}
	})
	return rs
}

// testCertificate gives the certificate that httptest has for 127.0.0.1, ::1
// and example.com, and who trusts it.
func testCertificate() (tls.Certificate, *x509.CertPool) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
}

// says answers every request with the same bytes.
func says(text string) script {
	return func(w net.Conn, _ request) bool {
		_, err := io.WriteString(w, text)
		return err != nil
	}
}

// reset makes the other side see a reset, not an end.
func reset(w net.Conn) {
	if t, ok := w.(*tls.Conn); ok {
		w = t.NetConn()
	}
	if t, ok := w.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
		_ = t.Close()
	}
}

// config is for a client of the server.
func (rs *rawServer) config(t *testing.T, d Dialect) Config {
	t.Helper()
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	return Config{BaseURL: rs.url, Org: "acme", Project: "main", Key: key, Dialect: d, Timeout: 5 * time.Second, TLS: rs.client}
}

// newClient makes a client that ends with the test.
func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// errProxy stands for what a proxy function of the environment reports.
var errProxy = errors.New(`invalid proxy address "http://user:pa55word@ %zz"`)

// quiet is a log for servers whose complaints are expected.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

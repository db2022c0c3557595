package targettest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Situation is how the other side behaves towards whatever is sent to it.
type Situation string

// The situations that a target must tell apart.
const (
	Accepts           Situation = "accepts"              // 200 and a body of JSON
	AcceptsSilently   Situation = "accepts silently"     // 204, no body
	Refuses           Situation = "refuses"              // 400 with a reason
	RefusesWithJunk   Situation = "refuses with junk"    // 400, the reason is not text
	RefusesKey        Situation = "refuses the key"      // 401
	Redirects         Situation = "redirects"            // 302
	Throttles         Situation = "throttles"            // 429, to be tried again in 7 s
	ThrottlesAbsurdly Situation = "throttles absurdly"   // 429, to be tried again in some billion years
	Fails             Situation = "fails"                // 500
	Hangs             Situation = "hangs"                // reads the request and says nothing
	Resets            Situation = "resets"               // the connection is reset instead of an answer
	CutsOff           Situation = "cuts off"             // 200, and the body ends before its end
	Absent            Situation = "is absent"            // nobody listens
	Echoes            Situation = "echoes what it heard" // 400 with all of the request in the reason
)

// Situations are all of them.
func Situations() []Situation {
	return []Situation{Accepts, AcceptsSilently, Refuses, RefusesWithJunk, RefusesKey, Redirects, Throttles, ThrottlesAbsurdly, Fails, Hangs, Resets, CutsOff, Absent, Echoes}
}

// Serve starts a server over plain HTTP/1.1 in a situation, and gives its host and
// port. It ends with the test.
func Serve(t testing.TB, s Situation) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	if s == Absent {
		require.NoError(t, l.Close())
		return addr
	}
	done := make(chan struct{})
	var conns sync.WaitGroup
	t.Cleanup(func() {
		close(done)
		_ = l.Close()
		conns.Wait()
	})
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := make(chan struct{})
			conns.Go(func() { // no connection outlives the test
				select {
				case <-done:
				case <-stop:
				}
				_ = c.Close()
			})
			conns.Go(func() {
				defer close(stop)
				for r := bufio.NewReader(c); answer(c, r, s, done); {
				}
			})
		}
	})
	return addr
}

// answer reads one request and behaves as the situation says; false ends the
// connection.
func answer(c net.Conn, r *bufio.Reader, s Situation, done <-chan struct{}) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	say := func(status, header, body string) bool {
		_, err := fmt.Fprintf(c, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
		return err == nil
	}
	const json = "Content-Type: application/json\r\n"
	switch s {
	case Accepts:
		return say("200 OK", json, `{}`)
	case AcceptsSilently:
		_, err := io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		return err == nil
	case Refuses:
		return say("400 Bad Request", json, `{"errors":[{"message":"category is unknown"}]}`)
	case RefusesWithJunk:
		return say("400 Bad Request", json, "\x00\xff\xfe{{\"errors\":[[[\x1b[31m"+strings.Repeat("\xde\xad\n", 10_000))
	case RefusesKey:
		return say("401 Unauthorized", json, `{"message":"Unauthorized"}`)
	case Redirects:
		return say("302 Found", "Location: http://127.0.0.1:1"+request.URL.String()+"\r\n", "")
	case Throttles:
		return say("429 Too Many Requests", "Retry-After: 7\r\n", "")
	case ThrottlesAbsurdly:
		return say("429 Too Many Requests", "Retry-After: 99999999999999999999\r\n", "")
	case Fails:
		return say("500 Internal Server Error", json, `{"message":"something broke"}`)
	case Hangs:
		<-done
	case Resets:
		_ = c.(*net.TCPConn).SetLinger(0)
	case CutsOff:
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"+json+"Content-Length: 1000\r\n\r\n{\"message\":\"and then")
	case Echoes:
		return say("400 Bad Request", "", fmt.Sprintf("cannot take %s %s %v %s", request.Method, request.URL, request.Header, body))
	}
	return false
}

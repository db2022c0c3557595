package targettest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Situation is how the other side behaves towards whatever is sent to it.
type Situation string

// The situations that a target must tell apart.
const (
	Accepts           Situation = "accepts"              // 200 and a body of JSON, or as Replies say
	AcceptsSilently   Situation = "accepts silently"     // 204, no body
	Refuses           Situation = "refuses"              // 400 with a reason, or as Replies say
	RefusesWithJunk   Situation = "refuses with junk"    // 400, the reason is not text
	RefusesKey        Situation = "refuses the key"      // 401
	Redirects         Situation = "redirects"            // 302
	Throttles         Situation = "throttles"            // 429, to be tried again in 7 s
	ThrottlesAbsurdly Situation = "throttles absurdly"   // 429, to be tried again in some billion years
	Fails             Situation = "fails"                // 500
	Hangs             Situation = "hangs"                // reads the request and says nothing
	Resets            Situation = "resets"               // the connection is reset instead of an answer
	CutsOff           Situation = "cuts off"             // 200, and the body ends before its end
	Stalls            Situation = "stalls"               // 200, and the body stops in the middle
	Floods            Situation = "floods"               // 400, and the body has no end
	Absent            Situation = "is absent"            // nobody listens
	Echoes            Situation = "echoes what it heard" // 400 with all of the request in the reason
)

// Situations are all of them.
func Situations() []Situation {
	return []Situation{Accepts, AcceptsSilently, Refuses, RefusesWithJunk, RefusesKey, Redirects, Throttles, ThrottlesAbsurdly, Fails, Hangs, Resets, CutsOff, Stalls, Floods, Absent, Echoes}
}

// Reply is an answer over HTTP.
type Reply struct {
	Status int
	Body   string // JSON
}

// Replies are the answers in which APIs differ. What is left out is the Consent API's:
// 200 with {}, and 400 with a list of errors.
type Replies struct{ Accepts, Refuses Reply }

func (r Replies) orUsual() Replies {
	if r.Accepts.Status == 0 {
		r.Accepts = Reply{http.StatusOK, `{}`}
	}
	if r.Refuses.Status == 0 {
		r.Refuses = Reply{http.StatusBadRequest, `{"errors":[{"message":"category is unknown"}]}`}
	}
	return r
}

// Serve starts a server over plain HTTP/1.1 in a situation, and gives its host and
// port. It ends with the test.
func Serve(t testing.TB, s Situation, replies Replies) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	replies = replies.orUsual()
	if s == Absent {
		require.NoError(t, l.Close())
		return addr
	}
	done := make(chan struct{})
	var conns sync.WaitGroup
	var requests atomic.Int64
	t.Cleanup(func() {
		close(done)
		_ = l.Close()
		conns.Wait()
		if s != Accepts && s != AcceptsSilently && requests.Load() > consents {
			t.Errorf("a target leaves retrying to the importer: of %d consents it made %d requests", consents, requests.Load())
		}
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
				for r := bufio.NewReader(c); answer(t, c, r, s, replies, &requests, done); {
				}
			})
		}
	})
	return addr
}

// answer reads one request and behaves as the situation says; false ends the
// connection.
func answer(t testing.TB, c net.Conn, r *bufio.Reader, s Situation, replies Replies, requests *atomic.Int64, done <-chan struct{}) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	requests.Add(1)
	say := func(status, header, body string) bool {
		_, err := fmt.Fprintf(c, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
		return err == nil
	}
	const enough = 64 << 20 // more than buffers on the way hold
	junk := strings.Repeat("x", 64<<10)
	const json = "Content-Type: application/json\r\n"
	reply := func(r Reply) bool { return say(fmt.Sprint(r.Status, " ", http.StatusText(r.Status)), json, r.Body) }
	switch s {
	case Accepts:
		return reply(replies.Accepts)
	case AcceptsSilently:
		_, err := io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		return err == nil
	case Refuses:
		return reply(replies.Refuses)
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
	case Stalls:
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"+json+"Content-Length: 1000\r\n\r\n{\"message\":\"and then")
		<-done
	case Floods:
		_, err := io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n"+json+"Connection: close\r\n\r\n")
		for sent := 0; err == nil; sent += len(junk) {
			if sent > enough {
				t.Errorf("a target must read an answer with a bound: it took %d MiB", sent>>20)
				return false
			}
			_, err = io.WriteString(c, junk)
		}
	case Echoes:
		return say("400 Bad Request", "", fmt.Sprintf("cannot take %s %s %v %s", request.Method, request.URL, request.Header, body))
	}
	return false
}

package intempt

import (
	"io"
	"net"
	"testing"
	"time"
)

// Whatever the other side writes, it is an answer or none, at once and without
// a panic.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 429 \r\nRetry-After: 1\r\n\r\n",
		"HTTP/1.1 000 x\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n", "HTTP/1.1 302 x\r\nLocation: //[\r\n\r\n", "HTTP/", "",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
	} {
		f.Add([]byte(seed))
	}
	m := testMasker(f)
	f.Fuzz(func(t *testing.T, answer []byte) {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = theirs.Write(answer)
			theirs.Close()
		}()
		defer theirs.Close()
		c := newConn(ours)
		defer c.close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		status, reusable, begun, err := c.read()
		if err != nil {
			if exchangeFailure(err, begun, time.Second).timeout {
				t.Fatal("waits for more than there is")
			}
			return
		}
		if status < 0 || status > 999 {
			t.Fatalf("status %d", status)
		}
		whole := c.readBody(status) == bodyWhole
		if len(c.body) > maxBody {
			t.Fatalf("a body of %d bytes", len(c.body))
		}
		rest, _ := io.ReadAll(c.br)
		if whole && reusable && status != 204 && status != 304 && len(answer) < len(rest) {
			t.Fatal("more is left than came")
		}
		m.mask(bodyText(c.body), !whole, full())
	})
}

package intempt

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// readBuffer is the read buffer of a connection in bytes, maxHead what it
	// grows to when an answer's head needs it. With a thousand connections the
	// buffers are most of the memory.
	readBuffer = 4 << 10
	maxHead    = 64 << 10
	// keptBuffer is the largest request or body buffer that a connection keeps.
	keptBuffer = 16 << 10
	// maxInterim is how many 1xx answers may precede the answer.
	maxInterim = 16
	// bodyWait is how long the body of an answer may take. Its head has told
	// everything that counts.
	bodyWait = 5 * time.Second
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// conn is one connection and all the memory that a request over it needs. One
// goroutine uses it at a time.
//
// It writes a request itself, from a head that is the same for all, and has
// fasthttp take the answer apart. The clients of fasthttp around that codec do
// not know contexts, and a body over their limit costs them the message.
type conn struct {
	net.Conn
	br     *bufio.Reader
	resp   fasthttp.Response
	out    []byte    // the request as written
	body   []byte    // the request's or the answer's body
	more   io.Reader // what the answer's body has beyond maxBody; nil when there is nothing
	used   time.Time
	shard  int
	done   <-chan struct{} // of the context that is being watched
	unhook func() bool
}

func newConn(nc net.Conn) *conn {
	c := &conn{Conn: nc, br: bufio.NewReaderSize(nc, readBuffer)}
	c.resp.StreamBody = true
	return c
}

// watch makes the end of a context interrupt what the connection waits for. As
// requests follow each other under one context, this costs nothing mostly. It
// is false when an earlier context has ended: its interruption may come yet.
func (c *conn) watch(ctx context.Context) bool {
	done := ctx.Done()
	if done == c.done {
		return true
	}
	if c.unhook != nil && !c.unhook() {
		return false
	}
	c.done, c.unhook = done, nil
	if done != nil {
		nc := c.Conn
		c.unhook = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(longAgo) })
	}
	return true
}

// close ends the connection for good.
func (c *conn) close() {
	if c.unhook != nil {
		c.unhook()
	}
	c.Conn.Close()
}

// alive says that the other side has not closed a connection that was idle. It
// may not know yet.
func (c *conn) alive() bool {
	if c.br.Buffered() > 0 || c.SetReadDeadline(time.Now().Add(200*time.Microsecond)) != nil {
		return false
	}
	_, err := c.br.Peek(1)
	return err != nil && isTimeout(err)
}

// write sends a request whose body is c.body in one piece.
func (c *conn) write(head []byte) error {
	c.out = append(c.out[:0], head...)
	c.out = strconv.AppendInt(c.out, int64(len(c.body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, c.body...)
	_, err := c.Write(c.out)
	return err
}

// read waits for an answer's head. begun says that something of an answer came.
//
// The status alone decides what becomes of a consent. So an answer whose status
// can be read but whose headers cannot (broken, endless) is an answer all the
// same; only the connection is of no more use then.
func (c *conn) read() (status int, reusable, begun bool, err error) {
	status, err = readHead(c.br, &c.resp.Header)
	if err != nil && isSmallBuffer(err) && c.br.Size() < maxHead {
		c.grow()
		status, err = readHead(c.br, &c.resp.Header)
	}
	if err == nil {
		// After 101 the connection speaks something else.
		return status, !c.resp.ConnectionClose() && status != fasthttp.StatusSwitchingProtocols, true, nil
	}
	begun = status > 0 || c.br.Buffered() > 0
	if status > 0 && !isTimeout(err) && !isReset(err) && !isEnd(err) {
		c.resp.Header.Reset()
		c.resp.Header.SetContentLength(0)
		return status, false, true, nil
	}
	return 0, false, begun, err
}

// grow gives the connection the largest buffer, with what was read already.
func (c *conn) grow() {
	read, _ := c.br.Peek(c.br.Buffered())
	c.br = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(read)), c.Conn), maxHead)
}

// readHead reads the head of an answer, past interim ones (1xx). The status is
// given as soon as it could be read, even with an error from what follows it.
func readHead(br *bufio.Reader, header *fasthttp.ResponseHeader) (int, error) {
	for range maxInterim {
		status, err := peekStatus(br)
		if err != nil {
			return 0, err
		}
		if err := header.Read(br); err != nil {
			if status < 200 {
				status = 0
			}
			return status, err
		}
		if status < 100 || status > 199 || status == fasthttp.StatusSwitchingProtocols {
			return status, nil
		}
	}
	return 0, errNotHTTP
}

// statusEnd is the length of "HTTP/1.1 200".
const statusEnd = len("HTTP/1.1 200")

// peekStatus reads the status of an answer and leaves it where it is. fasthttp
// takes the status 000 for 200, which must not count as sent.
func peekStatus(br *bufio.Reader) (int, error) {
	for range 4 { // some servers end a body with a line too many
		b, err := br.Peek(1)
		if err != nil {
			return 0, err
		}
		if b[0] != '\r' && b[0] != '\n' {
			break
		}
		_, _ = br.Discard(1)
	}
	line, err := br.Peek(statusEnd + 1)
	if !bytes.HasPrefix(line, []byte("HTTP/1.")[:min(len(line), 7)]) {
		return 0, errNotHTTP
	}
	if err != nil {
		return 0, err
	}
	status := 0
	for _, b := range line[statusEnd-3 : statusEnd] {
		if b < '0' || b > '9' {
			return 0, errNotHTTP
		}
		status = status*10 + int(b-'0')
	}
	if end := line[statusEnd]; line[8] != ' ' || end != ' ' && end != '\r' && end != '\n' {
		return 0, errNotHTTP
	}
	return status, nil
}

// bodyEnd says how reading a body ended.
type bodyEnd uint8

const (
	bodyWhole bodyEnd = iota // all of it was read
	bodyLong                 // it has more than maxBody bytes
	bodyHuge                 // it is JSON of more than maxJSON bytes
	bodyCut                  // the connection broke, or the body is not formed as it says
	bodyLate                 // it did not come in time
)

// readBody reads the answer's body into c.body, maxBody bytes at most; c.more has the
// rest, until closeBody. Only behind a whole one can the connection be used again.
func (c *conn) readBody(status int) bodyEnd {
	c.body, c.more = c.body[:0], nil
	n := c.resp.Header.ContentLength()
	if status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified || n == 0 {
		return bodyWhole
	}
	if n > 0 && n <= c.br.Buffered() { // it is there already, as that of most answers
		text, _ := c.br.Peek(n)
		c.body = append(c.body, text...)
		_, _ = c.br.Discard(n)
		return bodyWhole
	}
	if err := c.resp.ReadBody(c.br, 0); err != nil { // StreamBody is set: it reads little yet
		return endOf(err)
	}
	end := c.readStream(c.resp.BodyStream())
	if end == bodyLong {
		c.more = c.resp.BodyStream()
	}
	return end
}

// closeBody gives back what reading the body needed.
func (c *conn) closeBody() {
	c.more = nil
	_ = c.resp.CloseBodyStream()
}

// readStream reads a body to its end or to maxBody bytes.
func (c *conn) readStream(r io.Reader) bodyEnd {
	for len(c.body) < maxBody {
		if cap(c.body)-len(c.body) < 512 {
			c.body = append(c.body, make([]byte, 2048)...)[:len(c.body)]
		}
		n, err := r.Read(c.body[len(c.body):min(cap(c.body), maxBody)])
		c.body = c.body[:len(c.body)+n]
		if err == io.EOF {
			return bodyWhole
		}
		if err != nil {
			return endOf(err)
		}
	}
	return bodyLong
}

// endOf says what an error amounts to in the middle of a body.
func endOf(err error) bodyEnd {
	switch {
	case isTimeout(err):
		return bodyLate
	default:
		return bodyCut
	}
}

// rest makes the connection ready to be put away, without memory that only a
// rare request needed.
func (c *conn) rest(now time.Time) {
	c.used = now
	if cap(c.out) > keptBuffer {
		c.out = nil
	}
	if cap(c.body) > keptBuffer {
		c.body = nil
	}
}

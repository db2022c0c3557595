package intempt

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
)

// reply is an answer with a body and its length.
func reply(status, headers, body string) script {
	return says(fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, headers, len(body), body))
}

// zipped is a text in gzip.
func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// some is a text of some MB.
var some = strings.Repeat("some ", 1<<19)

// utf16le is a text in UTF-16, the little end first, without a mark of its own.
func utf16le(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// answers is the suite that every dialect must pass, over plain and TLS
// connections: what a server may do, and what it must mean.
var answers = []struct {
	name    string
	script  script
	timeout time.Duration
	want    delivery.Answer // Message: a part of it; Latency: not compared
	once    bool            // the connection must not be used again
}{
	// Accepted.
	{"200 empty", reply("200 OK", "", ""), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 {}", reply("200 OK", "Content-Type: application/json\r\n", "{}"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 junk", reply("200 OK", "", "\x00\xff oops"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 chunked", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 until the end", once(says("HTTP/1.1 200 OK\r\n\r\nsome text")), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 of HTTP/1.0", once(says("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}")), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 and close", reply("200 OK", "Connection: close\r\n", "{}"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 without a reason", says("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"204", says("HTTP/1.1 204 No Content\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 204}, false},
	{"201", reply("201 Created", "", "{}"), 0, delivery.Answer{Class: delivery.Sent, Status: 201}, false},
	{"299", reply("299 Whatever", "", ""), 0, delivery.Answer{Class: delivery.Sent, Status: 299}, false},
	{"100 and 103, then 200", says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 with endless junk", endless("HTTP/1.1 200 OK\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 with endless chunks", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 that promises 10 MB", endless("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 whose body hangs", hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"), 100 * time.Millisecond,
		delivery.Answer{Class: delivery.Transient, Status: 200, Timeout: true, Message: "answer cut off in the middle"}, true},
	{"200 closed in the body", once(says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")), 0, delivery.Answer{Class: delivery.Transient, Status: 200, Message: "answer cut off in the middle"}, true},
	{"200 with a broken header", once(says("HTTP/1.1 200 OK\r\nno header at all\r\n\r\n")), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 with two lengths", once(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 with large headers", reply("200 OK", "X-Big: "+strings.Repeat("x", 30_000)+"\r\n", "{}"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 with endless headers", endlessHeader("HTTP/1.1 200 OK\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 and a line too many", reply("200 OK", "", "{}\r\n\r\n"), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 and more than was asked", once(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Oops\r\n\r\n")), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},

	{"200 JSON", reply("200 OK", "", `{"id":"7","status":400}`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 without errors", reply("200 OK", "", `{"error":null,"errors":[]}`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 with an error of nothing", reply("200 OK", "", `{"error":"","errors":{ },"error":false,"errors":0}`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 with an error further in", reply("200 OK", "", `{"last":{"error":"none of ours"},"terror":"x"}`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"200 with a list of errors", reply("200 OK", "", `[{"error":"x"}]`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},
	{"206", reply("206 Partial Content", "", "{"), 0, delivery.Answer{Class: delivery.Sent, Status: 206}, false},
	{"207", reply("207 Multi-Status", "", `{"status":400}`), 0, delivery.Answer{Class: delivery.Sent, Status: 207}, false},
	{"200 JSON of some MB", reply("200 OK", "", `{"x":"`+some+`","error":null,"y":{"error":"none of ours"}}`), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, true},
	{"200 in UTF-16", reply("200 OK", "", utf16le(`{"error":null}`)), 0, delivery.Answer{Class: delivery.Sent, Status: 200}, false},

	// No success, whatever the status.
	{"200 error", reply("200 OK", "", `{"error":"no such purpose","status":401}`), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no such purpose"}, false},
	{"200 errors", reply("200 OK", "", "\xef\xbb\xbf\n {\"a\":[1,{}],\"errors\":[{\"message\":\"no\"}]}"), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, false},
	{"200 with an error of an object", reply("200 OK", "", `{"ok":true,"error":{"code":7}}`), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "7"}, false},
	{"200 with an error in escapes", reply("200 OK", "", `{"\u0065rror":"no"}`), 0, delivery.Answer{Class: delivery.Refused, Status: 200}, false},
	{"200 with an error in gzip", reply("200 OK", "Content-Encoding: gzip\r\n", zipped(`{"error":"no"}`)), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, false},
	{"200 with an error, then junk without end", endless("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n{\"error\":\"no\",\"x\":\""), 0, delivery.Answer{Class: delivery.Refused, Status: 200}, true},
	{"200 closed in an error", once(says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"error\":{\"co")), 0, delivery.Answer{Class: delivery.Refused, Status: 200}, true},
	{"200 with a page", reply("200 OK", "Content-Type: text/html; charset=utf-8\r\n", "Please sign in"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200, Message: "answers 200 with a web page"}, false},
	{"200 with a page that is said to be text", reply("200 OK", "Content-Type: text/plain\r\n", "\r\n <!doctype html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200, Message: "web page"}, false},
	{"203 with a page", reply("203 Non-Authoritative", "Content-Type: TEXT/HTML\r\n", "<html>proxy</html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 203, Message: "answers 203"}, false},
	{"200 with a page in gzip", reply("200 OK", "", zipped("<html>")), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a long page", endless("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n<p>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200, Message: "web page"}, true},
	{"200 with a page in UTF-16", reply("200 OK", "", utf16le("\ufeff<html>")), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page in UTF-16 without a mark", reply("200 OK", "", utf16le("<html>")), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page in UTF-16, big end first", reply("200 OK", "", "\x00\n\x00<\x00p"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page in UTF-32", reply("200 OK", "", "\x00\x00\xfe\xff\x00\x00\x00<"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page in UTF-32, little end first", reply("200 OK", "", "<\x00\x00\x00p\x00\x00\x00"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page behind marks", reply("200 OK", "", "\xef\xbb\xbf\xef\xbb\xbf\u200b\u2028\v<html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page behind a no-break space", reply("200 OK", "", "\u00a0<html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page behind a no-break space of Latin-1", reply("200 OK", "", "\xa0<html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, false},
	{"200 with a page behind many blanks", reply("200 OK", "", strings.Repeat(" \n", 50_000)+"<html>"), 0, delivery.Answer{Class: delivery.Stopped, Status: 200}, true},
	{"200 with an error in UTF-16", reply("200 OK", "", utf16le("\ufeff{\"error\":\"no\"}")), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, false},
	{"200 with an error behind a no-break space", reply("200 OK", "", "\u00a0{\"error\":\"no\"}"), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, false},
	{"200 with an error behind some MB", reply("200 OK", "", `{"x":"\"`+some+`","y":[{"error":null}],"errors":[{"message":"no such purpose"}]}`), 0,
		delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no such purpose"}, true},
	{"200 with an error behind some MB of blanks", reply("200 OK", "", "{"+strings.Repeat(" \n", 1<<20)+`"error":"no"}`), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, true},
	{"200 with an error behind some MB in gzip", reply("200 OK", "", zipped(`{"x":"`+some+`","error":"no"}`)), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, false},
	{"200 with an error of some MB", reply("200 OK", "", `{"x":"`+some+`","error":"no `+some+`"}`), 0, delivery.Answer{Class: delivery.Refused, Status: 200, Message: "no"}, true},
	{"200 closed behind some MB", once(says("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n{\"x\":\"" + some)), 0, delivery.Answer{Class: delivery.Transient, Status: 200, Message: "answer cut off"}, true},
	{"200 closed before it is clear", once(says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"error\":nu")), 0, delivery.Answer{Class: delivery.Transient, Status: 200, Message: "answer cut off"}, true},
	{"200 in broken chunks", once(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nxyz\r\n")), 0, delivery.Answer{Class: delivery.Transient, Status: 200, Message: "answer cut off"}, true},
	{"200 with JSON of more than that in gzip", reply("200 OK", "", zipped("{"+strings.Repeat(" ", maxJSON))), 0, delivery.Answer{Class: delivery.Stopped, Status: 200, Message: "answers 200 with more than 16 MB of JSON"}, false},
	{"200 with JSON without end", endless("HTTP/1.1 200 OK\r\n\r\n{\"x\":\""), 0, delivery.Answer{Class: delivery.Stopped, Status: 200, Message: "answers 200 with more than 16 MB of JSON"}, true},

	// Refused for this record.
	{"400 JSON", reply("400 Bad Request", "", `{"errors":[{"message":"Source is required for profileId"},{"message":"second"}]}`), 0,
		delivery.Answer{Class: delivery.Refused, Status: 400, Message: "Source is required for profileId; second"}, false},
	{"400 message", reply("400 Bad Request", "", `{"timestamp":1,"status":400,"error":"Bad Request","message":"no such category","path":"/x"}`), 0,
		delivery.Answer{Class: delivery.Refused, Status: 400, Message: "no such category"}, false},
	{"400 error", reply("400 Bad Request", "", `{"error":"bad\nthing"}`), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "bad thing"}, false},
	{"400 HTML", reply("400 Bad Request", "Content-Type: text/html\r\n", "<html><head><style>p{}</style></head><body><h1>Bad&nbsp;Request</h1><p>go away</p></body>"), 0,
		delivery.Answer{Class: delivery.Refused, Status: 400, Message: "Bad Request go away"}, false},
	{"400 empty", reply("400 Bad Request", "", ""), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "bad request (without a message)"}, false},
	{"400 unreadable", reply("400 Bad Request", "", "{\"errors\":[{\"message\":\"cut o"), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "cut o"}, false},
	{"400 HTML of 10 MB", endless("HTTP/1.1 400 Bad Request\r\nContent-Length: 10000000\r\n\r\n<html><p>bad "), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "bad"}, true},
	{"400 endless", endless("HTTP/1.1 400 Bad Request\r\n\r\nbad "), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "bad"}, true},
	{"400 closed in the body", once(says("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nhalf a reason")), 0, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "half a reason"}, true},
	{"400 whose body hangs", hang("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nhalf a reason"), 100 * time.Millisecond, delivery.Answer{Class: delivery.Refused, Status: 400, Message: "half a reason"}, true},
	{"400 that echoes everything", echo("400 Bad Request"), 0, delivery.Answer{Class: delivery.Refused, Status: 400}, false},
	{"400 that echoes as JSON", echoJSON("400 Bad Request"), 0, delivery.Answer{Class: delivery.Refused, Status: 400}, false},
	{"413 and close", once(says("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")), 0, delivery.Answer{Class: delivery.Refused, Status: 413}, true},
	{"422", reply("422 Unprocessable", "", `{"detail":"no"}`), 0, delivery.Answer{Class: delivery.Refused, Status: 422, Message: "no"}, false},

	// The run must stop.
	{"401", reply("401 Unauthorized", "", `{"message":"bad key"}`), 0, delivery.Answer{Class: delivery.Stopped, Status: 401, Message: "bad key"}, false},
	{"401 that echoes everything", echo("401 Unauthorized"), 0, delivery.Answer{Class: delivery.Stopped, Status: 401}, false},
	{"402", reply("402 Payment Required", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 402}, false},
	{"403", reply("403 Forbidden", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 403}, false},
	{"404", reply("404 Not Found", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 404}, false},
	{"405", reply("405 Method Not Allowed", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 405}, false},
	{"418", reply("418 I'm a teapot", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 418}, false},
	{"499", reply("499 Strange", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 499, Message: "unknown status (without a message)"}, false},
	{"301 elsewhere", redirect("301 Moved", "https://evil.example/login"), 0, delivery.Answer{Class: delivery.Stopped, Status: 301, Message: "redirects to https://evil.example/login, which is not followed, for the key would leave the host: check the base URL"}, false},
	{"302 with the key", redirect("302 Found", "https://u:KEY@evil.example/a/KEY?apiKey=KEY#KEY"), 0, delivery.Answer{Class: delivery.Stopped, Status: 302, Message: "redirects to https://evil.example/a/[key],"}, false},
	{"307 relative", redirect("307 Temporary", "/elsewhere?apiKey=KEY"), 0, delivery.Answer{Class: delivery.Stopped, Status: 307, Message: "/elsewhere,"}, false},
	{"308 nowhere", reply("308 Permanent", "", ""), 0, delivery.Answer{Class: delivery.Stopped, Status: 308, Message: "redirects without a location"}, false},
	{"302 unreadable", redirect("302 Found", "http://[::1%zz/?KEY"), 0, delivery.Answer{Class: delivery.Stopped, Status: 302, Message: "unreadable location"}, false},
	{"304", says("HTTP/1.1 304 Not Modified\r\n\r\n"), 0, delivery.Answer{Class: delivery.Stopped, Status: 304}, false},

	// Slow down, try again.
	{"429 in seconds", reply("429 Too Many", "Retry-After: 7\r\n", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 429, RetryAfter: 7 * time.Second}, false},
	{"429 at a date", reply("429 Too Many", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 429, RetryAfter: 10 * time.Second}, false},
	{"429 absurd", reply("429 Too Many", "Retry-After: 99999999999999999999999\r\n", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 429, RetryAfter: delivery.MaxRetryAfter}, false},
	{"429 negative", reply("429 Too Many", "Retry-After: -5\r\n", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 429}, false},
	{"429 soon", reply("429 Too Many", "Retry-After: soon\r\n", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 429}, false},
	{"429 with rates", reply("429 Too Many", "X-RateLimit-Replenish-Rate: 100\r\nX-RateLimit-Burst-Capacity: 200\r\nX-RateLimit-Requested-Tokens: 2\r\n", ""), 0,
		delivery.Answer{Class: delivery.Transient, Status: 429, Rate: 50, Burst: 100}, false},
	{"503", reply("503 Unavailable", "Retry-After: 1\r\n", "down"), 0, delivery.Answer{Class: delivery.Transient, Status: 503, Message: "down", RetryAfter: time.Second}, false},
	{"500", reply("500 Oops", "", "oops"), 0, delivery.Answer{Class: delivery.Transient, Status: 500, Message: "oops"}, false},
	{"500 that echoes everything", echo("500 Oops"), 0, delivery.Answer{Class: delivery.Transient, Status: 500}, false},
	{"408 and close", once(says("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")), 0, delivery.Answer{Class: delivery.Transient, Status: 408}, true},
	{"599", reply("599 Strange", "", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 599}, false},

	// Statuses that HTTP does not know.
	{"600", reply("600 Strange", "", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 600}, false},
	{"999", reply("999 Strange", "", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 999}, false},
	{"000", reply("000 Strange", "", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 0, Message: "unknown status"}, false},
	{"099", reply("099 Strange", "", ""), 0, delivery.Answer{Class: delivery.Transient, Status: 99}, false},
	{"101", once(says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")), 100 * time.Millisecond, delivery.Answer{Class: delivery.Transient, Status: 101}, true},
	{"100 for ever", once(says(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100))), 0, delivery.Answer{Class: delivery.Transient, Message: "answer is not HTTP"}, true},

	// No answer.
	{"hangs", hang(""), 100 * time.Millisecond, delivery.Answer{Class: delivery.Transient, Timeout: true, Message: "no answer within 100ms"}, true},
	{"hangs in the headers", hang("HTTP/1.1 200 OK\r\nDate:"), 100 * time.Millisecond, delivery.Answer{Class: delivery.Transient, Timeout: true, Message: "no complete answer within 100ms"}, true},
	{"slow headers", slowly("HTTP/1.1 200 OK\r\nX-Slow: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 100 * time.Millisecond, delivery.Answer{Class: delivery.Transient, Timeout: true, Message: "no complete answer within 100ms"}, true},
	{"closed before the answer", func(net.Conn, request) bool { return true }, 0, delivery.Answer{Class: delivery.Transient, Message: "connection closed before the answer"}, true},
	{"closed in the status", once(says("HTTP/1.1 2")), 0, delivery.Answer{Class: delivery.Transient, Message: "connection closed in the middle of the answer"}, true},
	{"closed in the headers", once(says("HTTP/1.1 200 OK\r\nContent-Le")), 0, delivery.Answer{Class: delivery.Transient, Message: "connection closed in the middle of the answer"}, true},
	{"reset before the answer", func(w net.Conn, _ request) bool { reset(w); return true }, 0, delivery.Answer{Class: delivery.Transient, Message: "before the answer"}, true},
	{"half closed", halfClosed, 100 * time.Millisecond, delivery.Answer{Class: delivery.Transient, Message: "connection closed before the answer"}, true},
	{"garbage", once(says("SSH-2.0-OpenSSH_9.9\r\n" + testKey)), 0, delivery.Answer{Class: delivery.Transient, Message: "answer is not HTTP"}, true},
	{"garbage of one line", once(says("\x15\x03\x03\x00\x02\x02")), 0, delivery.Answer{Class: delivery.Transient, Message: "answer is not HTTP"}, true},
	{"HTTP of a kind", once(says("HTTP/1.1 2x0 OK\r\n\r\n")), 0, delivery.Answer{Class: delivery.Transient, Message: "answer is not HTTP"}, true},
}

// once closes the connection after a script.
func once(s script) script {
	return func(w net.Conn, r request) bool { s(w, r); return true }
}

// endless begins an answer that never ends.
func endless(begin string) script {
	return func(w net.Conn, _ request) bool {
		junk := "2000\r\n" + strings.Repeat("junk <p>and more", 0x200) + "\r\n" // a chunk too
		_, err := io.WriteString(w, begin)
		for err == nil {
			_, err = io.WriteString(w, junk)
		}
		return true
	}
}

// endlessHeader has headers without end.
func endlessHeader(begin string) script {
	return func(w net.Conn, _ request) bool {
		_, err := io.WriteString(w, begin)
		for err == nil {
			_, err = io.WriteString(w, "X-More: and more\r\n")
		}
		return true
	}
}

// hang says something and then nothing, until the client goes.
func hang(begin string) script {
	return func(w net.Conn, _ request) bool {
		_, _ = io.WriteString(w, begin)
		_, _ = w.Read(make([]byte, 1))
		return true
	}
}

// slowly writes a byte at a time.
func slowly(text string) script {
	return func(w net.Conn, _ request) bool {
		for i := range len(text) {
			if _, err := io.WriteString(w, text[i:i+1]); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return true
	}
}

// halfClosed ends its side without an answer and keeps the other open.
func halfClosed(w net.Conn, _ request) bool {
	_ = w.(interface{ CloseWrite() error }).CloseWrite()
	_, _ = w.Read(make([]byte, 1))
	return true
}

// redirect puts the key where KEY stands.
func redirect(status, location string) script {
	return reply(status, "Location: "+strings.ReplaceAll(location, "KEY", url.QueryEscape(testKey))+"\r\n", "see there: "+testKey)
}

// echo sends back what it got: request line, headers, body.
func echo(status string) script {
	return func(w net.Conn, r request) bool {
		return reply(status, "", fmt.Sprintf("cannot take %s %s %v %s %s", r.Method, r.URL, r.Header, r.body, testKey))(w, r)
	}
}

// echoJSON sends back the body in a message, escaped once more.
func echoJSON(status string) script {
	return func(w net.Conn, r request) bool {
		text := string(appendString(nil, fmt.Appendf(nil, "bad body %s for %s", strings.ToUpper(string(r.body)), r.URL)))
		text = strings.ReplaceAll(text, "@", `\u0040`)
		return reply(status, "", `{"errors":[{"message":`+text+`}]}`)(w, r)
	}
}

// assertClean checks what holds for every message: one line, short, and nothing
// of the key or of the consent full().
func assertClean(t *testing.T, message string) {
	t.Helper()
	assert.LessOrEqual(t, utf8.RuneCountInString(message), delivery.MaxMessage)
	assert.False(t, strings.ContainsFunc(message, unicode.IsControl), "%q", message)
	key, _ := ParseKey(testKey)
	identifier, secret, _ := key.halves()
	for _, marked := range []string{
		testKey, identifier, secret, url.QueryEscape(testKey), url.QueryEscape(secret), url.PathEscape(secret), basicToken(key),
		"user-4711", "profile-0815", "ana@example.com", "ana%40example.com", "1234567890123456789",
	} {
		assert.NotContains(t, strings.ToLower(message), strings.ToLower(marked))
	}
}

func TestAnswers(t *testing.T) {
	for d := range Dialect(len(dialects)) {
		for _, secure := range []bool{false, true} {
			if secure && d != Docs {
				continue // what TLS does not know of, it does not change
			}
			for _, tt := range answers {
				t.Run(fmt.Sprintf("%s/tls=%t/%s", d, secure, tt.name), func(t *testing.T) {
					t.Parallel()
					s := serve(t, secure, tt.script)
					cfg := s.config(t, d)
					if tt.timeout != 0 {
						cfg.Timeout = tt.timeout
						if secure {
							cfg.Timeout *= 2 // the handshake is in it
						}
					}
					c := newClient(t, cfg)
					for range 2 {
						got := c.Send(t.Context(), full())
						assertClean(t, got.Message)
						assert.Positive(t, got.Latency)
						want := tt.want
						if cfg.Timeout != tt.timeout {
							want.Message = strings.ReplaceAll(want.Message, tt.timeout.String(), cfg.Timeout.String())
						}
						if got.Class == delivery.Sent {
							assert.Empty(t, got.Message)
						} else {
							assert.NotEmpty(t, got.Message)
						}
						assert.Contains(t, got.Message, want.Message)
						got.Message, got.Latency, want.Message = "", 0, ""
						assert.Equal(t, want, got)
					}
					if tt.once {
						assert.EqualValues(t, 2, s.accepted.Load(), "connections")
					} else {
						assert.EqualValues(t, 1, s.accepted.Load(), "connections")
					}
					snapshot := c.Stats().Snapshot()
					assert.EqualValues(t, 2, snapshot.Requests)
					assert.EqualValues(t, 2, snapshot.ByStatus[fmt.Sprint(tt.want.Status)])
				})
			}
		}
	}
	require.NotEmpty(t, answers)
}

// What the requests of the dialects look like on the wire.
func TestRequest(t *testing.T) {
	for _, d := range []Dialect{Docs, SDK} {
		t.Run(d.String(), func(t *testing.T) {
			got := make(chan request, 1)
			s := serve(t, false, func(w net.Conn, r request) bool {
				got <- r
				return says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(w, r)
			})
			cfg := s.config(t, d)
			cfg.Org, cfg.Project = "my org", "a/b?c"
			answer := newClient(t, cfg).Send(t.Context(), full())
			require.Equal(t, delivery.Sent, answer.Class)
			r := <-got
			assert.Equal(t, "POST", r.Method)
			assert.Equal(t, "/v1/my%20org/projects/a%2Fb%3Fc/consents/data", r.URL.EscapedPath())
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			assert.Empty(t, r.Header.Get("Content-Encoding"))
			assert.Equal(t, string(Wording{Dialect: d}.AppendBody(nil, full())), string(r.body))
			user, password, basic := r.BasicAuth()
			if d == Docs {
				assert.Equal(t, testKey, r.URL.Query().Get("apiKey"))
				assert.False(t, basic)
			} else {
				assert.Empty(t, r.URL.RawQuery)
				assert.Equal(t, "ident+fier/9", user)
				assert.Equal(t, "s3cr=t&val.ue", password)
			}
		})
	}
}

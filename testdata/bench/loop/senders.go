package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// sender sends one body and waits for its answer. It belongs to one worker.
type sender func(body []byte) error

// senders make, for a URL and a number of workers, what makes each worker's
// sender; what they share is made once.
var senders = map[string]func(url string, workers int) func() (sender, error){
	"fasthttp": fastHTTP,
	"nethttp":  netHTTP,
	"raw":      rawHTTP,
}

func fastHTTP(url string, workers int) func() (sender, error) {
	c := &fasthttp.Client{MaxConnsPerHost: workers, NoDefaultUserAgentHeader: true, DisablePathNormalizing: true,
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	return func() (sender, error) {
		q, p := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		q.SetRequestURI(url)
		q.Header.SetMethod(http.MethodPost)
		q.Header.SetContentType("application/json")
		return func(body []byte) error {
			q.SetBodyRaw(body)
			if err := c.Do(q, p); err != nil {
				return err
			}
			return check(p.StatusCode())
		}, nil
	}
}

func netHTTP(url string, workers int) func() (sender, error) {
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers,
		MaxConnsPerHost: workers, DisableCompression: true}}
	return func() (sender, error) {
		return func(body []byte) error {
			q, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return err
			}
			q.Header["Content-Type"] = []string{"application/json"}
			p, err := c.Do(q)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, p.Body)
			return errors.Join(err, p.Body.Close(), check(p.StatusCode))
		}, nil
	}
}

// rawHTTP writes ready bytes and reads as little of the answer as tells where
// it ends: the most that a connection of one request at a time can give.
func rawHTTP(to string, _ int) func() (sender, error) {
	return func() (sender, error) {
		u, err := url.Parse(to)
		if err != nil {
			return nil, err
		}
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			return nil, err
		}
		in := bufio.NewReader(conn)
		head := "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: application/json\r\nContent-Length: "
		var out []byte
		return func(body []byte) error {
			out = append(out[:0], head...)
			out = strconv.AppendInt(out, int64(len(body)), 10)
			out = append(out, "\r\n\r\n"...)
			out = append(out, body...)
			if _, err := conn.Write(out); err != nil {
				return err
			}
			return readAnswer(in)
		}, nil
	}
}

func readAnswer(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answer %q", line)
	}
	length := 0
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
	}
	_, err = in.Discard(length)
	return err
}

func check(status int) error {
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return nil
}

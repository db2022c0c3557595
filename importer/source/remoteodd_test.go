package source

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// until reads an export to its end, and calls then when some rows are there.
func until(t *testing.T, e *Export, then func()) (rows int, err error) {
	t.Helper()
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	defer r.Close()
	for {
		b, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if rows += len(b.Rows); rows > 1000 && then != nil {
			then()
			then = nil
		}
	}
}

// What an answer says of its object may differ from the answers before; only what tells
// that it is another object ends the reading.
func TestRemoteVersions(t *testing.T) {
	t.Parallel()
	text := remoteCSV(12 * testChunk)
	const one, two = "Sat, 01 Jun 2024 10:00:00 GMT", "Sat, 01 Jun 2024 10:00:01 GMT"
	for name, c := range map[string]struct {
		was, is version
		changed bool
	}{
		"another time alone":                  {version{"", one, ""}, version{"", two, ""}, true},
		"the same time":                       {version{"", one, ""}, version{"", one, ""}, false},
		"an ETag, and another time":           {version{`"1"`, one, ""}, version{`"1"`, two, ""}, false},
		"a weak ETag, and another time":       {version{`W/"1"`, one, ""}, version{`W/"1"`, two, ""}, true},
		"no ETag any more":                    {version{`"1"`, one, ""}, version{"", one, ""}, false},
		"no ETag any more, and another time":  {version{`"1"`, one, ""}, version{"", two, ""}, true},
		"nothing any more":                    {version{`"1"`, one, ""}, version{}, false},
		"nothing at first":                    {version{}, version{`"1"`, one, ""}, false},
		"an ETag that has become a weak one":  {version{`"1"`, "", ""}, version{`W/"1"`, "", ""}, true},
		"a coding that a proxy takes away":    {version{`"1"`, one, "gzip"}, version{`"1"`, one, ""}, true},
		"a coding that a proxy brings in":     {version{`"1"`, one, ""}, version{`"1"`, one, "gzip"}, true},
		"the coding of the object throughout": {version{`"1"`, one, "gzip"}, version{`"1"`, one, "gzip"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, text)
			s.tag = ""
			var later atomic.Bool
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				v := c.was
				if later.Load() {
					v = c.is
				}
				for key, value := range map[string]string{"ETag": v.etag, "Last-Modified": v.modified, "Content-Encoding": v.encoding} {
					if value != "" {
						w.Header().Set(key, value)
					}
				}
				r.Header.Del("If-Match") // a proxy takes no notice of it
				return false
			}
			rows, err := until(t, open(t, s.config("export.csv"), blockSize, batchRows), func() { later.Store(true) })
			if c.changed {
				var changed *ChangedError
				require.ErrorAs(t, err, &changed)
				return
			}
			require.NoError(t, err)
			require.Equal(t, bytes.Count(text, []byte("\n"))-1, rows)
		})
	}
}

// An object that lies packed, and says so, is read as a packed file is; a coding that
// nothing here reads is refused.
func TestRemoteEncodings(t *testing.T) {
	t.Parallel()
	text := remoteCSV(3 * testChunk)
	for encoding, object := range map[string][]byte{"gzip": gz(t, text), "X-GZIP": gz(t, text), "identity": text, "aws-chunked": text, "aws-chunked,gzip": gz(t, text), "br": text} {
		s := newStore(t, object)
		s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Encoding", encoding)
			return false
		}
		if encoding == "br" {
			_, err := Open(s.config("export.csv"))
			require.ErrorContains(t, err, `comes in a Content-Encoding that is not read ("br")`)
			continue
		}
		rows, err := until(t, open(t, s.config("export.csv"), blockSize, batchRows), nil)
		require.NoError(t, err, encoding)
		require.Equal(t, bytes.Count(text, []byte("\n"))-1, rows)
	}
}

// Answers to a range that are none, or of another range, once reading is on its way.
func TestRemoteWrongRanges(t *testing.T) {
	t.Parallel()
	text := remoteCSV(6 * testChunk)
	part := func(w http.ResponseWriter, span string, body []byte) bool {
		if span != "" {
			w.Header().Set("Content-Range", span)
		}
		w.Header().Set("ETag", `"one"`)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
		return true
	}
	size := len(text)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, from int) bool
		says   string // "": it is read whole
	}{
		"from an earlier byte": {func(w http.ResponseWriter, from int) bool {
			return part(w, fmt.Sprintf("bytes %d-%d/%d", from-100, size-1, size), text[from-100:])
		}, ""},
		"longer than asked for": {func(w http.ResponseWriter, from int) bool {
			return part(w, fmt.Sprintf("bytes %d-%d/%d", from, size-1, size), text[from:])
		}, ""},
		"all of it": {func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("ETag", `"one"`)
			w.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = w.Write(text)
			return true
		}, ""},
		"from a later byte": {func(w http.ResponseWriter, from int) bool {
			return part(w, fmt.Sprintf("bytes %d-%d/%d", from+1, size-1, size), text[from+1:])
		}, "answers with bytes from"},
		"without a range": {func(w http.ResponseWriter, from int) bool { return part(w, "", text[from:]) }, "a range that cannot be read"},
		"of another size": {func(w http.ResponseWriter, from int) bool {
			return part(w, fmt.Sprintf("bytes %d-%d/%d", from, size, size+1), text[from:])
		}, "has changed while it was read"},
		"of no size": {func(w http.ResponseWriter, from int) bool {
			return part(w, fmt.Sprintf("bytes %d-%d/*", from, size-1), text[from:])
		}, "does not say how long it is"},
		"several ranges": {func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("Content-Type", "multipart/byteranges; boundary=x")
			return part(w, "", []byte("--x\r\nContent-Range: bytes 0-1/2\r\n\r\nab\r\n--x--\r\n"))
		}, "a range that cannot be read"},
		"negative": {func(w http.ResponseWriter, _ int) bool { return part(w, "bytes -5-9/10", text) }, "a range that cannot be read"},
		"expired":  {func(w http.ResponseWriter, _ int) bool { http.Error(w, signature, http.StatusForbidden); return true }, "answers 403 Forbidden; a presigned URL may have expired"},
		"gone":     {func(w http.ResponseWriter, _ int) bool { http.Error(w, signature, http.StatusNotFound); return true }, "answers 404 Not Found"},
		"shorter by now": {func(w http.ResponseWriter, _ int) bool {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}, "has changed while it was read"},
		"another version": {func(w http.ResponseWriter, _ int) bool { w.WriteHeader(http.StatusPreconditionFailed); return true }, "has changed while it was read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, text)
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				var from int
				_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
				return from >= 3*testChunk && c.answer(w, from)
			}
			cfg := s.config("export.csv")
			cfg.Remote.Patience = 300 * time.Millisecond
			if rows, err := readOrRefused(t, cfg, text, c.says); err != nil {
				require.Positive(t, rows, "the rows before it were read")
				noSecret(t, err.Error())
			}
		})
	}
}

// A redirection leads to the object, and what the first host was told in the query is not
// told the second.
func TestRemoteRedirected(t *testing.T) {
	t.Parallel()
	text := remoteCSV(3 * testChunk)
	var mu sync.Mutex
	var told []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		told = append(told, r.URL.String()+" "+fmt.Sprint(r.Header))
		mu.Unlock()
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}))
	t.Cleanup(other.Close)
	s := newStore(t, nil)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/there", http.StatusTemporaryRedirect)
		return true
	}
	rows, err := until(t, open(t, s.config("export.csv"), blockSize, batchRows), nil)
	require.NoError(t, err)
	assert.Equal(t, bytes.Count(text, []byte("\n"))-1, rows)
	mu.Lock()
	defer mu.Unlock()
	require.GreaterOrEqual(t, len(told), 4)
	for _, what := range told {
		noSecret(t, what)
		assert.NotContains(t, what, "/bucket/")
		assert.Contains(t, what, "bytes=")
	}
}

// A server that lets its bytes drip is given up, whether it keeps the connection or closes
// it after each; one that is slow alone is read.
func TestRemoteDrips(t *testing.T) {
	t.Parallel()
	text := remoteCSV(6 * testChunk)
	for name, c := range map[string]struct {
		every time.Duration
		bytes int
		keep  bool
		says  string
	}{
		"a byte at a time":            {5 * time.Millisecond, 1, true, "less than 4 KiB came in 100ms"},
		"a byte a connection":         {0, 1, false, "unexpected EOF"},
		"slowly":                      {5 * time.Millisecond, remoteLeast, true, ""},
		"some kilobytes a connection": {0, 2 * remoteLeast, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, text)
			s.answer = func(w http.ResponseWriter, r *http.Request) bool {
				var from, to int
				_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
				if from < 4*testChunk {
					return false
				}
				to = min(to, len(text)-1)
				w.Header().Set("ETag", `"one"`)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(text)))
				w.Header().Set("Content-Length", strconv.Itoa(to-from+1))
				w.WriteHeader(http.StatusPartialContent)
				for at := from; at <= to; at += c.bytes {
					if _, err := w.Write(text[at:min(at+c.bytes, to+1)]); err != nil {
						return true
					}
					_ = http.NewResponseController(w).Flush()
					if !c.keep {
						panic(http.ErrAbortHandler)
					}
					select {
					case <-time.After(c.every):
					case <-r.Context().Done():
						return true
					}
				}
				return true
			}
			cfg := s.config("export.csv")
			cfg.Remote.Patience, cfg.Remote.idle = 400*time.Millisecond, 100*time.Millisecond
			start := time.Now()
			if _, err := readOrRefused(t, cfg, text, c.says); err != nil {
				require.Less(t, time.Since(start), remoteIdle/2)
			}
		})
	}
}

// An archive of several parts elsewhere is read as one on disk is, from the middle of a
// part, too.
func TestRemoteArchiveOfParts(t *testing.T) {
	t.Parallel()
	rows := remoteCSV(8 * testChunk)
	head, body, _ := bytes.Cut(rows, []byte("\n"))
	var parts []any
	for i, lines := 0, bytes.SplitAfter(body, []byte("\n")); len(lines) > 0; i++ {
		n := min(len(lines), 1500)
		parts = append(parts, fmt.Sprintf("export/part-%d.csv", i+1), append(append(bytes.Clone(head), '\n'), bytes.Join(lines[:n], nil)...))
		lines = lines[n:]
	}
	require.Greater(t, len(parts), 2*5)
	object := zipOf(t, parts...)
	local := open(t, Config{Paths: write(t, object)}, blockSize, batchRows)
	want, err := readAll(t, local, local.Start(), ReadOptions{Sums: true})
	require.NoError(t, err)
	s := newStore(t, object)
	e := open(t, s.config("export.zip"), blockSize, batchRows)
	got, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
	require.NoError(t, err)
	require.Equal(t, rowsOf(want), rowsOf(got))
	middle := got[len(got)/2]
	again := open(t, s.config("export.zip"), blockSize, batchRows)
	require.NoError(t, again.Check(middle.Mark))
	rest, err := readAll(t, again, middle.Next, ReadOptions{Seed: &middle.Mark})
	require.NoError(t, err)
	require.Equal(t, rowsOf(want)[middle.Next.Row-1:], rowsOf(rest))
}

// readOrRefused reads an export to its end, which has to have all rows of the text, or, if
// says has something, to end with an error that says it. It gives the rows that were read.
func readOrRefused(t *testing.T, cfg Config, text []byte, says string) (rows int, err error) {
	t.Helper()
	rows, err = until(t, open(t, cfg, blockSize, batchRows), nil)
	if says == "" {
		require.NoError(t, err)
		require.Equal(t, bytes.Count(text, []byte("\n"))-1, rows)
		return rows, nil
	}
	require.ErrorContains(t, err, says)
	return rows, err
}

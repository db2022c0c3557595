package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testChunk is the size of requests in tests.
const testChunk = 48 << 10

// signature is a query that must be seen nowhere but at the server.
const signature = "X-Amz-Signature=5ecre7&X-Amz-Credential=AKIA"

// store is a server of objects over http, which can be bent.
type store struct {
	*httptest.Server
	mu       sync.Mutex
	object   []byte
	tag      string
	noRanges bool
	cut      func() int // bytes after which a connection is cut; negative: never
	answer   func(w http.ResponseWriter, r *http.Request) bool
	requests atomic.Int64
	sent     atomic.Int64
}

func newStore(t testing.TB, object []byte) *store {
	s := &store{object: object, tag: `"one"`}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Server.Close)
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mu.Lock()
	object, tag := s.object, s.tag
	s.mu.Unlock()
	if s.answer != nil && s.answer(w, r) {
		return
	}
	if r.URL.RawQuery != signature {
		http.Error(w, "no signature: "+r.URL.String(), http.StatusForbidden)
		return
	}
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	if s.noRanges {
		r.Header.Del("Range")
	}
	if s.cut != nil {
		if n := s.cut(); n >= 0 {
			w = &cutWriter{ResponseWriter: w, left: n}
		}
	}
	http.ServeContent(&counted{w, &s.sent}, r, "export", time.Time{}, bytes.NewReader(object))
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// cutWriter cuts the connection after some bytes of the body.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left]) // it is cut anyway
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// config is the configuration that reads the object of a store.
func (s *store) config(name string) Config {
	location := s.URL + "/bucket/" + name
	return Config{Paths: []string{location}, Remote: &Remote{Queries: map[string]string{location: signature}, Patience: 3 * time.Second, Chunk: testChunk}}
}

// remoteCSV is an export of some chunks, of lines that do not compress well.
func remoteCSV(size int) []byte {
	rng := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	b.WriteString("id,mail,decision\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d,%x@x.example,%x\n", i, rng.Uint64(), rng.Uint64())
	}
	return b.Bytes()
}

// TestRemote reads an object in each packing, with connections that are cut at random
// bytes, byte for byte as the file is read, whole and from the middle.
func TestRemote(t *testing.T) {
	t.Parallel()
	text := remoteCSV(3*testChunk + 12345)
	for _, p := range packings {
		if p.name == "zip of zip" {
			continue // lies in a spool, as for files
		}
		for _, ranges := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ranges %t", p.name, ranges), func(t *testing.T) {
				t.Parallel()
				object := p.pack(t, text)
				local := open(t, Config{Paths: write(t, object)}, blockSize, batchRows)
				want, err := readAll(t, local, local.Start(), ReadOptions{Sums: true})
				require.NoError(t, err)

				s := newStore(t, object)
				s.noRanges = !ranges
				rng := rand.New(rand.NewPCG(1, uint64(len(object))))
				var mu sync.Mutex
				cuts := 0
				s.cut = func() int {
					mu.Lock()
					defer mu.Unlock()
					if cuts++; cuts%2 == 0 || cuts > 40 {
						return -1
					}
					return rng.IntN(testChunk)
				}
				e := open(t, s.config("export.csv"), blockSize, batchRows)
				require.EqualValues(t, len(object), e.Inputs[0].Bytes)
				got, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
				require.NoError(t, err)
				require.Equal(t, rowsOf(want), rowsOf(got))
				last := got[len(got)-1].Mark
				require.Equal(t, want[len(want)-1].Mark, last)
				sum, n, err := e.Head(0)
				require.NoError(t, err)
				wantSum, wantN, err := local.Head(0)
				require.NoError(t, err)
				require.Equal(t, wantSum, sum)
				require.Equal(t, wantN, n)

				middle := got[len(got)/2]
				again := open(t, s.config("export.csv"), blockSize, batchRows)
				require.NoError(t, again.Check(middle.Mark))
				rest, err := readAll(t, again, middle.Next, ReadOptions{Seed: &middle.Mark})
				require.NoError(t, err)
				require.Equal(t, rowsOf(want)[middle.Next.Row-1:], rowsOf(rest))
				require.Equal(t, last.Sum, rest[len(rest)-1].Mark.Sum)
				require.Positive(t, cuts)
			})
		}
	}
}

// TestRemoteRefuses shows each answer that does not give the object, without the query
// and without the server's words.
func TestRemoteRefuses(t *testing.T) {
	t.Parallel()
	text := []byte("a,b\n1,2\n")
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, "secret words about "+r.URL.RawQuery, code)
			return true
		}
	}
	header := func(name, value string, code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set(name, value)
			w.WriteHeader(code)
			_, _ = w.Write(text)
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		says   string
	}{
		"403":          {status(403), "the server answers 403 Forbidden; a presigned URL may have expired"},
		"401":          {status(401), "401 Unauthorized; a presigned URL may have expired"},
		"404":          {status(404), "the server answers 404 Not Found"},
		"500 for good": {status(500), "the server answers 500"},
		"400":          {status(400), "the server answers 400"},
		"no length": {func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write(text)
			_ = http.NewResponseController(w).Flush()
			return true
		}, "does not say how long it is"},
		"a range from else": {header("Content-Range", "bytes 4-7/8", 206), "answers with bytes from 4 on where 0 was asked for"},
		"an odd range":      {header("Content-Range", "lines 1-2", 206), "a range that cannot be read"},
		"no such range":     {status(416), "is empty"},
		"redirect to http": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://mail.example/x?"+r.URL.RawQuery, http.StatusFound)
			return true
		}, "is redirected to a place that is not encrypted"},
		"redirect in turns": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
			return true
		}, "is redirected more than three times"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, text)
			s.answer = c.answer
			cfg := s.config("export.csv")
			cfg.Remote.Patience = 300 * time.Millisecond
			_, err := Open(cfg)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, cfg.Paths[0]+" ")
			noSecret(t, err.Error())
		})
	}
	s := newStore(t, text)
	s.Close()
	cfg := s.config("export.csv")
	cfg.Remote.Patience = 100 * time.Millisecond
	_, err := Open(cfg)
	require.ErrorContains(t, err, "cannot be reached")
	noSecret(t, err.Error())
}

func noSecret(t *testing.T, text string) {
	t.Helper()
	for _, s := range []string{"5ecre7", "AKIA", "X-Amz", "secret words"} {
		assert.NotContains(t, text, s)
	}
}

// TestRemoteOverwritten overwrites an object while it is read: that is an error with the
// rows before it, never the end of the file, whatever guards the object.
func TestRemoteOverwritten(t *testing.T) {
	t.Parallel()
	text := remoteCSV(12 * testChunk)
	for name, c := range map[string]struct {
		tag, next string
		object    []byte
	}{
		"another ETag":            {`"one"`, `"two"`, text},
		"a weak ETag":             {`W/"one"`, `W/"two"`, text},
		"shorter":                 {"", "", text[:5*testChunk]},
		"shorter than what comes": {"", "", text[:100]},
		"longer":                  {"", "", append(bytes.Clone(text), "1,2,3\n"...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, text)
			s.tag = c.tag
			e := open(t, s.config("export.csv"), blockSize, batchRows)
			r, err := e.Read(e.Start(), ReadOptions{})
			require.NoError(t, err)
			defer r.Close()
			rows := 0
			for {
				b, err := r.Next()
				if err != nil {
					require.NotErrorIs(t, err, io.EOF)
					var changed *ChangedError
					require.ErrorAs(t, err, &changed)
					require.ErrorContains(t, err, "has changed while it was read")
					noSecret(t, err.Error())
					break
				}
				rows += len(b.Rows)
				if rows > 1000 {
					s.mu.Lock()
					s.tag, s.object = c.next, c.object
					s.mu.Unlock()
				}
			}
			require.Positive(t, rows)
		})
	}
}

// stall makes a store never answer requests for what lies behind an offset; it tells when
// the first one came.
func (s *store) stall(t *testing.T, behind int64) (stalled chan struct{}) {
	stalled, release := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(release) })
	var once sync.Once
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		var from int64
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		if from < behind {
			return false
		}
		once.Do(func() { close(stalled) })
		<-release
		return true
	}
	return stalled
}

// TestRemoteEnds ends the reading of an object that stalls, at once: by closing the
// reader, and while it is opened by the context.
func TestRemoteEnds(t *testing.T) {
	t.Parallel()
	s := newStore(t, remoteCSV(12*testChunk))
	stalled := s.stall(t, 8*testChunk)
	e := open(t, s.config("export.csv"), blockSize, batchRows)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	go func() {
		<-stalled
		_ = r.Close()
	}()
	start := time.Now()
	for err == nil {
		_, err = r.Next()
	}
	require.ErrorIs(t, err, errClosed)
	require.Less(t, time.Since(start), remoteIdle/2)

	s = newStore(t, remoteCSV(testChunk))
	stalled = s.stall(t, 0)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	go func() {
		<-stalled
		cancel(stop)
	}()
	cfg := s.config("export.csv")
	cfg.Remote.Context = ctx
	_, err = Open(cfg)
	require.ErrorIs(t, err, stop)
	require.Less(t, time.Since(start), remoteIdle/2)
}

// TestRemoteIsReadOnce asks for each byte once when nothing goes wrong, and for a server
// without ranges as well.
func TestRemoteIsReadOnce(t *testing.T) {
	t.Parallel()
	text := remoteCSV(5*testChunk + 99)
	for _, ranges := range []bool{true, false} {
		s := newStore(t, text)
		s.noRanges = !ranges
		e := open(t, s.config("export.csv"), blockSize, batchRows)
		_, err := readAll(t, e, e.Start(), ReadOptions{})
		require.NoError(t, err)
		assert.EqualValues(t, len(text), s.sent.Load())
	}
}

// TestRemoteShortAnswers reads from a server whose answers end before the range does,
// without any sign that something is missing.
func TestRemoteShortAnswers(t *testing.T) {
	t.Parallel()
	text := remoteCSV(3 * testChunk)
	s := newStore(t, text)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		var from, to int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		to = min(to, len(text)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(text)))
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush() // so that no length is told
		_, _ = w.Write(text[from : from+(to-from)/2+1])
		return true
	}
	e := open(t, s.config("export.csv"), blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, bytes.Count(text, []byte("\n"))-1, len(rowsOf(batches)))
	require.EqualValues(t, len(text), batches[len(batches)-1].Mark.Bytes)
}

// TestRemoteOverTLS reads over https, and refuses a server that nobody vouches for.
func TestRemoteOverTLS(t *testing.T) {
	t.Parallel()
	s := &store{object: []byte("a,b\n1,2\n"), tag: `"one"`}
	s.Server = httptest.NewUnstartedServer(s)
	s.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Server.StartTLS()
	defer s.Server.Close()
	cfg := s.config("export.csv")
	_, err := Open(cfg)
	require.ErrorContains(t, err, "cannot be reached safely")
	noSecret(t, err.Error())
	cfg.Remote.Transport = s.Client().Transport
	e := open(t, cfg, blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.NoError(t, err)
	assert.Len(t, rowsOf(batches), 1)
	assert.Equal(t, "export.csv", e.Members[0].Name)
}

func TestLocate(t *testing.T) {
	for _, c := range []struct{ given, location, query, base string }{
		{"e.csv", "e.csv", "", "e.csv"},
		{`C:\e.csv`, `C:\e.csv`, "", ""},
		{"https://h.example/a/e%20x.csv?" + signature + "#f", "https://h.example/a/e%20x.csv", signature, "e x.csv"},
		{"HTTPS://h.example/e.csv?", "https://h.example/e.csv", "", "e.csv"},
		{"http://127.0.0.1:80/e.csv", "http://127.0.0.1:80/e.csv", "", "e.csv"},
		{"http://[::1]/e.csv", "http://[::1]/e.csv", "", "e.csv"},
		{"s3://b/dir/e.csv?x", "s3://b/dir/e.csv?x", "", ""},
	} {
		location, query, err := Locate(c.given)
		require.NoError(t, err)
		assert.Equal(t, c.location, location)
		assert.Equal(t, c.query, query)
		if c.base != "" {
			assert.Equal(t, c.base, BaseName(location))
		}
	}
	for given, says := range map[string]string{
		"gs://b/e.csv":                        "not from gs://: presign it (gcloud storage sign-url)",
		"azblob://c/e.csv":                    "make a SAS URL of it",
		"ftp://h.example/e.csv":               "download it, mount it, or give an https:// URL",
		"file:///e.csv":                       "give the path of the file without file://",
		"http://h.example/e.csv?" + signature: "http://h.example/e.csv is not encrypted",
		"https://u:5ecre7@h.example/e.csv":    "https://h.example/e.csv is given with a user or a password",
		"https://%zz/?" + signature:           "the https URL cannot be read",
		"https:///e.csv":                      "the https URL cannot be read",
		"s3://bucket":                         "does not name an object",
		"s3:///e.csv":                         "does not name an object",
	} {
		_, _, err := Locate(given)
		require.ErrorContains(t, err, says)
		noSecret(t, err.Error())
	}
	for host, is := range map[string]bool{"localhost": true, "127.9.9.9": true, "::1": true, "localhost.example": false, "10.0.0.1": false, "0.0.0.0": false} {
		assert.Equal(t, is, isLoopback(host), host)
	}
}

package sandbox

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

const testKey = "ident.secret.with.dots"

// start runs a sandbox until the test ends.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func faults(t *testing.T, spec string) Faults {
	t.Helper()
	f, err := ParseFaults(spec)
	require.NoError(t, err)
	return f
}

// request makes one in a dialect, as a correct client would.
func request(t *testing.T, s *Server, d Dialect, body string) *http.Request {
	t.Helper()
	url := s.URL() + "/acme/projects/web/consents/data"
	if d == Docs {
		url += "?apiKey=" + testKey
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if d == SDK {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(strings.Replace(testKey, ".", ":", 1))))
	}
	return r
}

// do sends without following redirects.
func do(r *http.Request) (code int, body string, header http.Header, err error) {
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header, err
}

const (
	docsBody = `{"action":"accept","timestamp":1767225600000,"validUntil":"unlimited","source":"web","category":"ads","userId":"u1"}`
	sdkBody  = `{"action":"reject","timestamp":1767225600,"validUntil":"1798761600000","source":"web","sourceId":"9007199254740993","profileId":"p1"}`
)

func TestKeepsWhatBothDialectsSend(t *testing.T) {
	s := start(t, Config{Key: testKey})
	for d, body := range map[Dialect]string{Docs: docsBody, SDK: sdkBody} {
		code, answer, header, err := do(request(t, s, d, body))
		require.NoError(t, err)
		assert.Equal(t, 200, code, d)
		assert.Equal(t, "{}", answer, d)
		assert.Equal(t, "application/json", header.Get("Content-Type"))
	}
	of := s.Of("u1")
	require.Len(t, of, 1)
	assert.WithinDuration(t, time.Now(), of[0].At, time.Minute)
	of[0].At, of[0].Seq = time.Time{}, 0
	assert.Equal(t, Consent{Action: mapping.Accept, Timestamp: 1767225600000, ValidUntil: mapping.Unlimited,
		Source: "web", Category: "ads", UserID: "u1"}, of[0])

	of = s.of("", "p1")
	require.Len(t, of, 1)
	of[0].At, of[0].Seq = time.Time{}, 0
	assert.Equal(t, Consent{Dialect: SDK, Action: mapping.Reject, Timestamp: 1767225600000, ValidUntil: 1798761600000,
		SourceID: 9007199254740993, HasSourceID: true, Source: "web", ProfileID: "p1"}, of[0])

	st := s.Stats()
	assert.EqualValues(t, 2, st.Requests)
	assert.EqualValues(t, 2, st.Stored)
	assert.EqualValues(t, 2, st.Subjects)
	assert.EqualValues(t, 1, st.MaxInFlight)
	assert.Equal(t, map[string]int64{"200": 2}, st.ByStatus)
	assert.Equal(t, map[string]int64{"acme/web": 2}, st.Projects)
	assert.Equal(t, []Decision{{"", "reject", 1}, {"ads", "accept", 1}}, st.ByDecision)
}

func TestServeEndsWithItsContext(t *testing.T) {
	s, err := New(Config{})
	require.NoError(t, err)
	assert.Empty(t, s.URL())
	addr, err := s.Listen()
	require.NoError(t, err)
	assert.Equal(t, "http://"+addr+"/v1", s.URL())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	code, _, _, err := do(request(t, s, Docs, docsBody))
	require.NoError(t, err)
	assert.Equal(t, 200, code)
	cancel()
	assert.NoError(t, <-done)
	_, _, _, err = do(request(t, s, Docs, docsBody))
	assert.Error(t, err)
	assert.Len(t, s.Consents(), 1, "what was kept can be asked for after the end")
	assert.NoError(t, s.Serve(t.Context()), "a closed sandbox has nothing to serve")
}

func TestAbusiveClientsHoldUpNobody(t *testing.T) {
	s := start(t, Config{})
	addr := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/v1")
	half := []string{"", "POST", "POST /v1/a/projects/b/consents/data?apiKey=k HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"}
	for i := range 60 {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, half[i%len(half)])
		require.NoError(t, err)
	}
	code, _, _, err := do(request(t, s, Docs, docsBody))
	require.NoError(t, err)
	assert.Equal(t, 200, code)

	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n", strings.Repeat("a", 2*maxHeader))
	answer, _ := io.ReadAll(c)
	assert.Contains(t, string(answer), " 431 ")
	assert.Len(t, s.Consents(), 1)
}

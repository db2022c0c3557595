package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatEachFaultDoes(t *testing.T) {
	isEOF := func(t *testing.T, err error) {
		assert.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	}
	cases := map[string]struct {
		spec   string
		stored int64
		code   int // 0: no answer
		check  func(t *testing.T, body string, h http.Header, err error)
	}{
		"429": {"429=100%", 0, 429, func(t *testing.T, body string, h http.Header, err error) {
			assert.Empty(t, body)
			assert.Equal(t, "1", h.Get("X-RateLimit-Requested-Tokens"))
			assert.NotEmpty(t, h.Get("X-RateLimit-Replenish-Rate"))
			assert.NotEmpty(t, h.Get("X-RateLimit-Burst-Capacity"))
			assert.Empty(t, h.Get("Retry-After"))
		}},
		"429 with seconds": {"429=100%,retryafter=3", 0, 429, func(t *testing.T, body string, h http.Header, err error) {
			assert.Equal(t, "3", h.Get("Retry-After"))
		}},
		"503 with a date": {"503=100%,retryafter=date", 0, 503, func(t *testing.T, body string, h http.Header, err error) {
			at, bad := http.ParseTime(h.Get("Retry-After"))
			assert.NoError(t, bad)
			assert.WithinDuration(t, time.Now(), at, 4*time.Second)
		}},
		"429 absurd": {"429=100%,retryafter=absurd", 0, 429, func(t *testing.T, body string, h http.Header, err error) {
			_, bad := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
			assert.Error(t, bad)
		}},
		"500": {"500=100%,retryafter=3", 0, 500, func(t *testing.T, body string, h http.Header, err error) {
			assert.Contains(t, body, `{"errors":[{"message":`)
			assert.Empty(t, h.Get("Retry-After"))
		}},
		"400": {"400=100%", 0, 400, nil},
		"204": {"204=100%", 1, 204, nil},
		"reset": {"reset=100%", 0, 0, func(t *testing.T, body string, h http.Header, err error) {
			assert.ErrorIs(t, err, syscall.ECONNRESET)
		}},
		"lost": {"lost=100%", 1, 0, func(t *testing.T, body string, h http.Header, err error) { isEOF(t, err) }},
		"cut": {"cut=100%", 1, 0, func(t *testing.T, body string, h http.Header, err error) {
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.NotEmpty(t, body)
		}},
		"slow": {"slow=100%", 1, 200, nil},
		"junk": {"junk=100%", 1, 200, func(t *testing.T, body string, h http.Header, err error) {
			assert.Contains(t, body, "\xff\xfe")
		}},
		"html": {"html=100%", 0, 400, func(t *testing.T, body string, h http.Header, err error) {
			assert.Greater(t, len(body), 10<<20)
			assert.Equal(t, "text/html; charset=utf-8", h.Get("Content-Type"))
		}},
		"echo": {"echo=100%", 0, 400, func(t *testing.T, body string, h http.Header, err error) {
			assert.Contains(t, body, "u1")
			assert.Contains(t, body, testKey)
		}},
		"redirect": {"redirect=100%", 0, 302, func(t *testing.T, body string, h http.Header, err error) {
			u, bad := url.Parse(h.Get("Location"))
			assert.NoError(t, bad)
			assert.Equal(t, "localhost", u.Hostname())
			assert.Equal(t, testKey, u.Query().Get("apiKey"))
		}},
		"down":       {"down=0+1000", 0, 0, func(t *testing.T, body string, h http.Header, err error) { isEOF(t, err) }},
		"401after":   {"401after=1", 0, 401, nil},
		"429for":     {"429for=1h", 0, 429, nil},
		"poison":     {"poison=100%", 0, 500, nil},
		"refuse":     {"refuse=100%", 0, 400, nil},
		"subject500": {"subject503=u1", 0, 503, nil},
		"another":    {"subject503=u2", 1, 200, nil},
		"latency":    {"latency=30ms", 1, 200, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{Faults: faults(t, c.spec)})
			began := time.Now()
			r := request(t, s, Docs, docsBody)
			r.GetBody = nil // or the client repeats the request by itself
			code, body, h, err := do(r)
			if c.code != 0 {
				require.NoError(t, err)
			}
			if name != "cut" {
				assert.Equal(t, c.code, code)
			}
			assert.Equal(t, c.stored, s.Stats().Stored)
			assert.Len(t, s.Consents(), int(c.stored))
			if c.check != nil {
				c.check(t, body, h, err)
			}
			if name == "latency" {
				assert.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
			}
			var counted int64
			for _, n := range s.Stats().Faults {
				counted += n
			}
			if name != "another" && name != "latency" {
				assert.EqualValues(t, 1, counted, s.Stats().Faults)
			}
			s.SetFaults(Faults{})
			code, _, _, err = do(request(t, s, Docs, docsBody))
			require.NoError(t, err)
			assert.Equal(t, 200, code, "when the faults are over, the consent is taken")
		})
	}
}

func TestHangEndsWhenTheClientGivesUp(t *testing.T) {
	s := start(t, Config{Faults: faults(t, "hang=100%")})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, _, err := do(request(t, s, Docs, docsBody).WithContext(ctx))
	assert.ErrorIs(t, err, context.DeadlineExceeded)

	s.SetFaults(Faults{})
	code, _, _, err := do(request(t, s, Docs, docsBody))
	require.NoError(t, err)
	assert.Equal(t, 200, code)
	assert.EqualValues(t, 1, s.Stats().MaxInFlight, "a request that was given up does not count beside its repeat")
	assert.EqualValues(t, 1, s.Stats().Stored)
	require.Eventually(t, func() bool { return s.Stats().InFlight == 0 }, 5*time.Second, time.Millisecond)
	assert.Equal(t, map[string]int64{"0": 1, "200": 1}, s.Stats().ByStatus)
}

func TestSeesTwoInFlightForOneSubject(t *testing.T) {
	s := start(t, Config{Faults: faults(t, "latency=100ms")})
	send := func(edits ...map[string]any) {
		var g sync.WaitGroup
		for _, edit := range edits {
			r := request(t, s, Docs, body(t, Docs, edit))
			g.Go(func() {
				_, _, _, err := do(r)
				assert.NoError(t, err)
			})
		}
		g.Wait()
	}
	type edit = map[string]any
	send(edit{"userId": "a"}, edit{"userId": "b"}, edit{"userId": "a", "category": "other"},
		edit{"userId": nil, "profileId": "a", "sourceId": 1})
	st := s.Stats()
	assert.EqualValues(t, 1, st.MaxInFlight, "other subjects and categories go side by side")
	assert.Greater(t, st.InFlightMax, int64(1))
	send(edit{"userId": "a"}, edit{"userId": "a", "action": "reject"}, edit{"userId": "a"})
	assert.EqualValues(t, 3, s.Stats().MaxInFlight)
}

func TestStableFaultsHitTheSameOnes(t *testing.T) {
	s := start(t, Config{Seed: 7, Faults: faults(t, "poison=30%,refuse=30%")})
	round := func() (codes []int) {
		for i := range 60 {
			code, _, _, err := do(request(t, s, Docs, body(t, Docs, map[string]any{"userId": fmt.Sprint("user", i)})))
			require.NoError(t, err)
			codes = append(codes, code)
		}
		return codes
	}
	first := round()
	assert.Contains(t, first, 200)
	assert.Contains(t, first, 400)
	assert.Contains(t, first, 500)
	assert.Equal(t, first, round(), "a repeat gets the same answer")
	s.SetFaults(faults(t, "refuse=30%"))
	for i, code := range round() {
		if first[i] != 500 {
			assert.Equal(t, first[i], code)
		}
	}
	s.SetFaults(Faults{})
	assert.NotContains(t, round(), 400)
}

func TestRedirectsFollowedAreCounted(t *testing.T) {
	s := start(t, Config{Faults: faults(t, "redirect=100%")})
	res, err := http.DefaultClient.Do(request(t, s, Docs, docsBody))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.EqualValues(t, 1, s.Stats().RedirectsFollowed)
}

func TestManyClientsAtOnce(t *testing.T) {
	s := start(t, Config{Key: testKey, Faults: faults(t, "400=2%,429=5%,500=2%,lost=1%,reset=1%")})
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer c.CloseIdleConnections()
	var g sync.WaitGroup
	want := make([]int64, 16)
	for worker := range 16 {
		bodies := make([]string, 50)
		for i := range bodies {
			bodies[i] = body(t, Docs, map[string]any{"userId": fmt.Sprint("w", worker), "message": strconv.Itoa(i)})
		}
		url := s.URL() + "/acme/projects/web/consents/data?apiKey=" + testKey
		g.Go(func() {
			for _, b := range bodies {
				r, err := http.NewRequest("POST", url, strings.NewReader(b))
				if !assert.NoError(t, err) {
					return
				}
				r.Header.Set("Content-Type", "application/json")
				r.GetBody = nil
				res, err := c.Do(r)
				if err != nil {
					continue
				}
				_, err = io.Copy(io.Discard, res.Body)
				assert.NoError(t, err)
				assert.NoError(t, res.Body.Close())
				if res.StatusCode == 200 {
					want[worker]++
				}
			}
		})
	}
	g.Wait()
	st := s.Stats()
	var taken int64
	for worker, n := range want {
		taken += n
		of := s.Of(fmt.Sprint("w", worker))
		last := -1
		for _, c := range of {
			i, err := strconv.Atoi(c.Message)
			require.NoError(t, err)
			assert.Greater(t, i, last, "order of arrival")
			last = i
		}
	}
	assert.Equal(t, st.Stored, taken+st.Faults["lost"])
	assert.EqualValues(t, 800, st.Requests)
	assert.EqualValues(t, 1, st.MaxInFlight)
	assert.EqualValues(t, 16, st.Subjects)
	assert.Equal(t, st.Stored, st.Distinct)
	var answers int64
	for _, n := range st.ByStatus {
		answers += n
	}
	assert.EqualValues(t, 800, answers)
	for i, c := range s.Consents() {
		require.EqualValues(t, i+1, c.Seq)
	}
}

func TestLogNamesNobody(t *testing.T) {
	var out bytes.Buffer
	var mu sync.Mutex
	log := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := start(t, Config{Addr: "0.0.0.0:0", Key: testKey, Log: log, Faults: faults(t, "echo=50%,lost=10%,redirect=10%,subject500=u1")})
	base := strings.Replace(s.URL(), "0.0.0.0", "127.0.0.1", 1)
	base = strings.Replace(base, "[::]", "127.0.0.1", 1)
	for range 30 {
		r, err := http.NewRequest("POST", base+"/o/projects/p/consents/data?apiKey="+testKey, strings.NewReader(docsBody))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		_, _, _, _ = do(r)
	}
	_, _, _, err := do(mustRequest(t, "POST", strings.TrimSuffix(base, "/v1")+"/_sandbox/faults", "subject500=u1"))
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	assert.Contains(t, out.String(), "beyond this machine")
	assert.NotContains(t, out.String(), "u1")
	assert.NotContains(t, out.String(), "secret")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func mustRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	return r
}

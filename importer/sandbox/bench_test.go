package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// BenchmarkStore keeps consents of about 110 bytes of text, two and a half a
// subject. B/consent is all memory that they take; run it with
// -benchtime=10000000x for what a soak needs.
func BenchmarkStore(b *testing.B) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := newStore(b.TempDir())
	var packed []byte
	c := mapping.Consent{Action: mapping.Accept, Timestamp: 1767225600000, ValidUntil: mapping.Unlimited,
		Source: []byte("web"), Category: []byte("marketing"), Message: []byte("Migrated from ACME, record 0123456789")}
	now := time.Now()
	b.ResetTimer()
	for i := range b.N {
		c.UserID = fmt.Appendf(c.UserID[:0], "user-%020d", i*2/5)
		c.Email = append(append(c.Email[:0], c.UserID...), "@example.com"...)
		c.Timestamp += 17
		packed = pack(packed[:0], &c)
		if _, err := s.add(now, Docs, &c, packed, xxhash.Sum64(packed)); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "B/consent")
	require.EqualValues(b, b.N, s.seq)
}

func BenchmarkDecode(b *testing.B) {
	in := []byte(body(b, Docs, map[string]any{"sourceId": int64(9007199254740993), "message": strings.Repeat("x", 60)}))
	var d decoder
	var c mapping.Consent
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if err := d.decode(in, Docs, &c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRequest is what one request costs beside net/http.
func BenchmarkRequest(b *testing.B) {
	s, err := New(Config{Key: testKey})
	require.NoError(b, err)
	var in strings.Reader
	text := body(b, Docs, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/acme/projects/web/consents/data?apiKey="+testKey, &in)
	r.Header.Set("Content-Type", "application/json")
	w := silent{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(text)
		s.ServeHTTP(w, r)
	}
	require.Zero(b, s.Stats().ByStatus["400"])
}

type silent struct{ h http.Header }

func (s silent) Header() http.Header         { return s.h }
func (s silent) Write(b []byte) (int, error) { return len(b), nil }
func (s silent) WriteHeader(int)             {}

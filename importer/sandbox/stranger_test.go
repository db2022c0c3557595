package sandbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A page of another site in a browser of this machine gets nothing out of the sandbox
// and puts nothing in: neither under a name that a name server leads here, nor from
// its own origin.
func TestStrangersAreTurnedAway(t *testing.T) {
	s, err := Start(Config{Key: "a.b"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	own := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/v1")
	_, port, _ := strings.Cut(own, ":")
	for name, c := range map[string]struct {
		host, origin string
		status       int
	}{
		"its own address":          {own, "", 200},
		"localhost":                {"localhost:" + port, "", 200},
		"a proxy on this machine":  {"127.0.0.1:1", "", 200},
		"its own page":             {own, "http://" + own, 200},
		"a name that leads here":   {"evil.example:" + port, "", 403},
		"another site":             {own, "https://evil.example", 403},
		"another port":             {own, "http://127.0.0.1:1", 403},
		"a page without an origin": {own, "null", 403},
		"a name that begins alike": {"127.0.0.1.evil.example", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/_sandbox/stats", "/_sandbox/consents"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+own+path, nil)
				require.NoError(t, err)
				r.Host = c.host
				if c.origin != "" {
					r.Header.Set("Origin", c.origin)
				}
				resp, err := http.DefaultClient.Do(r)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, c.status, resp.StatusCode)
			}
		})
	}
}

package intempt

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/sandbox"
	"github.com/consentimport/consentimport/importer/targettest"
)

// secretsOf are the forms in which a key is sent.
func secretsOf(t *testing.T) []string {
	t.Helper()
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	identifier, secret, _ := key.halves()
	return []string{testKey, identifier, secret, url.QueryEscape(testKey), url.QueryEscape(secret), url.PathEscape(secret), basicToken(key)}
}

func clientTo(t *testing.T, baseURL string, d Dialect, timeout time.Duration) *Client {
	t.Helper()
	key, err := ParseKey(testKey)
	require.NoError(t, err)
	return newClient(t, Config{BaseURL: baseURL, Org: "acme", Project: "shop", Key: key, Dialect: d, Concurrency: 32, Timeout: timeout})
}

// The client is a target, in both dialects.
func TestTheClientIsATarget(t *testing.T) {
	for d := range Dialect(len(dialects)) {
		t.Run(d.String(), func(t *testing.T) {
			targettest.Run(t, targettest.Suite{
				Secrets: secretsOf(t),
				Target: func(t *testing.T, s targettest.Situation, timeout time.Duration) targettest.Target {
					return clientTo(t, "http://"+targettest.Serve(t, s, targettest.Replies{})+"/v1", d, timeout)
				},
			})
		})
	}
}

// The sandbox stands for the real target: it can be in every situation, but
// for two that only a broken server gets into.
func TestTheSandboxIsATarget(t *testing.T) {
	faults := map[targettest.Situation]string{
		targettest.Accepts: "", targettest.AcceptsSilently: "204=100%", targettest.Refuses: "400=100%", targettest.RefusesWithJunk: "html=100%",
		targettest.RefusesKey: "401=100%", targettest.Redirects: "redirect=100%", targettest.Throttles: "429=100%,retryafter=7",
		targettest.ThrottlesAbsurdly: "429=100%,retryafter=absurd", targettest.Fails: "500=100%", targettest.Hangs: "hang=100%",
		targettest.Resets: "reset=100%", targettest.CutsOff: "cut=100%", targettest.Echoes: "echo=100%", targettest.Absent: "",
	}
	targettest.Run(t, targettest.Suite{
		Secrets: secretsOf(t),
		Lacks: map[targettest.Situation]string{
			targettest.Stalls: "it cuts off or hangs, and nothing between", targettest.Floods: "no fault of it has no end",
		},
		Target: func(t *testing.T, s targettest.Situation, timeout time.Duration) targettest.Target {
			spec, ok := faults[s]
			require.True(t, ok, "no fault of the sandbox for %q", s)
			f, err := sandbox.ParseFaults(spec)
			require.NoError(t, err)
			server, err := sandbox.Start(sandbox.Config{Key: testKey, Faults: f})
			require.NoError(t, err)
			baseURL := server.URL()
			if s == targettest.Absent {
				require.NoError(t, server.Close())
			} else {
				t.Cleanup(func() { require.NoError(t, server.Close()) })
			}
			return clientTo(t, baseURL, Docs, timeout)
		},
	})
}

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// markedKey and marks are what must be found nowhere.
const markedKey = "markedident.marked+secret/4711=="

var marks = []string{
	"zebra", // of every person's id, e-mail address and profile
	"markedident", "marked+secret", "marked%2Bsecret", "4711==", "4711%3D",
	base64.StdEncoding.EncodeToString([]byte("markedident:marked+secret/4711==")),
}

// markedExport has people in it whose every identifier is marked, in rows that
// arrive, are refused, are invalid in one way or another, and are skipped.
func markedExport() string {
	text := "n,id,mail,profile,purpose,decision,decided\n"
	row := func(n int, decision, decided string) string {
		return fmt.Sprintf("%d,zebra-id-%d,Zebra.%d@mark.example,zebra-profile-%d,mail,%s,%s\n", n, n, n, n, decision, decided)
	}
	for n := 1; n <= 40; n++ {
		text += row(n, "yes", "2024-01-01T00:00:00Z")
	}
	text += row(41, "zebra-decision@mark.example", "2024-01-01T00:00:00Z")
	text += row(42, "yes", "zebra-time@mark.example")
	text += row(43, "", "2024-01-01T00:00:00Z")
	text += "44,zebra-id-44,zebra.44@mark.example\n"
	text += "45,\"zebra-id-45,zebra.45@mark.example,p,mail,yes,2024-01-01T00:00:00Z\n" + row(46, "no", "2024-01-01T00:00:00Z")
	text += row(47, "no", "")
	return text
}

const markedMapping = `name: marked
consent:
  userId: id
  email: mail
  profileId: profile
  sourceId: {const: "1234567890123456789"}
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: decided
  validUntil: unlimited
  source: {const: web}
  category: purpose
  message: {template: "record of {id}"}
`

// The key and the people of an export appear in nothing that the program prints
// or writes, whatever happens, but in the files that are made to hold them.
func TestNoKeyAndNoPersonLeaks(t *testing.T) {
	hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request", r.URL.String())
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"errors":[{"message":"no: %s %s"}]}`, r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(hostile.Close)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are to fail
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())

	for name, c := range map[string]struct {
		faults string
		flags  []string
		env    []string
		codes  []int
	}{
		"a dry run":                 {flags: []string{"--dry-run"}, codes: []int{exitFailures}},
		"a server that echoes":      {faults: "echo=60%", flags: []string{"--max-failures", "100%"}, codes: []int{exitFailures, exitPermissive}},
		"the same in the other way": {faults: "echo=60%", flags: []string{"--max-failures", "100%", "--dialect", "sdk"}, codes: []int{exitFailures, exitPermissive}},
		"a redirect with the key":   {faults: "redirect=100%", codes: []int{exitIncomplete}},
		"junk, resets, lost":        {faults: "junk=10%,reset=10%,lost=10%,cut=10%,500=10%", codes: []int{exitFailures, exitPermissive}},
		"poison":                    {faults: "poison=50%", flags: []string{"--attempts", "1"}, codes: []int{exitFailures, exitPermissive, exitIncomplete}},
		"a refusal that echoes":     {flags: []string{"--base-url", hostile.URL}, codes: []int{exitIncomplete}},
		"an untrusted certificate":  {flags: []string{"--base-url", untrusted.URL, "--retry-for", "1s"}, codes: []int{exitIncomplete}},
		"nobody listening":          {flags: []string{"--base-url", "http://" + closed.Addr().String(), "--retry-for", "1s"}, codes: []int{exitIncomplete}},
		"an unknown host":           {flags: []string{"--base-url", "https://nowhere.invalid/v1", "--retry-for", "1s"}, codes: []int{exitIncomplete}},
		"a proxy that is not there": {flags: []string{"--base-url", "https://nowhere.invalid/v1", "--retry-for", "1s"}, env: []string{"HTTPS_PROXY=http://" + closed.Addr().String()}, codes: []int{exitIncomplete}},
		"a key in the wrong place":  {flags: []string{"--base-url", "https://api.example.com/v1?apiKey=" + markedKey}, codes: []int{exitRefused}},
		"a key as user info":        {flags: []string{"--base-url", "https://markedident:4711==@api.example.com/v1"}, codes: []int{exitRefused}},
		"a key with a slash there":  {flags: []string{"--base-url", "https://" + markedKey + "@api.example.com/v1"}, codes: []int{exitRefused}},
		"the same, in a dry run":    {flags: []string{"--dry-run", "--base-url", "https://" + markedKey + "@api.example.com/v1"}, codes: []int{exitRefused}},
		"a key in a path":           {flags: []string{"--base-url", "https://api.example.com/" + markedKey + "/v1"}, codes: []int{exitRefused}},
		"a key as organisation":     {flags: []string{"--dry-run", "--org", markedKey}, codes: []int{exitRefused}},
		"an unknown flag":           {flags: []string{"--api-keys", "x"}, codes: []int{exitRefused}},
		"a lint, strictly":          {flags: []string{"--strict"}, codes: []int{exitRefused, exitFailures, exitPermissive}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, c.faults)
			r.write(t, "plain.yaml", markedMapping)
			r.write(t, "export.csv", markedExport())
			r.env = append([]string{"INTEMPT_API_KEY=" + markedKey}, c.env...)
			r.restart(t, markedKey, c.faults)
			said := ""
			run := func(args ...string) finished {
				f := r.exec(t, args...)
				said += f.stdout + f.stderr
				return f
			}
			got := run(r.args(append([]string{"--out", "out"}, c.flags...)...)...)
			require.Contains(t, c.codes, got.code, got.stderr)
			run(r.args(append([]string{"--out", "out", "--resume", "--limit", "1"}, c.flags...)...)...)
			run("report", "out")
			run("report", "--json", "out")
			run("verify", "out")
			run("verify", "--subject", "zebra-id-3", "out")
			run("inspect", r.export)
			run("mapping", "check", "plain.yaml")
			holdsNoMark(t, "what was printed", said)
			checked := 0
			for file, text := range filesBelow(t, filepath.Join(r.dir, "out")) {
				switch base := filepath.Base(file); {
				case strings.HasPrefix(base, "rejected."), base == "suppress.csv", base == "decisions.csv", base == "input.zst", strings.HasPrefix(base, "repair-"):
				default:
					checked++
					holdsNoMark(t, base, text)
				}
			}
			if got.code != exitRefused {
				assert.Greater(t, checked, 3, "files were looked at")
			}
		})
	}
}

// restart puts a sandbox with another key in the place of the first.
func (r *rehearsal) restart(t *testing.T, key, faults string) {
	t.Helper()
	require.NoError(t, r.server.Close())
	r.server = newSandboxWith(t, key, faults)
}

func holdsNoMark(t *testing.T, where, text string) {
	t.Helper()
	low := strings.ToLower(text)
	for _, m := range marks {
		if i := strings.Index(low, strings.ToLower(m)); i >= 0 {
			assert.Fail(t, "a leak", "%s holds %q: …%s…", where, m, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

// filesBelow reads a directory, if there is one.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	return filesIn(t, dir)
}

// What a spreadsheet or a browser would run is disarmed in every report.
func TestReportsRunNothing(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	evil := `=HYPERLINK("http://evil.example")<script>alert(1)</script>`
	row := func(n, decision string) string {
		return n + `,ann,a@b.example,"` + strings.ReplaceAll(evil, `"`, `""`) + `",` + decision + ",2024-01-01T00:00:00Z\n"
	}
	r.write(t, "export.csv", exportHeader+row("1", "yes")+row("2", "no")+row("3", "=1+1"))
	r.faults(t, "refuse=60%")
	r.here(t, nil, r.args()...)
	for name, text := range filesIn(t, r.out()) {
		switch name {
		case "report.html":
			assert.NotContains(t, text, "<script>alert")
		case "failures.csv", "successes.csv":
			cells := 0
			for _, c := range []string{"category", "reason", "message", "action", "file"} {
				if name == "successes.csv" && (c == "reason" || c == "message") {
					continue
				}
				for _, cell := range column(t, r.out(), name, c) {
					cells++
					if cell != "" {
						assert.NotContains(t, "=+-@\t\r", cell[:1], name)
					}
				}
			}
			assert.NotZero(t, cells, name)
		}
	}
}

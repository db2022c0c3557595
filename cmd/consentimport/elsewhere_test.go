package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The query of a presigned URL; no part of it may be seen.
const (
	presigned = "X-Amz-Credential=AKIASEEN&X-Amz-Signature=5ecre75ignature"
	anew      = "X-Amz-Credential=AKIASEEN&X-Amz-Signature=another5ignature"
)

// bucket serves an object to whoever has one of two signatures.
func bucket(t *testing.T, object string, valid *atomic.Value) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != valid.Load() {
			http.Error(w, "denied: "+r.URL.RawQuery, http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(object))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// An export behind a presigned URL is imported, gone on with under another signature and
// another path, reported, verified and rehearsed; the signature stands in no file and no
// output.
func TestAnExportElsewhere(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(exportHeader)
	for i := range 60 {
		text.WriteString(exportRow(i+1, "p"+string(rune('a'+i%26))+string(rune('a'+i/26)), "mail", "yes"))
	}
	text.WriteString("61,zoe,z@people.example,mail,WRONG,2024-01-01T00:00:00Z\n")
	var valid atomic.Value
	valid.Store(presigned)
	base := bucket(t, gzipped(text.String()), &valid)
	r := newRehearsal(t, "")
	secretFree := func(got finished) finished {
		t.Helper()
		for _, s := range []string{"5ignature", "AKIASEEN", "X-Amz"} {
			require.NotContains(t, got.stdout+got.stderr, s)
		}
		return got
	}
	url := base + "/dir/export.csv.gz?"
	plain := filepath.Join(r.dir, "plain.yaml")
	flags := append(r.target(), "--mapping", plain, "--progress", "none")
	run := func(url string, more ...string) finished {
		t.Helper()
		return secretFree(r.here(t, nil, append(append(append([]string{"run"}, flags...), more...), url)...))
	}
	out := filepath.Join(r.dir, "import")
	inDir := []string{"--out", out}

	got := secretFree(r.here(t, nil, "inspect", url+presigned))
	got.requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, base+"/dir/export.csv.gz")
	got = run(url+"wrong", inDir...)
	got.requireCode(t, exitRefused)
	assert.Contains(t, got.stderr, "a presigned URL may have expired")
	run(url+presigned, "--dry-run", "--out", filepath.Join(r.dir, "dry")).requireCode(t, exitFailures)
	run(url+presigned, append(inDir, "--limit", "20")...).requireCode(t, exitIncomplete)

	valid.Store(anew) // the first one has expired
	run(url+presigned, append(inDir, "--resume")...).requireCode(t, exitRefused)
	run(base+"/moved/export.csv.gz?"+anew, append(inDir, "--resume")...).requireCode(t, exitFailures)
	assert.Len(t, r.server.Consents(), 60)

	secretFree(r.here(t, nil, "report", out)).requireCode(t, exitRefused)
	r.env = append(r.env, exportURL+"="+base+"/moved/export.csv.gz?"+anew)
	secretFree(r.here(t, nil, "report", out)).requireCode(t, exitFailures)
	secretFree(r.here(t, nil, "verify", out)).requireCode(t, exitComplete)
	secretFree(r.here(t, nil, "verify", out, "--subject", "paa")).requireCode(t, exitComplete)
	run(base+"/moved/export.csv.gz", "--dry-run").requireCode(t, exitFailures) // its query comes from the environment
	got = secretFree(r.here(t, nil, "rehearse", "--mapping", plain, "--progress", "none", "--limit", "0", url+anew))
	assert.Contains(t, got.stdout, "60", got.stderr)

	count := 0
	require.NoError(t, filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		count++
		data, err := os.ReadFile(path)
		for _, s := range []string{"5ignature", "AKIASEEN", "X-Amz"} {
			assert.False(t, bytes.Contains(data, []byte(s)), "%s holds %s", path, s)
		}
		return err
	}))
	require.Greater(t, count, 8)
}

// Places that are not read are refused with the way out.
func TestOtherPlacesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	plain := filepath.Join(r.dir, "plain.yaml")
	for url, says := range map[string]string{
		"gs://bucket/export.csv":                      "presign it",
		"azblob://container/export.csv":               "SAS URL",
		"ftp://host.example/export.csv":               "download it, mount it",
		"http://host.example/export.csv?" + presigned: "is not encrypted",
		"https://u:5ecret@host.example/export.csv":    "presigned URL",
	} {
		for _, command := range [][]string{{"inspect"}, {"run", "--dry-run", "--mapping", plain}, {"mapping", "try", plain}, {"rehearse", "--mapping", plain}} {
			got := r.here(t, nil, append(append([]string{}, command...), url)...)
			got.requireCode(t, exitRefused)
			assert.Contains(t, got.stderr, says)
			assert.NotContains(t, got.stderr, "5ecret")
			assert.NotContains(t, got.stderr, "5ignature")
		}
	}
}

// The out directory of an export elsewhere is one here, named like the object.
func TestOutDirectoryOfAnExportElsewhere(t *testing.T) {
	for url, want := range map[string]string{"https://h.example/a/b.csv.gz": "b.csv.gz.import", "s3://bucket/a/b.zip": "b.zip.import"} {
		assert.Equal(t, want, new(runFlags).dir([]string{url}))
	}
}

// A presigned URL expires in the middle: whatever has been read by then, the run stops with
// what to do and without the query, and goes on with another URL of the same object.
func TestAPresignedURLExpires(t *testing.T) {
	t.Parallel()
	const rows = 30
	reported := 0
	pad := strings.Repeat("x", 4<<10)
	var text strings.Builder
	text.WriteString("pad," + exportHeader)
	for n := 1; n <= rows; n++ { // more than is kept of what was read
		text.WriteString(pad + "," + exportRow(n, "u"+strconv.Itoa(n), "mail", "yes"))
	}
	for _, c := range []struct {
		limit int   // rows of a run before, whose reports a survey writes
		after int64 // requests
	}{{0, 28}, {10, 28}} {
		var valid atomic.Value
		valid.Store(presigned)
		var requests atomic.Int64
		object := text.String()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != valid.Load() || valid.Load() == presigned && requests.Add(1) > c.after {
				http.Error(w, "expired: "+r.URL.RawQuery, http.StatusForbidden)
				return
			}
			w.Header().Set("ETag", `"1"`)
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(object))
		}))
		r := newRehearsal(t, "")
		r.chunk = 16 << 10
		r.rows, r.export = rows, filepath.Join(r.dir, "export.csv")
		run := func(query string, more ...string) finished {
			args := append(append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", r.out(), "--progress", "none"}, r.target()...), more...)
			name := "/export.csv?"
			if query == anew {
				name = "/a-copy-of-it.csv?"
			}
			got := r.here(t, nil, append(args, s.URL+name+query)...)
			for _, secret := range []string{"5ignature", "AKIASEEN", "X-Amz"} {
				require.NotContains(t, got.stdout+got.stderr, secret)
			}
			return got
		}
		if c.limit > 0 {
			valid.Store(anew)
			run(anew, "--limit", strconv.Itoa(c.limit)).requireCode(t, exitIncomplete)
			valid.Store(presigned)
		}
		got := run(presigned, "--resume")
		got.requireCode(t, exitIncomplete)
		message := got.stderr[strings.Index(got.stderr, "error: "):]
		assert.Equal(t, 2, strings.Count(message, "\n"), message)
		assert.Contains(t, message, "a presigned URL may have expired")
		assert.Contains(t, message, "hint: get a new URL of the same object, and set CONSENTIMPORT_EXPORT_URL")
		valid.Store(anew)
		if strings.Contains(message, "everything sent is in the checkpoint") {
			reported++
			for _, command := range []string{"report", "verify", "evidence"} {
				refused := r.here(t, nil, command, r.out()).requireCode(t, exitRefused)
				assert.Contains(t, refused.stderr, "hint: get a new URL of the same object, and set CONSENTIMPORT_EXPORT_URL", command)
			}
			r.env = append(r.env, exportURL+"="+s.URL+"/a-copy-of-it.csv?"+anew)
			code, said := r.typed(t, printed(t, message))
			require.Equal(t, exitComplete, code, said)
		} else {
			run(anew, "--resume").requireCode(t, exitComplete)
		}
		assert.Zero(t, r.account(t), "repeats")
		later := r.program // from a third place, where it is the same object under the name of the first
		later.env = append(slices.Clone(r.env), exportURL+"="+s.URL+"/archived.csv?"+anew)
		later.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
		assert.Len(t, slices.Compact(column(t, r.out(), "successes.csv", "file")), 1)
		s.Close()
	}
	assert.Equal(t, 1, reported, "one while it sent, one while it reported")
}

package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jobArgs are those of a job that is printed as it stands.
func jobArgs(kind string, more ...string) []string {
	return append([]string{"job", kind, "--shards", "3", "--mapping", "m.yaml", "--org", "acme", "--project", "shop"}, more...)
}

// What is printed holds no key and no query, and nothing is read for it: no file of these
// is there.
func TestJobReadsNothingAndHoldsNoKey(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir(), env: []string{"INTEMPT_API_KEY=" + testKey, "INTEMPT_BASE_URL=https://api.example/v1", "INTEMPT_PROJECT=other", "CONSENTIMPORT_RATE=50"}}
	for _, kind := range []string{"kubernetes", "slurm"} {
		got := p.here(t, nil, "job", kind, "--shards", "3", "--mapping", "m.yaml", "--org", "acme", "--progress", "none", "--out", "it's here", "export 1.csv", "export 2.csv").requireCode(t, exitComplete)
		assert.NotContains(t, got.stdout, testKey)
		for _, flag := range []string{"--base-url=https://api.example/v1", "--org=acme", "--project=other", "--rate=50", "--progress=none", "--shard", "auto", "--resume", "export 1.csv", "export 2.csv"} {
			assert.Contains(t, got.stdout, flag, kind)
		}
		assert.Empty(t, got.stderr)
	}
	left, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestJobRefuses(t *testing.T) {
	t.Parallel()
	p := program{dir: t.TempDir()}
	for name, c := range map[string]struct {
		says string
		args []string
	}{
		"no number":    {"--shards 0", []string{"job", "slurm", "--preset", "transcend", "--org", "a", "--project", "b", "e.csv"}},
		"no mapping":   {"--preset NAME", []string{"job", "slurm", "--shards", "3", "--org", "a", "--project", "b", "e.csv"}},
		"no target":    {"INTEMPT_ORG", []string{"job", "slurm", "--shards", "3", "--preset", "transcend", "e.csv"}},
		"preset":       {"no preset", []string{"job", "slurm", "--shards", "3", "--preset", "transcendd", "--org", "a", "--project", "b", "e.csv"}},
		"input":        {"standard input", jobArgs("slurm", "-")},
		"dry run":      {"--dry-run", jobArgs("slurm", "--dry-run", "e.csv")},
		"limit":        {"--limit", jobArgs("kubernetes", "--limit", "3", "e.csv")},
		"events":       {"--events e.jsonl", jobArgs("kubernetes", "--events", "e.jsonl", "e.csv")},
		"metrics":      {"--metrics :9090", jobArgs("slurm", "--metrics", ":9090", "e.csv")},
		"query":        {"is a secret", jobArgs("kubernetes", "https://bucket.example/e.csv?X-Amz-Signature=abc")},
		"key file":     {"--secret NAME/KEY", jobArgs("kubernetes", "--api-key-file", "k", "e.csv")},
		"elsewhere":    {"not below /data", jobArgs("kubernetes", "/home/me/e.csv")},
		"above":        {"not below /data", jobArgs("kubernetes", "../e.csv")},
		"mapping":      {"--mapping /etc/m.yaml", append(jobArgs("kubernetes", "e.csv"), "--mapping", "/etc/m.yaml")},
		"volume":       {"CLAIM:PATH", jobArgs("kubernetes", "--volume", "data", "e.csv")},
		"secret":       {"NAME/KEY", jobArgs("kubernetes", "--secret", "key", "e.csv")},
		"secret's key": {"NAME/KEY", jobArgs("kubernetes", "--secret", "a/b/c", "e.csv")},
		"image":        {"--image", jobArgs("kubernetes", "--image", "a b", "e.csv")},
		"no export":    {"give the files", jobArgs("slurm")},
		"format":       {"--format", jobArgs("slurm", "--format", "xml", "e.csv")},
		"encoding":     {"--encoding", jobArgs("slurm", "--encoding", "utf9", "e.csv")},
		"delimiter":    {"--delimiter", jobArgs("slurm", "--delimiter", "ab", "e.csv")},
		"parameter":    {"there is no parameter \"purpose\"", []string{"job", "slurm", "--shards", "3", "--preset", "transcend", "--set", "purpose=a", "--org", "a", "--project", "b", "e.csv"}},
		"no parameter": {"timestamp", []string{"job", "slurm", "--shards", "3", "--preset", "shopify", "--org", "a", "--project", "b", "e.csv"}},
		"set":          {"NAME=VALUE", []string{"job", "slurm", "--shards", "3", "--mapping", "m.yaml", "--set", "x", "--org", "a", "--project", "b", "e.csv"}},
		"two mappings": {"--preset and --mapping", jobArgs("slurm", "--preset", "transcend", "e.csv")},
		"strictness":   {"--dry-run --strict", jobArgs("slurm", "--strict", "e.csv")},
		"shard":        {"--shards N", jobArgs("slurm", "--shard", "1/2", "e.csv")},
		"key in a URL": {"--base-url", append(jobArgs("slurm", "e.csv"), "--base-url", "http://target.example")},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.here(t, nil, c.args...).requireCode(t, exitRefused)
			assert.Contains(t, got.message(t), c.says)
			assert.Empty(t, got.stdout)
			assert.NotContains(t, got.stderr, "abc")
		})
	}
}

// An image without any other file has no trusted roots but those in the program.
func TestTrustedRootsAreInside(t *testing.T) {
	if os.Getenv("SSL_CERT_FILE") == os.DevNull {
		pool, err := x509.SystemCertPool()
		require.NoError(t, err)
		assert.False(t, pool.Equal(x509.NewCertPool()), "trusted roots")
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe, "-test.run=^TestTrustedRootsAreInside$")
	c.Env = []string{"SSL_CERT_FILE=" + os.DevNull, "SSL_CERT_DIR=" + t.TempDir(), "HOME=" + t.TempDir()}
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
}

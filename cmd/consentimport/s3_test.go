package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An import from a real S3 server, stopped and gone on with, leaves the same files as one
// of the same export from disk, byte for byte but for times and names.
func TestAnImportFromS3EqualsTheLocalOne(t *testing.T) {
	binary := os.Getenv("CONSENTIMPORT_VERSITYGW")
	if binary == "" {
		t.Skip("no real S3 server: .ci/run builds versitygw and names it in CONSENTIMPORT_VERSITYGW (a build of some minutes)")
	}
	t.Parallel()
	const id, secret = "AKIATRY0815", "wJalr-5ecr3t"
	r := newRehearsal(t, "")
	bucket := filepath.Join(r.dir, "data", "exports")
	require.NoError(t, os.MkdirAll(bucket, 0o700))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	server := exec.Command(binary, "--port", address, "--region", "us-east-1", "posix", filepath.Dir(bucket))
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+id, "ROOT_SECRET_KEY="+secret)
	require.NoError(t, server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(id, secret, ""), Region: "us-east-1"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		exists, err := client.BucketExists(t.Context(), "exports")
		return err == nil && exists
	}, waitFor, 20*time.Millisecond)
	text := gzipped(exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "WRONG") + "3,short\n" + exportRow(4, "ann", "mail", "no") + exportRow(5, "cat", "stats", "no"))
	_, err = client.PutObject(t.Context(), "exports", "dir/export.csv.gz", strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{DisableMultipart: true})
	require.NoError(t, err)

	files := map[string]map[string][]byte{}
	for place, export := range map[string]string{"local": r.write(t, "export.csv.gz", text), "s3": "s3://exports/dir/export.csv.gz"} {
		one := newRehearsal(t, "")
		one.env = append(one.env, "AWS_ENDPOINT_URL=http://"+address, "AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_REGION=us-east-1")
		out := filepath.Join(one.dir, "out")
		args := append(append([]string{"run", "--mapping", filepath.Join(one.dir, "plain.yaml"), "--out", out}, one.target()...), "--limit", "2", export)
		one.here(t, nil, args...).requireCode(t, exitIncomplete)
		args = append(append([]string{"run", "--out", out, "--resume"}, one.target()...), export)
		one.here(t, nil, args...).requireCode(t, exitFailures)
		one.here(t, nil, "verify", out).requireCode(t, exitComplete)
		files[place] = map[string][]byte{}
		for _, name := range []string{"successes.csv", "failures.csv", "rejected.csv", "decisions.csv"} {
			data, err := os.ReadFile(filepath.Join(out, name))
			require.NoError(t, err)
			files[place][name] = data
		}
		s := summaryIn(t, out)
		assert.EqualValues(t, len(text), s.Inputs[0].Bytes)
		for name, data := range files[place] {
			assert.False(t, bytes.Contains(data, []byte(secret)), name)
		}
	}
	assert.Equal(t, files["local"], files["s3"])
}

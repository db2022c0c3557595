package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gateway starts a real S3 server, versitygw over a directory, for the time of a test.
// CONSENTIMPORT_VERSITYGW names its binary, which .ci/run builds.
func gateway(t *testing.T) (endpoint string, put func(key string, data []byte)) {
	binary := os.Getenv("CONSENTIMPORT_VERSITYGW")
	if binary == "" {
		t.Skip("no real S3 server: .ci/run builds versitygw and names it in CONSENTIMPORT_VERSITYGW (a build of some minutes)")
	}
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data", "exports"), 0o700)) // a directory is a bucket
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	server := exec.Command(binary, "--port", address, "--region", "us-east-1", "posix", filepath.Join(dir, "data"))
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s3Key, "ROOT_SECRET_KEY="+s3Secret)
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	require.NoError(t, server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(s3Key, s3Secret, ""), Region: "us-east-1"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		exists, err := client.BucketExists(t.Context(), "exports")
		return err == nil && exists
	}, 20*time.Second, 20*time.Millisecond, "the S3 server does not start")
	put = func(key string, data []byte) {
		_, err := client.PutObject(t.Context(), "exports", key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{DisableMultipart: true})
		require.NoError(t, err)
	}
	return "http://" + address, put
}

const (
	s3Key    = "AKIATRY0815"
	s3Secret = "wJalr/Try+5ecr3t=K7"
)

// environmentOf gives the variables that lead to an endpoint.
func environmentOf(endpoint string, more ...string) func(string) string {
	env := map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": s3Key, "AWS_SECRET_ACCESS_KEY": s3Secret, "AWS_REGION": "us-east-1"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return func(name string) string { return env[name] }
}

// cutter is a listener before a server that cuts connections at random bytes of what the
// server says.
func cutter(t *testing.T, endpoint string, most int64) string {
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	rng := rand.New(rand.NewPCG(3, 9))
	var mu sync.Mutex
	var wait sync.WaitGroup
	t.Cleanup(wait.Wait)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			limit := rng.Int64N(most)
			mu.Unlock()
			wait.Go(func() {
				defer client.Close()
				server, err := net.Dial("tcp", u.Host)
				if err != nil {
					return
				}
				defer server.Close()
				go func() { _, _ = io.Copy(server, client) }()
				_, _ = io.CopyN(client, server, limit)
			})
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestS3 reads objects of a real S3 server, with connections cut at random bytes, byte
// for byte as files are read, whole and from the middle.
func TestS3(t *testing.T) {
	endpoint, put := gateway(t)
	text := remoteCSV(20 * testChunk)
	for _, p := range packings {
		t.Run(p.name, func(t *testing.T) {
			object := p.pack(t, text)
			key := "dir ü/" + strings.ReplaceAll(p.name, " ", "+") + ".csv"
			put(key, object)
			local := open(t, Config{Paths: write(t, object)}, blockSize, batchRows)
			want, err := readAll(t, local, local.Start(), ReadOptions{Sums: true})
			require.NoError(t, err)
			cfg := Config{Paths: []string{"s3://exports/" + key}, Remote: &Remote{Getenv: environmentOf(cutter(t, endpoint, 3*testChunk)), chunk: testChunk}}
			e := open(t, cfg, blockSize, batchRows)
			got, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
			require.NoError(t, err)
			require.Equal(t, rowsOf(want), rowsOf(got))
			require.Equal(t, want[len(want)-1].Mark, got[len(got)-1].Mark)
			middle := got[len(got)/2]
			again := open(t, cfg, blockSize, batchRows)
			require.NoError(t, again.Check(middle.Mark))
			rest, err := readAll(t, again, middle.Next, ReadOptions{Seed: &middle.Mark})
			require.NoError(t, err)
			require.Equal(t, rowsOf(want)[middle.Next.Row-1:], rowsOf(rest))
		})
	}
}

// TestS3Overwritten overwrites an object of a real S3 server while it is read.
func TestS3Overwritten(t *testing.T) {
	endpoint, put := gateway(t)
	text := remoteCSV(20 * testChunk)
	put("e.csv", text)
	e := open(t, Config{Paths: []string{"s3://exports/e.csv"}, Remote: &Remote{Getenv: environmentOf(endpoint), chunk: testChunk}}, blockSize, batchRows)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	defer r.Close()
	b, err := r.Next()
	require.NoError(t, err)
	require.NotEmpty(t, b.Rows)
	text[len(text)-2] ^= 1 // of the same length
	put("e.csv", text)
	for err == nil {
		_, err = r.Next()
	}
	var changed *ChangedError
	require.ErrorAs(t, err, &changed)
}

// TestS3Presigned reads an object by a URL that the server's key has signed.
func TestS3Presigned(t *testing.T) {
	endpoint, put := gateway(t)
	text := remoteCSV(3 * testChunk)
	put("e.csv", text)
	u, err := url.Parse(endpoint)
	require.NoError(t, err)
	client, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(s3Key, s3Secret, ""), Region: "us-east-1"})
	require.NoError(t, err)
	signed, err := client.PresignedGetObject(t.Context(), "exports", "e.csv", time.Minute, nil)
	require.NoError(t, err)
	location, query, err := Locate(signed.String())
	require.NoError(t, err)
	require.NotEmpty(t, query)
	e := open(t, Config{Paths: []string{location}, Remote: &Remote{Queries: map[string]string{location: query}, chunk: testChunk}}, blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, bytes.Count(text, []byte("\n"))-1, len(rowsOf(batches)))

	_, err = Open(Config{Paths: []string{location}, Remote: &Remote{Patience: time.Second}})
	require.ErrorContains(t, err, "answers 403 Forbidden; a presigned URL may have expired or lack its query")
}

// TestS3Refuses names the bucket and the key, and what to check; never a secret.
func TestS3Refuses(t *testing.T) {
	endpoint, put := gateway(t)
	put("e.csv", []byte("a,b\n1,2\n"))
	for name, c := range map[string]struct {
		path string
		env  func(string) string
		says string
	}{
		"no object":   {"s3://exports/none.csv", environmentOf(endpoint), "NoSuchKey (404)"},
		"no bucket":   {"s3://none/e.csv", environmentOf(endpoint), "NoSuchBucket (404)"},
		"wrong key":   {"s3://exports/e.csv", environmentOf(endpoint, "AWS_SECRET_ACCESS_KEY", "wrong"), "SignatureDoesNotMatch; check the credentials, AWS_REGION and AWS_ENDPOINT_URL"},
		"nobody here": {"s3://exports/e.csv", environmentOf("http://127.0.0.1:1"), "cannot be reached"},
		"plain":       {"s3://exports/e.csv", environmentOf("http://s3.example"), "AWS_ENDPOINT_URL is not encrypted"},
		"no URL":      {"s3://exports/e.csv", environmentOf("s3.example"), "AWS_ENDPOINT_URL is not an http or https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := Open(Config{Paths: []string{c.path}, Remote: &Remote{Getenv: c.env, Context: ctx, Patience: time.Second}})
			require.ErrorContains(t, err, c.path)
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, fmt.Sprint(err), s3Secret)
		})
	}
}

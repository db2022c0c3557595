package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source/s3test"
)

// at makes variables a getenv, those of the server and more of them, NAME=VALUE; later ones
// count.
func at(server *s3test.Server, more ...string) func(string) string {
	env := map[string]string{}
	for _, v := range append(server.Environment(), more...) {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
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
	server := s3test.Start(t)
	text := remoteCSV(20 * testChunk)
	for _, p := range packings {
		t.Run(p.name, func(t *testing.T) {
			object := p.pack(t, text)
			key := "dir ü/" + strings.ReplaceAll(p.name, " ", "+") + ".csv"
			server.Put(t, key, object)
			local := open(t, Config{Paths: write(t, object)}, blockSize, batchRows)
			want, err := readAll(t, local, local.Start(), ReadOptions{Sums: true})
			require.NoError(t, err)
			cfg := Config{Paths: []string{"s3://exports/" + key}, Remote: &Remote{Getenv: at(server, "AWS_ENDPOINT_URL="+cutter(t, server.Endpoint, 3*testChunk)), Chunk: testChunk}}
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
	server := s3test.Start(t)
	text := remoteCSV(20 * testChunk)
	server.Put(t, "e.csv", text)
	e := open(t, Config{Paths: []string{"s3://exports/e.csv"}, Remote: &Remote{Getenv: at(server), Chunk: testChunk}}, blockSize, batchRows)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	defer r.Close()
	b, err := r.Next()
	require.NoError(t, err)
	require.NotEmpty(t, b.Rows)
	text[len(text)-2] ^= 1 // of the same length
	server.Put(t, "e.csv", text)
	for err == nil {
		_, err = r.Next()
	}
	var changed *ChangedError
	require.ErrorAs(t, err, &changed)
}

// TestS3Presigned reads an object by a URL that the server's key has signed.
func TestS3Presigned(t *testing.T) {
	server := s3test.Start(t)
	text := remoteCSV(3 * testChunk)
	server.Put(t, "e.csv", text)
	signed, err := server.Client.PresignedGetObject(t.Context(), s3test.Bucket, "e.csv", time.Minute, nil)
	require.NoError(t, err)
	location, query, err := Locate(signed.String())
	require.NoError(t, err)
	require.NotEmpty(t, query)
	e := open(t, Config{Paths: []string{location}, Remote: &Remote{Queries: map[string]string{location: query}, Chunk: testChunk}}, blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, bytes.Count(text, []byte("\n"))-1, len(rowsOf(batches)))

	_, err = Open(Config{Paths: []string{location}, Remote: &Remote{Patience: time.Second}})
	require.ErrorContains(t, err, "answers 403 Forbidden; a presigned URL may have expired or lack its query")
}

// TestS3Refuses names the bucket and the key, and what to check; never a secret.
func TestS3Refuses(t *testing.T) {
	server := s3test.Start(t)
	server.Put(t, "e.csv", []byte("a,b\n1,2\n"))
	for name, c := range map[string]struct {
		path string
		env  func(string) string
		says string
	}{
		"no object":   {"s3://exports/none.csv", at(server), "NoSuchKey (404)"},
		"no bucket":   {"s3://none/e.csv", at(server), "NoSuchBucket (404)"},
		"wrong key":   {"s3://exports/e.csv", at(server, "AWS_SECRET_ACCESS_KEY=wrong"), "SignatureDoesNotMatch; check the credentials, AWS_REGION and AWS_ENDPOINT_URL"},
		"far away":    {"s3://exports/e.csv", at(server, "AWS_REGION=eu-west-9"), "AuthorizationHeaderMalformed; check AWS_REGION and AWS_ENDPOINT_URL"},
		"nobody here": {"s3://exports/e.csv", at(server, "AWS_ENDPOINT_URL=http://127.0.0.1:1"), "cannot be reached"},
		"plain":       {"s3://exports/e.csv", at(server, "AWS_ENDPOINT_URL=http://s3.example"), "AWS_ENDPOINT_URL is not encrypted"},
		"no URL":      {"s3://exports/e.csv", at(server, "AWS_ENDPOINT_URL=s3.example"), "AWS_ENDPOINT_URL is not an http or https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := Open(Config{Paths: []string{c.path}, Remote: &Remote{Getenv: c.env, Context: ctx, Patience: time.Second}})
			require.ErrorContains(t, err, c.path)
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, fmt.Sprint(err), s3test.Secret)
		})
	}
}

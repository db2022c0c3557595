// Package s3test starts a real S3 server for tests: versitygw over a directory.
package s3test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"
)

// What opens a server. The secret must be seen nowhere but there.
const (
	KeyID  = "AKIATRY0815"
	Secret = "wJalr/Try+5ecr3t=K7"
	Region = "us-east-1"
)

// Bucket is the one that a server has.
const Bucket = "exports"

// Server is a running one.
type Server struct {
	Endpoint string // http://127.0.0.1:PORT
	Client   *minio.Client
}

// Start runs a server until the test ends. CONSENTIMPORT_VERSITYGW names its binary, which
// .ci/run builds; without it the test is skipped.
func Start(t *testing.T) *Server {
	t.Helper()
	binary := os.Getenv("CONSENTIMPORT_VERSITYGW")
	if binary == "" {
		t.Skip("skipped: no real S3 server; .ci/run builds versitygw and names it in CONSENTIMPORT_VERSITYGW (a build of some minutes)")
	}
	data := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.MkdirAll(filepath.Join(data, Bucket), 0o700)) // a directory is a bucket
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	server := exec.Command(binary, "posix", data)
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+KeyID, "ROOT_SECRET_KEY="+Secret, "VGW_PORT="+address, "VGW_REGION="+Region)
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	require.NoError(t, server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("the S3 server said:\n%s", said.String())
		}
	})
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(KeyID, Secret, ""), Region: Region})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		exists, err := client.BucketExists(t.Context(), Bucket)
		return err == nil && exists
	}, 20*time.Second, 20*time.Millisecond, "the S3 server does not start")
	return &Server{"http://" + address, client}
}

// Put makes an object, or overwrites it.
func (s *Server) Put(t *testing.T, key string, data []byte) {
	t.Helper()
	_, err := s.Client.PutObject(t.Context(), Bucket, key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{DisableMultipart: true})
	require.NoError(t, err)
}

// Environment are the variables by which the server is reached, as the AWS tools read them.
func (s *Server) Environment() []string {
	return []string{"AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_ACCESS_KEY_ID=" + KeyID, "AWS_SECRET_ACCESS_KEY=" + Secret, "AWS_REGION=" + Region}
}

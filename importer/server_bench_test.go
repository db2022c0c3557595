package importer

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bareServer is the environment variable that makes this test binary the server
// of BenchmarkCost.
const bareServer = "CONSENTIMPORT_BENCH_SERVER"

// BenchmarkServer is not a benchmark: started by startBareServer, it is a server
// of net/http that takes everything, until its standard input ends.
func BenchmarkServer(b *testing.B) {
	if os.Getenv(bareServer) == "" {
		b.Skip("it is the server of another benchmark")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	fmt.Fprintln(os.Stderr, ln.Addr())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}")
	})}
	go func() { _ = server.Serve(ln) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close()
}

// startBareServer starts the server in a process of its own.
func startBareServer(b *testing.B) (addr string) {
	exe, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(exe, "-test.run=^$", "-test.bench=^BenchmarkServer$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), bareServer+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	said, err := cmd.StderrPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	addr, err = bufio.NewReader(said).ReadString('\n')
	require.NoError(b, err)
	return strings.TrimSpace(addr)
}

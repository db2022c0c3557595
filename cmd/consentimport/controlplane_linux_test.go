package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// controlPlane is a Kubernetes without a node, on loopback: etcd, the API server and the
// controller of Jobs, as they are released.
type controlPlane struct {
	api, token string
	client     *http.Client
}

// startControlPlane starts the programs in the directory that CONSENTIMPORT_KUBERNETES
// names, for the time of a test.
func startControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	bin := os.Getenv("CONSENTIMPORT_KUBERNETES")
	if bin == "" {
		t.Skip("skipped: testdata/kubernetes/controlplane.sh DIR builds a control plane, and CONSENTIMPORT_KUBERNETES=DIR says where it is")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: a pod's directories are mounted by root")
	}
	dir := t.TempDir()
	port := [4]int{freePort(t), freePort(t), freePort(t), freePort(t)}
	url := func(i int) string { return fmt.Sprintf("http://127.0.0.1:%d", port[i]) }
	k := &controlPlane{api: fmt.Sprintf("https://127.0.0.1:%d", port[2]), token: rand.Text(), client: &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // it signs its own certificate
	}}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	accounts := write("accounts.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	readers := write("accounts.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
	tokens := write("tokens.csv", k.token+`,admin,1,"system:masters"`+"\n")
	config := write("kubeconfig", fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"x",
"clusters":[{"name":"c","cluster":{"server":%q,"insecure-skip-tls-verify":true}}],
"users":[{"name":"u","user":{"token":%q}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}]}`, k.api, k.token))
	const none = "NONE="
	certs := filepath.Join(dir, "certs")

	daemon(t, none, filepath.Join(bin, "etcd"), "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", url(0), "--advertise-client-urls", url(0),
		"--listen-peer-urls", url(1), "--initial-advertise-peer-urls", url(1), "--initial-cluster", "default="+url(1), "--unsafe-no-fsync", "--log-level", "error")
	daemon(t, none, filepath.Join(bin, "kube-apiserver"), "--etcd-servers", url(0), "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", fmt.Sprint(port[2]),
		"--cert-dir", certs, "--service-cluster-ip-range", "10.0.0.0/24", "--service-account-issuer", "https://here.example", "--service-account-key-file", readers,
		"--service-account-signing-key-file", accounts, "--token-auth-file", tokens, "--authorization-mode", "AlwaysAllow", "--disable-admission-plugins", "ServiceAccount",
		"--endpoint-reconciler-type", "none")
	require.Eventually(t, func() bool { return k.try("GET", "/readyz", "", nil, nil) == nil }, time.Minute, 100*time.Millisecond, "the API server does not come up")
	daemon(t, none, filepath.Join(bin, "kube-controller-manager"), "--kubeconfig", config, "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(port[3]), "--cert-dir", certs,
		"--leader-elect=false", "--controllers", "job-controller")
	return k
}

// daemon runs a program with one more variable until the test ends.
func daemon(t *testing.T, variable, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), variable)
	var said safeBuffer
	c.Stdout, c.Stderr = &said, &said
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		dead := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		dead.Stop()
		if text := said.String(); t.Failed() {
			t.Logf("%s said:\n…%s", name, text[max(0, len(text)-2000):])
		}
	})
}

// try asks the API; out, where it is not nil, is what the answer is decoded into.
func (k *controlPlane) try(method, path, contentType string, body []byte, out any) error {
	r, err := http.NewRequest(method, k.api+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+k.token)
	r.Header.Set("Accept", "application/json, */*")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := k.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// ask is try for what cannot fail. v is sent as JSON, but for text.
func (k *controlPlane) ask(t *testing.T, method, path, contentType string, v, out any) {
	t.Helper()
	body, ok := v.(string)
	if !ok && v != nil {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		body = string(text)
	}
	require.NoError(t, k.try(method, path, contentType, []byte(body), out))
}

// Paths of the API.
const (
	kubeJobs    = "/apis/batch/v1/namespaces/default/jobs"
	kubePods    = "/api/v1/namespaces/default/pods"
	kubeSecrets = "/api/v1/namespaces/default/secrets"
)

// object is any of the API's.
type object = map[string]any

// apply creates a Job of a manifest as it was printed, and gives its name.
func (k *controlPlane) apply(t *testing.T, manifest string) string {
	t.Helper()
	var job struct{ Metadata struct{ Name string } }
	k.ask(t, "POST", kubeJobs+"?fieldValidation=Strict", "application/yaml", manifest, &job)
	return job.Metadata.Name
}

// jobStatus is what became of a Job.
type jobStatus struct {
	Succeeded, Failed               int
	CompletedIndexes, FailedIndexes string
	Conditions                      []struct{ Type, Status, Reason string }
}

// job gives the state of a Job: Complete, Failed, or "" while it is at work.
func (k *controlPlane) job(t *testing.T, name string) (state string, s jobStatus) {
	t.Helper()
	var job struct{ Status jobStatus }
	k.ask(t, "GET", kubeJobs+"/"+name, "", nil, &job)
	for _, c := range job.Status.Conditions {
		if c.Status == "True" && (c.Type == "Complete" || c.Type == "Failed") {
			state = c.Type
		}
	}
	return state, job.Status
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/consentimport/consentimport/report/evidence"
)

// tool runs a foreign program; one that is not there skips the test, but for CI.
func tool(t *testing.T, dir, stdin, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil && os.Getenv("CI") == "" {
		t.Skip(name + " is not installed")
	}
	c := exec.Command(name, args...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	return string(out), err
}

func mustTool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	out, err := tool(t, dir, "", name, args...)
	require.NoError(t, err, out)
}

// authority is a time stamping authority that openssl makes, with its certificate.
func authority(t *testing.T) (address, ca string) {
	t.Helper()
	dir := t.TempDir()
	ca = filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tsa.cnf"), []byte(`[req]
distinguished_name = dn
x509_extensions = ext
prompt = no
[dn]
CN = Test authority
[ext]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = ca.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
`), 0o600))
	mustTool(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2", "-config", "tsa.cnf")
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		query, answer := filepath.Join(dir, fmt.Sprint(n, ".tsq")), filepath.Join(dir, fmt.Sprint(n, ".tsr"))
		body, _ := io.ReadAll(r.Body)
		_ = os.WriteFile(query, body, 0o600)
		c := exec.Command("openssl", "ts", "-reply", "-queryfile", query, "-out", answer, "-config", "tsa.cnf", "-section", "one")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			http.Error(w, string(out), http.StatusInternalServerError)
			return
		}
		text, _ := os.ReadFile(answer)
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	return server.URL, ca
}

// A stranger checks the evidence without this program, by the commands that the help
// prints; and whatever is changed in a signed directory is found.
func TestEvidenceIsCheckedByStrangersAndHoldsTheDirectory(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	keys := t.TempDir()
	key := filepath.Join(keys, "key")
	mustTool(t, keys, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "officer", "-f", key)
	address, ca := authority(t)
	got := r.here(t, nil, "evidence", "--sign", key, "--tsa", address, r.out()).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "evidence.json.sig: by SHA256:")

	public, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)
	signers := filepath.Join(keys, "allowed_signers")
	require.NoError(t, os.WriteFile(signers, []byte("officer@acme.example "+string(public)), 0o600))
	text, err := os.ReadFile(filepath.Join(r.out(), "evidence.json"))
	require.NoError(t, err)
	out, err := tool(t, r.out(), string(text), "ssh-keygen", "-Y", "verify", "-f", signers, "-I", "officer@acme.example", "-n", "consentimport", "-s", "evidence.json.sig")
	require.NoError(t, err, out)
	_, err = tool(t, r.out(), string(text)+" ", "ssh-keygen", "-Y", "verify", "-f", signers, "-I", "officer@acme.example", "-n", "consentimport", "-s", "evidence.json.sig")
	require.Error(t, err)
	mustTool(t, r.out(), "openssl", "ts", "-verify", "-data", "evidence.json", "-in", "evidence.json.tsr", "-CAfile", ca)
	for _, person := range []string{"ann", "bob", "cat", "dan"} {
		assert.NotRegexp(t, `\b`+person+`\b`, string(text))
	}
	var e evidence.Evidence
	require.NoError(t, json.Unmarshal(text, &e))
	assert.EqualValues(t, 3, e.Consents.Made)
	assert.EqualValues(t, 4, e.Outcomes.Leaves, "three consents and a row that is invalid")
	for _, list := range e.Lists { // as sha256sum would
		mustTool(t, r.out(), "sh", "-c", "echo '"+list.SHA256+"  "+list.Name+"' | sha256sum -c --quiet")
	}

	out, err = tool(t, r.out(), "", "sh", "-c", fmt.Sprintf("head -c %d checkpoint.jsonl | sha256sum", e.Checkpoint.Bytes))
	require.NoError(t, err, out)
	assert.Contains(t, out, e.Checkpoint.SHA256)

	verified := func(code int, more ...string) string {
		return r.here(t, nil, append([]string{"verify", r.out()}, more...)...).requireCode(t, code).stdout
	}
	said := verified(exitComplete, "--signer", key+".pub")
	assert.Contains(t, said, "evidence: evidence.json: fits checkpoint, lists and outcomes")
	assert.Contains(t, said, "one of the signers given")
	assert.Contains(t, said, "Test authority")
	verified(exitComplete, "--signer", signers)
	other := filepath.Join(keys, "other")
	mustTool(t, keys, "ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", other)
	assert.Contains(t, verified(exitFailures, "--signer", other+".pub"), "not one of the signers")

	// Forgeries: a byte of any file that counts, or a file taken away, or the signature
	// of somebody else.
	files := filesIn(t, r.out())
	random := rand.New(rand.NewPCG(5, 6))
	names := []string{"evidence.json", "evidence.json.sig", "evidence.json.tsr"}
	for _, list := range e.Lists {
		if list.Name != "report.html" && list.Name != "report.json" { // said of report.json: its counts
			names = append(names, list.Name)
		}
	}
	forged := 0
	for range pairsOf(25, 500) {
		name := names[random.IntN(len(names))]
		path, text := filepath.Join(r.out(), name), []byte(files[name])
		changed := bytes.Clone(text)
		at := random.IntN(len(changed))
		switch random.IntN(3) {
		case 0:
			changed[at] ^= 1 << random.IntN(7)
		case 1:
			changed = append(changed[:at:at], changed[at+1:]...)
		case 2:
			changed = append(changed[:at:at], append([]byte("7"), changed[at:]...)...)
		}
		if strings.HasSuffix(name, ".sig") && sameSignature(text, changed) {
			continue
		}
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		got := r.here(t, nil, "verify", r.out(), "--signer", key+".pub")
		if assert.NotEqual(t, exitComplete, got.code, "%s changed at %d", name, at) {
			forged++
		}
		assert.Regexp(t, `(?m)^(wrong|error|evidence): .*`+regexp.QuoteMeta(name), got.stdout+got.stderr, "it is named, changed at %d", at)
		require.NoError(t, os.WriteFile(path, text, 0o600))
	}
	t.Logf("%d forgeries, none accepted", forged)
	successes := digestOf(e, "successes.csv")
	changed := strings.Replace(files["evidence.json"], successes, strings.Repeat("0", len(successes)), 1)
	require.NoError(t, os.WriteFile(filepath.Join(r.out(), "evidence.json"), []byte(changed), 0o600))
	assert.Contains(t, verified(exitFailures), "successes.csv is not the file that evidence.json names: one of the two was changed")
	changed = strings.Replace(files["evidence.json"], `"refused": 1`, `"refused": 0`, 1)
	require.NotEqual(t, files["evidence.json"], changed)
	require.NoError(t, os.WriteFile(filepath.Join(r.out(), "evidence.json"), []byte(changed), 0o600))
	mustTool(t, r.out(), "rm", "evidence.json.sig")
	mustTool(t, r.out(), "ssh-keygen", "-q", "-Y", "sign", "-f", other, "-n", "consentimport", "evidence.json")
	assert.Contains(t, verified(exitFailures), "wrong: evidence.json does not fit checkpoint and export")
	assert.Contains(t, verified(exitFailures, "--signer", key+".pub"), "not one of the signers")
}

// sameSignature reports whether two armored texts hold the same bytes: a line end may
// stand elsewhere.
func sameSignature(a, b []byte) bool {
	bare := func(x []byte) string { return strings.Join(strings.Fields(string(x)), "") }
	return bare(a) == bare(b)
}

func pairsOf(few, many int) int {
	if os.Getenv("CONSENTIMPORT_SOAK") != "" {
		return many
	}
	return few
}

// A key may be protected, or lie in the agent; the message says what to do.
func TestEvidenceIsSignedByTheAgentToo(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	keys := t.TempDir()
	locked := filepath.Join(keys, "locked")
	mustTool(t, keys, "ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked)
	got := r.here(t, nil, "evidence", "--sign", locked, r.out()).requireCode(t, exitRefused)
	assert.Contains(t, got.stderr, "ssh-add")
	assert.NoFileExists(t, filepath.Join(r.out(), "evidence.json.sig"))
	for _, bad := range []string{filepath.Join(keys, "nosuch"), locked + ".pub", filepath.Join(r.out(), "report.json")} {
		r.here(t, nil, "evidence", "--sign", bad, r.out()).requireCode(t, exitRefused)
	}
	text, err := os.ReadFile(locked)
	require.NoError(t, err)
	open, err := ssh.ParseRawPrivateKeyWithPassphrase(text, []byte("secret"))
	require.NoError(t, err)
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: open}))
	socket := filepath.Join(keys, "agent")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	r.env = append(r.env, "SSH_AUTH_SOCK="+socket)
	for _, key := range []string{locked, locked + ".pub"} {
		r.here(t, nil, "evidence", "--sign", key, r.out()).requireCode(t, exitComplete)
		r.here(t, nil, "verify", r.out(), "--signer", locked+".pub").requireCode(t, exitComplete)
	}
	// What signed the same text is not thrown away by what comes to nothing, or repeats it.
	kept, err := os.ReadFile(filepath.Join(r.out(), "evidence.json.sig"))
	require.NoError(t, err)
	mustTool(t, keys, "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "rsa")
	require.NoError(t, os.Chmod(filepath.Join(keys, "rsa"), 0o640))
	for code, args := range map[int][][]string{
		exitComplete:   {{}},
		exitIncomplete: {{"--tsa", "http://127.0.0.1:1/?token=secret"}},
		exitRefused:    {{"--sign", filepath.Join(keys, "nosuch")}, {"--sign", filepath.Join(keys, "rsa")}, {"--tsa", "tsa.example/secret"}, {"--tsa", "file:///secret"}},
	} {
		for _, flags := range args {
			got := r.here(t, nil, append(append([]string{"evidence"}, flags...), r.out())...).requireCode(t, code)
			assert.NotContains(t, got.stderr, "token")
			now, err := os.ReadFile(filepath.Join(r.out(), "evidence.json.sig"))
			require.NoError(t, err, flags)
			assert.Equal(t, kept, now, flags)
		}
	}
	require.NoError(t, os.Chmod(filepath.Join(keys, "rsa"), 0o600))
	r.here(t, nil, "evidence", "--sign", filepath.Join(keys, "rsa"), r.out()).requireCode(t, exitComplete)
	r.here(t, nil, "verify", r.out(), "--signer", filepath.Join(keys, "rsa.pub")).requireCode(t, exitComplete)
}

// What an authority answers is its time stamp of this very request, or nothing.
func TestOnlyTheAnswerToTheRequestIsATimeStamp(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	address, _ := authority(t)
	stamp := filepath.Join(r.out(), "evidence.json.tsr")
	r.here(t, nil, "evidence", "--tsa", address, r.out()).requireCode(t, exitComplete)
	first, err := os.ReadFile(stamp)
	require.NoError(t, err)
	for says, answer := range map[string]func(w http.ResponseWriter){
		"its answer is to another request":             func(w http.ResponseWriter) { _, _ = w.Write(first) },
		"its answer is not a time stamp (RFC 3161)":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>log in</html>") },
		"it answered 503":                              func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		"its answer is not a time stamp: the request ": func(w http.ResponseWriter) { _, _ = w.Write([]byte{0x30, 5, 0x30, 3, 2, 1, 2}) },
	} {
		bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		got := r.here(t, nil, "evidence", "--tsa", bad.URL, r.out()).requireCode(t, exitIncomplete)
		bad.Close()
		assert.Contains(t, got.stderr, says)
		now, err := os.ReadFile(stamp)
		require.NoError(t, err)
		assert.Equal(t, first, now, "the stamp that it had holds for the same text")
	}
	text, err := os.ReadFile(filepath.Join(r.out(), "evidence.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(r.out(), "evidence.json"), append(text, "{}"...), 0o600))
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures).stdout, "wrong: evidence.json is not an evidence of this program")
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	assert.NoFileExists(t, stamp, "it was about another text")
}

// Under which approval something was sent stands in the evidence.
func TestEvidenceNamesTheApproval(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := exportHeader + exportRow(1, "ann", "mail", "yes")
	r.write(t, "export.csv", export)
	hash := r.signed(t, export)
	r.here(t, nil, r.args("--approved", hash)...).requireCode(t, exitComplete)
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	text, err := os.ReadFile(filepath.Join(r.out(), "evidence.json"))
	require.NoError(t, err)
	var e evidence.Evidence
	require.NoError(t, json.Unmarshal(text, &e))
	assert.Equal(t, evidence.Approval{Hash: hash, Runs: []evidence.ApprovedRun{{Run: 1, Approved: "hash:" + hash}}}, e.Approval)
}

// Evidence that was made before the import went on is of an earlier time, and nobody's
// fault: verify says so, with the command that makes it again, and nothing is purged on it.
// A checkpoint that began otherwise is still a fault.
func TestEvidenceOfAnEarlierTime(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	archived := filesIn(t, r.out())
	for _, again := range [][]string{{"report", r.out()}, {"verify", r.out()}, {"evidence", r.out()}, r.args("--resume"), {"report", r.out()}} {
		r.here(t, nil, again...)
		assert.Equal(t, archived, filesIn(t, r.out()), again)
		assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout, "evidence.json: fits")
	}
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitFailures)
	said := r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures).stdout
	assert.Contains(t, said, "wrong: evidence.json was made before the import went on")
	assert.Contains(t, said, "VERDICT: consistent")
	assert.NotContains(t, said, "is not the file")
	_, after, found := strings.Cut(said, "To make it again:\n")
	require.True(t, found, said)
	command, _, _ := strings.Cut(after, "\n")

	before := filesIn(t, r.out())
	refused := r.here(t, nil, "purge", r.out()).requireCode(t, exitFailures)
	assert.Contains(t, refused.stderr, command)
	assert.Equal(t, before, filesIn(t, r.out()))

	code, out := r.typed(t, command)
	require.Equal(t, exitComplete, code, out)
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout, "evidence.json: fits")
	archived = filesIn(t, r.out())
	idle := r.here(t, nil, r.args("--resume", "--retry", "--on-end", "echo $CONSENTIMPORT_STATE")...).requireCode(t, exitFailures)
	assert.Contains(t, idle.stderr, "nothing is left to send: the import is complete\n")
	assert.Contains(t, idle.stderr, "\ncomplete\n")
	assert.Equal(t, archived, filesIn(t, r.out()), "a retry of an import of which nothing can be sent again")

	r.here(t, nil, r.args("--restart")...).requireCode(t, exitFailures)
	require.NoError(t, os.WriteFile(filepath.Join(r.out(), "evidence.json"), []byte(before["evidence.json"]), 0o600))
	said = r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures).stdout
	assert.Contains(t, said, "does not begin as the one that evidence.json names")
	assert.Contains(t, said, "VERDICT: inconsistent")
}

// Purging leaves nothing of a person in the directory, and verify still works, with
// the export and without it.
func TestPurgeLeavesNoPersonAndVerifyStillWorks(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	r.here(t, nil, "evidence", r.out()).requireCode(t, exitComplete)
	got := r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "removed rejected.csv (")
	assert.NotContains(t, got.stdout, "--suppress", "no such list was given")
	for name, text := range filesIn(t, r.out()) {
		assert.NotRegexp(t, `\b(ann|bob|cat|dan)\b`, text, name)
		if name == "decisions.csv" {
			assert.Equal(t, "category,value,decision,count,reason\nmail,yes,accept,1,\nmail,no,reject,2,\nmail,(removed),invalid,1,\n", text)
		}
	}
	assert.NoFileExists(t, filepath.Join(r.out(), "rejected.csv"))
	said := r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout
	assert.Contains(t, said, "note: purged at ")
	assert.Contains(t, said, "VERDICT: consistent")
	for _, args := range [][]string{{"report", r.out()}, {"evidence", r.out()}, r.args("--resume"), r.args("--resume", "--retry")} {
		assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).stderr, "was purged")
	}
	r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete) // once more changes nothing
	mappings, err := filepath.Glob(filepath.Join(r.out(), "mapping-*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, mappings)
	for _, path := range append(mappings, r.export) { // changed, what is there is not passed over as if it were gone
		was, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, bytes.ToUpper(was), 0o600))
		code, says := exitFailures, "wrong: "+filepath.Base(path)+" is not what it was when the import was purged"
		if path == r.export {
			code, says = exitRefused, "the export is not the one that the checkpoint"
		}
		got := r.here(t, nil, "verify", r.out()).requireCode(t, code)
		assert.Contains(t, got.stdout+got.stderr, says)
		require.NoError(t, os.WriteFile(path, was, 0o600))
	}
	require.NoError(t, os.Remove(filepath.Join(r.dir, "export.csv")))
	said = r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete).stdout
	assert.Contains(t, said, "not compared with the export")
	assert.Contains(t, said, "evidence: evidence.json: fits")
	path := filepath.Join(r.out(), "successes.csv")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	assert.Contains(t, r.here(t, nil, "verify", r.out()).requireCode(t, exitFailures).stdout, "wrong: successes.csv is not what it was when the import was purged")
}

// What a purge leaves by which a person can be found is named: the hashes of --suppress.
func TestPurgeNamesTheListThatStays(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "yes"))
	list := r.write(t, "opted-out.txt", "bob\n")
	r.here(t, nil, r.args("--suppress", list)...).requireCode(t, exitComplete)
	kept, err := filepath.Glob(filepath.Join(r.out(), "suppressed-*.txt"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	got := r.here(t, nil, "purge", r.out()).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "left, for verify needs it: "+filepath.Base(kept[0])+", a hash of each identifier of --suppress")
	assert.FileExists(t, kept[0])
	assert.Contains(t, got.stdout, "names no person any more")
	got = r.here(t, nil, "verify", r.out()).requireCode(t, exitComplete)
	assert.NotContains(t, got.stdout+got.stderr, "interrupted", "decisions.csv had no value to take out")
}

// A purge that died is finished by another, and until then verify says that it died; what
// lies beside the import is named; and whom the target goes against stays said, also when
// nothing is left that it could be derived from.
func TestAPurgeThatDiedIsFinishedAndHidesNothing(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.stdin = strings.NewReader(exportHeader + exportRow(1, "ann", "mail", "yes") + "2,ann,ann@people.example,mail,no,someday\n" + exportRow(3, "bob", "mail", "hm"))
	r.export = "-"
	dir := filepath.Join(r.dir, "out")
	r.here(t, nil, r.args("--out", dir)...).requireCode(t, exitPermissive)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("call ann"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".rejected.csv.tmp"), []byte("2,ann"), 0o600))
	before := filesIn(t, dir)
	got := r.here(t, nil, "purge", dir).requireCode(t, exitComplete)
	assert.Contains(t, got.stderr, "suppress.csv, which names the people, is removed now")
	assert.Contains(t, got.stdout, "see whether they hold people: notes.txt\n")
	assert.NoFileExists(t, filepath.Join(dir, ".rejected.csv.tmp"))
	const permissive = "wrong: too permissive: for 1 consent "
	said := r.here(t, nil, "verify", dir).requireCode(t, exitFailures).stdout
	assert.Contains(t, said, permissive)
	assert.Contains(t, said, "VERDICT: consistent as far as a purged import tells, but")
	for _, args := range [][]string{{"report", dir}, {"evidence", dir}, {"verify", "--subject", "ann", dir}} {
		assert.Contains(t, r.here(t, nil, args...).requireCode(t, exitRefused).stderr, "was purged: the copy of standard input")
	}

	for _, name := range []string{"decisions.csv", "rejected.csv", "input.zst"} { // as if it had died behind the checkpoint
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(before[name]), 0o600))
	}
	died := r.here(t, nil, "verify", dir).requireCode(t, exitFailures)
	assert.Contains(t, died.stderr, "decisions.csv still has all its values: the purge was interrupted")
	assert.Contains(t, died.stderr, "rejected.csv is still there: the purge was interrupted")
	assert.NotContains(t, died.stdout, "VERDICT: inconsistent")
	got = r.here(t, nil, "purge", dir).requireCode(t, exitComplete)
	assert.Contains(t, got.stdout, "removed rejected.csv (")
	assert.NotContains(t, got.stdout, "removed suppress.csv")
	assert.NotContains(t, strings.Join(slices.Collect(maps.Values(filesIn(t, dir))), ""), ",hm,")
	assert.Equal(t, said, r.here(t, nil, "verify", dir).requireCode(t, exitFailures).stdout)
}

// What is not complete, or does not agree, is not purged.
func TestOnlyACompleteAndConsistentImportIsPurged(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "no"))
	r.here(t, nil, r.args("--limit", "1")...).requireCode(t, exitIncomplete)
	r.here(t, nil, "purge", r.out()).requireCode(t, exitRefused)
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	path := filepath.Join(r.out(), "successes.csv")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o600))
	before := filesIn(t, r.out())
	assert.Contains(t, r.here(t, nil, "purge", r.out()).requireCode(t, exitFailures).stderr, "successes.csv was changed")
	assert.Equal(t, before, filesIn(t, r.out()))
}

// digestOf is the digest of a list in an evidence.
func digestOf(e evidence.Evidence, name string) string {
	for _, list := range e.Lists {
		if list.Name == name {
			return list.SHA256
		}
	}
	return ""
}

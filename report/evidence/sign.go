package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/consentimport/consentimport/importer/journal"
)

// namespace keeps a signature from being taken for one of something else.
const namespace = "consentimport"

// maxKey bounds what is read of a key file.
const maxKey = 64 << 10

// ErrPassphrase says that a key file needs a passphrase.
var ErrPassphrase = errors.New("the key is protected by a passphrase")

// Signer signs evidence with an SSH key.
type Signer struct {
	Private bool // the key was in the file, not with the agent

	key    string // its path
	signer ssh.Signer
	done   func() // lets go of the agent; nil where there was none
}

// OpenSigner finds a key before anything is written. Key is the path of an SSH private
// key, or of a public one whose private half the agent at socket holds; passphrase is
// asked when a private key is protected, and gives ErrPassphrase where it is nil.
func OpenSigner(key, socket string, passphrase func() ([]byte, error)) (*Signer, error) {
	signer, done, err := signerOf(key, socket, passphrase)
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", key, err)
	}
	return &Signer{Private: done == nil, key: key, signer: signer, done: done}, nil
}

// Close lets go of the SSH agent.
func (s *Signer) Close() {
	if s.done != nil {
		s.done()
	}
}

// Sign signs the text of evidence.json, puts the signature into dir and gives the
// fingerprint of the key.
func (s *Signer) Sign(disk journal.Disk, dir string, text []byte) (fingerprint string, err error) {
	sig, err := sshsig.Sign(bytes.NewReader(text), s.signer, sshsig.HashSHA512, namespace)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", s.key, err)
	}
	return ssh.FingerprintSHA256(s.signer.PublicKey()), put(disk, dir, SignatureName, sshsig.Armor(sig))
}

// signerOf finds the signer of a key file; done lets go of the agent, if it was asked.
func signerOf(path, socket string, passphrase func() ([]byte, error)) (signer ssh.Signer, done func(), err error) {
	text, err := readKey(path)
	if err != nil {
		return nil, nil, err
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return agentSigner(public, socket)
	}
	signer, err = ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if locked.PublicKey != nil && socket != "" { // the agent may have it open already
			if signer, done, err := agentSigner(locked.PublicKey, socket); err == nil {
				return signer, done, nil
			}
		}
		if passphrase == nil {
			return nil, nil, ErrPassphrase
		}
		secret, err := passphrase()
		if err != nil {
			return nil, nil, err
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, secret)
		if err != nil {
			return nil, nil, errors.New("the passphrase is wrong, or the key is damaged")
		}
		return signer, nil, nil
	}
	if err != nil {
		return nil, nil, errors.New("this is neither an SSH private key nor a public key of the agent")
	}
	return signer, nil, nil
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(text) > maxKey {
		err = errors.New("the file is too large for a key")
	}
	return text, err
}

// agentSigner finds the private half of a key in the SSH agent.
func agentSigner(public ssh.PublicKey, socket string) (ssh.Signer, func(), error) {
	if socket == "" {
		return nil, nil, errors.New("this is a public key, and no SSH agent is running (SSH_AUTH_SOCK) that could hold its private half")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("ask the SSH agent: %w", err)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err == nil {
		for _, s := range signers {
			if bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
				return s, func() { _ = conn.Close() }, nil
			}
		}
		err = errors.New("the SSH agent does not hold this key")
	}
	return nil, nil, errors.Join(err, conn.Close())
}

// checkSignature says who signed a text, and refuses a signature that does not hold.
// With allowed (an authorized_keys or an allowed_signers file) it has to be one of
// these keys.
func checkSignature(text, armored []byte, allowed []ssh.PublicKey) (fingerprint string, err error) {
	sig, err := sshsig.Unarmor(armored)
	if err != nil {
		return "", errors.New("is not an SSH signature")
	}
	if err := sshsig.Verify(bytes.NewReader(text), sig, sig.PublicKey, sig.HashAlgorithm, namespace); err != nil {
		return "", errors.New("does not hold for " + Name)
	}
	fingerprint = ssh.FingerprintSHA256(sig.PublicKey)
	if allowed == nil {
		return fingerprint, nil
	}
	for _, key := range allowed {
		if bytes.Equal(key.Marshal(), sig.PublicKey.Marshal()) {
			return fingerprint, nil
		}
	}
	return "", fmt.Errorf("is by the key %s, which is not one of the signers given", fingerprint)
}

// ReadSigners reads public keys: lines of a .pub, an authorized_keys or an
// allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS).
func ReadSigners(path string) ([]ssh.PublicKey, error) {
	text, err := readKey(path)
	if err != nil {
		return nil, fmt.Errorf("read the signers: %w", err)
	}
	keys := []ssh.PublicKey{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil { // allowed_signers has principals, and maybe options, in front
			for fields := bytes.Fields(line); len(fields) > 1 && err != nil; {
				fields = fields[1:]
				key, _, _, _, err = ssh.ParseAuthorizedKey(bytes.Join(fields, []byte(" ")))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read the signers: %s: a line is not a public key", path)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read the signers: %s holds no public key", path)
	}
	return keys, nil
}

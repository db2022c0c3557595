package evidence

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/consentimport/consentimport/importer/journal"
)

const (
	// maxStamp bounds what is read of an answer: a token with its certificates has
	// some kilobytes.
	maxStamp = 1 << 20
	// stampWithin is how long the authority may take.
	stampWithin = 30 * time.Second
)

// Stamp has the authority at an address (http or https; only a digest leaves) say
// when the text of evidence.json was there, puts its answer into dir and gives the
// time.
func Stamp(ctx context.Context, disk journal.Disk, dir string, text []byte, address string) (time.Time, error) {
	fail := func(err error) (time.Time, error) {
		return time.Time{}, fmt.Errorf("have the evidence stamped by %s: %w", shown(address), err)
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return fail(err)
	}
	request, err := timestamp.CreateRequest(bytes.NewReader(text), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce})
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, stampWithin)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(request))
	if err != nil {
		return fail(errors.New("the address is not a URL"))
	}
	post.Header.Set("Content-Type", "application/timestamp-query")
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // it repeats the address
		}
		return fail(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxStamp+1))
	switch {
	case err != nil:
		return fail(err)
	case answer.StatusCode != http.StatusOK:
		return fail(fmt.Errorf("it answered %d", answer.StatusCode))
	case len(body) > maxStamp:
		return fail(errors.New("its answer is too long"))
	}
	stamp, err := checkStamp(text, body)
	if err != nil {
		return fail(fmt.Errorf("its answer %w", err))
	}
	if stamp.Nonce == nil || stamp.Nonce.Cmp(nonce) != 0 {
		return fail(errors.New("its answer is to another request"))
	}
	return stamp.Time.UTC(), put(disk, dir, StampName, body)
}

// CheckAuthority refuses an address that is none of a time stamping authority.
func CheckAuthority(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("the address of the time stamping authority, %s, is not an http or https URL", shown(address))
	}
	return nil
}

// shown is an address without what may be secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the authority"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// parsing is held while an answer is parsed: pkcs7, below package timestamp, counts in a
// variable of all goroutines.
var parsing sync.Mutex

// checkStamp gives the stamp by which an authority says when it saw a text. It has a
// certificate, against which its signature is held; whether that certificate is one to be
// believed, openssl ts -verify says.
func checkStamp(text, answer []byte) (*timestamp.Timestamp, error) {
	parsing.Lock()
	stamp, err := timestamp.ParseResponse(answer)
	parsing.Unlock()
	switch {
	case errors.As(err, new(asn1.StructuralError)), errors.As(err, new(asn1.SyntaxError)): // a web page, say
		return nil, errors.New("is not a time stamp (RFC 3161)")
	case err != nil:
		return nil, fmt.Errorf("is not a time stamp: %w", err)
	}
	sum := sha256.Sum256(text)
	if stamp.HashAlgorithm != crypto.SHA256 || !bytes.Equal(stamp.HashedMessage, sum[:]) {
		return nil, errors.New("is the time stamp of something else than " + Name)
	}
	if len(stamp.Certificates) == 0 { // then nothing was held against its signature
		return nil, errors.New("has no certificate in it")
	}
	for _, c := range stamp.Certificates {
		for _, issuer := range stamp.Certificates {
			if bytes.Equal(c.RawIssuer, issuer.RawSubject) && issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
				return nil, errors.New("has a certificate in it that was changed")
			}
		}
	}
	return stamp, nil
}

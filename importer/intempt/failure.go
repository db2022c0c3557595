package intempt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/consentimport/consentimport/importer/delivery"
)

// failure is an answer that never came, as an Answer words it. Its phrase is
// ours alone: the texts of errors hold addresses, URLs and pieces of what the
// other side wrote, and would not form groups.
type failure struct {
	phrase  string
	class   delivery.Class
	refused bool // no connection was made
	timeout bool // the target was reached and kept silent
}

// Error gives the phrase.
func (f *failure) Error() string { return f.phrase }

// errNotHTTP is what the other side wrote when it is no answer of HTTP.
var errNotHTTP = errors.New("answer is not HTTP")

// connectFailure words why there is no connection. within is the time that was
// given.
func connectFailure(err error, host string, within time.Duration) *failure {
	var own *failure
	if errors.As(err, &own) {
		return own
	}
	if phrase := verifyFailure(err, host); phrase != "" {
		return &failure{phrase: phrase, class: delivery.Stopped, refused: true}
	}
	f := &failure{class: delivery.Transient, refused: true}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		f.phrase = "look up host: no such host"
	case errors.As(err, &dns) && dns.IsTimeout:
		f.phrase = "look up host: no answer"
	case errors.As(err, &dns):
		f.phrase = "look up host: name server failed"
	case errors.As(err, &record):
		f.phrase = "TLS handshake failed: the other side does not speak TLS"
	case errors.As(err, &op) && op.Op == "remote error": // an alert of TLS
		f.phrase = "TLS handshake failed: the other side refused it"
	case isTimeout(err):
		f.phrase = "no connection within " + within.String()
	case errors.Is(err, syscall.ECONNREFUSED):
		f.phrase = "connection refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		f.phrase = "host not reachable"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		f.phrase = "too many open files on this machine"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.phrase = "no free port on this machine"
	case isReset(err), isEnd(err):
		f.phrase = "connection closed while it was made"
	default:
		f.phrase = "no connection"
	}
	return f
}

// verifyFailure says why a certificate does not verify and what to do; "" when
// that is not the trouble.
func verifyFailure(err error, host string) string {
	var verification *tls.CertificateVerificationError
	if !errors.As(err, &verification) {
		return ""
	}
	why := "certificate of " + host + " does not verify: "
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return why + "signed by an unknown authority; if a proxy here inspects TLS, add its root to the system's certificates or name it in SSL_CERT_FILE"
	case errors.As(err, &name):
		return why + "it is for another host; check the base URL"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if end := invalid.Cert.NotAfter; time.Now().After(end) {
			return why + "it has expired on " + end.UTC().Format(time.DateOnly) + "; whoever runs the host has to renew it, unless this machine's clock is wrong"
		}
		return why + "it is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.DateOnly) + "; check this machine's clock"
	default:
		return why + "it is not acceptable; check the base URL and the proxy"
	}
}

// exchangeFailure words why no answer came over a connection that was made.
// begun says that the beginning of an answer had come.
func exchangeFailure(err error, begun bool, within time.Duration) *failure {
	f := &failure{class: delivery.Transient}
	switch {
	case isTimeout(err):
		f.timeout = true
		f.phrase = "no answer within " + within.String()
		if begun {
			f.phrase = "no complete answer within " + within.String()
		}
	case errors.Is(err, errNotHTTP):
		f.phrase = "answer is not HTTP"
	case isSmallBuffer(err):
		f.phrase = "head of the answer is too large"
	case isReset(err) && begun:
		f.phrase = "connection reset in the middle of the answer"
	case isReset(err):
		f.phrase = "connection reset before the answer"
	case isEnd(err) && begun:
		f.phrase = "connection closed in the middle of the answer"
	case isEnd(err):
		f.phrase = "connection closed before the answer"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		f.phrase = "host no longer reachable"
	default:
		f.phrase = "connection broke before the answer"
	}
	return f
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, fasthttp.ErrTimeout) || errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &n) && n.Timeout()
}

// isSmallBuffer says that an answer's head did not fit into the buffer.
func isSmallBuffer(err error) bool {
	var small *fasthttp.ErrSmallBuffer
	return errors.As(err, &small)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

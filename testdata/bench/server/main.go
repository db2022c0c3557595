// Command server is the bare target of the comparisons: net/http, reads the
// body, answers {}. It measures by itself, so that every client is measured
// alike: GET /rate answers the requests, the requests per second between the
// first and the last one, how many were odd, and when the first one came (seconds
// since 1970), all since the previous GET /rate. GET /count answers the requests
// and leaves everything as it is.
//
//	server [-addr 127.0.0.1:8799] [-latency 20ms] [-ignore TEXT] [-refuse PERCENT] [-tls FILE]
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8799", "loopback address to listen on")
	latency := flag.Duration("latency", 0, "time to answer")
	ignore := flag.String("ignore", "", "requests whose body holds this are answered but not counted")
	refuse := flag.Uint("refuse", 0, "share of the bodies in percent that is answered with 400, always the same ones")
	trust := flag.String("tls", "", "speak TLS, with a certificate that is put into this file for clients to trust")
	flag.Parse()
	var n, first, last, other atomic.Int64
	jsonType := []string{"application/json"}
	body, refusal := []byte("{}"), []byte(`{"message":"source is required for this profile"}`)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rate", func(w http.ResponseWriter, r *http.Request) {
		count, from, to := n.Swap(0), first.Swap(0), last.Swap(0)
		rate := 0.0
		if to > from {
			rate = float64(count) / (float64(to-from) / 1e9)
		}
		fmt.Fprintf(w, "%d %.0f %d %.6f\n", count, rate, other.Swap(0), float64(from)/1e9)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, n.Load()) })
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		counts, refused := true, false
		if *refuse > 0 {
			sum := crc32.NewIEEE()
			_, err := io.Copy(sum, r.Body)
			refused = err == nil && uint(sum.Sum32()%100) < *refuse
		} else if *ignore != "" {
			got, err := io.ReadAll(r.Body)
			counts = err == nil && !bytes.Contains(got, []byte(*ignore))
		} else if size, err := io.Copy(io.Discard, r.Body); err != nil || size < 50 {
			other.Add(1)
		}
		if counts {
			first.CompareAndSwap(0, now.UnixNano())
		}
		if *latency > 0 {
			time.Sleep(*latency)
			now = time.Now()
		}
		if counts {
			n.Add(1)
			last.Store(now.UnixNano())
		}
		w.Header()["Content-Type"] = jsonType
		if refused {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(refusal)
			return
		}
		_, _ = w.Write(body)
	})
	server := &http.Server{Addr: *addr, Handler: mux}
	var err error
	if *trust == "" {
		err = server.ListenAndServe()
	} else if server.TLSConfig, err = ownCertificate(*trust); err == nil {
		err = server.ListenAndServeTLS("", "")
	}
	fmt.Fprintln(os.Stderr, "server:", err)
	os.Exit(1)
}

// ownCertificate makes a certificate for loopback and puts it into a file.
func ownCertificate(path string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 7),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	// HTTP/1.1 alone: wrk speaks nothing else.
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}, nil
}

package sandbox

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/mapping"
)

// exchange is the memory of one request, reused by the next.
type exchange struct {
	body    bytes.Buffer
	decoder decoder
	consent mapping.Consent
	packed  []byte
}

// ServeHTTP answers everything that the sandbox knows.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := s.stranger(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/_sandbox/") {
		s.inspect(w, r)
		return
	}
	s.counts.enter()
	defer s.counts.inFlight.Add(-1)
	project, ok := route(r.URL)
	if !ok {
		s.refuse(w, http.StatusNotFound, "Unknown path")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, http.StatusMethodNotAllowed, "Method must be POST")
		return
	}
	s.receive(w, r, project)
}

// stranger says why a request comes from where none should: a page of another site in
// a browser of this machine, which could read what is kept and give orders.
func (s *Server) stranger(r *http.Request) string {
	addr := s.address()
	if !loopback(addr) {
		return "" // it is reached by names that it does not know
	}
	_, port, _ := net.SplitHostPort(addr)
	if host, _ := cutPort(r.Host); !local(host) {
		return "This sandbox answers to its own address alone"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !local(u.Hostname()) || u.Port() != port {
			return "This sandbox takes no orders from other sites"
		}
	}
	return ""
}

// cutPort parts a Host header. A proxy on this machine may pass on a port of its own.
func cutPort(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name, port
	}
	return strings.Trim(host, "[]"), ""
}

// local reports whether a host name always leads to this machine, whatever a name
// server says.
func local(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// loopback reports whether an address is one of this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// address is where the sandbox listens.
func (s *Server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// route recognises {org}/projects/{project}/consents/data, below /v1 or not,
// and returns org/project, percent-encoded as they stand.
func route(u *url.URL) (project string, ok bool) {
	path := u.EscapedPath()
	path, ok = strings.CutSuffix(path, "/consents/data")
	if !ok {
		return "", false
	}
	path = strings.TrimPrefix(path, "/")
	org, name, ok := strings.Cut(path, "/projects/")
	if v1, after, below := strings.Cut(org, "/"); below && v1 == "v1" {
		org = after
	}
	if !ok || org == "" || name == "" || strings.Contains(org, "/") || strings.Contains(name, "/") {
		return "", false
	}
	return org + "/" + name, true
}

// receive handles one request for a consent, from its key to its answer.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, project string) {
	weather, now := s.weather.Load(), time.Now()
	n := weather.n.Add(1)
	code, gone := weather.early(n, now)
	if gone {
		s.counts.kinds[dropped].Add(1)
		s.drop(w, false)
		return
	}
	if code != 0 {
		s.counts.codes[code].Add(1)
		s.status(w, weather, code)
		return
	}
	dialect, key, why := s.auth.check(r)
	if why != "" {
		s.refuse(w, http.StatusUnauthorized, why)
		return
	}
	x := s.buffers.Get().(*exchange)
	defer s.recycle(x)
	if code, why := x.read(w, r); code != 0 {
		if code == http.StatusRequestEntityTooLarge {
			w.Header().Set("Connection", "close") // the rest of the body is not worth reading
		}
		s.refuse(w, code, why)
		return
	}
	form := formOf(dialect)
	if s.cfg.Form != nil {
		form = *s.cfg.Form
		dialect = form.Dialect
	}
	if err := x.decoder.decodeAs(x.body.Bytes(), &form, &x.consent); err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	x.packed = pack(x.packed[:0], &x.consent)
	s.answer(w, r, &arrival{exchange: x, weather: weather, n: n, at: now, dialect: dialect, key: key, project: project,
		hash: xxhash.Sum64(x.packed)})
}

// keepBuffer is the size in bytes up to which the memory of a body is kept.
const keepBuffer = 64 << 10

func (s *Server) recycle(x *exchange) {
	if x.body.Cap() <= keepBuffer {
		s.buffers.Put(x)
	}
}

// read takes the body in. A status other than 0 refuses it.
func (x *exchange) read(w http.ResponseWriter, r *http.Request) (code int, why string) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return http.StatusBadRequest, "Body must not be compressed"
	}
	if t := r.Header.Get("Content-Type"); t != "application/json" {
		media, params, err := mime.ParseMediaType(t)
		if charset := params["charset"]; err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
			return http.StatusBadRequest, "Content-Type must be application/json"
		}
	}
	if r.ContentLength > maxBody {
		return http.StatusRequestEntityTooLarge, "Body is larger than 1 MiB"
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTime))
	x.body.Reset()
	_, err := x.body.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	_ = c.SetReadDeadline(time.Time{})
	if err != nil {
		return http.StatusBadRequest, "Body could not be read"
	}
	if x.body.Len() > maxBody {
		return http.StatusRequestEntityTooLarge, "Body is larger than 1 MiB"
	}
	return 0, ""
}

// jsonType is shared by all answers, which saves making it for each.
var jsonType = []string{"application/json"}

// refuse answers with the error body of the API.
func (s *Server) refuse(w http.ResponseWriter, code int, message string) {
	body := append([]byte(nil), `{"errors":[{"message":`...)
	body, err := jsontext.AppendQuote(body, message)
	if err != nil { // the message held bytes that are no UTF-8: AppendQuote put marks in their place
		body = append(body, `""`...)
	}
	s.write(w, code, append(body, `}]}`...))
}

// write counts and sends an answer. An empty body stays empty.
func (s *Server) write(w http.ResponseWriter, code int, body []byte) {
	s.counts.byStatus[code].Add(1)
	if len(body) > 0 {
		w.Header()["Content-Type"] = jsonType
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that has gone is its own affair
}

// drop closes the connection without an answer: with a TCP reset, or as if
// nothing had happened.
func (s *Server) drop(w http.ResponseWriter, hard bool) {
	s.counts.byStatus[0].Add(1)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		if errors.Is(err, http.ErrNotSupported) {
			panic(http.ErrAbortHandler)
		}
		return
	}
	if t, ok := conn.(interface{ SetLinger(int) error }); ok && hard {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}

package sandbox

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// arrival is one sound consent on its way in.
type arrival struct {
	*exchange
	weather *weather
	n       int64 // number of the request under this weather
	at      time.Time
	dialect Dialect
	key     string
	project string
	hash    uint64
}

// okBody is the answer to a consent that was taken.
var okBody = []byte("{}")

// answer stores a consent, or not, and answers, or not, as the faults want it.
//
// What is stored is stored before the delay, as in a server that a client can
// give up but not call back: a repeat after a time-out comes later in the order
// of arrival, never in front.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, a *arrival) {
	lane := subjectHash(a.consent.UserID, a.consent.ProfileID) ^ mix(xxhash.Sum64(a.consent.Category))
	f := s.lanes.enter(lane, r.Context())
	left := false
	leave := func() {
		if !left {
			left = true
			s.lanes.leave(lane, f)
		}
	}
	defer leave()

	fault, drawn := a.weather.fixed(a.consent.Subject(), a.hash)
	if !drawn {
		fault, drawn = a.weather.draw(a.n)
	}
	if drawn {
		s.counts.fault(fault)
	}
	if !drawn || fault.stores() {
		if _, err := s.store.add(a.at, a.dialect, &a.consent, a.packed, a.hash); err != nil {
			s.log.Error("sandbox cannot keep a consent", "error", err)
			s.refuse(w, http.StatusInternalServerError, "Consent could not be stored")
			return
		}
		s.counts.project(a.project)
	}
	if !pause(r.Context(), a.weather.delay(a.n)) {
		s.counts.byStatus[0].Add(1)
		return // the client gave up
	}
	if !drawn {
		leave()
		s.write(w, http.StatusOK, okBody)
		return
	}
	s.inject(w, r, a, fault, leave)
}

// stores says whether a consent that suffers the fault is kept all the same.
func (f share) stores() bool {
	switch f.kind {
	case lost, slow, junk, cut:
		return true
	case status:
		return f.code < 300
	}
	return false
}

func (c *counts) fault(f share) {
	if f.kind == status {
		c.codes[f.code].Add(1)
	} else {
		c.kinds[f.kind].Add(1)
	}
}

// inject answers as the fault wants it. leave ends the request's time in its
// lane: before the answer can be read to its end.
func (s *Server) inject(w http.ResponseWriter, r *http.Request, a *arrival, f share, leave func()) {
	if f.kind != hang && f.kind != slow {
		leave()
	}
	switch f.kind {
	case status, poisoned, refused:
		s.status(w, a.weather, f.code)
	case reset:
		s.drop(w, true)
	case lost:
		s.drop(w, false)
	case hang:
		<-r.Context().Done()
		s.counts.byStatus[0].Add(1)
	case slow:
		s.drip(w, r)
	case junk:
		s.counts.byStatus[http.StatusOK].Add(1)
		w.Header()["Content-Type"] = jsonType
		_, _ = w.Write(junkBody)
	case cut:
		s.counts.byStatus[http.StatusOK].Add(1)
		s.truncate(w)
	case html:
		s.flood(w)
	case echo:
		s.refuse(w, http.StatusBadRequest, "Unknown: "+a.body.String()+" with key "+a.key)
	case redirect:
		w.Header().Set("Location", elsewhere(r, a.key))
		s.write(w, http.StatusFound, nil)
	}
}

// status answers with nothing but a status, and what belongs to it.
func (s *Server) status(w http.ResponseWriter, weather *weather, code int) {
	h := w.Header()
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		switch weather.retry {
		case "":
		case "date":
			h.Set("Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		case "absurd":
			h.Set("Retry-After", "99999999999999999999")
		default:
			h.Set("Retry-After", weather.retry)
		}
	}
	switch {
	case code == http.StatusTooManyRequests:
		limit := strconv.Itoa(max(weather.rate, 1))
		h["X-RateLimit-Replenish-Rate"] = []string{limit}
		h["X-RateLimit-Burst-Capacity"] = []string{limit}
		h["X-RateLimit-Requested-Tokens"] = []string{"1"}
		s.write(w, code, nil)
	case code < 300:
		s.write(w, code, nil)
	default:
		s.refuse(w, code, "Injected by the sandbox: "+http.StatusText(code))
	}
}

// junkBody is what an answer 200 says under the fault junk.
var junkBody = append([]byte("\x00\xff\xfe{{\"errors\":[[["), bytes.Repeat([]byte{0xde, 0xad, 0x0a}, 1000)...)

// drip sends an answer 200 one byte every 50 ms, for two seconds.
func (s *Server) drip(w http.ResponseWriter, r *http.Request) {
	s.counts.byStatus[http.StatusOK].Add(1)
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusOK)
	c := http.NewResponseController(w)
	for _, b := range []byte(`{"message":"slowly, but it does arrive"}`) {
		if _, err := w.Write([]byte{b}); err != nil || c.Flush() != nil || !pause(r.Context(), 50*time.Millisecond) {
			return
		}
	}
}

// truncate sends an answer 200 and closes in the middle of its body.
func (s *Server) truncate(w http.ResponseWriter) {
	w.Header()["Content-Type"] = jsonType
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"message":"and then`))
	c := http.NewResponseController(w)
	_ = c.Flush()
	if conn, _, err := c.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// flood sends an answer 400 with 10 MB of HTML.
func (s *Server) flood(w http.ResponseWriter) {
	s.counts.byStatus[http.StatusBadRequest].Add(1)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	block := bytes.Repeat([]byte("<p>Bad Request<script>alert(1)</script>\n"), 1600)
	for sent := 0; sent < 10<<20; sent += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// elsewhere is where a redirect points: this server under another host name, so
// that a client that follows it is seen.
func elsewhere(r *http.Request, key string) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "80"
	}
	return "http://localhost:" + port + "/_sandbox/elsewhere?apiKey=" + url.QueryEscape(key)
}

// pause waits. It returns false when the client gave up before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

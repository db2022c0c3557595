package sandbox

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// inspect answers the sandbox's own pages, below /_sandbox/.
func (s *Server) inspect(w http.ResponseWriter, r *http.Request) {
	page := strings.TrimPrefix(r.URL.Path, "/_sandbox/")
	methods, ok := map[string]string{
		"stats": "GET", "consents": "GET", "faults": "GET, POST", "reset": "POST", "elsewhere": "GET, POST",
	}[page]
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch {
	case !ok:
		explain(w, http.StatusNotFound, "no such page: there are stats, consents, faults and reset")
		return
	case !strings.Contains(methods, method):
		w.Header().Set("Allow", methods)
		explain(w, http.StatusMethodNotAllowed, page+" takes "+methods)
		return
	}
	switch page {
	case "stats":
		st, err := s.stats()
		if err != nil {
			explain(w, http.StatusInternalServerError, err.Error())
			return
		}
		reply(w, st)
	case "consents":
		s.listConsents(w, r)
	case "faults":
		s.changeFaults(w, r)
	case "reset":
		if err := s.Reset(); err != nil {
			explain(w, http.StatusInternalServerError, err.Error())
			return
		}
		reply(w, struct{}{})
	case "elsewhere":
		s.counts.redirected.Add(1)
		reply(w, struct{}{})
	}
}

// listConsents answers one person's consents as an array, or all as JSON lines. What
// cannot be read to its end is broken off, so that nobody takes it for the whole.
func (s *Server) listConsents(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name := range q {
		if name != "userId" && name != "profileId" { // whoever misspells a person does not ask for everybody
			explain(w, http.StatusBadRequest, "consents takes userId or profileId")
			return
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	write := func(before string, c *Consent, behind string) bool {
		line = append(line[:0], before...)
		line = append(c.appendJSON(line), behind...)
		_, err := out.Write(line)
		return err == nil
	}
	var err error
	if q.Has("userId") || q.Has("profileId") {
		w.Header()["Content-Type"] = jsonType
		before := "["
		err = s.store.of(q.Get("userId"), q.Get("profileId"), func(c *Consent) bool {
			ok := write(before, c, "")
			before = ","
			return ok
		})
		if before == "[" {
			_, _ = out.WriteString(before)
		}
		_, _ = out.WriteString("]\n")
	} else {
		w.Header().Set("Content-Type", "application/x-ndjson")
		err = s.store.all(func(c *Consent) bool { return write("", c, "\n") })
	}
	if err != nil {
		s.log.Error("sandbox cannot read what it kept", "error", err)
		panic(http.ErrAbortHandler)
	}
	_ = out.Flush()
}

// changeFaults sets the faults that the body lists, and answers those in force.
func (s *Server) changeFaults(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		spec, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHeader))
		if err != nil {
			explain(w, http.StatusBadRequest, "body could not be read")
			return
		}
		f, err := ParseFaults(string(spec))
		if err != nil {
			explain(w, http.StatusBadRequest, err.Error())
			return
		}
		s.SetFaults(f)
		s.log.Info("faults changed") // not which: they can name a subject
	}
	reply(w, map[string]string{"faults": s.Faults().String()})
}

func reply(w http.ResponseWriter, v any) {
	w.Header()["Content-Type"] = jsonType
	_ = json.NewEncoder(w).Encode(v)
}

func explain(w http.ResponseWriter, code int, message string) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(code)
	reply(w, map[string]any{"errors": []map[string]string{{"message": message}}})
}

package studio

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/report/wording"
)

// helpers are the functions of the templates.
var helpers = template.FuncMap{
	"base":      filepath.Base,
	"thousands": func(n int64) string { return wording.Thousands(n) },
	"percent":   func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"len64":     func(v any) int64 { return int64(reflect.ValueOf(v).Len()) },
	"plural":    func(n int64, one string) string { return wording.Plural(n, one) },
	"visible":   wording.Visible,
	"carried":   carriedIn.Replace,
}

// A browser sends each line end of a field as CR LF, whatever it was. So what is not for a
// person to change goes through a form without any.
var (
	carriedIn  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	carriedOut = strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n")
)

// page is what every page gets.
type page struct {
	Name, Title string
	CSRF        string
	Work        work
	Fault       string
	Data        any
}

// routes are the pages and forms about an export.
var routes = map[string]func(*Studio, http.ResponseWriter, *http.Request){
	"GET /mapping": (*Studio).mappingPage, "POST /mapping/new": (*Studio).newMapping, "POST /mapping/save": (*Studio).saveMapping,
	"POST /mapping/decide": (*Studio).decide, "POST /mapping/try": (*Studio).tryMapping, "GET /mapping/changes": (*Studio).changesPart,
	"GET /dry-run": (*Studio).dryRunPage, "POST /dry-run": (*Studio).startDryRun,
	"GET /run": (*Studio).runPage, "POST /run": (*Studio).startRun, "POST /run/command": (*Studio).runCommand,
	"GET /run/progress": (*Studio).progress, "POST /run/order": (*Studio).order,
	"GET /reports": (*Studio).reportsPage, "POST /reports/check": (*Studio).check, "GET /out/{dir}/{file}": (*Studio).outFile,
	"GET /repair": (*Studio).repairPage, "POST /repair": (*Studio).saveRepair,
	"GET /job": (*Studio).jobPart, "POST /job/stop": (*Studio).stopJob,
}

// entrances are what is asked for before an export is chosen.
var entrances = map[string]func(*Studio, http.ResponseWriter, *http.Request){
	"GET /{$}": (*Studio).filePage, "POST /open": (*Studio).openExport,
	"GET /assets/": serveAsset,
	// A report that is opened names no icon, and some browsers then ask for this one.
	"GET /favicon.ico": func(s *Studio, w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, embedded, "assets/icon.svg")
	},
}

// Patterns are all that the studio answers to: a method and a path each, as http.ServeMux
// has them.
func Patterns() []string {
	all := maps.Clone(routes)
	maps.Copy(all, entrances)
	return slices.Sorted(maps.Keys(all))
}

func serveAsset(_ *Studio, w http.ResponseWriter, r *http.Request) {
	http.FileServerFS(embedded).ServeHTTP(w, r)
}

// Handler serves the pages to whoever holds the token.
func (s *Studio) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range entrances {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(s, w, r) })
	}
	for pattern, answer := range routes {
		mux.HandleFunc(pattern, s.withExport(func(w http.ResponseWriter, r *http.Request) { answer(s, w, r) }))
	}
	return s.guarded(mux)
}

// withExport sends whoever has not chosen an export to where it is chosen.
func (s *Studio) withExport(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(s.work().Exports) == 0 {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}

// show writes a page, or a part of one.
func (s *Studio) show(w http.ResponseWriter, status int, name string, data any) {
	s.write(w, status, name, name, data)
}

// part writes a part of a page.
func (s *Studio) part(w http.ResponseWriter, page, part string, data any) {
	s.write(w, http.StatusOK, page, part, data)
}

func (s *Studio) write(w http.ResponseWriter, status int, page, name string, data any) {
	var b bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever asked may be gone
}

func (s *Studio) page(name, title string, data any) page {
	return page{Name: name, Title: title, CSRF: s.csrf, Work: s.work(), Data: data}
}

// fault shows what a form could not do.
func (s *Studio) fault(w http.ResponseWriter, back string, err error) {
	s.show(w, http.StatusConflict, "fault", page{Name: back, Title: "Not done", CSRF: s.csrf, Work: s.work(), Fault: err.Error()})
}

// jobPart is what a job has said so far, asked for again and again while it works.
func (s *Studio) jobPart(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	j := s.job
	s.mu.Unlock()
	if j != nil && j.done() {
		w.Header().Set("X-Done", "yes")
	}
	s.show(w, http.StatusOK, "job", j.view())
}

// stopJob stops what is at work as a signal would.
func (s *Studio) stopJob(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.job != nil {
		s.job.cancel()
	}
	s.mu.Unlock()
	http.Redirect(w, r, "/reports", http.StatusSeeOther)
}

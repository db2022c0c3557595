package studio

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path/filepath"
	"reflect"

	"github.com/consentimport/consentimport/report/wording"
)

// helpers are the functions of the templates.
var helpers = template.FuncMap{
	"base":      filepath.Base,
	"thousands": func(n int64) string { return wording.Thousands(n) },
	"percent":   func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"len64":     func(v any) int64 { return int64(reflect.ValueOf(v).Len()) },
	"plural":    func(n int64, one string) string { return wording.Plural(n, one) },
}

// page is what every page gets.
type page struct {
	Name, Title string
	CSRF        string
	Work        work
	Fault       string
	Data        any
}

// Handler serves the pages to whoever holds the token.
func (s *Studio) Handler() http.Handler {
	mux := http.NewServeMux()
	assets, err := fs.Sub(embedded, "assets")
	if err != nil {
		panic(err) // it is embedded
	}
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	// A report that is opened names no icon, and some browsers then ask for this one.
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "icon.svg") })
	mux.HandleFunc("GET /{$}", s.filePage)
	mux.HandleFunc("POST /open", s.openExport)
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /mapping": s.mappingPage, "POST /mapping/new": s.newMapping, "POST /mapping/save": s.saveMapping,
		"POST /mapping/decide": s.decide, "POST /mapping/try": s.tryMapping, "GET /mapping/changes": s.changesPart,
		"GET /dry-run": s.dryRunPage, "POST /dry-run": s.startDryRun,
		"GET /run": s.runPage, "POST /run": s.startRun, "POST /run/command": s.runCommand, "GET /run/progress": s.progress, "POST /run/order": s.order,
		"GET /reports": s.reportsPage, "POST /reports/check": s.check, "GET /out/{dir}/{file}": s.outFile,
		"GET /repair": s.repairPage, "POST /repair": s.saveRepair,
		"GET /job": s.jobPart, "POST /job/stop": s.stopJob,
	} {
		mux.HandleFunc(pattern, s.withExport(handle))
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

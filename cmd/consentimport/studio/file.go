package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/source"
)

// look is an inspection that works in the background, however long the export is.
type look struct {
	cancel context.CancelFunc
	ended  chan struct{}
	stamp  string // sizes and times of the files
	found  *inspect.Inspection
	err    error
}

// inspection begins to inspect the export unless that was done; nil while it reads.
func (s *Studio) inspection() (*inspect.Inspection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp := stampOf(s.exports)
	if s.look != nil && s.look.stamp != stamp {
		s.look.cancel() // the files have changed
		s.look = nil
	}
	if s.look == nil {
		ctx, cancel := context.WithCancel(s.cfg.Context)
		l := &look{cancel: cancel, ended: make(chan struct{}), stamp: stamp}
		s.look = l
		paths := slices.Clone(s.exports)
		s.jobs.Go(func() {
			defer close(l.ended)
			defer cancel()
			l.found, l.err = inspect.Inspect(ctx, source.Config{Paths: paths})
		})
	}
	select {
	case <-s.look.ended:
		return s.look.found, s.look.err
	default:
		return nil, nil
	}
}

func stampOf(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// fileData is what the page of the file shows.
type fileData struct {
	Reading                  bool
	In                       *inspect.Inspection
	Suggested                *inspect.Suggestion
	Person, Times, Decisions []string
	Choices                  []string // files to choose from, before one is chosen
	Command                  string
	Forms                    []string
}

func (s *Studio) filePage(w http.ResponseWriter, _ *http.Request) {
	work := s.work()
	if len(work.Exports) == 0 {
		s.show(w, http.StatusOK, "file", s.page("file", "File", fileData{Choices: choices()}))
		return
	}
	d := fileData{Command: commandLine(work.args("inspect"))}
	p := s.page("file", "File", nil)
	var err error
	d.In, err = s.inspection()
	switch {
	case err != nil:
		p.Fault = err.Error()
	case d.In == nil:
		d.Reading = true
	default:
		d.Suggested = d.In.Suggest()
		d.describe()
	}
	p.Data = d
	s.show(w, http.StatusOK, "file", p)
}

// describe names the candidates for person, time and decision.
func (d *fileData) describe() {
	name := func(to *[]string, columns ...*inspect.Column) {
		for _, c := range columns {
			if c != nil && !slices.Contains(*to, c.Name) {
				*to = append(*to, c.Name)
			}
		}
	}
	name(&d.Person, d.Suggested.UserID, d.Suggested.Email, d.Suggested.ProfileID)
	for _, t := range d.Suggested.Times {
		name(&d.Times, t.Columns...)
	}
	name(&d.Times, d.Suggested.OtherTimes...)
	name(&d.Decisions, d.Suggested.Decisions...)
	for _, c := range d.Suggested.Candidates {
		name(&d.Decisions, c.Source)
		name(&d.Decisions, c.Columns...)
	}
	for _, l := range d.In.Layouts {
		form := l.Format + ", " + l.Encoding
		if l.Delimiter != "" {
			form += ", cells separated by " + map[string]string{",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[l.Delimiter]
		}
		if !slices.Contains(d.Forms, form) {
			d.Forms = append(d.Forms, form)
		}
	}
}

// maxChoices is how many files are offered.
const maxChoices = 200

// choices are the files here that may be an export.
func choices() []string {
	entries, err := os.ReadDir(".")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if e.Type().IsRegular() && len(out) < maxChoices && slices.Contains([]string{".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".zip"}, ext) {
			out = append(out, e.Name())
		}
	}
	return out
}

// openExport takes one of the files that were offered, and nothing else.
func (s *Studio) openExport(w http.ResponseWriter, r *http.Request) {
	name := r.PostForm.Get("export")
	if !slices.Contains(choices(), name) {
		s.fault(w, "file", errors.New("that is not one of the files of this directory"))
		return
	}
	if j := s.current("run", "dry-run", "repair"); j != nil && !j.done() {
		s.fault(w, "file", errBusy)
		return
	}
	s.choose([]string{name}, "")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

package studio

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/report/summary"
)

// outDir is an out directory beside the export.
type outDir struct {
	Name     string // of the directory alone
	Summary  *summary.Summary
	Files    []string
	Begun    bool // it has a checkpoint
	Repair   bool // rows failed that can be repaired
	Failures []failureLine
	More     bool // failures than are shown
	Commands []string
}

// DryRun says that it is that of a dry run.
func (o outDir) DryRun() bool { return o.Summary != nil && o.Summary.DryRun }

// reportsData is what the page of the reports shows.
type reportsData struct {
	Dirs []outDir
	Job  *jobView
}

// maxOutDirs is how many out directories are shown.
const maxOutDirs = 50

// outDirs finds the out directories beside the export: those that are named after it, and
// others that hold a checkpoint or a report.
func (w work) outDirs() (paths []string) {
	export := filepath.Clean(w.Exports[0])
	entries, err := os.ReadDir(filepath.Dir(export))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() || len(paths) == maxOutDirs {
			continue
		}
		path := filepath.Join(filepath.Dir(export), e.Name())
		rest, ours := strings.CutPrefix(e.Name(), filepath.Base(export)+".")
		named := ours && (rest == "dry-run" || rest == "import" || strings.HasPrefix(rest, "import.") || strings.HasPrefix(rest, "dry-run."))
		if named || isFile(filepath.Join(path, "checkpoint.jsonl")) || isFile(filepath.Join(path, "report.json")) {
			paths = append(paths, path)
		}
	}
	return paths
}

// isFile reports whether a path is a file, and no link to one.
func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// find gives the out directory with a name; only those that are there have one.
func (w work) find(name string) (string, error) {
	for _, path := range w.outDirs() {
		if filepath.Base(path) == name {
			return path, nil
		}
	}
	return "", errors.New("there is no such out directory beside the export")
}

// kinds are the files of an out directory that can be opened, and as what they are sent.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".jsonl": "application/jsonl; charset=utf-8",
	".yaml": "application/yaml; charset=utf-8", ".sig": "application/octet-stream", ".tsr": "application/octet-stream",
}

// filesIn lists the files of an out directory that can be opened.
func filesIn(dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() && kinds[filepath.Ext(e.Name())] != "" {
			names = append(names, e.Name())
		}
	}
	return names
}

func (s *Studio) reportsPage(w http.ResponseWriter, _ *http.Request) {
	work := s.work()
	d := reportsData{Job: s.current("verify", "evidence", "report", "repair").view()}
	for _, path := range work.outDirs() {
		o := outDir{Name: filepath.Base(path), Summary: summaryOf(path), Files: filesIn(path)}
		_, name := rejectedIn(path)
		o.Begun = slices.Contains(o.Files, "checkpoint.jsonl")
		o.Repair = name != "" && o.Begun && !o.DryRun()
		o.Failures, o.More = failuresIn(path)
		if o.Begun {
			for _, command := range checks {
				if command == "evidence" && o.DryRun() {
					continue // nothing was sent
				}
				o.Commands = append(o.Commands, commandLine([]string{command, word(path)}))
			}
		}
		d.Dirs = append(d.Dirs, o)
	}
	s.show(w, http.StatusOK, "reports", s.page("reports", "Reports", d))
}

// checks are the commands about an out directory.
var checks = []string{"verify", "evidence", "report"}

// check runs one of the commands about an out directory.
func (s *Studio) check(w http.ResponseWriter, r *http.Request) {
	dir, err := s.work().find(r.PostForm.Get("dir"))
	command := r.PostForm.Get("command")
	if err == nil && !slices.Contains(checks, command) {
		err = errors.New("that is not one of the commands of this page")
	}
	if err == nil {
		err = s.start(command, command, word(dir))
	}
	if err != nil {
		s.fault(w, "reports", err)
		return
	}
	http.Redirect(w, r, "/reports", http.StatusSeeOther)
}

// outFile sends a file of an out directory: a document to look at, or a list to keep.
func (s *Studio) outFile(w http.ResponseWriter, r *http.Request) {
	dir, err := s.work().find(r.PathValue("dir"))
	name := r.PathValue("file")
	if err != nil || !slices.Contains(filesIn(dir), name) {
		http.NotFound(w, r)
		return
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", documentPolicy)
	h.Set("Content-Type", kinds[filepath.Ext(name)])
	if filepath.Ext(name) != ".html" || r.URL.Query().Has("download") {
		h.Set("Content-Disposition", `attachment; filename="`+strings.Map(plain, name)+`"`)
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// plain keeps what may stand in a header.
func plain(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return '_'
	}
	return r
}

// Package studio is the work of a migration as pages on the machine of the person who
// decides: look at the file, say what values mean, see what rows become, sign, run, watch,
// repair.
//
// Everything that a page does is done by a command of the program, called as the shell would
// call it, and the page shows that command. What is known lies in files: the mapping beside
// the export, and out directories; pages and terminal can be used in turn.
package studio

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

// Config is what a studio works on. Address, Context and Program are needed.
type Config struct {
	Exports []string // the files of the export; none: one is chosen on the page
	Mapping string   // the mapping file; empty: EXPORT.mapping.yaml
	Address string   // host and port that the pages are asked at, the only ones
	// Context ends what runs in the background, as a signal ends a run.
	Context context.Context
	// Program is the program itself: it gives the exit code.
	Program func(ctx context.Context, args []string, stdout, stderr io.Writer) int
	// AtWork reports whether a process works in an out directory, be it one that takes no
	// orders, because it reads the export before it sends.
	AtWork func(dir string) bool
	// KeyInEnvironment says that the environment has an API key; the key itself never gets here.
	KeyInEnvironment bool
}

// Studio serves the pages.
type Studio struct {
	cfg     Config
	token   string // in the URL that the terminal prints
	session string // of the cookie
	csrf    string // in every form
	scratch string // directory for mappings that were not saved
	pages   map[string]*template.Template

	mu      sync.Mutex
	exports []string
	mapping string
	job     *job
	jobs    sync.WaitGroup
	look    *look
	// comparing is the dry run that is held against the last one.
	comparing *comparison
	paces     paces
	target    *targetForm // that was entered last

	saving sync.Mutex // held from the look at the mapping file until it is written
}

//go:embed pages assets
var embedded embed.FS

// pageNames are the pages, a template each.
var pageNames = []string{"file", "mapping", "dryrun", "run", "reports", "repair", "job", "progress", "trial", "changes", "opened", "fault"}

// New makes a studio. Close ends it.
func New(cfg Config) (*Studio, error) {
	if cfg.Context == nil || cfg.Program == nil || cfg.Address == "" {
		return nil, errors.New("open the studio: context, program and address are needed")
	}
	for _, path := range cfg.Exports {
		if source.IsRemote(path) || path == "-" {
			return nil, fmt.Errorf("open the studio: %s is not a file on this machine", path)
		}
		if info, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open the export: %w", err)
		} else if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("open the export: %s is not a file", path)
		}
	}
	scratch, err := makeScratch()
	if err != nil {
		return nil, err
	}
	s := &Studio{cfg: cfg, token: rand.Text(), session: rand.Text(), csrf: rand.Text(), scratch: scratch, pages: map[string]*template.Template{}}
	for _, name := range pageNames {
		s.pages[name] = template.Must(template.New("").Funcs(helpers).ParseFS(embedded, "pages/base.tmpl", "pages/"+name+".tmpl"))
	}
	s.choose(cfg.Exports, cfg.Mapping)
	return s, nil
}

// URL is where the studio is opened: with the token, which nobody else knows.
func (s *Studio) URL() string { return "http://" + s.cfg.Address + "/?token=" + s.token }

// Opener is a file that only its owner can read and that leads a browser to the studio: the token
// itself must not stand among the arguments of a program, which everybody on the machine can see.
func (s *Studio) Opener() (path string, err error) {
	path = filepath.Join(s.scratch, "open.html")
	return path, os.WriteFile(path, []byte(`<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=`+s.URL()+`">`), 0o600)
}

// Close waits until what ran in the background has ended; Config.Context has to be over.
func (s *Studio) Close() error {
	s.mu.Lock()
	if s.look != nil {
		s.look.cancel()
	}
	s.dropComparison()
	s.mu.Unlock()
	s.jobs.Wait()
	return os.RemoveAll(s.scratch)
}

// Serve answers until the context is over, then waits for what runs to stop.
func (s *Studio) Serve(l net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	stop := context.AfterFunc(s.cfg.Context, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, s.Close())
	}
	return s.Close()
}

// choose takes an export, and the mapping that lies beside it unless another is named.
func (s *Studio) choose(exports []string, mappingFile string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look != nil {
		s.look.cancel() // nobody waits for what it finds
		s.look = nil
	}
	s.dropComparison()
	s.exports, s.mapping = exports, mappingFile
	if mappingFile == "" && len(exports) > 0 {
		s.mapping = exports[0] + ".mapping.yaml"
	}
}

// work is what the pages are about at one moment.
type work struct {
	Exports []string
	Mapping string
}

func (s *Studio) work() work {
	s.mu.Lock()
	defer s.mu.Unlock()
	return work{s.exports, s.mapping}
}

// Dry is the directory of the dry run, Out that of the import.
func (w work) Dry() string { return filepath.Clean(w.Exports[0]) + ".dry-run" }
func (w work) Out() string { return filepath.Clean(w.Exports[0]) + ".import" }

// args puts the files of the export behind words of a command.
func (w work) args(words ...string) []string {
	for _, path := range w.Exports {
		words = append(words, word(path))
	}
	return words
}

// word is a path as an argument: one that begins with a dash would be taken for a flag.
func word(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// read reads a file that may not be longer than most bytes; nil when there is none.
func read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is longer than %d bytes", path, most)
	}
	return text, err
}

// write puts a file in place whole: a reader, or a machine that dies, finds the old text or the new.
func write(path string, text []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".consentimport-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

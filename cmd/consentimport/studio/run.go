package studio

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/consentimport/consentimport/report/summary"
)

// runData is what the page of the run shows.
type runData struct {
	Job      *jobView
	Status   *status
	Hash     string           // of the dry run; without one nothing is sent
	Invalid  bool             // nothing of the dry run would be sent
	Summary  *summary.Summary // of the import, when there is one
	Dir      string
	Begun    bool // the directory holds an import
	Files    []string
	KeyInEnv bool
	Order    string // the command that pauses the run
}

// Finished reports whether nothing is left to go on with.
func (d runData) Finished() bool {
	s := d.Summary
	return s != nil && s.State == "complete" && s.Rows.Invalid == 0 && s.Consents.Refused == 0 && s.Consents.Failed == 0
}

// status is what ctl DIR status --json tells of a run, whoever began it.
type status struct {
	State       string  `json:"state"`
	Rate        float64 `json:"rate"`
	Concurrency int     `json:"concurrency"`
	Throttled   bool    `json:"throttled"`
	Bytes       int64   `json:"bytes"`
	Size        int64   `json:"size"`
	Rows        int64   `json:"rows"`
	Sent        int64   `json:"sent"`
	Refused     int64   `json:"refused"`
	Failed      int64   `json:"failed"`
	Superseded  int64   `json:"superseded"`
	Retrying    int64   `json:"retrying"`
	InFlight    int64   `json:"inFlight"`
	Elapsed     float64 `json:"elapsedSeconds"`
	Made        int64   `json:"-"` // by the dry run; 0: not known
}

// Percent is how much is done: of the consents that the dry run made, or of the export where
// that is not known.
func (s *status) Percent() float64 {
	done, all := s.done()
	return 100 * done / all
}

func (s *status) done() (done, all float64) {
	done, all = float64(s.Bytes), float64(s.Size)
	if s.Made > 0 {
		done, all = float64(s.Sent+s.Refused+s.Failed+s.Superseded), float64(s.Made)
	}
	all = max(all, 1)
	return min(done, all), all
}

// Left is about how long it will take; empty when that is not known.
func (s *status) Left() string {
	done, all := s.done()
	if s.State != "running" || done == 0 || s.Elapsed < 1 {
		return ""
	}
	return time.Duration(s.Elapsed * (all - done) / done * float64(time.Second)).Round(time.Second).String()
}

// PerSecond is the pace so far.
func (s *status) PerSecond() int64 {
	if s.Elapsed < 1 {
		return s.Sent
	}
	return int64(float64(s.Sent) / s.Elapsed)
}

// statusIn asks the run in a directory how it is; nil when none is at work there.
func (s *Studio) statusIn(r *http.Request, dir string) *status {
	code, stdout, _ := s.call(r.Context(), "ctl", "--json", word(dir), "status")
	st := &status{}
	if code != 0 || json.Unmarshal([]byte(stdout), st) != nil {
		return nil
	}
	return st
}

func (s *Studio) runData(r *http.Request) runData {
	work := s.work()
	d := runData{
		Job: s.current("run", "repair").view(), Status: s.statusIn(r, work.Out()), Dir: filepath.Base(work.Out()),
		KeyInEnv: s.cfg.KeyInEnvironment, Order: commandLine([]string{"ctl", word(work.Out()), "pause"}),
	}
	if dry := summaryOf(work.Dry()); dry != nil {
		d.Hash, d.Invalid = dry.ApprovalHash, dry.Consents.Made == 0
		if d.Status != nil {
			d.Status.Made = dry.Consents.Made
		}
	}
	d.Files = filesIn(work.Out())
	for _, f := range d.Files {
		d.Begun = d.Begun || f == "checkpoint.jsonl"
	}
	if d.Status == nil && (d.Job == nil || d.Job.Done) {
		d.Summary = summaryOf(work.Out())
	}
	return d
}

func (s *Studio) runPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, http.StatusOK, "run", s.page("run", "Run", s.runData(r)))
}

// progress is the live part of the page of the run.
func (s *Studio) progress(w http.ResponseWriter, r *http.Request) {
	d := s.runData(r)
	if d.Status == nil && (d.Job == nil || d.Job.Done) {
		w.Header().Set("X-Done", "yes")
	}
	s.show(w, http.StatusOK, "progress", d)
}

// shortHash is how much of the approval hash has to be copied from the sheet that was signed.
const shortHash = 12

// approvedArgs checks that who sends has the signed sheet: nothing else begins a run.
func approvedArgs(work work, r *http.Request) ([]string, error) {
	dry := summaryOf(work.Dry())
	if dry == nil || dry.ApprovalHash == "" {
		return nil, errors.New("there is no dry run to approve; make one, and have its sheet signed")
	}
	typed := strings.ToLower(strings.Join(strings.Fields(r.PostForm.Get("approved")), ""))
	if len(typed) < shortHash || !strings.HasPrefix(dry.ApprovalHash, typed) {
		return nil, errors.New("that is not how the approval hash of the last dry run begins; copy it from the sheet that was signed")
	}
	return []string{"--approved", dry.ApprovalHash}, nil
}

// targetArgs are the flags of the target that a form names. The key is not among them: the
// program reads it from the file or the environment.
func targetArgs(r *http.Request) ([]string, error) {
	var args []string
	form := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	if form("target") == "sandbox" {
		args = append(args, "--sandbox")
	} else {
		for _, name := range []string{"base-url", "org", "project", "api-key-file"} {
			if v := form(name); v != "" {
				if strings.HasPrefix(v, "-") {
					return nil, errors.New(name + " may not begin with a dash")
				}
				args = append(args, "--"+name, v)
			}
		}
	}
	for _, name := range []string{"rate", "concurrency"} {
		if v := form(name); v != "" {
			args = append(args, "--"+name+"="+v)
		}
	}
	return args, nil
}

// startRun begins the import, or goes on with it.
func (s *Studio) startRun(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	args := work.args("run", "--mapping", word(work.Mapping))
	approved, err := approvedArgs(work, r)
	if err == nil {
		var target []string
		target, err = targetArgs(r)
		args = append(append(args, approved...), target...)
	}
	switch r.PostForm.Get("how") {
	case "resume":
		args = append(args, "--resume")
	case "retry":
		args = append(args, "--resume", "--retry")
	}
	if err == nil {
		err = s.start("run", args...)
	}
	if err != nil {
		s.fault(w, "run", err)
		return
	}
	http.Redirect(w, r, "/run", http.StatusSeeOther)
}

// order steers the run, as ctl does; it need not have been begun here.
func (s *Studio) order(w http.ResponseWriter, r *http.Request) {
	order := r.PostForm.Get("order")
	if name := r.PostForm.Get("name"); name != "" {
		order = name + "=" + strings.TrimSpace(r.PostForm.Get("value"))
	}
	code, _, stderr := s.call(r.Context(), "ctl", word(s.work().Out()), "--", order)
	if code != 0 {
		s.fault(w, "run", errors.New(strings.TrimPrefix(strings.TrimSpace(stderr), "error: ")))
		return
	}
	http.Redirect(w, r, "/run", http.StatusSeeOther)
}

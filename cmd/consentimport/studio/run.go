package studio

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

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
	Target   targetForm
	Orders   []string // the commands that steer the run
	Commands []string // those that the buttons stand for
	Held     bool     // a process is at work in Dir that takes no orders
}

// Live says that a run is at work.
func (d runData) Live() bool { return d.Status != nil || d.Held || d.Job != nil && !d.Job.Done }

// Killed says that the last run ended without its reports.
func (d runData) Killed() bool { return d.Begun && !d.Live() && d.Summary == nil }

// Complete says that every consent has an outcome, so that only failures are left.
func (d runData) Complete() bool { return d.Summary != nil && d.Summary.State == "complete" }

// Finished reports whether nothing is left to go on with.
func (d runData) Finished() bool {
	s := d.Summary
	return d.Complete() && s.Rows.Invalid == 0 && s.Consents.Refused == 0 && s.Consents.Failed == 0
}

// statusIn asks the run in a directory how it is; nil when none is at work there.
func (s *Studio) statusIn(r *http.Request, dir string) *status {
	code, stdout, _ := s.call(r.Context(), "ctl", "--json", word(dir), "status")
	st := &status{}
	if code != 0 || json.Unmarshal([]byte(stdout), st) != nil {
		return nil
	}
	if dry := summaryOf(strings.TrimSuffix(dir, ".import") + ".dry-run"); dry != nil && len(dry.Inputs) > 0 {
		st.Made = dry.Consents.Made
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.PerSecond = s.paces.rate(st)
	return st
}

func (s *Studio) runData(r *http.Request) runData {
	work := s.work()
	dir := work.Out()
	d := runData{
		Job: s.current("run", "repair").view(), Status: s.statusIn(r, dir), Dir: filepath.Base(dir),
		KeyInEnv: s.cfg.KeyInEnvironment, Target: s.targetOf(dir),
	}
	for _, order := range []string{"status", "pause", "resume", "rate=200", "concurrency=32", "stop"} {
		d.Orders = append(d.Orders, commandLine([]string{"ctl", word(dir), order}))
	}
	if dry := summaryOf(work.Dry()); dry != nil {
		d.Hash, d.Invalid = dry.ApprovalHash, dry.Consents.Made == 0
	}
	d.Files = filesIn(dir)
	d.Begun = slices.Contains(d.Files, "checkpoint.jsonl")
	d.Held = d.Status == nil && d.Begun && s.cfg.AtWork(dir)
	if !d.Live() {
		d.Summary = summaryOf(dir)
	}
	d.Commands = work.runCommands(d.Hash, d.Target, d.Begun, d.Complete())
	return d
}

// runCommands are the commands that the buttons of the form stand for.
func (w work) runCommands(hash string, to targetForm, begun, complete bool) (out []string) {
	hows := [][]string{nil}
	switch {
	case begun && complete:
		hows = [][]string{{"--resume", "--retry"}}
	case begun:
		hows = [][]string{{"--resume"}, {"--resume", "--retry"}}
	}
	for _, how := range hows {
		args := append(append(w.args("run", "--mapping", word(w.Mapping)), "--approved", hash), to.flags()...)
		out = append(out, commandLine(append(args, how...)))
	}
	return out
}

// runCommand is the command that the form would begin, as it is filled in now.
func (s *Studio) runCommand(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	to, err := targetIn(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	hash := ""
	if dry := summaryOf(work.Dry()); dry != nil {
		hash = dry.ApprovalHash
	}
	if dir, err := work.find(r.PostForm.Get("dir")); err == nil { // of a repair
		s.part(w, "run", "commands", []string{commandLine(work.repairArgs(dir, to))})
		return
	}
	s.part(w, "run", "commands", work.runCommands(hash, to, slices.Contains(filesIn(work.Out()), "checkpoint.jsonl"), runData{Summary: summaryOf(work.Out())}.Complete()))
}

func (s *Studio) runPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, http.StatusOK, "run", s.page("run", "Run", s.runData(r)))
}

// progress is the live part of the page of the run.
func (s *Studio) progress(w http.ResponseWriter, r *http.Request) {
	d := s.runData(r)
	if !d.Live() {
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

// startRun begins the import, or goes on with it.
func (s *Studio) startRun(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	args := work.args("run", "--mapping", word(work.Mapping))
	approved, err := approvedArgs(work, r)
	to, wrong := targetIn(r)
	err = cmp.Or(err, wrong)
	args = append(append(args, approved...), to.flags()...)
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
	s.remember(to)
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

package studio

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// maxReport bounds what is read of a report.json.
const maxReport = 64 << 20

// summaryOf reads report.json of an out directory; nil when there is none.
func summaryOf(dir string) *summary.Summary {
	text, err := read(filepath.Join(dir, "report.json"), maxReport)
	if err != nil || text == nil {
		return nil
	}
	s := &summary.Summary{}
	if json.Unmarshal(text, s) != nil {
		return nil
	}
	return s
}

// dryRunData is what the page of the dry run shows.
type dryRunData struct {
	Job       *jobView
	Ready     bool // a mapping is there and sound
	Summary   *summary.Summary
	Dir       string
	Decisions []decision
	More      bool
	Files     []string
	Stale     bool // the mapping has changed since
	Command   string
}

func (w work) dryRunArgs() []string {
	return w.args("run", "--dry-run", "--mapping", word(w.Mapping))
}

func (s *Studio) dryRunPage(w http.ResponseWriter, _ *http.Request) {
	work := s.work()
	d := dryRunData{Command: commandLine(work.dryRunArgs()), Dir: filepath.Base(work.Dry()), Job: s.current("dry-run").view()}
	text, err := read(work.Mapping, mapping.MaxFile)
	d.Ready = err == nil && text != nil && len(faults(work.Mapping, text)) == 0
	if d.Job == nil || d.Job.Done {
		d.Summary = summaryOf(work.Dry())
	}
	if d.Summary != nil {
		d.Decisions, d.More = decisionsOf(work.Dry(), maxDecisions)
		d.Files = filesIn(work.Dry())
		if spec, err := mapping.Parse(work.Mapping, text, nil); err == nil {
			d.Stale = !sameMapping(spec, work.Dry())
		}
	}
	s.show(w, http.StatusOK, "dryrun", s.page("dryrun", "Dry run", d))
}

// sameMapping reports whether a dry run was made with a mapping as it is now. The mapping
// that was used lies in its directory.
func sameMapping(spec *mapping.Spec, dir string) bool {
	stored, _ := filepath.Glob(filepath.Join(dir, "mapping-*.yaml"))
	return slices.ContainsFunc(stored, func(path string) bool {
		text, err := read(path, 2*mapping.MaxFile)
		return err == nil && string(text) == string(spec.Source())
	})
}

func (s *Studio) startDryRun(w http.ResponseWriter, r *http.Request) {
	if err := s.start("dry-run", s.work().dryRunArgs()...); err != nil {
		s.fault(w, "dryrun", err)
		return
	}
	http.Redirect(w, r, "/dry-run", http.StatusSeeOther)
}

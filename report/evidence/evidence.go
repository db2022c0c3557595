package evidence

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
)

// The names of the files, in the out directory.
const (
	Name          = "evidence.json"
	SignatureName = Name + ".sig"
	StampName     = Name + ".tsr"
)

// Format names the form of evidence.json.
const Format = "consentimport-evidence/1"

// Evidence is evidence.json. It holds no person.
type Evidence struct {
	Format string       `json:"format"`
	Tool   summary.Tool `json:"tool"`
	Import string       `json:"import"` // the random name of the import

	Exports  []summary.Input   `json:"exports"`
	Mappings []summary.Mapping `json:"mappings"`
	Lookups  []summary.Lookup  `json:"lookups,omitempty"` // files that the mappings look rows up in
	Target   summary.Target    `json:"target"`
	// Since is what the import was held against, where it was.
	Since      *summary.Since       `json:"since,omitempty"`
	Approval   Approval             `json:"approval"`
	Checkpoint journal.FileDigest   `json:"checkpoint"`
	Lists      []journal.FileDigest `json:"lists"`

	StartedAt      time.Time            `json:"startedAt"`
	FinishedAt     time.Time            `json:"finishedAt"`
	State          string               `json:"state"`
	ExitCode       int                  `json:"exitCode"`
	Rows           summary.Rows         `json:"rows"`
	Consents       summary.Consents     `json:"consents"`
	ByDecision     []summary.ByDecision `json:"byDecision"`
	Subjects       int64                `json:"subjects"`
	LastWords      []summary.LastWord   `json:"lastWords"`
	OverPermissive int64                `json:"overPermissive"`
	Outcomes       Outcomes             `json:"outcomes"`
}

// Approval says what was approved.
type Approval struct {
	// Hash is the approval hash of export and last mapping.
	Hash string `json:"hash"`
	// Runs are the runs that sent under an approval: what --approved gave, "hash:" and
	// an approval hash, or "file:" and the SHA-256 of the signed table.
	Runs []ApprovedRun `json:"runs"`
}

// ApprovedRun is one run that sent only what was approved.
type ApprovedRun struct {
	Run      int    `json:"run"`
	Approved string `json:"approved"`
}

// Outcomes is the Merkle root over all outcomes, hex, and the number of its leaves.
type Outcomes struct {
	Root   string `json:"root"`
	Leaves int64  `json:"leaves"`
}

// Make draws up the evidence of an import whose reports lie in dir and are derived
// from the survey: sum is theirs.
func Make(ctx context.Context, disk journal.Disk, dir string, s *survey.Survey, sum *summary.Summary) (*Evidence, error) {
	root, err := Root(ctx, s)
	if err != nil {
		return nil, err
	}
	facts := s.Facts()
	e := &Evidence{
		Format: Format, Tool: sum.Tool, Import: facts.Header.ID,
		Exports: sum.Inputs, Target: sum.Target, Since: sum.Since, StartedAt: sum.StartedAt, FinishedAt: sum.FinishedAt,
		State: sum.State, ExitCode: sum.ExitCode, Rows: sum.Rows, Consents: sum.Consents, ByDecision: sum.ByDecision,
		Subjects: sum.Subjects, LastWords: sum.LastWords, OverPermissive: sum.OverPermissive.Count, Outcomes: root, Approval: Approval{Hash: sum.ApprovalHash, Runs: []ApprovedRun{}},
	}
	e.Mappings = []summary.Mapping{}
	for _, p := range facts.Passes {
		m := summary.Mapping{Name: p.Mapping.Name, SHA256: p.Mapping.SHA256}
		if !slices.Contains(e.Mappings, m) {
			e.Mappings = append(e.Mappings, m)
		}
		for _, l := range report.LookupsOf(p.Mapping) {
			if !slices.Contains(e.Lookups, l) {
				e.Lookups = append(e.Lookups, l)
			}
		}
	}
	for _, r := range facts.Runs {
		if r.Approved != "" {
			e.Approval.Runs = append(e.Approval.Runs, ApprovedRun{r.N, r.Approved})
		}
	}
	if e.Checkpoint, err = report.DigestBeginning(disk, dir, journal.Name, s.Snapshot().Bytes); err != nil {
		return nil, err
	}
	e.Lists, err = Lists(disk, dir)
	return e, err
}

// Root goes over all outcomes of an import and gives their Merkle root.
func Root(ctx context.Context, s *survey.Survey) (Outcomes, error) {
	var o outcomes
	if err := s.Each(ctx, o.visit); err != nil {
		return Outcomes{}, err
	}
	root := o.root()
	return Outcomes{hex.EncodeToString(root[:]), o.leaves}, nil
}

// Lists digests the reports and the mappings that lie in dir, in the order of their names.
func Lists(disk journal.Disk, dir string) ([]journal.FileDigest, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for lists: %w", err)
	}
	lists := []journal.FileDigest{}
	for _, x := range entries {
		if !x.Type().IsRegular() || !report.Written(x.Name()) && !isMapping(x.Name()) {
			continue
		}
		d, err := report.DigestFile(disk, dir, x.Name())
		if err != nil {
			return nil, err
		}
		lists = append(lists, d)
	}
	return lists, nil
}

func isMapping(name string) bool {
	ok, _ := filepath.Match("mapping-*.yaml", name) // the pattern is sound
	return ok
}

// Write puts evidence.json into dir, and removes the signature and the stamp of another
// one. Those of the same text stay: a stamp of an earlier day cannot be had again.
func (e *Evidence) Write(disk journal.Disk, dir string) ([]byte, error) {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the evidence: %w", err)
	}
	text = append(text, '\n')
	if was, err := read(disk, dir, Name); err == nil && bytes.Equal(was, text) {
		return text, nil // what signs and stamps it holds
	}
	for _, name := range []string{SignatureName, StampName} {
		if err := disk.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove the old %s: %w", name, err)
		}
	}
	return text, put(disk, dir, Name, text)
}

func put(disk journal.Disk, dir, name string, text []byte) error {
	if err := journal.AtomicWrite(disk, filepath.Join(dir, name), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

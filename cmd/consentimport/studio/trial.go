package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/wording"
)

// trialRows is how many rows are shown beside a mapping.
const trialRows = 50

// trial is what the first rows become.
type trial struct {
	Rows    []trialRow // those that fail first
	Total   string
	Fault   string
	Command []string
}

type trialRow struct {
	Head    string
	Lines   []trialLine
	Invalid bool
	Failed  bool // in the last dry run
}

type trialLine struct {
	Text    string
	Outcome bool // a consent or a reason, not a cell
}

// tryMapping is the live part of the page: what rows become under a text that may not be saved.
func (s *Studio) tryMapping(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	text := posted(r, nil)
	s.show(w, http.StatusOK, "trial", struct {
		Faults  []place
		Trial   *trial
		Changes changesData
	}{faults(work.Mapping, text), s.try(r.Context(), work, text), s.changesData(work, text)})
}

// Bounds of what is shown live.
const (
	// maxFailing is how many of the rows are such as failed in the last dry run.
	maxFailing = 20
	// furthest is the last row that is looked for while somebody waits: a row is found by
	// reading those before it.
	furthest = 100_000
)

// failingRows are rows that failed in the last dry run: of each cause some, those of the
// largest groups first, and none that is far into the export.
func (w work) failingRows() (rows []int64) {
	was := summaryOf(w.Dry())
	if was == nil {
		return nil
	}
	for n := 0; n < 10 && len(rows) < maxFailing; n++ {
		for _, g := range was.FailureGroups {
			if n < len(g.Rows) && g.Rows[n] <= furthest && len(rows) < maxFailing && !slices.Contains(rows, g.Rows[n]) {
				rows = append(rows, g.Rows[n])
			}
		}
	}
	slices.Sort(rows)
	return rows
}

// draft writes a text that may not be saved into a file that only its owner can read; the
// caller removes it. It lies beside the mapping where that names files from there.
func (s *Studio) draft(work work, text []byte) (path string, err error) {
	dir, name := s.scratch, "mapping-*.yaml"
	if spec, err := mapping.Parse(work.Mapping, text, nil); err == nil && len(spec.Lookups()) > 0 {
		dir, name = filepath.Dir(work.Mapping), ".consentimport-*.yaml"
	}
	f, err := os.CreateTemp(dir, name)
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// try maps rows with a text, by mapping try: those that failed in the last dry run, then
// the first ones. A text that is not sound has none.
func (s *Studio) try(ctx context.Context, work work, text []byte) *trial {
	if len(text) > mapping.MaxFile || len(faults(work.Mapping, text)) > 0 {
		return nil
	}
	draft, err := s.draft(work, text)
	if err != nil {
		return &trial{Fault: err.Error()}
	}
	defer os.Remove(draft)
	t := &trial{}
	try := func(flag, value string) *trial {
		t.Command = append(t.Command, commandLine(work.args("mapping", "try", flag, value, word(work.Mapping))))
		_, stdout, stderr := s.call(ctx, work.args("mapping", "try", flag, value, draft)...)
		part := parseTrial(stdout)
		if len(part.Rows) == 0 {
			part.Fault = strings.ReplaceAll(stderr, draft, filepath.Base(work.Mapping))
		}
		return part
	}
	if failing := work.failingRows(); len(failing) > 0 {
		var words []string
		for _, n := range failing {
			words = append(words, strconv.FormatInt(n, 10))
		}
		t.Rows = try("--row", strings.Join(words, ",")).Rows // of an export that has changed since some may be gone
		for i := range t.Rows {
			t.Rows[i].Failed = true
		}
	}
	first := try("--rows", strconv.Itoa(trialRows-len(t.Rows)))
	t.Fault = first.Fault
	for _, row := range first.Rows {
		if !slices.ContainsFunc(t.Rows, func(o trialRow) bool { return o.Head == row.Head }) {
			t.Rows = append(t.Rows, row)
		}
	}
	t.sort()
	invalid := 0
	for _, row := range t.Rows {
		if row.Invalid {
			invalid++
		}
	}
	t.Total = fmt.Sprintf("%s shown, %d of them invalid", wording.Plural(int64(len(t.Rows)), "row"), invalid)
	return t
}

// parseTrial takes what mapping try prints apart: blocks of lines with an empty one between.
func parseTrial(text string) *trial {
	t := &trial{}
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		if !strings.HasPrefix(lines[0], "row ") {
			t.Total = strings.TrimSpace(block)
			continue
		}
		row := trialRow{Head: lines[0]}
		for _, l := range lines[1:] {
			said := strings.HasPrefix(l, "  → ") || strings.HasPrefix(l, "    ")
			row.Invalid = row.Invalid || strings.HasPrefix(l, "  → invalid: ")
			row.Lines = append(row.Lines, trialLine{strings.TrimSpace(l), said})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sort puts the rows that fail first, then those that did.
func (t *trial) sort() {
	rank := func(r trialRow) int {
		switch {
		case r.Invalid:
			return 0
		case r.Failed:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(t.Rows, func(a, b trialRow) int { return rank(a) - rank(b) })
}

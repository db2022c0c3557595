package studio

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/mapping"
)

// mappingData is what the page of the mapping shows.
type mappingData struct {
	File    string
	Text    string
	There   bool
	Was     string // digest of the file as the page has it
	Faults  []place
	Sound   bool
	Values  []value
	ByHand  string // why the values cannot be chosen here
	Fits    []inspect.PresetFit
	Presets []mapping.Preset
	Waiting bool // for the inspection, which a suggestion needs
	Command []string
	// SuggestCommand prints the suggestion that the page begins with.
	SuggestCommand string
	Trial          *trial
}

// place is a fault of a mapping.
type place struct {
	Line, Column  int
	Message, Hint string
}

// value is one raw value and what the mapping makes of it.
type value struct {
	N               int
	Value, Decision string
	Count           int64
	New             bool // the export has it, the mapping does not
	Own             bool // the mapping makes something else of it than is chosen here
}

func (s *Studio) mappingPage(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	p := s.page("mapping", "Mapping", nil)
	text, err := read(work.Mapping, mapping.MaxFile)
	if err != nil {
		p.Fault = err.Error()
	}
	p.Data = s.mappingData(r.Context(), work, text)
	s.show(w, http.StatusOK, "mapping", p)
}

// mappingData looks at a mapping; without a text there is none yet.
func (s *Studio) mappingData(ctx context.Context, work work, text []byte) *mappingData {
	d := &mappingData{File: work.Mapping, Text: string(text), There: text != nil, Was: digest(text)}
	in, err := s.inspection()
	d.Waiting = in == nil && err == nil
	if !d.There {
		d.Presets = mapping.Presets()
		d.SuggestCommand = commandLine(work.args("inspect", "--suggest")) + " > " + commandLine([]string{word(work.Mapping)})[len("consentimport "):]
		if in != nil {
			d.Fits = in.Presets
		}
		return d
	}
	d.Command = []string{
		commandLine([]string{"mapping", "check", word(work.Mapping)}),
		commandLine(work.args("mapping", "try", "--rows", strconv.Itoa(trialRows), word(work.Mapping))),
	}
	d.Faults = faults(work.Mapping, text)
	d.Sound = len(d.Faults) == 0
	d.Values, d.ByHand = values(work, text, in)
	d.Trial = s.try(ctx, work, text)
	return d
}

func digest(text []byte) string {
	if text == nil {
		return "none"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// faults checks a mapping.
func faults(file string, text []byte) []place {
	_, err := mapping.Parse(file, text, nil)
	if err == nil {
		return nil
	}
	var e *mapping.Error
	if !errors.As(err, &e) {
		return []place{{Message: err.Error()}}
	}
	return []place{{e.Line, e.Column, e.Message, e.Hint}}
}

// maxValues is how many values can be decided on the page.
const maxValues = 300

// values joins what the mapping says, what the last dry run could not read, and what the
// column of the decisions holds.
func values(work work, text []byte, in *inspect.Inspection) (out []value, byHand string) {
	choices, err := mapping.Choices(text)
	switch {
	case err != nil:
		return nil, "The text is not YAML yet."
	case len(choices) == 0:
		return nil, "This mapping has no table consent.action.values; what values mean is changed in its text."
	}
	counts := map[string]int64{}
	if in != nil {
		for _, c := range in.Suggest().Decisions {
			for _, v := range c.Values {
				counts[v.Value] += v.Count
			}
		}
	}
	for _, c := range choices {
		own := !slices.Contains([]string{"accept", "reject", "", mapping.ToDecide}, c.Decision)
		out = append(out, value{Value: c.Value, Decision: c.Decision, Count: counts[c.Value], Own: own})
	}
	known := func(v string) bool { return slices.ContainsFunc(out, func(o value) bool { return o.Value == v }) }
	for _, d := range decisionsOf(work.Dry()) {
		if d.Decision == mapping.DecidedInvalid && d.Value != "" && !known(d.Value) {
			n, _ := strconv.ParseInt(d.Count, 10, 64)
			out = append(out, value{Value: d.Value, Count: n, New: true})
		}
	}
	slices.SortStableFunc(out, func(a, b value) int { return cmp.Compare(rank(a), rank(b)) })
	out = out[:min(len(out), maxValues)]
	for i := range out {
		out[i].N = i
	}
	return out, ""
}

// rank puts what is to be decided first.
func rank(v value) int {
	if v.New || v.Decision == mapping.ToDecide {
		return 0
	}
	return 1
}

// posted is the text of the form, with the line ends of the file: browsers send CR LF.
func posted(r *http.Request, file []byte) []byte {
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")
	if strings.Contains(string(file), "\r\n") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

// saveMapping writes the text of the page to the file.
func (s *Studio) saveMapping(w http.ResponseWriter, r *http.Request) {
	s.keep(w, r, func(text []byte) ([]byte, error) { return text, nil })
}

// decide writes what was chosen for each raw value into the text, and that to the file.
func (s *Studio) decide(w http.ResponseWriter, r *http.Request) {
	s.keep(w, r, func(text []byte) ([]byte, error) {
		for n := range maxValues {
			key := strconv.Itoa(n)
			if !r.PostForm.Has("choice." + key) {
				continue
			}
			choice := r.PostForm.Get("choice." + key)
			if choice == r.PostForm.Get("was."+key) {
				continue
			}
			if choice == "nothing" {
				choice = ""
			}
			changed, err := mapping.Decide(text, r.PostForm.Get("value."+key), choice)
			if err != nil {
				return nil, fmt.Errorf("decide %q: %w", r.PostForm.Get("value."+key), err)
			}
			text = changed
		}
		return text, nil
	})
}

// keep writes a changed text, unless the file is another one than the page had.
func (s *Studio) keep(w http.ResponseWriter, r *http.Request, change func([]byte) ([]byte, error)) {
	work := s.work()
	now, err := read(work.Mapping, mapping.MaxFile)
	if err == nil && digest(now) != r.PostForm.Get("digest") {
		err = errors.New("the mapping file was changed elsewhere meanwhile, so it was not written; copy your text, load the page again, and put your change in")
	}
	text := posted(r, now)
	if err == nil {
		text, err = change(text)
	}
	if err == nil && len(text) > mapping.MaxFile {
		err = fmt.Errorf("a mapping may have %d bytes", mapping.MaxFile)
	}
	if err == nil {
		err = write(work.Mapping, text)
	}
	if err != nil {
		p := s.page("mapping", "Mapping", nil)
		p.Fault = err.Error()
		d := s.mappingData(r.Context(), work, posted(r, now))
		d.Was = r.PostForm.Get("digest")
		p.Data = d
		s.show(w, http.StatusConflict, "mapping", p)
		return
	}
	http.Redirect(w, r, "/mapping", http.StatusSeeOther)
}

// newMapping begins a mapping, from a preset or a suggestion. It never writes over one.
func (s *Studio) newMapping(w http.ResponseWriter, r *http.Request) {
	work := s.work()
	var text []byte
	var err error
	if name := r.PostForm.Get("preset"); name != "" {
		text, err = fromPreset(name, r)
	} else {
		in, failed := s.inspection()
		switch {
		case failed != nil:
			err = failed
		case in == nil:
			err = errors.New("the export is still being read; wait a moment")
		default:
			text = in.SuggestMapping()
		}
	}
	if err == nil {
		if _, there := os.Lstat(work.Mapping); there == nil {
			err = fmt.Errorf("%s is there already", work.Mapping)
		} else {
			err = write(work.Mapping, text)
		}
	}
	if err != nil {
		s.fault(w, "mapping", err)
		return
	}
	http.Redirect(w, r, "/mapping", http.StatusSeeOther)
}

// fromPreset is a preset with the parameters that the form gives filled in.
func fromPreset(name string, r *http.Request) ([]byte, error) {
	p, err := mapping.FindPreset(name)
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for key := range r.PostForm {
		if parameter, ok := strings.CutPrefix(key, "set."); ok && r.PostForm.Get(key) != "" {
			set[parameter] = r.PostForm.Get(key)
		}
	}
	if len(set) == 0 {
		return p.Source, nil
	}
	spec, err := mapping.Parse(p.Name+".yaml", p.Source, set)
	if err != nil {
		return nil, err
	}
	return spec.Source(), nil
}

// trialRows is how many rows are shown beside a mapping.
const trialRows = 50

// trial is what the first rows become.
type trial struct {
	Rows  []trialRow // those that fail first
	Total string
	Fault string
}

type trialRow struct {
	Head    string
	Lines   []trialLine
	Invalid bool
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
		Faults []place
		Trial  *trial
	}{faults(work.Mapping, text), s.try(r.Context(), work, text)})
}

// try maps the first rows with a text, by mapping try. One that is not sound has none.
func (s *Studio) try(ctx context.Context, work work, text []byte) *trial {
	if len(text) > mapping.MaxFile || len(faults(work.Mapping, text)) > 0 {
		return nil
	}
	dir, name := s.scratch, "mapping-*.yaml"
	if spec, err := mapping.Parse(work.Mapping, text, nil); err == nil && len(spec.Lookups()) > 0 {
		dir, name = filepath.Dir(work.Mapping), ".consentimport-*.yaml" // from where its files are sought
	}
	f, err := os.CreateTemp(dir, name)
	if err != nil {
		return &trial{Fault: err.Error()}
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return &trial{Fault: err.Error()}
	}
	_, stdout, stderr := s.call(ctx, work.args("mapping", "try", "--rows", strconv.Itoa(trialRows), f.Name())...)
	t := parseTrial(stdout)
	if len(t.Rows) == 0 {
		t.Fault = strings.ReplaceAll(stderr, f.Name(), filepath.Base(work.Mapping))
	}
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
	slices.SortStableFunc(t.Rows, func(a, b trialRow) int {
		switch {
		case a.Invalid == b.Invalid:
			return 0
		case a.Invalid:
			return -1
		}
		return 1
	})
	return t
}

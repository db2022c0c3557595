package studio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/rows"
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
	Values  values
	Fits    []fit
	Presets []mapping.Preset
	Waiting bool // for the inspection, which a suggestion needs
	Command []string
	// SuggestCommand prints the suggestion that the page begins with.
	SuggestCommand string
	Trial          *trial
	Changes        changesData
}

// fit is a preset that fits, and the command that begins with it.
type fit struct {
	inspect.PresetFit
	Command string
}

// Lines is how many lines the editor shows.
func (d *mappingData) Lines() int { return max(12, min(30, strings.Count(d.Text, "\n")+3)) }

// place is a fault of a mapping.
type place struct {
	Line, Column  int
	Message, Hint string
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
		into := " > " + commandLine([]string{word(work.Mapping)})[len("consentimport "):]
		d.SuggestCommand = commandLine(work.args("inspect", "--suggest")) + into
		if in != nil {
			for _, p := range in.Presets {
				d.Fits = append(d.Fits, fit{p, commandLine([]string{"mapping", "show", p.Name}) + into})
			}
		}
		return d
	}
	d.Command = []string{commandLine([]string{"mapping", "check", word(work.Mapping)})}
	d.Faults = faults(work.Mapping, text)
	d.Sound = len(d.Faults) == 0
	d.Values = valuesOf(work, text, in)
	d.Trial = s.try(ctx, work, text)
	if d.Sound {
		d.Command = append(d.Command, d.Trial.Command...)
	}
	d.Changes = s.changesData(work, text)
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
	_, err := rows.ParseMapping(file, text, nil)
	if err == nil {
		return nil
	}
	var e *mapping.Error
	if !errors.As(err, &e) {
		return []place{{Message: err.Error()}}
	}
	return []place{{e.Line, e.Column, e.Message, e.Hint}}
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

// keep writes a changed text, unless the file is another one than the page had.
func (s *Studio) keep(w http.ResponseWriter, r *http.Request, change func([]byte) ([]byte, error)) {
	work := s.work()
	s.saving.Lock() // two tabs may save at once
	defer s.saving.Unlock()
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
	s.saving.Lock()
	defer s.saving.Unlock()
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

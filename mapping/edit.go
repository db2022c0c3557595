package mapping

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Edit is one change of a mapping file.
type Edit struct {
	Path []string `json:"path"` // of keys, such as consent, action, values
	// Add is a key and its value that the map at Path gets; in its place, Set is what
	// stands at Path from then on, Item what the list at Path gets at its end, be it
	// new. All are YAML in one line.
	Add  [][2]string `json:"add,omitempty"`
	Set  string      `json:"set,omitempty"`
	Item string      `json:"item,omitempty"`
}

// Edited gives the mapping with changes made to its tree: comments and layout of the
// rest stay as they are. It is parsed and checked like any other.
func (s *Spec) Edited(edits []Edit) (*Spec, error) {
	text, err := s.edited(edits)
	if err != nil {
		return nil, err
	}
	edited, err := Parse(s.file, text, s.set)
	if err != nil {
		return nil, err
	}
	return edited.locateAs(s), nil
}

// EditedText is the text of the mapping with changes made in it. It need not be valid:
// DECIDE may stand in it. Parameters that were given stand at its end.
func (s *Spec) EditedText(edits []Edit) ([]byte, error) {
	text, err := s.edited(edits)
	if err != nil {
		return nil, err
	}
	return (&Spec{base: text, set: s.set}).Source(), nil
}

func (s *Spec) edited(edits []Edit) ([]byte, error) {
	base := s.base
	windows := bytes.Contains(base, []byte("\r\n"))
	if windows { // the printer doubles such line ends behind comments
		base = bytes.ReplaceAll(base, []byte("\r\n"), []byte("\n"))
	}
	f, err := parser.ParseBytes(base, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("edit the mapping: %w", err)
	}
	for _, e := range edits {
		if err := e.apply(func(path, text string, replace bool) error {
			p, err := yaml.PathString(path)
			if err != nil {
				return err
			}
			if replace {
				if _, err := p.FilterFile(f); err != nil { // it is not there
					return err
				}
				return p.ReplaceWithReader(f, strings.NewReader(text))
			}
			return p.MergeFromReader(f, strings.NewReader(text))
		}); err != nil {
			return nil, fmt.Errorf("edit %s of the mapping: %w", strings.Join(e.Path, "."), err)
		}
	}
	if windows {
		return []byte(strings.ReplaceAll(f.String(), "\n", "\r\n")), nil
	}
	return []byte(f.String()), nil
}

// apply gives the steps of an edit.
func (e *Edit) apply(step func(path, text string, replace bool) error) error {
	at := func(keys []string) string {
		path := "$"
		for _, k := range keys {
			path += "." + k // keys of ours: no quoting is needed
		}
		return path
	}
	if e.Item != "" {
		if err := step(at(e.Path), "- "+e.Item+"\n", false); err == nil {
			return nil
		}
		n := len(e.Path) - 1
		return step(at(e.Path[:n]), e.Path[n]+":\n  - "+e.Item+"\n", false)
	}
	if e.Set != "" { // by its parent, for the key may be new
		n := len(e.Path) - 1
		if err := step(at(e.Path), e.Set, true); err == nil {
			return nil
		}
		return step(at(e.Path[:n]), e.Path[n]+": "+e.Set+"\n", false)
	}
	var text strings.Builder
	for _, kv := range e.Add {
		fmt.Fprintf(&text, "%s: %s\n", kv[0], kv[1])
	}
	return step(at(e.Path), text.String(), false)
}

// String writes the edit as the part of the mapping that it is about.
func (e *Edit) String() string {
	var b strings.Builder
	indent := ""
	last := len(e.Path) - 1
	for i, key := range e.Path {
		if i == last && e.Set != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, e.Set)
			return b.String()
		}
		fmt.Fprintf(&b, "%s%s:\n", indent, key)
		indent += "  "
	}
	if e.Item != "" {
		fmt.Fprintf(&b, "%s- %s\n", indent, e.Item)
	}
	for _, kv := range e.Add {
		fmt.Fprintf(&b, "%s%s: %s\n", indent, kv[0], kv[1])
	}
	return b.String()
}

// TimestampFormats says how the mapping reads the time of a consent: the formats that
// it tries, none when it detects them, and the field without them as YAML in one line,
// ready for another list; false when the field has no single place.
func (s *Spec) TimestampFormats() (formats []string, with func(formats []string) string, ok bool) {
	r := &reader{file: s.file, set: s.filled, uses: map[string]bool{}}
	for _, top := range r.members(r.parseTree(s.base), "", nil) {
		if top.key != "consent" {
			continue
		}
		for _, field := range r.members(top.value, "", nil) {
			if field.key != "timestamp" || field.value == nil {
				continue
			}
			var parts []string
			if !isMap(field.value) {
				parts = append(parts, "from: "+r.flow(field.value))
			} else {
				for _, m := range r.members(field.value, "", nil) {
					switch {
					case m.key == "cases":
						return nil, nil, false
					case m.key == "format" && isList(m.value):
						for _, i := range r.items(m.value, "") {
							formats = append(formats, r.scalar(i))
						}
					case m.key == "format":
						formats = append(formats, r.scalar(m.value))
					default:
						parts = append(parts, flowText(m.key)+": "+r.flow(m.value))
					}
				}
			}
			return formats, func(formats []string) string {
				quoted := make([]string, len(formats))
				for i, f := range formats {
					quoted[i] = flowText(f)
				}
				return "{" + strings.Join(append(parts, "format: ["+strings.Join(quoted, ", ")+"]"), ", ") + "}"
			}, r.err == nil
		}
	}
	return nil, nil, false
}

// WithoutUndated is the change under which an accept at no known time makes no consent, while
// what else its row states counts; false where the mapping says so already, or where
// each block has a time of its own alone.
func (s *Spec) WithoutUndated() (Edit, bool) {
	r := &reader{file: s.file, set: s.filled, uses: map[string]bool{}}
	at := []string{"consent", "timestamp"}
	for _, top := range r.members(r.parseTree(s.base), "", nil) {
		if top.key != "consent" {
			continue
		}
		for _, field := range r.members(top.value, "", nil) {
			switch {
			case field.key != "timestamp" || field.value == nil:
				continue
			case !isMap(field.value):
				return Edit{Path: at, Set: "{from: " + r.flow(field.value) + ", required: false}"}, r.err == nil
			}
			var parts []string
			cases := false
			for _, m := range r.members(field.value, "", nil) {
				if m.key == "required" || m.key == "const" {
					return Edit{}, false
				}
				cases = cases || m.key == "cases"
				parts = append(parts, flowText(m.key)+": "+r.flow(m.value))
			}
			if cases { // what stands there is too long for a line
				return Edit{Path: append(at, "required"), Set: "false"}, r.err == nil
			}
			return Edit{Path: at, Set: "{" + strings.Join(append(parts, "required: false"), ", ") + "}"}, r.err == nil
		}
	}
	return Edit{}, false
}

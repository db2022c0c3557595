package mapping

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"github.com/consentimport/consentimport/mapping/condition"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/mapping/timetext"
)

// Spec is a parsed mapping: sound by itself, not yet bound to columns.
type Spec struct {
	file        string
	name        string
	description string
	confirmed   string
	base        []byte // the text without the values of parameters
	set         map[string]string
	filled      map[string]string // set, with the defaults of what it leaves out
	parameters  []Parameter
	detect      Detect
	input       Input
	inputAt     map[string]place // of the settings of input, by their keys
	empty       []emptyWord
	zone        *time.Location
	tests       []rowTest
	skip        []ruleSpec
	refuse      []ruleSpec
	each        *eachSpec
	lookups     []*Lookup
	inJSON      []nameAt // columns, or values of JSON rows, that are JSON texts
	overlay     ast.Node // the consent section of the first block of each
	more        []*Spec  // a Spec for each block of each behind the first
	fields      [fieldCount]*fieldSpec
	canonical   bool
}

// emptyWord is a cell that says nothing, as an empty one does.
type emptyWord struct {
	text  string
	plain bool // it is ASCII, so that no text of another length is the same in other case
}

// Input is the input section: what the reader need not detect.
type Input struct {
	Format    string
	Delimiter string
	Encoding  string
	Escape    string // what keeps the next character from ending a cell, such as a backslash
	SkipLines int
	Columns   []string
	JSON      []string
	Rows      string
}

// InputFormats are the words of input.format. What they mean stands in importer/source,
// which mapping does not know.
func InputFormats() []string { return []string{"csv", nestedFormat} }

// nestedFormat is the one whose rows are JSON values.
const nestedFormat = "jsonl"

// Parameter is a value that a mapping asks for with --set.
type Parameter struct {
	Name, Description, Example string
	Default                    *string // nil: it must be given
}

// Detect says by what an export of this form is known.
type Detect struct {
	Columns []string // all of them are in the header
	Any     []string // at least one of them is
	JSON    []string // paths that the first record has
}

// ruleSpec skips or refuses a row that meets a condition.
type ruleSpec struct {
	when   *condition.Condition
	reason string
	at     place
}

// The fields of a consent, in the order in which a mapping is read.
const (
	fieldAction = iota
	fieldCategory
	fieldUserID
	fieldProfileID
	fieldEmail
	fieldTimestamp
	fieldValidUntil
	fieldSource
	fieldSourceID
	fieldMessage
	fieldReason // from here on those of More, in its order
	fieldMethod
	fieldDeviceInfo
	fieldCount
)

var fieldNames = [fieldCount]string{"action", "category", "userId", "profileId", "email", "timestamp", "validUntil", "source", "sourceId", "message", "reason", "method", "deviceInfo"}

// setMarker begins the values of parameters in a stored mapping.
const setMarker = "\n# values of the parameters\nset:\n"

var topKeys = []string{"name", "description", "kind", "state", "confirmed", "parameters", "detect", "input", "empty", "timezone", "lookup", "skip", "refuse", "each", "consent", "record", "tests", "set"}

// Parse reads a mapping. File is its name for messages, set has the values of
// its parameters. Every fault is an *Error.
func Parse(file string, src []byte, set map[string]string) (*Spec, error) {
	src, fault := decodeFile(src)
	if fault != "" {
		return nil, &Error{File: file, Message: fault}
	}
	s := &Spec{file: file, base: src, set: maps.Clone(set)}
	if s.set == nil {
		s.set = map[string]string{}
	}
	if i := bytes.LastIndex(src, []byte(setMarker)); i >= 0 {
		s.base = src[:i]
	}
	r := &reader{file: file, set: s.set, uses: map[string]bool{}}
	root := r.parseTree(src)
	if r.err != nil {
		return nil, r.err
	}
	top := map[string]member{}
	for _, m := range r.members(root, "the mapping", topKeys) {
		top[m.key] = m
	}
	if r.err == nil {
		s.parseParameters(r, top["parameters"].value, top["set"].value)
	}
	if r.err == nil {
		s.parseTop(r, top)
	}
	if r.err == nil && top["consent"].at == nil {
		r.fail(nil, "has no consent section, so it makes no consents")
		r.err.Hint = "consentimport mapping show NAME prints a mapping to start from"
	}
	if r.err == nil {
		s.parseConsent(r, top["consent"].value)
	}
	for _, block := range append([]*Spec{s}, s.more...) {
		if r.err == nil {
			block.checkElements(r)
		}
	}
	if r.err == nil {
		s.parseTests(r, top["tests"].value)
	}
	r.undecided(root)
	if r.err != nil {
		s.nameParameter(r)
		return nil, r.err
	}
	return s, nil
}

func (s *Spec) parseTop(r *reader, top map[string]member) {
	word := func(key string) string {
		if m, ok := top[key]; ok && m.value != nil {
			return r.text(m.value, key)
		}
		return ""
	}
	s.name, s.description, s.confirmed = word("name"), word("description"), word("confirmed")
	if s.name == "" {
		s.name = strings.TrimSuffix(strings.TrimSuffix(s.file[strings.LastIndexByte(s.file, '/')+1:], ".yaml"), ".yml")
	}
	s.parseInput(r, top["input"].value)
	s.parseDetect(r, top["detect"].value)
	for key, known := range map[string][]string{"kind": kindNames(), "state": {"confirmed", "second-hand", "inferred"}} {
		if m, ok := top[key]; ok && !slices.Contains(known, word(key)) {
			r.fail(m.value, "%s %q is not known; it is one of %s", key, word(key), strings.Join(known, ", "))
		}
	}
	if m, ok := top["empty"]; ok {
		if m.value == nil {
			r.fail(m.at, "empty says nothing: list the words of the export that do, in quotes")
			r.hint(`for example empty: ["", "NULL", "n/a"]`)
			return
		}
		for _, t := range r.words(m.value, "empty") {
			if t = strings.TrimSpace(t); t != "" {
				s.empty = append(s.empty, emptyWord{t, plainText([]byte(t))})
			}
		}
	}
	if z := word("timezone"); z != "" {
		s.zone = r.zone(top["timezone"].value, z)
	}
	s.parseLookups(r, top["lookup"].value)
	s.skip = r.rules(top["skip"].value, "skip")
	s.refuse = r.rules(top["refuse"].value, "refuse")
	if m, ok := top["each"]; ok && r.err == nil {
		s.parseBlocks(r, m.value, m.at)
	}
	switch rec := word("record"); rec {
	case "":
	case "canonical":
		s.canonical = true
	default:
		r.fail(top["record"].value, "record: %q is unknown; the only one is canonical", rec)
	}
}

func (s *Spec) parseParameters(r *reader, list, given ast.Node) {
	if given != nil {
		for _, p := range r.pairs(given, "set") {
			if _, ok := s.set[p.key]; !ok {
				s.set[p.key] = p.value
			}
		}
	}
	declared := []string{}
	for _, item := range r.items(list, "parameters") {
		var p Parameter
		required := false
		for _, m := range r.members(item, "a parameter", []string{"name", "description", "example", "default", "required"}) {
			switch m.key {
			case "name":
				p.Name = r.text(m.value, "name")
			case "description":
				p.Description = strings.Join(strings.Fields(r.text(m.value, "description")), " ")
			case "example":
				p.Example = r.text(m.value, "example")
			case "default":
				d := ""
				if m.value != nil {
					d = r.text(m.value, "default")
				}
				p.Default = &d
			case "required":
				required = r.truth(m.value, "required")
			}
		}
		if p.Name == "" {
			r.fail(item, "a parameter has no name")
		}
		if required {
			p.Default = nil
		}
		declared = append(declared, p.Name)
		s.parameters = append(s.parameters, p)
		if r.err != nil {
			return
		}
	}
	for _, name := range keysOf(s.set) {
		if !slices.Contains(declared, name) {
			r.err = &Error{File: s.file, Message: fmt.Sprintf("there is no parameter %q%s", name, spelling.DidYouMean(name, declared)), Hint: "its parameters: " + cmp.Or(strings.Join(declared, ", "), "none")}
			return
		}
	}
	s.set = maps.Clone(s.set)
	r.set = maps.Clone(s.set)
	for _, p := range s.parameters {
		if _, ok := r.set[p.Name]; ok {
			continue
		}
		if p.Default == nil {
			example := cmp.Or(p.Example, "VALUE")
			r.err = &Error{File: s.file, Message: fmt.Sprintf("needs the parameter %s: %s", p.Name, p.Description), Parameter: p.Name + "=" + example}
			return
		}
		r.set[p.Name] = *p.Default
	}
	s.filled = r.set
}

// nameParameter says from which parameter a value comes that is at fault: where it stands in
// a preset is a place that nobody has before their eyes.
func (s *Spec) nameParameter(r *reader) {
	for _, p := range s.parameters {
		value, given := s.set[p.Name]
		if !given || value == "" || !strings.Contains(r.err.Message, strconv.Quote(value)) {
			continue
		}
		if r.err.Hint != "" {
			r.err.Hint += "; "
		}
		r.err.Hint += fmt.Sprintf("that is the value given for the parameter %s: %s", p.Name, p.Description)
		if p.Example != "" {
			r.err.Hint += ", for example " + p.Example
		}
		return
	}
}

func (s *Spec) parseInput(r *reader, n ast.Node) {
	s.inputAt = map[string]place{}
	for _, m := range r.members(n, "input", []string{"format", "delimiter", "encoding", "escape", "skipLines", "columns", "json", "rows"}) {
		s.inputAt[m.key] = placeOf(m.value)
		switch m.key {
		case "format":
			s.input.Format = r.text(m.value, "format")
			if f := s.input.Format; !slices.Contains(InputFormats(), f) {
				r.fail(m.value, "format %q is unknown; use %s%s", f, strings.Join(InputFormats(), " or "), spelling.DidYouMean(f, InputFormats()))
			}
		case "delimiter":
			s.input.Delimiter = r.text(m.value, "delimiter")
		case "encoding":
			s.input.Encoding = r.text(m.value, "encoding")
		case "escape":
			s.input.Escape = r.text(m.value, "escape")
			if e := s.input.Escape; len(e) != 1 || e[0] > unicode.MaxASCII || !unicode.IsPunct(rune(e[0])) && !unicode.IsSymbol(rune(e[0])) {
				r.fail(m.value, "escape %q is not one sign; databases use a backslash: escape: \"\\\\\"", e)
			}
		case "skipLines":
			lines, err := strconv.Atoi(r.text(m.value, "skipLines"))
			if err != nil || lines < 0 {
				r.fail(m.value, "skipLines must be a number of lines")
			}
			s.input.SkipLines = lines
		case "columns":
			s.input.Columns = r.texts(m.value, "columns")
		case "json":
			for _, i := range r.items(m.value, "json") {
				s.inJSON = append(s.inJSON, nameAt{r.text(i, "json"), placeOf(i)})
				s.input.JSON = append(s.input.JSON, s.inJSON[len(s.inJSON)-1].name)
			}
		case "rows":
			s.input.Rows = r.text(m.value, "rows")
			if path, keyed := strings.CutSuffix(s.input.Rows, "*"); strings.Contains(path, "*") || keyed && path != "" && !strings.HasSuffix(path, ".") {
				r.fail(m.value, "rows: %q: * stands for the keys of the object at the end of a path, as in contacts.*", s.input.Rows)
			}
		}
	}
}

func (s *Spec) parseDetect(r *reader, n ast.Node) {
	for _, m := range r.members(n, "detect", []string{"columns", "any", "json"}) {
		texts := r.texts(m.value, m.key)
		switch m.key {
		case "columns":
			s.detect.Columns = texts
		case "any":
			s.detect.Any = texts
		case "json":
			s.detect.JSON = texts
		}
	}
}

// fixedZones are IANA names that look like a country's time and are that of its winter
// alone: half of the times would be an hour off.
var fixedZones = map[string]struct{ place, fixed string }{
	"EST": {"America/New_York", "Etc/GMT+5"}, "MST": {"America/Denver", "Etc/GMT+7"},
}

// zone loads a time zone by its IANA name.
func (r *reader) zone(n ast.Node, name string) *time.Location {
	if z, ok := fixedZones[name]; ok {
		r.fail(n, "timezone %s has no summer time, all year round", name)
		r.hint("give " + z.place + " if clocks change where the times were written, " + z.fixed + " if they do not")
		return nil
	}
	z, err := timetext.Zone(name)
	if err != nil {
		r.fail(n, "timezone %q is unknown", name)
		r.hint("give an IANA name such as Europe/Berlin, America/New_York or UTC; Etc/GMT-2 is always two hours ahead of UTC")
		return nil
	}
	return z
}

// rules reads skip and refuse: texts, or {when, reason}.
func (r *reader) rules(n ast.Node, what string) []ruleSpec {
	var out []ruleSpec
	nodes := []ast.Node{n}
	if n == nil {
		return nil
	}
	if !isMap(n) {
		nodes = r.items(n, what)
	}
	for _, item := range nodes {
		rule := ruleSpec{at: placeOf(item)}
		text := ""
		if isMap(item) {
			for _, m := range r.members(item, what, []string{"when", "reason"}) {
				if m.key == "when" {
					text = r.text(m.value, "when")
					rule.at = placeOf(m.value)
				} else {
					rule.reason = r.text(m.value, "reason")
				}
			}
		} else {
			text = r.text(item, what)
		}
		if r.err != nil {
			return nil
		}
		rule.when = r.when(item, text)
		if rule.reason == "" {
			rule.reason = strings.Join(strings.Fields(text), " ")
		}
		out = append(out, rule)
	}
	return out
}

func (r *reader) when(n ast.Node, text string) *condition.Condition {
	if strings.TrimSpace(text) == "" {
		r.fail(n, "a condition is empty")
		return nil
	}
	c, err := condition.New(text)
	if err != nil {
		r.fail(n, "%v", err)
	}
	return c
}

// File is the mapping's file, as messages name it.
func (s *Spec) File() string { return s.file }

// Name is the mapping's name.
func (s *Spec) Name() string { return s.name }

// Description says what the mapping is for.
func (s *Spec) Description() string { return s.description }

// Input is what the mapping says of the export's form.
func (s *Spec) Input() Input { return s.input }

// InputFault is a fault of a setting of input, such as an encoding that nobody knows, with
// its place: what can be read is not for this package to know.
func (s *Spec) InputFault(setting string, err error) error {
	at := s.inputAt[setting]
	return &Error{File: s.file, Line: at.line, Column: at.column, Message: err.Error()}
}

// HasZone reports whether the mapping says in which zone times without one are.
func (s *Spec) HasZone() bool { return s.zone != nil }

// Parameters are what can be given with --set.
func (s *Spec) Parameters() []Parameter { return s.parameters }

// SHA256 is the hex digest of the text and the given parameters: two mappings
// with the same one do the same.
func (s *Spec) SHA256() string {
	h := sha256.New()
	h.Write(bytes.TrimRight(s.base, "\n"))
	for _, k := range keysOf(s.set) {
		fmt.Fprintf(h, "\nset %q=%q", k, s.set[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Source is the mapping as one text that needs no parameters any more.
func (s *Spec) Source() []byte {
	if len(s.set) == 0 {
		return s.base
	}
	b := bytes.NewBuffer(bytes.TrimRight(slices.Clone(s.base), "\n"))
	b.WriteString("\n" + setMarker)
	for _, k := range keysOf(s.set) {
		key, _ := json.Marshal(k)
		value, _ := json.Marshal(s.set[k])
		fmt.Fprintf(b, "  %s: %s\n", key, value)
	}
	return b.Bytes()
}

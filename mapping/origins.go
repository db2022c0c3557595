package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Origin says where a field of the consents comes from, as the mapping has it.
type Origin struct {
	Field string // name of the field, with the number of its each block where there are several
	From  string // the mapping's value in one line, parameters filled in
}

// Origins lists where time, end, person and category of the consents come from,
// for somebody who signs the mapping without reading it.
func (s *Spec) Origins() []Origin {
	r := &reader{file: s.file, set: maps.Clone(s.filled), uses: map[string]bool{}}
	var out []Origin
	list := func(label string, consent ast.Node) {
		fields := map[string]ast.Node{}
		for _, m := range r.members(consent, "", nil) {
			fields[m.key] = m.value
		}
		for _, name := range [...]string{"userId", "profileId", "email", "category", "timestamp", "validUntil", "source"} {
			if n, ok := fields[name]; ok && n != nil {
				out = append(out, Origin{label + name, r.flow(n)})
			}
		}
	}
	for _, m := range r.members(r.parseTree(s.base), "", nil) {
		switch m.key {
		case "consent":
			list("", m.value)
		case "each":
			blocks, label := []ast.Node{m.value}, func(int) string { return "each: " }
			if isList(m.value) {
				blocks, label = r.items(m.value, ""), func(i int) string { return fmt.Sprintf("each block %d: ", i+1) }
			}
			for i, block := range blocks {
				for _, part := range r.members(block, "", nil) {
					if part.key == "consent" {
						list(label(i), part.value)
					}
				}
			}
		case "lookup":
			for _, l := range r.members(m.value, "", nil) {
				out = append(out, Origin{"lookup " + l.key, r.flow(l.value)})
			}
		case "timezone":
			if m.value != nil {
				out = append(out, Origin{"timezone", r.flow(m.value)})
			}
		}
	}
	return out
}

// flow writes a node as YAML in one line.
func (r *reader) flow(n ast.Node) string {
	var parts []string
	switch {
	case n == nil:
		return ""
	case isMap(n):
		for _, m := range r.members(n, "", nil) {
			parts = append(parts, flowText(m.key)+": "+r.flow(m.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case isList(n):
		for _, i := range r.items(n, "") {
			parts = append(parts, r.flow(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return flowText(r.scalar(n))
	}
}

// flowText is a text as a YAML scalar within a line.
func flowText(text string) string {
	plain := text != "" && text == strings.TrimSpace(text) && !slices.Contains([]string{"null", "~"}, text) &&
		!strings.ContainsFunc(text, func(c rune) bool {
			return !(c == '_' || c == '.' || c == ' ' || c == '$' || c == '-' || c == '/' || c > '~' ||
				'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') || !strconv.IsPrint(c)
		}) && text[0] != '-'
	if plain {
		return text
	}
	return strconv.Quote(text)
}

package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// jsonPath is the way to a value inside JSON: user.ids[0].value, a["b c"].d,
// ids[-1], DataElements[Name=CustomerId].Value.
type jsonPath []pathStep

// pathStep goes one level down: to a member, to an element by number, or to the
// first element whose member is has the text want.
type pathStep struct {
	member string
	index  int
	kind   stepKind
	is     string
	want   string
}

type stepKind uint8

const (
	byMember stepKind = iota
	byIndex
	byMatch
)

// parsePath compiles a path.
func parsePath(s string) (jsonPath, error) {
	var p jsonPath
	rest := s
	for rest != "" {
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if strings.HasPrefix(rest, `["`) {
				if end = strings.Index(rest, `"]`); end >= 0 {
					end++
				}
			}
			if end < 0 {
				return nil, fmt.Errorf("path %q has a [ without its ]", s)
			}
			step, err := bracket(rest[1:end])
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", s, err)
			}
			p = append(p, step)
			rest = strings.TrimPrefix(rest[end+1:], ".")
			continue
		}
		end := strings.IndexAny(rest, ".[")
		name := rest
		if end >= 0 {
			name = rest[:end]
		}
		if name == "" {
			return nil, fmt.Errorf("path %q has an empty part", s)
		}
		p = append(p, pathStep{kind: byMember, member: name})
		if end < 0 {
			break
		}
		rest = rest[end:]
		if rest[0] == '.' {
			if rest = rest[1:]; rest == "" {
				return nil, fmt.Errorf("path %q ends with a dot", s)
			}
		}
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("a path is empty")
	}
	return p, nil
}

func bracket(in string) (pathStep, error) {
	if len(in) >= 2 && in[0] == '"' && in[len(in)-1] == '"' {
		return pathStep{kind: byMember, member: in[1 : len(in)-1]}, nil
	}
	if name, want, ok := strings.Cut(in, "="); ok {
		return pathStep{kind: byMatch, is: strings.TrimSpace(name), want: strings.Trim(strings.TrimSpace(want), `"`)}, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(in))
	if err != nil {
		return pathStep{}, fmt.Errorf("[%s] is neither a number, nor a quoted name, nor name=value", in)
	}
	return pathStep{kind: byIndex, index: n}, nil
}

// byValue reports whether the values of a document, and not its shape alone, say
// where the path leads.
func (p jsonPath) byValue() bool {
	return slices.ContainsFunc(p, func(s pathStep) bool { return s.kind == byMatch })
}

// find follows a path from a node; none when there is nothing.
func (d *jsonDoc) find(n int, p jsonPath) int {
	for i := range p {
		if n == none {
			return none
		}
		s := &p[i]
		switch s.kind {
		case byMember:
			n = d.member(n, s.member)
		case byIndex:
			n = d.element(n, s.index)
		default:
			n = d.matching(n, s)
		}
	}
	return n
}

func (d *jsonDoc) matching(n int, s *pathStep) int {
	if d.nodes[n].kind != jsonArray {
		return none
	}
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		if m := d.member(int(c), s.is); m != none {
			var arena []byte
			if string(d.string(m, &arena)) == s.want {
				return int(c)
			}
		}
	}
	return none
}

// NumberAt gives the literal of a number, or the digits of a string, that is a
// member of the JSON object text: false when there is none.
func NumberAt(text []byte, member string) (string, bool) {
	var d jsonDoc
	if d.parse(text) != "" {
		return "", false
	}
	n := d.member(0, member)
	if n == none || d.nodes[n].kind != jsonNumber && d.nodes[n].kind != jsonString {
		return "", false
	}
	return string(d.raw(n)), true
}

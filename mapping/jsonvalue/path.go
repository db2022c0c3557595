package jsonvalue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Path is the way to a value inside JSON: user.ids[0].value, a["b c"].d,
// ids[-1], DataElements[Name=CustomerId].Value.
type Path []step

// step goes one level down: to a member, to an element by number, or to the
// first element whose member is has the text want.
type step struct {
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

// Members is the path through members of these names.
func Members(names ...string) Path {
	var p Path
	for _, name := range names {
		p = append(p, step{kind: byMember, member: name})
	}
	return p
}

// ParsePath compiles a path.
func ParsePath(s string) (Path, error) {
	var p Path
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
		p = append(p, step{kind: byMember, member: name})
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

func bracket(in string) (step, error) {
	if len(in) >= 2 && in[0] == '"' && in[len(in)-1] == '"' {
		return step{kind: byMember, member: in[1 : len(in)-1]}, nil
	}
	if name, want, ok := strings.Cut(in, "="); ok {
		return step{kind: byMatch, is: strings.TrimSpace(name), want: strings.Trim(strings.TrimSpace(want), `"`)}, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(in))
	if err != nil {
		return step{}, fmt.Errorf("[%s] is neither a number, nor a quoted name, nor name=value", in)
	}
	return step{kind: byIndex, index: n}, nil
}

// First is the member that the path begins with; false when it begins with an
// element of an array.
func (p Path) First() (member string, ok bool) { return p[0].member, p[0].kind == byMember }

// ByValue reports whether the values of a document, and not its shape alone, say
// where the path leads.
func (p Path) ByValue() bool {
	return slices.ContainsFunc(p, func(s step) bool { return s.kind == byMatch })
}

// Find follows a path from a node; none when there is nothing.
func (d *Doc) Find(n int, p Path) int {
	for i := range p {
		if n == None {
			return None
		}
		s := &p[i]
		switch s.kind {
		case byMember:
			n = d.Member(n, s.member)
		case byIndex:
			n = d.Element(n, s.index)
		default:
			n = d.matching(n, s)
		}
	}
	return n
}

// End says how a path ends in a document.
type End uint8

const (
	Found   End = iota // there is a value, which may be null
	Unknown            // null, nothing, or too short a list: it says not what else lies there
	Lacking            // what is there has no such thing
)

// Trace follows a path from a node, and says how many steps it led and how it ended.
func (d *Doc) Trace(n int, p Path) (steps int, end End) {
	for i := range p {
		if d.nodes[n].kind == Null || d.nodes[n].kind >= Array && d.Next(n) == n+1 || d.nodes[n].kind == String && d.nodes[n].start == d.nodes[n].end {
			return i, Unknown
		}
		next := d.Find(n, p[i:i+1])
		switch {
		case next != None:
			n = next
		case p[i].kind == byIndex && d.nodes[n].kind == Array:
			return i, Unknown
		default:
			return i, Lacking
		}
	}
	return len(p), Found
}

func (d *Doc) matching(n int, s *step) int {
	if d.nodes[n].kind != Array {
		return None
	}
	for c := int32(n + 1); c < d.nodes[n].skip; c = d.nodes[c].skip {
		if m := d.Member(int(c), s.is); m != None {
			var arena []byte
			if string(d.Text(m, &arena)) == s.want {
				return int(c)
			}
		}
	}
	return None
}

// NumberAt gives the literal of a number, or the digits of a string, that is a
// member of the JSON object text: false when there is none.
func NumberAt(text []byte, member string) (string, bool) {
	var d Doc
	if d.Parse(text) != "" {
		return "", false
	}
	n := d.Member(0, member)
	if n == None || d.nodes[n].kind != Number && d.nodes[n].kind != String {
		return "", false
	}
	return string(d.Raw(n)), true
}

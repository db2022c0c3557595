package mapping

import (
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/consentimport/consentimport/mapping/decode"
	"github.com/consentimport/consentimport/mapping/jsonvalue"
)

// eachSpec makes several consents of one row.
type eachSpec struct {
	at        place
	form      eachForm
	columns   []eachColumn     // of columns; nil with star
	star      bool             // columns: "*", all but except
	except    []string         // globs
	unnamed   bool             // columns without a name are excepted
	source    nameAt           // of the other forms
	within    []jsonvalue.Path // of array: the way to the list inside of each element, level by level
	below     *string          // of a list or object in each member of the source: the path to it, maybe empty
	inner     jsonvalue.Path   // the same
	by, pair  string           // of split
	decoder   decode.Decoder
	skip      []ruleSpec
	optional  bool
	all       []pair // accepted-only lists: every category there is, with its token
	ignore    []string
	match     *regexp.Regexp
	otherwise bool // a row without the list makes one consent by itself
	several   bool // one of several blocks
}

// severalPurposes reports whether the elements are about different things, whatever the
// rows hold: each has a name of its own. Those of an array may be the steps of one history.
func (e *eachSpec) severalPurposes() bool {
	switch e.form {
	case eachColumns:
		return e.star || len(e.columns) > 1
	case eachSplit:
		return e.pair != "" || e.all != nil
	}
	return e.form == eachObject || e.form == eachDecoder || e.all != nil
}

type eachForm uint8

const (
	eachColumns eachForm = iota
	eachSplit
	eachArray
	eachObject
	eachDecoder
)

// eachColumn is a category and the columns that may hold its decision.
type eachColumn struct {
	category string
	names    []nameAt
}

// parseBlocks reads each: one block, or a list of them.
func (s *Spec) parseBlocks(r *reader, n, at ast.Node) {
	blocks := []ast.Node{n}
	if isList(n) {
		if blocks = r.items(n, "each"); len(blocks) == 0 {
			r.fail(at, "each has no block")
		}
	}
	for i, node := range blocks {
		if i == 0 {
			s.each = s.parseEach(r, node, at)
			s.each.several = len(blocks) > 1
			continue
		}
		block := &Spec{file: s.file, set: s.set, filled: s.filled, empty: s.empty, zone: s.zone, input: s.input, inJSON: s.inJSON, lookups: s.lookups}
		block.each = block.parseEach(r, node, node)
		block.each.several = true
		s.more = append(s.more, block)
	}
}

func (s *Spec) parseEach(r *reader, n, at ast.Node) *eachSpec {
	e := &eachSpec{at: placeOf(at)}
	options := []string{"by", "pair", "skip", "except", "optional", "all", "ignore", "match", "otherwise", "consent"}
	known := append([]string{"columns", "split", "array", "object"}, decode.Names()...)
	forms := 0
	given := r.members(n, "each", append(known, options...))
	for _, m := range given {
		switch m.key {
		case "columns":
			forms++
			e.form = eachColumns
			e.readColumns(r, m.value)
		case "split":
			forms++
			e.form, e.source = eachSplit, nameAt{r.text(m.value, "split"), placeOf(m.value)}
		case "array":
			forms++
			e.form = eachArray
			e.readArray(r, m.value)
			e.splitStar(r, m.value)
		case "object":
			forms++
			e.form, e.source = eachObject, nameAt{r.text(m.value, "object"), placeOf(m.value)}
			e.splitStar(r, m.value)
		case "consent":
			if s.overlay = m.value; m.value == nil {
				r.fail(m.at, "consent has no value")
			}
		case "by":
			e.by = r.text(m.value, "by")
		case "pair":
			e.pair = r.text(m.value, "pair")
		case "skip":
			e.skip = r.rules(m.value, "skip")
		case "except":
			for _, i := range r.items(m.value, "except") {
				if t, ok := inner(i).(*ast.StringNode); ok && t.Value == "" { // and no parameter that was left empty
					e.unnamed = true
				}
				e.except = append(e.except, splitList(r.text(i, "except"))...)
			}
		case "optional":
			e.optional = r.truth(m.value, "optional")
		case "all":
			e.all = r.pairs(m.value, "all")
			if len(e.all) == 0 {
				r.fail(m.value, "all lists no categories")
			}
			for _, p := range e.all {
				_, list := inner(p.node).(*ast.SequenceNode)
				switch {
				case strings.TrimSpace(p.key) == "":
					r.fail(p.at, "all has a category without a name")
				case list:
					r.fail(p.at, "all: %q has one token, and no list of them", p.key)
				case strings.TrimSpace(p.value) == "":
					r.fail(p.at, "all: %q has no token by which the list names it", p.key)
				}
			}
		case "ignore":
			for _, t := range r.texts(m.value, "ignore") {
				e.ignore = append(e.ignore, splitList(t)...)
			}
		case "match":
			e.match = r.pattern(m.value)
		case "otherwise":
			if t := r.text(m.value, "otherwise"); t != "row" {
				r.fail(m.value, "otherwise: %q is unknown; the only one is row", t)
			}
			e.otherwise = true
		default:
			forms++
			e.form, e.source = eachDecoder, nameAt{r.text(m.value, m.key), placeOf(m.value)}
			e.decoder, _ = decode.Lookup(m.key)
		}
		if r.err != nil {
			return e
		}
	}
	if forms != 1 {
		r.fail(at, "each takes exactly one of %s", strings.Join(known, ", "))
	}
	for _, m := range given {
		if why := e.idle(m.key); why != "" {
			r.fail(m.at, "%s does nothing here: %s", m.key, why)
		}
	}
	if e.form == eachSplit && e.by == "" {
		e.by = ","
	}
	return e
}

// idle says why an option has no effect on the elements that this each makes. To pass it
// over would leave out what somebody wanted, such as a column that should not count.
func (e *eachSpec) idle(option string) string {
	switch option {
	case "by", "pair", "match":
		if e.form != eachSplit {
			return "it is about the parts of a cell, as split makes them"
		}
	case "except":
		if !e.star {
			return `it is about the columns of columns: "*"`
		}
	case "all":
		if e.form == eachColumns {
			return "it is about lists of what was accepted, not about columns"
		}
	case "ignore":
		if e.all == nil {
			return "it lists tokens that are not in all, and there is no all"
		}
	case "otherwise":
		if e.form == eachColumns {
			return "it is about rows that lack a list, not about columns"
		}
	}
	return ""
}

// deepest is how many lists may lie in one another.
const deepest = 4

// readArray reads the way to a list: Purposes, or Purposes[].Topics, the lists inside
// of each element of a list.
func (e *eachSpec) readArray(r *reader, n ast.Node) {
	first, rest, nested := strings.Cut(strings.TrimSuffix(r.text(n, "array"), "[]"), "[].")
	e.source = nameAt{first, placeOf(n)}
	for nested {
		var level string
		level, rest, nested = strings.Cut(rest, "[].")
		p, err := jsonvalue.ParsePath(level)
		if err != nil {
			r.fail(n, "array: %v", err)
			return
		}
		e.within = append(e.within, p)
	}
	if len(e.within) >= deepest {
		r.fail(n, "array: at most %d lists may lie in one another", deepest)
	}
}

// splitStar reads prefs.* and prefs.*.channels: what lies in each member of an object.
func (e *eachSpec) splitStar(r *reader, n ast.Node) {
	source, below, ok := strings.Cut(e.source.name, ".*")
	if !ok {
		return
	}
	if len(e.within) > 0 || strings.Contains(below, "*") || strings.Contains(below, "[]") || below != "" && below[0] != '.' && below[0] != '[' {
		r.fail(n, "%q: one * stands for the members of an object, as in prefs.* or prefs.*.channels", e.source.name)
		return
	}
	below = strings.TrimPrefix(below, ".")
	e.source.name, e.below = source, &below
	if below != "" {
		var err error
		if e.inner, err = jsonvalue.ParsePath(below); err != nil {
			r.fail(n, "%v", err)
		}
	}
}

// blank reports whether a node says nothing by itself: not even the name of a parameter,
// which may be left empty.
func blank(n ast.Node) bool {
	switch t := inner(n).(type) {
	case *ast.StringNode:
		return strings.TrimSpace(t.Value) == ""
	case *ast.NullNode:
		return true
	}
	return false
}

func (e *eachSpec) readColumns(r *reader, n ast.Node) {
	if !isMap(n) {
		if text := r.text(n, "columns"); strings.TrimSpace(text) == "*" {
			e.star = true
			return
		}
	}
	for _, p := range r.pairs(n, "columns") {
		c := eachColumn{category: p.key}
		if strings.TrimSpace(p.key) == "" {
			r.fail(p.at, "columns has a category without a name")
			return
		}
		nodes := r.items(p.node, "columns")
		if p.node == nil && p.value != "" { // of a text a=b,c=d
			c.names = []nameAt{{p.value, placeOf(p.at)}}
		} else if len(nodes) == 0 {
			r.fail(p.at, "columns: %q has no column; leave the category out if it has none", p.key)
			return
		}
		for _, i := range nodes {
			if blank(i) {
				r.fail(p.at, "columns: %q has a column without a name; write its heading", p.key)
				return
			}
			if name := r.text(i, "columns"); name != "" { // and no parameter that was left empty
				c.names = append(c.names, nameAt{name, placeOf(i)})
			}
		}
		if len(c.names) > 0 {
			e.columns = append(e.columns, c)
		}
	}
	if len(e.columns) == 0 {
		r.fail(n, "columns lists no columns")
	}
}

package mapping

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// pattern is the match of a field: what it finds is the first group of a regular
// expression, or all of it.
type pattern struct {
	re   *regexp.Regexp
	runs []run // nil: re is not of that form
}

// run is a character of a set, or several of them.
type run struct {
	set  *[256]bool // by byte; those of characters beyond ASCII are all in it, or none is, as of a single one
	many bool
}

func newPattern(re *regexp.Regexp) *pattern {
	if re == nil {
		return nil
	}
	return &pattern{re: re, runs: runsOf(re)}
}

// find gives the part of a text that counts.
func (p *pattern) find(text []byte) (within []byte, ok bool) {
	if p.runs != nil {
		return text, isRuns(p.runs, text)
	}
	at := p.re.FindSubmatchIndex(text)
	switch {
	case at == nil || len(at) > 2 && at[2] < 0:
		return nil, false
	case len(at) > 2:
		return text[at[2]:at[3]], true
	}
	return text[at[0]:at[1]], true
}

// runsOf reads a pattern that goes from the beginning of a text to its end by runs that
// share no character with what follows them, nil for others. Presets tell ids from
// addresses by ^[^@]+$ and ^[^@\s]+@[^@\s]+$, twice a row; package regexp took a sixth of
// the time that a row of BenchmarkMap/didomi takes.
func runsOf(re *regexp.Regexp) []run {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil || tree.Op != syntax.OpConcat {
		return nil
	}
	within := tree.Sub
	if len(within) < 3 || within[0].Op != syntax.OpBeginText || within[len(within)-1].Op != syntax.OpEndText {
		return nil
	}
	var runs []run
	for _, sub := range within[1 : len(within)-1] {
		many := sub.Op == syntax.OpPlus
		if many {
			sub = sub.Sub[0]
		}
		set := setOf(sub)
		if set == nil || !many && set[utf8.RuneSelf] || len(runs) > 0 && runs[len(runs)-1].many && overlap(runs[len(runs)-1].set, set) {
			return nil
		}
		runs = append(runs, run{set, many})
	}
	return runs
}

// setOf are the bytes of one character of a pattern.
func setOf(re *syntax.Regexp) *[256]bool {
	ranges := re.Rune // from, to, from, to …
	switch {
	case re.Op == syntax.OpLiteral && len(re.Rune) == 1 && re.Flags&syntax.FoldCase == 0:
		ranges = []rune{re.Rune[0], re.Rune[0]}
	case re.Op != syntax.OpCharClass || len(ranges) == 0:
		return nil
	}
	var set [256]bool
	for i := 0; i < len(ranges); i += 2 {
		from, to := ranges[i], ranges[i+1]
		if to >= utf8.RuneSelf && (to != utf8.MaxRune || from > utf8.RuneSelf) {
			return nil
		}
		for c := from; c <= min(to, 255); c++ {
			set[c] = true
		}
	}
	return &set
}

func overlap(a, b *[256]bool) bool {
	for c := range a {
		if a[c] && b[c] {
			return true
		}
	}
	return false
}

func isRuns(runs []run, text []byte) bool {
	at := 0
	for i := range runs {
		r, from := &runs[i], at
		for at < len(text) && r.set[text[at]] && (r.many || at == from) {
			at++
		}
		if at == from {
			return false
		}
	}
	return at == len(text)
}

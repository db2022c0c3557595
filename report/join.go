package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/summary"
)

// JoinLine is the command that joins shards in some directories into an import in out.
func JoinLine(program string, dirs []string, out string) string {
	words := make([]string, len(dirs))
	for i, dir := range dirs {
		words[i] = PathWord(dir)
	}
	parts := ShellLine(words)
	if len(dirs) > 8 { // longer than anybody reads
		if pattern := pattern(dirs); pattern != "" {
			parts = pattern
		}
	}
	return ShellLine([]string{program, "report"}) + " " + parts + " " + ShellLine([]string{"--out", PathWord(out)})
}

// pattern is a word of a shell that stands for these directories and no other; "" when
// they have no such thing in common.
func pattern(dirs []string) string {
	first := strings.Split(dirs[0], "/")
	at := -1 // the element that differs
	for _, dir := range dirs[1:] {
		elements := strings.Split(dir, "/")
		if len(elements) != len(first) || strings.ContainsAny(dir, `*?[\`) {
			return ""
		}
		for i := range elements {
			if elements[i] != first[i] {
				if at >= 0 && at != i {
					return ""
				}
				at = i
			}
		}
	}
	if at < 0 {
		return ""
	}
	before := first[at]
	for _, dir := range dirs[1:] {
		for !strings.HasPrefix(strings.Split(dir, "/")[at], before) {
			before = before[:len(before)-1]
		}
	}
	before = strings.Join(append(slices.Clone(first[:at]), before), "/")
	after := strings.Join(append([]string{""}, first[at+1:]...), "/")
	found, err := filepath.Glob(before + "*" + after)
	if err != nil {
		return ""
	}
	want := slices.Sorted(slices.Values(dirs))
	if slices.Sort(found); !slices.Equal(found, want) {
		return ""
	}
	quoted := "*"
	if before != "" {
		quoted = shellQuote(PathWord(before)) + "*"
	}
	if after != "" {
		quoted += shellQuote(after)
	}
	return quoted
}

// unfinished are the shards of a join that were not complete, with the commands that
// continue them, and joined is what joins all of them again.
type unfinished struct {
	shards []unfinishedShard
	joined string
}

type unfinishedShard struct{ shard, dir string }

// unfinishedOf finds them in the facts of an import; nil where it was joined of complete
// ones, or not at all.
func unfinishedOf(dir string, facts *survey.Facts) *unfinished {
	u := &unfinished{}
	var dirs []string
	for _, p := range facts.Header.Parts {
		dirs = append(dirs, p.Dir)
		if p.Unfinished {
			u.shards = append(u.shards, unfinishedShard{p.Shard, p.Dir})
		}
	}
	if len(u.shards) == 0 {
		return nil
	}
	u.joined = JoinLine("consentimport", dirs, dir)
	return u
}

// saidShards is how many shards are named, each with its command.
const saidShards = 3

// adviseShards leads from a join of unfinished shards to that of finished ones.
func adviseShards(s *summary.Summary, v *Invocation) {
	for i, u := range v.unfinished.shards {
		if i == saidShards {
			s.Steps = append(s.Steps, fmt.Sprintf("%d more shards are not complete: continue them likewise.", len(v.unfinished.shards)-i))
			break
		}
		s.Steps = append(s.Steps, fmt.Sprintf("Continue shard %s, if no scheduler does:\n%s", u.shard, v.command(v.Exports, []string{"shard", "out"}, "--shard", u.shard, "--out", PathWord(u.dir), "--resume")))
	}
	s.Steps = append(s.Steps, "Then join all shards again:")
	s.Next = v.unfinished.joined
}

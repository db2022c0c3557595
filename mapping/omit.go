package mapping

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OmitSilent gives the rule that leaves out rows which have none of the names that the
// decision is read from, with a reason that stands for a person's; false where no rule
// can be written.
func (s *Spec) OmitSilent(reason string) (Edit, bool) {
	var parts []string
	for _, block := range s.blocks() {
		var names []nameAt
		switch e := block.each; {
		case e == nil:
			names = block.fields[fieldAction].sources()
		case e.form == eachColumns && !e.star:
			for _, c := range e.columns {
				names = append(names, c.names...)
			}
		case e.form != eachColumns:
			names = append(names, e.source)
		}
		if len(names) == 0 {
			return Edit{}, false
		}
		for _, n := range names {
			ref, ok := inCondition(n.name)
			if !ok || strings.HasPrefix(n.name, "each.") {
				return Edit{}, false
			}
			if part := ref + " == nil"; !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	return Edit{Path: []string{"skip"}, Item: ruleItem(strings.Join(parts, " and "), reason)}, true
}

func (s *Spec) blocks() []*Spec { return append([]*Spec{s}, s.more...) }

func ruleItem(when, reason string) string {
	return "{when: '" + strings.ReplaceAll(when, "'", "''") + "', reason: " + reason + "}"
}

// sources are the names that a field is read from, those of its cases included.
func (f *fieldSpec) sources() []nameAt {
	if f == nil {
		return nil
	}
	names := slices.Clone(f.from)
	for _, c := range f.cases {
		names = append(names, c.sources()...)
	}
	return names
}

var (
	plainName = regexp.MustCompile(`^[^\[\].]+$`)
	plainPath = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*|\[-?\d+\])+$`)
)

// inCondition writes a name of a mapping as conditions do.
func inCondition(name string) (string, bool) {
	switch {
	case plainPath.MatchString(name):
		return name, true
	case plainName.MatchString(name) && strings.ToValidUTF8(name, "") == name:
		return "row[" + strconv.Quote(name) + "]", true
	}
	return "", false
}

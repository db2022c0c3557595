package mapping

// actionView is what lint must know of how a mapping reads an action.
type actionView struct {
	// columns are the columns or paths that state the action, by category; those
	// of every category stand under "".
	columns map[string][]string
	values  map[string]Action // as listed
}

// see judges the mapping by itself.
func (s *lintSpec) see(a actionView) {
	s.names = map[string]sense{}
	for category, columns := range a.columns {
		n := senseNone
		for _, column := range columns {
			if n = nameSense([]byte(column)); n != senseNone {
				break
			}
		}
		s.inverted = s.inverted || n == senseOut
		if category == "" {
			s.column = n
		} else {
			s.names[category] = n
		}
		for text, action := range a.values {
			if against(n, valueSense([]byte(text)), action) {
				s.faults[ruleAgainst]++
			}
		}
	}
	for text, action := range a.values {
		if action == Accept && text != "" && valueSense([]byte(text)) == senseImplied {
			s.faults[ruleImplied]++
		}
	}
}

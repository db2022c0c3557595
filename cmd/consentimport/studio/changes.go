package studio

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// changes are what a mapping makes otherwise than the last dry run did.
type changes struct {
	Values []changedValue
	More   int // that are not shown
	People []changedPeople
	Rows   [2]int64 // invalid then and now
	Made   [2]int64 // consents then and now
	Cut    bool     // the tables are longer than what was compared of them
	Fault  string
}

// None says that nothing differs that somebody signs.
func (c *changes) None() bool {
	return len(c.Values) == 0 && len(c.People) == 0 && c.Rows[0] == c.Rows[1] && c.Made[0] == c.Made[1] && !c.Cut && c.Fault == ""
}

// changedValue is a line of the decision table then and now; an empty decision: there was
// no such line.
type changedValue struct {
	Category, Value string
	Was, Is         string
	Count           int64
}

// changedPeople are the persons of a category by their last word, then and now.
type changedPeople struct {
	Category string
	Was, Is  summary.LastWord
}

// comparison is a dry run in the background under a mapping that may not be saved.
type comparison struct {
	key    string // of mapping, export and last dry run
	cancel context.CancelFunc
	ended  chan struct{}
	found  *changes
	// command makes the dry run to compare with in a terminal.
	command string
}

// compare begins to hold a mapping against the last dry run, unless that is at work or
// done: over the whole export, and nobody waits for it. What was begun for another text is
// canceled. It gives nil when there is nothing to compare with.
func (s *Studio) compare(work work, text []byte) *comparison {
	was := summaryOf(work.Dry())
	spec, err := mapping.Parse(work.Mapping, text, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || was == nil || sameMapping(spec, work.Dry()) || s.job != nil && !s.job.done() {
		s.dropComparison()
		return nil
	}
	key := digest(text) + stampOf(work.Exports) + was.FinishedAt.String()
	if s.comparing != nil && s.comparing.key == key {
		return s.comparing
	}
	s.dropComparison()
	ctx, cancel := context.WithCancel(s.cfg.Context)
	c := &comparison{key: key, cancel: cancel, ended: make(chan struct{})}
	c.command = commandLine(work.args("run", "--dry-run", "--mapping", word(work.Mapping), "--out", word(work.Dry()+".new")))
	s.comparing = c
	s.jobs.Go(func() {
		defer close(c.ended)
		defer cancel()
		c.found = s.changed(ctx, work, text, was)
	})
	return c
}

// dropComparison stops the one that is at work; the caller holds the lock.
func (s *Studio) dropComparison() {
	if s.comparing != nil {
		s.comparing.cancel()
		s.comparing = nil
	}
}

// changed makes a dry run under a text, beside everything, and compares.
func (s *Studio) changed(ctx context.Context, work work, text []byte, was *summary.Summary) *changes {
	dir, err := os.MkdirTemp(s.scratch, "compare-*")
	if err != nil {
		return &changes{Fault: err.Error()}
	}
	defer os.RemoveAll(dir) // it holds rows of people
	draft, err := s.draft(work, text)
	if err != nil {
		return &changes{Fault: err.Error()}
	}
	defer os.Remove(draft)
	out := filepath.Join(dir, "dry-run")
	_, _, stderr := s.call(ctx, work.args("run", "--dry-run", "--progress", "none", "--mapping", draft, "--out", out)...)
	now := summaryOf(out)
	if now == nil {
		return &changes{Fault: cmp.Or(stderr, "it was stopped")}
	}
	c := &changes{
		Rows: [2]int64{was.Rows.Invalid, now.Rows.Invalid}, Made: [2]int64{was.Consents.Made, now.Consents.Made},
		People: changedWords(was.LastWords, now.LastWords),
	}
	had, cut := decisionsOf(work.Dry(), maxCompared)
	has, cutToo := decisionsOf(out, maxCompared)
	c.Cut = cut || cutToo
	c.Values = changedValues(had, has)
	if c.Cut { // what stands in one of them alone may stand in the rest of the other
		c.Values = slices.DeleteFunc(c.Values, func(v changedValue) bool { return v.Was == "" || v.Is == "" })
	}
	c.More = max(0, len(c.Values)-maxChanges)
	c.Values = c.Values[:len(c.Values)-c.More]
	return c
}

// maxCompared is how many lines of each table are compared, which are in memory then.
const maxCompared = 50_000

// maxChanges is how many values are shown that became something else.
const maxChanges = 200

// changedValues joins two decision tables: the values that mean something else, those with
// the most rows first.
func changedValues(was, is []decision) (out []changedValue) {
	type key struct{ category, value string }
	at := map[key]int{}
	for i, table := range [2][]decision{was, is} {
		for _, d := range table {
			k := key{d.Category, d.Value}
			n, known := at[k]
			if !known {
				n = len(out)
				at[k] = n
				out = append(out, changedValue{Category: d.Category, Value: d.Value})
			}
			count := d.times()
			says := &out[n].Was
			if i == 1 {
				says = &out[n].Is
			}
			if *says == "" {
				*says = d.Decision
				out[n].Count = count
			} else if *says != d.Decision {
				*says += " or " + d.Decision
				out[n].Count += count
			}
		}
	}
	out = slices.DeleteFunc(out, func(c changedValue) bool { return c.Was == c.Is })
	slices.SortStableFunc(out, func(a, b changedValue) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// changedWords joins the last words of two dry runs, by category.
func changedWords(was, is []summary.LastWord) (out []changedPeople) {
	find := func(all []summary.LastWord, category string) summary.LastWord {
		for _, w := range all {
			if w.Category == category {
				return w
			}
		}
		return summary.LastWord{Category: category}
	}
	for _, w := range was {
		if now := find(is, w.Category); now != w {
			out = append(out, changedPeople{w.Category, w, now})
		}
	}
	for _, w := range is {
		if before := find(was, w.Category); !slices.ContainsFunc(was, func(o summary.LastWord) bool { return o.Category == w.Category }) {
			out = append(out, changedPeople{w.Category, before, w})
		}
	}
	return out
}

// changesData is the part of the page that says what changed.
type changesData struct {
	Working bool
	Found   *changes // nil: nothing to say
	Command string   // empty: there is nothing to compare with
}

func (s *Studio) changesData(work work, text []byte) changesData { return s.compare(work, text).data() }

// data is what there is of a comparison.
func (c *comparison) data() (d changesData) {
	if c == nil {
		return d
	}
	d.Command = c.command
	select {
	case <-c.ended:
		d.Found = c.found
	default:
		d.Working = true
	}
	return d
}

// changesPart is what changed under the text that was looked at last.
func (s *Studio) changesPart(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	d := s.comparing.data()
	s.mu.Unlock()
	if !d.Working {
		w.Header().Set("X-Done", "yes")
	}
	s.show(w, http.StatusOK, "changes", d)
}

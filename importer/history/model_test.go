package history

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/mapping"
)

type removed struct{ *os.File }

func (r removed) Close() error { return errors.Join(r.File.Close(), os.Remove(r.Name())) }

// temps opens files in a directory of the test.
func temps(t testing.TB) (open func() (extsort.File, error), left func() []string) {
	dir := t.TempDir()
	return func() (extsort.File, error) {
			f, err := os.CreateTemp(dir, "sort")
			return removed{f}, err
		}, func() (names []string) {
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return names
		}
}

// said is a decision of the model.
type said struct {
	place             Place
	subject, category string // as they are compared
	accept, nothing   bool
	time              int64
	invalid           bool
	message           string
	until             int64
	fate              Fate
	known             bool // an earlier import has sent it
}

// past is what the model knows of the imports before.
type past struct {
	sent    map[string]map[[2]int64]bool // by key: time and decision
	newest  map[string]*said
	arrived map[string]*said
	origin  map[*said]uint16
}

// add takes in what an import of some mode has sent.
func (p *past) add(all []*said, mode Mode, origin uint16) {
	if p.sent == nil {
		*p = past{map[string]map[[2]int64]bool{}, map[string]*said{}, map[string]*said{}, map[*said]uint16{}}
	}
	groups := map[string][]*said{}
	for _, s := range all {
		if s.arrived() && !s.nothing && !s.invalid {
			groups[s.key()] = append(groups[s.key()], s)
		}
	}
	for k, g := range groups {
		slices.SortFunc(g, older)
		if p.sent[k] == nil {
			p.sent[k] = map[[2]int64]bool{}
		}
		for _, s := range g {
			p.origin[s] = origin
			if p.sent[k][s.moment()] {
				continue
			}
			p.sent[k][s.moment()] = true
			if p.newest[k] == nil || older(&said{time: p.newest[k].time, accept: p.newest[k].accept}, &said{time: s.time, accept: s.accept}) < 0 {
				p.newest[k] = s
			}
		}
		p.arrived[k] = slices.MaxFunc(g, arrivals(mode))
		if p.arrived[k].moment() == p.newest[k].moment() {
			p.newest[k] = p.arrived[k]
		}
	}
}

// arrivals is the order in which decisions arrive that were sent.
func arrivals(mode Mode) func(a, b *said) int {
	return func(a, b *said) int {
		switch {
		case mode != Rows:
			return older(a, b)
		case a.fate.Pass != b.fate.Pass:
			return cmp.Compare(a.fate.Pass, b.fate.Pass)
		case a.fate.Pass > 1:
			return older(a, b)
		}
		return cmp.Compare(a.place, b.place)
	}
}

func (s *said) moment() [2]int64 { return [2]int64{s.time, map[bool]int64{true: 1}[s.accept]} }

// overtaken reports whether an earlier import has sent something newer.
func (p *past) overtaken(s *said) bool {
	n := p.newest[s.key()]
	if n == nil {
		return false
	}
	a, b := *s, *n
	a.place, b.place = 0, 0
	return older(&a, &b) < 0
}

// gets says whether a person gets messages when a decision was the last to arrive.
func (s *said) gets(now int64) bool { return s != nil && s.accept && (s.until == 0 || s.until >= now) }

func (s *said) key() string { return s.subject + "\x00" + s.category }

// older is the order of a history.
func older(a, b *said) int {
	rank := func(s *said) int64 {
		switch {
		case s.time != 0:
			return s.time
		case s.accept:
			return First
		}
		return Last
	}
	n := func(accept bool) int { return map[bool]int{true: 0, false: 1}[accept] }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(n(a.accept), n(b.accept)), cmp.Compare(a.place, b.place))
}

func (s *said) arrived() bool { return s.fate.State == Sent }

func (s *said) equal(o *said) bool {
	return s.time == o.time && s.accept == o.accept && s.message == o.message && s.until == o.until
}

// told is what the model, or the walk, says of an export.
type told struct {
	Subjects, Keys                      int64
	Words                               []LastWord
	Contradictions, Repeats, OutOfOrder int64
	Overtaken                           int64
	Permissive                          []Place
	Steps                               []Step
	Changes                             map[string][2]int64
	Standing                            []LastWord
}

// naive does by hand what a walk does.
func naive(all []*said, p *past, o Options, now int64) (out told) {
	out.Changes = map[string][2]int64{}
	stands := map[string]*LastWord{}
	for _, s := range all {
		s.known = !s.nothing && !s.invalid && s.fate.State == Open && p.sent[s.key()][s.moment()]
	}
	subjects, words := map[string]bool{}, map[string]*LastWord{}
	groups := map[string][]*said{}
	for _, s := range all {
		groups[s.key()] = append(groups[s.key()], s)
	}
	for key, g := range groups {
		w := words[g[0].category]
		if w == nil {
			w = &LastWord{Category: g[0].category}
			words[w.Category] = w
		}
		g = slices.DeleteFunc(slices.Clone(g), func(s *said) bool { return s.nothing })
		if stands[w.Category] == nil {
			stands[w.Category] = &LastWord{Category: w.Category}
		}
		if len(g) == 0 {
			w.None++
			stands[w.Category].stands(p.arrived[key])
			continue
		}
		slices.SortFunc(g, older)
		out.Keys++
		if slices.ContainsFunc(g, func(s *said) bool { return !s.invalid }) {
			subjects[g[0].subject] = true
		}
		last := g[len(g)-1]
		switch {
		case !last.accept:
			w.Reject++
		case last.until != 0 && last.until < now:
			w.Expired++
		default:
			w.Accept++
		}
		stands[w.Category].stands(out.history(g, p, o, now))
	}
	for _, w := range stands {
		out.Standing = append(out.Standing, *w)
	}
	slices.SortFunc(out.Standing, func(a, b LastWord) int { return strings.Compare(a.Category, b.Category) })
	for _, w := range words {
		out.Words = append(out.Words, *w)
	}
	slices.SortFunc(out.Words, func(a, b LastWord) int { return strings.Compare(a.Category, b.Category) })
	slices.Sort(out.Permissive)
	slices.SortFunc(out.Steps, func(a, b Step) int { return cmp.Compare(a.Place, b.Place) })
	out.Subjects = int64(len(subjects))
	return out
}

// stands counts a person by the last decision that arrived; nil: none did.
func (w *LastWord) stands(s *said) {
	switch {
	case s == nil:
		w.None++
	case s.accept:
		w.Accept++
	default:
		w.Reject++
	}
}

// history gives what arrived last, nil for nothing.
func (out *told) history(g []*said, p *past, o Options, now int64) *said {
	last := g[len(g)-1]
	// what the linter says
	moments := map[int64][2]bool{}
	for i, s := range g {
		if s.time != 0 {
			m := moments[s.time]
			m[map[bool]int{true: 0, false: 1}[s.accept]] = true
			moments[s.time] = m
		}
		equal := false
		for k, x := range g {
			equal = equal || k < i && !s.invalid && !x.invalid && s.equal(x)
		}
		if equal {
			out.Repeats++
		}
		if s.time != 0 && slices.ContainsFunc(g, func(x *said) bool {
			return x.time != 0 && x.place < s.place && (x.time > s.time || x.time == s.time && s.accept && !x.accept)
		}) {
			out.OutOfOrder++
		}
	}
	for _, m := range moments {
		if m[0] && m[1] {
			out.Contradictions++
		}
	}
	valid := slices.DeleteFunc(slices.Clone(g), func(s *said) bool { return s.invalid })
	if len(valid) > 0 {
		end := slices.MaxFunc(valid, func(a, b *said) int { return cmp.Compare(a.place, b.place) })
		if w := valid[len(valid)-1]; end != w && !end.equal(w) {
			out.Overtaken++
		}
	}
	// what arrives, or would
	var newest *said
	order := slices.Clone(g)
	if o.Mode == Rows {
		slices.SortStableFunc(order, func(a, b *said) int {
			pass := func(s *said) int {
				if s.arrived() {
					return s.fate.Pass
				}
				return 1 << 30
			}
			if p := pass(a); p == pass(b) && p > 1 && p < 1<<30 {
				return 0 // what comes again comes by its time
			}
			return cmp.Or(cmp.Compare(pass(a), pass(b)), cmp.Compare(a.place, b.place))
		})
	}
	for _, s := range order {
		open := s.fate.State == Open && !s.invalid && o.Foresee && (o.Mode != Latest || s == last) && !s.known && !p.overtaken(s)
		if s.arrived() || open {
			newest = s
		}
	}
	before := p.arrived[g[0].key()]
	if newest != nil && p.sent != nil {
		n := out.Changes[g[0].category]
		if !before.gets(now) && newest.gets(now) {
			n[0]++
		} else if before.gets(now) && !newest.gets(now) {
			n[1]++
		}
		if n != [2]int64{} {
			out.Changes[g[0].category] = n
		}
	}
	if newest == nil {
		newest = before
	}
	if !last.accept && newest != nil && newest.accept && !p.overtaken(last) {
		out.Permissive = append(out.Permissive, last.place)
	}
	out.plan(g, p, o)
	return newest
}

// plan is the rules of the package, one after the other.
func (out *told) plan(g []*said, p *past, o Options) {
	last := g[len(g)-1]
	var newest *said
	begun, may := false, false
	for _, s := range g {
		may = may || s.fate.Begun
		if s.arrived() || s.known {
			newest = s
		}
		begun = begun || s.fate.Pass == o.Pass && (s.fate.State == Sent || s.fate.State == Missed)
	}
	var remains []*said
	for _, s := range g {
		if s.invalid || s.fate.State != Open {
			continue
		}
		var by *said
		if s.known {
			out.Steps = append(out.Steps, Step{Place: s.place, Kind: Skip})
			continue
		}
		overtakenHere := newest != nil && older(s, newest) < 0 && (o.Mode != Rows || s.fate.Again)
		if p.overtaken(s) && !(overtakenHere && newest.arrived() && !p.overtaken(newest)) {
			n := p.newest[s.key()]
			out.Steps = append(out.Steps, Step{s.place, Supersede, n.place, p.origin[n]})
			continue
		}
		switch {
		case o.Mode == Latest && s != last:
			by = last
		case overtakenHere:
			by = newest
		case o.Mode == Chronological:
			same := slices.DeleteFunc(slices.Clone(g), func(x *said) bool {
				return x.invalid || x.fate.State == Held || !x.equal(s)
			})
			if i := slices.IndexFunc(same, (*said).arrived); i >= 0 {
				by = same[i]
			} else {
				by = same[0]
			}
			if by == s {
				by = nil
			}
		}
		if by != nil {
			out.Steps = append(out.Steps, Step{s.place, Supersede, by.place, 0})
		} else {
			remains = append(remains, s)
		}
	}
	if len(remains) == 0 || o.Mode == Rows && !slices.ContainsFunc(remains, func(s *said) bool { return s.fate.Again }) {
		return
	}
	first := slices.MinFunc(remains, func(a, b *said) int { return cmp.Compare(a.place, b.place) }).place
	var whole []*said
	for _, s := range g {
		if slices.Contains(remains, s) || s.fate.Pass == o.Pass && (s.fate.State == Sent || s.fate.State == Missed) {
			whole = append(whole, s)
		}
	}
	leader := first
	answered := false
	for i, s := range remains {
		answered = answered || i > 0 && !s.accept && remains[i-1].accept
	}
	switch {
	case (may || newest != nil && newest.arrived() && newest.accept) && !remains[len(remains)-1].accept:
		leader = Front
	case begun && (apart(whole, o.Near) || answered && !remains[len(remains)-1].accept):
		leader = Begun
	case len(remains) == 1 || !apart(remains, o.Near):
		return
	}
	for _, s := range remains {
		if s.place != leader {
			out.Steps = append(out.Steps, Step{s.place, Pull, leader, 0})
		}
	}
}

// apart says whether consents would not leave back to back, in order, if each left
// with its row.
func apart(all []*said, near int64) bool {
	if !slices.IsSortedFunc(all, func(a, b *said) int { return cmp.Compare(a.place, b.place) }) {
		return true
	}
	if all[len(all)-1].accept {
		return false
	}
	for i, s := range all {
		if !s.accept || i > 0 && all[i-1].accept {
			continue
		}
		for _, x := range all[i:] {
			if !x.accept {
				if x.place.Row()-s.place.Row() > near {
					return true
				}
				break
			}
		}
	}
	return false
}

// walked is what a walk says.
func walked(t testing.TB, x *Index, o Options) (out told) {
	r, err := x.Walk(context.Background(), o)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	out = told{
		Subjects: r.Subjects, Keys: r.Keys, Words: r.LastWords, Contradictions: r.Contradictions.Count,
		Repeats: r.Repeats.Count, OutOfOrder: r.OutOfOrder.Count, Overtaken: r.Overtaken, Standing: r.Standing, Changes: map[string][2]int64{},
	}
	require.Zero(t, r.Unfounded)
	for _, c := range r.Changes {
		out.Changes[c.Category] = [2]int64{c.Begin, c.Cease}
	}
	places, err := r.Permissive.Reader()
	require.NoError(t, err)
	for {
		p, ok, err := places.Peek()
		require.NoError(t, err)
		if !ok {
			break
		}
		out.Permissive = append(out.Permissive, p)
		places.Next()
	}
	places.Close()
	steps, err := r.Plan.Steps()
	require.NoError(t, err)
	defer steps.Close()
	for {
		next, ok, err := steps.Peek()
		require.NoError(t, err)
		if !ok {
			return out
		}
		out.Steps = append(out.Steps, next)
		got, ok, err := steps.At(next.Place)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, next, got)
	}
}

// spell gives a subject in a spelling that is compared as it is.
func spell(rng *rand.Rand, s string) []byte {
	return []byte([]string{s, s, s + " ", "\u200b" + s, strings.ToUpper(s)}[rng.IntN(5)])
}

func index(t testing.TB, all []*said, cfg Config, rng *rand.Rand) (*Index, func() []string) {
	open, left := temps(t)
	cfg.Temp = open
	b := NewBuilder(cfg)
	batch := b.NewBatch()
	for i, s := range all {
		subject := spell(rng, s.subject)
		if s.nothing {
			batch.Nothing(s.place, subject, []byte(s.category))
		} else {
			c := mapping.Consent{Action: mapping.Reject, Timestamp: s.time, ValidUntil: s.until, UserID: subject, Category: []byte(s.category), Message: []byte(s.message)}
			if s.accept {
				c.Action = mapping.Accept
			}
			f := s.fate
			if s.invalid {
				f.State = Unsendable
			} else {
				c.UserID = []byte(s.subject) // a spelling is sent, so that equal ones are spelt alike
			}
			batch.Consent(s.place, &c, f)
		}
		if i%7 == 0 {
			require.NoError(t, b.Add(batch))
		}
	}
	require.NoError(t, b.Add(batch))
	x, err := b.Sort()
	require.NoError(t, err)
	return x, left
}

func draw(rt *rapid.T) []*said {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
	n := rapid.IntRange(0, 60).Draw(rt, "n")
	people, times := rapid.IntRange(1, 6).Draw(rt, "people"), rapid.IntRange(1, 12).Draw(rt, "times")
	fates := rapid.IntRange(0, 2).Draw(rt, "fates")
	ordered := rapid.Bool().Draw(rt, "ordered")
	var all []*said
	row := int64(1)
	for i := range n {
		row += int64(rng.IntN(4))
		s := &said{
			subject: fmt.Sprintf("p%d@example.org", rng.IntN(people)), category: []string{"news", "ads"}[rng.IntN(2)],
			accept: rng.IntN(2) == 0, nothing: rng.IntN(12) == 0, invalid: rng.IntN(8) == 0, message: []string{"", "m"}[rng.IntN(2)],
			time: int64(1 + rng.IntN(times)), until: []int64{0, 50, 5000}[rng.IntN(3)],
		}
		if ordered {
			s.time = int64(1 + i/3)
		}
		if s.invalid && rng.IntN(2) == 0 {
			s.time = 0
		}
		if !s.invalid && fates > 0 {
			s.fate = Fate{State: State(rng.IntN(4)), Pass: 1 + rng.IntN(fates), Again: rng.IntN(2) == 0}
			if s.fate.State == Open {
				s.fate.Pass, s.fate.Begun = 0, s.accept && rng.IntN(4) == 0
			}
		}
		k := 1
		if len(all) > 0 && all[len(all)-1].place.Row() == row {
			k = int(all[len(all)-1].place.Number()) + 1
		}
		s.place = At(row, k)
		all = append(all, s)
	}
	return all
}

// The walk says what a naive model says, for all modes, with what earlier passes
// did, in memory and on the disk, with long histories in files.
func TestAWalkEqualsANaiveModel(t *testing.T) {
	now := time.UnixMilli(1000)
	steps := map[Kind]int{}
	long := 0
	rapid.Check(t, func(rt *rapid.T) {
		all := draw(rt)
		o := Options{
			Mode: Mode(rapid.IntRange(0, 2).Draw(rt, "mode")), Pass: rapid.IntRange(1, 2).Draw(rt, "pass"), Plan: true,
			Standing: true, Near: rapid.SampledFrom([]int64{0, 3, 100}).Draw(rt, "near"), Foresee: rapid.Bool().Draw(rt, "foresee"),
		}
		cfg := Config{Buffer: rapid.SampledFrom([]int{600, 1 << 20}).Draw(rt, "buffer"), Now: now}
		var p past
		for n := range rapid.IntRange(0, 3).Draw(rt, "imports before") {
			sent, mode := draw(rt), Mode(rapid.IntRange(0, 2).Draw(rt, "their mode"))
			p.add(sent, mode, uint16(n+1))
			cfg.Earlier = earlier(t, sent, cfg, mode, uint16(n+1))
		}
		x, left := index(t, all, cfg, rand.New(rand.NewPCG(1, 1)))
		limit := rapid.SampledFrom([]int{2, groupMemory}).Draw(rt, "memory")
		if limit < groupMemory {
			long++
		}
		x.memory = limit
		want, got := naive(all, &p, o, now.UnixMilli()), walked(t, x, o)
		require.NoError(t, x.Close())
		require.Empty(t, left(), "files that are left")
		if fmt.Sprint(want) != fmt.Sprint(got) {
			for _, s := range all {
				rt.Logf("%d.%d %s %s accept=%v nothing=%v invalid=%v time=%d until=%d %q %+v", s.place.Row(), s.place.Number(), s.subject, s.category, s.accept, s.nothing, s.invalid, s.time, s.until, s.message, s.fate)
			}
			rt.Fatalf("%+v\nwant %+v\ngot  %+v", o, want, got)
		}
		for _, s := range got.Steps {
			steps[s.Kind]++
		}
	})
	require.Positive(t, steps[Pull])
	require.Positive(t, steps[Supersede])
	require.Positive(t, steps[Skip])
	require.Positive(t, long)
}

// earlier is what an import leaves for those after it.
func earlier(t testing.TB, all []*said, cfg Config, mode Mode, origin uint16) *Earlier {
	cfg.Salt = []byte("sixteen bytes ok")
	x, left := index(t, all, cfg, rand.New(rand.NewPCG(1, 2)))
	x.memory = 2
	var file bytes.Buffer
	_, err := x.WriteEarlier(context.Background(), mode, origin, &file)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.Empty(t, left(), "files that are left")
	e, err := OpenEarlier(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil })
	require.NoError(t, err)
	return e
}

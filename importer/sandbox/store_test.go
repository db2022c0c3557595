package sandbox

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// keepOne keeps a consent of a user.
func keepOne(t *testing.T, s *store, user, message string) {
	t.Helper()
	c := mapping.Consent{Action: mapping.Accept, Timestamp: 1767225600000, ValidUntil: mapping.Unlimited,
		Source: []byte("web"), Category: []byte("ads"), UserID: []byte(user), Message: []byte(message)}
	packed := pack(nil, &c)
	_, err := s.add(time.Now(), Docs, &c, packed, xxhash.Sum64(packed))
	require.NoError(t, err)
}

func collect(t *testing.T, each func(yield func(*Consent) bool) error) (out []Consent) {
	t.Helper()
	require.NoError(t, each(func(c *Consent) bool { out = append(out, *c); return true }))
	return out
}

func ofUser(t *testing.T, s *store, user string) []Consent {
	t.Helper()
	return collect(t, func(yield func(*Consent) bool) error { return s.of(user, "", yield) })
}

// Consents are the same whether they are in memory or on the disk, and however long
// they are; a listing that was begun goes on while more arrives and all is forgotten.
func TestConsentsAreReadBackFromTheDisk(t *testing.T) {
	s := newStore(t.TempDir())
	const n = 12 // MiB, through pieces of 4
	var want []string
	for i := range n {
		text := strings.Repeat(string(rune('a'+i)), maxBody-1000)
		keepOne(t, s, []string{"a", "b"}[i%2], text)
		keepOne(t, s, "c", fmt.Sprint(i))
		want = append(want, text, fmt.Sprint(i))
	}
	require.Greater(t, len(s.kept.sizes), 1)
	for i, c := range collect(t, s.all) {
		require.EqualValues(t, i+1, c.Seq)
		require.Equal(t, want[i], c.Message)
	}
	for i, c := range ofUser(t, s, "b") {
		require.EqualValues(t, 4*i+3, c.Seq)
		require.Equal(t, want[4*i+2], c.Message)
	}
	assert.Len(t, ofUser(t, s, "b"), n/2)
	assert.Len(t, ofUser(t, s, "c"), n)
	assert.Empty(t, ofUser(t, s, "d"))

	read := 0
	require.NoError(t, s.all(func(c *Consent) bool {
		if read == 0 {
			keepOne(t, s, "later", "x")
			require.NoError(t, s.reset())
			keepOne(t, s, "new", "y")
		}
		read++
		require.EqualValues(t, read, c.Seq)
		return true
	}))
	assert.Equal(t, 2*n, read)
	got := collect(t, s.all)
	require.Len(t, got, 1)
	assert.Equal(t, "new", got[0].UserID)
}

// People whose records are in one chain are told apart.
func TestOneChainHoldsManyPeople(t *testing.T) {
	s := newStore(t.TempDir())
	people := map[string]int{}
	for i := range 3 * buckets {
		user := fmt.Sprint("u", i%(2*buckets-7))
		keepOne(t, s, user, fmt.Sprint(i))
		people[user]++
	}
	for i := 0; i < 2*buckets; i += 997 {
		user := fmt.Sprint("u", i%(2*buckets-7))
		got := ofUser(t, s, user)
		require.Len(t, got, people[user])
		last := int64(0)
		for _, c := range got {
			require.Equal(t, user, c.UserID)
			require.Greater(t, c.Seq, last)
			last = c.Seq
		}
	}
}

// Different numbers are counted exactly, as a map counts them, at any size: in
// memory, in runs, in runs that were merged, and while more are added.
func TestDifferentNumbersAreCounted(t *testing.T) {
	d := &distinct{spill: spill{dir: t.TempDir()}}
	random := rand.New(rand.NewPCG(1, 2))
	model := map[uint64]struct{}{}
	merges := 0
	check := func() {
		t.Helper()
		t1, t2 := d.tally(), d.tally() // two who ask at once
		want := int64(len(model))
		for range 1000 { // after them
			v := random.Uint64()
			require.NoError(t, d.add(v))
			model[v] = struct{}{}
		}
		for _, x := range []*tally{t1, t2} {
			n, err := x.count()
			require.NoError(t, err)
			require.Equal(t, want, n)
			d.adopt(x)
		}
		if t1.merged.file != nil {
			merges++
			require.Less(t, len(d.runs), runsMost)
		}
	}
	check()
	for i := range 12 * recentMost {
		v := random.Uint64()
		if i%3 == 0 {
			v = random.Uint64N(1 << 20) // again and again
		}
		model[v] = struct{}{}
		require.NoError(t, d.add(v))
		if i%(recentMost/3*5) == 0 {
			check()
		}
	}
	check()
	assert.Positive(t, merges)
	require.NoError(t, d.add(0))
	require.NoError(t, d.add(1<<64-1))
	model[0], model[1<<64-1] = struct{}{}, struct{}{}
	check()
}

// What is kept takes no more memory the more there is of it.
func TestMemoryOfWhatIsKeptIsFlat(t *testing.T) {
	s := newStore(t.TempDir())
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			keepOne(t, s, fmt.Sprintf("user-%020d", i), "Migrated from ACME, record 0123456789")
		}
	}
	fill(0, recentMost) // the maps have their size
	before := heap()
	fill(recentMost, 3*recentMost)
	after := heap()
	assert.Less(t, int64(after)-int64(before), int64(8<<20), "for half a million consents more")
	var st Stats
	require.NoError(t, s.fill(&st))
	assert.EqualValues(t, 3*recentMost, st.Subjects)
	assert.EqualValues(t, 3*recentMost, st.Distinct)
	assert.Equal(t, []Decision{{"ads", "accept", 3 * recentMost}}, st.ByDecision)
	for i := range 2 * categoriesMost { // nor do made-up categories
		s.decide(&mapping.Consent{Action: mapping.Reject, Category: fmt.Append(nil, i)})
	}
	assert.LessOrEqual(t, len(s.decisions), categoriesMost+1)
	st = Stats{}
	require.NoError(t, s.fill(&st))
	var all int64
	for _, d := range st.ByDecision {
		all += d.Stored
	}
	assert.EqualValues(t, 3*recentMost+2*categoriesMost, all)
}

// What does not fit into memory lies where it was told to, readable by the user
// alone, and under no name, so that nothing is left of it after a kill.
func TestNothingIsLeftOfWhatIsKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the file has a name there until its last handle is closed")
	}
	dir := t.TempDir()
	s := newStore(dir)
	for range 5 {
		keepOne(t, s, "u", strings.Repeat("x", maxBody-1000))
	}
	require.NotNil(t, s.kept.file)
	assert.True(t, strings.HasPrefix(s.kept.file.Name(), dir+string(os.PathSeparator)))
	info, err := s.kept.file.Stat()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)

	missing := newStore(dir + "/missing")
	c := mapping.Consent{Action: mapping.Accept, UserID: []byte("u"), Message: []byte(strings.Repeat("x", maxBody-1000))}
	packed := pack(nil, &c)
	stored := 0
	for ; err == nil && stored < 10; stored++ {
		_, err = missing.add(time.Now(), Docs, &c, packed, 1)
	}
	require.ErrorContains(t, err, "what does not fit into memory")
	require.Equal(t, stored-1, len(collect(t, missing.all)), "it is not kept, and the answer says so")
}

// What cannot be read back is never told as if it was all.
func TestWhatCannotBeReadBackIsSaid(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir()})
	for range 5 {
		keepOne(t, s.store, "u", strings.Repeat("x", maxBody-1000))
	}
	require.NoError(t, s.Err())
	code, text := page(t, s, "GET", "consents?userId=u", "")
	assert.Equal(t, 200, code)
	assert.Greater(t, len(text), 5*(maxBody-1000))
	require.NoError(t, s.store.kept.file.Truncate(1<<20))
	for _, name := range []string{"consents", "consents?userId=u"} {
		_, _, _, err := do(mustRequest(t, "GET", strings.TrimSuffix(s.URL(), "/v1")+"/_sandbox/"+name, ""))
		assert.Error(t, err, name)
	}
	assert.ErrorContains(t, s.Err(), "read what was kept")

	s.store.subjects.runs = []run{{s.store.kept.file, 0, 1 << 40}}
	code, text = page(t, s, "GET", "stats", "")
	assert.Equal(t, 500, code)
	assert.Contains(t, text, "count")
}

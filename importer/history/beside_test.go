package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/mapping"
)

// names is a consent of somebody who has some of the identifiers.
func names(userID, profileID, email string) mapping.Consent {
	return mapping.Consent{
		Action: mapping.Accept, Timestamp: 1, ValidUntil: mapping.Unlimited, Category: []byte("news"),
		UserID: []byte(userID), ProfileID: []byte(profileID), Email: []byte(email),
	}
}

func splitOf(t testing.TB, buffer int, all []mapping.Consent) Sightings {
	open, left := temps(t)
	b := NewBuilder(Config{Temp: open, Now: time.UnixMilli(1000), Names: true, Buffer: buffer})
	batch := b.NewBatch()
	for i := range all {
		batch.Consent(At(int64(i+1), 1), &all[i], Fate{})
		if i%100 == 0 {
			require.NoError(t, b.Add(batch))
		}
	}
	require.NoError(t, b.Add(batch))
	x, err := b.Sort()
	require.NoError(t, err)
	r, err := x.Walk(context.Background(), Options{Examples: true})
	require.NoError(t, err)
	requireExamples(t, all, r)
	again, err := x.Walk(context.Background(), Options{})
	require.NoError(t, err)
	require.Equal(t, r.Split, again.Split, "an index may be walked twice")
	require.NoError(t, again.Close())
	require.NoError(t, r.Close())
	require.NoError(t, x.Close())
	require.Empty(t, left(), "files that are left")
	return r.Split
}

// requireExamples holds the examples against the consents: each is one person under two
// names, of whom a row says so.
func requireExamples(t testing.TB, all []mapping.Consent, r *Result) {
	t.Helper()
	require.Equal(t, int(min(r.Split.Count, examples)), len(r.SplitNames))
	beside := besideOf(all)
	for _, n := range r.SplitNames {
		require.Less(t, n[0], n[1])
		a, b := all[n[0].Row()-1].Subject(), all[n[1].Row()-1].Subject()
		require.NotEqual(t, string(a), string(b))
		x, y := nameForm(a), nameForm(b)
		if x != y {
			require.True(t, slices.Equal(beside[x], []string{y}) || slices.Equal(beside[y], []string{x}), "%q and %q", a, b)
		}
	}
}

func TestPeopleUnderAnIdentifierAndOnlyTheirAddress(t *testing.T) {
	for name, c := range map[string]struct {
		all  []mapping.Consent
		want Sightings
	}{
		"both, then the address":              {[]mapping.Consent{names("u1", "", "ann@x.org"), names("", "", "ann@x.org")}, Sightings{1, []int64{2}}},
		"the address, then both":              {[]mapping.Consent{names("", "", "ann@x.org"), names("u1", "", "ann@x.org")}, Sightings{1, []int64{1}}},
		"in another spelling":                 {[]mapping.Consent{names("u1", "", "Ann@X.org "), names("", "", "ann@x.org")}, Sightings{1, []int64{2}}},
		"by profileId":                        {[]mapping.Consent{names("", "p1", "ann@x.org"), names("", "", "ann@x.org")}, Sightings{1, []int64{2}}},
		"the address as userId":               {[]mapping.Consent{names("u1", "", "ann@x.org"), names("ann@x.org", "", "")}, Sightings{1, []int64{2}}},
		"two addresses, one person":           {[]mapping.Consent{names("u1", "", "a@x.org"), names("u1", "", "b@x.org"), names("", "", "a@x.org"), names("", "", "b@x.org")}, Sightings{1, []int64{3}}},
		"spelt in two ways as well":           {[]mapping.Consent{names("u1", "", "a@x.org"), names("u1 ", "", ""), names("", "", "a@x.org"), names("", "", "A@x.org")}, Sightings{1, []int64{2}}},
		"never seen beside it":                {[]mapping.Consent{names("u1", "", ""), names("", "", "ann@x.org")}, Sightings{}},
		"always both":                         {[]mapping.Consent{names("u1", "", "a@x.org"), names("u2", "", "b@x.org")}, Sightings{}},
		"the address is the identifier":       {[]mapping.Consent{names("a@x.org", "", "a@x.org"), names("", "", "a@x.org")}, Sightings{}},
		"an address of two people":            {[]mapping.Consent{names("u1", "", "home@x.org"), names("u2", "", "home@x.org"), names("", "", "home@x.org")}, Sightings{}},
		"of two people, spelt in two ways":    {[]mapping.Consent{names("u1", "", "home@x.org"), names("u2", "", "home@x.org"), names("", "", "home@x.org"), names("", "", "HOME@x.org")}, Sightings{1, []int64{4}}},
		"in both forms of a domain":           {[]mapping.Consent{names("", "", "x@bücher.example"), names("", "", "X@xn--bcher-kva.example")}, Sightings{1, []int64{2}}},
		"the DNS's form first":                {[]mapping.Consent{names("x@xn--bcher-kva.example", "", ""), names("", "", "y@bücher.example"), names("x@BÜCHER.example", "", "")}, Sightings{1, []int64{3}}},
		"beside one form, alone in the other": {[]mapping.Consent{names("u1", "", "x@bücher.example"), names("", "", "x@xn--bcher-kva.example")}, Sightings{1, []int64{2}}},
		"in all of these ways, once":          {[]mapping.Consent{names("u1", "", "x@bücher.example"), names("", "", "x@xn--bcher-kva.example"), names("", "", "x@bücher.example"), names("u1 ", "", "")}, Sightings{1, []int64{2}}},
		"beside two in two forms":             {[]mapping.Consent{names("u1", "", "x@bücher.example"), names("u2", "", "x@xn--bcher-kva.example"), names("", "", "x@bücher.example")}, Sightings{}},
		"one in one form of a domain":         {[]mapping.Consent{names("", "", "x@bücher.example"), names("", "", "x@bücher.example")}, Sightings{}},
		"two in two forms of a domain":        {[]mapping.Consent{names("", "", "x@bücher.example"), names("", "", "y@xn--bcher-kva.example")}, Sightings{}},
		"only the form of somebody's name":    {[]mapping.Consent{names("x@xn--bcher-kva@a", "", ""), names("x@bücher@a", "", "")}, Sightings{}},
		"sigmas, which are two in the DNS":    {[]mapping.Consent{names("", "", "x@ες.example"), names("", "", "x@xn--qxa0a.example"), names("", "", "x@xn--qxa2a.example")}, Sightings{}},
		"two people who share only a profile": {[]mapping.Consent{names("u1", "p", ""), names("u2", "p", ""), names("", "p", "")}, Sightings{}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, splitOf(t, 0, c.all)) })
	}
}

// People are counted as a naive model counts them, who has all of them in memory.
func TestPeopleUnderSeveralNamesEqualANaiveModel(t *testing.T) {
	found := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		ids, addresses := rapid.IntRange(1, 12).Draw(rt, "ids"), rapid.IntRange(1, 12).Draw(rt, "addresses")
		var all []mapping.Consent
		for range rapid.IntRange(0, 40).Draw(rt, "n") {
			var id, profile, email string
			if rng.IntN(3) > 0 {
				id = fmt.Sprintf("u%d", rng.IntN(ids))
			} else if rng.IntN(3) == 0 {
				profile = fmt.Sprintf("p%d", rng.IntN(ids))
			}
			if id+profile == "" || rng.IntN(2) == 0 {
				domain := []string{"x.org", "bücher.example", "xn--bcher-kva.example", "a.пример", "a.xn--e1afmkfd"}[rng.IntN(5)]
				email = string(spell(rng, fmt.Sprintf("m%d@%s", rng.IntN(addresses), domain)))
			}
			all = append(all, names(id, profile, email))
		}
		want := naiveSplit(all)
		found += want
		require.Equal(rt, want, splitOf(t, rapid.SampledFrom([]int{600, 0}).Draw(rt, "buffer"), all).Count)
	})
	require.Positive(t, found)
}

func naiveSplit(all []mapping.Consent) int64 {
	beside, spellings := besideOf(all), map[string][]string{}
	for i := range all {
		c := &all[i]
		s := nameForm(c.Subject())
		if text := string(c.Subject()); !slices.Contains(spellings[s], text) {
			spellings[s] = append(spellings[s], text)
		}
	}
	people := map[string]bool{}
	for s, texts := range spellings {
		switch {
		case len(beside[s]) == 1:
			people[beside[s][0]] = true
		case len(texts) > 1:
			people[s] = true
		}
	}
	return int64(len(people))
}

// nameForm is the form in which a name is one, of the names in these tests.
func nameForm(text []byte) string {
	domains := strings.NewReplacer("bücher.example", "xn--bcher-kva.example", "a.пример", "a.xn--e1afmkfd")
	return domains.Replace(string(mapping.KeyText(text, new([]byte))))
}

// besideOf gives the subjects that each address stands beside.
func besideOf(all []mapping.Consent) map[string][]string {
	beside := map[string][]string{}
	for i := range all {
		s, e := nameForm(all[i].Subject()), nameForm(all[i].Email)
		if e != "" && e != s && !slices.Contains(beside[e], s) {
			beside[e] = append(beside[e], s)
		}
	}
	return beside
}

// What does not fit into memory is counted as well, exactly, and nothing is left.
func TestManyPeopleUnderSeveralNames(t *testing.T) {
	const n = 150_000 // more pairs than stay in memory
	var all []mapping.Consent
	for i := range n {
		all = append(all, names(fmt.Sprintf("user-%d", i), "", fmt.Sprintf("m%d@example.org", i)))
		if i%3 == 0 {
			all = append(all, names("", "", fmt.Sprintf("M%d@example.org", (i*7)%n)))
		}
	}
	require.Greater(t, n*pairSize, 2*heldPairs)
	require.EqualValues(t, n/3, splitOf(t, 1<<20, all).Count)
}

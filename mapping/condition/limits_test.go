package condition

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConditionsEnd evaluates conditions that would take hours or all the memory.
func TestConditionsEnd(t *testing.T) {
	long := text(strings.Repeat("x", 1<<20-1))
	many := list("[" + strings.TrimSuffix(strings.Repeat("1,", 200_000), ",") + "]")
	double := "let a0 = name + name; "
	for i := 1; i < 40; i++ {
		n, m := string(rune('a'+i/10))+string(rune('0'+i%10)), string(rune('a'+(i-1)/10))+string(rune('0'+(i-1)%10))
		double += "let " + n + " = " + m + " + " + m + "; "
	}
	for source, row := range map[string]testRow{
		`all(1..900, all(1..900, all(1..900, # == # or true)))`:                                   {},
		`any(items, any(items, any(items, # == 2)))`:                                              {"items": many},
		`count(map(1..900, reduce(1..900, #acc + #)), # > 0) > 0`:                                 {},
		`len(sortBy(1..900, sum(map(1..900, # * 2)))) > 1`:                                        {},
		double + `len(d9) > 0`:                                                                    {"name": text("xx")},
		`len(replace(name, "x", repeat("y", 100000))) > 0`:                                        {"name": long},
		`len(replace(replace(replace(name, "x", "xxxxxxxxx"), "x", "xxxxxxxxx"), "x", name)) > 0`: {"name": text(strings.Repeat("x", 10000))},
	} {
		c, err := New(source)
		require.NoError(t, err, source)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err = c.Holds(row.get(c))
		runtime.ReadMemStats(&after)
		assert.ErrorContains(t, err, "the condition ", source)
		assert.Less(t, time.Since(start), 10*time.Second, source)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), source)
	}
	for _, source := range []string{`len(uniq(items)) > 1`, `toJSON(items) == ""`, `join(items) == ""`} {
		_, err := New(source)
		assert.ErrorContains(t, err, "is not for conditions", source)
	}
}

// TestLimitsLetOrdinaryListsThrough evaluates what rules about rows look like.
func TestLimitsLetOrdinaryListsThrough(t *testing.T) {
	items := list("[" + strings.TrimSuffix(strings.Repeat(`{"topics":["a","b","c"]},`, 1000), ",") + "]")
	for source, want := range map[string]bool{
		`any(items, any(#.topics, # == "c"))`:      true,
		`count(items, len(#.topics) == 3) == 1000`: true,
		`name + "-" + name == "x-x"`:               true,
		`1 + 2 == 3`:                               true,
		`replace(name, "x", "y") == "y"`:           true,
		`replace("aaa", "a", "b", 2) == "bba"`:     true,
	} {
		c, err := New(source)
		require.NoError(t, err, source)
		row := testRow{"items": items, "name": text("x")}
		for range 200 { // the count begins anew for each row
			got, err := c.Holds(row.get(c))
			require.NoError(t, err, source)
			require.Equal(t, want, got, source)
		}
	}
}

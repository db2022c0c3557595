package html

import (
	"fmt"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// columns is a picture of stacked columns over months or years.
type columns struct {
	Height     float64
	Shapes     []shape
	Labels     []string // below, spread over the width
	Unit       string   // "month" or "year"
	Peak       string
	PeakAt     string
	Describe   string
	Accept, No string // totals
}

const columnsHeight = 160.0

// newColumns draws when the decisions were made: by month, or by year when they
// span more than ten.
func newColumns(months []summary.Month) *columns {
	if len(months) == 0 {
		return nil
	}
	c := &columns{Height: columnsHeight, Unit: "month"}
	first, last := parseMonth(months[0].Month), parseMonth(months[len(months)-1].Month)
	group := func(m int) int { return m - first }
	name := func(i int) string { m := first + i; return fmt.Sprintf("%04d-%02d", m/12, m%12+1) }
	if last-first >= 120 {
		c.Unit = "year"
		group = func(m int) int { return m/12 - first/12 }
		name = func(i int) string { return fmt.Sprintf("%04d", first/12+i) }
	}
	n := group(last) + 1
	accept, reject := make([]int64, n), make([]int64, n)
	var all, no int64
	for _, m := range months {
		i := group(parseMonth(m.Month))
		accept[i] += m.Accept
		reject[i] += m.Reject
		all += m.Accept
		no += m.Reject
	}
	var peak int64
	for i := range n {
		if sum := accept[i] + reject[i]; sum > peak {
			peak, c.PeakAt = sum, name(i)
		}
	}
	step := chartWidth / float64(n)
	gap := min(step*0.2, 4)
	if n == 1 {
		step, gap = chartWidth, 0
	}
	for i := range n {
		y := columnsHeight
		for _, part := range []struct {
			n     int64
			class string
		}{{accept[i], "accept"}, {reject[i], "reject"}} {
			if part.n == 0 {
				continue
			}
			h := max(float64(part.n)/float64(peak)*columnsHeight, 1)
			y -= h
			c.Shapes = append(c.Shapes, shape{float64(i)*step + gap/2, max(y, 0), step - gap, h, part.class})
		}
	}
	c.Labels = ticks(n, name)
	c.Peak = wording.Thousands(peak)
	c.Accept, c.No = wording.Thousands(all), wording.Thousands(no)
	c.Describe = fmt.Sprintf("Consents by the %s of their decision, from %s to %s; the most, %s, in %s.",
		c.Unit, name(0), name(n-1), c.Peak, c.PeakAt)
	return c
}

// ticks names the first, the middle and the last of n columns.
func ticks(n int, name func(int) string) []string {
	switch {
	case n == 1:
		return []string{name(0)}
	case n < 5:
		return []string{name(0), name(n - 1)}
	default:
		return []string{name(0), name(n / 2), name(n - 1)}
	}
}

// parseMonth gives "2021-03" as months since the year 0.
func parseMonth(s string) int {
	var y, m int
	fmt.Sscanf(s, "%d-%d", &y, &m)
	return y*12 + m - 1
}

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
	Axes       *axes
	Unit       string // "month" or "year"
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
	c.Axes = newAxes(columnsHeight, float64(peak))
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
			h := max(float64(part.n)/c.Axes.Most*columnsHeight, 1)
			y -= h
			c.Shapes = append(c.Shapes, shape{float64(i)*step + gap/2, max(y, 0), step - gap, h, part.class})
		}
	}
	c.mark(first, n)
	c.Peak = wording.Thousands(peak)
	c.Accept, c.No = wording.Thousands(all), wording.Thousands(no)
	c.Describe = fmt.Sprintf("Consents by the %s of their decision, from %s to %s; the most, %s, in %s.",
		c.Unit, name(0), name(n-1), c.Peak, c.PeakAt)
	return c
}

// mark names some columns: years where there are several, else months; six at most.
func (c *columns) mark(first, n int) {
	width := 1 / float64(n)
	if c.Unit == "year" {
		every := (n + 5) / 6
		for i := 0; i < n; i += every {
			c.Axes.mark((float64(i)+0.5)*width, fmt.Sprintf("%04d", first/12+i))
		}
		return
	}
	if n <= 14 {
		every := (n + 3) / 4
		for i := 0; i < n; i += every {
			m := first + i
			c.Axes.mark((float64(i)+0.5)*width, fmt.Sprintf("%04d-%02d", m/12, m%12+1))
		}
		return
	}
	every := (n/12 + 5) / 6 // years
	for i := (12 - first%12) % 12; i < n; i += 12 * max(every, 1) {
		c.Axes.mark(float64(i)*width, fmt.Sprintf("%04d", (first+i)/12)) // where the year begins
	}
}

// parseMonth gives "2021-03" as months since the year 0.
func parseMonth(s string) int {
	var y, m int
	fmt.Sscanf(s, "%d-%d", &y, &m)
	return y*12 + m - 1
}

package report

import (
	"fmt"
	"strings"
	"time"
)

// Pictures are drawn as SVG without any text in it, stretched to whatever width
// there is: numbers and labels stand beside them as HTML, where they keep their
// size on a narrow screen and in print.

// chartWidth is the width of every picture in its own units.
const chartWidth = 1000.0

// shape is a rectangle of a picture, in its own units. Class gives its colour.
type shape struct {
	X, Y, W, H float64
	Class      string
}

// ribbon is a path of a picture.
type ribbon struct {
	D     string
	Class string
}

// label is a number with a name, beside a colour of a picture.
type label struct {
	Class string
	Name  string
	N     string
	Share string // of the whole; empty when it is the whole
}

// flow is the picture of the balance: rows, what became of them, the consents
// they made, and what became of those. Each level is as wide as the one above
// it, or as the part of it that feeds it.
type flow struct {
	Height   float64
	Shapes   []shape
	Ribbons  []ribbon
	Levels   []flowLevel
	Describe string
}

// flowLevel is one bar of the flow with its labels.
type flowLevel struct {
	Title  string
	N      string
	Note   string
	Labels []label
}

// segment is a part of a level.
type segment struct {
	class, name string
	n           int64
}

const (
	flowBar   = 16.0 // height of a bar
	flowStep  = 76.0 // from one bar to the next
	flowFirst = 26.0 // room for the label above the first bar
)

// newFlow draws the balance of a summary.
func newFlow(s *Summary) *flow {
	f := &flow{}
	rows := []segment{{"mapped", "mapped", s.Rows.Mapped}, {"skipped", "skipped", s.Rows.Skipped}, {"failed", "invalid", s.Rows.Invalid}}
	read := f.level("rows read", "", []segment{{"neutral", "", s.Rows.Read}}, chartWidth, s.Rows.Read)
	parts := f.level("became", "", rows, chartWidth, s.Rows.Read)
	f.split(0, read, parts)
	if s.Consents.Made > 0 {
		ratio := fmt.Sprintf("%.2f a mapped row", float64(s.Consents.Made)/float64(max(s.Rows.Mapped, 1)))
		made := f.level("consents made", ratio, []segment{{"mapped", "", s.Consents.Made}}, chartWidth, s.Consents.Made)
		f.ribbon(1, parts[0], made[0], "mapped")
		ends := outcomes(&s.Consents, s.DryRun)
		f.split(2, made, f.level("came to", "", ends, chartWidth, s.Consents.Made))
	}
	f.Height = flowFirst + flowStep*float64(len(f.Levels)-1) + flowBar
	f.Describe = plural(s.Rows.Read, "row") + " read: " + listing(rows) + ". " +
		plural(s.Consents.Made, "consent") + " made: " + listing(outcomes(&s.Consents, s.DryRun)) + "."
	return f
}

// listing says the parts of a whole in words.
func listing(segments []segment) string {
	parts := make([]string, len(segments))
	for i, s := range segments {
		parts[i] = thousands(s.n) + " " + s.name
	}
	return strings.Join(parts, ", ")
}

// outcomes are the parts of the consents, in the order in which all pictures
// have them.
func outcomes(c *Consents, dryRun bool) []segment {
	pending := segment{"pending", "pending", c.Pending}
	if dryRun {
		pending = segment{"planned", "would be sent", c.Pending}
	}
	return []segment{
		{"sent", "sent", c.Sent}, pending, {"superseded", "superseded", c.Superseded},
		{"rejected", "rejected", c.Rejected}, {"failed", "failed", c.Failed},
	}
}

// level adds a bar and gives the shapes of all segments, empty ones too.
func (f *flow) level(title, note string, segments []segment, width float64, total int64) []shape {
	y := flowFirst + flowStep*float64(len(f.Levels))
	l := flowLevel{Title: title, N: thousands(total), Note: note}
	shapes := layOut(segments, 0, y, width, flowBar)
	for i, x := range shapes {
		if x.W > 0 {
			f.Shapes = append(f.Shapes, x)
		}
		if seg := segments[i]; seg.name != "" && seg.n > 0 {
			l.Labels = append(l.Labels, label{seg.class, seg.name, thousands(seg.n), percent(float64(seg.n) / float64(max(total, 1)))})
		}
	}
	f.Levels = append(f.Levels, l)
	return shapes
}

// split joins a whole to its parts by ribbons.
func (f *flow) split(level int, from, to []shape) {
	for _, part := range to {
		if part.W == 0 {
			continue
		}
		above := from[0]
		above.X, above.W = part.X, part.W
		f.ribbon(level, above, part, part.Class)
	}
}

// ribbon joins the lower edge of one shape to the upper edge of another.
func (f *flow) ribbon(level int, from, to shape, class string) {
	if from.W == 0 || to.W == 0 {
		return
	}
	y0 := flowFirst + flowStep*float64(level) + flowBar
	y1 := y0 + flowStep - flowBar
	mid := (y0 + y1) / 2
	f.Ribbons = append(f.Ribbons, ribbon{
		D: fmt.Sprintf("M%.2f %.1fC%.2f %.1f %.2f %.1f %.2f %.1fL%.2f %.1fC%.2f %.1f %.2f %.1f %.2f %.1fZ",
			from.X, y0, from.X, mid, to.X, mid, to.X, y1,
			to.X+to.W, y1, to.X+to.W, mid, from.X+from.W, mid, from.X+from.W, y0),
		Class: class,
	})
}

// leastShare is how wide a segment is at least that is not empty, so that it
// can be seen: ten failures in ten million rows matter.
const leastShare = 0.006

// layOut puts segments side by side. Widths are in proportion, but none that is
// not empty vanishes; together they fill the width.
func layOut(segments []segment, x, y, width, height float64) []shape {
	out := make([]shape, len(segments))
	var total int64
	for _, s := range segments {
		total += s.n
	}
	if total == 0 {
		return out
	}
	shares := make([]float64, len(segments))
	sum := 0.0
	for i, s := range segments {
		if s.n > 0 {
			shares[i] = max(float64(s.n)/float64(total), leastShare)
			sum += shares[i]
		}
	}
	for i, s := range segments {
		w := shares[i] / sum * width
		out[i] = shape{x, y, w, height, s.class}
		x += w
	}
	return out
}

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
func newColumns(months []Month) *columns {
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
	c.Peak = thousands(peak)
	c.Accept, c.No = thousands(all), thousands(no)
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

// throughput is a picture of the pace of the import over the time in which its
// runs were working; time between runs is left out and marked.
type throughput struct {
	Height   float64
	Answered string  // path of the area of consents answered per second
	Retried  string  // path of the line of retries per second
	Slowed   []shape // where the target slowed the import down
	Resumes  []shape // where a run began after the first
	Labels   []string
	Peak     string
	Describe string
	Retries  string
	Throttle string
}

const (
	throughputHeight = 140.0
	// throughputSteps is how many steps of time the picture has.
	throughputSteps = 120
)

// newThroughput draws the pace, or gives nil when there is too little of it.
func newThroughput(s *Summary) *throughput {
	type span struct {
		at, seconds, done, retried, slowed float64
	}
	var spans []span
	var resumes []float64
	total := 0.0
	for i := 1; i < len(s.Throughput); i++ {
		a, b := &s.Throughput[i-1], &s.Throughput[i]
		if a.Run != b.Run {
			resumes = append(resumes, total)
			continue
		}
		d := b.At.Sub(a.At).Seconds()
		if d <= 0 {
			continue
		}
		spans = append(spans, span{
			total, d, float64(b.Sent + b.Rejected + b.Failed - a.Sent - a.Rejected - a.Failed),
			float64(b.Retries - a.Retries), b.ThrottledSeconds - a.ThrottledSeconds,
		})
		total += d
	}
	if len(spans) < 2 {
		return nil
	}
	// Each span is spread evenly over the steps that it touches.
	steps := min(throughputSteps, len(spans))
	width := total / float64(steps)
	done, retried, slowed := make([]float64, steps), make([]float64, steps), make([]float64, steps)
	for _, x := range spans {
		for i := int(x.at / width); i < steps && float64(i)*width < x.at+x.seconds; i++ {
			part := (min(float64(i+1)*width, x.at+x.seconds) - max(float64(i)*width, x.at)) / x.seconds
			done[i] += x.done * part / width
			retried[i] += x.retried * part / width
			slowed[i] += x.slowed * part / width
		}
	}
	peak := 0.0
	for i := range steps {
		peak = max(peak, done[i], retried[i])
	}
	if peak == 0 {
		return nil
	}
	t := &throughput{
		Height: throughputHeight, Peak: thousands(int64(peak + 0.5)),
		Retries: thousands(s.HTTP.Retries), Throttle: lapse(s.HTTP.ThrottledSeconds),
		Labels: []string{"start", lapse(total / 2), lapse(total)},
	}
	t.Answered = "M0 " + coordinate(throughputHeight) + line(done, peak) + "L" + coordinate(chartWidth) + " " + coordinate(throughputHeight) + "Z"
	t.Retried = "M" + line(retried, peak)[1:]
	step := chartWidth / float64(steps)
	for i, part := range slowed {
		if part <= 0.01 {
			continue
		}
		x := shape{float64(i) * step, 0, step, throughputHeight, "slowed"}
		if last := len(t.Slowed) - 1; last >= 0 && i > 0 && slowed[i-1] > 0.01 {
			t.Slowed[last].W += x.W
		} else {
			t.Slowed = append(t.Slowed, x)
		}
	}
	for _, at := range resumes {
		t.Resumes = append(t.Resumes, shape{at / total * chartWidth, 0, 1.5, throughputHeight, "resume"})
	}
	t.Describe = fmt.Sprintf("Consents answered per second over %s of work in %s: at most %s; %s, throttled for %s.",
		lapse(total), plural(int64(s.Runs), "run"), t.Peak, plural(s.HTTP.Retries, "retry"), t.Throttle)
	return t
}

// line draws values as steps from left to right, beginning with "L".
func line(values []float64, peak float64) string {
	var b strings.Builder
	step := chartWidth / float64(len(values))
	for i, v := range values {
		y := coordinate(throughputHeight - v/peak*(throughputHeight-4))
		fmt.Fprintf(&b, "L%s %sL%s %s", coordinate(float64(i)*step), y, coordinate(float64(i+1)*step), y)
	}
	return b.String()
}

// coordinate writes a number of a path in as few digits as can be seen.
func coordinate(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

// clock is a time for people, to the second.
func clock(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

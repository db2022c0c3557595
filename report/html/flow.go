package html

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
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
	Widened  bool // a part is drawn wider than it is
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
	Class, Name string
	N           int64
}

const (
	flowBar   = 16.0 // height of a bar
	flowStep  = 76.0 // from one bar to the next
	flowFirst = 26.0 // room for the label above the first bar
)

// newFlow draws the balance of a summary; nil when nothing was read.
func newFlow(s *summary.Summary) *flow {
	if s.Rows.Read == 0 {
		return nil
	}
	f := &flow{}
	rows := []segment{{"mapped", "mapped", s.Rows.Mapped}, {"skipped", "skipped", s.Rows.Skipped}, {"invalid", "invalid", s.Rows.Invalid}}
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
	f.Describe = wording.Plural(s.Rows.Read, "row") + " read: " + listing(rows) + ". " +
		wording.Plural(s.Consents.Made, "consent") + " made: " + listing(outcomes(&s.Consents, s.DryRun)) + "."
	return f
}

// listing says the parts of a whole in words.
func listing(segments []segment) string {
	parts := make([]string, len(segments))
	for i, s := range segments {
		parts[i] = wording.Thousands(s.N) + " " + s.Name
	}
	return strings.Join(parts, ", ")
}

// outcomes are the parts of the consents, in the order in which all pictures
// have them.
func outcomes(c *summary.Consents, dryRun bool) []segment {
	pending := segment{"pending", "pending", c.Pending}
	if dryRun {
		pending = segment{"planned", "would be sent", c.Pending}
	}
	return []segment{
		{"sent", "sent", c.Sent}, pending, {"superseded", "superseded", c.Superseded},
		{"known", "known", c.Known}, {"refused", "refused", c.Refused}, {"failed", "failed", c.Failed},
	}
}

// level adds a bar and gives the shapes of all segments, empty ones too.
func (f *flow) level(title, note string, segments []segment, width float64, total int64) []shape {
	y := flowFirst + flowStep*float64(len(f.Levels))
	l := flowLevel{Title: title, N: wording.Thousands(total), Note: note}
	shapes := layOut(segments, 0, y, width, flowBar)
	for i, x := range shapes {
		if x.W > 0 {
			f.Shapes = append(f.Shapes, x)
		}
		if seg := segments[i]; seg.Name != "" && seg.N > 0 {
			f.Widened = f.Widened || float64(seg.N) < leastShare*float64(total)
			l.Labels = append(l.Labels, label{seg.Class, seg.Name, wording.Thousands(seg.N), wording.Percent(float64(seg.N) / float64(max(total, 1)))})
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
		total += s.N
	}
	if total == 0 {
		return out
	}
	shares := make([]float64, len(segments))
	sum := 0.0
	for i, s := range segments {
		if s.N > 0 {
			shares[i] = max(float64(s.N)/float64(total), leastShare)
			sum += shares[i]
		}
	}
	for i, s := range segments {
		w := shares[i] / sum * width
		out[i] = shape{x, y, w, height, s.Class}
		x += w
	}
	return out
}

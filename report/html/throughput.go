package html

import (
	"fmt"
	"strings"

	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/wording"
)

// throughput is a picture of the pace of the import over the time in which its
// runs were working; time between runs is left out and marked.
type throughput struct {
	Height   float64
	Answered string  // path of the area of consents answered per second
	Retried  string  // path of the line of retries per second
	Slowed   []shape // where the target slowed the import down
	Resumes  []shape // where a run began after the first
	Axes     *axes
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
func newThroughput(s *summary.Summary) *throughput {
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
			total, d, float64(b.Sent + b.Refused + b.Failed - a.Sent - a.Refused - a.Failed),
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
		Height: throughputHeight, Peak: wording.Thousands(int64(peak + 0.5)),
		Retries: wording.Thousands(s.HTTP.Retries), Throttle: wording.Lapse(s.HTTP.ThrottledSeconds),
		Axes: newAxes(throughputHeight, peak),
	}
	t.Axes.markTime(total)
	t.Answered = "M0 " + coordinate(throughputHeight) + line(done, t.Axes.Most) + "L" + coordinate(chartWidth) + " " + coordinate(throughputHeight) + "Z"
	t.Retried = "M" + line(retried, t.Axes.Most)[1:]
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
		wording.Lapse(total), wording.Plural(int64(s.Runs), "run"), t.Peak, wording.Plural(s.HTTP.Retries, "retry"), t.Throttle)
	return t
}

// line draws values as steps from left to right, beginning with "L".
func line(values []float64, most float64) string {
	var b strings.Builder
	step := chartWidth / float64(len(values))
	for i, v := range values {
		y := coordinate(throughputHeight - v/most*throughputHeight)
		fmt.Fprintf(&b, "L%s %sL%s %s", coordinate(float64(i)*step), y, coordinate(float64(i+1)*step), y)
	}
	return b.String()
}

// coordinate writes a number of a path in as few digits as can be seen.
func coordinate(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

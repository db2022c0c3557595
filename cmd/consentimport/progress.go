package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/report/wording"
)

// showProgress shows how the import goes until the function it returns is
// called. One goroutine owns the bar and pulls the counters.
func (f *runFlags) showProgress(env *environment, im *importer.Import) (end func()) {
	draw, every := drawer(f.progress, env)
	if draw == nil {
		return func() {}
	}
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		p := im.Progress()
		pace := newPace(env.now(), p)
		if every == 1 {
			draw(p, pace, false) // nobody wonders whether it has begun
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				p := im.Progress()
				pace.add(env.now(), p)
				quiet := p.Waiting.Why != "" && every > 1 && n%waitEvery != 0
				if n%every == 0 && !quiet { // lines, too: the first after a second
					draw(p, pace, false)
				}
			case <-stop:
				p := im.Progress()
				pace.add(env.now(), p)
				draw(p, pace, true)
				return
			}
		}
	})
	return func() { close(stop); wait.Wait() }
}

// drawFunc shows one moment; last says that none comes after it.
type drawFunc func(p importer.Progress, pace *pace, last bool)

// logEvery is how many seconds lie between two lines where there is no terminal.
const logEvery = 10

// waitEvery is how many seconds lie between two lines of a run that waits for its hours.
const waitEvery = 600

// drawer chooses how progress is shown, and every how many seconds.
func drawer(mode string, env *environment) (drawFunc, int) {
	if mode == "auto" {
		mode = "log"
		if env.terminal {
			mode = "bar"
		}
	}
	switch mode {
	case "bar":
		columns := env.columns
		if columns == nil {
			columns = func() int { return env.width }
		}
		return bar(&oneLine{w: env.stderr, columns: columns, dumb: env.getenv("TERM") == "dumb"}), 1
	case "log":
		return func(p importer.Progress, pace *pace, last bool) {
			if env.log != nil {
				env.log.Info("progress", "bytes", p.Bytes, "size", p.Size, "rows", p.Rows, "invalid", p.Invalid, "sent", p.Sent, "refused", p.Refused, "failed", p.Failed, "retrying", p.Retrying, "elapsed", span(pace.elapsed()))
				return
			}
			fmt.Fprintf(env.stderr, "progress: %s\n", strings.Join(append([]string{read(p)}, describe(p, pace)...), ", "))
		}, logEvery
	default:
		return nil, 0
	}
}

// barWidth is the width of a terminal from which on there is room for a picture
// beside the numbers.
const barWidth = 60

// bar draws on one line of a terminal.
func bar(line *oneLine) drawFunc {
	var frames bytes.Buffer // the bar draws itself at each change: the last one alone is shown
	var b *progressbar.ProgressBar
	drawn := 0 // columns that it is made for
	return func(p importer.Progress, pace *pace, last bool) {
		width := line.columns()
		if width < barWidth { // no room for a picture
			line.show(fmt.Sprintf("%3.0f%%  %s", math.Floor(share(p)*100), fit(append(describe(p, pace), read(p)), width-7)), last)
			return
		}
		graph := min(24, 8+(width-barWidth)/4)
		if width != drawn {
			drawn, b = width, newBar(&frames, graph)
		}
		b.Describe(fit(append(describe(p, pace), read(p)), width-graph-10))
		at := int64(share(p) * barParts)
		if !last {
			at = min(at, barParts-1) // a full bar ends itself
		}
		_ = b.Set64(at) // it writes into memory
		text := strings.TrimRight(frames.String(), " \r\n")
		frames.Reset()
		line.show(text[strings.LastIndexByte(text, '\r')+1:], last)
	}
}

// barParts are the parts of the export in the picture: its size may be 0, which the bar
// does not take.
const barParts = 1 << 20

func newBar(w io.Writer, graph int) *progressbar.ProgressBar {
	return progressbar.NewOptions64(barParts,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(graph),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionThrottle(0),
	)
}

// oneLine is a line of a terminal that is written again and again.
type oneLine struct {
	w       io.Writer
	columns func() int
	dumb    bool // the terminal knows no sequences
	cells   int  // columns that were written on
}

// show writes the line anew. In a window that was made narrower, what stood there now
// takes several lines: they are cleared.
func (l *oneLine) show(text string, last bool) {
	columns := l.columns()
	text = wording.Clip(text, max(1, columns-1)) // in the last column some terminals go on in the next line
	start := "\r"
	if l.cells > columns {
		if start = "\n"; !l.dumb {
			start = fmt.Sprintf("\r\x1b[%dA\x1b[J", (l.cells-1)/columns)
		}
		l.cells = 0
	}
	l.cells = max(l.cells, wording.Width(text))
	text = start + wording.Pad(text, l.cells)
	if last {
		text += "\n"
	}
	_, _ = io.WriteString(l.w, text) // a terminal that went away is no reason to stop
}

// share is how much of the export was read, from 0 to 1.
func share(p importer.Progress) float64 {
	if p.Size == 0 {
		return 1
	}
	return min(1, float64(p.Bytes)/float64(p.Size))
}

// read says how much of the export was read.
func read(p importer.Progress) string {
	return fmt.Sprintf("%s of %s read", size(p.Bytes), size(p.Size))
}

// describe says how the import goes, the most important first.
func describe(p importer.Progress, pace *pace) []string {
	if p.Waiting.Why != "" && p.InFlight == 0 {
		return []string{"waiting until " + p.Waiting.Until.Format("2006-01-02 15:04 -07:00"), wording.Thousands(p.Sent) + " sent", span(pace.elapsed()) + " elapsed"}
	}
	speed := wording.Thousands(int64(pace.rate+0.5)) + "/s"
	if p.Throttled {
		speed += " throttled" // by the target: no fault, and nothing to do about
	}
	parts := []string{wording.Thousands(p.Sent) + " sent", speed}
	if eta, ok := pace.eta(p); ok {
		parts = append(parts, "ETA "+span(eta))
	}
	add := func(n int64, what string) {
		if n > 0 {
			parts = append(parts, wording.Thousands(n)+" "+what)
		}
	}
	add(p.Refused, "refused")
	add(p.Failed, "failed")
	if p.Invalid > 0 {
		parts = append(parts, wording.Plural(p.Invalid, "invalid row"))
	}
	parts = append(parts, span(pace.elapsed())+" elapsed")
	add(int64(p.Retrying), "retrying")
	add(p.Superseded, "superseded")
	add(p.Known, "known")
	return parts
}

// fit joins as many parts as a width has room for.
func fit(parts []string, width int) string {
	out := ""
	for _, p := range parts {
		next := p
		if out != "" {
			next = out + ", " + p
		}
		if wording.Width(next) > max(width, 10) && out != "" {
			break
		}
		out = next
	}
	return out
}

// pace measures speed over the last ten seconds.
type pace struct {
	began  time.Time
	points []point
	rate   float64 // outcomes a second
	bytes  float64 // bytes read a second
}

type point struct {
	at      time.Time
	settled int64
	bytes   int64
}

const paceOver = 10 * time.Second

func newPace(at time.Time, p importer.Progress) *pace {
	return &pace{began: at, points: []point{{at, p.Settled, p.Bytes}}}
}

// elapsed is how long the run has worked when it was looked at last.
func (s *pace) elapsed() time.Duration { return s.points[len(s.points)-1].at.Sub(s.began) }

func (s *pace) add(at time.Time, p importer.Progress) {
	s.points = append(s.points, point{at, p.Settled, p.Bytes})
	for len(s.points) > 2 && at.Sub(s.points[0].at) > paceOver {
		s.points = s.points[1:]
	}
	first, last := s.points[0], s.points[len(s.points)-1]
	if d := last.at.Sub(first.at).Seconds(); d > 0 {
		s.rate = float64(last.settled-first.settled) / d
		s.bytes = float64(last.bytes-first.bytes) / d
	}
}

// eta is how long the rest takes at this speed; false when nothing moves. What is
// not read yet is taken to hold as many consents as what this run has read: bytes
// alone would leave out those that were read and wait to be sent.
func (s *pace) eta(p importer.Progress) (time.Duration, bool) {
	unread := float64(max(0, p.Size-p.Bytes))
	left, speed := unread, s.bytes
	if read := float64(p.Bytes - p.Began); p.Made > 0 && read > 0 {
		left, speed = float64(p.Made)*unread/read+float64(p.Made-p.Settled), s.rate
	}
	if left <= 0 || speed <= 0 || left < speed/2 { // less than a second is no time to tell
		return 0, false
	}
	return time.Duration(min(left/speed, math.MaxInt32) * float64(time.Second)), true
}

// span writes a duration as a person says it: 2d 3h, 3h 20m, 4m 10s, 12s.
func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s >= 86400:
		return fmt.Sprintf("%dd %dh", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%dh %dm", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%dm %ds", s/60, s%60)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// size writes a number of bytes.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

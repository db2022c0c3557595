package html

import (
	"fmt"
	"math"

	"github.com/consentimport/consentimport/report/wording"
)

// axes are the scale and the grid of a picture: lines across at round numbers, marks at
// round places below. Heights are in px, places across in percent, so that their texts
// keep their size however wide the picture is drawn.
type axes struct {
	Top    float64 // above the picture, room for half a line of text
	Height float64 // of the picture
	Most   float64 // what the upper edge stands for
	Rows   []gridRow
	Ticks  []tick
}

// gridRow is a line across.
type gridRow struct {
	Y     float64
	Label string
}

// tick is a mark below.
type tick struct {
	X      float64 // percent
	Label  string
	Anchor string
}

const (
	axesTop  = 10.0
	axesFoot = 26.0 // marks and their texts
)

// Outer is the height with all texts.
func (a *axes) Outer() float64 { return a.Top + a.Height + axesFoot }

// Base is where the picture ends and marks begin.
func (a *axes) Base() float64 { return a.Top + a.Height }

// TickEnd is where marks end.
func (a *axes) TickEnd() float64 { return a.Base() + 5 }

// TextAt is where the texts below stand.
func (a *axes) TextAt() float64 { return a.Base() + 20 }

// newAxes makes a scale from 0 to a round number that is not below the peak.
func newAxes(height, peak float64) *axes {
	step := roundStep(peak / 3)
	a := &axes{Top: axesTop, Height: height, Most: math.Ceil(peak/step-1e-9) * step}
	for i := 0; float64(i)*step <= a.Most+step/2; i++ {
		value := float64(i) * step
		a.Rows = append(a.Rows, gridRow{a.Top + height - value/a.Most*height, short(int64(value))})
	}
	return a
}

// mark adds a mark at a place from 0 to 1.
func (a *axes) mark(at float64, label string) {
	anchor := "middle"
	switch {
	case at < 0.02:
		anchor = "start"
	case at > 0.98:
		anchor = "end"
	}
	a.Ticks = append(a.Ticks, tick{at * 100, label, anchor})
}

// roundStep is the smallest of 1, 2, 5, 10, 20 … that is not below x.
func roundStep(x float64) float64 {
	if x <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x-1e-9 {
			return m * power
		}
	}
	return 10 * power
}

// short is a round number for a scale.
func short(n int64) string {
	switch {
	case n >= 1_000_000_000 && n%100_000_000 == 0:
		return trimmed(float64(n)/1e9) + "G"
	case n >= 1_000_000 && n%100_000 == 0:
		return trimmed(float64(n)/1e6) + "M"
	case n >= 10_000 && n%100 == 0:
		return trimmed(float64(n)/1e3) + "k"
	default:
		return wording.Thousands(n)
	}
}

func trimmed(x float64) string { return fmt.Sprintf("%g", math.Round(x*10)/10) }

// timeSteps are round lengths of time, s.
var timeSteps = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400}

// markTime adds marks at round lengths of time, five at most.
func (a *axes) markTime(total float64) {
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if total/s <= 4.999 {
			step = s
			break
		}
	}
	for total/step > 4.999 {
		step *= 2
	}
	for i := 0; float64(i)*step <= total*(1+1e-9); i++ {
		a.mark(float64(i)*step/total, roundTime(float64(i)*step))
	}
}

// roundTime writes a round length of time.
func roundTime(s float64) string {
	for _, u := range []struct {
		seconds float64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}} {
		if s >= u.seconds {
			return trimmed(s/u.seconds) + " " + u.name
		}
	}
	return trimmed(s) + " s"
}

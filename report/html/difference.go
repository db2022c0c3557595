package html

import (
	"io"

	"github.com/consentimport/consentimport/report/summary"
)

// maxMoves is how many values of each kind the page of a difference lists.
const maxMoves = 200

// differencePage is what the template of a difference shows.
type differencePage struct {
	shell
	*summary.Difference
	Verdict        string
	Tone           summary.Tone
	LinkA, LinkB   string
	Kinds          []movedValues
	Moved, Settled []summary.PeopleMoved
	MorePeople     int
}

// movedValues are the values to which one thing happened.
type movedValues struct {
	ID, Title string
	summary.ValueMoves
	Shown []summary.ValueMove
	More  int64
}

// WriteDifference writes a page about what differs between two imports. Links lead to their
// reports, relative to the page; empty: there is none.
func WriteDifference(w io.Writer, d *summary.Difference, linkA, linkB string) error {
	p := &differencePage{Difference: d, Verdict: sentence(summary.DifferenceVerdict(d)), Tone: summary.Good, LinkA: linkA, LinkB: linkB}
	if d.Differs || !d.SameExport {
		p.Tone = summary.Warn
	}
	v := &d.Values
	for _, k := range []movedValues{
		{ID: "changed", Title: "Values that became something else", ValueMoves: v.Changed},
		{ID: "new", Title: "Values that only B has", ValueMoves: v.New},
		{ID: "gone", Title: "Values that only A has", ValueMoves: v.Gone},
		{ID: "moved", Title: "The same in other numbers", ValueMoves: v.Moved},
	} {
		if k.Values > 0 {
			k.Shown = k.Lines[:min(len(k.Lines), maxMoves)]
			k.More = k.Values - int64(len(k.Shown))
			p.Kinds = append(p.Kinds, k)
		}
	}
	people := d.People
	if len(people) > maxPeople {
		people, p.MorePeople = people[:maxPeople], len(people)-maxPeople
	}
	for _, m := range people { // those that differ come first
		if m.Differs() {
			p.Moved = append(p.Moved, m)
		} else {
			p.Settled = append(p.Settled, m)
		}
	}
	var contents []chapter
	contents = append(contents, chapter{"sides", "What is compared"})
	for _, k := range p.Kinds {
		contents = append(contents, chapter{k.ID, k.Title})
	}
	if len(people) > 0 {
		contents = append(contents, chapter{"people", "People, by their last word"})
	}
	if len(d.Counts) > 0 {
		contents = append(contents, chapter{"counts", "Counts"})
	}
	if len(d.Lint) > 0 {
		contents = append(contents, chapter{"lint", "Lint"})
	}
	p.shell = newShell("What differs between two imports", contents)
	return render(w, "difference", p)
}

package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// maxListed is how many consents OverPermissive names.
const maxListed = 1000

// newHistories begins the index of what a survey shows. Its files lie in the out
// directory, without a name where the system allows that.
func newHistories(disk journal.Disk, dir string, facts *survey.Facts, memory int) *history.Builder {
	temps := &journal.Temps{Disk: disk, Dir: dir, Name: "report"}
	return history.NewBuilder(history.Config{
		Temp:    temps.Open,
		Buffer:  memory,
		Now:     facts.Finished, // not the time of the report, which would differ each time
		Earlier: facts.Earlier,
		Names:   true,
	})
}

// silent takes in the values of a row that say nothing, or nothing that is known: who
// has no other decision about a category has no last word.
func (w *work) silent(r *survey.Row) {
	for i := range r.Dropped {
		d := &r.Dropped[i]
		if len(d.Subject) > 0 && (d.Why == mapping.NoStatement || d.Why == mapping.Unlisted) {
			w.history.Nothing(history.At(r.Row.Number, len(r.Consents)+len(r.Readable())+i+1), d.Subject, d.Category)
		}
	}
}

// histories sorts what the survey showed and counts people by what they said.
// suppress.csv has the people for whom the target is too permissive, if there are any.
func (c *collector) histories(ctx context.Context, s Survey, sum *summary.Summary, facts *survey.Facts) (err error) {
	index, err := c.history.Sort()
	c.history = nil
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	mode, err := modeOf(facts)
	if err != nil {
		return err
	}
	found, err := index.Walk(ctx, history.Options{Mode: mode, Foresee: facts.Header.DryRun, Standing: !facts.Header.DryRun, Examples: true, Courses: true})
	if err != nil {
		return fmt.Errorf("put decisions in the order of their times: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	sum.History, sum.Subjects = mode.String(), found.Subjects
	for _, w := range found.LastWords {
		if w.Category == "" && found.More && w == found.LastWords[len(found.LastWords)-1] {
			w.Category = otherCategories
		}
		sum.LastWords = append(sum.LastWords, summary.LastWord(w))
	}
	for i, w := range found.Standing {
		if w.Category == "" && found.More && i == len(found.Standing)-1 {
			w.Category = otherCategories
		}
		sum.AtTarget = append(sum.AtTarget, summary.Standing{Category: w.Category, Accept: w.Accept, Reject: w.Reject, None: w.None})
	}
	sum.Overtaken, sum.Withheld = found.Overtaken, found.Withheld
	if sum.Since = sinceOf(facts.Header.Since); sum.Since != nil {
		for _, x := range found.Changes {
			sum.Since.Changes = append(sum.Since.Changes, summary.Change(x))
		}
		if found.Unfounded > 0 {
			return fmt.Errorf("%d consents are said to have been sent by an earlier import, and none has sent them", found.Unfounded)
		}
	}
	lint := HistoryFindings(found, mode)
	names, err := c.namesAt(ctx, s, found)
	if err != nil {
		return err
	}
	c.examples(found, names, lint)
	if sum.Courses, err = coursesOf(s, found, names, facts.Header.DryRun); err != nil {
		return err
	}
	sum.Lint = append(sum.Lint, lint...)
	return c.permissive(ctx, s, found.Permissive, sum)
}

// sinceOf is what an import was held against; nil for nothing.
func sinceOf(h *journal.Since) *summary.Since {
	if h == nil {
		return nil
	}
	s := &summary.Since{Imports: []summary.EarlierImport{}, SHA256: h.SHA256, Decisions: h.Decisions, Changes: []summary.Change{}}
	for _, x := range h.Imports {
		s.Imports = append(s.Imports, summary.EarlierImport{ID: x.ID, Dir: x.Dir, SHA256: x.SHA256})
	}
	return s
}

// modeOf is the order in which the decisions of an import arrive.
func modeOf(facts *survey.Facts) (history.Mode, error) {
	if facts.Header.History == "" {
		return history.Rows, nil
	}
	return history.ParseMode(facts.Header.History)
}

// permissive lists where the target allows more than the person.
func (c *collector) permissive(ctx context.Context, s Survey, places *history.Places, sum *summary.Summary) error {
	sum.OverPermissive.Count = places.Len()
	if places.Len() == 0 {
		return nil
	}
	x, err := c.list(suppress)
	if err != nil {
		return err
	}
	find := &finder{sheet: x}
	if find.places, err = places.Reader(); err != nil {
		return err
	}
	defer find.places.Close()
	if c.unsaid != nil && !c.unsaid.full {
		err = c.unsaid.each(find.kept)
	} else { // the first survey could not keep their lines
		err = s.Each(ctx, func(b *survey.Batch) func() error { return func() error { return find.rows(b) } })
	}
	if err != nil {
		return fmt.Errorf("find the people of suppress.csv: %w", err)
	}
	sum.OverPermissive.Consents = find.refs
	if int64(find.found) != places.Len() {
		return fmt.Errorf("find the people of suppress.csv: %d of %d are there", find.found, places.Len())
	}
	return nil
}

// finder writes the lines of the decisions at some places.
type finder struct {
	places *history.PlaceReader
	sheet  *sheet
	refs   []string
	found  int
	line   []byte
}

// rows looks at the rows of a batch, in order.
func (f *finder) rows(b *survey.Batch) error {
	for i := range b.Rows {
		r := &b.Rows[i]
		for {
			at, ok, err := f.places.Peek()
			if err != nil {
				return err
			}
			if !ok || at.Row() > r.Row.Number {
				break
			}
			f.places.Next()
			var c *mapping.Consent
			if at.Row() == r.Row.Number {
				c = decisionAt(r, int(at.Number())-1)
			}
			if c == nil {
				continue // counted as missing
			}
			f.line = appendSuppressLine(f.line[:0], c, journal.Ref{Row: at.Row(), Consent: at.Number()}, r.Status == mapping.Mapped)
			if err := f.write(at, f.line); err != nil {
				return err
			}
		}
	}
	return nil
}

// kept looks at the line of a decision, in order.
func (f *finder) kept(at history.Place, line []byte) error {
	for {
		wanted, ok, err := f.places.Peek()
		if err != nil {
			return err
		}
		if !ok || wanted > at {
			return nil
		}
		f.places.Next()
		if wanted == at {
			return f.write(at, line)
		}
		// one before it is counted as missing
	}
}

// write writes the line of a decision that was looked for.
func (f *finder) write(at history.Place, line []byte) error {
	if f.found++; f.found <= maxListed {
		f.refs = append(f.refs, refString(journal.Ref{Row: at.Row(), Consent: at.Number()}))
	}
	_, err := f.sheet.Write(line)
	return err
}

// HistoryFindings are what lint says of the histories of people.
func HistoryFindings(found *history.Result, mode history.Mode) []summary.Finding {
	order := "These decisions stand in the export behind newer ones of the same person and category. "
	switch mode {
	case history.Chronological:
		order += "They are sent by their times, oldest first, so nothing has to be sorted."
	case history.Latest:
		order += "Only the last word of each person is sent, so nothing has to be sorted."
	default:
		order += "With --history rows they arrive after the newer ones; sort the export by time, or use --history chronological."
	}
	repeat := "These consents equal another of the same person in every field that is sent. A repeat is sent once; the others are superseded."
	if mode == history.Rows {
		repeat = "These consents equal another of the same person in every field that is sent. With --history rows each of them is sent."
	}
	var out []summary.Finding
	for _, f := range []struct {
		rule, message string
		seen          *history.Sightings
	}{
		{"contradiction", "At these times a person both accepted and rejected the same category. The reject counts; find out which one holds and remove the other.", &found.Contradictions},
		{"repeat", repeat, &found.Repeats},
		{"out-of-order", order, &found.OutOfOrder},
		{"identity-split", "These people stand under several spellings of one identifier, in both forms of an address with an internationalised domain, or with an identifier in one row and only the e-mail address that stands beside it, and beside no other, in another. " +
			"The target may take them for several people; map one identifier for all rows.", &found.Split},
		{"category-twins", "These categories differ only in letter case, form, separators or blanks, so the target takes them for several purposes; map them to one name.", &found.Twins},
	} {
		if f.seen.Count > 0 {
			out = append(out, summary.Finding{Rule: f.rule, Count: f.seen.Count, Message: f.message, Rows: append([]int64{}, f.seen.Rows...)})
		}
	}
	return out
}

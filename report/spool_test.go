package report

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/extsort"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// The people of suppress.csv come from one survey, however many lines had to be kept
// for them; only where these are too many is the export gone over again. The list is
// the same.
func TestPeopleAreListedFromOneSurvey(t *testing.T) {
	const people = 3000 // whose lines do not fit into spoolMemory
	var rows []survey.Row
	for n := int64(1); n <= people; n++ {
		user := fmt.Sprint("user-", n)
		rows = append(rows, mapped(n, "x", consent(user, "ads", mapping.Accept, sent), consent(user, "ads", mapping.Reject, refused)))
		rows[n-1].Consents[1].Timestamp++
		if n%3 == 0 { // it arrived after all
			rows[n-1].Consents[1].Outcome = sent
		}
	}
	report := func(history string, most int64) (surveys int, list string) {
		s := &told{facts: finished(people), batch: 500, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}}
		s.facts.Header.History = history
		surveys, dir := 0, t.TempDir()
		counted := counting{s, &surveys}
		files := &sheets{disk: journal.OS{}, dir: dir}
		facts := s.Facts()
		c, err := newCollector(files, &facts, 0)
		require.NoError(t, err)
		defer c.close()
		if c.unsaid != nil {
			c.unsaid.max = most
		}
		require.NoError(t, counted.Each(t.Context(), c.visit))
		_, err = c.summary(t.Context(), dir, &facts, &Options{}, func(sum *summary.Summary) error {
			err := c.histories(t.Context(), counted, sum, &facts)
			assert.EqualValues(t, people*2/3, sum.OverPermissive.Count)
			return err
		})
		require.NoError(t, err)
		require.NoError(t, files.commit(nil))
		assert.NotContains(t, names(t, dir), ".suppress-1.tmp")
		return surveys, read(t, dir, "suppress.csv")
	}
	surveys, kept := report("chronological", spoolMax)
	assert.Equal(t, 1, surveys)
	surveys, again := report("chronological", 10_000)
	assert.Equal(t, 2, surveys)
	assert.Equal(t, kept, again)
	surveys, again = report("rows", spoolMax)
	assert.Equal(t, 2, surveys, "any reject may be the one: none is kept")
	assert.Equal(t, kept, again)
}

// counting counts how often a survey goes over the export.
type counting struct {
	*told
	n *int
}

func (c counting) Each(ctx context.Context, visitors ...survey.Visitor) error {
	*c.n++
	return c.told.Each(ctx, visitors...)
}

// What was kept and cannot be read back is an error, never a shorter list.
func TestASpoolThatIsCutIsAnError(t *testing.T) {
	w := &work{}
	row := mapped(1, "x", consent("u1", "ads", mapping.Reject, refused))
	w.unsaid(&row, false)
	for cut := 1; cut < len(w.unsaidLines); cut++ {
		s := &spool{lines: extsort.Spool{Limit: cut}, max: spoolMax}
		require.NoError(t, s.add(w.unsaidLines[:cut]))
		assert.Error(t, s.each(func(history.Place, []byte) error { return nil }), cut)
	}
}

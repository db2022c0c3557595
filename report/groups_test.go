package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

func TestVariablePartsAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"Source is required for profileId":                     "Source is required for profileId",
		"value 12 of 400 is too large":                         "value # of # is too large",
		"no profile 3f2504e0-4f89-11d3-9a0c-0305e82c3301 here": "no profile [id] here",
		"user a.b+c@example.com is unknown":                    "user [email] is unknown",
		"user [email] is [id]":                                 "user [email] is [id]",
		`field "abc def" can't be 'x y'`:                       `field "…" can't be "…"`,
		"at 2024-01-08T21:33:02Z, 12:30:01.5 and -7":           "at #, # and -#",
		"trace 00deadbeef12 and req_9f8a7b6c5d":                "trace [id] and [id]",
		"purpose C0001 in v2, sha256":                          "purpose C0001 in v2, [id]",
		"  two   blanks\nand a line ":                          "two blanks and a line",
		"<html>502 Bad Gateway</html>":                         "<html># Bad Gateway</html>",
		"Überschreitung: größer als 5":                         "Überschreitung: größer als #",
		"unclosed \"quote":                                     "unclosed \"quote",
		"":                                                     "",
		"bad \xff byte":                                        "bad \uFFFD byte",
		strings.Repeat("word ", 100):                           strings.Repeat("word ", 32) + "…",
		"id=1234567890123456789,uuid:{AAAAAAAA-1111-2222-3333-444444444444}": "id=#,uuid:{[id]}",
	} {
		assert.Equal(t, want, maskVariable(text), text)
	}
}

func FuzzMaskVariable(f *testing.F) {
	for _, s := range []string{"a 1 b", `"x" 'y' can't`, "a@b", "\xff", "é", strings.Repeat("é", 200), "1-", "-1", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := maskVariable(s)
		assert.LessOrEqual(t, len(got), maxReason+80)
		assert.NotContains(t, got, "\n")
		assert.True(t, strings.ToValidUTF8(got, "") == got)
	})
}

// failing is a survey of n rows in which row i fails with message(i).
func failing(n int64, message func(int64) string) *told {
	var rows []survey.Row
	for i := int64(1); i <= n; i++ {
		rows = append(rows, mapped(i, "x", consent(fmt.Sprint("u", i), "ads", mapping.Accept, outcome(journal.Refused, 400, 1, message(i)))))
	}
	return &told{facts: finished(n), batch: 97, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}}
}

func TestFailuresAlikeAreOneGroup(t *testing.T) {
	_, sum := write(t, failing(1000, func(i int64) string {
		if i%4 == 0 {
			return fmt.Sprintf(`field "f%d" is not allowed`, i)
		}
		return fmt.Sprintf("Source is required for profileId %d", i)
	}))
	require.Len(t, sum.FailureGroups, 2)
	first := sum.FailureGroups[0]
	assert.Equal(t, "Source is required for profileId #", first.Reason)
	assert.EqualValues(t, 750, first.Count)
	assert.Equal(t, []int64{1, 2, 3, 5, 6, 7, 9, 10, 11, 13}, first.Rows)
	assert.InDelta(t, 0.75, first.Share, 1e-9)
	assert.Contains(t, first.Suggestion.Text, "sourceId")
	assert.EqualValues(t, 250, sum.FailureGroups[1].Count)
}

// However many texts a target has, the groups stay bounded and their counts
// exact, and none that was large from the beginning is lost.
func TestGroupsAreBounded(t *testing.T) {
	const n = 12_000
	words := func(i int64) string { // three letters, all different, nothing to mask
		return string([]byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26)})
	}
	s := failing(n, func(i int64) string {
		if i%3 == 0 {
			return "the common one"
		}
		return "reason " + words(i) + " with a tail that is long enough to be cut"
	})
	c, err := newCollector(&sheets{disk: journal.OS{}, dir: t.TempDir()}, &s.facts, 0)
	require.NoError(t, err)
	defer c.close()
	require.NoError(t, s.Each(t.Context(), c.visit))
	assert.LessOrEqual(t, len(c.tally.failures.byKey), maxCoarseGroups+1)
	list := c.tally.failures.list()
	require.Len(t, list, maxGroups+1)
	assert.Equal(t, "the common one", list[0].Reason)
	assert.EqualValues(t, n/3, list[0].Count)
	last := list[maxGroups]
	assert.Equal(t, summary.OtherGroups, last.Reason)
	assert.Empty(t, last.Rows)
	var sum int64
	for _, g := range list {
		sum += g.Count
	}
	assert.EqualValues(t, n, sum)
}

func TestCategoriesAreBounded(t *testing.T) {
	var rows []survey.Row
	const n = 3000
	for i := int64(1); i <= n; i++ {
		rows = append(rows, mapped(i, "x", consent("u", fmt.Sprint("category-", i), mapping.Accept, sent)))
		rows[i-1].Consents[0].Timestamp = mapping.Unlimited // and a time beyond all calendars
	}
	_, sum := write(t, &told{facts: finished(n), batch: 1100, parts: []part{{csvLayout("x", "x"), "x.csv", rows}}})
	require.Len(t, sum.ByDecision, maxCategories+1)
	assert.Equal(t, summary.ByDecision{Category: otherCategories, Action: "accept", Consents: summary.Consents{Made: 2000, Sent: 2000}}, sum.ByDecision[0])
	require.NoError(t, sum.Balanced())
	assert.Equal(t, []summary.Month{{Month: "2099-12", Accept: n, Reject: 0}}, sum.Decided)
}

func TestPlacesAreNoPartOfAReason(t *testing.T) {
	for text, want := range map[string]string{
		"the quote opened on line 523 is never closed": "the quote opened on line # is never closed",
		"is not valid JSON at byte 77":                 "is not valid JSON at byte #",
		"has 5 cells, the header has 7":                "has 5 cells, the header has 7",
		"line byte 7 line 8":                           "line byte # line #",
		"line ":                                        "line ",
		`action: value "Ja \"gern\"" of column "mail" is not listed in values`:                                                           `action: a value of column "mail" is not listed in values`,
		"action: value (9 characters, not shown: it could identify a person) of column \"mail\" is not listed in values":                 `action: a value of column "mail" is not listed in values`,
		`action: value "x" of column "each.reason" in "a.suppressions" is not listed in values`:                                          `action: a value of column "each.reason" in "a.suppressions" is not listed in values`,
		`email: column "p.email" cannot be told: p.csv has no row with that id that can be read, and 2 that cannot, the first on line 3`: `email: column "p.email" cannot be told: p.csv has no row with that id that can be read, and 2 that cannot, the first on line 3`,
		`category: value "x" is not listed in values`:                                                                                    "category: a value is not listed in values",
	} {
		assert.Equal(t, want, mapReason(text))
	}
	assert.Len(t, mapReason(strings.Repeat("é", 500)), maxMapReason)
}

func TestSuggestions(t *testing.T) {
	for _, c := range []struct {
		group summary.FailureGroup
		text  string
	}{
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `"maybe" is not listed in values`, Column: "state"}, "decide what the values mean"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "the time carries no zone", Column: "ts"}, "give the one in which"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts has no time zone, and the mapping sets none (timezone:)", Column: "ts"}, "give the one in which"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts has a time zone abbreviation, which needs %Z in the format and a timezone"}, "does not name a zone"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts is empty: a consent needs its time", Column: "time zone"}, "required: false at timestamp"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts does not exist in its time zone (clocks went forward)"}, "no clock"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts is in seconds, where the column is in milliseconds", Column: "a: b"}, "unit or format"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts could be a date or a number of seconds; set its format:"}, "unit or format"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts is not a known form of time (set its format:)"}, "add its pattern"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts does not have the format of the mapping"}, "add its pattern"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "ts was mangled by a spreadsheet (scientific notation)"}, "spreadsheet"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "is not valid JSON at byte #"}, "cut off or damaged"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "the quote opened on line # is never closed"}, "close it"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "mail is required and empty", Column: "e: mail"}, "the row has nothing here"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "no userId, profileId or email: it is unclear whose decision this is"}, "no person"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "has 5 cells, the header has 7"}, "where there are fewer, the row was cut off"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "line # has a quote inside a cell that does not begin with one"}, "the one inside twice"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `action: has none of "choice", from which the decision is read`}, "look at the row"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "is not a JSON object"}, "a row is one object"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: "the JSON value is nested deeper than 512 levels on line #"}, "lies that deep"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `timestamp: column "at" has an offset that its time zone did not have then`}, "the zone is another one"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `timestamp: column "at" has a time zone abbreviation that clocks in its time zone did not show then`}, "the zone is another one"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `timestamp: column "at" names another weekday than its date has`}, "the wrong way round"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `userId: column "id" holds a byte order mark, so it was put together from parts of files`}, "damaged before"},
		{summary.FailureGroup{Stage: summary.StageMap, Reason: `category: column "JSON cells" is required and empty`}, "the row has nothing here"},
		{summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "Source is required for profileId"}, "sourceId"},
		{summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "unknown category"}, "purpose"},
		{summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "timestamp out of range"}, "wrong unit"},
		{summary.FailureGroup{Stage: summary.StageSend, Status: 503, Reason: "no message"}, "--resume --retry"},
		{summary.FailureGroup{Stage: summary.StageSend, Status: 0, Reason: "no answer"}, "--resume --retry"},
	} {
		s := suggest(&c.group)
		require.NotNil(t, s, c.group.Reason)
		assert.Contains(t, s.Text, c.text)
		assert.Empty(t, s.Patch, "nothing is proposed that was not tried: %s", c.group.Reason)
	}
	assert.Nil(t, suggest(&summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: "computer says no"}))
}

package html

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/reporttest"
	"github.com/consentimport/consentimport/report/summary"
)

// renderHTML renders a summary.
func renderHTML(t *testing.T, s *summary.Summary) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, s))
	return b.String()
}

// The page's policy allows its own style, by digest, and nothing else; and
// nothing in it needs more than that.
func TestHTMLNeedsNothingThatItsPolicyForbids(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		assertSealed(t, name, renderHTML(t, s))
	}
}

// assertSealed holds a page against its policy.
func assertSealed(t *testing.T, name, page string) {
	t.Helper()
	allowed := map[string]string{}
	for _, kind := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+kind+`>(.*?)</`+kind+`>`).FindAllStringSubmatch(page, -1)
		require.Len(t, found, 1, "%s: one %s", name, kind)
		sum := sha256.Sum256([]byte(found[0][1]))
		allowed[kind] = "&#39;sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "&#39;"
	}
	policy := "default-src &#39;none&#39;; style-src " + allowed["style"] + "; script-src " + allowed["script"] + "; base-uri &#39;none&#39;; form-action &#39;none&#39;\""
	assert.Contains(t, strings.ReplaceAll(page, "&#43;", "+"), policy, name)
	page = strings.Replace(strings.Replace(page, pageStyle, "", 1), "<script>"+pageScript, "", 1)
	for _, forbidden := range []string{"<script", "javascript:", " style=", " onload", " onclick", " src=", "<link", "<iframe", "url(", "@import", "http-equiv=\"refresh\""} {
		assert.NotContains(t, strings.ToLower(page), forbidden, name)
	}
}

// What can be read out loud: one main heading, a name for every section and
// picture, a caption for every table, and tags that nest.
func TestHTMLIsWellFormedAndLabelled(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		page := renderHTML(t, s)
		d := xml.NewDecoder(strings.NewReader(page))
		d.Strict = false
		d.AutoClose = []string{"meta", "br"}
		d.Entity = xml.HTMLEntity
		ids, needed := map[string]bool{}, []string{}
		count := map[string]int{}
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err, name)
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			count[start.Name.Local]++
			attr := map[string]string{}
			for _, a := range start.Attr {
				attr[a.Name.Local] = a.Value
			}
			if id := attr["id"]; id != "" {
				assert.False(t, ids[id], "%s: id %s twice", name, id)
				ids[id] = true
			}
			needed = append(needed, strings.Fields(attr["labelledby"]+" "+attr["aria-labelledby"])...)
			switch start.Name.Local {
			case "svg":
				assert.True(t, attr["aria-hidden"] == "true" || attr["role"] == "img" && attr["aria-labelledby"] != "", "%s: svg without a name", name)
			case "section":
				assert.NotEmpty(t, attr["aria-labelledby"], name)
			case "th":
				assert.NotEmpty(t, attr["scope"], name)
			}
		}
		for _, id := range needed {
			assert.True(t, ids[id], "%s: no element %s", name, id)
		}
		assert.Equal(t, 1, count["h1"], name)
		assert.Equal(t, 1, count["main"], name)
		assert.Equal(t, count["table"], count["caption"], name)
	}
}

// A million failures make no larger page than a hundred groups, and a mapping
// gone wrong no endless table.
func TestHTMLIsBounded(t *testing.T) {
	s := reporttest.Sample(t, "over-permissive")
	s.FailureGroups = nil
	long := strings.Repeat("x", 160)
	for i := range mostGroups {
		s.FailureGroups = append(s.FailureGroups, summary.FailureGroup{Stage: summary.StageSend, Status: 400, Reason: long, Count: 1e9, Rows: make([]int64, 10), Column: strings.Repeat("c", 60+i%2)})
	}
	s.FailureGroups = append(s.FailureGroups, summary.FailureGroup{Stage: summary.StageOther, Reason: summary.OtherGroups, Count: 1})
	for range 5000 {
		s.Decisions = append(s.Decisions, summary.Decision{Category: long, Value: long, Decision: "accept", Count: 1e12})
		s.ByDecision = append(s.ByDecision, summary.ByDecision{Category: long, Action: "accept", Consents: summary.Consents{Made: 1e12, Sent: 1e11, Refused: 1e10, Failed: 1e10}})
		s.Lint = append(s.Lint, summary.Finding{Rule: long, Count: 1, Message: long, Rows: []int64{1}})
		s.Skips = append(s.Skips, summary.Skip{Reason: long, Count: 1})
		s.Inputs = append(s.Inputs, summary.Input{Path: long})
		s.Passes = append(s.Passes, summary.Pass{Mapping: summary.Mapping{Name: long}})
	}
	for range 1000 {
		s.OverPermissive.Consents = append(s.OverPermissive.Consents, "10000000.1")
	}
	s.OverPermissive.Count = 1e6
	page := renderHTML(t, s)
	assert.Less(t, len(page), 300<<10)
	assert.Contains(t, page, "89 smaller groups")
}

// Segments of a picture fill it, in proportion, and none that is not empty is
// too small to be seen.
func TestPicturesAddUp(t *testing.T) {
	for _, c := range []summary.Consents{
		{Made: 10_000_000, Sent: 9_999_999, Failed: 1},
		{Made: 5, Sent: 1, Refused: 1, Failed: 1, Pending: 1, Superseded: 1},
		{Made: 1, Pending: 1}, {},
	} {
		sum := 0.0
		for _, x := range layOut(outcomes(&c, false), 0, 0, chartWidth, 1) {
			sum += x.W
			if x.W > 0 {
				assert.GreaterOrEqual(t, x.W, chartWidth*leastShare*0.9)
			}
		}
		if c.Made > 0 {
			assert.InDelta(t, chartWidth, sum, 0.001)
		} else {
			assert.Zero(t, sum)
		}
	}
	// An import of nothing has a page too.
	page := renderHTML(t, &summary.Summary{State: summary.Complete, StartedAt: time.Now()})
	assert.NotContains(t, page, "NaN")
	assert.NotContains(t, page, "Inf")
}

func TestColumnsGoByYearWhenTheySpanMany(t *testing.T) {
	c := newColumns([]summary.Month{{Month: "2001-12", Accept: 1, Reject: 0}, {Month: "2012-01", Accept: 2, Reject: 5}, {Month: "2012-03", Accept: 1, Reject: 0}})
	assert.Equal(t, "year", c.Unit)
	assert.Equal(t, []string{"2001", "2003", "2005", "2007", "2009", "2011"}, labelsOf(c.Axes))
	assert.Equal(t, "8", c.Peak)
	assert.Len(t, c.Shapes, 3)
	c = newColumns([]summary.Month{{Month: "2024-01", Accept: 1, Reject: 1}})
	assert.Equal(t, []string{"2024-01"}, labelsOf(c.Axes))
	assert.Nil(t, newColumns(nil))
}

func labelsOf(a *axes) []string {
	var out []string
	for _, x := range a.Ticks {
		out = append(out, x.Label)
	}
	return out
}

// Whatever the peak: round numbers, four lines at most above the first, and none of the
// picture above the last.
func TestScalesHaveRoundNumbers(t *testing.T) {
	for peak, want := range map[float64][]string{
		1: {"0", "1"}, 3: {"0", "1", "2", "3"}, 8: {"0", "5", "10"}, 950: {"0", "500", "1,000"}, 12_345: {"0", "5,000", "10k", "15k"},
		4_400_000: {"0", "2M", "4M", "6M"}, 0.4: {"0", "1"}, 7e9: {"0", "5G", "10G"},
	} {
		a := newAxes(100, peak)
		var got []string
		for _, r := range a.Rows {
			got = append(got, r.Label)
		}
		assert.Equal(t, want, got, "%v", peak)
		assert.GreaterOrEqual(t, a.Most, peak)
		assert.InDelta(t, a.Top, a.Rows[len(a.Rows)-1].Y, 1e-6)
	}
	for total, want := range map[float64][]string{3: {"0 s", "1 s", "2 s", "3 s"}, 0.3: {"0 s", "0.1 s", "0.2 s", "0.3 s"}, 4000: {"0 s", "20 min", "40 min", "1 h"}, 30 * 86400: {"0 s", "7 d", "14 d", "21 d", "28 d"}} {
		a := newAxes(100, 1)
		a.markTime(total)
		assert.Equal(t, want, labelsOf(a), "%v", total)
	}
}

// Every section is in the list of contents, in its order, and nothing else is.
func TestContentsAreThePage(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		page := renderHTML(t, s)
		nav, _, _ := strings.Cut(page[strings.Index(page, "<nav"):], "</nav>")
		var want, got []string
		for _, m := range regexp.MustCompile(`href="#([a-z]+)"`).FindAllStringSubmatch(nav, -1) {
			want = append(want, m[1])
		}
		for _, m := range regexp.MustCompile(`<h2 id="([a-z]+)"`).FindAllStringSubmatch(page, -1) {
			got = append(got, m[1])
		}
		assert.Greater(t, len(got), 4, name)
		assert.Equal(t, want, got, name)
	}
}

// Names that are read out loud differ from each other.
func TestNamesDiffer(t *testing.T) {
	for name, s := range reporttest.Samples(t) {
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`aria-label="([^"]*)"`).FindAllStringSubmatch(renderHTML(t, s), -1) {
			assert.False(t, seen[m[1]], "%s: two elements are called %q", name, m[1])
			seen[m[1]] = true
		}
		assert.NotEmpty(t, seen, name)
	}
}

func TestThroughputLeavesOutTheTimeBetweenRuns(t *testing.T) {
	s := reporttest.Sample(t, "complete")
	p := newThroughput(s)
	require.NotNil(t, p)
	assert.Len(t, p.Resumes, 1)
	assert.Len(t, p.Slowed, 1)
	assert.Equal(t, []string{"0 s", "20 min", "40 min", "1 h"}, labelsOf(p.Axes))
	s.Throughput = s.Throughput[:2]
	assert.Nil(t, newThroughput(s))
	s.Throughput = append(s.Throughput, s.Throughput[1], s.Throughput[0]) // a clock that stands still and goes back
	assert.NotPanics(t, func() { newThroughput(s) })
	for i := range s.Throughput {
		s.Throughput[i].Sent = 0
	}
	assert.Nil(t, newThroughput(s), "nothing was answered")
}

func TestHTMLOfOneSummary(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, reporttest.Sample(t, "over-permissive")))
	reporttest.Golden(t, "report.html", b.Bytes())
}

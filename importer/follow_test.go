package importer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// weather is a target that answers by what is asked, and a run that meets it.
type weather struct {
	rows, people, files   int
	jumble                int // by how many rows a row may stand too early or late
	json                  bool
	mode                  history.Mode
	refused, broken, busy int // in a thousand consents
	limit                 int64
	signal                int64 // after so many requests; 0: none comes
	unfinished            int   // 0: the usual
	room                  int64 // that rows may wait in; 0: the usual
	early                 int   // outcomes that may wait; 0: the usual
	kept                  int64 // bytes of what rows became that are kept for when they are come to again; 0: the usual
	shard                 string
}

func drawWeather(t *rapid.T) weather {
	rows := rapid.IntRange(1, 4000).Draw(t, "rows")
	files := rapid.IntRange(1, 3).Draw(t, "files")
	if rows < 50 {
		files = 1 // two of so few rows may be the same, which is refused
	}
	return weather{
		rows: rows, people: rapid.SampledFrom([]int{5, 200, 10000}).Draw(t, "people"),
		files: files, jumble: rapid.SampledFrom([]int{0, 3, 100, 5000}).Draw(t, "jumble"),
		json:    rapid.Bool().Draw(t, "json"),
		mode:    rapid.SampledFrom([]history.Mode{history.Chronological, history.Chronological, history.Latest, history.Rows}).Draw(t, "mode"),
		refused: rapid.SampledFrom([]int{0, 5, 500}).Draw(t, "refused"), broken: rapid.SampledFrom([]int{0, 3}).Draw(t, "broken"),
		busy:  rapid.SampledFrom([]int{0, 10}).Draw(t, "busy"),
		limit: int64(rapid.SampledFrom([]int{0, 0, 0, 1, 700, rows - 1}).Draw(t, "limit")), signal: int64(rapid.SampledFrom([]int{0, 0, 0, 300}).Draw(t, "signal")),
		unfinished: rapid.SampledFrom([]int{0, 0, 100}).Draw(t, "unfinished"),
		room:       int64(rapid.SampledFrom([]int{0, 0, 1, 200_000}).Draw(t, "room")), early: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "early"),
		kept: rapid.SampledFrom([]int64{0, 0, 1, 20_000}).Draw(t, "kept"), shard: rapid.SampledFrom([]string{"1/1", "1/1", "1/2", "3/8"}).Draw(t, "shard"),
	}
}

// write writes an export with rows of every kind, repeats and contradictions among them.
func (w *weather) write(t *testing.T, dir string) (paths []string) {
	texts := make([]strings.Builder, w.files)
	for f := range texts {
		if w.json {
			texts[f].WriteString("[\n")
		} else {
			texts[f].WriteString("id,state,mail,ads,at\n")
		}
	}
	random := fnv.New32a()
	draw := func(n int) int {
		fmt.Fprint(random, n)
		return int(random.Sum32()>>3) % n
	}
	for n := range w.rows {
		f := n * w.files / w.rows
		state, mail := "said", []string{"yes", "no"}[draw(2)]
		switch draw(20) {
		case 0:
			state = "none"
		case 1:
			mail = "perhaps"
		case 2:
			mail = ""
		}
		at := lifeTime(int64(n + draw(w.jumble+1)))
		if w.json {
			if !strings.HasSuffix(texts[f].String(), "[\n") {
				texts[f].WriteString(",\n")
			}
			fmt.Fprintf(&texts[f], `{"id":"u%d","state":%q,"mail":%q,"ads":"no","at":%q}`, draw(w.people), state, mail, at)
			continue
		}
		fmt.Fprintf(&texts[f], "u%d,%s,%s,no,%s%s\n", draw(w.people), state, mail, at, strings.Repeat(",one cell too many", draw(50)/49))
	}
	for f := range texts {
		path := filepath.Join(dir, fmt.Sprintf("part-%d.csv", f+1))
		if w.json {
			texts[f].WriteString("\n]\n")
			path = strings.TrimSuffix(path, "csv") + "json"
		}
		require.NoError(t, os.WriteFile(path, []byte(texts[f].String()), 0o600))
		paths = append(paths, path)
	}
	return paths
}

// dump is all that a visitor sees of each row.
func dump(t *testing.T, s shower) (all []string) {
	assert.NoError(t, s.Each(t.Context(), func(b *survey.Batch) func() error {
		var lines []string
		for i := range b.Rows {
			r := &b.Rows[i]
			line := fmt.Sprintf("%s %d %d %q %v %s %s %v %d %v", b.File, r.Row.Number, r.Row.Line, r.Row.Raw, r.Status, r.Reason, r.Column, r.Elsewhere, len(r.Dropped), r.Missed)
			for k := range r.Consents {
				c := &r.Consents[k]
				line += fmt.Sprintf("\n  %+v %+v %d %v", *c.Consent, c.Outcome, c.Pass, c.Elsewhere)
			}
			for k := range r.Readable() {
				line += fmt.Sprintf("\n  %+v", r.Readable()[k])
			}
			lines = append(lines, line)
		}
		return func() error { all = append(all, lines...); return nil }
	}))
	return all
}

// A consent that expires while the run goes on was told of as one that holds: its survey is
// to be made anew.
func TestWhatExpiresWhileARunIsFollowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		until   time.Duration
		limit   int64 // rows; 1: the row is shown when the run has ended
		expires bool
	}{{-time.Hour, 0, false}, {time.Minute, 0, true}, {3 * time.Hour, 0, false}, {-time.Hour, 1, false}, {time.Minute, 1, true}, {3 * time.Hour, 1, false}} {
		began := time.Now()
		var passed atomic.Int64 // since then, in nanoseconds
		l := newLife(t, fmt.Sprintf("id,state,mail,ads,at,until\nu1,said,yes,no,%s,%s\nu2,none,,,,\n", lifeTime(1), began.Add(c.until).UTC().Format(time.RFC3339)))
		l.refuse = func(string) bool { passed.Store(int64(time.Hour)); return false }
		spec, err := mapping.Parse("life.yaml", []byte(strings.Replace(fmt.Sprintf(lifeMapping, ""), "validUntil: unlimited", "validUntil: until", 1)), nil)
		require.NoError(t, err)
		im, err := Open(Config{
			Disk: journal.OS{}, Dir: filepath.Join(l.dir, "out"), Source: source.Config{Paths: []string{l.export}}, Spec: spec,
			Now:    func() time.Time { return began.Add(time.Duration(passed.Load())) },
			Target: journal.Target{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"},
		})
		require.NoError(t, err)
		require.NoError(t, im.Arrange(t.Context()))
		followed := im.Follow()
		require.NotNil(t, followed)
		require.Equal(t, c.limit > 0, l.send(im, c.limit) != nil)
		rows := 0
		err = followed.Each(t.Context(), func(b *survey.Batch) func() error { return func() error { rows += len(b.Rows); return nil } })
		assert.Equal(t, 2-int(c.limit), rows, "rows that were come to")
		assert.Equal(t, c.expires, errors.Is(err, survey.ErrExpired), "%+v: %v", c, err)
		require.NoError(t, followed.Close())
		require.NoError(t, im.Close())
	}
}

// The digest that a run reports is of what it has sent, whatever has become of the file since.
func TestTheDigestOfARunIsOfWhatItSent(t *testing.T) {
	t.Parallel()
	l := newLife(t, lifeExport(10))
	text, err := os.ReadFile(l.export)
	require.NoError(t, err)
	l.refuse = func(string) bool { // all of it was read
		require.NoError(t, os.WriteFile(l.export, bytes.ReplaceAll(text, []byte("yes"), []byte("no ")), 0o600))
		return false
	}
	im, err := Open(Config{
		Disk: journal.OS{}, Dir: filepath.Join(l.dir, "out"), Source: source.Config{Paths: []string{l.export}}, Spec: l.spec, Now: time.Now,
		Target: journal.Target{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"},
	})
	require.NoError(t, err)
	defer im.Close()
	require.NoError(t, im.Arrange(t.Context()))
	followed := im.Follow()
	require.Nil(t, l.send(im, 0))
	require.NoError(t, followed.Each(t.Context()))
	assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256(text)), followed.Facts().Inputs[0].SHA256)
	require.NoError(t, followed.Close())
}

// What is shown of a run while it goes on is what a survey of its checkpoint shows
// afterwards, whatever the export holds, the target answers and stops the run.
func TestARunIsFollowedAsItIsSurveyed(t *testing.T) {
	t.Parallel()
	whole, partly := 0, 0
	check := func(t *testing.T, w weather) (sent, reported int64) {
		var requests atomic.Int64
		ctx, signal := context.WithCancel(t.Context())
		defer signal()
		tried := sync.Map{}
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if n := requests.Add(1); n == w.signal {
				signal()
			}
			hash := fnv.New32a()
			_, _ = hash.Write(body)
			_, again := tried.LoadOrStore(string(body), true)
			switch n := int(hash.Sum32()>>2) % 1000; {
			case n < w.refused:
				http.Error(rw, fmt.Sprintf("it is \u00abodd\u00bb, as %d", n), http.StatusBadRequest)
			case n < w.refused+w.broken, n < w.refused+w.broken+w.busy && !again:
				http.Error(rw, "later", http.StatusInternalServerError)
			default:
				_, _ = io.WriteString(rw, "{}")
			}
		}))
		defer server.Close()
		dir := t.TempDir()
		of, err := shard.Parse(cmp.Or(w.shard, "1/1"))
		require.NoError(t, err)
		im, err := Open(Config{
			Shard: of, Disk: journal.OS{}, Dir: filepath.Join(dir, "out"), Source: source.Config{Paths: w.write(t, dir)}, Spec: specOf(t, ""), Now: time.Now,
			Target: journal.Target{BaseURL: server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"}, History: w.mode.String(),
		})
		require.NoError(t, err)
		defer im.Close()
		im.mostKept = w.kept
		require.NoError(t, im.Check(t.Context()))
		require.NoError(t, im.Arrange(t.Context()))
		require.NoError(t, im.CommitPass())
		followed := im.Follow()
		require.NotNil(t, followed)
		if w.room > 0 {
			followed.Follower.Room = w.room
		}
		if w.early > 0 {
			followed.Follower.Early = w.early
		}
		counted, open := make(chan struct{}), followed.Open // what was not followed is mapped from there on
		followed.Open = func() (*survey.Survey, error) { <-counted; return open() }
		var got []string
		var reports sync.WaitGroup
		reports.Go(func() { got = dump(t, followed) })

		key, err := intempt.ParseKey("a.key")
		require.NoError(t, err)
		client, err := intempt.New(intempt.Config{BaseURL: server.URL + "/v1", Org: "acme", Project: "shop", Key: key, Concurrency: 8})
		require.NoError(t, err)
		defer client.Close()
		_, err = im.Run(ctx, Sending{
			Target: client, Pacer: intempt.NewPacer(intempt.PacerConfig{Max: 8}), Backoff: delivery.Backoff{Base: time.Millisecond, Max: 2 * time.Millisecond},
			Limits: Limits{Concurrency: 8, Rows: w.limit, MaxFailures: Budget{Share: 1}, Attempts: 3, RetryFor: DefaultRetryFor, Unfinished: w.unfinished},
			HTTP:   func(bool) journal.HTTP { return journal.HTTP{} },
		})
		require.NoError(t, err)
		before := im.files.Mappings()
		close(counted)
		reports.Wait()
		sent, reported = before, im.files.Mappings()-before
		if reported == 0 {
			whole++
		} else {
			partly++
		}
		s, err := im.Survey()
		require.NoError(t, err)
		want := dump(t, s)
		require.Equal(t, len(want), len(got), "rows")
		for i := range want {
			require.Equal(t, want[i], got[i], "row %d", i+1)
		}
		assert.Equal(t, s.Facts(), followed.Facts())
		require.NoError(t, followed.Close())
		require.NoError(t, s.Close())
		return sent, reported
	}
	for what, c := range map[string]struct {
		weather
		again bool // rows are mapped again for the report
	}{
		"all of it":                              {weather{rows: 4000, people: 200, files: 2, jumble: 100, refused: 500, busy: 10}, false},
		"up to a limit":                          {weather{rows: 4000, people: 200, files: 1, jumble: 100, refused: 5, broken: 3, limit: 3000}, false},
		"less than a batch":                      {weather{rows: 20, people: 200, files: 1, limit: 2}, false},
		"up to a signal":                         {weather{rows: 4000, people: 200, files: 2, jumble: 100, refused: 5, broken: 3, signal: 300}, false},
		"as long as it has room":                 {weather{rows: 4000, people: 200, files: 1, room: 1}, false},
		"until too many leave before their rows": {weather{rows: 4000, people: 200, files: 1, jumble: 5000, early: 1}, false},
		"both, up to a limit":                    {weather{rows: 4000, people: 200, files: 2, jumble: 5000, limit: 1000, room: 1, early: 1}, false},
		"of a shard":                             {weather{rows: 4000, people: 200, files: 2, jumble: 100, refused: 5, broken: 3, shard: "2/3"}, false},
		"of a shard up to a signal":              {weather{rows: 4000, people: 200, files: 1, jumble: 100, signal: 300, shard: "1/2"}, false},
		"with no room to keep what left ahead":   {weather{rows: 4000, people: 200, files: 1, jumble: 5000, limit: 1000, early: 1, kept: 1}, true},
		"with room to keep some of it":           {weather{rows: 4000, people: 200, files: 1, jumble: 5000, early: 1, kept: 20_000}, true},
	} {
		t.Run(what, func(t *testing.T) {
			sent, reported := check(t, c.weather)
			assert.Equal(t, c.again, reported > 0, "%d mappings for the report", reported)
			if c.kept == 0 {
				assert.LessOrEqual(t, sent, int64(2*c.rows))
			}
		})
	}
	start, failing := time.Now(), false
	rapid.Check(t, func(rt *rapid.T) {
		if time.Since(start) > 4*time.Second && !failing {
			return // only what failed is made smaller beyond that
		}
		w := drawWeather(rt)
		if !t.Run("drawn", func(t *testing.T) { _, _ = check(t, w) }) {
			failing = true
			rt.Fatalf("%+v", w)
		}
	})
	t.Logf("the report of %d runs mapped nothing, that of %d did", whole, partly)
}

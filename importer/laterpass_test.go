package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// life is an import over several passes, against a real server.
type life struct {
	t      *testing.T
	dir    string
	export string
	spec   *mapping.Spec
	server *httptest.Server

	mu       sync.Mutex
	refuse   func(name string) bool // asked for each request; its name is "id category"
	gone     func(name string) bool // the same for a key that is not valid any more; nil: never
	accepted []string               // names, in order of arrival
	newest   map[string]int64       // time of the latest that arrived, by name
	late     int                    // that arrived behind a newer one

	follower func(*survey.Follower) // sets what it holds; nil: the usual

	seen  survey.Visitor // looks at the rows before they are sent, as lint and approval do
	shown int            // consents that it was shown
}

// lifeMapping makes two consents of a row. %s are the values of one more decision.
const lifeMapping = `
name: life
skip: [{when: 'state == "none"', reason: nothing said}]
each: {columns: {mail: mail, ads: ads}}
consent:
  userId: id
  action: {from: each.value, values: {"yes": accept, "no": reject%s}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: each.key
  message: {template: "{id} {each.key}"}
`

func newLife(t *testing.T, export string) *life {
	l := &life{t: t, dir: t.TempDir(), newest: map[string]int64{}, refuse: func(string) bool { return false }}
	l.export = filepath.Join(l.dir, "export.csv")
	require.NoError(t, os.WriteFile(l.export, []byte(export), 0o600))
	l.spec = specOf(t, "")
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var body struct {
			Message   string
			Timestamp int64
		}
		_ = json.Unmarshal(text, &body) // an empty message shows below
		l.mu.Lock()
		defer l.mu.Unlock()
		if body.Message == "" || l.refuse(body.Message) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if l.gone != nil && l.gone(body.Message) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		l.accepted = append(l.accepted, body.Message)
		if body.Timestamp < l.newest[body.Message] {
			l.late++
		}
		l.newest[body.Message] = max(body.Timestamp, l.newest[body.Message])
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(l.server.Close)
	return l
}

func specOf(t *testing.T, more string) *mapping.Spec {
	spec, err := mapping.Parse("life.yaml", fmt.Appendf(nil, lifeMapping, more), nil)
	require.NoError(t, err)
	return spec
}

// outcomeOf is a row as a survey shows it.
type outcomeOf struct {
	status   mapping.Status
	consents []string // "id category state pass"
}

// lived is what a run came to.
type lived struct {
	sending  int64 // rows mapped until the last consent had left
	mappings int64 // rows mapped by the run and its report
	rows     map[int64]outcomeOf
	counts   map[journal.State]int
	stop     *Stop
}

func (l *life) config() Config {
	return Config{
		Disk: journal.OS{}, Dir: filepath.Join(l.dir, "out"), Source: source.Config{Paths: []string{l.export}}, Spec: l.spec, Now: time.Now,
		Target: journal.Target{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Dialect: "docs"},
	}
}

// run runs a pass to its end, or through some rows, and surveys the import.
func (l *life) run(change func(*Config), rows int64) lived {
	t := l.t
	cfg := l.config()
	change(&cfg)
	if cfg.Repair != "" {
		cfg.Source.Paths = nil
	}
	im, err := Open(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, im.Close()) }()
	var out lived
	if cfg.DryRun {
		require.NoError(t, im.CommitDryRun())
	} else {
		if l.seen != nil {
			require.NoError(t, im.Check(t.Context(), l.seen))
		}
		require.NoError(t, im.Arrange(t.Context()))
		require.NoError(t, im.CommitPass())
		var reports sync.WaitGroup
		counted := make(chan struct{})
		if followed := im.Follow(); followed != nil {
			if l.follower != nil {
				l.follower(followed.Follower)
			}
			open := followed.Open // what was not followed is mapped for the report from here on
			followed.Open = func() (*survey.Survey, error) { <-counted; return open() }
			reports.Go(func() {
				out.rows, out.counts = surveyed(t, followed)
				assert.NoError(t, followed.Close())
			})
		}
		out.stop = l.send(im, rows)
		out.sending = im.files.Mappings()
		close(counted)
		reports.Wait()
	}
	if out.rows == nil {
		s, err := im.Survey()
		require.NoError(t, err)
		out.rows, out.counts = surveyed(t, s)
		require.NoError(t, s.Close())
	}
	out.mappings = im.files.Mappings()
	return out
}

// shower is a survey, whatever it takes its rows from.
type shower interface {
	Each(context.Context, ...survey.Visitor) error
}

func (l *life) send(im *Import, rows int64) *Stop {
	key, err := intempt.ParseKey("a.key")
	require.NoError(l.t, err)
	client, err := intempt.New(intempt.Config{BaseURL: l.server.URL + "/v1", Org: "acme", Project: "shop", Key: key, Concurrency: 8})
	require.NoError(l.t, err)
	defer client.Close()
	stop, err := im.Run(l.t.Context(), Sending{
		Target: client, Pacer: intempt.NewPacer(intempt.PacerConfig{Max: 8}),
		Limits: Limits{Concurrency: 8, Rows: rows, MaxFailures: Budget{Share: 1}, Attempts: 2, RetryFor: DefaultRetryFor},
		HTTP:   func(bool) journal.HTTP { return journal.HTTP{} },
	})
	require.NoError(l.t, err)
	return stop
}

func surveyed(t *testing.T, s shower) (map[int64]outcomeOf, map[journal.State]int) {
	rows, counts := map[int64]outcomeOf{}, map[journal.State]int{}
	assert.NoError(t, s.Each(t.Context(), func(b *survey.Batch) func() error {
		return func() error {
			for i := range b.Rows {
				r := &b.Rows[i]
				o := outcomeOf{status: r.Status}
				for k := range r.Consents {
					c := &r.Consents[k]
					counts[c.Outcome.State]++
					o.consents = append(o.consents, fmt.Sprintf("%s %s %d", c.Message, c.Outcome.State, c.Pass))
				}
				rows[r.Row.Number] = o
			}
			return nil
		}
	}))
	return rows, counts
}

func resume(c *Config) { c.Resume = true }
func retry(c *Config)  { c.Resume, c.Retry = true, true }

// repair fixes rows: each of them says yes to both.
func (l *life) repair(n int, rows []int64) func(*Config) {
	var text strings.Builder
	text.WriteString("id,state,mail,ads,at,_row,_error\n")
	for _, row := range rows {
		fmt.Fprintf(&text, "u%d,said,yes,yes,%s,%d,was wrong\n", row, lifeTime(row), row)
	}
	path := filepath.Join(l.dir, fmt.Sprintf("fixed-%d.csv", n))
	require.NoError(l.t, os.WriteFile(path, []byte(text.String()), 0o600))
	return func(c *Config) { c.Repair, c.Spec = path, nil }
}

func lifeTime(row int64) string {
	return time.Unix(1_700_000_000+row, 0).UTC().Format(time.RFC3339)
}

// lifeExport has rows of all kinds: every tenth is skipped, every tenth invalid,
// every twentieth says perhaps.
func lifeExport(rows int64) string {
	var text strings.Builder
	text.WriteString("id,state,mail,ads,at\n")
	for n := int64(1); n <= rows; n++ {
		state, mail := "said", "yes"
		switch {
		case n%10 == 3:
			state = "none"
		case n%10 == 7:
			mail = "broken"
		case n%20 == 5:
			mail = "perhaps"
		}
		fmt.Fprintf(&text, "u%d,%s,%s,no,%s\n", n, state, mail, lifeTime(n))
	}
	return text.String()
}

// A dry run maps a row once. A run and its report map it twice: to check it and find its
// place in the order, whoever else looks at it then, and to send it. Any later pass and its
// report map it three times at most.
func TestARowIsMappedAsOftenAsIsNeeded(t *testing.T) {
	t.Parallel()
	const rows = 1000
	few := func(name string) bool { return strings.HasPrefix(name, "u1") && strings.HasSuffix(name, "9 mail") }
	perRow := func(n int64) float64 { return float64(n) / rows }
	living := func(export string) *life {
		l := newLife(t, export)
		l.seen = func(b *survey.Batch) func() error {
			return func() error {
				for i := range b.Rows {
					l.shown += len(b.Rows[i].Consents)
				}
				return nil
			}
		}
		return l
	}

	dry := newLife(t, lifeExport(rows))
	assert.Equal(t, 1.0, perRow(dry.run(func(c *Config) { c.DryRun = true }, 0).mappings), "dry run")

	at := func(what string, sending, most float64, got lived) {
		t.Helper()
		t.Logf("%-40s %.2f mappings a row to send, %.2f with the report", what, perRow(got.sending), perRow(got.mappings))
		assert.LessOrEqual(t, perRow(got.sending), sending, what)
		assert.LessOrEqual(t, perRow(got.mappings), most, what)
		assert.Greater(t, perRow(got.mappings), 0.9, "%s: each row is mapped", what)
	}
	l := living(lifeExport(rows))
	l.refuse = few
	at("run", 2, 2, l.run(func(*Config) {}, 0))
	assert.Equal(t, 1500, l.shown, "two consents of each row that can be read")
	at("retry", 2, 3, l.run(retry, 0))
	seen := l.seen
	l.seen = nil
	at("repair", 2, 3, l.run(l.repair(1, []int64{7, 17, 27, 997}), 0))
	at("retry after a repair", 2, 3, l.run(retry, 0))
	changed := specOf(t, `, perhaps: reject`)
	with := func(c *Config) { retry(c); c.Spec = changed }
	l.seen, l.shown = seen, 0 // rows that are partly sent are then read under both mappings
	at("retry under a changed mapping, looked at", 2.1, 3, l.run(with, 400))
	assert.Equal(t, 1608, l.shown, "what was sent is shown as well, and what was repaired")
	l.seen = nil
	at("resume of it", 2, 3, l.run(func(c *Config) { resume(c); c.Spec = changed }, 0))
	at("repair under it", 2, 3, l.run(l.repair(2, []int64{37, 47}), 0))
	at("retry after all of that", 2, 3, l.run(with, 0))

	half := living(lifeExport(rows))
	half.refuse = func(name string) bool { return strings.HasSuffix(name, "mail") }
	at("run where each row is half refused", 2, 2, half.run(func(*Config) {}, 0))
	at("retry where each row is half refused", 2, 3, half.run(retry, 0))
	again := living(lifeExport(rows))
	again.refuse = half.refuse
	again.run(func(*Config) {}, 0)
	at("retry of such rows under a changed mapping, looked at", 2.1, 3, again.run(with, 0))
	again.refuse = few
	third := specOf(t, `, perhaps: reject, broken: reject`)
	at("retry of what is left under another one, looked at", 3, 3, again.run(func(c *Config) { retry(c); c.Spec = third }, 0))

	unread := living(strings.ReplaceAll(lifeExport(rows), ",yes,", ",perhaps,"))
	at("run that can read next to nothing", 2, 2, unread.run(func(*Config) {}, 0))
	at("retry under a mapping that can", 2, 3, unread.run(with, 0))

	stopped := living(lifeExport(rows))
	stopped.refuse = few
	at("run up to the middle", 2, 2, stopped.run(func(*Config) {}, rows/2))
	at("its resume", 2, 3, stopped.run(resume, 0))

	shuffled := living(shuffledExport(rows))
	at("run of rows half of which leave with earlier ones", 2, 2, shuffled.run(func(*Config) {}, 0))
	halfway := living(shuffledExport(rows))
	at("the same up to the middle", 2, 2, halfway.run(func(*Config) {}, rows/2))
	at("its resume", 2, 3, halfway.run(resume, 0))

	for n := range 2 {
		part := living(lifeExport(rows))
		part.refuse = few
		of := func(c *Config) { c.Shard = shard.Shard{I: n + 1, N: 2} }
		at("run of a shard", 2, 2, part.run(of, 0))
		at("its retry", 2, 3, part.run(func(c *Config) { retry(c); of(c) }, 0))
	}
	delta := living(lifeExport(rows + 10))
	finished := living(lifeExport(rows))
	delta.server = finished.server
	finished.run(func(*Config) {}, 0)
	got := delta.run(func(c *Config) { c.Since = &Since{Dir: filepath.Join(finished.dir, "out"), Context: t.Context()} }, 0)
	at("run that is held against another import", 2.02, 2.02, got)
	assert.Len(t, got.rows, rows+10)

	const many = 4 * rows // several batches
	for what, limit := range map[string]int64{"to its end": 0, "up to the middle": many / 2} {
		long := living(shuffledExport(many))
		got := long.run(func(*Config) {}, limit)
		assert.LessOrEqual(t, float64(got.sending)/many, 2.0, "many rows half of which leave with earlier ones, %s", what)
		assert.Equal(t, got.sending, got.mappings, "its report")
		assert.Len(t, got.rows, many, "what left with earlier rows is shown as well")

		far := living(shuffledExport(many)) // many more than are followed in memory
		far.follower = func(f *survey.Follower) { f.Room, f.Early = 1, 1 }
		got = far.run(func(*Config) {}, limit)
		assert.LessOrEqual(t, float64(got.mappings)/many, 2.0, "a run that cannot be followed, %s", what)
		assert.Len(t, got.rows, many)
	}
}

// shuffledExport has each person's newer decisions before the older ones.
func shuffledExport(rows int64) string {
	var text strings.Builder
	text.WriteString("id,state,mail,ads,at\n")
	for n := range rows {
		fmt.Fprintf(&text, "u%d,said,%s,no,%s\n", n%(rows/2), []string{"yes", "no"}[n%2], lifeTime(2*rows-n))
	}
	return text.String()
}

// Over any passes, each consent is accepted once, and the survey says of each what
// the server says.
func TestPassesSendWhatIsLeftAndNothingTwice(t *testing.T) {
	t.Parallel()
	const rows = 400
	l := newLife(t, lifeExport(rows))
	l.refuse = func(name string) bool { return strings.HasSuffix(name, "1 ads") }
	first := l.run(func(*Config) {}, 150)
	require.NotNil(t, first.stop)
	l.run(resume, 0)
	l.run(l.repair(1, []int64{7, 17}), 0)
	l.refuse = func(name string) bool { return strings.HasSuffix(name, "11 ads") }
	l.run(func(c *Config) { retry(c); c.Spec = specOf(t, `, perhaps: reject`) }, 100)
	l.run(func(c *Config) { resume(c); c.Spec = nil }, 0)
	l.run(l.repair(2, []int64{27}), 0)
	end := l.run(func(c *Config) { retry(c); c.Spec = nil }, 0)

	times := map[string]int{}
	for _, name := range l.accepted {
		times[name]++
	}
	for name, n := range times {
		assert.Equal(t, 1, n, "%s was accepted once", name)
	}
	sent := map[string]int{}
	require.Len(t, end.rows, rows)
	for n, row := range end.rows {
		fixed := n == 7 || n == 17 || n == 27
		switch {
		case n%10 == 3:
			assert.Equal(t, mapping.Skipped, row.status, "row %d", n)
		case n%10 == 7 && !fixed:
			assert.Equal(t, mapping.Invalid, row.status, "row %d", n)
		default:
			assert.Equal(t, mapping.Mapped, row.status, "row %d", n)
			require.Len(t, row.consents, 2, "row %d", n)
		}
		for _, c := range row.consents {
			var id, category, state string
			var pass int
			_, err := fmt.Sscanf(c, "%s %s %s %d", &id, &category, &state, &pass)
			require.NoError(t, err)
			if state == "sent" {
				sent[id+" "+category]++
			} else {
				assert.Equal(t, "refused", state, c)
				assert.True(t, l.refuse(id+" "+category), c)
			}
		}
	}
	assert.Equal(t, slices.Sorted(maps.Keys(times)), slices.Sorted(maps.Keys(sent)))
	assert.Equal(t, []string{"u7 mail sent 2", "u7 ads sent 2"}, end.rows[7].consents)
	assert.Equal(t, []string{"u5 mail sent 3", "u5 ads sent 3"}, end.rows[5].consents, "invalid before the mapping changed")
	assert.Equal(t, []string{"u21 mail sent 1", "u21 ads sent 3"}, end.rows[21].consents)
}

package main

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	waitFor = 30 * time.Second
	tick    = 5 * time.Millisecond
)

func TestExitCodes(t *testing.T) {
	ann := exportRow(1, "ann", "mail", "yes")
	for name, c := range map[string]struct {
		rows, faults string
		flags        []string
		code         int
		says         string
	}{
		"complete":               {rows: ann, code: exitComplete},
		"refused":                {rows: ann, flags: []string{"--attempts", "0"}, code: exitRefused},
		"an invalid row":         {rows: ann + exportRow(2, "bob", "mail", "hm"), code: exitFailures},
		"a refused consent":      {rows: ann + exportRow(2, "bob", "mail", "yes"), faults: "subject400=bob", code: exitFailures},
		"a refused consent, 413": {rows: ann + exportRow(2, "bob", "mail", "yes"), faults: "subject413=bob", code: exitFailures},
		"a refused consent, 422": {rows: ann + exportRow(2, "bob", "mail", "yes"), faults: "subject422=bob", code: exitFailures},
		"a failed consent":       {rows: ann + exportRow(2, "bob", "mail", "yes"), faults: "subject503=bob", flags: []string{"--attempts", "2"}, code: exitFailures},
		"a limit":                {rows: ann + exportRow(2, "bob", "mail", "yes"), flags: []string{"--limit", "1"}, code: exitIncomplete, says: "stopped after 1 row, as asked\n"},
		"a limit amid histories": {
			rows:  exportRow(5, "ann", "mail", "yes") + exportRow(5, "bob", "mail", "yes") + exportRow(3, "cat", "mail", "no") + exportRow(1, "bob", "mail", "no") + exportRow(2, "ann", "mail", "no"),
			flags: []string{"--limit", "2"}, code: exitIncomplete, says: "stopped after 2 rows, as asked; 2 consents of later rows came along, because a person's decisions leave together",
		},
		"a limit amid one history": {
			rows:  exportRow(5, "ann", "mail", "yes") + exportRow(3, "cat", "mail", "no") + exportRow(2, "ann", "mail", "no"),
			flags: []string{"--limit", "1"}, code: exitIncomplete, says: "stopped after 1 row, as asked; 1 consent of a later row came along, because a person's decisions leave together",
		},
		"a plan's limit (402)":          {rows: ann, faults: "subject402=ann", code: exitIncomplete},
		"no permission (403)":           {rows: ann, faults: "subject403=ann", code: exitIncomplete},
		"nobody's project (404)":        {rows: ann, faults: "subject404=ann", code: exitIncomplete},
		"some other refusal (451)":      {rows: ann, faults: "subject451=ann", code: exitIncomplete},
		"a redirect":                    {rows: ann, faults: "redirect=100%", code: exitIncomplete, says: "/_sandbox/elsewhere, which is not followed, for the key would leave the host: check the base URL"},
		"a withdrawal that was invalid": {rows: ann + exportRow(2, "ann", "mail", "no") + strings.Replace(exportRow(3, "ann", "mail", "no"), "2024-", "1024-", 1), code: exitFailures},
		"a withdrawal that is invalid":  {rows: ann + strings.Replace(exportRow(2, "ann", "mail", "no"), "2024-01-", "2024-99-", 1), code: exitPermissive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, c.faults)
			r.write(t, "export.csv", exportHeader+c.rows)
			got := r.here(t, nil, r.args(c.flags...)...).requireCode(t, c.code)
			if c.code == exitRefused {
				return
			}
			s := summaryIn(t, r.out())
			assert.Equal(t, c.code, s.ExitCode)
			assert.Contains(t, s.Detail+"\n", c.says)
			assert.LessOrEqual(t, strings.Count(s.Detail, "follow"), 1, "said once: %s", s.Detail)
			r.here(t, nil, "report", r.out()).requireCode(t, c.code)
			assert.NotContains(t, got.stdout+got.stderr, testKey)
			if c.code == exitIncomplete {
				r.faults(t, "")
				r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			}
			assert.Zero(t, r.server.Stats().RedirectsFollowed)
		})
	}
}

// A withdrawal that the target refused, after it took the consent: the target now
// allows more than the person did.
func TestAnAcceptWhoseWithdrawalWasRefusedIsExitCode5(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "ann", "mail", "no")+exportRow(3, "bob", "mail", "no"))
	r.here(t, nil, r.args("--limit", "1")...).requireCode(t, exitIncomplete)
	r.faults(t, "400=100%")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitPermissive)
	s := summaryIn(t, r.out())
	assert.Equal(t, []string{"2.1"}, s.OverPermissive.Consents)
	suppress := filesIn(t, r.out())["suppress.csv"]
	assert.Contains(t, suppress, "ann")
	assert.NotContains(t, suppress, "bob")
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.Zero(t, summaryIn(t, r.out()).OverPermissive.Count)
	assert.NotContains(t, filesIn(t, r.out()), "suppress.csv")
}

// The first signal: nothing new leaves, what is in flight finishes, the reports
// are written.
func TestASignalStopsCleanly(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 2000, "latency=100ms")
			child := r.start(t, r.args("--concurrency", "8")...)
			require.Eventually(t, func() bool { return r.server.Stats().Stored > 40 }, waitFor, tick)
			require.NoError(t, child.cmd.Process.Signal(signal))
			began := time.Now()
			got := child.wait(t).requireCode(t, exitIncomplete)
			assert.Less(t, time.Since(began), 9*time.Second)
			assert.Contains(t, got.stderr, "stopping")
			s := summaryIn(t, r.out())
			assert.Equal(t, r.server.Stats().Stored, s.Consents.Sent, "what was in flight is accounted for")
			assert.Less(t, s.Consents.Sent, int64(2000))
			assert.Equal(t, "signal", s.Why)
			assert.Contains(t, s.Next, "--resume")
			r.faults(t, "")
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
			assert.Zero(t, r.account(t), "a clean stop repeats nothing")
		})
	}
}

func TestAKeyThatIsRevokedStopsTheRun(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 1000, "401after=300")
	got := r.here(t, nil, r.args("--concurrency", "8")...).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "401")
	s := summaryIn(t, r.out())
	assert.EqualValues(t, 299, s.Consents.Sent)
	assert.Zero(t, s.Failures())
	assert.LessOrEqual(t, r.server.Stats().Requests, int64(299+8))
	r.faults(t, "")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

// Nobody listens: the run ends, and has used up nobody's attempts.
func TestNobodyListening(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	r := rehearse(t, 50, "")
	began := time.Now()
	got := r.here(t, nil, r.args("--base-url", "http://"+addr+"/v1", "--attempts", "1", "--retry-for", "2s")...).requireCode(t, exitIncomplete)
	assert.Less(t, time.Since(began), 8*time.Second)
	assert.Contains(t, got.stderr, addr)
	s := summaryIn(t, r.out())
	assert.Equal(t, s.Consents.Made, s.Consents.Pending)
	assert.NotZero(t, s.Consents.Pending)
	assert.Zero(t, s.Failures())
}

// The target is gone in the middle, and back in time: nothing is lost or failed.
func TestATargetThatComesBack(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 500, "down=100+2s")
	r.here(t, nil, r.args("--attempts", "2", "--concurrency", "8")...).requireCode(t, exitComplete)
	r.account(t)
	assert.Zero(t, summaryIn(t, r.out()).Failures())
}

// A mapping that is likely wrong stops the run before it has done it all.
func TestTheFailureBudgetStopsTheRun(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 2000, "400=100%")
	got := r.here(t, nil, r.args()...).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "failure budget of 50% allows")
	s := summaryIn(t, r.out())
	assert.GreaterOrEqual(t, s.Consents.Refused, int64(200))
	assert.Less(t, s.Consents.Refused, int64(300))
	r.faults(t, "")
	got = r.here(t, nil, r.args("--resume", "--retry", "--max-failures", "100%")...)
	got.requireCode(t, exitComplete)
	assert.NotZero(t, summaryIn(t, r.out()).Consents.Sent)

	r = rehearse(t, 2000, "400=100%")
	r.here(t, nil, r.args("--max-failures", "100%")...).requireCode(t, exitFailures)
	r = rehearse(t, 2000, "400=100%")
	r.here(t, nil, r.args("--max-failures", "20", "--concurrency", "4")...).requireCode(t, exitIncomplete)
	assert.Less(t, summaryIn(t, r.out()).Consents.Refused, int64(30))
}

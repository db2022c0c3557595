package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first row of an export waits for its next attempt when the import is
// stopped, all others have arrived, up to the very last one: a resume sends the
// first and nothing else.
func TestAResumeSendsTheOneThatWasLeftAndNoOther(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "subject503=u1")
	text := exportHeader
	for n := 1; n <= 40; n++ {
		text += exportRow(n, fmt.Sprintf("u%d", n), "mail", "yes")
	}
	r.write(t, "export.csv", text)
	child := r.start(t, r.args("--attempts", "1000")...)
	require.Eventually(t, func() bool { return r.server.Stats().Stored == 39 }, waitFor, tick)
	require.NoError(t, child.cmd.Process.Signal(os.Interrupt))
	child.wait(t).requireCode(t, exitIncomplete)
	assert.EqualValues(t, 39, summaryIn(t, r.out()).Consents.Sent)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	all := r.server.Consents()
	require.Len(t, all, 40, "nothing arrives twice")
	assert.Equal(t, "row 1", all[39].Message)
}

// The last row of an export failed, and is older than another that was sent: a
// retry holds it back, as it does with any other row.
func TestTheLastRowCanBeOvertakenToo(t *testing.T) {
	t.Parallel()
	row := func(n int, second int) string {
		return fmt.Sprintf("%d,ann,ann@people.example,mail,yes,2024-05-01T10:00:%02dZ\n", n, second)
	}
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+row(1, 10)+row(2, 9))
	r.here(t, nil, r.args("--history", "rows", "--limit", "1")...).requireCode(t, exitIncomplete)
	r.faults(t, "400=100%")
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures)
	r.faults(t, "")
	r.here(t, nil, r.args("--resume", "--retry")...).requireCode(t, exitComplete)
	assert.Len(t, r.server.Consents(), 1)
	assert.Equal(t, []string{"2"}, column(t, r.out(), "superseded.csv", "row"))
	assert.Equal(t, []string{"1.1"}, column(t, r.out(), "superseded.csv", "by"))
}

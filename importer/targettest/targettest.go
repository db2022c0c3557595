// Package targettest is what any target of an import must do, whatever it is and
// however it is asked: the suite of answers. A target is what implements
// importer.Target; its tests call Run.
//
//	func TestMyTargetIsATarget(t *testing.T) {
//		targettest.Run(t, targettest.Suite{
//			Secrets: []string{"the key"},
//			Target: func(t *testing.T, s targettest.Situation, timeout time.Duration) targettest.Target {
//				return mytarget.New("http://"+targettest.Serve(t, s, targettest.Replies{}), "the key", timeout)
//			},
//		})
//	}
package targettest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/mapping"
)

// Target is importer.Target.
type Target interface {
	Send(ctx context.Context, c *mapping.Consent) delivery.Answer
}

// Suite is a target under test.
type Suite struct {
	// Target makes one in a situation, whose requests take timeout at most. It ends
	// with the test. Serve is a server for targets that speak HTTP.
	Target func(t *testing.T, s Situation, timeout time.Duration) Target
	// Secrets must stand in no answer: the key, in each form in which it is sent.
	Secrets []string
	// Replies are what Serve was given: the suite expects their statuses.
	Replies Replies
	// Lacks are situations that this target cannot be in, with the reason.
	Lacks map[Situation]string
}

// want is what an answer must be in a situation.
type want struct {
	class     delivery.Class
	status    int // 0: no answer came
	timeout   bool
	unreached bool
	after     time.Duration
}

// answers says what a situation means: it is the contract of importer.Target.
var answers = map[Situation]want{
	Accepts:           {class: delivery.Sent, status: 200},
	AcceptsSilently:   {class: delivery.Sent, status: 204},
	Refuses:           {class: delivery.Refused, status: 400},
	RefusesWithJunk:   {class: delivery.Refused, status: 400},
	RefusesKey:        {class: delivery.Stopped, status: 401},
	Redirects:         {class: delivery.Stopped, status: 302},
	Throttles:         {class: delivery.Transient, status: 429, after: 7 * time.Second},
	ThrottlesAbsurdly: {class: delivery.Transient, status: 429, after: delivery.MaxRetryAfter},
	Fails:             {class: delivery.Transient, status: 500},
	Hangs:             {class: delivery.Transient, timeout: true},
	Resets:            {class: delivery.Transient},
	CutsOff:           {class: delivery.Transient, status: -1}, // with or without its status
	Stalls:            {class: delivery.Transient, status: -1, timeout: true},
	Floods:            {class: delivery.Refused, status: 400},
	Absent:            {class: delivery.Transient, unreached: true},
	Echoes:            {class: delivery.Refused, status: 400},
}

// consent is one with every field; its identifiers must stand in no answer.
func consent() *mapping.Consent {
	return &mapping.Consent{
		Action: mapping.Accept, Timestamp: 1748779200123, ValidUntil: mapping.Unlimited, SourceID: 12, HasSourceID: true,
		Source: []byte("web"), Category: []byte("analytics"), UserID: []byte("user-81723"), ProfileID: []byte("profile-55201"),
		Email: []byte("zoe.okafor@people.example"), Message: []byte("moved"),
	}
}

var identifiers = []string{"user-81723", "profile-55201", "zoe.okafor", "people.example"}

// consents is how many are sent in a situation.
const consents = 2

// soon is the time-out of requests in situations in which no answer comes.
const soon = 300 * time.Millisecond

// Run holds a target against the suite.
func Run(t *testing.T, suite Suite) {
	require.NotNil(t, suite.Target)
	require.NotEmpty(t, suite.Secrets, "a target has a key that no answer may show")
	usual := suite.Replies.orUsual()
	for _, s := range Situations() {
		w := answers[s]
		switch s {
		case Accepts:
			w.status = usual.Accepts.Status
		case Refuses:
			w.status = usual.Refuses.Status
		}
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			if why, lacks := suite.Lacks[s]; lacks {
				t.Skip(why)
			}
			timeout := 30 * time.Second
			if w.timeout {
				timeout = soon
			}
			target := suite.Target(t, s, timeout)
			for range consents { // the second request may find the connection of the first
				began := time.Now()
				a := target.Send(t.Context(), consent())
				assert.Less(t, time.Since(began), timeout+10*time.Second, "a request is bounded by its time-out")
				suite.check(t, w, a)
			}
		})
	}
	t.Run("gives up when it is told to", func(t *testing.T) {
		t.Parallel()
		target := suite.Target(t, Hangs, time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		a := target.Send(ctx, consent())
		assert.Less(t, time.Since(began), 10*time.Second)
		assert.Equal(t, delivery.Transient, a.Class)
		assert.True(t, a.Canceled, "whether it arrived is not known")
		assert.False(t, a.Timeout, "the target had its time left")
	})
	t.Run("serves many at once", func(t *testing.T) {
		t.Parallel()
		target := suite.Target(t, Accepts, 30*time.Second)
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for range 8 {
					if a := target.Send(t.Context(), consent()); !assert.Equal(t, delivery.Sent.String(), a.Class.String(), "%+v", a) {
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// check holds an answer against what the situation means, and against what every
// answer keeps to.
func (suite *Suite) check(t *testing.T, w want, a delivery.Answer) {
	t.Helper()
	assert.Equal(t, w.class.String(), a.Class.String(), "%+v", a)
	if w.status >= 0 {
		assert.Equal(t, w.status, a.Status, "%+v", a)
	}
	assert.Equal(t, w.timeout, a.Timeout, "Timeout: %+v", a)
	assert.Equal(t, w.unreached, a.Unreached, "Unreached: %+v", a)
	assert.False(t, a.Canceled)
	assert.Equal(t, w.after, a.RetryAfter, "RetryAfter")
	assert.GreaterOrEqual(t, a.Latency, time.Duration(0))
	if a.Class == delivery.Sent {
		assert.Empty(t, a.Message, "a success needs no words")
	} else if a.Class != delivery.Transient || a.Status == 0 {
		assert.NotEmpty(t, a.Message, "a person is told why")
	}
	assert.LessOrEqual(t, utf8.RuneCountInString(a.Message), delivery.MaxMessage)
	assert.True(t, utf8.ValidString(a.Message))
	assert.False(t, strings.ContainsFunc(a.Message, unicode.IsControl), "one line, and nothing that a terminal runs: %q", a.Message)
	for _, secret := range append(identifiers, suite.Secrets...) {
		assert.NotContains(t, strings.ToLower(a.Message), strings.ToLower(secret), "nobody's key or name")
	}
}

// Package delivery is what a target says of one consent that was sent to it, and the
// counts of it. The importer decides by an answer what happens next; it knows nothing
// else of a target.
package delivery

import "time"

// Class says what an answer means for the consent that was sent.
type Class uint8

// The classes of answers.
const (
	// Sent: the target took the consent. Over HTTP: a 2xx whose body tells of no error.
	Sent Class = iota
	// Refused: the target refuses this consent; go on with others. 400, 413, 422, a
	// 2xx with an error in its body.
	Refused
	// Transient: try again later. 408, 429, 5xx, transport errors, time-outs.
	Transient
	// Stopped: the run must stop; the consent stays pending. 401 to 404, any other
	// 4xx, 3xx, a 2xx with a web page, a certificate that does not verify.
	Stopped
)

// String names the class as messages and tests do.
func (c Class) String() string {
	switch c {
	case Sent:
		return "sent"
	case Refused:
		return "refused"
	case Transient:
		return "transient"
	case Stopped:
		return "stopped"
	default:
		return "unknown"
	}
}

// MaxRetryAfter is the longest wait that a target can ask for: what is above is
// cut to it, so that an absurd header does not stop an import for a day.
const MaxRetryAfter = 5 * time.Minute

// MaxMessage is how many characters of a target's text are kept.
const MaxMessage = 300

// Answer is what came of one request.
type Answer struct {
	Class  Class
	Status int // HTTP status; 0 when no answer came
	// Message is the target's text, or a verb phrase for a transport error:
	// at most MaxMessage characters, one line, without keys, e-mail addresses or the
	// consent's own identifiers. It is empty when the class is Sent.
	Message string
	// RetryAfter is how long the target asked to wait, at most MaxRetryAfter; 0
	// when it did not say.
	RetryAfter time.Duration
	// Rate is what a 429 says it refills, in requests per second; 0 when it
	// does not say, or says a time to wait instead. Burst is what its bucket
	// holds, in requests; 0 when unknown.
	Rate  float64
	Burst float64
	// Timeout is set when the target was reached but did not answer in time.
	Timeout bool
	// Unreached is set when no connection could be made at all: nothing of the
	// request left this machine.
	Unreached bool
	// Canceled is set when the caller's context ended first. Whether the target
	// took the consent is not known, and nothing is to be counted.
	Canceled bool
	Latency  time.Duration
}

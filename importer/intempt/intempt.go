// Package intempt is the target: Intempt's Consent API as a client must know it.
//
// A Client sends one consent a request, in one of two dialects, and says what
// the answer means. A Pacer decides when the next one may leave, a Backoff how
// long a consent that got a transient answer waits. Retrying itself is the
// importer's: it knows what must not overtake what.
package intempt

import "time"

// Class says what an answer means for the consent that was sent.
type Class uint8

// The classes of answers.
const (
	// Sent: a 2xx whose body tells of no error. The target took the consent.
	Sent Class = iota
	// Refused: 400, 413, 422, a 2xx with an error in its body. The target refuses
	// this consent; go on with others.
	Refused
	// Transient: 408, 429, 5xx, transport errors, time-outs. Try again later.
	Transient
	// Stopped: 401 to 404, any other 4xx, 3xx, a 2xx with a web page, a certificate
	// that does not verify. The run must stop; the consent stays pending.
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

// Answer is what came of one request.
type Answer struct {
	Class  Class
	Status int // HTTP status; 0 when no answer came
	// Message is the target's text, or a verb phrase for a transport error:
	// at most 300 characters, one line, without keys, e-mail addresses or the
	// consent's own identifiers. It is empty when the class is Sent.
	Message string
	// RetryAfter is how long the target asked to wait, at most 5 minutes; 0
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

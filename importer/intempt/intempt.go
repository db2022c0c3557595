// Package intempt is the target: Intempt's Consent API as a client must know it.
package intempt

import "time"

// Class says what an answer means for the consent that was sent.
type Class uint8

// The classes of answers.
const (
	// Sent: any 2xx. The target took the consent.
	Sent Class = iota
	// Rejected: 400, 413, 422. The target refuses this consent; go on with others.
	Rejected
	// Transient: 408, 429, 5xx, transport errors, time-outs. Try again later.
	Transient
	// Stopped: 401 to 404, any other 4xx, 3xx, a certificate that does not
	// verify. The run must stop; the consent stays pending.
	Stopped
)

// Answer is what came of one request.
type Answer struct {
	Class  Class
	Status int // HTTP status; 0 when no answer came
	// Message is the target's text, or a verb phrase for a transport error:
	// at most 300 characters, one line, without keys, e-mail addresses or the
	// consent's own identifiers.
	Message string
	// RetryAfter is how long the target asked to wait, at most 5 minutes; 0
	// when it did not say.
	RetryAfter time.Duration
	// Timeout is set when the target was reached but did not answer in time.
	Timeout bool
	// Refused is set when no connection could be made at all.
	Refused bool
	Latency time.Duration
}

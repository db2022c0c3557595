package intempt

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/consentimport/consentimport/importer/delivery"
)

// classify is the table of answers: what a status means for the consent. Of a 2xx
// the body decides (conn.verdict).
//
// A status that HTTP does not know (below 200 as a final answer, 600 and above)
// is Transient: it tells nothing about the consent, and something between us
// and the target most likely made it up.
func classify(status int) delivery.Class {
	switch {
	case status >= 200 && status <= 299:
		return delivery.Sent
	case status == 400, status == 413, status == 422:
		return delivery.Refused
	case status == 408, status == 429:
		return delivery.Transient
	case status >= 300 && status <= 499:
		return delivery.Stopped
	default:
		return delivery.Transient
	}
}

// parseRetryAfter reads a Retry-After header: seconds, or a date in one of the
// three forms of RFC 9110, section 5.6.7. A date is compared with the answer's
// own Date header, if it has a readable one, so that a wrong clock on either
// side does no harm. What is unreadable, negative or past is 0.
func parseRetryAfter(value, date string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil || isRange(err) {
		switch {
		case math.IsNaN(seconds) || seconds <= 0:
			return 0
		case seconds >= delivery.MaxRetryAfter.Seconds():
			return delivery.MaxRetryAfter
		}
		return time.Duration(seconds * float64(time.Second))
	}
	until, ok := parseDate(value)
	if !ok {
		return 0
	}
	if sent, ok := parseDate(date); ok {
		now = sent
	}
	return min(max(until.Sub(now), 0), delivery.MaxRetryAfter)
}

// isRange says that a number was read, only too large to hold.
func isRange(err error) bool {
	numError, ok := err.(*strconv.NumError)
	return ok && numError.Err == strconv.ErrRange
}

// parseDate reads a date of HTTP in any of its three forms.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseRate reads what a rate limiter says of its token bucket (the headers of
// Spring Cloud Gateway): tokens refilled in a second, tokens that it holds,
// tokens that one request costs. It gives requests per second and requests; 0
// when nothing usable is said.
func parseRate(replenish, burst, requested string) (rate, bucket float64) {
	cost := number(requested)
	if cost == 0 {
		cost = 1
	}
	rate = number(replenish) / cost
	if rate == 0 {
		return 0, 0
	}
	return rate, number(burst) / cost
}

// number reads a positive, finite number; anything else is 0.
func number(s string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n > 0) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

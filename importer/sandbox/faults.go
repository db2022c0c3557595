package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// Faults says how the sandbox misbehaves. The zero value is a server without
// faults. See ParseFaults.
type Faults struct {
	spec     string
	shares   []share // of all requests, exclusive of each other
	latency  [2]time.Duration
	poison   float64 // share of subjects that always get 500
	refuse   float64 // share of consents that always get 400
	retry    string  // Retry-After of 429 and 503: "", "date", "absurd" or seconds
	after    []codeAfter
	during   []codeDuring
	down     down
	rate     int
	subjects []codeSubject
}

// kind names a fault that is not just a status.
type kind uint8

// The kinds of faults, in the order in which statistics list them.
const (
	status   kind = iota // answers with a status
	reset                // TCP reset; nothing stored
	lost                 // stored, then the connection closes without an answer
	hang                 // no answer until the client gives up; nothing stored
	slow                 // stored, the answer comes byte by byte over seconds
	junk                 // stored, 200 with a body that is not JSON
	cut                  // stored, 200 whose body ends before its Content-Length
	html                 // 400 with 10 MB of HTML
	echo                 // 400 whose message repeats the body and the key
	redirect             // 302 elsewhere, the key in Location
	poisoned             // this subject always gets a status
	refused              // this consent always gets a status
	dropped              // down: the connection closes at once
	kinds
)

var kindNames = [kinds]string{"status", "reset", "lost", "hang", "slow", "junk", "cut", "html", "echo", "redirect",
	"poison", "refuse", "down"}

type share struct {
	kind kind
	code int // of status, poisoned, refused
	p    float64
}

type codeAfter struct {
	code int
	n    int64 // first request that gets it, from 1
}

type codeDuring struct {
	code int
	d    time.Duration
}

type codeSubject struct {
	code int
	id   string
}

// down closes the connection of every request after the first After ones, for
// Requests requests, or for Span when that is set.
type down struct {
	after, requests int64
	span            time.Duration
}

// String gives the text that the faults were parsed from.
func (f Faults) String() string { return f.spec }

// simpleFaults are the names that stand for themselves; ParseFaults documents
// them, and those that begin with a status code.
var simpleFaults = []string{"reset", "lost", "hang", "slow", "junk", "cut", "html", "echo", "redirect",
	"latency", "poison", "refuse", "retryafter", "down", "rate"}

// ParseFaults reads a list such as 400=1%,429=5%,reset=0.5%,latency=20ms.
//
// Shares of all requests; a request suffers one of them at most, so they may
// add up to 100 % at most: NNN=P% (answers with that status; 2xx are stored),
// reset, lost, hang, slow, junk, cut, html, echo, redirect.
//
// Always the same subjects or consents: poison=P% (of subjects: 500),
// refuse=P% (of consents: 400), subjectNNN=ID (one subject by its userId or
// profileId).
//
// By time or number, counted from when the faults were set: NNNafter=N (from
// the N-th request on), NNNfor=DURATION (from the first request), down=N+M
// (after N requests, M requests or a duration long, connections just close),
// rate=N (more requests a second get 429).
//
// Shape: latency=20ms or latency=5ms-50ms before every answer;
// retryafter=SECONDS, date or absurd as Retry-After of 429 and 503.
func ParseFaults(spec string) (Faults, error) {
	f := Faults{spec: strings.TrimSpace(spec)}
	if f.spec == "" {
		return Faults{}, nil
	}
	given := map[string]bool{}
	for item := range strings.SplitSeq(f.spec, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "" && !ok {
			continue // a comma too many
		}
		if name == "" {
			return Faults{}, fmt.Errorf("fault %q has no name: write one such as 429=5%%", item)
		}
		if !ok || value == "" {
			return Faults{}, fmt.Errorf("fault %q has no value: write %s=…", name, name)
		}
		what := name
		if strings.HasPrefix(name, "subject") {
			what = "subject=" + value // of several subjects each has its own answer
		}
		if given[what] {
			return Faults{}, fmt.Errorf("fault %s is given twice: leave one of them out", name)
		}
		given[what] = true
		if err := f.set(name, value); err != nil {
			return Faults{}, fmt.Errorf("fault %s: %w", name, err)
		}
	}
	var sum float64
	for _, s := range f.shares {
		sum += s.p
	}
	if sum > 1+1e-9 {
		return Faults{}, fmt.Errorf("faults add up to %.4g%% of the requests: a request gets one fault at most, so 100%% is the limit", sum*100)
	}
	return f, nil
}

// set reads one fault.
func (f *Faults) set(name, value string) (err error) {
	if code, what, ok := cutCode(name); ok {
		return f.setCode(code, what, value)
	}
	if digits, ok := strings.CutPrefix(name, "subject"); ok {
		code, rest, ok := cutCode(digits)
		if !ok || rest != "" || code < 300 {
			return fmt.Errorf("write subject500=ID, with a status from 300 to 599")
		}
		f.subjects = append(f.subjects, codeSubject{code, value})
		return nil
	}
	if k := slices.Index(kindNames[:poisoned], name); k > int(status) {
		p, err := percent(value)
		f.shares = append(f.shares, share{kind: kind(k), p: p})
		return err
	}
	switch name {
	case "latency":
		f.latency, err = span(value)
	case "poison":
		f.poison, err = percent(value)
	case "refuse":
		f.refuse, err = percent(value)
	case "retryafter":
		f.retry, err = retryAfter(value)
	case "down":
		f.down, err = parseDown(value)
	case "rate":
		f.rate, err = strconv.Atoi(value)
		if err != nil || f.rate < 1 {
			err = fmt.Errorf("%q is not a number of requests per second", value)
		}
	default:
		if near := nearest(name, simpleFaults); near != "" {
			return fmt.Errorf("unknown; did you mean %s?", near)
		}
		return fmt.Errorf("unknown; there are status codes and %s", strings.Join(simpleFaults, ", "))
	}
	return err
}

// setCode reads the faults that begin with a status: 429, 401after, 429for.
func (f *Faults) setCode(code int, what, value string) error {
	if code < 200 || code > 599 {
		return fmt.Errorf("is not a status that a server can answer with (200 to 599)")
	}
	switch what {
	case "":
		p, err := percent(value)
		f.shares = append(f.shares, share{kind: status, code: code, p: p})
		return err
	case "after":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a request number (from 1)", value)
		}
		f.after = append(f.after, codeAfter{code, n})
	case "for":
		d, err := duration(value)
		if err != nil {
			return err
		}
		f.during = append(f.during, codeDuring{code, d})
	default:
		return fmt.Errorf("unknown; after a status comes nothing, after or for: %d=P%%, %dafter=N, %dfor=DURATION", code, code, code)
	}
	return nil
}

// cutCode takes a three-digit number off the front of a name.
func cutCode(name string) (code int, rest string, ok bool) {
	if len(name) < 3 {
		return 0, "", false
	}
	code, err := strconv.Atoi(name[:3])
	if err != nil || name[0] < '0' || name[0] > '9' {
		return 0, "", false
	}
	return code, name[3:], true
}

// percent reads 0.5% as 0.005.
func percent(value string) (float64, error) {
	number, ok := strings.CutSuffix(value, "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a percentage such as 0.5%%", value)
	case !ok:
		return 0, fmt.Errorf("%q has no percent sign: write %s%%", value, value)
	case math.IsNaN(p) || p < 0 || p > 100:
		return 0, fmt.Errorf("%q is not between 0%% and 100%%", value)
	}
	return p / 100, nil
}

func duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 20ms or 1.5s", value)
	}
	return d, nil
}

// span reads 20ms or 5ms-50ms.
func span(value string) (s [2]time.Duration, err error) {
	low, high, ok := strings.Cut(value, "-")
	if !ok {
		high = low
	}
	if s[0], err = duration(strings.TrimSpace(low)); err != nil {
		return s, err
	}
	if s[1], err = duration(strings.TrimSpace(high)); err != nil {
		return s, err
	}
	if s[1] < s[0] {
		return s, fmt.Errorf("%q is reversed: write the shorter duration first", value)
	}
	return s, nil
}

func retryAfter(value string) (string, error) {
	if value == "date" || value == "absurd" {
		return value, nil
	}
	if n, err := strconv.Atoi(value); err != nil || n < 0 {
		return "", fmt.Errorf("%q is not seconds, date or absurd", value)
	}
	return value, nil
}

// parseDown reads 1000+500 or 1000+3s.
func parseDown(value string) (d down, err error) {
	after, length, ok := strings.Cut(value, "+")
	d.after, err = strconv.ParseInt(after, 10, 64)
	if !ok || err != nil || d.after < 0 {
		return d, fmt.Errorf("%q: write N+M, after N requests for M requests, or N+3s", value)
	}
	if d.requests, err = strconv.ParseInt(length, 10, 64); err == nil && d.requests > 0 {
		return d, nil
	}
	d.requests = 0
	d.span, err = duration(length)
	if err != nil || d.span == 0 {
		return d, fmt.Errorf("%q: write N+M, after N requests for M requests, or N+3s", value)
	}
	return d, nil
}

// nearest gives the known name that a misspelt one most likely means, or "".
func nearest(name string, known []string) string {
	best, at := "", 3
	for _, k := range known {
		if d := spelling.Distance(name, k); d < at && d < len(k) {
			best, at = k, d
		}
	}
	return best
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/report/summary"
)

// eventsVersion is the version of the form of events: a member that is added does not
// change it, one that changes its meaning does.
const eventsVersion = 1

// events writes what happens to a run as JSON lines, for programs that watch it. No
// person is in them. Its methods do nothing on nil.
//
//	{"v":1,"at":"…","event":"start","run":1,"import":"…","dryRun":false,"target":{…}}
//	{"v":1,"at":"…","event":"progress","rows":…,"bytes":…,"size":…,"consents":{"made":…,"sent":…,…}}
//	{"v":1,"at":"…","event":"wait","why":"between","until":"…","detail":"…"}
//	{"v":1,"at":"…","event":"continue"}
//	{"v":1,"at":"…","event":"stop","why":"signal","detail":"…"}
//	{"v":1,"at":"…","event":"end","state":"complete","exitCode":0,"rows":{…},"consents":{…}}
//
// Progress comes every ten seconds and once before the end; its counts include what
// earlier runs did. A run that waits for its hours (between) or the next day (per-day)
// says so when it begins to, and when it goes on; progress has the same as "waiting". Counts of the end are those of report.json. A run that is killed
// has no end: the start of the next one follows.
type events struct {
	mu   sync.Mutex
	to   io.Writer
	file *os.File // nil: standard output
	now  func() time.Time
	lost func(error) // is told of the first event that could not be written
	once sync.Once
}

// event is one line.
type event struct {
	V        int             `json:"v"`
	At       time.Time       `json:"at"`
	Event    string          `json:"event"`
	Run      int             `json:"run,omitempty"`
	Import   string          `json:"import,omitempty"`
	DryRun   *bool           `json:"dryRun,omitempty"`
	Target   *journal.Target `json:"target,omitempty"`
	Bytes    *int64          `json:"bytes,omitempty"` // of the export that were read
	Size     *int64          `json:"size,omitempty"`  // of all
	Why      string          `json:"why,omitempty"`
	Until    time.Time       `json:"until,omitzero"`
	Waiting  any             `json:"waiting,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	State    string          `json:"state,omitempty"`
	ExitCode *int            `json:"exitCode,omitempty"`
	Rows     any             `json:"rows,omitempty"`
	Consents any             `json:"consents,omitempty"`
}

// openEvents opens the file that --events names; "-" is standard output.
func openEvents(env *environment, name string) (*events, error) {
	e := &events{to: env.stdout, now: env.now, lost: func(err error) {
		messages{env}.note(fmt.Sprintf("events are missing from --events %s: %v; the run goes on", name, err))
	}}
	switch name {
	case "":
		return nil, nil
	case "-":
		return e, nil
	}
	if err := holdsEvents(name); err != nil {
		return nil, err
	}
	// A pipe that nobody reads is an error, and not something to wait for.
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, usage("give a file that can be written, or - for standard output", "open --events: %w", err)
	}
	e.to, e.file = newStream(f, stderrPatience), f
	if err := e.endLine(name); err != nil {
		return nil, usage("give a file that can be written, or - for standard output", "write --events: %w", errors.Join(err, f.Close()))
	}
	return e, nil
}

// holdsEvents refuses a file that holds something else than events: to append to an export,
// a mapping or a checkpoint would spoil it.
func holdsEvents(name string) error {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // whether it can be opened shows then
	}
	f, err := os.Open(name)
	if err != nil {
		return usage("give a file that can be read and written, or - for standard output", "open --events: %w", err)
	}
	defer f.Close()
	var first event
	line, _ := bufio.NewReader(io.LimitReader(f, 64<<10)).ReadBytes('\n')
	if err := json.Unmarshal(line, &first); err != nil || first.V == 0 || first.Event == "" {
		return usage("give a file that does not exist yet, or one that --events has written", "--events: %s does not begin with an event, and nothing is appended to it", name)
	}
	return nil
}

// endLine ends the last line of a file that an earlier run had no room or time to end, so
// that no event of this one is lost with it.
func (e *events) endLine(name string) error {
	last := make([]byte, 1)
	info, err := e.file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = e.file.WriteString("\n")
	return err
}

func (e *events) close() {
	if e != nil && e.file != nil {
		_ = e.file.Close() // each line was written by itself
	}
}

// say writes one event. What cannot be written is no reason to stop, but is said.
func (e *events) say(what event) {
	if e == nil {
		return
	}
	what.V, what.At = eventsVersion, e.now().UTC()
	line, err := json.Marshal(what)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.to.Write(append(line, '\n')); err != nil && e.file != nil {
		e.once.Do(func() { e.lost(err) })
	}
}

func (e *events) start(im *importer.Import, dry bool, to journal.Target) {
	if e != nil {
		e.say(event{Event: "start", Run: im.RunNumber(), Import: im.ID(), DryRun: &dry, Target: &to})
	}
}

func (e *events) progress(p importer.Progress) {
	if e == nil {
		return
	}
	var waiting any
	if p.Waiting.Why != "" {
		waiting = p.Waiting
	}
	e.say(event{Event: "progress", Waiting: waiting, Bytes: &p.Bytes, Size: &p.Size,
		Rows:     map[string]int64{"read": p.Rows, "skipped": p.Skipped, "invalid": p.Invalid},
		Consents: map[string]int64{"made": p.Made, "sent": p.Sent, "refused": p.Refused, "failed": p.Failed, "superseded": p.Superseded, "known": p.Known}})
}

func (e *events) waits(w importer.Waiting) {
	if w.Why == "" {
		e.say(event{Event: "continue"})
	} else {
		e.say(event{Event: "wait", Why: w.Why, Until: w.Until, Detail: w.Detail})
	}
}

func (e *events) stop(s *importer.Stop) {
	if e != nil && s != nil {
		e.say(event{Event: "stop", Why: string(s.Kind), Detail: s.Detail})
	}
}

func (e *events) end(s *summary.Summary) {
	if e != nil {
		e.say(event{Event: "end", State: s.State, ExitCode: &s.ExitCode, Why: s.Why, Detail: s.Detail, Rows: s.Rows, Consents: s.Consents})
	}
}

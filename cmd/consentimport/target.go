package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/sandbox"
)

// client is a target with what a run asks of it beside answers.
type client interface {
	importer.Target
	Stats() *delivery.Stats
	Close()
}

// target is where consents go: the API, or the sandbox inside this process.
type target struct {
	identity journal.Target
	client   client
	wording  intempt.Wording
	stop     func() error
	// arrived waits for what earlier runs have sent; nil: time decides, as with any
	// target that cannot be asked.
	arrived func(context.Context) bool
}

func (t *target) close() {
	t.client.Close()
	if t.stop != nil {
		_ = t.stop() // nothing is left that needs it
	}
}

// says names the target and the dialect, so that nobody is surprised by them.
func (t *target) says() string { return "sending to " + t.where() + "; " + t.wording.Says() }

// where names the target.
func (t *target) where() string {
	where := t.identity.BaseURL
	if t.identity.Sandbox {
		where = "the sandbox inside this process"
	}
	return fmt.Sprintf("%s, %s/%s", where, t.identity.Org, t.identity.Project)
}

// byStatus counts the answers of this run by their status.
func (t *target) byStatus() map[string]int64 {
	_, counts := t.client.Stats().Counts()
	return counts
}

func (t *target) sending(env *environment, limits importer.Limits, rate float64) importer.Sending {
	var target importer.Target = t.client
	if env.target != nil {
		target = env.target(target)
	}
	limits.Unfinished = env.unfinished
	stats := t.client.Stats()
	return importer.Sending{
		Target: target,
		Pacer:  intempt.NewPacer(intempt.PacerConfig{Max: limits.Concurrency, Rate: rate}),
		Limits: limits, Say: messages{env}.note, Arrived: t.arrived,
		HTTP: func(latencies bool) journal.HTTP {
			if !latencies {
				requests, byStatus := stats.Counts()
				return journal.HTTP{Requests: requests, ByStatus: byStatus}
			}
			now := stats.Snapshot()
			h := journal.HTTP{Requests: now.Requests, ByStatus: now.ByStatus}
			h.Latency, _ = now.Encode() // a picture of speed; the counts stand without it
			return h
		},
	}
}

// sandboxKey opens the sandbox inside this process, and nothing else.
const sandboxKey = "sandbox.rehearsal"

// openTarget makes the way to the target that the flags name. dir is the out directory.
func (f *runFlags) openTarget(env *environment, dir string) (*target, error) {
	wording, err := f.wording()
	if err != nil {
		return nil, err
	}
	identity := f.identity(env)
	if !f.sandbox {
		key, err := f.key(env)
		if err != nil {
			return nil, err
		}
		return f.newTarget(env, identity, wording, identity.BaseURL, key)
	}
	server, err := sandbox.Start(sandbox.Config{Key: sandboxKey, Form: sandboxForm(wording), Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	o, err := f.sandboxTarget(env, identity, wording, server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	o.stop = server.Close
	o.arrived = func(context.Context) bool { return true } // what was sent to it died with it
	return o, nil
}

// wording is how the flags say that requests are written.
func (f *runFlags) wording() (intempt.Wording, error) {
	d, err := intempt.ParseDialect(f.dialect)
	if err != nil {
		return intempt.Wording{}, err
	}
	w := intempt.Wording{Dialect: d, Auth: f.auth, Times: f.times, ValidUntil: f.validUntil}
	return w.Resolved(), w.Validate()
}

// sandboxForm is what a sandbox is to expect of such requests.
func sandboxForm(w intempt.Wording) *sandbox.Form {
	form := &sandbox.Form{Times: w.Times, ValidUntil: w.ValidUntil}
	if w.Dialect == intempt.SDK {
		form.Dialect = sandbox.SDK
	}
	return form
}

// sandboxTarget makes the way to a sandbox that runs already.
func (f *runFlags) sandboxTarget(env *environment, identity journal.Target, wording intempt.Wording, url string) (*target, error) {
	key, err := intempt.ParseKey(sandboxKey)
	if err != nil {
		return nil, err
	}
	return f.newTarget(env, identity, wording, url, key)
}

func (f *runFlags) newTarget(env *environment, identity journal.Target, wording intempt.Wording, url string, key intempt.Key) (*target, error) {
	cfg := intempt.Config{
		BaseURL: url, Org: identity.Org, Project: identity.Project, Key: key,
		Dialect: wording.Dialect, Auth: wording.Auth, Times: wording.Times, ValidUntil: wording.ValidUntil,
		Timeout: f.timeout, Concurrency: f.concurrency, UserAgent: "consentimport/" + version(),
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := intempt.New(cfg)
	if err != nil {
		return nil, err
	}
	return &target{identity: identity, wording: wording, client: client, arrived: env.arrived}, nil
}

// checkTarget is for a dry run, which needs no target, but notes the one that is
// given in its reports.
func (f *runFlags) checkTarget(env *environment) error {
	wording, err := f.wording()
	if err != nil {
		return refused(err)
	}
	t := f.identity(env)
	key, _ := f.key(env) // none is needed
	return refused(intempt.Config{
		BaseURL: t.BaseURL, Org: t.Org, Project: t.Project, Key: key, Dialect: wording.Dialect, Auth: wording.Auth, Times: wording.Times, ValidUntil: wording.ValidUntil,
	}.CheckStated())
}

// rehearsed is the target of a rehearsal. It has an address, so that a process of
// its own finds it.
func (f *runFlags) rehearsed(url string) journal.Target {
	return f.written(journal.Target{BaseURL: url, Org: "sandbox", Project: "sandbox"})
}

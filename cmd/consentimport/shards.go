package main

import (
	"cmp"
	"errors"
	"os"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/report"
)

// autoShard is the value of --shard that leaves it to the scheduler's environment.
const autoShard = "auto"

// share settles which part of the export the run is to send, and refuses what goes
// together with no part.
func (f *runFlags) share(env *environment, paths []string) error {
	var err error
	if f.job = f.shard == autoShard; f.job {
		if f.part, err = shard.Detect(env.getenv); err != nil {
			return usage("--shard auto is for the tasks of a scheduler; elsewhere give the shard itself, such as --shard 3/8", "--shard auto: %w", err)
		}
	} else if f.part, err = shard.Parse(f.shard); err != nil {
		return usage("for example --shard 3/8", "--shard: %w", err)
	}
	if f.part.Whole() {
		return nil
	}
	of := "--shard " + f.part.String()
	switch {
	case f.perDay > 0 && f.perDay < int64(f.part.N):
		return usage("give --per-day at least the number of shards", "--per-day %d is the whole import's, and leaves nothing for some of %d shards", f.perDay, f.part.N)
	case f.dryRun:
		return usage("omit --shard: what a dry run shows, and what is signed, is the whole export", "--dry-run cannot be combined with %s", of)
	case f.strict:
		return strictInParts(of)
	case f.limit > 0:
		return usage("omit --limit", "--limit counts rows of the whole export, so it cannot be combined with %s", of)
	case len(paths) == 1 && paths[0] == "-":
		return usage("give the export as a file that every shard can read", "standard input (-) cannot be combined with %s: every shard reads the whole export", of)
	case f.repair != "":
		return usage("join the shards first (report, with --out), and repair the joined import", "--repair cannot be combined with %s", of)
	}
	return nil
}

// strictInParts refuses --strict where several processes each look at their own people: one
// would send what another one refuses.
func strictInParts(of string) error {
	return usage("omit --strict; run --dry-run --strict over the whole export first, and give --approved what it found to be right",
		"--strict cannot be combined with %s: each of them knows the findings about its own people alone", of)
}

// divided are the limits of one shard: what is said of the whole import is divided.
func (f *runFlags) divided() (limits importer.Limits, rate float64) {
	limits, rate = f.limits(), f.rate
	if n := f.part.N; n > 1 {
		rate /= float64(n)
		if day := &limits.When.PerDay; *day > 0 {
			rest := *day % int64(n)
			*day /= int64(n)
			if int64(f.part.I) <= rest {
				*day++
			}
		}
		limits.MaxFailures.Count = (limits.MaxFailures.Count + int64(n) - 1) / int64(n)
	}
	return limits, rate
}

// asTask gives what a scheduler is to make of the end of a run: in a job a shard that
// is complete has done its work, whatever it found, and one whose directory another
// process is at work in is to be tried again.
func (f *runFlags) asTask(err error) error {
	if !f.job || err == nil {
		return err
	}
	var said *ended
	switch {
	case errors.As(err, &said) && (said.code == exitFailures || said.code == exitPermissive):
		return nil
	case errors.Is(err, journal.ErrLocked):
		return &exitError{exitIncomplete, err, "another task of this shard is still at work; try again when it has ended"}
	}
	return err
}

// passing reports whether a path is of what is gone once it was read.
func passing(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// ofAllShards refuses what can only be said of all shards together.
func ofAllShards(dir string, snap *journal.Snapshot) error {
	return usage("join all shards first: report takes their directories, and --out names the one of the whole import", "%s holds shard %s alone, which does not know what the others did", dir, snap.Header.Shard)
}

// named makes --shard auto the shard that it stands for, and what came out of a pipe what
// it held, so that a command that is printed can be run elsewhere, and again.
func (f *runFlags) named(called report.Invocation) report.Invocation {
	for i := range called.Flags {
		switch called.Flags[i].Name {
		case "shard":
			called.Flags[i].Value = f.part.String()
		case "approved":
			called.Flags[i].Value = cmp.Or(f.approvedAs, f.approved)
		case "mapping", "suppress":
			called.Flags[i].Passing = passing(called.Flags[i].Value)
		}
	}
	return called
}

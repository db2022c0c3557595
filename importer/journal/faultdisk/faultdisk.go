// Package faultdisk is a journal.Disk for tests: a real one underneath, on which
// a chosen durable step fails, or on which the process dies. It counts the
// steps, so that a test can break each of them in turn, until a run has fewer.
package faultdisk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/consentimport/consentimport/importer/journal"
)

// Action is what happens at a step.
type Action string

// The actions.
const (
	// Fail: the step does nothing and returns an error.
	Fail Action = "fail"
	// Short: of a write, half of the bytes get through before the error; any
	// other step fails.
	Short Action = "short"
	// Kill: the process gets SIGKILL before the step.
	Kill Action = "kill"
	// Tear: of a write, half of the bytes get through before SIGKILL; at any
	// other step the process is killed before it.
	Tear Action = "tear"
	// Term: the process gets SIGTERM at the step, which then succeeds, as all others do.
	Term Action = "term"
)

// Plan says what happens and when. The zero Plan lets everything through.
type Plan struct {
	// Step is the number of the durable step at which it happens, from 1; 0 is
	// never.
	Step int64
	Do   Action
	// Err is the error of Fail and Short: syscall.ENOSPC when nil.
	Err error
	// Once lets the steps after Step through; otherwise they fail too, as on a
	// disk that stays full.
	Once bool
	// Only, when set, counts steps of one kind alone: "mkdir", "create",
	// "write", "sync", "truncate", "rename", "remove" or "syncdir".
	Only string
}

// Parse reads a plan in one word, as a test hands it to another process:
// ACTION@STEP, e.g. "kill@17", "short@3"; with an error number after a colon,
// "fail@5:EIO".
func Parse(s string) (Plan, error) {
	if s == "" {
		return Plan{}, nil
	}
	action, rest, _ := strings.Cut(s, "@")
	step, number, _ := strings.Cut(rest, ":")
	p := Plan{Do: Action(action)}
	switch p.Do {
	case Fail, Short, Kill, Tear, Term:
	default:
		return Plan{}, fmt.Errorf("parse fault %q: unknown action", s)
	}
	var err error
	if p.Step, err = strconv.ParseInt(step, 10, 64); err != nil || p.Step < 1 {
		return Plan{}, fmt.Errorf("parse fault %q: a step is a number from 1", s)
	}
	switch number {
	case "":
	case "EIO":
		p.Err = syscall.EIO
	case "ENOSPC":
		p.Err = syscall.ENOSPC
	case "EROFS":
		p.Err = syscall.EROFS
	default:
		return Plan{}, fmt.Errorf("parse fault %q: unknown error number", s)
	}
	return p, nil
}

// Disk is a journal.Disk on which the steps of a Plan go wrong.
type Disk struct {
	under journal.Disk
	plan  Plan
	steps atomic.Int64
	media media
}

// New puts a Plan above a Disk.
func New(under journal.Disk, plan Plan) *Disk {
	if plan.Err == nil {
		plan.Err = syscall.ENOSPC
	}
	return &Disk{under: under, plan: plan, media: newMedia()}
}

// Steps is the number of durable steps so far.
func (d *Disk) Steps() int64 { return d.steps.Load() }

// errHalf is step's answer to a write of which half is to get through.
var errHalf = errors.New("write half of it")

// step counts a durable step and does to it what the plan says.
func (d *Disk) step(kind string) error {
	if d.plan.Only != "" && d.plan.Only != kind {
		return nil
	}
	n := d.steps.Add(1)
	if d.plan.Step == 0 || n < d.plan.Step || n > d.plan.Step && (d.plan.Once || d.plan.Do == Term) {
		return nil
	}
	switch d.plan.Do {
	case Kill:
		die()
	case Term:
		terminate()
		return nil
	case Tear:
		if kind == "write" {
			return errHalf
		}
		die()
	case Short:
		if kind == "write" && n == d.plan.Step {
			return errHalf
		}
	}
	return d.plan.Err
}

// die kills the process as kill -9 does, and does not return.
func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Signal(syscall.SIGKILL)
	}
	if err != nil {
		os.Exit(137) // as a shell reports a SIGKILL
	}
	select {}
}

// terminate asks the process to end, as a scheduler does.
func terminate() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Signal(syscall.SIGTERM) // which not every system can send
	}
}

func (d *Disk) fault(op, path string, err error) error {
	return &os.PathError{Op: op, Path: path, Err: err}
}

// MkdirAll implements journal.Disk.
func (d *Disk) MkdirAll(dir string) error {
	if err := d.step("mkdir"); err != nil {
		return d.fault("mkdir", dir, err)
	}
	return d.under.MkdirAll(dir)
}

// Create implements journal.Disk.
func (d *Disk) Create(path string) (journal.File, error) {
	if err := d.step("create"); err != nil {
		return nil, d.fault("create", path, err)
	}
	if err := d.media.creating(path); err != nil {
		return nil, err
	}
	f, err := d.under.Create(path)
	if err != nil {
		return nil, err
	}
	return &file{File: f, disk: d, path: path}, nil
}

// Append implements journal.Disk.
func (d *Disk) Append(path string) (journal.File, error) {
	f, err := d.under.Append(path)
	if err != nil {
		return nil, err
	}
	if err := d.media.appending(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{File: f, disk: d, path: path}, nil
}

// Open implements journal.Disk.
func (d *Disk) Open(path string) (journal.File, error) { return d.under.Open(path) }

// Rename implements journal.Disk.
func (d *Disk) Rename(from, to string) error {
	if err := d.step("rename"); err != nil {
		return d.fault("rename", to, err)
	}
	if err := d.media.renaming(from, to); err != nil {
		return err
	}
	return d.under.Rename(from, to)
}

// Remove implements journal.Disk. It works on a full disk too.
func (d *Disk) Remove(path string) error {
	if d.plan.Do == Kill || d.plan.Do == Tear {
		if err := d.step("remove"); err != nil {
			return d.fault("remove", path, err)
		}
	}
	return d.under.Remove(path)
}

// SyncDir implements journal.Disk.
func (d *Disk) SyncDir(dir string) error {
	if err := d.step("syncdir"); err != nil {
		return d.fault("sync", dir, err)
	}
	if err := d.under.SyncDir(dir); err != nil {
		return err
	}
	d.media.syncedDir(dir)
	return nil
}

// Lock implements journal.Disk.
func (d *Disk) Lock(path string) (io.Closer, error) { return d.under.Lock(path) }

// file counts the steps of an open file.
type file struct {
	journal.File
	disk *Disk
	path string
}

func (f *file) Write(b []byte) (int, error) {
	err := f.disk.step("write")
	if err == nil {
		return f.File.Write(b)
	}
	n := 0
	if errors.Is(err, errHalf) {
		err = f.disk.plan.Err
		var under error
		if n, under = f.File.Write(b[:len(b)/2]); under != nil {
			return n, under
		}
		if f.disk.plan.Do == Tear {
			die()
		}
	}
	return n, f.disk.fault("write", f.path, err)
}

func (f *file) Sync() error {
	if err := f.disk.step("sync"); err != nil {
		return f.disk.fault("sync", f.path, err)
	}
	return f.disk.media.syncing(f.path, f.File.Sync)
}

func (f *file) Truncate(size int64) error {
	if err := f.disk.step("truncate"); err != nil {
		return f.disk.fault("truncate", f.path, err)
	}
	return f.File.Truncate(size)
}

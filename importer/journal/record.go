package journal

import (
	"time"

	"github.com/consentimport/consentimport/importer/source"
)

// Version is the version of the file format that this package writes.
const Version = 1

// Header is the first line: what the checkpoint belongs to.
type Header struct {
	Version int       `json:"version"`
	Tool    string    `json:"tool"` // version of the program that began the import
	ID      string    `json:"id"`   // random, names this import
	Started time.Time `json:"started"`
	DryRun  bool      `json:"dryRun,omitempty"`
	Inputs  []Input   `json:"inputs"`
	// Reading is what the user set instead of having it detected, from flags
	// and mapping together: the rows are the same on resume.
	Reading source.Config `json:"reading"`
	Target  Target        `json:"target"`
	Shard   string        `json:"shard"`   // WholeShard, or such as "3/8"
	History string        `json:"history"` // "rows"
	// Suppressed are the people whose accepts make no consent; nil: nobody.
	Suppressed *Suppressed `json:"suppressed,omitempty"`
	// Since is what earlier imports have sent; nil: nobody asks.
	Since *Since `json:"since,omitempty"`
	// Parts are the shards that it was joined from, and JoinedPasses is how many passes
	// these had; none in any other import.
	Parts        []Part `json:"parts,omitempty"`
	JoinedPasses int    `json:"joinedPasses,omitempty"`
}

// Suppressed is a list of people who opted out elsewhere, as hashes, in the out
// directory.
type Suppressed struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	People int64  `json:"people"` // identifiers
}

// Since is what earlier imports have sent, as a file of hashes in the out directory.
type Since struct {
	File      string `json:"file"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Decisions int64  `json:"decisions"`
	// Imports are those that have sent it, the one that was named last.
	Imports []Earlier `json:"imports"`
}

// Earlier is a finished import that another one is held against.
type Earlier struct {
	ID  string `json:"id"`
	Dir string `json:"dir"` // absolute, where it lay
	// Runs, Bytes and SHA256 (hex) are those of its checkpoint at that time.
	Runs   int    `json:"runs"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Sent   int64  `json:"sent"` // consents, by that time
}

// MaxEarlier is how many imports Since names at most.
const MaxEarlier = 1<<16 - 1

// WholeShard is the Shard of an import that is all there is of it.
const WholeShard = "1/1"

// Input is one file of the export when the import began.
type Input struct {
	Path  string `json:"path"` // as it was given; in a Snapshot, as it was given last
	Abs   string `json:"abs"`  // absolute, to find it from elsewhere
	Bytes int64  `json:"bytes"`
	// Stdin is standard input as it was read, of which the file is a copy; nil: it is not.
	Stdin *FileDigest `json:"stdin,omitempty"`
	// Before are the places where it lay before runs found it elsewhere, the latest first.
	Before []Place `json:"-"`
	// Head is a digest of the first bytes (4 MiB at most, HeadBytes of them).
	Head      string `json:"head"`
	HeadBytes int64  `json:"headBytes"`
}

// Place is where a file lies.
type Place struct {
	Path string `json:"path"`
	Abs  string `json:"abs"`
}

// Target is where the consents go.
type Target struct {
	BaseURL string `json:"baseUrl"`
	Org     string `json:"org"`
	Project string `json:"project"`
	Dialect string `json:"dialect"`
	// How requests are written: the switches of the dialect, each of which may be
	// set by itself.
	Auth       string `json:"auth,omitempty"`
	Times      string `json:"times,omitempty"`
	ValidUntil string `json:"validUntil,omitempty"`
	Sandbox    bool   `json:"sandbox,omitempty"` // the sandbox inside the process: its address changes
}

// Kind says why a pass goes over rows.
type Kind string

// The kinds of passes.
const (
	Import Kind = "import" // the first one
	Retry  Kind = "retry"  // everything not yet sent, again, maybe with a changed mapping
	Repair Kind = "repair" // rows from a repaired file, by their row number
)

// Pass is one sweep over rows, in row order, under one mapping. A pass may take
// several runs; a later pass overrides the outcomes of earlier ones that were
// not final (sent, superseded).
type Pass struct {
	N       int             `json:"n"` // from 1
	Kind    Kind            `json:"kind"`
	Mapping Mapping         `json:"mapping"`
	Repair  *RepairedExport `json:"repair,omitempty"`
}

// Mapping identifies the mapping of a pass.
type Mapping struct {
	Name   string            `json:"name"`
	SHA256 string            `json:"sha256"`
	File   string            `json:"file"`            // name in the out directory
	Units  map[string]string `json:"units,omitempty"` // column → "s" or "ms", learnt from the first rows
	// Lookups are the files that it looks rows up in, in its order.
	Lookups []Lookup `json:"lookups,omitempty"`
}

// Lookup is a file that a mapping looks rows up in.
type Lookup struct {
	Name   string `json:"name"` // in the mapping
	Path   string `json:"path"` // where it lay, as it was found from the mapping
	Abs    string `json:"abs"`  // absolute, to find it from elsewhere
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// RepairedExport is the file that a repair pass reads; a copy of it lies in the out directory.
type RepairedExport struct {
	Name    string        `json:"name"` // of the copy in the out directory
	Bytes   int64         `json:"bytes"`
	SHA256  string        `json:"sha256"`
	Given   string        `json:"given,omitempty"` // SHA-256 (hex) of the file, as it was given; empty: not all of it was copied
	Reading source.Config `json:"reading"`
}

// Repaired are the SHA-256 (hex) of the files, as they were given, of which passes have whole copies.
func Repaired(passes []Pass) (given []string) {
	for _, p := range passes {
		if p.Repair != nil && p.Repair.Given != "" {
			given = append(given, p.Repair.Given)
		}
	}
	return given
}

// Run is the beginning of one process that works on the import.
type Run struct {
	N    int       `json:"n"` // from 1
	At   time.Time `json:"at"`
	Tool string    `json:"tool"`
	Pass int       `json:"pass"`
	From int64     `json:"from"` // first row that it reads
	// Approved is what the user gave as approved: "hash:" and the approval hash, or
	// "file:" and the SHA-256 of the signed table; empty when nothing was asked.
	Approved string `json:"approved,omitempty"`
	// Inputs say where the files of the export lie, one each, when one was given at
	// another place than before.
	Inputs []Place `json:"inputs,omitempty"`
	// Arranged is set when rows that have left say nothing about the order in which those
	// behind them leave; nil: they do, or nobody knows.
	Arranged *Arranged `json:"arranged,omitempty"`
}

// Arranged is what was found of the order in which the consents of an export leave.
type Arranged struct {
	Read      source.Mark `json:"read"` // all of it
	Decisions int64       `json:"decisions"`
	Pulled    bool        `json:"pulled,omitempty"` // some leave with an earlier row
}

// Order is what somebody wanted of a run at work.
type Order struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // pause, resume, stop, rate=N, concurrency=N
}

// Day is how many requests may have left on a day, as far as the run counts them: those
// up to Used, which is written before they leave.
type Day struct {
	At    time.Time `json:"at"`
	From  time.Time `json:"from"`  // midnight, in the zone that the run counts by
	Until time.Time `json:"until"` // the next one
	Used  int64     `json:"used"`
}

// Same reports whether it is the same day, by the same calendar.
func (d Day) Same(o Day) bool { return d.From.Equal(o.From) && d.Until.Equal(o.Until) }

// Purge says that what holds people was taken out of the directory, and what there
// was before: from then on nobody can derive the lists again.
type Purge struct {
	At   time.Time `json:"at"`
	Tool string    `json:"tool"`
	// Removed are the files that were deleted, with what they were.
	Removed []FileDigest `json:"removed"`
	// Changed are lists out of which values were taken, as they were before.
	Changed []FileDigest `json:"changed,omitempty"`
	// Kept are the files that stay, as they are now; a list without its values among
	// them.
	Kept []FileDigest `json:"kept"`
}

// FileDigest says what a file in the out directory was.
type FileDigest struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// State is the outcome of a consent.
type State uint8

// The outcomes that the journal holds. A consent without one is pending.
const (
	Pending State = iota
	Sent
	Refused
	Failed
	Superseded
	Known // an earlier import has sent it: Header.Since
)

// String gives the word that reports and the journal use.
func (s State) String() string {
	switch s {
	case Sent:
		return "sent"
	case Refused:
		return "refused"
	case Failed:
		return "failed"
	case Superseded:
		return "superseded"
	case Known:
		return "known"
	default:
		return "pending"
	}
}

// Final reports whether no later pass touches the consent again: it was sent, by this
// import or an earlier one, or held back for good.
func (s State) Final() bool { return s == Sent || s == Superseded || s == Known }

// runs reports whether outcomes of the state are written as runs of consents.
func (s State) runs() bool { return s == Sent || s == Known }

// Counts is a number of consents by outcome.
type Counts struct {
	Sent, Refused, Failed, Superseded, Known int64
}

// All is the number of consents that have an outcome.
func (c Counts) All() int64 { return c.Sent + c.Refused + c.Failed + c.Superseded + c.Known }

func (c *Counts) add(s State, n int64) {
	switch s {
	case Sent:
		c.Sent += n
	case Refused:
		c.Refused += n
	case Failed:
		c.Failed += n
	case Superseded:
		c.Superseded += n
	case Known:
		c.Known += n
	}
}

// Ref names a consent: the Consent-th that row Row made, both from 1.
type Ref struct {
	Row     int64 `json:"row"`
	Consent int32 `json:"consent"`
}

// Outcome is the final answer for one consent in one pass.
type Outcome struct {
	Ref      Ref
	State    State
	Last     bool // it is the last consent of its row, so the next is the first of Row+1
	Status   int  // HTTP status, 0 without an answer; not kept for Sent
	Attempts int  // not kept for Sent
	Message  string
	By       Ref // Superseded: the consent that overtook it
	In       int // of which import that is: of this one, or, from 1, of one of Since.Imports
}

// MarkEvery is how often a run writes a mark at least, whether anything happens
// or not: so a run that died was alive at most that long after its last one.
const MarkEvery = time.Second

// Mark is written when rows were read and before anything of them is sent, every
// MarkEvery at least, and at the end.
type Mark struct {
	At   time.Time       `json:"at"`
	Low  source.Position `json:"low"`  // every row before it is final in this pass
	High int64           `json:"high"` // last row read in this pass, by any of its runs
	Read source.Mark     `json:"read"` // digest of the raw bytes read so far
	HTTP HTTP            `json:"http"` // of this run so far
}

// HTTP counts requests of one run.
type HTTP struct {
	Requests  int64            `json:"requests"`
	Retries   int64            `json:"retries"`
	ByStatus  map[string]int64 `json:"byStatus,omitempty"` // "200", …; "0" is no answer
	Latency   string           `json:"latency,omitempty"`  // HdrHistogram, V2 compressed, base64; µs; now and then, and at the end
	Throttled float64          `json:"throttledSeconds,omitempty"`
}

// End closes a run that could say why it ended.
type End struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`            // "complete" or "incomplete"
	Why    string    `json:"why"`              // a word, e.g. "signal", "limit"; empty when complete
	Detail string    `json:"detail,omitempty"` // the same as a sentence
	// Unanswered is when the run last gave up waiting for an answer, because the
	// time for a request was over or the run stopped: the request may have been
	// under way still. It is zero when every request got its answer.
	Unanswered time.Time `json:"unanswered,omitzero"`
}

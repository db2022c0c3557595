// Package summary is report.json: an import in numbers, with the words that all
// forms of a report say about it. It knows no form and no file.
package summary

import (
	"fmt"
	"time"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// The states of an import. Unbalanced means that the counts contradict each
// other: something was lost or counted twice, and nothing else in the report
// can be relied on.
const (
	Complete   = "complete"
	Incomplete = "incomplete"
	Unbalanced = "unbalanced"
)

// Why an import is not complete, when the run could not say so itself.
const (
	WhyCrash   = "crash"   // the last run was killed
	WhyPending = "pending" // consents are left although the run ended well
	WhyBalance = "balance" // the counts contradict each other
)

// Name is the file that a summary stands in, in the out directory.
const Name = "report.json"

// Summary is report.json: an import in numbers. Counts are exact unless a name
// says that they are approximate. Slices are never nil, so that JSON has [].
type Summary struct {
	// Kept are the names, in the out directory, under which files that a person had changed
	// were kept when the reports took their place.
	Kept []string `json:"-"`

	State    string `json:"state"`
	DryRun   bool   `json:"dryRun"`
	ExitCode int    `json:"exitCode"`

	// Shard is such as "3/8" where the report is of one of several; empty otherwise.
	Shard string `json:"shard,omitempty"`

	Tool    Tool     `json:"tool"`
	Inputs  []Input  `json:"inputs"`
	Mapping Mapping  `json:"mapping"`
	Lookups []Lookup `json:"lookups,omitempty"` // of the mapping, in its order
	Target  Target   `json:"target"`

	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Runs       int       `json:"runs"`

	Rows           Rows           `json:"rows"`
	Consents       Consents       `json:"consents"`
	Subjects       int64          `json:"subjects"` // persons about whom consents were made
	LastWords      []LastWord     `json:"lastWords"`
	AtTarget       []Standing     `json:"atTarget,omitempty"` // none in a dry run
	ByDecision     []ByDecision   `json:"byDecision"`
	FailureGroups  []FailureGroup `json:"failureGroups"`
	OverPermissive OverPermissive `json:"overPermissive"`
	Lint           []Finding      `json:"lint"`

	HTTP              HTTP    `json:"http"`
	ElapsedSeconds    float64 `json:"elapsedSeconds"`
	ConsentsPerSecond float64 `json:"consentsPerSecond"`

	// Partial says that there was no time to read the export again: the counts are
	// those that the run kept as it went, and the lists were not written.
	Partial bool `json:"partial,omitempty"`

	// History is the order in which decisions about one person and category arrive:
	// chronological, latest or rows. Overtaken counts the persons and categories of
	// which the last one in the order of rows is not the last word; Withheld those of
	// which nothing was sent, since the last word alone counts and did not arrive.
	History   string `json:"history"`
	Overtaken int64  `json:"overtakenKeys"`
	// Courses tell how decisions arrived where it mattered; absent where it did nowhere.
	Courses *Courses `json:"courses,omitempty"`
	// Since is what the import was held against; absent where it was against nothing.
	Since    *Since `json:"since,omitempty"`
	Withheld int64  `json:"withheldKeys"`

	// Why is a word for why the import is incomplete or unbalanced, Detail the
	// same as a sentence; both are empty otherwise. The words are those of
	// importer.StopKind, and WhyCrash, WhyPending, WhyBalance.
	Why    string `json:"why"`
	Detail string `json:"detail"`
	// Next is the exact command to run next, quoted for a POSIX shell.
	Next string `json:"next"`
	// Steps are what a person has to do before Next, in order. One that ends with
	// a command has it on a line of its own, see SplitStep.
	Steps []string `json:"steps"`
	Notes []string `json:"notes"`
	// Passes are the sweeps over the export: the import, retries, repairs.
	Passes []Pass `json:"passes"`
	// Skips are the reasons of skipped rows, the largest first.
	Skips []Skip `json:"skips"`
	// Decisions is the decision table, and ApprovalHash names it.
	Decisions    []Decision `json:"decisions"`
	ApprovalHash string     `json:"approvalHash"`
	// Decided counts the consents made by the month of their decision.
	Decided []Month `json:"decidedByMonth"`
	// Throughput has the state of the import at some moments of its runs.
	Throughput []Point `json:"throughput"`
	// OutDir is the out directory, as it was given, and Files are the names of what lies in the out directory for people.
	OutDir string   `json:"outDir"`
	Files  []string `json:"files"`
}

// Tool is the program that wrote the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Input is one file of the export as it lies on disk. SHA256 is hex, and empty
// as long as the import is incomplete.
type Input struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows"`
}

// Lookup is a file that the mapping looks rows up in. SHA256 is hex.
type Lookup struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Mapping is the mapping of the last pass. SHA256 is hex.
type Mapping struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Target is where the consents went.
type Target struct {
	BaseURL    string `json:"baseUrl"`
	Org        string `json:"org"`
	Project    string `json:"project"`
	Dialect    string `json:"dialect"`
	Auth       string `json:"auth,omitempty"`
	Times      string `json:"times,omitempty"`
	ValidUntil string `json:"validUntil,omitempty"`
	Sandbox    bool   `json:"sandbox,omitempty"`
}

// Rows counts the rows of the export by what became of them.
type Rows struct {
	Read    int64 `json:"read"`
	Mapped  int64 `json:"mapped"`
	Skipped int64 `json:"skipped"`
	Invalid int64 `json:"invalid"`
	// Elsewhere are those that other shards of the import account for.
	Elsewhere int64 `json:"elsewhere,omitempty"`
}

// Consents counts consents by outcome.
type Consents = survey.Tally

// LastWord counts the persons of a category by their last word: the latest decision
// that the export states and that can be read, sent or not. Expired is an accept whose
// validUntil is past, and is not counted under Accept. None: the export says nothing
// about them that could be read.
type LastWord struct {
	Category string `json:"category"`
	Accept   int64  `json:"accept"`
	Reject   int64  `json:"reject"`
	None     int64  `json:"none"`
	Expired  int64  `json:"expired"`
}

// Standing counts the persons of a category by the last decision that the target has of
// them, from this import or one that it was held against; None: it has none. They are
// those of LastWords: what differs was refused, failed, is pending or stands in an invalid row.
type Standing struct {
	Category string `json:"category"`
	Accept   int64  `json:"accept"`
	Reject   int64  `json:"reject"`
	None     int64  `json:"none"`
}

// Since is what other imports have sent before this one, and what changes for people by
// this one; of a dry run: what would.
type Since struct {
	// Imports are those that have sent it, the one that was named last.
	Imports []EarlierImport `json:"imports"`
	SHA256  string          `json:"sha256"` // of the file in the out directory
	// Decisions is how many different ones they have sent.
	Decisions int64    `json:"decisions"`
	Changes   []Change `json:"changes"`
}

// EarlierImport is an import before this one. Its consents are named 523.2@ID. SHA256
// is that of its checkpoint.
type EarlierImport struct {
	ID     string `json:"id"`
	Dir    string `json:"dir"`
	SHA256 string `json:"sha256"`
}

// Change counts the persons of a category who newly get messages, since an accept that
// holds is now the last thing sent, and those who get none any more.
type Change struct {
	Category string `json:"category"`
	Begin    int64  `json:"newlyGet"`
	Cease    int64  `json:"noLongerGet"`
}

// ByDecision counts the consents of one category and action. Categories beyond
// the first thousand are summed as OtherCategories: an export with that many
// has its mapping wrong.
type ByDecision struct {
	Category string `json:"category"`
	Action   string `json:"action"`
	Consents
}

// The stages at which something can fail.
const (
	StageMap   = "map"
	StageSend  = "send"
	StageOther = "other"
)

// OtherGroups is the stage and the reason of the group that sums up the
// failures beyond the largest groups.
const OtherGroups = StageOther

// FailureGroup is a number of failures alike: invalid rows with the same
// reason, or consents with the same status and the same answer but for its
// variable parts. The last group may be OtherGroups, the sum of the rest.
type FailureGroup struct {
	Stage  string  `json:"stage"`  // "map", "send" or "other"
	Status int     `json:"status"` // HTTP status; 0 at map and without an answer
	Reason string  `json:"reason"`
	Count  int64   `json:"count"`
	Rows   []int64 `json:"rows"` // the first ten at most
	// Column is the column or path at fault, when there is one.
	Column string `json:"column,omitempty"`
	// Share is the part of all failures, from 0 to 1.
	Share      float64     `json:"share"`
	Suggestion *Suggestion `json:"suggestion,omitempty"`
}

// Suggestion is what would fix a group of failures.
type Suggestion struct {
	Text string `json:"text"`
	// Patch is a change of the mapping as YAML, empty when none was found that does
	// what it should: it was tried on all rows, fixes Fixes of the Of rows that fail for
	// this cause, and changes no other. What a person decides stands in it as DECIDE.
	Patch string `json:"patch,omitempty"`
	Fixes int64  `json:"fixes,omitempty"`
	Of    int64  `json:"of,omitempty"`
	// Edits are the patch in steps, for mapping apply.
	Edits []mapping.Edit `json:"edits,omitempty"`
}

// OverPermissive is where the target now allows more than the person did: the last
// words, rejects, of a subject and category of which the last thing that arrived is an
// accept. Of a dry run: would arrive. Count is exact; Consents names a thousand at most.
type OverPermissive struct {
	Count    int64    `json:"count"`
	Consents []string `json:"consents"`
}

// Finding is what a lint rule found.
type Finding = mapping.Finding

// Decision is one line of the decision table.
type Decision = mapping.Decision

// HTTP sums the requests over all runs of the import.
type HTTP struct {
	Requests         int64            `json:"requests"`
	Retries          int64            `json:"retries"`
	ByStatus         map[string]int64 `json:"byStatus"` // "0": no answer
	LatencyMs        Latency          `json:"latencyMs"`
	ThrottledSeconds float64          `json:"throttledSeconds"`
}

// Latency has quantiles of the time that the target took to answer, in ms.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Pass is one sweep over the export. Sent counts the consents that are sent
// and were so in this pass.
type Pass struct {
	N       int     `json:"n"`
	Kind    string  `json:"kind"`
	Mapping Mapping `json:"mapping"`
	Sent    int64   `json:"sent"`
}

// Skip counts the rows that one rule skipped.
type Skip struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// Month counts the consents made that were decided in one month.
type Month struct {
	Month  string `json:"month"` // "2021-03"
	Accept int64  `json:"accept"`
	Reject int64  `json:"reject"`
}

// Point is the state of the import at one moment: outcomes so far, by state.
type Point struct {
	At       time.Time `json:"at"`
	Run      int       `json:"run"`
	Sent     int64     `json:"sent"`
	Refused  int64     `json:"refused"`
	Failed   int64     `json:"failed"`
	Requests int64     `json:"requests"`
	Retries  int64     `json:"retries"`
	// ThrottledSeconds is how long the target has slowed the runs down so far.
	ThrottledSeconds float64 `json:"throttledSeconds"`
}

// Failures is the number of lines that failures.csv has: invalid rows and
// consents that were refused or failed.
func (s *Summary) Failures() int64 {
	return s.Rows.Invalid + s.Consents.Refused + s.Consents.Failed
}

// Exit is the exit code that the summary stands for: 0 complete, 1 unbalanced,
// 3 complete with failures or last words that were never sent, 4 incomplete, 5 complete and over-permissive.
func Exit(s *Summary) int {
	switch {
	case s.State == Unbalanced:
		return 1
	case s.State != Complete:
		return 4
	case s.OverPermissive.Count > 0:
		return 5
	case s.Failures() > 0, s.Withheld > 0, s.DryRun && s.Consents.Made == 0:
		return 3
	default:
		return 0
	}
}

// Balanced checks that every row and every consent has exactly one outcome, in
// total and per decision. The error names the equation that does not hold.
func (s *Summary) Balanced() error {
	if r := s.Rows; r.Read != r.Mapped+r.Skipped+r.Invalid+r.Elsewhere {
		return fmt.Errorf("balance rows: read %d, but mapped %d + skipped %d + invalid %d + in other shards %d = %d",
			r.Read, r.Mapped, r.Skipped, r.Invalid, r.Elsewhere, r.Mapped+r.Skipped+r.Invalid+r.Elsewhere)
	}
	if err := balance("consents", &s.Consents); err != nil {
		return err
	}
	var sum Consents
	for i := range s.ByDecision {
		d := &s.ByDecision[i]
		if err := balance(fmt.Sprintf("decision %s %s", d.Category, d.Action), &d.Consents); err != nil {
			return err
		}
		sum.Plus(&d.Consents)
	}
	if !s.Partial && sum != s.Consents {
		return fmt.Errorf("balance decisions: they sum to %+v, the consents are %+v", sum, s.Consents)
	}
	return nil
}

// balance checks one line of the balance.
func balance(what string, c *Consents) error {
	if c.Balanced() {
		return nil
	}
	return fmt.Errorf("balance %s: made %d, but sent %d + refused %d + failed %d + pending %d + superseded %d + known %d = %d",
		what, c.Made, c.Sent, c.Refused, c.Failed, c.Pending, c.Superseded, c.Known,
		c.Sent+c.Refused+c.Failed+c.Pending+c.Superseded+c.Known)
}

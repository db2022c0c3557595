package survey

import (
	"time"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Batch is a run of consecutive rows of one member with what became of
// them, on its way through a Visitor.
type Batch struct {
	Layout *source.Layout
	Member int
	File   string // base name of the file or archive member
	Rows   []Row
	// Times is how many times as long the export is as what was read of it up to the end
	// of the batch, at least.
	Times float64
}

// Row is one row with its outcomes.
type Row struct {
	Row *source.Row
	// Result is what it became: Status, Reason and Column of an invalid or skipped row, without
	// any person in them, Dropped and Missed.
	*rows.Result
	// Consents of a mapped row, in order, with their outcomes.
	Consents []Consent
	// Elsewhere: the row counts in another shard. Consents of it may be this one's all
	// the same, and the other way round.
	Elsewhere bool
	// ReadableElsewhere says which of Readable are other shards'; nil: none is.
	ReadableElsewhere []bool
	// Forms are the row as repaired files have it.
	Forms []rows.Text
}

// Readable are the consents of an invalid row whose subject, category and
// action could be read all the same.
func (r *Row) Readable() []mapping.Consent {
	if r.Status == mapping.Mapped {
		return nil
	}
	return r.Result.Consents
}

// Consent is one consent with its outcome; State Pending when it has none.
type Consent struct {
	*mapping.Consent
	Outcome journal.Outcome
	// Pass is the number of the pass that gave the outcome, 0 when pending. What
	// a retry or a repair sent arrived after all that the passes before it sent.
	Pass int
	// Elsewhere: it is another shard's.
	Elsewhere bool
}

// Visitor looks at a batch of a survey. It is called from several goroutines, one
// batch each, in any order. What it returns, if anything, takes in what was found:
// it is called from one goroutine, in row order. An error ends the survey.
//
// The batch and all that it points to may be kept until then, no longer.
type Visitor func(b *Batch) (fold func() error)

// Facts are what the journal knows of an import beside the outcomes.
type Facts struct {
	Header journal.Header
	Passes []journal.Pass
	Runs   []journal.Run
	End    *journal.End // of the last run; nil after a crash
	Inputs []InputFacts // filled in when the survey has ended
	HTTP   HTTPFacts
	// Earlier is what other imports have sent; nil: it is not asked.
	Earlier *history.Earlier
	// Sealed is the hash of the journal's last line.
	Sealed string
	// Timeline has a point a mark, thinned to a few hundred.
	Timeline []journal.Point
	Finished time.Time     // of the last run, or the time of its last line
	Active   time.Duration // time that runs were working, crashes included
}

// InputFacts describe one file as it lies on disk, or standard input as it was read; its
// path is then "-".
type InputFacts struct {
	Path   string
	Bytes  int64
	SHA256 string // hex; empty when it was not computed because the import is incomplete
	Rows   int64
}

// HTTPFacts sum the requests of all runs.
type HTTPFacts struct {
	Requests, Retries  int64
	ByStatus           map[string]int64
	P50, P95, P99, Max time.Duration
	Throttled          time.Duration
}

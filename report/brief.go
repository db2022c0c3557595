package report

import (
	"context"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report/summary"
)

// Brief writes report.json alone, from what a run counted as it went, when there is
// no time to read the export again: a scheduler kills what does not end soon after
// it was told to. The lists in dir, if there are any, stay as they were; Next is the
// command that writes everything anew. Rows that runs before this one found invalid
// or skipped are counted as mapped.
func Brief(disk journal.Disk, dir string, facts survey.Facts, rows summary.Rows, consents summary.Consents, opts Options) (*summary.Summary, error) {
	opts.Lint, opts.Decisions, opts.Try = nil, nil, nil
	files := &sheets{disk: disk, dir: dir}
	defer files.discard()
	c, err := newCollector(files, &facts)
	if err != nil {
		return nil, err
	}
	defer c.close()
	sum, err := c.summary(context.Background(), dir, &facts, &opts, nil)
	if err != nil {
		return nil, err
	}
	files.discard() // the lists that the collector has begun
	files.open = nil
	sum.Rows, sum.Consents = rows, consents
	sum.State, sum.ExitCode = summary.Incomplete, 4
	if facts.End != nil {
		sum.Why, sum.Detail = facts.End.Why, facts.End.Detail
	}
	sum.Partial = true
	sum.Files = []string{"report.json"}
	sum.Steps = []string{}
	sum.Next = opts.Invocation.on(dir, "report")
	x, err := files.create("report.json")
	if err != nil {
		return nil, err
	}
	if err := summary.JSON(x, sum); err != nil {
		return nil, err
	}
	return sum, files.commit(nil)
}

package report

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// survey is an import that was surveyed before: rows with their outcomes. It
// deals them out in batches to several goroutines, as the importer does.
type told struct {
	facts   survey.Facts
	parts   []part
	batch   int // rows a batch; 0 = 3
	err     error
	visited int
	times   float64 // how many times as long the export is
	again   error   // of reading rows once more
}

// part is a member of the export.
type part struct {
	layout *source.Layout
	file   string
	rows   []survey.Row
}

func (s *told) Facts() survey.Facts { return s.facts }

func (s *told) Rows(ctx context.Context, numbers []int64, visitors ...survey.Visitor) error {
	if s.again != nil {
		return s.again
	}
	few := *s
	few.parts = nil
	for _, p := range s.parts {
		var rows []survey.Row
		for _, r := range p.rows {
			if slices.Contains(numbers, r.Row.Number) {
				rows = append(rows, r)
			}
		}
		few.parts = append(few.parts, part{p.layout, p.file, rows})
	}
	return few.Each(ctx, visitors...)
}

// Arrivals: nothing is known of an order.
func (s *told) Arrivals([]journal.Ref) ([]journal.Arrival, bool, error) { return nil, false, nil }

func (s *told) Each(ctx context.Context, visitors ...survey.Visitor) error {
	size := s.batch
	if size == 0 {
		size = 3
	}
	var batches []*survey.Batch
	for i, p := range s.parts {
		for from := 0; from < len(p.rows); from += size {
			batches = append(batches, &survey.Batch{
				Layout: p.layout, Member: i, File: p.file,
				Rows: p.rows[from:min(from+size, len(p.rows))], Times: s.times,
			})
		}
	}
	// Two batches at a time, so that the race detector sees visits side by side.
	for i := 0; i < len(batches); i += 2 {
		pair := batches[i:min(i+2, len(batches))]
		var wg sync.WaitGroup
		folds := make([][]func() error, len(pair))
		for i, b := range pair {
			wg.Go(func() {
				for _, visit := range visitors {
					folds[i] = append(folds[i], visit(b))
				}
			})
		}
		wg.Wait()
		for i, b := range pair {
			for _, fold := range folds[i] {
				if err := fold(); err != nil {
					return err
				}
			}
			s.visited += len(b.Rows)
		}
	}
	return s.err
}

// csvLayout is a plain comma-separated export.
func csvLayout(header string, columns ...string) *source.Layout {
	return &source.Layout{
		Format: source.CSV, Columns: columns, Delimiter: ',', Encoding: "utf-8",
		Header: []byte(header), LineEnd: "\n",
	}
}

// outcome is short for the outcome of a consent.
func outcome(state journal.State, status, attempts int, message string) journal.Outcome {
	return journal.Outcome{State: state, Status: status, Attempts: attempts, Message: message}
}

var sent = outcome(journal.Sent, 0, 0, "")

// decided is 2024-01-08T21:33:02Z.
const decided int64 = 1704749582000

// consent is a consent of user with its outcome.
func consent(user, category string, action mapping.Action, o journal.Outcome) survey.Consent {
	c := survey.Consent{Outcome: o, Consent: &mapping.Consent{
		Action: action, Timestamp: decided, ValidUntil: mapping.Unlimited,
		UserID: []byte(user), Category: []byte(category), Source: []byte("web"),
	}}
	if o.State != journal.Pending {
		c.Pass = 1
	}
	return c
}

// mapped is a row that made consents.
func mapped(n int64, raw string, consents ...survey.Consent) survey.Row {
	return survey.Row{
		Row:    &source.Row{Number: n, Line: n + 1, Raw: []byte(raw)},
		Result: &rows.Result{Status: mapping.Mapped}, Consents: consents,
	}
}

// invalid is a row that could not be mapped.
func invalid(n int64, raw, column, reason string, readable ...mapping.Consent) survey.Row {
	return survey.Row{
		Row:    &source.Row{Number: n, Line: n + 1, Raw: []byte(raw)},
		Result: &rows.Result{Status: mapping.Invalid, Reason: reason, Column: column, Consents: readable},
	}
}

// skipped is a row that a rule skipped.
func skipped(n int64, raw, reason string) survey.Row {
	return survey.Row{
		Row:    &source.Row{Number: n, Line: n + 1, Raw: []byte(raw)},
		Result: &rows.Result{Status: mapping.Skipped, Reason: reason},
	}
}

var began = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// finished are the facts of an import that came to its end.
func finished(rows int64) survey.Facts {
	return survey.Facts{
		Header: journal.Header{
			Started: began, History: "rows", Shard: "1/1",
			Target: journal.Target{BaseURL: "https://api.intempt.com/v1", Org: "acme", Project: "main", Dialect: "docs"},
		},
		Passes:   []journal.Pass{{N: 1, Kind: journal.Import, Mapping: journal.Mapping{Name: "acme", SHA256: "ab12"}}},
		Runs:     []journal.Run{{N: 1, At: began, Pass: 1, From: 1}},
		End:      &journal.End{At: began.Add(time.Minute), State: summary.Complete},
		Inputs:   []survey.InputFacts{{Path: "acme.csv", Bytes: 4096, SHA256: "cd34", Rows: rows}},
		Finished: began.Add(time.Minute),
		Active:   time.Minute,
	}
}

// write reports on a survey into a new directory.
func write(t *testing.T, s *told) (dir string, sum *summary.Summary) {
	t.Helper()
	dir = t.TempDir()
	sum, err := Write(t.Context(), journal.OS{}, dir, s, Options{
		Tool:       summary.Tool{Name: "consentimport", Version: "1.0.0"},
		Invocation: Invocation{Exports: []string{"acme.csv"}, Flags: []Flag{{Name: "preset", Value: "acme"}}},
	})
	require.NoError(t, err)
	return dir, sum
}

// read is the text of a file of a report.
func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(b)
}

// names lists the files of a report.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		if e.Name() != importer.RejectedKnown {
			out = append(out, e.Name())
		}
	}
	return out
}

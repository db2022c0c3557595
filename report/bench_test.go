package report

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// endless shows the same batch again and again, as rows that go on.
type endless struct {
	facts survey.Facts
	batch survey.Batch
	times int
}

func (s *endless) Facts() survey.Facts { return s.facts }

func (s *endless) Rows(context.Context, []int64, ...survey.Visitor) error { return nil }

func (s *endless) Arrivals([]journal.Ref) ([]journal.Arrival, bool, error) { return nil, false, nil }

func (s *endless) Each(_ context.Context, visitors ...survey.Visitor) error {
	for range s.times {
		for _, visit := range visitors {
			if err := visit(&s.batch)(); err != nil {
				return err
			}
		}
		for i := range s.batch.Rows {
			s.batch.Rows[i].Row.Number += int64(len(s.batch.Rows))
		}
	}
	return nil
}

// BenchmarkWrite is the cost of a report beside reading and mapping, on one
// processor: an import, one in which each tenth row fails, and a dry run.
func BenchmarkWrite(b *testing.B) {
	const size, times = 4000, 10
	for _, c := range []struct {
		name   string
		failed int // each so-many-th row; 0 none
		dryRun bool
	}{{"clean", 0, false}, {"tenth fails", 10, false}, {"dry run", 0, true}} {
		b.Run(c.name, func(b *testing.B) {
			var rows []survey.Row
			for i := int64(1); i <= size; i++ {
				o := sent
				switch {
				case c.dryRun:
					o = journal.Outcome{}
				case c.failed > 0 && i%int64(c.failed) == 0:
					o = outcome(journal.Refused, 400, 1, fmt.Sprintf("Source is required for profileId %d", i))
				}
				action := mapping.Accept
				if i%3 == 0 {
					action = mapping.Reject
				}
				row := mapped(i, "user-12345678,somebody@example.com,yes,2024-01-08T21:33:02Z,web,some note on it", consent(fmt.Sprint("user-", i), "marketing", action, o))
				row.Consents[0].Timestamp = decided + i*86_400_000/7
				rows = append(rows, row)
			}
			s := &endless{facts: finished(0), times: times, batch: survey.Batch{
				Layout: csvLayout("id,mail,state,time,source,note", "id", "mail", "state", "time", "source", "note"), File: "acme.csv", Rows: rows,
			}}
			s.facts.Header.DryRun = c.dryRun
			dir, bytes := b.TempDir(), 0
			for i := range rows {
				bytes += len(rows[i].Row.Raw)
			}
			b.SetBytes(int64(bytes * times))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Write(b.Context(), journal.OS{}, dir, s, Options{})
				require.NoError(b, err)
				for i := range rows {
					rows[i].Row.Number = int64(i + 1)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size*times), "ns/row")
		})
	}
}

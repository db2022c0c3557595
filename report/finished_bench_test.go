package report_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/delivery"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// choosy is a target that answers at once and rejects the consents that say so.
type choosy struct{}

func (choosy) Send(_ context.Context, c *mapping.Consent) delivery.Answer {
	if string(c.Category) == "refused" {
		return delivery.Answer{Class: delivery.Refused, Status: 400, Message: "source is required for this profile"}
	}
	return delivery.Answer{Class: delivery.Sent, Status: 200}
}

const finishedMapping = `
name: finished
consent:
  userId: id
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: {from: at, format: rfc3339}
  validUntil: unlimited
  source: {const: web}
  category: purpose
`

// BenchmarkFinished writes the reports of an import that lies finished on disk,
// a tenth of it refused: it reads journal and export side by side, checks the
// export's content, maps again, collects and writes all files.
func BenchmarkFinished(b *testing.B) {
	const rows = 50_000
	var text bytes.Buffer
	text.WriteString("id,decision,at,purpose\n")
	for i := range rows {
		fmt.Fprintf(&text, "u%08d,%s,2024-%02d-%02dT08:09:10Z,%s\n", i, []string{"yes", "no"}[i%2], 1+i%12, 1+i%28,
			[]string{"refused", "marketing", "analytics", "profiling", "newsletter", "ads", "email", "sms", "social", "push"}[i%10])
	}
	path := filepath.Join(b.TempDir(), "export.csv")
	require.NoError(b, os.WriteFile(path, text.Bytes(), 0o600))
	spec, err := mapping.Parse("finished.yaml", []byte(finishedMapping), nil)
	require.NoError(b, err)
	dir := filepath.Join(b.TempDir(), "out")
	im, err := importer.Open(importer.Config{
		Disk: journal.OS{}, Dir: dir, Source: source.Config{Paths: []string{path}}, Spec: spec,
		Target: journal.Target{BaseURL: "http://127.0.0.1:8787/v1", Org: "acme", Project: "web", Dialect: "docs"},
	})
	require.NoError(b, err)
	stop, err := im.Run(b.Context(), importer.Sending{
		Target: choosy{}, Pacer: intempt.NewPacer(intempt.PacerConfig{Max: importer.DefaultConcurrency}),
		Limits: importer.Limits{Concurrency: importer.DefaultConcurrency, MaxFailures: importer.Budget{Share: 1}, Attempts: 1, RetryFor: importer.DefaultRetryFor},
		HTTP:   func(bool) journal.HTTP { return journal.HTTP{} },
	})
	require.NoError(b, err)
	require.Nil(b, stop)
	require.NoError(b, im.Close())

	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		s, err := survey.Open(journal.OS{}, dir, nil)
		require.NoError(b, err)
		sum, err := report.Write(b.Context(), journal.OS{}, dir, s, report.Options{})
		require.NoError(b, err)
		require.NoError(b, s.Close())
		require.EqualValues(b, rows/10, sum.Consents.Refused)
		require.EqualValues(b, rows-rows/10, sum.Consents.Sent)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

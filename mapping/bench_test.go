package mapping_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/mapping"
)

// rows is an export in memory: its rows as a Mapper gets them.
type rows struct {
	layout  mapping.Layout
	records []mapping.Record
	bytes   int64
}

const csvHeader = "customer_id,email,consented_at,decision,purpose,channel,country,language,ip,version,campaign,record"

// csvRows are a thousand rows of twelve columns, about 120 bytes each.
func csvRows() rows {
	r := rows{layout: mapping.Layout{Columns: strings.Split(csvHeader, ",")}}
	for i := range 1000 {
		text := fmt.Appendf(nil, "u%010d,user%d@example.com,2024-%02d-%02dT%02d:11:09Z,%s,%s,web,DE,de-DE,192.0.2.%d,v3.%d,spring-24,%d",
			i*7919, i*7919, 1+i%12, 1+i%28, i%24, []string{"yes", "no", "yes"}[i%3], []string{"marketing", "analytics", "profiling"}[i%3], i%256, i%9, i+1)
		r.bytes += int64(len(text))
		r.records = append(r.records, mapping.Record{File: "export.csv", Row: int64(i + 1), Cells: bytes.Split(text, []byte(","))})
	}
	return r
}

// jsonRows are the same rows, each an object with another one in it.
func jsonRows() rows {
	r := rows{layout: mapping.Layout{JSON: true}}
	for i, rec := range csvRows().records {
		c := rec.Cells
		text := fmt.Appendf(nil, `{"customer":{"id":"%s","email":"%s"},"consented_at":"%s","decision":"%s","purpose":"%s","channel":"%s","country":"%s","language":"%s","ip":"%s","version":"%s","campaign":"%s","record":%s}`,
			c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11])
		r.bytes += int64(len(text))
		r.records = append(r.records, mapping.Record{File: "export.jsonl", Row: int64(i + 1), JSON: text})
	}
	return r
}

// exampleRows are the rows of a preset's example whose files have a row a line.
func exampleRows(b *testing.B, preset, pattern string) rows {
	paths, err := filepath.Glob(filepath.Join(exampleDir, preset, pattern))
	require.NoError(b, err)
	require.NotEmpty(b, paths, "%s has no export %s", preset, pattern)
	r := rows{layout: mapping.Layout{JSON: true}}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(b, err)
		if strings.HasSuffix(path, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			require.NoError(b, err)
			text, err = io.ReadAll(z)
			require.NoError(b, err)
		}
		for line := range bytes.Lines(text) {
			line = bytes.TrimSpace(line)
			r.bytes += int64(len(line))
			r.records = append(r.records, mapping.Record{File: filepath.Base(path), Row: int64(len(r.records) + 1), JSON: line})
		}
	}
	return r
}

// benchMap maps all rows once a round, and counts what they become.
func benchMap(b *testing.B, spec *mapping.Spec, r rows) (mapped, consents int) {
	m, err := spec.Bind(r.layout)
	require.NoError(b, err)
	var out mapping.Result
	b.SetBytes(r.bytes)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		mapped, consents = 0, 0
		for i := range r.records {
			m.Map(&r.records[i], &out)
			if out.Status == mapping.Mapped {
				mapped++
				consents += len(out.Consents)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(r.records)), "ns/row")
	return mapped, consents
}

func parsed(b *testing.B, text string) *mapping.Spec {
	spec, err := mapping.Parse("bench.yaml", []byte(text), nil)
	require.NoError(b, err)
	return spec
}

// plainMapping maps the columns of csvRows; the two names differ in jsonRows.
func plainMapping(id, email, skip string) string {
	return `name: bench
` + skip + `
consent:
  userId: ` + id + `
  email: ` + email + `
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: {from: consented_at, format: rfc3339}
  validUntil: {after: 395d}
  source: channel
  category: purpose
  message: {template: "Migrated from the old preference centre, record {record}"}
`
}

// BenchmarkMap is Mapper.Map alone: a row of cells, a row of JSON, and rows of
// platforms that make several consents each.
func BenchmarkMap(b *testing.B) {
	b.Run("csv", func(b *testing.B) {
		mapped, _ := benchMap(b, parsed(b, plainMapping("customer_id", "email", "")), csvRows())
		require.Equal(b, 1000, mapped)
	})
	b.Run("jsonl", func(b *testing.B) {
		mapped, _ := benchMap(b, parsed(b, plainMapping("customer.id", "customer.email", "")), jsonRows())
		require.Equal(b, 1000, mapped)
	})
	for _, c := range []struct{ preset, files string }{
		{"onetrust", "export.*.jsonl"}, {"onetrust-webhook", "export.jsonl"}, {"didomi-events", "export.*.gz"}, {"didomi-users", "export.*.gz"},
	} {
		b.Run(c.preset, func(b *testing.B) {
			p, err := mapping.FindPreset(c.preset)
			require.NoError(b, err)
			spec, err := mapping.Parse(p.Name+".yaml", p.Source, benchFlags(b, c.preset))
			require.NoError(b, err)
			r := exampleRows(b, c.preset, c.files)
			mapped, consents := benchMap(b, spec, r)
			require.Greater(b, consents, mapped, "each makes several")
		})
	}
}

// benchFlags are the parameters with which an example is imported.
func benchFlags(b *testing.B, preset string) map[string]string {
	set := map[string]string{}
	text, err := os.ReadFile(filepath.Join(exampleDir, preset, "flags"))
	if os.IsNotExist(err) {
		return set
	}
	require.NoError(b, err)
	for _, flag := range strings.Fields(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(flag, "--set="), "="); ok {
			set[name] = value
		}
	}
	return set
}

// BenchmarkValidate is what a row costs that is read and then skipped: the
// whole check of its JSON and the conditions, beside no mapping; and
// encoding/json checking the same rows.
func BenchmarkValidate(b *testing.B) {
	never := []string{
		`country == "XX"`,
		`version startsWith "v9" && language != "de-DE"`,
		`purpose in ["a", "b", "c"] || channel == "fax"`,
		`campaign matches "^(test|internal)-"`,
	}
	rules := func(when ...string) string {
		text := "skip:\n"
		for _, w := range when {
			text += "  - {when: '" + w + "', reason: not wanted}\n"
		}
		return text
	}
	always := append(never[:len(never):len(never)], `country == "DE"`)
	for _, c := range []struct {
		name, skip string
		mapped     int
	}{
		{"one condition", rules(`country == "DE"`), 0},
		{"five conditions", rules(always...), 0},
		{"four conditions and mapped", rules(never...), 1000},
	} {
		b.Run("csv/"+c.name, func(b *testing.B) {
			mapped, _ := benchMap(b, parsed(b, plainMapping("customer_id", "email", c.skip)), csvRows())
			require.Equal(b, c.mapped, mapped)
		})
		b.Run("jsonl/"+c.name, func(b *testing.B) {
			mapped, _ := benchMap(b, parsed(b, plainMapping("customer.id", "customer.email", c.skip)), jsonRows())
			require.Equal(b, c.mapped, mapped)
		})
	}
	b.Run("jsonl/encoding-json Valid", func(b *testing.B) {
		r := jsonRows()
		b.SetBytes(r.bytes)
		b.ReportAllocs()
		for b.Loop() {
			for i := range r.records {
				if !json.Valid(r.records[i].JSON) {
					b.Fatal("a row is not JSON")
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(r.records)), "ns/row")
	})
}

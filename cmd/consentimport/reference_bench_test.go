package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

const (
	referenceBytes = 32_000_000 // size of each export that is rehearsed
	referenceRows  = 30_000     // rows of the one that is sent
)

// BenchmarkReference compares the whole program with what a user would write
// instead, in one process and on the same files:
//
//	go test -run '^$' -bench Reference -benchtime 5x -cpu 1,2 ./cmd/consentimport
//
// dryrun/KIND/ours is run --dry-run from its flags to its summary: read, hash,
// split, map, lint, decision table, reports. Beside it, each named reference is
// run in pairs with it, and "x" is how many times as fast ours was: the median of
// the pairs. The references do less: encoding-csv only parses (ReuseRecord),
// gocsv and encoding-json fill a struct a row; nobody maps.
//
// import/NAME are pairs of a whole import, 64 in flight, journal and order
// included, with a bare loop that reads, encodes and sends; "x" is the ratio of
// the requests per second as the server saw them, which is net/http in a process
// of its own on loopback. What else is to be compared, testdata/bench/compare.sh
// compares.
//
// report/dryrun are pairs of the report of an import a tenth of which was refused
// and the dry run of the same export.
//
// With -cpu 1 one goroutine runs at a time, in the references too; put taskset -c 0
// before it for what one processor does. With -cpu 2 ours uses two processors and
// the parsers one.
func BenchmarkReference(b *testing.B) {
	for _, kind := range []struct {
		name       string
		references []reference
	}{
		{"csv", []reference{{"encoding-csv", parseCSV}, {"gocsv", parseGocsv}}},
		{"jsonl", []reference{{"encoding-json", parseJSON}, {"json-v2", parseJSONv2}}},
	} {
		b.Run("dryrun/"+kind.name, func(b *testing.B) {
			export, rows := writeExport(b, kind.name, referenceBytes, 0)
			ours := func() (seconds float64) { return timed(func() { rehearseExport(b, kind.name, export) }) }
			size := fileSize(b, export)
			b.Run("ours", func(b *testing.B) {
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					ours()
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
			for _, p := range kind.references {
				b.Run(p.name, func(b *testing.B) {
					inPairs(b, float64(size)/1e6, "MB/s", ours, func() float64 {
						return timed(func() {
							f, err := os.Open(export)
							require.NoError(b, err)
							defer f.Close()
							got, err := p.parse(f)
							require.NoError(b, err)
							require.Equal(b, rows, got)
						})
					})
				})
			}
		})
	}
	b.Run("report/dryrun", func(b *testing.B) {
		export, _ := writeExport(b, "csv", referenceBytes/4, 0)
		out := importExport(b, startServer(b), "choosy", exitFailures, export)
		inPairs(b, float64(fileSize(b, export))/1e6, "MB/s", func() float64 {
			return timed(func() { require.Equal(b, exitFailures, run(benchEnvironment(), []string{"report", out})) })
		}, func() float64 { return timed(func() { rehearseExport(b, "csv", export) }) })
	})
	b.Run("import", func(b *testing.B) {
		export, rows := writeExport(b, "csv", 0, referenceRows)
		server := startServer(b)
		ours := func() float64 { importExport(b, server, "acme", exitComplete, export); return server.seconds(b, rows) }
		for _, loop := range []struct {
			name   string
			sender func(url string) sender
		}{{"loop-fasthttp", fasthttpSender}, {"loop-nethttp", nethttpSender}} {
			b.Run(loop.name, func(b *testing.B) {
				inPairs(b, float64(rows), "requests/s", ours, func() float64 {
					require.NoError(b, bareLoop(export, 64, loop.sender(server.url())))
					return server.seconds(b, rows)
				})
			})
		}
		b.Run("ours", func(b *testing.B) { // with the reports after the last answer
			b.ReportAllocs()
			for b.Loop() {
				ours()
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	})
}

// inPairs runs ours and theirs in turn, each beginning every other pair, and
// reports both as amounts per second, with the median of the pairs' ratios.
func inPairs(b *testing.B, amount float64, unit string, ours, theirs func() (seconds float64)) {
	var a, z, x []float64
	for first := true; b.Loop(); first = !first {
		var we, they float64
		if first {
			we, they = ours(), theirs()
		} else {
			they = theirs()
			we = ours()
		}
		a, z, x = append(a, amount/we), append(z, amount/they), append(x, they/we)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(medianOf(a), "ours-"+unit)
	b.ReportMetric(medianOf(z), "theirs-"+unit)
	b.ReportMetric(medianOf(x), "x")
}

func medianOf(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// timed begins with a heap that was cleaned up, as a process of its own would.
func timed(work func()) (seconds float64) {
	runtime.GC()
	began := time.Now()
	work()
	return time.Since(began).Seconds()
}

func fileSize(b *testing.B, path string) int64 {
	info, err := os.Stat(path)
	require.NoError(b, err)
	return info.Size()
}

// benchEnvironment is what the program gets when it is run here; nobody reads
// what it says.
func benchEnvironment() *environment {
	return &environment{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, now: time.Now, disk: journal.OS{}, width: 80,
		getenv:  func(name string) string { return map[string]string{"INTEMPT_API_KEY": "bench.key"}[name] },
		signals: func() (<-chan os.Signal, func()) { return make(chan os.Signal), func() {} },
	}
}

func benchMapping(kind string) string {
	return filepath.Join("..", "..", "testdata", "bench", "mapping-"+kind+".yaml")
}

func rehearseExport(b *testing.B, kind, export string) {
	out := filepath.Join(filepath.Dir(export), "dry")
	code := run(benchEnvironment(), []string{"run", "--dry-run", "--progress", "none", "--mapping", benchMapping(kind), "--out", out, export})
	require.Equal(b, exitComplete, code)
}

// importExport gives the directory of the import, or fails when it does not end
// with this code.
func importExport(b *testing.B, server *bareServer, org string, code int, export string) (out string) {
	out = filepath.Join(filepath.Dir(export), "import")
	require.NoError(b, os.RemoveAll(out))
	got := run(benchEnvironment(), []string{"run", "--progress", "none", "--mapping", benchMapping("csv"), "--out", out,
		"--base-url", server.base(), "--org", org, "--project", "web", "--concurrency", "64", export})
	require.Equal(b, code, got)
	return out
}

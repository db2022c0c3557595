package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// outcome is a row that made no consent.
type outcome struct {
	row    int64
	status mapping.Status
	reason string // column and reason
}

// passed is what an export became.
type passed struct {
	rows     int64
	bodies   []string // docs dialect, one a consent
	outcomes []outcome
}

// pass reads an export and maps it, as a run does up to sending.
func pass(ctx context.Context, spec *mapping.Spec, cfg source.Config) (*passed, error) {
	export, err := source.Open(rows.Config(cfg, spec.Input()))
	if err != nil {
		return nil, err
	}
	defer export.Close()
	units, err := learn(export, spec)
	if err != nil {
		return nil, err
	}
	out := &passed{}
	err = sweepAll(ctx, export, spec, units, func(b *rows.Batch, reading *rows.Reading) error {
		for i := range b.Len() {
			row := b.Result(i, reading)
			out.rows++
			if row.Status != mapping.Mapped {
				out.outcomes = append(out.outcomes, outcome{b.Number(i), row.Status, strings.TrimSpace(row.Column + " " + row.Reason)})
				continue
			}
			for k := range row.Consents {
				out.bodies = append(out.bodies, string(intempt.Wording{Dialect: intempt.Docs}.AppendBody(nil, &row.Consents[k])))
			}
		}
		return nil
	})
	return out, err
}

// learn finds out what the mapping must know of an export beforehand.
func learn(export *source.Export, spec *mapping.Spec) (mapping.Units, error) {
	files, err := rows.OpenFiles(export, "", nil)
	if err != nil {
		return nil, err
	}
	units, err := files.Learn(spec)
	return units, errors.Join(err, files.Close())
}

// sweepAll goes over the whole of an export, as a first pass reads it.
func sweepAll(ctx context.Context, export *source.Export, spec *mapping.Spec, units mapping.Units, each func(*rows.Batch, *rows.Reading) error) error {
	files, err := rows.OpenFiles(export, "", nil)
	if err != nil {
		return err
	}
	reading, err := files.Reading(spec, units, journal.Pass{N: 1})
	if err != nil {
		return err
	}
	reader, err := export.Read(export.Start(), source.ReadOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	s := rows.Sweep{Files: files, Reading: reading}
	return s.Run(ctx, reader, func(b *rows.Batch) func() error {
		return func() error { return each(b, reading) }
	})
}

// example is a folder of testdata/exports or testdata/traps.
type example struct{ name, dir string }

func examples(t *testing.T, kind string) []example {
	t.Helper()
	dirs, err := os.ReadDir(filepath.Join("..", "testdata", kind))
	require.NoError(t, err)
	var out []example
	for _, d := range dirs {
		if d.IsDir() {
			out = append(out, example{d.Name(), filepath.Join("..", "testdata", kind, d.Name())})
		}
	}
	require.NotEmpty(t, out, "no examples in testdata/%s", kind)
	return out
}

// files are the export of an example, in the order of their names.
func (e example) files(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(e.dir, "export.*"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "%s has no export", e.name)
	sort.Strings(paths)
	return paths
}

// lines reads a file of the example; nil when there is none.
func (e example) lines(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(e.dir, name))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	for s.Buffer(nil, 1<<20); s.Scan(); {
		out = append(out, s.Text())
	}
	require.NoError(t, s.Err())
	return out
}

// flags reads what a run of the example is told: parameters, and how to read.
func (e example) flags(t *testing.T) (set map[string]string, cfg source.Config) {
	t.Helper()
	set, cfg = map[string]string{}, source.Config{Paths: e.files(t)}
	for _, flag := range e.lines(t, "flags") {
		name, value, ok := strings.Cut(flag, "=")
		require.True(t, ok, "flags of %s: %q is not --FLAG=VALUE", e.name, flag)
		switch name {
		case "--encoding":
			cfg.Encoding = value
		case "--format":
			cfg.Format = value
		case "--delimiter":
			cfg.Delimiter = value
		case "--set":
			name, value, ok := strings.Cut(value, "=")
			require.True(t, ok, "flags of %s: %q is not --set=NAME=VALUE", e.name, flag)
			set[name] = value
		default:
			require.Fail(t, "no rule for a flag", "flags of %s: %s", e.name, flag)
		}
	}
	return set, cfg
}

// presets reads them all, once for all tests.
var presets = sync.OnceValue(mapping.Presets)

// preset compiles the preset that an example is of, and says how to read it.
func (e example) preset(t *testing.T) (*mapping.Spec, source.Config) {
	t.Helper()
	set, cfg := e.flags(t)
	i := slices.IndexFunc(presets(), func(p mapping.Preset) bool { return p.Name == e.name })
	require.GreaterOrEqual(t, i, 0, "there is no preset %s", e.name)
	p := presets()[i]
	spec, err := mapping.Parse(p.Name+".yaml", p.Source, set)
	require.NoError(t, err)
	return spec, cfg
}

// same compares consents by what they say: fields may come in any order, but
// numbers count digit by digit.
func same(t *testing.T, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if !assert.Equal(t, fields(t, want[i]), fields(t, got[i]), "consent %d\nwant %s\ngot  %s", i+1, want[i], got[i]) {
			return
		}
	}
	assert.Equal(t, len(want), len(got), "number of consents")
}

func fields(t *testing.T, body string) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	d.UseNumber()
	var m map[string]any
	require.NoError(t, d.Decode(&m), body)
	return m
}

// TestExamples: every preset makes of its example exactly what it must.
func TestExamples(t *testing.T) {
	for _, e := range examples(t, "exports") {
		t.Run(e.name, func(t *testing.T) {
			want := e.lines(t, "want.jsonl")
			require.NotEmpty(t, want)
			spec, cfg := e.preset(t)
			got, err := pass(t.Context(), spec, cfg)
			require.NoError(t, err)
			same(t, want, got.bodies)
			reasons := map[string]int{}
			for _, o := range got.outcomes {
				assert.NotEmpty(t, o.reason, "row %d has no reason", o.row)
				reasons[fmt.Sprintf("%v: %s", o.status, o.reason)]++
			}
			for reason, n := range reasons {
				t.Logf("%4d %s", n, reason)
			}
		})
	}
}

// TestTraps: every trap is handled right, or its rows are counted with a
// reason, or the export is refused in words that help.
func TestTraps(t *testing.T) {
	for _, e := range examples(t, "traps") {
		t.Run(e.name, func(t *testing.T) {
			file := filepath.Join(e.dir, "mapping.yaml")
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			spec, err := mapping.Parse(file, text, nil)
			require.NoError(t, err)
			got, err := pass(t.Context(), spec, source.Config{Paths: e.files(t)})
			if refused := e.lines(t, "refused"); refused != nil {
				require.Error(t, err)
				assert.Contains(t, strings.ToLower(err.Error()), refused[0])
				return
			}
			require.NoError(t, err)
			same(t, e.lines(t, "want.jsonl"), got.bodies)
			want := e.lines(t, "outcomes")
			require.Len(t, got.outcomes, len(want), "%v", got.outcomes)
			for i, o := range got.outcomes {
				status := map[mapping.Status]string{mapping.Skipped: "skipped", mapping.Invalid: "invalid"}[o.status]
				words := strings.SplitN(want[i]+" ", " ", 3)
				assert.Equal(t, words[0]+" "+words[1], fmt.Sprintf("%d %s", o.row, status))
				assert.Contains(t, o.reason, strings.TrimSpace(words[2]))
				assert.NotEmpty(t, o.reason)
			}
		})
	}
}

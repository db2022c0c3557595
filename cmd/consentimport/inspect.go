package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/report"
)

func newInspect(env *environment) *cobra.Command {
	var read readFlags
	var suggest, asJSON bool
	c := &cobra.Command{
		Use:   "inspect EXPORT...",
		Short: "Say what an export is, which presets fit, and suggest a mapping",
		Long: `inspect reads an export to its end and says what it is: format, compression, encoding and
delimiter with the evidence for each, rows, what every column (of JSON: every path) holds, the
form of its times as far as the data proves it, and which presets fit. Samples are masked.

With --suggest it prints a mapping to start from. Where that says DECIDE, you must decide, first
of all which value is an accept and which a reject: this is never guessed.`,
		Example: `  consentimport inspect preferences.csv
  consentimport inspect --suggest preferences.csv > acme.yaml && consentimport mapping check acme.yaml
  consentimport inspect --json export-*.json.gz | jq .columns`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			if suggest && asJSON {
				return usage("give only one of them", "--suggest and --json are both given")
			}
			ctx, release := env.interruptible(messages{env}.note)
			defer release()
			in, err := inspected(ctx, env, read.config(args))
			if err != nil {
				return err
			}
			switch {
			case suggest:
				_, err = fmt.Fprintf(env.stdout, "%s%s", schemaLine, in.SuggestMapping())
			case asJSON:
				e := json.NewEncoder(env.stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				err = e.Encode(in)
			default:
				err = printInspection(env.stdout, in)
			}
			return err
		},
	}
	read.register(c)
	c.Flags().BoolVar(&suggest, "suggest", false, "print a mapping to start from")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return c
}

// inspected reads an export and says what it is.
func inspected(ctx context.Context, env *environment, cfg source.Config) (in *inspect.Inspection, err error) {
	err = withStdin(env, cfg, func(cfg source.Config) error {
		in, err = inspectFiles(ctx, cfg)
		return err
	})
	if err == nil && cfg.Paths[0] == "-" {
		for i := range in.Inputs {
			in.Inputs[i].Path = "-"
		}
	}
	return in, err
}

// withStdin gives a function the files of an export; standard input is kept in a
// file for as long as that takes, for an export is looked at more than once.
func withStdin(env *environment, cfg source.Config, use func(source.Config) error) error {
	if len(cfg.Paths) != 1 || cfg.Paths[0] != "-" {
		for _, p := range cfg.Paths {
			if p == "-" {
				return usage("give - as the only argument", "standard input (-) cannot be combined with other files")
			}
		}
		return use(cfg)
	}
	dir, err := os.MkdirTemp("", "consentimport-stdin-") // no other user can look into it
	if err != nil {
		return usage("give the export as a file", "keep standard input: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "stdin")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(f, env.stdin)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return usage("give the export as a file", "keep standard input: %w", err)
	}
	cfg.Paths = []string{path}
	return use(cfg)
}

func inspectFiles(ctx context.Context, cfg source.Config) (*inspect.Inspection, error) {
	in, err := inspect.Inspect(ctx, cfg)
	if err != nil && ctx.Err() != nil {
		return nil, usage("run it again and let it finish", "%w", err)
	}
	return in, refused(err)
}

// fitting names the presets that an export looks like, the surest first. An
// export that cannot be read fits none: reading it will say why.
func fitting(cfg source.Config) []string {
	names, err := inspect.Fitting(cfg)
	if err != nil {
		return nil
	}
	return names
}

// inspectionPrinter writes what was found for people; the first error stays.
type inspectionPrinter struct {
	w   io.Writer
	err error
}

func (p *inspectionPrinter) line(depth int, format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, strings.Repeat("  ", depth)+format+"\n", args...)
	}
}

func printInspection(w io.Writer, in *inspect.Inspection) error {
	p := &inspectionPrinter{w: w}
	p.files(in)
	p.line(0, "rows: %s", report.Thousands(in.Rows))
	if in.Unreadable > 0 {
		p.line(1, "%s of them cannot be read:", report.Thousands(in.Unreadable))
		for _, u := range in.Reasons {
			p.line(2, "%s: %s (%s)", report.Thousands(u.Count), u.Reason, rowList(u.Rows, u.Count))
		}
	}
	for _, n := range in.Notes {
		p.line(1, "note: %s", n)
	}
	p.line(0, "")
	what := "columns"
	if len(in.Layouts) > 0 && in.Layouts[0].Format == "jsonl" {
		what = "paths"
	}
	p.line(0, "%s: %d (samples are masked: letters a and A, digits 9)", what, len(in.Columns))
	for i := range in.Columns {
		p.column(&in.Columns[i])
	}
	p.line(0, "")
	p.presets(in)
	return p.err
}

func (p *inspectionPrinter) files(in *inspect.Inspection) {
	for _, f := range in.Inputs {
		packed := "not compressed"
		if f.Compression != "none" && f.Compression != "" {
			packed = f.Compression + ", by its first bytes"
		}
		p.line(0, "file: %s, %s bytes, %s", f.Path, report.Thousands(f.Bytes), packed)
	}
	for i, l := range in.Layouts {
		if len(in.Layouts) > 1 {
			p.line(0, "layout %d of %d, %s", i+1, len(in.Layouts), report.Plural(int64(l.Members), "file"))
		}
		p.line(1, "format: %s", l.Format)
		for _, e := range l.Evidence {
			p.line(1, "%s", e)
		}
		p.line(1, "line ends: %s", l.LineEnd)
		if l.Format != "csv" {
			continue
		}
		if in.Headless {
			p.line(1, "header: none")
		} else {
			p.line(1, "header: %s", report.Plural(int64(l.Columns), "column"))
		}
		if l.Preamble > 0 {
			p.line(1, "lines above the header: %d", l.Preamble)
		}
	}
	if in.Paged != "" {
		p.line(1, "the rows are in the array %s of each page (input.rows of a mapping)", in.Paged)
	}
	if len(in.Members) > len(in.Inputs) {
		for _, m := range in.Members {
			p.line(1, "holds %s: %s rows", m.Name, report.Thousands(m.Rows))
		}
	}
}

func (p *inspectionPrinter) column(c *inspect.Column) {
	p.line(1, "%s: %s", c.Name, filled(c))
	if len(c.Spellings) > 0 {
		p.line(2, "in other files called %s", strings.Join(c.Spellings, ", "))
	}
	if c.Filled == 0 {
		return
	}
	kinds := make([]string, 0, 3)
	for i, k := range c.Kinds {
		if i == 3 {
			kinds = append(kinds, "…")
			break
		}
		if share := 100 * float64(k.Count) / float64(c.Filled); share < 99.95 {
			kinds = append(kinds, fmt.Sprintf("%s %.1f %%", k.Kind, share))
		} else {
			kinds = append(kinds, k.Kind)
		}
	}
	p.line(2, "%s", strings.Join(kinds, ", "))
	if c.Decoder != "" {
		p.line(2, "read by the decoder %s (each: {%s: …})", c.Decoder, c.Decoder)
	}
	if c.Pairs != nil {
		p.line(2, "separated by %q, name and value by %q (each: {split: …})", c.Pairs.By, c.Pairs.Pair)
	}
	for _, t := range c.Times {
		p.time(&t)
	}
	if len(c.Values) > 0 {
		values := make([]string, 0, len(c.Values)+1)
		for _, v := range c.Values {
			values = append(values, fmt.Sprintf("%s (%s)", v.Value, report.Thousands(v.Count)))
		}
		if c.Others > 0 {
			values = append(values, fmt.Sprintf("and %d more that are not shown", c.Others))
		}
		p.line(2, "values: %s", strings.Join(values, ", "))
	} else if len(c.Samples) > 0 {
		p.line(2, "e.g. %s", strings.Join(c.Samples, "  |  "))
	}
}

func filled(c *inspect.Column) string {
	if c.Filled == 0 {
		return "always empty"
	}
	share := fmt.Sprintf("%.1f %%", 100*c.Fill())
	if share == "100.0 %" && c.Filled < c.Of {
		share = "nearly always"
	}
	out := fmt.Sprintf("filled %s (%s of %s)", share, report.Thousands(c.Filled), report.Thousands(c.Of))
	switch {
	case c.Distinct > 0:
		out += fmt.Sprintf(", %d distinct", c.Distinct)
	case c.Distinct < 0:
		out += ", many distinct"
	}
	return out
}

func (p *inspectionPrinter) time(t *inspect.TimeForm) {
	form := t.Format
	if len(t.Either) > 0 {
		form = strings.Join(t.Either, " or ")
	}
	out := fmt.Sprintf("time: %s, zone %s", form, t.Zone)
	switch {
	case t.Years[0] == 0:
	case t.Years[0] == t.Years[1]:
		out += fmt.Sprintf(", %d", t.Years[0])
	default:
		out += fmt.Sprintf(", %d to %d", t.Years[0], t.Years[1])
	}
	if t.Order != "" {
		out += "; " + t.Order
	}
	p.line(2, "%s", out)
}

func (p *inspectionPrinter) presets(in *inspect.Inspection) {
	if len(in.Presets) == 0 {
		p.line(0, "presets: none fits; consentimport inspect --suggest prints a mapping to start from")
		return
	}
	p.line(0, "presets that fit:")
	for _, f := range in.Presets {
		p.line(1, "%s: %s (%d signs of the format were found)", f.Name, f.Description, f.Marks)
		for _, m := range f.Missing {
			p.line(2, "needs --set %s=%s: %s", m.Name, orValue(m.Example), m.Description)
		}
		if len(f.Missing) == 0 {
			p.line(2, "ready to run: consentimport run --dry-run --preset %s …", f.Name)
		}
		p.line(2, "%s", f.Confirmed)
	}
}

func orValue(example string) string {
	if example == "" {
		return "VALUE"
	}
	return example
}

// rowList names some of the rows of a group.
func rowList(rows []int64, count int64) string {
	parts := make([]string, 0, len(rows)+1)
	for _, r := range rows {
		parts = append(parts, fmt.Sprint(r))
	}
	if count > int64(len(rows)) {
		parts = append(parts, "…")
	}
	if count == 1 {
		return "row " + parts[0]
	}
	return "rows " + strings.Join(parts, ", ")
}

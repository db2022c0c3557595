package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/wording"
)

func newMappingTry(env *environment) *cobra.Command {
	var set []string
	var read readFlags
	var count int64
	var only []int64
	var unmasked bool
	c := &cobra.Command{
		Use:   "try FILE|NAME EXPORT...",
		Short: "Show what the first rows of an export become under a mapping",
		Long: `try maps the first rows of an export, or one row, with a mapping file or a preset, and prints the
cells of each row, the consents that it makes, or the reason for which it makes none. It writes
nothing and sends nothing. What could name a person is masked: letters are a and A, digits 9.`,
		Example: `  consentimport mapping try acme.yaml export.csv
  consentimport mapping try --rows 20 acme.yaml export.csv
  consentimport mapping try --row 523 onetrust page-*.json
  consentimport mapping try --row 3,17 acme.yaml export.csv`,
		Args: arguments(cobra.MinimumNArgs(2), "name a mapping file or a preset, and the export's files"),
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			names, _ := completePresets(c, args, begun)
			return names, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			if count < 1 || slices.ContainsFunc(only, func(n int64) bool { return n < 1 }) {
				return usage("rows count from 1", "--rows and --row take a number above 0")
			}
			f := mappingFlags{set: set}
			if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() || strings.ContainsAny(args[0], `/\.`) {
				f.file = args[0]
			} else {
				f.preset = args[0]
			}
			spec, err := f.load()
			if err != nil {
				return err
			}
			ctx, release := env.interruptible(messages{env}.note, stopping)
			defer release()
			paths, err := env.exports(args[1:])
			if err != nil {
				return err
			}
			read.remote = env.access(ctx)
			return withStdin(ctx, env, read.config(paths), func(cfg source.Config) error {
				t := mappingTrial{w: env.stdout, spec: spec, unmasked: unmasked}
				return t.run(ctx.Err, cfg, count, only)
			})
		},
	}
	read.register(c)
	c.Flags().Int64Var(&count, "rows", 5, "how many rows to show, `N`")
	c.Flags().Int64SliceVar(&only, "row", nil, "show row `N` alone; several may be named, 3,17,523")
	c.Flags().BoolVar(&unmasked, "unmasked", false, "print cells and identifiers as they are")
	c.Flags().StringArrayVar(&set, "set", nil, "give a parameter its value, `NAME=VALUE`; may be repeated")
	return c
}

// mappingTrial prints what rows become.
type mappingTrial struct {
	w        io.Writer
	err      error // the first of writing
	spec     *mapping.Spec
	unmasked bool

	shown, consents, skipped, invalid int
}

func (t *mappingTrial) line(depth int, format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, strings.Repeat("  ", depth)+"%s\n", spelling.OneLine(fmt.Sprintf(format, args...)))
	}
}

// run maps the first rows of an export, or only some of them.
func (t *mappingTrial) run(stopped func() error, cfg source.Config, count int64, only []int64) error {
	export, err := rows.OpenSingle(cfg, t.spec)
	if err != nil {
		return refused(err)
	}
	defer export.Close()
	last, missing := count, slices.Clone(only)
	if len(only) > 0 {
		last = slices.Max(only)
	}
	wanted := func(n int64) bool { return len(only) == 0 || n > last || slices.Contains(only, n) || stopped() != nil }
	for t.err == nil {
		one, err := export.NextOf(wanted)
		if stopped() != nil {
			return &exitError{exitIncomplete, fmt.Errorf("interrupted after %d rows", t.shown), "run it again and let it finish"}
		}
		if errors.Is(err, io.EOF) || err == nil && one.Row.Number > last {
			break
		}
		if err != nil {
			return refused(err)
		}
		t.row(&one)
		missing = slices.DeleteFunc(missing, func(n int64) bool { return n == one.Row.Number })
	}
	switch {
	case t.err != nil:
		return t.err
	case len(missing) > 0:
		return usage("rows count from 1 through all files; a CSV header is not a row", "the export has no row %d", missing[0])
	case t.shown == 0:
		return usage("consentimport inspect EXPORT says what is in it", "the export has no rows")
	}
	t.line(0, "")
	t.line(0, "%s: %s, %d make none, %d invalid; nothing was written", wording.Plural(int64(t.shown), "row"), wording.Plural(int64(t.consents), "consent"), t.skipped, t.invalid)
	if t.err == nil && t.invalid > 0 {
		return &ended{exitFailures}
	}
	return t.err
}

// maxCells is how many cells of a row are shown, maxShownText how much of each.
const (
	maxCells     = 60
	maxShownText = 100
)

func (t *mappingTrial) row(one *rows.One) {
	res := one.Result
	if t.shown++; t.shown > 1 {
		t.line(0, "")
	}
	t.line(0, "row %d, line %d of %s", one.Row.Number, one.Row.Line, one.File)
	for _, c := range cellsOf(one.Layout, one.Record) {
		if namesPerson(c.Value, res.Consents) {
			t.line(1, "%s: %s", c.Name, t.person(c.Value))
		} else {
			t.line(1, "%s: %s", c.Name, t.show(c.Value))
		}
	}
	for _, c := range one.LookedUp() {
		if namesPerson(c.Value, res.Consents) {
			t.line(1, "%s: %s", c.Name, t.person(c.Value))
		} else {
			t.line(1, "%s: %s", c.Name, t.show(c.Value))
		}
	}
	switch res.Status {
	case mapping.Invalid:
		t.invalid++
		t.line(1, "→ invalid: %s", res.Reason)
	case mapping.Skipped:
		t.skipped++
		t.line(1, "→ no consent: %s", res.Reason)
	default:
		for i := range res.Consents {
			t.consents++
			t.consent(fmt.Sprintf("%d.%d", one.Row.Number, i+1), &res.Consents[i])
		}
	}
	for _, d := range res.Dropped {
		t.line(2, "%q%s makes none: %s", t.show(d.Raw), ofCategory(d.Category), d.Why)
	}
}

func ofCategory(category []byte) string {
	if len(category) == 0 {
		return ""
	}
	return fmt.Sprintf(" of %q", category)
}

// cellsOf are the cells of a row that say something.
func cellsOf(layout *source.Layout, rec *mapping.Record) []inspect.Cell {
	var all []inspect.Cell
	if layout.Nested() {
		all = inspect.Leaves(rec.JSON, maxCells)
	}
	for i, cell := range rec.Cells {
		all = append(all, inspect.Cell{Name: layout.Columns[i], Value: cell})
	}
	var out []inspect.Cell
	for _, c := range all {
		if len(c.Value) > 0 && len(out) < maxCells {
			out = append(out, c)
		}
	}
	return out
}

// namesPerson reports whether a cell is somebody's identifier.
func namesPerson(cell []byte, consents []mapping.Consent) bool {
	cell = bytes.TrimSpace(cell)
	return slices.ContainsFunc(consents, func(c mapping.Consent) bool {
		return bytes.EqualFold(cell, c.UserID) || bytes.EqualFold(cell, c.ProfileID) || bytes.EqualFold(cell, c.Email)
	})
}

// person gives an identifier as it may be printed.
func (t *mappingTrial) person(id []byte) string {
	if t.unmasked {
		return t.show(id)
	}
	return inspect.Masked(id)
}

// show gives a value as it may be printed.
func (t *mappingTrial) show(value []byte) string {
	if !t.unmasked {
		return inspect.Shown(value)
	}
	text := spelling.OneLine(string(value))
	if r := []rune(text); len(r) > maxShownText {
		text = string(r[:maxShownText]) + "…"
	}
	return text
}

func (t *mappingTrial) consent(ref string, c *mapping.Consent) {
	parts := []string{c.Action.String()}
	if len(c.Category) > 0 {
		parts = append(parts, fmt.Sprintf("category %q", c.Category))
	}
	for _, id := range []struct {
		name  string
		value []byte
	}{{"userId", c.UserID}, {"profileId", c.ProfileID}, {"email", c.Email}} {
		if len(id.value) > 0 {
			parts = append(parts, id.name+" "+t.person(id.value))
		}
	}
	until := "unlimited"
	if c.ValidUntil != mapping.Unlimited {
		until = utcText(c.ValidUntil)
	}
	parts = append(parts, "at "+utcText(c.Timestamp), "until "+until, fmt.Sprintf("source %q", c.Source))
	if c.HasSourceID {
		parts = append(parts, fmt.Sprintf("sourceId %d", c.SourceID))
	}
	if len(c.Message) > 0 {
		parts = append(parts, fmt.Sprintf("message %q", t.show(c.Message)))
	}
	if c.More != nil {
		for _, f := range c.More.Fields() {
			if len(*f.Value) > 0 {
				parts = append(parts, fmt.Sprintf("%s %q", f.Name, t.show(*f.Value)))
			}
		}
	}
	t.line(1, "→ consent %s: %s", ref, strings.Join(parts, ", "))
}

func utcText(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

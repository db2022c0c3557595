// Package inspect says what an export is: how it is written, what its columns
// hold, which presets fit it; and suggests a mapping to start from.
package inspect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/consentimport/consentimport/importer/source"
)

// Inspection is what an export is, as far as its bytes tell. It holds nobody's
// data: samples are masked, and values are shown only where they are words by
// which exports state decisions.
type Inspection struct {
	Inputs  []InspectedInput  `json:"inputs"`
	Members []InspectedMember `json:"members"` // the first maxMembers of them
	Layouts []InspectedLayout `json:"layouts"`
	// Paged is the path of the array that holds the rows, where the files are
	// pages of them (input.rows of a mapping).
	Paged string `json:"rowsIn,omitempty"`
	// Headless says that the first line looks like a row, so that columns were
	// given names (input.columns of a mapping).
	Headless bool `json:"headless,omitempty"`
	// Unnamed is how many cells rows have that are JSON lists or texts.
	Unnamed int `json:"unnamed,omitempty"`
	// Skipped is how many lines stand above the header (input.skipLines).
	Skipped    int              `json:"skipLines,omitempty"`
	Rows       int64            `json:"rows"` // exact
	Unreadable int64            `json:"unreadable"`
	Reasons    []UnreadableRows `json:"reasons,omitempty"`
	Columns    []Column         `json:"columns"` // CSV columns, or paths inside JSON, in order of appearance
	// More says that there are paths beyond maxColumns, which were not looked at.
	More    bool        `json:"more,omitempty"`
	Presets []PresetFit `json:"presets"` // that fit, the surest first
	Notes   []string    `json:"notes,omitempty"`
	// Guessed is the encoding in which text was read that is not UTF-8, where none was set.
	Guessed string `json:"guessedEncoding,omitempty"`
}

// InspectedInput is one file as it lies on disk.
type InspectedInput struct {
	Path        string `json:"path"`
	Bytes       int64  `json:"bytes"`
	Compression string `json:"compression"`
}

// InspectedMember is one run of rows.
type InspectedMember struct {
	Name   string `json:"name"`
	Layout int    `json:"layout"` // index into Layouts
	Rows   int64  `json:"rows"`
}

// InspectedLayout is how rows are written, with the evidence for it.
type InspectedLayout struct {
	Format    string   `json:"format"` // csv, jsonl
	Nested    bool     `json:"-"`      // see source.Layout.Nested
	Encoding  string   `json:"encoding"`
	BOM       bool     `json:"bom,omitempty"`
	Delimiter string   `json:"delimiter,omitempty"`
	LineEnd   string   `json:"lineEnd"`            // LF, CRLF, CR
	Preamble  int      `json:"preamble,omitempty"` // lines above the header
	Columns   int      `json:"columns,omitempty"`  // of the header
	Members   int      `json:"members"`            // that are written so
	Evidence  []string `json:"evidence"`
}

// UnreadableRows are rows that cannot be taken apart, for one reason.
type UnreadableRows struct {
	Reason string  `json:"reason"`
	Count  int64   `json:"count"`
	Rows   []int64 `json:"rows"` // the first of them
}

// PresetFit is a preset that the export looks like.
type PresetFit struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Confirmed   string          `json:"confirmed"`
	Marks       int             `json:"marks"` // columns or paths of the format that were found
	Found       []string        `json:"found"` // these
	Missing     []ParameterNeed `json:"missing,omitempty"`
}

// ParameterNeed is a parameter that a preset wants with --set.
type ParameterNeed struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Example     string `json:"example"`
}

// Bounds of an inspection: its memory does not grow with the export.
const (
	maxMembers = 100
	maxColumns = 1000
	maxReasons = 20
	shownRows  = 3
	// headRecords is how many JSON values are looked at to tell what the export
	// is: the first one may lack what others have.
	headRecords = 50
)

// Inspect reads an export to its end and says what it is. The memory it takes
// depends on the number of columns, not on the number of rows.
//
// Text that is not UTF-8 is read in the encoding that it looks like, and the
// inspection says so: nothing is imported by a guess.
func Inspect(ctx context.Context, cfg source.Config) (*Inspection, error) {
	cfg.Guess = true
	out, letters, err := inspectAs(ctx, cfg)
	if err != nil || letters.broken == 0 || cfg.Encoding != "" {
		return out, err
	}
	// Rows after the beginning, by which the reader guesses, are not UTF-8.
	guess := source.GuessEncoding(letters.lines)
	switch {
	case guess == "":
		return out, nil
	case letters.whole >= letters.broken:
		out.Notes = append(out.Notes, fmt.Sprintf("rows that are not UTF-8 look like %s, while others are UTF-8: two encodings in one export have to be made one", guess))
		return out, nil
	}
	cfg.Encoding = guess
	out, letters, err = inspectAs(ctx, cfg)
	if err != nil {
		return nil, err
	}
	out.guessed(guess, letters)
	return out, nil
}

// inspectAs inspects an export with what was set of it.
func inspectAs(ctx context.Context, cfg source.Config) (*Inspection, *letters, error) {
	export, found, err := openInspected(&cfg)
	if err != nil {
		return nil, nil, err
	}
	defer export.Close()
	in := &inspector{export: export, out: found, perMember: make([]int64, len(export.Members)), profile: newProfile()}
	if err := in.read(ctx); err != nil {
		return nil, nil, err
	}
	in.finish()
	for i := range export.Layouts {
		if l := &export.Layouts[i]; l.Guessed {
			found.guessed(l.Encoding, &in.letters)
			break
		}
	}
	return in.out, &in.letters, nil
}

// inspector goes over the rows once.
type inspector struct {
	export    *source.Export
	out       *Inspection
	perMember []int64
	profile   *profile
	heads     [][]byte // the first JSON values
	letters   letters
}

func (in *inspector) read(ctx context.Context) error {
	r, err := in.export.Read(in.export.Start(), source.ReadOptions{NoMarks: true})
	if err != nil {
		return err
	}
	defer r.Close()
	defer context.AfterFunc(ctx, func() { _ = r.Close() })() // what comes from elsewhere may not come for a while
	var cells [][]byte
	var scratch []byte
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted after %d rows", in.out.Rows)
		}
		b, err := r.Next()
		if ctx.Err() != nil {
			continue // which says so
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the export: %w", err)
		}
		layout := in.export.Members[b.Member].Layout
		l := &in.export.Layouts[layout]
		in.perMember[b.Member] += int64(len(b.Rows))
		in.out.Rows += int64(len(b.Rows))
		for i := range b.Rows {
			row := &b.Rows[i]
			reason := row.Reason
			in.letters.see(row)
			switch {
			case reason != "":
			case l.Nested():
				if len(in.heads) < headRecords {
					in.heads = append(in.heads, row.Raw)
				}
				reason = in.document(row)
			default:
				cells, scratch, err = l.Split(row.Raw, cells[:0], scratch[:0])
				if err != nil {
					reason = err.Error()
				} else {
					in.profile.record(layout, l.Columns, cells, row.Number)
				}
			}
			if reason != "" {
				in.unreadable(reason, row.Number)
			}
		}
	}
}

// document takes a JSON value: an object or, where rows have no names in them, a list
// of cells or a text, which is the only cell.
func (in *inspector) document(row *source.Row) string {
	if cells, ok := bareCells(row.Raw); ok {
		in.out.Headless = true
		in.out.Unnamed = max(in.out.Unnamed, len(cells))
		in.profile.bare(cells, row.Number)
		return ""
	}
	return in.profile.document(row.Raw, row.Number)
}

func (in *inspector) unreadable(reason string, row int64) {
	in.out.Unreadable++
	i := slices.IndexFunc(in.out.Reasons, func(u UnreadableRows) bool { return u.Reason == reason })
	if i < 0 {
		if len(in.out.Reasons) == maxReasons {
			reason = "other reasons"
		}
		if i = slices.IndexFunc(in.out.Reasons, func(u UnreadableRows) bool { return u.Reason == reason }); i < 0 {
			i = len(in.out.Reasons)
			in.out.Reasons = append(in.out.Reasons, UnreadableRows{Reason: reason})
		}
	}
	u := &in.out.Reasons[i]
	u.Count++
	if len(u.Rows) < shownRows {
		u.Rows = append(u.Rows, row)
	}
}

func (in *inspector) finish() {
	out := in.out
	for _, f := range in.export.Inputs {
		out.Inputs = append(out.Inputs, InspectedInput(f))
	}
	counts := make([]int, len(in.export.Layouts))
	for i, m := range in.export.Members {
		counts[m.Layout]++
		if i < maxMembers {
			out.Members = append(out.Members, InspectedMember{m.Name, m.Layout, in.perMember[i]})
		}
	}
	for i := range in.export.Layouts {
		out.Layouts = append(out.Layouts, inspectedLayout(&in.export.Layouts[i], counts[i]))
	}
	slices.SortStableFunc(out.Reasons, func(a, b UnreadableRows) int { return cmp.Compare(b.Count, a.Count) })
	out.Columns, out.More = in.profile.columns()
	out.Presets = presetFits(in.export, in.heads)
	if left := in.export.LeftOut(); left != "" {
		out.Notes = append(out.Notes, left)
	}
	if out.Headless {
		what := "the first line looks like a row and not like a header"
		if out.Unnamed > 0 {
			what = "rows have no names in them"
		}
		out.Notes = append(out.Notes, what+": columns are called column1, column2, …; input.columns of a mapping names them")
	}
	out.Notes = append(out.Notes, in.profile.notes()...)
}

func inspectedLayout(l *source.Layout, members int) InspectedLayout {
	out := InspectedLayout{
		Format: l.Format.String(), Nested: l.Nested(), Encoding: l.Encoding, BOM: l.BOM, Columns: len(l.Columns), Members: members, Evidence: l.Evidence,
		LineEnd:  map[string]string{"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[l.LineEnd],
		Preamble: bytes.Count(l.Preamble, []byte(l.LineEnd)),
	}
	if !l.Nested() {
		out.Delimiter = string(rune(l.Delimiter))
	}
	return out
}

package report

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

const (
	// maxPatchValues is how many values that are not listed a patch names: with more,
	// the column does not hold decisions.
	maxPatchValues = 40
	// maxPatchValue is how long, in bytes, such a value may be.
	maxPatchValue = 60
	// maxSample is the row up to which formats of times are tried out: those that fit
	// are then tried on all rows.
	maxSample = 100_000
)

// patch is a change of the mapping that may fix a cause of failures.
type patch struct {
	failing func(reason, column string) bool
	edits   []mapping.Edit // as they are proposed
	tried   []mapping.Edit // with something in place of each DECIDE
	omits   bool           // it leaves out what it is for
	group   int            // that it is proposed for
}

// propose looks for changes of the mapping that fix the groups of invalid rows, tries
// them on all rows, and keeps those that fix some and change no other row.
func propose(ctx context.Context, s *summary.Summary, opts *Options) error {
	if opts.Try == nil || opts.Mapping == nil || opts.Decisions == nil {
		return nil
	}
	patches, err := candidates(ctx, s, opts)
	if err != nil || len(patches) == 0 {
		return err
	}
	effects, err := try(ctx, opts, patches, 0)
	if err != nil {
		return err
	}
	for i, e := range effects {
		g := &s.FailureGroups[patches[i].group]
		if e.Fixed == 0 || e.Changed > 0 || g.Suggestion == nil || g.Suggestion.Patch != "" {
			continue
		}
		var text strings.Builder
		for k := range patches[i].edits {
			text.WriteString(patches[i].edits[k].String())
		}
		g.Suggestion.Patch, g.Suggestion.Edits = text.String(), patches[i].edits
		g.Suggestion.Fixes, g.Suggestion.Of = e.Fixed, e.Failing
	}
	return nil
}

// try has the changed mappings tried; one that is not valid has no effect.
func try(ctx context.Context, opts *Options, patches []patch, upTo int64) ([]survey.Effect, error) {
	effects := make([]survey.Effect, len(patches))
	var trials []survey.Trial
	var at []int
	for i, p := range patches {
		if spec, err := opts.Mapping.Edited(p.tried); err == nil {
			trials, at = append(trials, survey.Trial{Spec: spec, Failing: p.failing, Omits: p.omits}), append(at, i)
		}
	}
	if len(trials) == 0 {
		return effects, nil
	}
	found, err := opts.Try(ctx, trials, upTo)
	for i := range found {
		effects[at[i]] = found[i]
	}
	return effects, err
}

// candidates are the patches that are worth a try.
func candidates(ctx context.Context, s *summary.Summary, opts *Options) ([]patch, error) {
	var all []patch
	seen := map[string]bool{} // one cause has one patch, for its largest group
	for i := range s.FailureGroups {
		g := &s.FailureGroups[i]
		if g.Stage != summary.StageMap || g.Suggestion == nil {
			continue
		}
		var found *patch
		cause := ""
		var err error
		switch {
		case unlistedAction(g.Reason, ""):
			if cause = "values"; !seen[cause] {
				found, err = valuesPatch(opts)
			}
		case withoutZone(g.Reason, ""):
			if cause = "zone"; !seen[cause] {
				found = &patch{
					failing: withoutZone,
					edits:   []mapping.Edit{{Path: []string{"timezone"}, Set: summary.Decide}},
					tried:   []mapping.Edit{{Path: []string{"timezone"}, Set: "UTC"}},
				}
			}
		case undated(g.Reason, ""):
			if cause = "undated"; !seen[cause] {
				if edit, ok := opts.Mapping.WithoutUndated(); ok {
					found = &patch{failing: undated, edits: []mapping.Edit{edit}, tried: []mapping.Edit{edit}, omits: true}
				}
			}
		case silent(g.Reason, ""):
			if cause = "silent"; !seen[cause] {
				found = silentPatch(opts)
			}
		case strings.HasPrefix(g.Reason, "timestamp:"):
			if cause = "format " + g.Reason; !seen[cause] {
				found, err = formatPatch(ctx, opts, g)
			}
		}
		if err != nil {
			return nil, err
		}
		if seen[cause] = true; found != nil {
			found.group = i
			all = append(all, *found)
		}
	}
	return all, nil
}

// unlistedAction finds rows that state a decision which the mapping does not list.
func unlistedAction(reason, _ string) bool {
	return strings.HasPrefix(reason, "action:") && strings.HasSuffix(placeless(reason), "is not listed in values")
}

// placeless is a reason without the place at its end.
func placeless(reason string) string {
	if i := strings.LastIndex(reason, " (row "); i > 0 {
		return reason[:i]
	}
	return reason
}

// withoutZone finds rows whose time has no zone.
func withoutZone(reason, _ string) bool {
	return strings.HasPrefix(reason, "timestamp:") && strings.Contains(reason, "zone") && strings.Contains(reason, "no ")
}

// undated finds rows of which a decision has no time.
func undated(reason, _ string) bool {
	return strings.HasPrefix(reason, "timestamp:") && strings.Contains(reason, ": a consent needs its time")
}

// valuesPatch lists the values that are not listed, all in one block; nil when they
// could tell who somebody is, or are too many.
func valuesPatch(opts *Options) (*patch, error) {
	var values []string
	err := opts.Decisions.Each(func(d summary.Decision) error {
		if d.Decision == mapping.DecidedInvalid && d.Reason == "" && d.Value != "" && !opts.Decisions.Named(d.Value) && len(values) <= maxPatchValues {
			if !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, d.Value) }) {
				values = append(values, d.Value)
			}
		}
		return nil
	})
	if err != nil || len(values) == 0 || len(values) > maxPatchValues {
		return nil, err
	}
	p := &patch{failing: unlistedAction}
	edit := mapping.Edit{Path: []string{"consent", "action", "values"}}
	tried := edit
	for _, v := range values {
		if opts.Decisions.Shown(v) != v || len(v) > maxPatchValue || !utf8.ValidString(v) {
			continue // for its rows a person has to look into rejected.*
		}
		alone := mapping.Edit{Path: edit.Path, Add: [][2]string{{strconv.Quote(v), mapping.DecidedAccept}}}
		if _, err := opts.Mapping.Edited([]mapping.Edit{alone}); err != nil {
			continue // a mapping cannot list it, such as ${name}: the others are proposed all the same
		}
		edit.Add = append(edit.Add, [2]string{strconv.Quote(v), summary.Decide})
		tried.Add = append(tried.Add, [2]string{strconv.Quote(v), mapping.DecidedAccept})
	}
	if len(edit.Add) == 0 {
		return nil, nil
	}
	p.edits, p.tried = []mapping.Edit{edit}, []mapping.Edit{tried}
	return p, nil
}

// silent finds rows that have none of the names that their decision is read from.
func silent(reason, _ string) bool {
	return strings.HasPrefix(reason, "has none of ")
}

// silentPatch leaves out rows that say nothing that the mapping reads; why is a
// person's to say, who has looked whether they say it elsewhere.
func silentPatch(opts *Options) *patch {
	edit, ok := opts.Mapping.OmitSilent(summary.Decide)
	if !ok {
		return nil
	}
	tried, _ := opts.Mapping.OmitSilent("none")
	return &patch{failing: silent, edits: []mapping.Edit{edit}, tried: []mapping.Edit{tried}, omits: true}
}

// formats are the ways of writing a time that are tried where none fits.
var formats = [...]string{
	"%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M",
	"%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
	"%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p",
	"%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y", "%b %d, %Y %I:%M %p", "%b %d, %Y", "%d %b %Y %H:%M", "%d %b %Y",
	"%a %b %d %Y %H:%M:%S GMT%z", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y",
	"iso8601", "epoch-s", "epoch-ms", "excel",
}

// isCount tells the formats that read a bare number. What a pattern of a date reads is none:
// 20240305 would be a day in 1970.
func isCount(format string) bool { return !strings.Contains(format, "%") }

// formatPatch finds the one format that reads most of the times which failed; nil when
// none does, or when several read as many and a person has to say which is meant.
func formatPatch(ctx context.Context, opts *Options, g *summary.FailureGroup) (*patch, error) {
	have, with, ok := opts.Mapping.TimestampFormats()
	if !ok || len(g.Rows) == 0 || g.Rows[len(g.Rows)-1] > maxSample {
		return nil, nil
	}
	failing := func(reason, column string) bool { return mapReason(reason) == g.Reason && column == g.Column }
	if len(have) == 0 {
		have = []string{"iso8601"}
	}
	var tries []patch
	var tried []string // the format of each
	for _, f := range formats {
		tried = append(tried, f)
		set := mapping.Edit{Path: []string{"consent", "timestamp"}, Set: with(append(slices.Clone(have), f))}
		tries = append(tries, patch{failing: failing, edits: []mapping.Edit{set}, tried: []mapping.Edit{set}})
		if !opts.Mapping.HasZone() {
			zone := func(name string) mapping.Edit { return mapping.Edit{Path: []string{"timezone"}, Set: name} }
			tried = append(tried, f)
			tries = append(tries, patch{failing: failing, edits: []mapping.Edit{set, zone(summary.Decide)}, tried: []mapping.Edit{set, zone("UTC")}})
		}
	}
	effects, err := try(ctx, opts, tries, g.Rows[len(g.Rows)-1])
	if err != nil {
		return nil, err
	}
	best, twice := -1, false
	for i, e := range effects {
		if e.Fixed == 0 || e.Changed > 0 {
			continue
		}
		switch {
		case best < 0 || e.Fixed > effects[best].Fixed:
			best, twice = i, false
		case e.Fixed == effects[best].Fixed && isCount(tried[i]) && !isCount(tried[best]):
		case e.Fixed == effects[best].Fixed && (tried[i] == "iso8601" || tried[best] == "iso8601"): // what it reads is read in one way, and others read other rows
		case e.Fixed == effects[best].Fixed && tries[best].edits[0].Set != tries[i].edits[0].Set:
			twice = true // with a zone of ours and without, the one without will do
		}
	}
	if best < 0 || twice { // day first or month first: the rows do not say
		return nil, nil
	}
	return &tries[best], nil
}

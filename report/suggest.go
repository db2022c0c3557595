package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// remedy recognises the cause of a group of failures and says what fixes it.
type remedy struct {
	stage string         // where it applies; empty: anywhere
	when  *regexp.Regexp // what the reason looks like
	give  func(g *FailureGroup, match []string) Suggestion
}

// remedies is the table of the causes that are recognised; the first that fits
// counts. A patch never holds a decision or a zone that we made up: it leaves
// the place open, and the mapping is refused until a person has filled it in.
var remedies = []remedy{
	{stageSend, regexp.MustCompile(`(?i)source\b.*\brequired\b.*\bprofile`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "profileId needs a sourceId: take it from the source in the product's settings",
			Patch: "consent:\n  sourceId: {const: }  # the id of the source, a whole number\n",
		}
	}},
	{stageSend, regexp.MustCompile(`(?i)\b(category|purpose)\b`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "make it a purpose in the product's settings, or map it to one that exists",
			Patch: "consent:\n  category:\n    values:\n      \"old name\":  # name of the purpose in the product\n",
		}
	}},
	{stageSend, regexp.MustCompile(`(?i)\b(timestamp|valid_?until)\b`), func(g *FailureGroup, _ []string) Suggestion {
		return Suggestion{
			Text:  "the time may be in the wrong unit: check its format, and --dialect",
			Patch: "consent:\n  timestamp:\n    format: epoch-ms  # or epoch-s, or a pattern such as \"%d.%m.%Y %H:%M\"\n",
		}
	}},
	{stageSend, regexp.MustCompile(`(?i)too (large|long)|exceeds`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "a field is too long for the target, mostly message: shorten its template"}
	}},
	{stageMap, regexp.MustCompile(`(?i)\b(not listed|unlisted|unknown value|values? .*not\b.*\blist)`), unlistedValue},
	{stageMap, regexp.MustCompile(`(?i)spreadsheet`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "take the export as the platform wrote it, never opened in a spreadsheet"}
	}},
	{stageMap, regexp.MustCompile(`(?i)clocks? went`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "no clock in that zone ever showed this time: the zone is another one, or the rows have to be fixed"}
	}},
	{stageMap, regexp.MustCompile(`(?i)zone abbreviation`), func(g *FailureGroup, _ []string) Suggestion {
		return Suggestion{
			Text:  "an abbreviation such as CET does not name a zone: give the format and the zone",
			Patch: "consent:\n  timestamp:\n" + fromLine(g) + "    format: \"%Y-%m-%d %H:%M:%S %Z\"\n    timezone:  # e.g. Europe/Berlin\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\b(time ?)?zone\b`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "the times have no zone: give the one in which the platform wrote them",
			Patch: "timezone:  # of the platform that wrote the times, e.g. Europe/Berlin\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\bunit\b|epoch|\b(milli)?seconds\b|lies (before|beyond|in)\b|\b(timestamp|date)\b.*\b(range|future|past)\b`), func(g *FailureGroup, _ []string) Suggestion {
		return Suggestion{
			Text:  "the time is not plausible as it was read: give its unit or format",
			Patch: "consent:\n  timestamp:\n" + fromLine(g) + "    format: epoch-ms  # or epoch-s, or a pattern such as \"%d.%m.%Y %H:%M\"\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\b(time|timestamp|date)\b.*\b(format|understood|pattern)|\bno time\b|not a time|format of the mapping`), func(g *FailureGroup, _ []string) Suggestion {
		return Suggestion{
			Text:  "the time is written in a way the mapping does not name: add its pattern",
			Patch: "consent:\n  timestamp:\n" + fromLine(g) + "    format: [rfc3339, \"%d.%m.%Y %H:%M\"]  # tried in order\n",
		}
	}},
	{stageMap, regexp.MustCompile(`behind backslashes`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "a database wrote the export, with a backslash before quotes: say so",
			Patch: "input:\n  escape: \"\\\\\"\n",
		}
	}},
	{stageMap, regexp.MustCompile(`\bJSON\b`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "the JSON is cut off or damaged: fix these rows in rejected.jsonl, or export them again"}
	}},
	{stageMap, regexp.MustCompile(`ends with (a delimiter|delimiters) that the (row|header)`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "the rows and the header do not end alike: give the header as many delimiters as the rows have, in the export or in rejected.csv"}
	}},
	{stageMap, regexp.MustCompile(`(?i)line ends? (are mixed|of another kind)`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "lines end in different ways (CR here, LF there): save the export with one kind of line end, or split these rows in rejected.csv"}
	}},
	{stageMap, regexp.MustCompile(`(?i)longer than 1 MiB`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "a row may have 1 MiB: look for a forgotten quote where the row begins, or shorten it in the export"}
	}},
	{stageMap, regexp.MustCompile(`(?i)\bcells?\b|\bcolumns?\b.*\b(few|many)\b`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "a cell holds a delimiter without quotes: fix these rows in rejected.csv"}
	}},
	{stageMap, regexp.MustCompile(`(?i)\bquot`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{Text: "a quote is opened and never closed: close it in rejected.csv"}
	}},
	{stageMap, regexp.MustCompile(`(?i)utf-?8|encoding|byte`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "the text is in another encoding than detected",
			Patch: "input:\n  encoding: windows-1252  # or what the platform writes\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\bvalid_?until\b`), func(*FailureGroup, []string) Suggestion {
		return Suggestion{
			Text:  "every consent needs an end: give how long it is valid, or that it does not end",
			Patch: "consent:\n  validUntil: {after: 13mo}  # or: unlimited\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\bsubject\b|\buser_?id\b.*\b(empty|missing|no)\b|\bno user_?id\b`), func(g *FailureGroup, _ []string) Suggestion {
		return Suggestion{
			Text:  "the row has no person: add a column to fall back on, or skip such rows",
			Patch: "consent:\n  userId: {from: [" + yamlOr(g.Column, "first column") + ", other column]}\n",
		}
	}},
	{stageMap, regexp.MustCompile(`(?i)\b(empty|missing|required|absent|blank|no value)\b`), func(g *FailureGroup, _ []string) Suggestion {
		column := yamlOr(g.Column, "column")
		return Suggestion{
			Text: "the row has nothing here: skip such rows, or fix them in rejected.csv",
			Patch: fmt.Sprintf("skip:\n  - {when: '%s == \"\"', reason: %s is empty}\n",
				strings.ReplaceAll(column, "'", "''"), strings.NewReplacer(",", " ", "}", " ", "\"", "").Replace(column)),
		}
	}},
}

// suggest finds what fixes a group of failures, or nil.
func suggest(g *FailureGroup) *Suggestion {
	for i := range remedies {
		r := &remedies[i]
		if r.stage != "" && r.stage != g.Stage {
			continue
		}
		if m := r.when.FindStringSubmatch(g.Reason); m != nil {
			s := r.give(g, m)
			return &s
		}
	}
	if g.Stage == stageSend && (g.Status == 0 || g.Status == 408 || g.Status == 429 || g.Status >= 500) {
		return &Suggestion{Text: "send them again once the target works, with --resume --retry"}
	}
	return nil
}

// quotedValue finds a quoted value in a reason.
var quotedValue = regexp.MustCompile(`"([^"]*)"`)

// unlistedValue says where a value belongs that the mapping does not list.
func unlistedValue(g *FailureGroup, _ []string) Suggestion {
	value := "value"
	if m := quotedValue.FindStringSubmatch(g.Reason); m != nil {
		value = m[1]
	}
	where := ""
	if g.Column != "" {
		where = " of column " + g.Column
	}
	return Suggestion{
		Text: fmt.Sprintf("decide what %q%s means; a value is never guessed", value, where),
		Patch: "consent:\n  action:\n    values:\n      " + strconv.Quote(value) + ":  # accept or reject\n" +
			"# or, when it states no decision:\n# empty: [\"\", " + strconv.Quote(value) + "]\n",
	}
}

// fromLine repeats the column in a patch, when it is known.
func fromLine(g *FailureGroup) string {
	if g.Column == "" {
		return ""
	}
	return "    from: " + yamlOr(g.Column, "") + "\n"
}

// yamlOr is a name as a YAML scalar, or another text when there is none.
func yamlOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	for _, r := range name {
		if !(r == '_' || r == ' ' || r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return strconv.Quote(name)
		}
	}
	return name
}

package report

import (
	"regexp"

	"github.com/consentimport/consentimport/report/summary"
)

// remedy recognises the cause of a group of failures and says what fixes it.
type remedy struct {
	stage string         // where it applies; empty: anywhere
	when  *regexp.Regexp // what the reason looks like
	text  string
}

// remedies is the table of the causes that are recognised; the first that fits
// counts. A change of the mapping is proposed apart, once it was tried: see propose.
var remedies = []remedy{
	{summary.StageSend, regexp.MustCompile(`(?i)source\b.*\brequired\b.*\bprofile`), "profileId needs a sourceId: take it from the source in the product's settings"},
	{summary.StageSend, regexp.MustCompile(`(?i)\b(category|purpose)\b`), "make it a purpose in the product's settings, or map it to one that exists"},
	{summary.StageSend, regexp.MustCompile(`(?i)\b(timestamp|valid_?until)\b`), "the time may be in the wrong unit: check its format, and --dialect"},
	{summary.StageSend, regexp.MustCompile(`(?i)too (large|long)|exceeds`), "a field is too long for the target, mostly message: shorten its template"},
	{summary.StageMap, regexp.MustCompile(`(?i)\b(not listed|unlisted|unknown value|values? .*not\b.*\blist)`), "decide what the values mean: a value that is not listed is never guessed"},
	{summary.StageMap, regexp.MustCompile(`(?i)spreadsheet`), "take the export as the platform wrote it, never opened in a spreadsheet"},
	{summary.StageMap, regexp.MustCompile(`(?i)clocks? went`), "no clock in that zone ever showed this time: the zone is another one, or the rows have to be fixed"},
	{summary.StageMap, regexp.MustCompile(`zone abbreviation, which`), "an abbreviation such as CET does not name a zone: give the format and the zone"},
	{summary.StageMap, regexp.MustCompile(`a consent needs its time`), "an accept at no known time is no consent: required: false at timestamp leaves it out, and the rest of its row counts; a reject needs one: fix it in rejected.*, or give it one at which it stood by a case with const"},
	{summary.StageMap, regexp.MustCompile(`time zone did not (have|show)`), "the zone is another one, or the times were changed by hand: look at some of them, and at timezone in the mapping"},
	{summary.StageMap, regexp.MustCompile(`another weekday`), "day and month may be the wrong way round: look at some of the times, and at their format"},
	{summary.StageMap, regexp.MustCompile(`(?i)\b(time ?)?zone\b`), "the times have no zone: give the one in which the platform wrote them"},
	{summary.StageMap, regexp.MustCompile(`(?i)\bunit\b|epoch|\b(milli)?seconds\b|lies (before|beyond|in)\b|\b(timestamp|date)\b.*\b(range|future|past)\b`), "the time is not plausible as it was read: give its unit or format"},
	{summary.StageMap, regexp.MustCompile(`(?i)\b(time|timestamp|date)\b.*\b(format|understood|pattern)|\bno time\b|not a time|format of the mapping`), "the time is written in a way the mapping does not name: add its pattern"},
	{summary.StageMap, regexp.MustCompile(`behind backslashes|set input\.escape`), "a database wrote the export, with a backslash before quotes: say so in the mapping, by escape: \"\\\\\" under input"},
	{summary.StageMap, regexp.MustCompile(`is not a JSON (object|list)`), "a row is one object: if rows lie deeper, or are lists or plain texts, say so by rows and columns under input; else leave these values out of the export"},
	{summary.StageMap, regexp.MustCompile(`nested deeper`), "nothing that a consent needs lies that deep: export these rows without the fields that hold other objects"},
	{summary.StageMap, regexp.MustCompile(`\bJSON\b`), "the JSON is cut off or damaged: fix these rows in rejected.jsonl, or export them again"},
	{summary.StageMap, regexp.MustCompile(`ends with (a delimiter|delimiters) that the (row|header)`), "the rows and the header do not end alike: give the header as many delimiters as the rows have, in the export or in rejected.csv"},
	{summary.StageMap, regexp.MustCompile(`(?i)line ends? (are mixed|of another kind)`), "lines end in different ways (CR here, LF there): save the export with one kind of line end, or split these rows in rejected.csv"},
	{summary.StageMap, regexp.MustCompile(`(?i)longer than 1 MiB`), "a row may have 1 MiB: look for a forgotten quote where the row begins, or shorten it in the export"},
	{summary.StageMap, regexp.MustCompile(`a quote inside a cell`), "a cell with a quote in it needs quotes around it and the one inside twice: fix these rows in rejected.csv"},
	{summary.StageMap, regexp.MustCompile(`(?i)\bquote opened`), "a quote is opened and never closed: close it in rejected.csv"},
	{summary.StageMap, regexp.MustCompile(`\bhas [#\d]+ (cells?|values), `), "where there are more, a cell holds a delimiter without quotes; where there are fewer, the row was cut off, or a cell holds a line end without quotes: fix these rows in rejected.*"},
	{summary.StageMap, regexp.MustCompile(`control character|byte order mark|was damaged before`), "the id was damaged before it was exported: export it again, or fix these rows in rejected.*"},
	{summary.StageMap, regexp.MustCompile(`(?i)utf-?8|encoding|byte`), "the text is in another encoding than detected: consentimport inspect says which it looks like; give it with --encoding"},
	{summary.StageMap, regexp.MustCompile(`(?i)\bvalid_?until\b`), "every consent needs an end: give how long it is valid, or that it does not end"},
	{summary.StageMap, regexp.MustCompile(`(?i)\bsubject\b|\buser_?id\b.*\b(empty|missing|no)\b|\bno user_?id\b`), "the row has no person: name a column to fall back on (from: [first, second]), or fix the rows in rejected.*"},
	{summary.StageMap, regexp.MustCompile(`\bhas none of `), "look at the row with mapping try: skip it if it states nothing; if it states something under another name, read that as well"},
	{summary.StageMap, regexp.MustCompile(`(?i)\b(empty|missing|required|absent|blank|no value)\b`), "the row has nothing here: fix it in rejected.*; skip such rows only if they state nothing else, and an element alone by skip below each"},
}

// inQuotes are names of columns and the like in a reason, whose words say nothing of the
// cause: a column may be called "JSON" or "time zone".
var inQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// suggest finds what fixes a group of failures, or nil.
func suggest(g *summary.FailureGroup) *summary.Suggestion {
	reason := g.Reason
	if g.Stage == summary.StageMap {
		reason = inQuotes.ReplaceAllLiteralString(reason, `""`)
	}
	for i := range remedies {
		r := &remedies[i]
		if r.stage != "" && r.stage != g.Stage {
			continue
		}
		if r.when.MatchString(reason) {
			return &summary.Suggestion{Text: r.text}
		}
	}
	if g.Stage == summary.StageSend && (g.Status == 0 || g.Status == 408 || g.Status == 429 || g.Status >= 500) {
		return &summary.Suggestion{Text: "send them again once the target works, with --resume --retry"}
	}
	return nil
}

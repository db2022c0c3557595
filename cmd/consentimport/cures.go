package main

import (
	"errors"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/room"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report"
)

// cures says how the command does what a library knows to be a cure. Libraries say
// what is wrong; which flag cures it is known here alone.
var cures = [blocked.Cures]string{
	blocked.AnotherDirectory:   "choose another directory with --out",
	blocked.AnotherForDryRun:   "choose another directory for the dry run with --out",
	blocked.MoveAside:          "move it yourself, or choose another directory with --out",
	blocked.RemoveOrAnother:    "look at it, remove it if it is not yours, or choose another directory with --out",
	blocked.LargerDisk:         "give the export as a file, or an --out on a larger disk",
	blocked.MoreRoom:           "make room there, or use a directory on a larger disk with --out; to continue an import there, copy its directory",
	blocked.ChooseMapping:      "choose one with --preset NAME or --mapping FILE",
	blocked.RepairWhat:         "give --repair the out directory of the import whose rows were repaired",
	blocked.FinishFirst:        "continue it first: run --resume, without --repair; then repair what is left in its rejected rows",
	blocked.Resume:             "run it again with --resume",
	blocked.RemoveCause:        "make room or remove the cause, then run it again with --resume",
	blocked.GoOnOrStartOver:    "--resume continues it, --resume --retry also sends again what failed, --restart renames it and starts over",
	blocked.StartOver:          "--restart renames it and starts over",
	blocked.AnotherOrStartOver: "choose another directory with --out, or rename the dry run with --restart",
	blocked.RestoreOrStartOver: "restore a complete copy of the directory; or use --restart, which renames it and sends everything again",
	blocked.ApproveAgain:       "--approved, given again, does that",
	blocked.SameExport:         "give the export as it was; or use --restart, which renames this import and starts over with the new one",
	blocked.SameTarget:         "give the same target as before, or another --out for an import into the new one",
	blocked.OldMapping:         "omit --mapping to continue with the old one, or add --retry to send what failed with the new one",
	blocked.OldHistory:         "omit --history to continue in the old order; or use --restart, which renames this import and starts over in the new one",
	blocked.OldReading:         "omit --format, --delimiter and --encoding to continue as before; or use --restart, which renames this import and starts over",
	blocked.OldOptOuts:         "omit --suppress to continue with the list of before; or use --restart, which renames this import and starts over with this one",
	blocked.SameLookup:         "restore it; or name a corrected copy in the mapping, and send what failed with --resume --retry --mapping FILE; or use --restart, which renames this import and starts over",
	blocked.NoOptOuts:          "omit --suppress if nobody has opted out elsewhere",
	blocked.OptOuts:            "give --suppress a file with one identifier a line, or a CSV file and --suppress-column",
	blocked.OptOutsAgain:       "give --suppress the list that this import began with again; it is compared, and stored there",
	blocked.OptOutsToo:         "their accepts are sent, unless --suppress FILE names them again",
	blocked.ContinueThere:      "continue it there, or choose another directory with --out",
	blocked.JoinAgain:          "join its shards again: ",
	blocked.FinishShard:        "continue that shard with --resume, then join all again: ",
	blocked.SameShard:          "give the same --shard to continue it, or another --out",
	blocked.JoinFirst:          "join the shards first (report, with --out); what failed is then sent with a changed mapping in the joined import",
	blocked.AsRepair:           "--repair DIR instead continues the import in DIR that they came from",
	blocked.LookAtExport:       "the same command with --dry-run lists all reasons; inspect says what the file is",
	blocked.SinceWhat:          "give --since the out directory of a finished import",
	blocked.SinceFinish:        "continue it with --resume until it is complete, then run this again",
	blocked.SinceJoin:          "join the shards with: consentimport report DIR... --out DIR; then give --since the joined directory",
	blocked.SinceTarget:        "give the same target and dialect as that import, or omit --since to send everything",
	blocked.OldSince:           "omit --since to continue against what this import has begun with; or use --restart, which renames it and starts over",
	blocked.OldSinceGone:       "use --restart with --since, which renames this import and holds a new one against that one as it is now",
	blocked.SinceLast:          "stop it and give --since the directory of that one, unless this is what you want",
	blocked.Followed:           "give the same export, or the repaired rows, to a new import with --since that directory and another --out: what was sent is known there, and nothing older leaves",
	blocked.JoinElsewhere:      "join the shards again (report, with another --out) and continue there; or give the same export to a new import with --since that join",
	blocked.KeyElsewhere:       "the key goes into " + keySettings,
}

const keySettings = "--api-key-file or INTEMPT_API_KEY"

// settings says where the user has set what a library calls a setting.
var settings = [blocked.Settings]string{
	blocked.BaseURL:       "--base-url or INTEMPT_BASE_URL",
	blocked.Organisation:  "--org or INTEMPT_ORG",
	blocked.Project:       "--project or INTEMPT_PROJECT",
	blocked.Key:           keySettings,
	blocked.KeyFile:       "--api-key-file",
	blocked.Dialect:       "--dialect",
	blocked.Auth:          "--auth",
	blocked.Times:         "--times",
	blocked.ValidUntil:    "--valid-until",
	blocked.Concurrency:   "--concurrency",
	blocked.RowLimit:      "--limit",
	blocked.FailureBudget: "--max-failures",
	blocked.Attempts:      "--attempts",
	blocked.RequestTime:   "--timeout",
	blocked.History:       "--history",
	blocked.RetryTime:     "--retry-for",
	blocked.SendingHours:  "--between",
	blocked.DayLimit:      "--per-day",
}

// hintOf says what to do about an error; empty when nobody knows.
func hintOf(err error) string {
	var e *exitError
	var b *blocked.Error
	var m *mapping.Error
	switch {
	case errors.As(err, &e) && e.hint != "":
		return e.hint
	case errors.Is(err, source.ErrDenied): // whatever could not be opened because of it
		return anotherURL
	case errors.As(err, &b) && b.Hint != "":
		return b.Hint
	case b != nil && len(b.Parts) > 0:
		return cures[b.Cure] + report.JoinLine("consentimport", b.Parts, b.Dir)
	case b != nil && b.Cure != blocked.None:
		return cures[b.Cure]
	case b != nil && b.Setting != blocked.Nothing:
		return "it is set by " + settings[b.Setting]
	case errors.As(err, &m) && m.Hint != "":
		return m.Hint
	case m != nil && m.Parameter != "":
		return "for example --set " + m.Parameter
	case errors.Is(err, journal.ErrLocked):
		return "wait for it to end, or stop it"
	case errors.Is(err, journal.ErrNone), errors.Is(err, journal.ErrEmpty):
		return "give the out directory of an import"
	case errors.As(err, new(*journal.DamagedError)), errors.As(err, new(*journal.LostError)):
		return cures[blocked.RestoreOrStartOver]
	case errors.As(err, new(*journal.VersionError)):
		return "use the version of consentimport that wrote it, or a later one"
	case room.Out(err):
		return "make room, then run it again"
	case ofTheDisk(err):
		return "remove the cause, then run it again"
	}
	return ""
}

// notesOf are the notes of an import, each with what can be done about it.
func notesOf(im *importer.Import) []string {
	var notes []string
	for _, n := range im.Notes() {
		text := n.Text
		if n.Cure != blocked.None {
			text += "; " + cures[n.Cure]
		}
		notes = append(notes, text)
	}
	return notes
}

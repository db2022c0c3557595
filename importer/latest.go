package importer

import (
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/journal"
)

// reportName is the name of the summary that reports leave in an out directory.
const reportName = "report.json"

// CheckLatest refuses to go on from a checkpoint that is older than the reports beside it:
// they are derived from it, so it has lost its end, or is an older copy of itself. So is one
// that package journal knows to have been longer. Reports that are older than
// the checkpoint are no reason, nor are ones that cannot be read.
func CheckLatest(disk journal.Disk, dir string, snap *journal.Snapshot) error {
	if snap.Lost != nil {
		return cure(blocked.RestoreOrStartOver, "%w", snap.Lost)
	}
	f, err := disk.Open(filepath.Join(dir, reportName))
	if err != nil {
		return nil
	}
	defer f.Close()
	var was struct {
		Runs       int       `json:"runs"`
		FinishedAt time.Time `json:"finishedAt"`
		Consents   struct{ Sent, Refused, Failed int64 }
	}
	if json.NewDecoder(io.LimitReader(f, 64<<20)).Decode(&was) != nil {
		return nil
	}
	runs := len(snap.Runs)
	switch {
	case was.Runs < runs, was.Runs == runs && snap.End != nil: // that run has said all that it had to say
		return nil
	case was.Runs > runs, was.FinishedAt.After(snap.Finished.Truncate(time.Millisecond)):
	case was.Consents.Sent+was.Consents.Refused+was.Consents.Failed <= snap.Total.Sent+snap.Total.Refused+snap.Total.Failed:
		return nil
	}
	return cure(blocked.RestoreOrStartOver, "the checkpoint in %s is older than %s beside it, which knows %d runs and the state of %s: its end is missing, and what was sent since is not known",
		dir, reportName, was.Runs, was.FinishedAt.Format(time.RFC3339))
}

package importer

import (
	"log/slog"

	"github.com/consentimport/consentimport/importer/journal"
)

// What a run decides goes into a log for whoever wants to follow it (Sending.Log). A record
// names rows, counts, statuses and times, never what a row or an answer says: an answer may
// quote a person.

// logTo is a log that is there, whatever was given.
func logTo(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// logBeginning says where the run begins, and what runs before it have left.
func (r *run) logBeginning() {
	im := r.im
	var done journal.Counts
	if im.state != nil {
		done = im.state.Total
	}
	r.log.Info("run begins", "run", im.runs+1, "pass", im.pass.N, "kind", im.pass.Kind, "mapping", im.pass.Mapping.SHA256[:12], "history", im.mode, "shard", im.shard,
		"fromRow", im.from.Row, "held", r.held > 0,
		"sentBefore", done.Sent, "refusedBefore", done.Refused, "failedBefore", done.Failed, "supersededBefore", done.Superseded,
		"concurrency", r.out.Limits.Concurrency, "rate", r.out.Limits.Rate)
}

// paced is what the log was told of the pace.
type paced struct {
	throttled bool
	limit     int
}

// logPace says when the target slows the run down, and by how much.
func (r *run) logPace() {
	now := paced{}
	now.throttled, _ = r.out.Pacer.Throttled()
	if p, ok := r.out.Pacer.(interface{ Limit() int }); ok {
		now.limit = p.Limit()
	}
	if now == r.paced {
		return
	}
	if now.throttled || r.paced.throttled {
		r.log.Info("pace", "throttled", now.throttled, "inFlightAtMost", now.limit)
	}
	r.paced = now
}

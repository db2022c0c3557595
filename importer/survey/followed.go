package survey

import (
	"context"
	"errors"
	"time"

	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/mapping"
)

// Followed is the survey of a run that is still to begin. Its rows are shown while it goes
// on, as far as a Follower has them; what is left then is surveyed when it has ended, as
// always: so visitors see the same as in a survey of the checkpoint.
type Followed struct {
	*Survey  // of the ended run; nil until Each has returned
	Follower *Follower
	Files    *rows.Files
	// Open opens the survey of the import when the run has ended.
	Open func() (*Survey, error)
	// Begins are the facts as the run begins. Finished is when it does.
	Begins Facts
}

// ErrExpired tells that a consent expired while it was sent: what was told of it as the run
// began is not so any more.
var ErrExpired = errors.New("a consent expired while the run went on")

// Facts are those of the beginning until Each has returned.
func (f *Followed) Facts() Facts {
	if f.Survey == nil {
		return f.Begins
	}
	return f.Survey.Facts()
}

// Each shows every row that the run has read to some visitors. It returns when the run has
// ended, and can be called again then.
func (f *Followed) Each(ctx context.Context, visitors ...Visitor) error {
	if f.Survey != nil {
		return f.Survey.Each(ctx, visitors...)
	}
	defer f.Follower.close()
	shown := begun{counts: make([]int64, len(f.Files.Export().Inputs))}
	lapse := expiry{from: f.Begins.Finished.UnixMilli()}
	visitors = append([]Visitor{lapse.visit}, visitors...)
	show := newShow(append([]Visitor{countRows(shown.counts, f.Files.Export())}, visitors...))
	show.reading, show.shard, show.known = f.Follower.reading, f.Follower.shard, true
	if err := f.Follower.show(ctx, show.visit); err != nil {
		return err
	}
	f.Follower.rest()
	shown.behind = f.Follower.behind
	s, err := f.Open()
	if err != nil {
		return err
	}
	if s.complete() {
		shown.sums = f.Follower.sums
	}
	err = s.each(ctx, shown, visitors)
	if err == nil && lapse.before(s.snap.Finished) {
		err = ErrExpired
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	f.Survey = s
	return nil
}

// Close lets go of all that is held.
func (f *Followed) Close() error {
	f.Follower.close()
	if f.Survey == nil {
		return nil
	}
	return f.Survey.Close()
}

// expiry finds the first consent that expires after a time, in ms since 1970.
type expiry struct{ from, first int64 }

// visit is a Visitor.
func (x *expiry) visit(b *Batch) func() error {
	return func() error {
		for i := range b.Rows {
			for k := range b.Rows[i].Consents {
				x.look(b.Rows[i].Consents[k].Consent)
			}
			readable := b.Rows[i].Readable()
			for k := range readable {
				x.look(&readable[k])
			}
		}
		return nil
	}
}

func (x *expiry) look(c *mapping.Consent) {
	if until := c.ValidUntil; until >= x.from && until != mapping.Unlimited && (x.first == 0 || until < x.first) {
		x.first = until
	}
	const day = 24 * 60 * 60 * 1000
	if soon := c.Timestamp - day; soon >= x.from && (x.first == 0 || soon < x.first) { // what lint takes for a time to come
		x.first = soon
	}
}

// before reports whether one has expired until some time.
func (x *expiry) before(t time.Time) bool { return x.first != 0 && x.first < t.UnixMilli() }

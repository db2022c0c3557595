package importer

import (
	"context"
	"errors"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Check goes over the rows of an import that is new, before anything is sent. It
// refuses a mapping that reads a name which no row has, and an export of which no row
// makes a consent, unless an invalid one states a decision all the same: then the run
// lists what to repair. It reads no further than until all is settled.
func (im *Import) Check(ctx context.Context) error {
	if !im.fresh {
		return nil
	}
	var seen checked
	err := im.Preview(ctx, func(b *survey.Batch) func() error {
		return func() error {
			for i := range b.Rows {
				seen.add(&b.Rows[i])
			}
			if seen.made && !im.reading.Seeking() {
				return rows.ErrStop
			}
			return nil
		}
	})
	switch {
	case ctx.Err() != nil:
		return refuse("", "interrupted before anything was sent")
	case errors.As(err, new(*rows.ReadError)) && seen.made:
		return nil // the run gets as far as that, and says so
	case err != nil:
		return err
	}
	if err := im.reading.Unread(); err != nil {
		return &RefusedError{Err: err}
	}
	return seen.refusal()
}

// checked counts what the rows became, and keeps the first reasons.
type checked struct {
	made                 bool // a consent, or a decision in an invalid row
	read, skipped        int64
	whySkipped, whyFalse string
}

func (c *checked) add(r *survey.Row) {
	c.read++
	switch r.Status {
	case mapping.Mapped:
		c.made = true
	case mapping.Skipped:
		if c.skipped++; c.whySkipped == "" {
			c.whySkipped = r.Reason
		}
	default:
		c.made = c.made || len(r.Readable) > 0
		if c.whyFalse == "" {
			c.whyFalse = r.Reason
		}
	}
}

// refusal says why nothing can come of the export, when that is so.
func (c *checked) refusal() error {
	switch {
	case c.made:
		return nil
	case c.read == 0:
		return cure(blocked.LookAtExport, "the export has no rows, so there is nothing to import")
	case c.skipped == 0:
		return cure(blocked.LookAtExport, "no row of the export makes a consent: all %d are invalid, the first because: %s", c.read, c.whyFalse)
	case c.skipped == c.read:
		return cure(blocked.LookAtExport, "no row of the export makes a consent: all %d are skipped, the first because: %s", c.read, c.whySkipped)
	}
	return cure(blocked.LookAtExport, "no row of the export makes a consent: %d are skipped, the first because: %s; %d are invalid, the first because: %s",
		c.skipped, c.whySkipped, c.read-c.skipped, c.whyFalse)
}

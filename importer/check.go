package importer

import (
	"context"
	"errors"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/rows"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Check goes over the rows of the pass, before anything of it is sent: once, for all
// that is to be known of them beforehand. It finds the histories that Arrange puts into
// their order, and shows visitors each row as the pass will map it. Where no run has
// begun to send, it refuses a mapping that reads a name which no row has, and an export of which no
// row makes a consent, unless an invalid one states a decision all the same: then the
// run lists what to repair.
func (im *Import) Check(ctx context.Context, visitors ...survey.Visitor) error {
	seen := checked{reading: im.reading}
	var visits []rows.Visit
	if im.runs == 0 {
		visits = append(visits, seen.visit)
	}
	if len(visitors) > 0 {
		visits = append(visits, survey.Show(im.reading, visitors...))
	}
	index, err := im.makeIndex(ctx, visits)
	if err != nil {
		return unarranged(ctx, err)
	}
	if im.runs == 0 {
		if err = im.reading.Unread(); err != nil {
			err = &RefusedError{Err: err}
		} else {
			err = seen.refusal()
		}
	}
	if err != nil {
		return errors.Join(err, index.Close())
	}
	im.index = index
	return nil
}

// checked counts what the rows became, and keeps the first reasons, until one is worth a
// run.
type checked struct {
	reading              *rows.Reading
	made                 bool // a consent, or a decision in an invalid row
	read, skipped        int64
	whySkipped, whyFalse string
}

// visit is a rows.Visit.
func (c *checked) visit(b *rows.Batch) func() error {
	return func() error {
		for i := 0; i < b.Len() && !c.made; i++ {
			if res := b.Result(i, c.reading); res != nil {
				c.add(res)
			}
		}
		return nil
	}
}

func (c *checked) add(r *rows.Result) {
	c.read++
	switch r.Status {
	case mapping.Mapped:
		c.made = true
	case mapping.Skipped:
		if c.skipped++; c.whySkipped == "" {
			c.whySkipped = r.Reason
		}
	default:
		c.made = c.made || len(r.Consents) > 0
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

package importer

import (
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// Spec is the mapping of the current pass.
func (im *Import) Spec() *mapping.Spec { return im.spec }

// Repairs reports whether the current pass reads a repaired file, and nothing else.
func (im *Import) Repairs() bool { return im.pass.Kind == journal.Repair }

// Repaired reports whether repaired rows are among those of the current pass, so
// that a dry run of the export does not show what it sends.
func (im *Import) Repaired() bool { return im.reading.Repaired() }

// Survey is the survey of an import that was just run. The import must be open.
func (im *Import) Survey() (*survey.Survey, error) {
	if err := im.journal.Sync(); err != nil {
		return nil, err
	}
	snap, err := journal.Read(im.cfg.Disk, im.cfg.Dir)
	if err != nil {
		return nil, err
	}
	return survey.Of(snap, im.cfg.Disk, im.cfg.Dir, im.files, im.kept...)
}

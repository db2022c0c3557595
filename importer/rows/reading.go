package rows

import (
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Reading is one way to read the rows of an import: under one mapping, and in the
// form that was current when a pass read them. It answers what a row became; see
// Batch.Result.
type Reading struct {
	files *Files
	by    *bound
	forms []int // files that a row is looked for in; the first that has it counts
}

// Reading is how a pass reads rows. The pass of a repair reads those of its own
// file and no others. Every other one reads the rows of the export, in the form in
// which they were repaired last before it.
//
// Errors are for the user.
func (f *Files) Reading(spec *mapping.Spec, units mapping.Units, pass journal.Pass) (*Reading, error) {
	var forms []int
	if pass.Repair != nil {
		forms = []int{f.of(pass.N)}
	} else {
		for i := len(f.all) - 1; i > 0; i-- {
			if f.all[i].pass < pass.N {
				forms = append(forms, i)
			}
		}
		forms = append(forms, 0)
	}
	by, err := f.bind(spec, units, forms)
	if err != nil {
		return nil, err
	}
	return &Reading{files: f, by: by, forms: forms}, nil
}

// Export is what a sweep of this reading goes over: the export, or the repaired
// file of the pass.
func (r *Reading) Export() *source.Export { return r.files.all[r.over()].export }

// Repaired reports whether rows of repaired files are read.
func (r *Reading) Repaired() bool { return r.forms[0] > 0 }

// over is the file that a sweep goes over.
func (r *Reading) over() int { return r.forms[len(r.forms)-1] }

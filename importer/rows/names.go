package rows

import (
	"errors"

	"github.com/consentimport/consentimport/mapping"
)

// Unread says which name the mapping reads and no row has, once all rows were mapped
// under this reading; nil when there is none.
func (r *Reading) Unread() error {
	mappers := r.by.mappers[r.over()]
	for i, m := range mappers {
		err := m.Unread()
		if err == nil {
			continue
		}
		if named := (*mapping.Error)(nil); len(mappers) > 1 && errors.As(err, &named) {
			in := *named
			in.Message += " (in " + r.files.all[r.over()].export.FileOf(i) + ")"
			return &in
		}
		return err
	}
	return nil
}

// Seeking reports whether names are left that no row had so far.
func (r *Reading) Seeking() bool {
	for _, m := range r.by.mappers[r.over()] {
		if m.Seeking() {
			return true
		}
	}
	return false
}

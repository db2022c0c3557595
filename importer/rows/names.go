package rows

// Unread says which name the mapping reads and no row has, once all rows were mapped
// under this reading; nil when there is none.
func (r *Reading) Unread() error {
	for _, m := range r.by.mappers[r.over()] {
		if err := m.Unread(); err != nil {
			return err
		}
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

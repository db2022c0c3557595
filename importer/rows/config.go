package rows

import (
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// Config joins what the user set with what the mapping says of its input; the
// user's word goes first.
func Config(c source.Config, in mapping.Input) source.Config {
	if c.Format == "" {
		c.Format = in.Format
	}
	if c.Delimiter == "" {
		c.Delimiter = in.Delimiter
	}
	if c.Encoding == "" {
		c.Encoding = in.Encoding
	}
	if c.Escape == "" {
		c.Escape = in.Escape
	}
	if c.SkipLines == 0 {
		c.SkipLines = in.SkipLines
	}
	if c.Columns == nil {
		c.Columns = in.Columns
	}
	if c.Rows == "" {
		c.Rows = in.Rows
	}
	return c
}

// CheckInput refuses a mapping that says of its export, or of the file of a lookup, what
// no file can be, such as an encoding that nobody knows; with the place in the mapping.
func CheckInput(spec *mapping.Spec) error {
	if setting, err := Config(source.Config{}, spec.Input()).Unusable(); err != nil {
		return spec.InputFault(setting, err)
	}
	for _, l := range spec.Lookups() {
		if setting, err := Config(source.Config{}, l.Input()).Unusable(); err != nil {
			return l.InputFault(setting, err)
		}
	}
	return nil
}

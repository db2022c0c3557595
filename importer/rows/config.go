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

// ParseMapping parses a mapping, and refuses one that says of its export, or of the file of a
// lookup, what no file can be, such as an encoding that nobody knows: that is a fault of the
// mapping, whatever the export. The error has the place in the mapping.
func ParseMapping(name string, text []byte, set map[string]string) (*mapping.Spec, error) {
	spec, err := mapping.Parse(name, text, set)
	if err != nil {
		return nil, err
	}
	if setting, err := Config(source.Config{}, spec.Input()).Unusable(); err != nil {
		return nil, spec.InputFault(setting, err)
	}
	for _, l := range spec.Lookups() {
		if setting, err := Config(source.Config{}, l.Input()).Unusable(); err != nil {
			return nil, l.InputFault(setting, err)
		}
	}
	return spec, nil
}

package source

import "fmt"

// ReadAs checks that an export which is open is read as settings say that come later:
// those that are empty say nothing, and those with which it was opened are met, even
// where a file knows better, such as by its byte order mark.
func (e *Export) ReadAs(later Config) error {
	for _, l := range e.Layouts {
		if f := later.Format; f != "" && f != e.Config.Format && f != l.Format.String() {
			return fmt.Errorf("it was read as %s, not as %s", l.Format, f)
		}
		if d, err := later.delimiter(); err != nil {
			return err
		} else if l.Format == CSV && d != 0 && later.Delimiter != e.Config.Delimiter && d != l.Delimiter {
			return fmt.Errorf("its delimiter was %q, not %q", l.Delimiter, d)
		}
		if later.Encoding == "" || later.Encoding == e.Config.Encoding {
			continue
		}
		c, err := charsetNamed(later.Encoding)
		if err != nil {
			return err
		}
		if c.name != l.Encoding {
			return fmt.Errorf("its encoding was %s, not %s", l.Encoding, c.name)
		}
	}
	return nil
}

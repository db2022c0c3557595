package decode

import (
	"bytes"
	"errors"
)

var (
	errAxeptio       = errors.New("is neither an axeptio_cookies object nor a list of Axeptio vendors")
	errAxeptioVendor = errors.New("is an axeptio_cookies object with a vendor that is neither true nor false")
)

// readAxeptio reads what Axeptio leaves in a browser. Two forms:
//
// The cookie axeptio_cookies, JSON: keys that begin with "$$" are about the
// cookie ($$completed, $$date, and $$duration in days), all others are vendors
// with true or false. Names that differ in case alone are different vendors.
//
// The cookies axeptio_authorized_vendors and axeptio_all_vendors, lists such
// as ",a,b,". Both in one cell give a true or a false for every vendor; the
// authorized alone, also without its name, gives only what was accepted, for
// who was asked about and refused does not stand in it.
func readAxeptio(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "axeptio_cookies")
	if len(text) > 0 && text[0] == '{' {
		return out.axeptioObject(text)
	}
	return out.axeptioLists(text)
}

func (c *Cell) axeptioObject(text []byte) error {
	completed := false
	err := c.eachMember(text, func(key []byte, v value) error {
		if bytes.HasPrefix(key, []byte("$$")) {
			switch string(key) {
			case "$$completed":
				completed = v.kind == kindBool && v.yes
			case "$$date":
				c.Created = isoTime(v.text)
				c.Updated = c.Created
			case "$$duration":
				if days := digits(v.text); 0 < days && days <= 36525 {
					c.Days = int(days)
				}
			}
			return nil
		}
		switch v.kind {
		case kindBool:
			return c.addBool(key, v.yes)
		case kindNull:
			return nil
		}
		return errAxeptioVendor
	})
	if err == nil && !completed {
		c.Undecided = "Axeptio: the choice was not completed"
	}
	return err
}

func (c *Cell) axeptioLists(text []byte) error {
	var authorized, all []byte
	if len(text) >= 2 && text[0] == ',' && text[len(text)-1] == ',' {
		authorized = text
	} else {
		err := eachField(text, ";&\n", "=", func(name, value []byte) error {
			switch string(name) {
			case "axeptio_authorized_vendors":
				authorized = value
			case "axeptio_all_vendors":
				all = value
			default:
				return errAxeptio
			}
			return nil
		})
		if err != nil {
			return err
		}
		if authorized == nil {
			return errAxeptio
		}
	}
	err := eachField(authorized, ",", "", func(vendor, _ []byte) error {
		if !vendorName(vendor) {
			return errAxeptio
		}
		return c.add(vendor, valueTrue)
	})
	if err != nil {
		return err
	}
	accepted := make(map[string]bool, len(c.Elements))
	for _, e := range c.Elements {
		accepted[string(e.Key)] = true
	}
	err = eachField(all, ",", "", func(vendor, _ []byte) error {
		switch {
		case !vendorName(vendor):
			return errAxeptio
		case accepted[string(vendor)]:
			return nil
		}
		return c.add(vendor, valueFalse)
	})
	if err == nil && len(c.Elements) == 0 {
		c.Undecided = "Axeptio: the lists of vendors are empty"
	}
	return err
}

// vendorName reports whether text can name a vendor: a bare list has no other
// mark by which junk could be told from it.
func vendorName(text []byte) bool {
	for _, b := range text {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-', b == '.':
		default:
			return false
		}
	}
	return len(text) > 0
}

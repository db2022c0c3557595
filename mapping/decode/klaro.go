package decode

import "errors"

var errKlaro = errors.New("is a klaro cookie with a service that is neither true nor false")

// readKlaro reads Klaro's cookie, URL-encoded JSON of services with true or
// false. Klaro writes default states in the same way and sets no mark or date
// on a choice (kiprotect/klaro, src/consent-manager.js): whether somebody
// chose, and when, must come from another column.
func readKlaro(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "klaro")
	err := out.eachMember(text, func(key []byte, v value) error {
		if v.kind != kindBool {
			return errKlaro
		}
		return out.addBool(key, v.yes)
	})
	if err == nil && len(out.Elements) == 0 {
		out.Undecided = "Klaro: the cookie names no service"
	}
	return err
}

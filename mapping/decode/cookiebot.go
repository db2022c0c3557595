package decode

import "errors"

var (
	errCookiebot       = errors.New("is a CookieConsent cookie without Cookiebot's categories")
	errCookiebotMethod = errors.New("is a CookieConsent cookie whose method is neither explicit nor implied")
	errCookiebotValue  = errors.New("is a CookieConsent cookie with a category that is neither true nor false")
)

// readCookiebot reads Cookiebot's cookie CookieConsent, a JavaScript object:
// the categories necessary, preferences, statistics and marketing, "method"
// (explicit or implied) and "utc", the epoch ms of the choice. Newer versions
// nest objects such as consentmode, which are passed over.
//
// An implied consent was given by nobody. Cookiebot's developer pages count a
// consent without a method (older cookies) as implied, and so does this. Two
// older values are not objects: "-1" says that the visitor's region needs no
// consent, "0" that the visitor declined everything that can be declined,
// which is a "false" for each of the three categories, at no known time.
func readCookiebot(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "CookieConsent")
	switch string(text) {
	case "-1":
		out.Undecided = "Cookiebot: no consent was needed in the visitor's region"
		return nil
	case "0":
		for _, category := range []string{"preferences", "statistics", "marketing"} {
			if err := out.add([]byte(category), valueFalse); err != nil {
				return err
			}
		}
		return nil
	}
	method := ""
	err := out.eachMember(text, func(key []byte, v value) error {
		switch string(key) {
		case "necessary", "preferences", "statistics", "marketing":
			if v.kind != kindBool {
				return errCookiebotValue
			}
			return out.addBool(key, v.yes)
		case "method":
			method = string(v.text)
		case "utc":
			if v.kind == kindNumber {
				out.Created = plausible(digits(v.text))
				out.Updated = out.Created
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(out.Elements) == 0:
		return errCookiebot
	case method == "explicit":
	case method == "implied":
		out.Undecided = "Cookiebot: the consent is implied"
	case method == "":
		out.Undecided = "Cookiebot: the cookie has no method, which counts as implied"
	default:
		return errCookiebotMethod
	}
	return nil
}

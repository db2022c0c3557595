package decode

import "errors"

var (
	errCookieYes      = errors.New("is not a cookieyes-consent cookie of name:value pairs")
	errCookieYesValue = errors.New("is a cookieyes-consent cookie with a category that is neither yes nor no")
)

// readCookieYes reads the cookie cookieyes-consent: name:value pairs separated by
// commas. "action:yes" says that the banner was answered, "consent" how on the
// whole; both, the id and the date when the policy was renewed are about the
// cookie, everything else is a category with yes or no. A category without a
// value is left out. The cookie does not say when the choice was made.
func readCookieYes(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "cookieyes-consent")
	action, pairs := "", 0
	err := eachField(text, ",", ":", func(name, value []byte) error {
		if value == nil {
			return errCookieYes
		}
		pairs++
		switch string(name) {
		case "action":
			action = string(value)
			return nil
		case "consentid", "consent", "lastRenewedDate":
			return nil
		}
		switch string(value) {
		case "yes":
			return out.add(name, valueTrue)
		case "no":
			return out.add(name, valueFalse)
		case "":
			return nil
		}
		return errCookieYesValue
	})
	switch {
	case err != nil:
		return err
	case pairs < 2:
		return errCookieYes
	case action != "" && action != "yes" && action != "no":
		return errCookieYesValue
	case action != "yes":
		out.Undecided = "CookieYes: the banner was not answered (action is not yes)"
	}
	return nil
}

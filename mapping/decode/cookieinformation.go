package decode

import "errors"

var (
	errCookieInformation     = errors.New("is a Cookie Information cookie without lists of approved and denied consents")
	errCookieInformationList = errors.New("is a Cookie Information cookie whose lists hold something else than names")
)

// readCookieInformation reads the cookie CookieInformationConsent, JSON with
// the lists consents_approved and consents_denied (names such as
// cookie_cat_statistic) and a timestamp, which counts when it names its zone
// or is epoch ms.
func readCookieInformation(text []byte, out *Cell) error {
	text = stripName(out.unwrap(text), "CookieInformationConsent")
	lists := 0
	err := out.eachMember(text, func(key []byte, v value) error {
		approved := string(key) == "consents_approved"
		switch {
		case approved || string(key) == "consents_denied":
			if v.kind != kindArray {
				return errCookieInformationList
			}
			lists++
			return out.eachItem(v.text, func(item value) error {
				if item.kind != kindString {
					return errCookieInformationList
				}
				return out.addBool(item.text, approved)
			})
		case string(key) == "timestamp" && v.kind == kindString:
			out.Created = isoTime(v.text)
		case string(key) == "timestamp" && v.kind == kindNumber:
			out.Created = plausible(digits(v.text))
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case lists == 0:
		return errCookieInformation
	case len(out.Elements) == 0:
		out.Undecided = "Cookie Information: neither approved nor denied anything"
	}
	out.Updated = out.Created
	return nil
}

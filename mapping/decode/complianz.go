package decode

import (
	"bytes"
	"errors"
)

var (
	errComplianz      = errors.New("holds none of Complianz's cookies cmplz_…=allow or deny")
	errComplianzValue = errors.New("is a Complianz cookie with a category that is neither allow nor deny")
)

// readComplianz reads the cookies that Complianz sets, one a category, which a
// site stored together: cmplz_marketing=allow; cmplz_statistics=deny;
// cmplz_banner-status=dismissed, separated by ";", "&", "," or "|". It gives the
// categories without the prefix. The categories have values before anybody
// answers, so that only a banner that was dismissed makes them a choice. No
// cookie says when.
func readComplianz(text []byte, out *Cell) error {
	text = out.unwrap(text)
	status := ""
	err := eachField(text, ";&,|\n", "=:", func(name, value []byte) error {
		name, ours := bytes.CutPrefix(name, []byte("cmplz_"))
		if !ours {
			return nil // another cookie of the same jar
		}
		switch string(name) {
		case "banner-status":
			status = string(value)
			return nil
		case "functional", "preferences", "statistics", "statistics-anonymous", "marketing":
			switch string(value) {
			case "allow":
				return out.add(name, valueTrue)
			case "deny":
				return out.add(name, valueFalse)
			}
			return errComplianzValue
		}
		return nil // policy id, services and whatever else is not a category
	})
	switch {
	case err != nil:
		return err
	case len(out.Elements) == 0:
		return errComplianz
	case status == "":
		out.Undecided = "Complianz: nothing says that the banner was answered (no cmplz_banner-status)"
	case status != "dismissed":
		out.Undecided = "Complianz: the banner was not answered"
	}
	return nil
}

package decode

import (
	"bytes"
	"errors"
)

var (
	errConsentMode      = errors.New("names no storage of Google's consent mode, such as ad_storage")
	errConsentModeValue = errors.New("has a storage of Google's consent mode that is neither granted nor denied")
)

// readConsentMode reads the state of Google's consent mode, ad_storage and the
// like with granted or denied: pairs (ad_storage=granted&analytics_storage=
// denied, also with ":" and separated by "," ";" or "|"), a JSON object of them,
// or a whole command (gtag('consent', 'update', {…}), ["consent","update",{…}]
// or the data layer's {"0":"consent","1":"update","2":{…}}).
//
// A command "default" is what the site assumes until somebody chooses; only
// "update" is a choice. It gives "true" for granted, "false" for denied. Codes
// such as G111 are not read.
func readConsentMode(text []byte, out *Cell) error {
	text = out.unwrap(text)
	for _, call := range []string{"gtag(", "window.gtag(", "dataLayer.push("} {
		if args, ok := bytes.CutPrefix(text, []byte(call)); ok {
			args = bytes.TrimRight(args, " ;")
			if args, ok = bytes.CutSuffix(args, []byte{')'}); !ok {
				return errLiteral
			}
			text = args
			if len(text) == 0 || text[0] != '[' && text[0] != '{' {
				text = append(append(out.keep("["), text...), ']')
			}
			break
		}
	}
	err := error(nil)
	switch {
	case len(text) > 0 && text[0] == '{':
		err = out.consentModeObject(text, 0)
	case len(text) > 0 && text[0] == '[':
		err = out.eachItem(text, func(v value) error { return out.consentModeArgument(v, 0) })
	default:
		err = eachField(text, "&,;|\n", "=:", out.consentModePair)
	}
	if err == nil && len(out.Elements) == 0 && out.Undecided == "" {
		return errConsentMode
	}
	return err
}

// consentModeObject reads an object of storages or a command of the data layer.
func (c *Cell) consentModeObject(text []byte, depth int) error {
	return c.eachMember(text, func(key []byte, v value) error {
		if storage(key) {
			return c.consentModePair(key, v.text)
		}
		switch string(key) {
		case "0", "1", "2", "command", "type":
			return c.consentModeArgument(v, depth)
		}
		return nil // wait_for_update, region and other settings
	})
}

// consentModeArgument reads one argument of a command.
func (c *Cell) consentModeArgument(v value, depth int) error {
	switch {
	case v.kind == kindString && string(v.text) == "default":
		c.Undecided = "Google consent mode: a default is not a choice"
	case v.kind == kindObject && depth == 0:
		return c.consentModeObject(v.text, 1)
	}
	return nil
}

// consentModePair reads one storage. Other names are settings or none of ours.
func (c *Cell) consentModePair(name, value []byte) error {
	if string(name) == "default" || string(value) == "default" {
		c.Undecided = "Google consent mode: a default is not a choice"
	}
	if !storage(name) {
		return nil
	}
	switch string(value) {
	case "granted":
		return c.add(name, valueTrue)
	case "denied":
		return c.add(name, valueFalse)
	}
	return errConsentModeValue
}

// storage reports whether name is a consent type of Google's consent mode.
func storage(name []byte) bool {
	switch string(name) {
	case "ad_storage", "ad_user_data", "ad_personalization", "analytics_storage",
		"functionality_storage", "personalization_storage", "security_storage":
		return true
	}
	return false
}

package decode

import (
	"bytes"
	"errors"
)

var (
	errTrustArc      = errors.New("is none of TrustArc's cookies notice_gdpr_prefs, notice_preferences and cmapi_cookie_privacy")
	errTrustArcLevel = errors.New("is a TrustArc cookie with a level that is not one of required, functional and advertising")
	errTrustArcAlone = errors.New("is a single TrustArc level: put the name of its cookie before it, such as notice_preferences=2")
)

// readTrustArc reads TrustArc's cookies, with or without their names, one or
// several of them separated by ";" or "&":
//
//	notice_gdpr_prefs=0,1,2:<hash>       the levels that were allowed, from 0
//	notice_preferences=2:                the highest level that was allowed, from 0
//	cmapi_cookie_privacy=permit 1,2,3    the levels that were allowed, from 1
//	notice_behavior=implied,eu           how: "implied" and "none" are not choices
//
// It gives "required", "functional" and "advertising", each true or false. The
// meaning of the levels is second-hand: TrustArc publishes none, and sites
// with more levels than three are refused. No cookie says when.
func readTrustArc(text []byte, out *Cell) error {
	text = out.unwrap(text)
	var levels [3]bool
	found := false
	err := eachField(text, ";&\n", "=", func(name, value []byte) error {
		if value == nil {
			name, value = nil, name
		}
		form := string(name)
		if form == "" {
			switch {
			case bytes.HasPrefix(value, []byte("permit")):
				form = "cmapi_cookie_privacy"
			case bytes.HasPrefix(value, []byte("implied")), bytes.HasPrefix(value, []byte("expressed")):
				form = "notice_behavior"
			default:
				form = "notice_gdpr_prefs"
			}
		}
		allowed, err := [3]bool{}, error(nil)
		switch form {
		case "notice_behavior":
			if bytes.HasPrefix(value, []byte("implied")) || bytes.HasPrefix(value, []byte("none")) {
				out.Undecided = "TrustArc: the consent is implied"
			}
			return nil
		case "notice_gdpr_prefs":
			list, hash, ok := bytes.Cut(value, []byte{':'})
			if !ok || !hexHash(hash) {
				return errTrustArc
			}
			if len(name) == 0 && len(list) == 1 && list[0] != '0' {
				return errTrustArcAlone
			}
			allowed, err = trustArcLevels(list, '0')
		case "notice_preferences":
			highest, _, _ := bytes.Cut(value, []byte{':'})
			if len(highest) != 1 || highest[0] < '0' || highest[0] > '2' {
				return errTrustArcLevel
			}
			for i := range allowed {
				allowed[i] = i <= int(highest[0]-'0')
			}
		case "cmapi_cookie_privacy":
			list, ok := bytes.CutPrefix(value, []byte("permit"))
			if !ok {
				return errTrustArc
			}
			list = bytes.TrimLeft(list, " _")
			list, _ = bytes.CutSuffix(list, []byte(" required"))
			allowed, err = trustArcLevels(list, '1')
		default:
			return errTrustArc
		}
		if err == nil && found && allowed != levels {
			return errTwice
		}
		levels, found = allowed, true
		return err
	})
	if err != nil || !found {
		if err == nil && out.Undecided == "" {
			err = errTrustArc
		}
		return err
	}
	for i, name := range []string{"required", "functional", "advertising"} {
		if err := out.addBool([]byte(name), levels[i]); err != nil {
			return err
		}
	}
	return nil
}

// trustArcLevels reads a list of levels such as "0,1,2" or "1|2|3".
func trustArcLevels(list []byte, first byte) (allowed [3]bool, err error) {
	none := true
	err = eachField(list, ",|", "", func(level, _ []byte) error {
		if len(level) != 1 || level[0] < first || level[0] > first+2 {
			return errTrustArcLevel
		}
		allowed[level[0]-first] = true
		none = false
		return nil
	})
	if err == nil && none {
		err = errTrustArcLevel
	}
	return allowed, err
}

// hexHash reports whether text can be the hash behind the levels, which older
// cookies lack.
func hexHash(text []byte) bool {
	for _, b := range text {
		if unhex(b) < 0 {
			return false
		}
	}
	return len(text) == 0 || len(text) >= 16
}

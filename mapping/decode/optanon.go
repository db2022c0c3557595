package decode

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

var (
	errOptanonGroups = errors.New("is an OptanonConsent cookie without its groups")
	errOptanonGroup  = errors.New("is an OptanonConsent cookie with a group that is neither 0, 1 nor 2")
	errOptanonCount  = errors.New("is an OptanonConsent cookie whose interactionCount is not a number")
)

// readOptanon reads OneTrust's cookie OptanonConsent: a query string whose
// "groups" lists group:value, where the value is 1 (on), 0 (off) or 2, a group
// held on legitimate interest, which is not a choice and left out. Ids of groups
// are free text and may hold a colon.
//
// OneTrust writes the cookie before anybody chooses, with the site's default
// states. A choice was made when interactionCount is above 0, or when
// OptanonAlertBoxClosed stands beside it (the time when the banner was closed,
// a cookie of its own that some sites store in the same cell). "datestamp" is
// the browser's clock when the cookie was last written: Updated, and Created
// when no closing time is known.
func readOptanon(text []byte, out *Cell) error {
	text = out.unescapeHTML(bytes.Trim(text, `"`))
	for i := 0; i < 3 && !hasField(text, "groups"); i++ { // escaped as a whole
		text = out.unescapePercent(text, false)
	}
	text = stripName(text, "OptanonConsent")
	var (
		groups          []byte
		found           bool
		count           = int64(-1)
		closed, written int64
		again           bool
	)
	// A cookie jar parts cookies with "; ". A ";" alone may stand in a value.
	text = out.replaceAll(text, "; ", "&")
	err := eachField(text, "&", "=", func(name, value []byte) error {
		switch string(name) {
		case "groups":
			was := groups
			if groups = out.unescapePercent(value, true); found && !bytes.Equal(was, groups) {
				return errTwice // of two cookies, or of one that was put together
			}
			found = true
		case "interactionCount":
			if count = digits(value); count < 0 {
				return errOptanonCount
			}
		case "datestamp":
			written = browserTime(out.unescapePercent(value, true))
		case "OptanonAlertBoxClosed":
			closed = isoTime(out.unescapePercent(value, false))
		case "AwaitingReconsent":
			again = again || string(value) == "true"
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !found:
		return errOptanonGroups
	case again:
		out.Undecided = "OneTrust: consent is being asked for again"
	case count == 0:
		out.Undecided = "OneTrust: the banner was not answered (interactionCount is 0)"
	case count < 0 && closed == 0:
		out.Undecided = "OneTrust: nothing says that the banner was answered"
	}
	out.Created, out.Updated = closed, written
	if closed == 0 {
		out.Created = written
	}
	if written == 0 {
		out.Updated = closed
	}
	return eachField(groups, ",", "", func(group, _ []byte) error {
		colon := bytes.LastIndexByte(group, ':')
		if colon < 0 {
			return errOptanonGroup
		}
		switch string(group[colon+1:]) {
		case "1":
			return out.add(group[:colon], valueTrue)
		case "0":
			return out.add(group[:colon], valueFalse)
		case "2":
			return nil
		}
		return errOptanonGroup
	})
}

// hasField reports whether a query string has a field of that name.
func hasField(text []byte, name string) bool {
	for len(text) > 0 {
		i := bytes.Index(text, []byte(name+"="))
		if i < 0 {
			return false
		}
		if i == 0 || text[i-1] == '&' || text[i-1] == ' ' || text[i-1] == '=' {
			return true
		}
		text = text[i+len(name):]
	}
	return false
}

// replaceAll is bytes.ReplaceAll in the memory of the cell.
func (c *Cell) replaceAll(text []byte, before, after string) []byte {
	i := bytes.Index(text, []byte(before))
	if i < 0 {
		return text
	}
	start := len(c.buf)
	for ; i >= 0; i = bytes.Index(text, []byte(before)) {
		c.buf = append(append(c.buf, text[:i]...), after...)
		text = text[i+len(before):]
	}
	c.buf = append(c.buf, text...)
	return c.buf[start:len(c.buf):len(c.buf)]
}

// browserTime reads what JavaScript's Date writes, in epoch ms:
// "Mon Feb 10 2025 14:33:05 GMT+0100 (heure normale d’Europe centrale)". Names
// of days and months are English in every browser, the zone's name in brackets
// is not, and the offset before it says all. It is 0 for any other text.
func browserTime(text []byte) int64 {
	if i := bytes.IndexByte(text, '('); i >= 0 {
		text = text[:i]
	}
	text = bytes.TrimSpace(text)
	if len(text) > 60 {
		return 0
	}
	s := strings.Replace(string(text), "GMT ", "GMT+", 1) // a "+" that was decoded once too often
	for _, layout := range []string{
		"Mon Jan _2 2006 15:04:05 GMT-0700",
		"Mon Jan 2 15:04:05 UTC-0700 2006", // Internet Explorer
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return plausible(t.UnixMilli())
		}
	}
	return isoTime(text)
}

package intempt

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// maxBody is how many bytes of an answer's body are looked at.
const maxBody = 64 << 10

// bodyText finds what a body has to say: the target's own form first, then the
// forms of the frameworks and gateways around it, else all of it as text.
func bodyText(body []byte) string {
	body = bytes.TrimPrefix(bytes.TrimSpace([]byte(plain(string(body)))), []byte("\xef\xbb\xbf"))
	if len(body) == 0 {
		return ""
	}
	if body[0] == '{' || body[0] == '[' || body[0] == '"' {
		var v any
		if json.Unmarshal(body, &v) == nil {
			if text := jsonMessage(v, 0); text != "" {
				return text
			}
			return jsonStrings(v)
		}
		return unescape(string(body))
	}
	return string(body)
}

// maxDepth is how deep a message is looked for.
const maxDepth = 6

// jsonMessage finds the message in a decoded JSON value; "" when there is none
// in a form that is known.
func jsonMessage(v any, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, e := range v {
			if text := jsonMessage(e, depth+1); text != "" {
				all = append(all, text)
			}
		}
		return strings.Join(all, "; ")
	case map[string]any:
		for _, name := range [...]string{"errors", "message", "error", "error_description", "detail", "title", "msg"} {
			if text := jsonMessage(v[name], depth+1); text != "" {
				return text
			}
		}
	}
	return ""
}

// jsonStrings words a value of an unknown form, without escapes in it, so that
// what must be masked can be seen.
func jsonStrings(v any) string {
	if m, ok := v.(map[string]any); ok && len(m) == 0 {
		return ""
	}
	if a, ok := v.([]any); ok && len(a) == 0 {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return unescape(b.String())
}

// unescape undoes JSON's escapes in a text that need not be JSON.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			i++
			continue
		}
		// As far as it is an escape, let the decoder say what it is. A pair of
		// surrogates is one character in two escapes.
		for _, n := range [...]int{12, 6, 2} {
			var s string
			if i+n <= len(text) && (n == 2 || text[i+1] == 'u') && (n < 12 || text[i+6:i+8] == `\u`) && json.Unmarshal([]byte(`"`+text[i:i+n]+`"`), &s) == nil {
				b.WriteString(s)
				i += n
				goto next
			}
		}
		b.WriteByte(text[i])
		i++
	next:
	}
	return b.String()
}

// redirectMessage names where a redirect leads, without anything that could
// hold the key. The caller masks the path.
func redirectMessage(base *url.URL, location string) string {
	const refused = ", which is not followed, for the key would leave the host: check the base URL"
	if location == "" {
		return "redirects without a location" + refused
	}
	u, err := base.Parse(location)
	if err != nil || u.Host == "" {
		return "redirects to an unreadable location" + refused
	}
	return "redirects to " + u.Scheme + "://" + u.Host + u.EscapedPath() + refused
}

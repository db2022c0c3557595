package intempt

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/consentimport/consentimport/importer/delivery"
)

// verdict says what an answer with a status of success comes to by its body, which
// was read. Many APIs answer 200 with an error in the body, and what stands between
// us and the target answers 200 with a page of its own.
func (c *conn) verdict(end bodyEnd) delivery.Class {
	c.unpack()
	text := bytes.TrimLeft(bytes.TrimPrefix(c.body, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case isPage(c.resp.Header.ContentType(), text):
		return delivery.Stopped
	case holdsError(text):
		return delivery.Refused
	case end == bodyCut, end == bodyLate: // what was to come may have been an error
		return delivery.Transient
	default:
		return delivery.Sent
	}
}

// unpack undoes a compression that nobody asked for, as far as maxBody.
func (c *conn) unpack() {
	if len(c.body) < 2 || c.body[0] != 0x1f || c.body[1] != 0x8b {
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(c.body))
	if err != nil {
		return
	}
	plain, _ := io.ReadAll(io.LimitReader(z, maxBody)) // as much as can be read
	c.body = append(c.body[:0], plain...)
}

// isPage reports whether an answer is meant for a browser. text is its body without
// what stands before it.
func isPage(contentType, text []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	return bytes.EqualFold(kind, []byte("text/html")) || bytes.EqualFold(kind, []byte("application/xhtml+xml")) || len(text) > 0 && text[0] == '<'
}

// holdsError reports whether a body is a JSON object with a member error or errors
// that says something. A body that breaks off is looked at as far as it goes.
func holdsError(text []byte) bool {
	if len(text) == 0 || text[0] != '{' || !bytes.Contains(text, []byte("err")) && !bytes.Contains(text, []byte(`\`)) {
		return false
	}
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return false
		}
		named := name.String() == "error" || name.String() == "errors"
		kind := d.PeekKind()
		value, err := d.ReadValue()
		if named && (err != nil && kind != 'n' && kind != 'f' && kind != 0 || err == nil && !isEmpty(value)) {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}

// isEmpty reports whether a JSON value says nothing.
func isEmpty(v jsontext.Value) bool {
	if v.Compact() != nil {
		return false
	}
	switch string(v) {
	case "null", "false", `""`, "{}", "[]", "0":
		return true
	}
	return false
}

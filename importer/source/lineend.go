package source

import "bytes"

// lineEndOf tells which byte ends the lines of a text, from its beginning: LF,
// or CR where CR ends lines and LF none. Excel for Mac writes CR between rows
// and LF within quoted cells, so that what stands in quotes does not count.
//
// Further CRs before a LF, and one after it, belong to that line end: CR CR LF
// is what a program writes on Windows that ends lines itself and writes them as
// text, and LF CR what some old systems do.
func lineEndOf(data []byte) byte {
	if len(data) > headSniff {
		data = data[:headSniff]
	}
	lf, cr := false, false
	if !startsJSON(data) {
		lf, cr = lineEndsOutsideQuotes(data)
	}
	if !lf && !cr { // JSON, or a quote that is no CSV quote hides them all
		lf, cr = bytes.IndexByte(data, '\n') >= 0, bytes.IndexByte(data, '\r') >= 0
	}
	if cr && !lf {
		return '\r'
	}
	return '\n'
}

// lineEndsOutsideQuotes tells whether LF and whether CR stand outside of quotes.
func lineEndsOutsideQuotes(data []byte) (lf, cr bool) {
	quoted := false
	for _, b := range data {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '\n':
			lf = true
		case b == '\r':
			cr = true
		}
	}
	return lf, cr
}

// startsJSON tells that a text begins as JSON does, in which a backslash before a
// quote keeps it from ending a string.
func startsJSON(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && (data[0] == '{' || data[0] == '[')
}

// otherLineEnd is the byte that ends no line of a text whose lines end with the given one.
func otherLineEnd(lineEnd byte) byte { return '\n' + '\r' - lineEnd }

// skipHalf passes over what is left of a line end at the beginning of a line:
// the CR of LF CR, or the LF of CR LF in a text whose lines seemed to end with CR.
func skipHalf(data []byte, pos int, lineEnd byte) int {
	other := otherLineEnd(lineEnd)
	for pos < len(data) && data[pos] == other {
		pos++
	}
	return pos
}

// skipMark passes over a byte order mark at the beginning of a line: files that were put
// together keep theirs.
func skipMark(data []byte, pos int) int { return pos + leadingBOMs(data[pos:], []byte(utf8BOM)) }

// endOfFile is how DOS ended texts, and some programs still do.
const endOfFile = "\x1a"

// trimCR takes away each CR of a line that ended with LF, or with the text.
func trimCR(line []byte, lineEnd byte) []byte {
	n := len(line)
	if lineEnd != '\n' || n == 0 || line[n-1] != '\r' {
		return line
	}
	for n > 0 && line[n-1] == '\r' {
		n--
	}
	return line[:n:n]
}

// strayLineEnd finds a CR or LF that stands outside of quotes and ends no line: it
// gives the name of that byte, or "" when there is none.
func strayLineEnd(raw []byte) string {
	lf, cr := lineEndsOutsideQuotes(raw)
	switch {
	case cr:
		return "a carriage return (CR)"
	case lf:
		return "a line feed (LF)"
	default:
		return ""
	}
}

// lineEndName is a line end as people call it.
func lineEndName(lineEnd byte) string {
	if lineEnd == '\r' {
		return "CR"
	}
	return "LF"
}

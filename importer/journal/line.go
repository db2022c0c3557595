package journal

// A line is a body, `{"kind":…`, its check, `,"crc":"89abcdef"}`, and a line
// feed. The check is the CRC-32C of all bodies of the file so far, this one
// included. So a line that was changed, removed, added or moved does not fit to
// the check below it, and a single changed byte is found with certainty.

const (
	checkKey  = `,"crc":"`
	checkSize = len(checkKey) + 8 + len(`"}`)
	hexDigits = "0123456789abcdef"

	// maxLine bounds a line in bytes. Real lines have a few dozen up to some
	// 30 KB; a header that names very many files may be longer.
	maxLine = 64 << 20
)

// appendCheck ends the line whose body is b with its check and a line feed.
func appendCheck(b []byte, check uint32) []byte {
	b = append(b, checkKey...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[check>>shift&15])
	}
	return append(b, '"', '}', '\n')
}

// cutCheck splits a line (without its line feed) into body and check.
func cutCheck(line []byte) (body []byte, check uint32, ok bool) {
	at := len(line) - checkSize
	if at < 1 || string(line[at:at+len(checkKey)]) != checkKey || string(line[len(line)-2:]) != `"}` {
		return nil, 0, false
	}
	for _, c := range line[at+len(checkKey) : len(line)-2] {
		var d byte
		switch {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		default:
			return nil, 0, false
		}
		check = check<<4 | uint32(d)
	}
	return line[:at], check, true
}

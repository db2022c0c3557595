package source

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// probe reads the beginning of a member and adds it to the export with its
// layout. It finds nothing where there is no text but blank lines.
func (e *Export) probe(m *member) (found bool, err error) {
	unpacked, err := e.unpacked(m)
	if err != nil {
		return false, err
	}
	defer unpacked.Close()
	h := &head{r: unpacked}
	h.need(headSniff)
	if h.err != nil {
		return false, fmt.Errorf("read %s: %w", m.path, h.err)
	}
	if m.compression != plain {
		if kind, err := compressionOf(h.data); err != nil {
			return false, fmt.Errorf("%s: what is in the %s file %w", m.path, m.compression, err)
		} else if kind != plain {
			return false, fmt.Errorf("%s is compressed twice (%s in %s); unpack it once first", m.path, kind, m.compression)
		}
	}
	layout := Layout{}
	var evidence string
	m.charset, m.bom, evidence, err = detectCharset(h.data, &e.Config)
	if err != nil {
		return false, err
	}
	layout.charset, layout.Encoding, layout.BOM = m.charset, m.charset.name, m.bom > 0
	layout.Guessed = e.Config.Guess && e.Config.Encoding == "" && m.bom == 0 && m.charset.unit() == unitByte && !m.charset.isUTF8()
	layout.Evidence = append(layout.Evidence, evidence)
	text := &head{r: m.charset.reader(io.MultiReader(bytes.NewReader(h.data[m.bom:]), unpacked))}
	text.need(headSniff)
	m.print = printOf(text)
	found, err = e.probeText(m, &layout, text)
	if err == nil {
		err = text.err
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", m.path, err)
	}
	if found {
		m.print.rows = m.print.rows || hasRows(text.data[min(int(m.body), len(text.data)):])
		m.layout = e.layoutIndex(layout)
		if n := len(e.members); m.file != nil && n > 0 && e.members[n-1].input == m.input {
			m.before = e.members[n-1].before + int64(e.members[n-1].file.CompressedSize64)
		}
		e.members = append(e.members, *m)
		e.Members = append(e.Members, Member{Input: m.input, Name: m.name, Layout: m.layout})
	}
	return found, nil
}

// probeText finds out how rows are written, and where they begin.
func (e *Export) probeText(m *member, l *Layout, h *head) (found bool, err error) {
	m.lineEnd = lineEndOf(h.data)
	h.lineEnd = m.lineEnd
	at, line := 0, int64(1)
	for n := range e.Config.SkipLines {
		_, next, whole := h.line(at)
		if !whole || next > MaxRow {
			return false, fmt.Errorf("line %d above the header makes the preamble longer than 1 MiB; check skipLines", n+1)
		}
		if next == at {
			break
		}
		at, line = next, line+1
	}
	if !e.Config.Nested() {
		text, next, _ := h.line(at)
		switch delimiter, says := sepLine(text); {
		case says && delimiter == 0:
			return false, fmt.Errorf("line %d, %q, sets a delimiter that is not one ASCII character; skip the line (skipLines: %d) and set the delimiter", line, text, line)
		case says:
			l.Delimiter = delimiter
			l.Evidence = append(l.Evidence, fmt.Sprintf("delimiter %q: the line %s says so", string(l.Delimiter), text))
			at, line = next, line+1
		}
	}
	for {
		at = skipHalf(h.data, at, m.lineEnd)
		at += leadingBOMs(h.data[at:], []byte(utf8BOM))
		text, next, whole := h.line(at)
		if !isBlank(text, l.Delimiter) {
			break
		}
		if next == at {
			return false, nil
		}
		if !whole || next > 2*MaxRow {
			return false, fmt.Errorf("its first 1 MiB is blank: it is damaged, or not an export")
		}
		at, line = next, line+1
	}
	m.body, m.bodyLine = int64(at), line
	l.Preamble = slices.Clone(h.data[:at])
	l.LineEnd = "\n"
	if text, next, whole := h.line(at); whole {
		end := h.data[at+len(text) : next]
		if len(end) > 0 {
			l.LineEnd = string(end)
		}
	}
	rest := &head{r: h.r, data: h.data[at:], lineEnd: h.lineEnd, eof: h.eof, err: h.err}
	m.grammar = e.grammarOf(m, rest)
	l.Format = m.grammar.format
	l.Evidence = append(l.Evidence, m.grammar.evidence)
	if !l.Nested() {
		return true, e.probeHeader(m, l, rest)
	}
	l.Preamble = nil
	l.Delimiter = 0
	m.scattered, m.lined = e.Config.Rows != "", m.grammar.lines
	return true, rest.err
}

// ratherJSON adds to a fault of a header that the text looks like JSON.
func ratherJSON(h *head) string {
	if text := bytes.TrimLeft(h.data, "\x1e"); len(text) < len(h.data) && len(text) > 0 && text[0] == '{' {
		return "; it looks like a JSON text sequence: take the record separators (0x1E) out, and it is JSON lines"
	}
	if beginsJSON(h, '{') || beginsJSON(h, '[') {
		return "; it looks like JSON, and is said to be CSV: leave the format out, or make it jsonl"
	}
	return ""
}

// probeHeader reads the header of a CSV text, which begins at the head.
func (e *Export) probeHeader(m *member, l *Layout, h *head) error {
	set, err := e.Config.delimiter()
	switch {
	case err != nil:
		return err
	case set != 0:
		l.Delimiter = set
		l.Evidence = append(l.Evidence, fmt.Sprintf("delimiter %q: as it was set", string(set)))
	case l.Delimiter == 0:
		var evidence string
		l.Delimiter, evidence = sniffDelimiter(h.data, h.eof, m.lineEnd, len(e.Config.Columns))
		l.Evidence = append(l.Evidence, evidence)
	}
	m.delimiter = l.Delimiter
	if l.Escape, err = e.Config.escape(); err != nil {
		return err
	}
	if len(e.Config.Columns) > 0 {
		l.Columns, l.NoHeader = slices.Clone(e.Config.Columns), true
		return h.err
	}
	if l.Escape == 0 && looksEscaped(h.data, l.Delimiter) {
		l.Evidence = append(l.Evidence, `cells look as databases write them, with \N for NULL or a backslash before a quote: input.escape: "\\" reads them so`)
	}
	rows, w := firstRow(h, l, m.bodyLine)
	switch {
	case h.err != nil:
		return h.err
	case len(rows) == 0 && w.eof:
		return fmt.Errorf("read header: there is none")
	case len(rows) == 0:
		return fmt.Errorf("read header on line %d: %s; is it an export?", m.bodyLine, tooLong)
	case rows[0].Reason != "":
		return fmt.Errorf("read header on line %d: %s%s", rows[0].Line, rows[0].Reason, ratherJSON(h))
	case beginsJSON(h, '{') && !bytes.Contains(rows[0].Raw, []byte{l.Delimiter}):
		return fmt.Errorf("read header on line %d: it is not one of CSV%s", rows[0].Line, ratherJSON(h))
	case !m.charset.valid(rows[0].Raw):
		return fmt.Errorf("read header on line %d: %s", rows[0].Line, m.charset.fault(rows[0].Raw))
	}
	if stray := strayLineEnd(rows[0].Raw); stray != "" {
		return fmt.Errorf("read header on line %d: it contains %s, but other lines end with %s: its line ends are mixed; save it with one kind of line end, CR LF or LF",
			rows[0].Line, stray, lineEndName(m.lineEnd))
	}
	l.Header = slices.Clone(rows[0].Raw)
	cells, err := l.cells(l.Header)
	if err != nil {
		return fmt.Errorf("read header on line %d: %w", rows[0].Line, err)
	}
	l.Columns = make([]string, len(cells))
	for i, c := range cells {
		l.Columns[i] = string(c)
	}
	m.body += w.next
	m.bodyLine = w.nextLine
	return nil
}

// grammarOf gives the first grammar of the table that fits a text, and the format
// that was set. A name counts where a text says nothing: values that are no objects may be
// a column as well as lines of JSON.
func (e *Export) grammarOf(m *member, h *head) *grammar {
	if e.Config.Format == "" && namedJSON(m.name) && fitsScalars(h) {
		return scalarGrammar
	}
	for _, g := range grammars {
		if e.Config.Format != "" && g.format.String() != e.Config.Format {
			continue
		}
		if g.fits(h, &e.Config) {
			return g
		}
	}
	return lineGrammar // set to JSON lines, whatever the first line holds
}

// sepLine reads the line "sep=;" with which Excel names the delimiter: also in
// quotes, and with the empty cells behind it that a program adds which took it for
// a row. It gives 0 for a delimiter that cannot be one.
func sepLine(line []byte) (delimiter byte, says bool) {
	quoted := len(line) > 0 && line[0] == '"'
	line = bytes.TrimPrefix(line, []byte(`"`))
	if len(line) < 4 || !bytes.EqualFold(line[:4], []byte("sep=")) {
		return 0, false
	}
	line = line[4:]
	if bytes.HasPrefix(line, []byte(`\t`)) {
		line = append([]byte("\t"), line[2:]...)
	}
	if len(line) == 0 {
		return 0, true
	}
	delimiter = line[0]
	rest := line[1:]
	if quoted {
		if len(rest) == 0 || rest[0] != '"' {
			return 0, true
		}
		rest = rest[1:]
	}
	if !usableDelimiter(delimiter) || len(bytes.Trim(rest, string(delimiter)+" ")) > 0 {
		return 0, true
	}
	return delimiter, true
}

// firstRow finds the first row of a CSV text, and the window in which it was found.
// There is none when it is too long to be one.
func firstRow(h *head, l *Layout, line int64) ([]Row, *window) {
	for {
		s := &csvScanner{delimiter: l.Delimiter, lineEnd: h.lineEnd, escape: l.Escape}
		w := &window{data: h.data, eof: h.eof, line: line}
		rows := s.scan(w, make([]Row, 0, 1))
		if len(rows) > 0 || w.eof || h.err != nil || len(h.data) > MaxRow+headSniff {
			return rows, w
		}
		h.need(len(h.data) + 4*headSniff)
	}
}

// layoutIndex gives the place of a layout among the distinct ones.
func (e *Export) layoutIndex(l Layout) int {
	for i := range e.Layouts {
		o := &e.Layouts[i]
		if o.Format == l.Format && o.Delimiter == l.Delimiter && o.Encoding == l.Encoding &&
			o.NoHeader == l.NoHeader && bytes.Equal(o.Header, l.Header) {
			return i
		}
	}
	e.Layouts = append(e.Layouts, l)
	return len(e.Layouts) - 1
}

// delimiters are those that are looked for, the likeliest first.
// Hive's own, Ctrl-A, stands in no text.
var delimiters = []byte{',', ';', '\t', '|', '\x01'}

// sniffDelimiter tells what separates the cells of the first line: what makes
// as many cells of it as were named, else what occurs there most often outside
// quotes; of several the one that occurs as often on the lines after it.
func sniffDelimiter(data []byte, eof bool, lineEnd byte, columns int) (byte, string) {
	lines := outsideQuotes(data, eof, lineEnd, 10)
	if len(lines) == 0 {
		return ',', `delimiter ",": there is no line to detect it from`
	}
	type score struct{ fits, times, steady int }
	var best score
	found := byte(0)
	for _, d := range delimiters {
		s := score{times: lines[0][d]}
		if s.times == 0 {
			continue
		}
		if s.times == columns-1 {
			s.fits = 1
		}
		for _, l := range lines[1:] {
			if l[d] == s.times {
				s.steady++
			}
		}
		if cmp.Or(cmp.Compare(s.fits, best.fits), cmp.Compare(s.times, best.times), cmp.Compare(s.steady, best.steady)) > 0 {
			found, best = d, s
		}
	}
	if found == 0 {
		return ',', `delimiter ",": the first line has no delimiter, so there is one column`
	}
	return found, fmt.Sprintf("delimiter %q: it occurs %d times outside quotes on the first line, and as often on %d of the %d lines after it",
		string(found), best.times, best.steady, len(lines)-1)
}

// outsideQuotes counts bytes outside quotes on each of the first lines.
func outsideQuotes(data []byte, eof bool, lineEnd byte, most int) []*[utf8.RuneSelf]int {
	var lines []*[utf8.RuneSelf]int
	line := new([utf8.RuneSelf]int)
	quoted, empty := false, true
	for _, b := range data {
		switch {
		case b == '"':
			quoted = !quoted
			empty = false
		case quoted:
		case b == lineEnd:
			if !empty {
				lines = append(lines, line)
			}
			if len(lines) == most {
				return lines
			}
			line, empty = new([utf8.RuneSelf]int), true
		case b < utf8.RuneSelf:
			line[b]++
			empty = false
		}
	}
	if !empty && (eof || len(lines) == 0) {
		lines = append(lines, line)
	}
	return lines
}

package source

import "bytes"

// fault is what keeps a record from being read.
type fault uint8

const (
	noFault fault = iota
	needMore
	bareQuote
	escapedQuote // a bare one behind a backslash
	textAfterQuote
	otherEnd // after a closing quote
	unclosedQuote
	longOpen // too long, and a quote is open
	long     // too long, and none is
)

// reason is the format of a Row.Reason with the line of the fault.
func (f fault) reason() string {
	switch f {
	case bareQuote:
		return "line %d has a quote inside a cell that does not begin with one"
	case escapedQuote:
		return "line %d has a quote behind a backslash in a cell without quotes, as databases write one: set input.escape: \"\\\\\""
	case textAfterQuote:
		return "the quote opened on line %d is not closed, or text follows its closing quote"
	case otherEnd:
		return "after the cell that begins on line %d is a line end of a different kind (CR or LF) than the other lines have"
	case unclosedQuote:
		return "the quote opened on line %d is never closed"
	case longOpen:
		return "the row is longer than 1 MiB because the quote opened on line %d is not closed"
	default:
		return "the row is longer than 1 MiB on line %d"
	}
}

// extent is where a record ends, or what is wrong with it.
type extent struct {
	fault fault
	end   int // after the last byte of the record
	next  int // after its line end
	at    int // of a fault: the opening quote of the cell, or the place itself
	cells int // counted when lenient
}

// record finds the end of the record that begins at start.
func (s *csvScanner) record(data []byte, start int, eof, lenient bool) extent {
	limit := start + MaxRow + 2 // a row of that size with its line end
	cut := len(data) > limit
	if cut {
		data = data[:limit]
	}
	short := func(open int) extent { return s.cutShort(data, start, open, eof && !cut) }
	cells := 1
	finish := func(end, next int) extent {
		if end-start > MaxRow {
			return extent{fault: long, at: end}
		}
		return extent{end: end, next: next, cells: cells}
	}
	lineEnd, quote := start-1, start-1 // the first ones at or after p, once p has reached them
	for p := start; ; {
		// p is where a cell begins.
		open := p
		if p == len(data) || data[p] != '"' {
			lineEnd = indexFrom(data, lineEnd, p, s.lineEnd)
			quote = indexFrom(data, quote, p, '"')
			stop := min(lineEnd, quote)
			if lenient {
				cells += bytes.Count(data[p:stop], []byte{s.delimiter})
			}
			switch {
			case stop == len(data) && eof && !cut:
				return finish(p+len(trimCR(data[p:], s.lineEnd)), stop)
			case stop == len(data):
				return short(-1)
			case lineEnd < quote:
				return finish(p+len(trimCR(data[p:lineEnd], s.lineEnd)), lineEnd+1)
			}
			open = quote
			first := open // of the cell
			for lenient && first > p && data[first-1] != s.delimiter && (data[first-1] == ' ' || data[first-1] == '\t') {
				first--
			}
			if first > p && data[first-1] != s.delimiter {
				if data[quote-1] == '\\' {
					return extent{fault: escapedQuote, at: quote}
				}
				return extent{fault: bareQuote, at: quote}
			}
		}
		closing := closingQuote(data, open, lenient)
		switch {
		case closing < 0:
			return short(open)
		case closing+1-start > MaxRow:
			return extent{fault: long, at: closing}
		}
		after := data[closing+1:]
		switch {
		case len(after) > 0 && after[0] == s.delimiter:
			cells++
			p = closing + 2
			continue
		case len(after) > 0 && after[0] == s.lineEnd:
			return finish(closing+1, closing+2)
		}
		half := 0 // CRs that may belong to the line end after them
		for s.lineEnd == '\n' && half < len(after) && after[half] == '\r' {
			half++
		}
		switch {
		case half < len(after) && half > 0 && after[half] == '\n':
			return finish(closing+1, closing+half+2)
		case half == len(after) && eof && !cut:
			return finish(closing+1, len(data))
		case half == len(after):
			return short(open) // what follows decides between the end of the cell and a fault
		case after[0] == otherLineEnd(s.lineEnd):
			return extent{fault: otherEnd, at: open}
		default:
			return extent{fault: textAfterQuote, at: open}
		}
	}
}

package mapping

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// MaxFile is how many bytes a mapping file may have.
const MaxFile = 1 << 20

// The bounds of a mapping file, far beyond what one needs: the parser calls itself
// for each level, and its time grows with the square of the entries of a map.
const (
	maxDepth  = 64
	maxTokens = 60_000
)

// decodeFile gives the text of a mapping file as UTF-8 without a byte order mark.
// Notepad and PowerShell save one, and PowerShell's > writes UTF-16.
func decodeFile(src []byte) ([]byte, string) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), len(src) > 3 && src[0] != 0 && src[1] == 0 && src[2] != 0 && src[3] == 0:
		order = binary.LittleEndian
	case bytes.HasPrefix(src, []byte("\xfe\xff")), len(src) > 3 && src[0] == 0 && src[1] != 0 && src[2] == 0 && src[3] != 0:
		order = binary.BigEndian
	}
	if order != nil {
		if len(src)%2 != 0 {
			return nil, "is UTF-16 of which the last byte is missing"
		}
		units := make([]uint16, len(src)/2)
		for i := range units {
			units[i] = order.Uint16(src[2*i:])
		}
		src = []byte(string(utf16.Decode(units)))
	}
	for bytes.HasPrefix(src, []byte("\ufeff")) {
		src = src[len("\ufeff"):]
	}
	return src, ""
}

// notUTF8 finds the first byte that is not UTF-8; line and column count from 1.
func notUTF8(src []byte) (line, column int, found bool) {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			before := src[:i]
			start := bytes.LastIndexByte(before, '\n') + 1
			return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[start:]), true
		}
		i += n
	}
	return 0, 0, false
}

// tokens takes the text of a mapping apart, unless that or parsing it would take
// time or memory without bound.
func (r *reader) tokens(src []byte) token.Tokens {
	if len(src) > MaxFile {
		r.err = &Error{File: r.file, Message: "is larger than 1 MiB, the limit for a mapping"}
		return nil
	}
	if line, column, found := notUTF8(src); found {
		r.err = &Error{File: r.file, Line: line, Column: column, Message: "is not UTF-8: save the mapping as UTF-8"}
		return nil
	}
	some := upToSigns(src, maxTokens)
	all := lexer.Tokenize(string(some))
	if t := tooDeep(all); t != nil {
		r.err = &Error{File: r.file, Line: t.Position.Line, Column: t.Position.Column, Message: fmt.Sprintf("is nested deeper than %d levels, which no mapping is", maxDepth)}
		return nil
	}
	if len(all) > maxTokens || len(some) < len(src) {
		r.err = &Error{File: r.file, Message: fmt.Sprintf("has more than %d words and signs, which no mapping has", maxTokens)}
		return nil
	}
	return all
}

// upToSigns cuts a text off behind so many signs that are a token of their own wherever
// they mean something: each token takes hundreds of bytes.
func upToSigns(src []byte, most int) []byte {
	signs := 0
	for i, b := range src {
		switch b {
		case '[', ']', '{', '}', ',':
			if signs++; signs > most {
				return src[:i]
			}
		}
	}
	return src
}

// tooDeep gives the first token that lies deeper than a mapping may be nested: in
// brackets, or in the columns at which entries of blocks begin.
func tooDeep(all token.Tokens) *token.Token {
	var columns []int // of the blocks that are open
	brackets := 0
	for _, t := range all {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets = max(0, brackets-1)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType, token.LiteralType, token.FoldedType:
			if brackets > 0 || t.Position == nil {
				continue
			}
			at := t.Position.Column
			if t.Type == token.MappingValueType && t.Prev != nil && t.Prev.Position != nil {
				at = t.Prev.Position.Column // the key's
			}
			for len(columns) > 0 && columns[len(columns)-1] >= at {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, at)
		}
		if brackets+len(columns) > maxDepth {
			return t
		}
	}
	return nil
}

// Package source reads an export: bytes of files, archives and standard input
// become rows with their exact positions.
//
// Reading is split in two so that it can use every processor: Reader finds,
// in order, where each row begins and ends, and Layout.Split takes one row
// apart, which any goroutine may do.
package source

import (
	"os"
	"sync"
)

// MaxRow is the size in bytes that one row may have at most. A longer row is
// unreadable; reading goes on at the next line.
const MaxRow = 1 << 20

// Config says which files to read, and what not to detect. The zero value of
// each optional field means "detect".
type Config struct {
	Paths     []string `json:"paths,omitempty"`     // numbered parts are read in the order of their numbers
	Format    string   `json:"format,omitempty"`    // "csv", "jsonl"
	Delimiter string   `json:"delimiter,omitempty"` // one character, or `\t`
	Encoding  string   `json:"encoding,omitempty"`  // a WHATWG name; a byte order mark wins over it
	Names     []string `json:"-"`                   // what files are called in place of the base names of their paths, by their place in Paths; empty: as their paths say
	Remote    *Remote  `json:"-"`                   // how URLs are reached; nil: without any secret
	Guess     bool     `json:"-"`                   // read what is not UTF-8 as GuessEncoding says: to look at, never to import
	Escape    string   `json:"escape,omitempty"`    // one character that keeps the next from ending a cell, such as `\`; none unless set
	SkipLines int      `json:"skipLines,omitempty"` // preamble lines above the header
	Columns   []string `json:"columns,omitempty"`   // column names of files that have no header line
	Rows      string   `json:"rows,omitempty"`      // JSON: path of the array in a page object whose elements are the rows; with .* at its end, of the object whose members are
}

// Export is an opened export: what was found out about its files, before any
// row is read. Several goroutines may read it at once, each with its own Reader.
type Export struct {
	Config  Config
	Inputs  []Input
	Members []Member // in reading order
	Layouts []Layout // each distinct header, delimiter and encoding once
	Beside  []string // files of archives that were left out because they hold no rows, such as README.txt
	Empty   []string // files of archives that were left out because they are empty, and archives in them that hold no file with rows

	inputs   []input
	members  []member
	chunks   chunkCache
	spool    *os.File // archives that lay compressed in an archive; nil without any
	mu       sync.Mutex
	first    firstSums        // what this process has read
	verified map[Mark]*digest // what Check found to be as it was, to go on from there

	blockSize  int   // bytes of text that are read at a time
	batchRows  int   // rows that a batch has at most
	spoolExtra int64 // bytes that archives in archives may have beyond a multiple of the inputs
}

// Input is one file as it lies on disk.
type Input struct {
	Path        string
	Bytes       int64
	Compression string // "none", "gzip", "zstd", "zip"
}

// FileOf names the first file, or member of an archive, that has a layout: its path, for
// messages.
func (e *Export) FileOf(layout int) string {
	for i := range e.members {
		if e.members[i].layout == layout {
			return e.members[i].path
		}
	}
	return ""
}

// Member is one run of rows: a plain or compressed file, or a file in an archive.
type Member struct {
	Input  int    // index into Export.Inputs
	Name   string // base name; of an archive's member the member's base name ($file)
	Layout int    // index into Export.Layouts
}

// Layout is how the rows of a member are written.
type Layout struct {
	Format    Format
	Columns   []string // CSV: header cells; nil for JSONL
	Delimiter byte     // CSV
	Escape    byte     // CSV; 0: none
	Encoding  string   // canonical WHATWG name, e.g. "utf-8", "utf-16le", "windows-1252"
	Guessed   bool     // Encoding is a guess
	BOM       bool
	Preamble  []byte   // skipped lines above the header, decoded to UTF-8, with their line ends
	Header    []byte   // the header record as written, decoded to UTF-8, without its line end
	NoHeader  bool     // Columns came from the configuration
	LineEnd   string   // "\n", "\r\n" or "\r"
	Evidence  []string // how each of these was detected, one sentence each, for inspect

	charset *charset
}

// Position is where a row begins.
type Position struct {
	Member int   `json:"member"`
	Offset int64 `json:"offset"` // byte in the decoded (decompressed, UTF-8) text of the member
	Line   int64 `json:"line"`   // physical line in the member, from 1
	Row    int64 `json:"row"`    // number of the row, from 1 through all members
}

// Mark is a proof of what was read: a digest of the raw bytes of all inputs up
// to a point. The same bytes give the same mark, however they were read.
type Mark struct {
	Input int    `json:"input"` // index of the input that was being read
	Bytes int64  `json:"bytes"` // raw bytes of that input which the digest covers
	Sum   string `json:"sum"`   // hex, SHA-256 over the SHA-256s of 4 MiB chunks, earlier inputs first
	// Open is set when the last row read ended with the file and without a line
	// end: bytes added to the file later would change that row.
	Open bool `json:"open,omitempty"`
}

// Row is the extent of one row.
type Row struct {
	Number int64 // from 1 through all members
	Line   int64 // physical line on which it begins, from 1, in its own member
	Offset int64 // byte in the decoded text of its member
	// Raw is the row as written, decoded to UTF-8, without its line end. It is
	// never written to until its Batch is released, and must not be written to.
	// Where a row cannot be read it is the text up to where reading goes on; nil
	// when that is longer than MaxRow. A lone surrogate or a byte that the
	// encoding does not define is kept as invalid UTF-8, which Layout.Encode
	// turns back.
	Raw []byte
	// Key is the name under which the row stands in an object of rows; nil elsewhere.
	// It lives as long as Raw.
	Key []byte
	// Reason says why the row cannot be read (too long, a quote that never
	// closes, invalid UTF-8 …); empty when its extent is sound.
	Reason string
}

// Batch is a run of consecutive rows of one member.
type Batch struct {
	Member int
	Rows   []Row
	// Next is the position of the row after the batch: reading can begin there.
	Next Position
	// Mark covers at least the bytes of all rows up to the end of the batch.
	Mark Mark
	// Read is the number of raw bytes consumed of all inputs so far.
	Read int64

	memory *memory // where the rows lie
	room   []Row   // all that Rows is a part of
	home   *Reader // to which room goes back
}

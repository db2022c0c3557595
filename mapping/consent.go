// Package mapping turns one row of an export into the consents that it states.
//
// A mapping file is parsed into a Spec, bound to the columns of an export as a
// Mapper, and applied row by row. The package does no I/O and knows nothing of
// files, targets or checkpoints.
package mapping

import (
	"bytes"
	"math"
)

// Action is the decision of a consent.
type Action uint8

// The decisions that the target knows. Undecided never leaves the mapping as
// the action of a consent.
const (
	Undecided Action = iota
	Accept
	Reject
)

// String gives the word that the target's API uses.
func (a Action) String() string {
	switch a {
	case Accept:
		return "accept"
	case Reject:
		return "reject"
	default:
		return "undecided"
	}
}

// Unlimited is the ValidUntil of a consent that does not end.
const Unlimited int64 = math.MaxInt64

// Consent is one decision of one subject about one category: one request.
//
// The byte slices point into the row or into the memory of the Result that
// made them; they live as long as these do.
type Consent struct {
	Action      Action
	Timestamp   int64 // epoch milliseconds
	ValidUntil  int64 // epoch milliseconds, or Unlimited
	SourceID    int64 // the target's source, when HasSourceID
	HasSourceID bool
	Hidden      bool // invisible characters were cut off the identifiers of its row
	Assumed     bool // no condition of the mapping held, and what is left is accepted
	Source      []byte
	Category    []byte // empty: a blanket decision
	UserID      []byte
	ProfileID   []byte
	Email       []byte
	Message     []byte
	More        *More // nil: none of its fields
	// Raw is what the export said where Action was read: the trimmed cell
	// before values were looked up. It feeds the decision table.
	Raw []byte
}

// More are the fields that the vendor's server SDKs for Node, Python and PHP send beside
// those of the reference. Few mappings have them.
type More struct{ Reason, Method, DeviceInfo []byte }

// Fields are the names and values in the order in which they are sent.
func (m *More) Fields() [3]NamedField {
	return [...]NamedField{{"reason", &m.Reason}, {"method", &m.Method}, {"deviceInfo", &m.DeviceInfo}}
}

// NamedField is a field of a request.
type NamedField struct {
	Name  string
	Value *[]byte
}

// Equal reports whether both say the same; nil says nothing.
func (m *More) Equal(o *More) bool {
	if m == nil || o == nil {
		return m == o
	}
	return bytes.Equal(m.Reason, o.Reason) && bytes.Equal(m.Method, o.Method) && bytes.Equal(m.DeviceInfo, o.DeviceInfo)
}

// Subject is the person: userId, else profileId, else email.
func (c *Consent) Subject() []byte {
	switch {
	case len(c.UserID) > 0:
		return c.UserID
	case len(c.ProfileID) > 0:
		return c.ProfileID
	default:
		return c.Email
	}
}

// Record is what one row offers to a mapping: cells of a CSV record, or the
// text of one JSON value.
type Record struct {
	File  string   // base name of the file or archive member ($file)
	Row   int64    // row number, from 1 through all files ($row)
	Cells [][]byte // CSV: one cell a column, unquoted
	JSON  []byte   // JSONL: the raw text of the value, not yet checked
	Key   []byte   // JSONL: under which it stood in an object of rows ($key); nil elsewhere
}

// Layout is what a Mapper is bound to: the columns of a CSV file, or JSON rows.
type Layout struct {
	Columns []string // header cells as written; nil when JSON
	JSON    bool
	// Tables are the files of the mapping's lookups, by their names.
	Tables map[string]Table
	// Taken are names under which the rows have something else than what the export has.
	Taken []string
}

// Status says what a row became.
type Status uint8

// The outcomes of a row at mapping: Mapped rows make at least one consent.
const (
	Mapped Status = iota
	Skipped
	Invalid
)

// Result is what a row became. It is reused: Mapper.Map overwrites everything
// but the memory that the consents' bytes live in, which only Reset gives back.
// So the consents of all rows of a batch stay readable until the next Reset.
type Result struct {
	Status Status
	// Reason says why a row was skipped or is invalid. It names columns and
	// shapes of values, never a person: a value appears only masked.
	Reason string
	// Column is the column or path at fault, when there is one.
	Column string
	// Consents are the consents of a mapped row. Of an invalid row they are
	// those whose subject, category and action could be read all the same;
	// nothing of them may be sent.
	Consents []Consent
	// Dropped are the values of the row that made no consent: a value that is
	// not listed, an empty one, an element that a rule skipped. They let the
	// decision table show everything that the export says. A row that a rule
	// skipped as a whole, or that is invalid before its action is read, has none.
	Dropped []Dropped
	// Missed says what of the row the mapping did not see.
	Missed Missed
	// arena holds bytes that are not in the row itself: templates, lower-cased
	// and unescaped text. Map appends to it and never overwrites.
	arena []byte
}

// Dropped is a value that stood where an action was expected and made none.
type Dropped struct {
	Category []byte // as far as it was read
	Subject  []byte // whose value it is, as far as that was read; as Consent.Subject
	Raw      []byte // the trimmed cell, as Consent.Raw
	// Timestamp is that of an accept of somebody who opted out elsewhere; else 0.
	Timestamp int64
	// Why is one of the constants below, or the reason of the rule that skipped it.
	Why string
	// Own: it is one element's, and the mapping reads the person from elements, so that it
	// may be somebody's whom no consent of the row names.
	Own bool
}

// Why a value was dropped without a rule of the mapping.
const (
	Unlisted    = "invalid"             // it is not listed in values
	OptedOut    = "opted out elsewhere" // an accept of somebody on that list
	NoStatement = "no statement"        // it is empty: nothing was said
)

// Reset makes the result's memory free for use by the next batch of rows.
func (r *Result) Reset() {
	r.Consents = r.Consents[:0]
	r.Dropped = r.Dropped[:0]
	r.arena = r.arena[:0]
}

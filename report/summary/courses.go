package summary

import (
	"fmt"

	"github.com/consentimport/consentimport/report/wording"
)

// Courses tell of some persons and categories how the decisions arrived: where that was not
// simply oldest first and all of them. Keys is of how many there would be something to
// tell; Drawn are a few, the gravest first.
type Courses struct {
	Keys int64 `json:"keys"`
	// Order is where the order of arrival is known from: OrderCheckpoint, OrderRules or
	// OrderForeseen.
	Order string   `json:"order"`
	Drawn []Course `json:"drawn"`
}

// Where the order of arrival is known from.
const (
	OrderCheckpoint = "checkpoint" // answers stand in the checkpoint as they came
	OrderRules      = "rules"      // shards were joined, so it is the order that each of them kept to
	OrderForeseen   = "foreseen"   // a dry run: nothing has arrived
)

// The reasons of a course.
const (
	TooPermissive = "too-permissive"
	NotLastWord   = "not-last-word"
	OutOfOrder    = "out-of-order"
	Overtaken     = "overtaken"
)

// Course is how the decisions of one person about one category arrived.
type Course struct {
	Category string `json:"category"`
	Person   string `json:"person"` // masked, with the name of the field; empty if it could not be read again
	Why      string `json:"why"`    // one of the reasons
	LastWord string `json:"lastWord"`
	// Stands is what arrived last, from this import or one before it: accept, reject or none.
	Stands string `json:"stands"`
	Turns  []Turn `json:"turns"`           // oldest first
	Older  int64  `json:"older,omitempty"` // that are left out
}

// Turn is one decision of a course.
type Turn struct {
	Consent  string `json:"consent"`
	Time     string `json:"time,omitempty"` // RFC 3339, UTC; absent where it cannot be read
	Decision string `json:"decision"`
	Outcome  string `json:"outcome"` // sent, known, refused, failed, pending, superseded, invalid
	Status   int    `json:"status,omitempty"`
	// Arrived counts those that arrived, or would, from 1; absent: it did not.
	Arrived int `json:"arrived,omitempty"`
}

// CourseText says why a course is told.
func CourseText(c *Course, dryRun bool) string {
	stands, arrived, held := "the target has", "arrived", "were held back"
	if dryRun {
		stands, arrived, held = "the target would have", "would arrive", "would be held back"
	}
	switch c.Why {
	case TooPermissive:
		return fmt.Sprintf("The last word is a reject, and %s an accept.", stands)
	case NotLastWord:
		return fmt.Sprintf("What %s last, %s, is not the last word, %s.", arrived, article(c.Stands), article(c.LastWord))
	case OutOfOrder:
		return fmt.Sprintf("Decisions %s in another order than that of their times.", arrived)
	}
	return fmt.Sprintf("Decisions %s for good: newer ones stand in the export, or arrived before them.", held)
}

func article(decision string) string {
	if decision == "accept" {
		return "an accept"
	}
	return "a " + decision
}

// CoursesText says of how many persons and categories a page draws the order of arrival.
func CoursesText(c *Courses) string {
	return fmt.Sprintf("%d of %s", len(c.Drawn), wording.Plural(c.Keys, "person-category pair"))
}

// OrderText says where the order of arrival is known from.
func OrderText(c *Courses) string {
	switch c.Order {
	case OrderForeseen:
		return "Nothing has arrived yet: this is the order in which an import would send them, if nothing is refused."
	case OrderRules:
		return "The checkpoint was joined from shards and does not have the order of answers: this is the order that each shard kept to."
	}
	return "The order of arrival is that in which the answers stand in the checkpoint."
}

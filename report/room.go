package report

import (
	"fmt"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/room"
)

// need is the room that the index of histories takes in the out directory. The lists are
// not counted: they are what the directory is for.
func (c *collector) need(decisions, bytes int64) room.Need {
	what := "the report"
	if c.dryRun {
		what = "the dry run"
	}
	return room.Need{Dir: c.sheets.dir, What: what, For: "its temporary files", Of: fmt.Sprintf("%d decisions", decisions), Bytes: bytes}
}

// room checks, when a part of the export was read, whether the index of all of it will
// have room. times is how many times as long all of it is.
func (c *collector) room(times float64) error {
	if !c.ahead.Due(c.history.Len()) {
		return nil
	}
	decisions, bytes, open := c.history.Ahead(times)
	if !open {
		return nil
	}
	if c.unsaid != nil {
		bytes += c.unsaid.ahead(times)
	}
	return c.need(decisions, bytes).Check()
}

// full says how much room is needed where the disk was full before that could be foreseen.
func (c *collector) full(err error, decisions int64) error {
	return c.need(decisions, history.Room(decisions)).Full(err)
}

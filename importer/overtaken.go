package importer

import (
	"sync"

	"github.com/consentimport/consentimport/importer/journal"
)

// overtaken knows, for the keys that a retry or a repair is about to send
// again, the newest decision that was sent: what comes again must never arrive
// after a newer one.
//
// It holds about 60 bytes a key.
type overtaken struct {
	mu     sync.Mutex
	newest map[key]decision
}

// decision is a consent that was sent. The zero value is none: rows count from 1.
type decision struct {
	time int64 // epoch milliseconds
	ref  journal.Ref
}

func newOvertaken() *overtaken { return &overtaken{newest: make(map[key]decision)} }

// watch says that something of this key comes again.
func (o *overtaken) watch(k key) {
	if _, ok := o.newest[k]; !ok {
		o.newest[k] = decision{}
	}
}

// sent notes that a consent arrived. Keys that are not watched cost nothing.
func (o *overtaken) sent(k key, time int64, ref journal.Ref) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if had, ok := o.newest[k]; ok {
		if d := (decision{time, ref}); d.after(had) {
			o.newest[k] = d
		}
	}
}

// by gives the consent that overtook the one given, if one did.
func (o *overtaken) by(k key, time int64, ref journal.Ref) (journal.Ref, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.newest[k]
	return d.ref, d.after(decision{time, ref})
}

// after is the order of decisions: by time, then by row.
func (d decision) after(e decision) bool {
	if d.ref.Row == 0 || e.ref.Row == 0 {
		return d.ref.Row != 0
	}
	if d.time != e.time {
		return d.time > e.time
	}
	if d.ref.Row != e.ref.Row {
		return d.ref.Row > e.ref.Row
	}
	return d.ref.Consent > e.ref.Consent
}

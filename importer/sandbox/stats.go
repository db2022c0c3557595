package sandbox

import (
	"strconv"
	"sync"
	"sync/atomic"
)

// Stats is what GET /_sandbox/stats answers. Requests for consents count,
// those for the sandbox's own pages do not.
type Stats struct {
	Requests   int64 `json:"requests"`
	Stored     int64 `json:"stored"`
	Distinct   int64 `json:"distinct"`   // of those stored: different ones
	Duplicates int64 `json:"duplicates"` // stored again, equal in every field
	Subjects   int64 `json:"subjects"`   // stored for how many
	// SuspectTimestamps counts consents whose time is before 2010 or after
	// 2039: the product is said to put the time of receipt in its place.
	SuspectTimestamps int64 `json:"suspectTimestamps"`
	InFlight          int64 `json:"inFlight"`
	InFlightMax       int64 `json:"inFlightMax"`
	// MaxInFlight is the most that was ever in flight for one subject and
	// category. More than 1 breaks the order of arrival.
	MaxInFlight int64            `json:"maxInFlight"`
	ByStatus    map[string]int64 `json:"byStatus"` // "0": no answer
	Faults      map[string]int64 `json:"faults"`   // injected, by name; a status by its number
	FaultSpec   string           `json:"faultSpec,omitempty"`
	// RedirectsFollowed counts requests for where a redirect pointed.
	RedirectsFollowed int64            `json:"redirectsFollowed"`
	ByDecision        []Decision       `json:"byDecision"`
	Projects          map[string]int64 `json:"projects"` // stored, by org/project as they stand in the path
}

// Decision counts the stored consents of a category and action.
type Decision struct {
	Category string `json:"category"`
	Action   string `json:"action"`
	Stored   int64  `json:"stored"`
}

// counts are the statistics that the store does not know.
type counts struct {
	requests, inFlight, inFlightMax, redirected atomic.Int64
	byStatus, codes                             [600]atomic.Int64
	kinds                                       [kinds]atomic.Int64

	mu       sync.Mutex
	projects map[string]*atomic.Int64
}

// maxProjects bounds the memory that made-up paths can take.
const maxProjects = 1000

func newCounts() *counts { return &counts{projects: make(map[string]*atomic.Int64)} }

func (c *counts) clear() {
	for _, n := range []*atomic.Int64{&c.requests, &c.redirected} {
		n.Store(0)
	}
	c.inFlightMax.Store(c.inFlight.Load())
	for i := range c.byStatus {
		c.byStatus[i].Store(0)
		c.codes[i].Store(0)
	}
	for i := range c.kinds {
		c.kinds[i].Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.projects)
}

// enter counts a request in flight.
func (c *counts) enter() {
	c.requests.Add(1)
	n := c.inFlight.Add(1)
	for {
		old := c.inFlightMax.Load()
		if n <= old || c.inFlightMax.CompareAndSwap(old, n) {
			return
		}
	}
}

// project counts a stored consent.
func (c *counts) project(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.projects[path]
	if n == nil {
		if len(c.projects) == maxProjects {
			return
		}
		n = new(atomic.Int64)
		c.projects[path] = n
	}
	n.Add(1)
}

// Stats gives the counts so far. Err says whether those of different consents and
// subjects could be counted.
func (s *Server) Stats() Stats {
	st, _ := s.stats()
	return st
}

func (s *Server) stats() (Stats, error) {
	c := s.counts
	st := Stats{
		Requests: c.requests.Load(), InFlight: c.inFlight.Load(), InFlightMax: c.inFlightMax.Load(),
		MaxInFlight: s.lanes.max.Load(), RedirectsFollowed: c.redirected.Load(), FaultSpec: s.Faults().String(),
		ByStatus: map[string]int64{}, Faults: map[string]int64{}, Projects: map[string]int64{}, ByDecision: []Decision{},
	}
	for code := range c.byStatus {
		put(st.ByStatus, strconv.Itoa(code), c.byStatus[code].Load())
		put(st.Faults, strconv.Itoa(code), c.codes[code].Load())
	}
	for k := reset; k < kinds; k++ {
		put(st.Faults, kindNames[k], c.kinds[k].Load())
	}
	c.mu.Lock()
	for path, n := range c.projects {
		st.Projects[path] = n.Load()
	}
	c.mu.Unlock()
	err := s.store.fill(&st)
	return st, err
}

func put(m map[string]int64, name string, n int64) {
	if n > 0 {
		m[name] = n
	}
}

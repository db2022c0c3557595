package timetext

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var errZone = errors.New("is not a time zone that is known")

// Zone loads a time zone by its IANA name. What stands for the zone of the machine,
// or for a clock that counts leap seconds, is none: an import means the same wherever
// it runs.
func Zone(name string) (*time.Location, error) {
	low := strings.ToLower(name)
	switch {
	case low == "" || low == "local" || low == "localtime" || low == "posixrules" || low == "factory",
		strings.HasPrefix(low, "right/"), strings.HasPrefix(low, "posix/"), strings.ContainsAny(name, "\\ \t"):
		return nil, errZone
	}
	return time.LoadLocation(name)
}

// zoneCache keeps the zones that the times of a column name.
type zoneCache struct {
	known sync.Map // name → *time.Location
	count atomic.Int32
}

// maxZones is how many names are kept: more than there are zones.
const maxZones = 1000

func (c *zoneCache) get(name []byte) (*time.Location, bool) {
	if len(name) < 3 || len(name) > 40 {
		return nil, false
	}
	if z, ok := c.known.Load(string(name)); ok {
		zone := z.(*time.Location)
		return zone, zone != nil
	}
	zone, err := Zone(string(name))
	if err != nil {
		zone = nil
	}
	if c.count.Load() < maxZones {
		c.count.Add(1)
		c.known.Store(string(name), zone)
	}
	return zone, zone != nil
}

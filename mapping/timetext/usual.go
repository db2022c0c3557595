package timetext

import "encoding/binary"

// Of eight bytes of a usual time, such as 2011-01-22T11:12:44, in the order of
// binary.LittleEndian: what stands there beside the values of digits, and what is to be
// added to each byte that is left so that its highest bit tells one that is too large,
// which is above 9 for a digit and above 0 for what separates them.
const (
	dateSigns  = 0x2d30302d30303030 // 0000-00-
	dateTops   = 0x7f76767f76767676
	clockSigns = 0x30303a3030003030 // 00T00:00 without the T
	clockTops  = 0x76767f76767f7676
	highest    = 0x8080808080808080
)

// usualISO reads times as nearly all exports have them, 2011-01-22T11:12:44 and a
// fraction, eight bytes at once (BenchmarkMap). What it does not pass, isoWall reads, which
// gives the same for what it passes.
func usualISO(b []byte) (wall int64, rest []byte, ok bool) {
	if len(b) < 19 || b[10] != 'T' && b[10] != ' ' || b[16] != ':' {
		return 0, nil, false
	}
	date := binary.LittleEndian.Uint64(b) ^ dateSigns
	clock := binary.LittleEndian.Uint64(b[8:]) ^ clockSigns ^ uint64(b[10])<<16
	second, ok := two(b[17:])
	if !ok || (date|(date+dateTops)|clock|(clock+clockTops))&highest != 0 {
		return 0, nil, false
	}
	date, clock = date*10+date>>8, clock*10+clock>>8 // each byte with the next one
	year, month, day := int64(date&0xff*100+date>>16&0xff), int64(date>>40&0xff), int64(clock&0xff)
	hour, minute := int64(clock>>24&0xff), int64(clock>>48&0xff)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, nil, false
	}
	ms, rest, ok := fraction(b[19:])
	return daysFrom(year, month, day)*86400000 + clockOf(hour, minute, second) + ms, rest, ok
}

package wording

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		assert.Equal(t, want, Thousands(n))
	}
	for s, want := range map[float64]string{0: "0 ms", 0.81: "810 ms", 1.25: "1.2 s", 252: "4 min 12 s", 7500: "2 h 5 min", 273600: "3 d 4 h"} {
		assert.Equal(t, want, Lapse(s))
	}
	for x, want := range map[float64]string{0: "0 %", 0.0001: "<1 %", 0.5: "50 %", 0.9999: ">99 %", 1: "100 %"} {
		assert.Equal(t, want, Percent(x))
	}
	for n, want := range map[int64]string{1: "1 byte", 1023: "1,023 bytes", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		assert.Equal(t, want, Size(n))
	}
	assert.Equal(t, "2 retries", Plural(2, "retry"))
}

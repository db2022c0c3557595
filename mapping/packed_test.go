package mapping

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fill gives every exported field, of whatever depth, another value that is not zero.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), n)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(bytes.Repeat([]byte{byte(*n)}, 10**n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("word %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(*n) * -1_000_000_007)
	case reflect.Uint8:
		v.SetUint(uint64(1 + *n%2))
	default:
		t.Fatalf("a field of kind %s: let it be kept, too", v.Kind())
	}
}

// Whatever a row may become comes back as it was, and what was cut is told from it.
func TestAPackedResultComesBack(t *testing.T) {
	n := 0
	var full Result
	fill(t, reflect.ValueOf(&full).Elem(), &n)
	require.Greater(t, n, 50, "fields")
	for what, was := range map[string]Result{"all that there is": full, "nothing": {}, "skipped": {Status: Skipped, Reason: "a rule"}} {
		packed, ok := was.Pack([]byte("before"))
		require.True(t, ok)
		packed = packed[len("before"):]
		var is Result
		rest, ok := is.Unpack(append(bytes.Clone(packed), "behind"...))
		require.True(t, ok, what)
		assert.Equal(t, "behind", string(rest), what)
		assert.Equal(t, was, is, what)
		for cut := range packed {
			_, ok := is.Unpack(packed[:cut])
			assert.False(t, ok, "cut at %d", cut)
		}
	}
	c := &full.Consents[1]
	packed := c.Pack(nil)
	assert.LessOrEqual(t, len(packed), c.PackedSize())
	assert.Equal(t, c.Action, PackedAction(packed))
	var is Consent
	_, ok := is.Unpack(packed)
	require.True(t, ok)
	is.Raw = c.Raw
	assert.Equal(t, *c, is)
}

// A long text that each of many consents or dropped values has is not packed as often.
func TestNotMoreIsPackedThanARowMayTake(t *testing.T) {
	long := make([]byte, 10<<10)
	for what, r := range map[string]*Result{
		"consents": {Consents: make([]Consent, 1000)},
		"dropped":  {Dropped: make([]Dropped, 1000)},
	} {
		for i := range r.Consents {
			r.Consents[i].Message = long
		}
		for i := range r.Dropped {
			r.Dropped[i].Raw = long
		}
		packed, ok := r.Pack([]byte("before"))
		assert.False(t, ok, what)
		assert.Equal(t, "before", string(packed), what)
		assert.Less(t, cap(packed), 4*mostPacked, what)
	}
}

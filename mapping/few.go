package mapping

import "bytes"

// Few remembers what is known of a few texts that come again and again, as categories do
// row after row; of more it forgets some. The zero value knows none.
type Few[T any] struct{ known [64]fewText[T] }

type fewText[T any] struct {
	text []byte
	used bool
	is   T
}

// Of gives what is known of a text. Where that is new, the zero value is to be filled in.
// The place is another text's once that one was asked for.
func (f *Few[T]) Of(text []byte) (is *T, isNew bool) {
	slot := len(text)
	if slot > 0 {
		slot += int(text[0]) + 3*int(text[slot-1])
	}
	at := &f.known[slot%len(f.known)]
	for i := range 4 { // names often begin and end alike
		k := &f.known[(slot+i)%len(f.known)]
		if !k.used {
			at = k
			break
		}
		if bytes.Equal(k.text, text) {
			return &k.is, false
		}
	}
	*at = fewText[T]{text: append(at.text[:0], text...), used: true}
	return &at.is, true
}

package survey

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A person is found in a row that could not be read whatever way it is written there, and
// one whose identifier is part of another's is not.
func TestAPersonIsFoundInTheTextOfARow(t *testing.T) {
	for _, c := range []struct {
		subject, text string
		nested, in    bool
	}{
		{"u7", `u7,gus@x.example`, false, true},
		{"u7", `"u7,x`, false, true},
		{"u7", `u77,gus@x.example,2017-07-07`, false, false},
		{"7", `u77,17,7;x`, false, true},
		{"7", `u77,17,2017-07-17`, false, false},
		{"DAN@x.example", `1,Dan@X.example ,maybe`, false, true},
		{"an@x.example", `1,dan@x.example`, false, false},
		{`say "x"`, `1,"say ""x""",y`, false, true},
		{"zoë", `{"id":"zo\u00eb"}`, true, true},
		{"zoë", `{"id":"zo\u00EB","ok":tru]}`, true, true},
		{"zoe\u0308", `{"id":"zo\u00eb"`, true, true},
		{"zo", `{"id":"zo\u00eb"}`, true, false},
		{"\U0001f600x", `{"id":"\ud83d\ude00x"`, true, true},
		{"a/b", `{"id":"a\/b"`, true, true},
		{"u7", `{"id":"\nu7"}`, true, true},
		{"zoë", `1,"{""id"":""zo\u00eb""}"`, false, true},
		{"müller", "m\xfcller,maybe", false, true},
		{"müller", "m\xfcllers,maybe", false, false},
		{"张", "1,张三", false, true},
		{"x", `{"id":"\u12`, true, false},
		{"x", `\`, true, false},
	} {
		assert.Equal(t, c.in, newPerson(c.subject).in(c.nested, []byte(c.text)), "%q in %q", c.subject, c.text)
	}
}

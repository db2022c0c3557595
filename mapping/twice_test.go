package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestANameThatStandsTwiceIsNotRead: JSON in which a name that the mapping reads stands
// twice in one object, with different values, says neither; whatever of the two comes
// last. CSV with two such columns is refused.
func TestANameThatStandsTwiceIsNotRead(t *testing.T) {
	t.Parallel()
	const rest = `  action: {from: ACTION, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: x}
`
	const at = `,"at":"2024-01-02T03:04:05Z"}`
	for name, tt := range map[string]struct {
		mapping, action string
		rows            map[string]string // what becomes of a row
	}{
		"the decision": {"consent:\n  userId: id\n", "choice", map[string]string{
			`{"id":"u1","choice":"no","choice":"yes"` + at:              `action: column "choice" is ambiguous`,
			`{"id":"u1","choice":"yes","choice":"no"` + at:              `action: column "choice" is ambiguous`,
			`{"id":"u1","choice":"no","\u0063hoice":"yes"` + at:         `action: column "choice" is ambiguous`,
			`{"id":"u1","id":"u2","choice":"yes"` + at:                  `userId: column "id" is ambiguous`,
			`{"id":"u1","choice":"no","at":"2025-01-02T03:04:05Z"` + at: `timestamp: column "at" is ambiguous`,
			`{"id":"u1","choice":"no","choice":"no"` + at:               "reject",
			`{"id":"u1","choice":"no","x":1,"x":2` + at:                 "reject",
		}},
		"below it": {"consent:\n  userId: id\n", "p.c", map[string]string{
			`{"id":"u1","p":{"c":"no"},"p":{"c":"yes"}` + at: `action: column "p.c" is ambiguous`,
			`{"id":"u1","p":{"c":"no"},"p":{}` + at:          `action: column "p.c" is ambiguous`,
			`{"id":"u1","p":{"c":"no"},"p":null` + at:        `action: column "p.c" is ambiguous`,
			`{"id":"u1","p":{"c":"no"},"p":{"d":1}` + at:     `action: column "p.c" is ambiguous`,
			`{"id":"u1","p":{"c":"no","x":1,"x":2}` + at:     "reject",
		}},
		"a rule": {"skip: ['test == \"true\"', 'any(l, .a == \"x\")']\nconsent:\n  userId: id\n", "choice", map[string]string{
			`{"id":"u1","choice":"yes","l":[],"test":"true","test":"false"` + at:  `column "test" is ambiguous`,
			`{"id":"u1","choice":"yes","l":[{"a":"x","a":"y"}],"test":false` + at: `column "l" is ambiguous`,
			`{"id":"u1","choice":"yes","l":[{"a":"y"}],"test":false` + at:         "accept",
		}},
		"a template": {"consent:\n  userId: {template: \"shop:{id}\"}\n", "choice", map[string]string{
			`{"id":"u1","id":"u2","choice":"yes"` + at: `userId: column "id" is ambiguous`,
			`{"id":"u1","choice":"yes"` + at:           "accept",
		}},
		"an element": {"each: {array: l}\nconsent:\n  userId: id\n", "each.v", map[string]string{
			`{"id":"u1","l":[{"v":"no","v":"yes"}]` + at:   `action: column "each.v" is ambiguous`,
			`{"id":"u1","l":[{"v":"no"}],"l":[]` + at:      `column "l" is ambiguous`,
			`{"id":"u1","l":[{"v":"no","x":1,"x":2}]` + at: "reject",
		}},
		"the value of an element": {"each: {array: l}\nconsent:\n  userId: id\n", "each.value", map[string]string{
			`{"id":"u1","l":[{"value":"no","value":"yes"}]` + at: `column "l" has an element in which a name stands twice`,
			`{"id":"u1","l":[{"value":"no","x":1,"x":2}]` + at:   "reject",
		}},
		"lists inside of lists": {"each: {array: \"l[].m\"}\nconsent:\n  userId: id\n", "each.v", map[string]string{
			`{"id":"u1","l":[{"m":[{"v":"no"}],"m":[]}]` + at: `column "l" has an element in which a name stands twice`,
			`{"id":"u1","l":[{"m":[{"v":"no"}]}]` + at:        "reject",
		}},
		"a map of maps": {"each: {object: \"p.*.q\"}\nconsent:\n  userId: id\n  category: each.key\n", "each.value", map[string]string{
			`{"id":"u1","p":{"de":{"q":{"news":"no"},"q":{}}}` + at:                    `column "p" has an element in which a name stands twice`,
			`{"id":"u1","p":{"de":{"q":{"news":"no"}},"de":{"q":{"news":"yes"}}}` + at: `column "p" lists a category twice`,
			`{"id":"u1","p":{"de":{"q":{"news":"no"}}}` + at:                           "reject",
		}},
		"a JSON text": {"input: {format: jsonl, json: [p]}\nconsent:\n  userId: id\n", "p.c", map[string]string{
			`{"id":"u1","p":"{\"c\":\"no\",\"c\":\"yes\"}"` + at: `column "p" is ambiguous`,
			`{"id":"u1","p":"{\"c\":\"no\"}"` + at:               "reject",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := tt.mapping + rest
			spec, err := Parse("m.yaml", []byte(strings.Replace(text, "ACTION", tt.action, 1)), nil)
			require.NoError(t, err)
			m, err := spec.Bind(Layout{JSON: true})
			require.NoError(t, err)
			for range 2 { // whatever came before
				for row, want := range tt.rows {
					var out Result
					m.Map(&Record{Row: 1, JSON: []byte(row)}, &out)
					if want == "accept" || want == "reject" {
						if assert.Equal(t, Mapped, out.Status, "%s: %s", row, out.Reason) && assert.Len(t, out.Consents, 1, row) {
							assert.Equal(t, want, out.Consents[0].Action.String(), row)
						}
						continue
					}
					assert.Equal(t, Invalid, out.Status, row)
					assert.Contains(t, out.Reason, want, row)
					alone, err := spec.Bind(Layout{JSON: true}) // where no other row has the name
					require.NoError(t, err)
					alone.Map(&Record{Row: 1, JSON: []byte(row)}, &out)
					assert.NoError(t, alone.Unread(), row)
				}
			}
		})
	}
}

package journal_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
)

func TestVerifyFindsOutcomesTooMany(t *testing.T) {
	held := func(row int64) journal.Outcome {
		return journal.Outcome{Ref: ref(row, 1), State: journal.Superseded, By: ref(99, 1)}
	}
	for _, c := range []struct {
		name        string
		first, then []journal.Outcome // outcomes of two passes; nil then: a single pass
		markAfter   int               // a mark whose low row is 3 stands behind so many of first
		want        []journal.Overlap
	}{
		{name: "none", first: []journal.Outcome{sent(1, 1, false), sent(1, 2, true), refused(2, 1, "")}, then: []journal.Outcome{sent(2, 1, true)}},
		{name: "refused in both", first: []journal.Outcome{refused(2, 1, "")}, then: []journal.Outcome{refused(2, 1, "")}},
		{name: "sent twice", first: []journal.Outcome{sent(1, 1, true), sent(2, 1, true), sent(1, 1, true)},
			want: []journal.Overlap{{Ref: ref(1, 1), Pass: 1, Also: 1}}},
		{name: "sent and refused", first: []journal.Outcome{sent(1, 1, true), refused(1, 1, "")},
			want: []journal.Overlap{{Ref: ref(1, 1), Pass: 1, Also: 1}}},
		{name: "refused twice", first: []journal.Outcome{refused(1, 1, ""), refused(1, 1, "")},
			want: []journal.Overlap{{Ref: ref(1, 1), Pass: 1, Also: 1}}},
		{name: "sent again", first: []journal.Outcome{sent(1, 1, true), sent(2, 1, true)}, then: []journal.Outcome{sent(2, 1, true)},
			want: []journal.Overlap{{Ref: ref(2, 1), Pass: 2, Also: 1}}},
		{name: "refused after it was sent", first: []journal.Outcome{sent(2, 1, true)}, then: []journal.Outcome{refused(2, 1, "")},
			want: []journal.Overlap{{Ref: ref(2, 1), Pass: 2, Also: 1}}},
		{name: "sent after it was superseded", first: []journal.Outcome{held(2)}, then: []journal.Outcome{sent(2, 1, true)},
			want: []journal.Overlap{{Ref: ref(2, 1), Pass: 2, Also: 1}}},
		{name: "late", first: []journal.Outcome{sent(1, 1, true), sent(4, 1, true), sent(2, 1, true)}, markAfter: 2,
			want: []journal.Overlap{{Ref: ref(2, 1), Pass: 1, Also: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			w := begin(t, dir)
			for i, o := range c.first {
				require.NoError(t, w.Append(o))
				if i+1 == c.markAfter {
					require.NoError(t, w.Mark(mark(3, 9)))
				}
			}
			if c.then != nil {
				require.NoError(t, w.Pass(journal.Pass{N: 2, Kind: journal.Retry}))
				require.NoError(t, w.Run(journal.Run{N: 2, Pass: 2, At: moment}))
				for _, o := range c.then {
					require.NoError(t, w.Append(o))
				}
			}
			require.NoError(t, w.Close())
			v, err := journal.Verify(journal.OS{}, dir)
			require.NoError(t, err)
			assert.Equal(t, c.want, v.Examples)
			assert.EqualValues(t, len(c.want), v.Overlaps)
			for _, o := range v.Examples {
				assert.Contains(t, o.String(), o.Ref.String())
			}
		})
	}
}

// A run of consents in a later pass that begins before one that was sent
// already.
func TestVerifyFindsRunsThatCross(t *testing.T) {
	text := sample(t)
	first := text[:bytes.IndexByte(text, '\n')+1]
	for _, body := range []string{
		`{"pass":{"n":1}`, `{"run":{"n":1,"pass":1}`, `{"sent":"2.1-2.2 7.1-9.1","n":6`,
		`{"pass":{"n":2}`, `{"run":{"n":2,"pass":2}`, `{"sent":"1.1-3.1 4.1-6.2","n":8`, `{"sent":"8.2","n":1`,
	} {
		first = append(first, body+`,"crc":"00000000"}`+"\n"...)
	}
	v, err := journal.Verify(journal.OS{}, put(t, recheck(first)))
	require.NoError(t, err)
	assert.Equal(t, []journal.Overlap{{Ref: ref(2, 1), Pass: 1, Also: 2}, {Ref: ref(8, 2), Pass: 2, Also: 1}}, v.Examples)
	assert.Equal(t, "consent 2.1 was final in pass 1 and has an outcome in pass 2", v.Examples[0].String())
}

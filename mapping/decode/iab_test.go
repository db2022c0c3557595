package decode

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vectors reads a file of testdata, one JSON value a line, and fails when
// there are fewer than at least.
func vectors[T any](t testing.TB, name string, atLeast int) []T {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	require.NoError(t, err)
	defer f.Close()
	var all []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		require.NoError(t, json.Unmarshal(lines.Bytes(), &v))
		all = append(all, v)
	}
	require.NoError(t, lines.Err())
	require.GreaterOrEqual(t, len(all), atLeast)
	return all
}

type tcfVector struct {
	String   string
	Created  int64
	Updated  int64
	Consents []int
}

type gppVector struct {
	String   string
	Created  int64
	Elements [][2]string
}

func TestTCFAgainstAnIndependentEncoder(t *testing.T) {
	decode, _ := Lookup("tcf")
	var cell Cell
	for _, v := range vectors[tcfVector](t, "tcf.jsonl", 40) {
		require.NoError(t, decode([]byte(v.String), &cell), v.String)
		want := make([]string, 24)
		for i := range want {
			want[i] = strconv.Itoa(i+1) + "=false"
		}
		for _, p := range v.Consents {
			want[p-1] = strconv.Itoa(p) + "=true"
		}
		assert.Equal(t, want, said(&cell), v.String)
		assert.Equal(t, v.Created, cell.Created, v.String)
		assert.Equal(t, v.Updated, cell.Updated, v.String)
	}
}

// A string that was cut off anywhere in its core gives a reason. The last
// characters may be padding, and then nothing is missing.
func TestTCFCutOff(t *testing.T) {
	decode, _ := Lookup("tcf")
	var whole, cell Cell
	for _, v := range vectors[tcfVector](t, "tcf.jsonl", 40) {
		require.NoError(t, decode([]byte(v.String), &whole))
		first, _, _ := strings.Cut(v.String, ".")
		core := len(first)
		for n := 1; n < core; n++ {
			if err := decode([]byte(v.String[:n]), &cell); err == nil {
				require.LessOrEqual(t, core-n, 3, "%s cut to %d", v.String, n)
				require.Empty(t, strings.Trim(v.String[n:core], "A"), "%s cut to %d", v.String, n)
				require.Equal(t, said(&whole), said(&cell))
			} else {
				require.Empty(t, cell.Elements)
			}
		}
	}
}

func TestTCF(t *testing.T) {
	run(t, "tcf", []example{
		{name: "version 1", text: "BOvKJ8uOvKJ8uABABAENCZAAAAAp2AAA", err: errTCFVersion1},
		{name: "other words", text: "hello", err: errTCFVersion},
		{name: "no base64url", text: "CPXxRfAPXxRfAAfKABENB CgAAAAAAAAAAYgAAAAAAAA", err: errBase64},
		{name: "cut", text: "CPXxRfAPXxRfAAfKAB", err: errTruncated},
		{name: "cut inside the vendors", text: "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYg", err: errTruncated},
		{name: "created in 1970", text: "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", err: errTCFTime},
		{
			name: "the example of the GPP specification, as a cookie with padding",
			text: "euconsent-v2=CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA%3D%3D",
			want: []string{"1=false", "2=false", "3=false", "4=false", "5=false", "6=false", "7=false", "8=false",
				"9=false", "10=false", "11=false", "12=false", "13=false", "14=false", "15=false", "16=false",
				"17=false", "18=false", "19=false", "20=false", "21=false", "22=false", "23=false", "24=false"},
			created: 1650492000000,
		},
	})
}

func TestGPPAgainstAnIndependentEncoder(t *testing.T) {
	decode, _ := Lookup("gpp")
	var cell Cell
	undecided := 0
	for _, v := range vectors[gppVector](t, "gpp.jsonl", 40) {
		require.NoError(t, decode([]byte(v.String), &cell), v.String)
		var want []string
		for _, e := range v.Elements {
			want = append(want, e[0]+"="+e[1])
		}
		assert.Equal(t, want, said(&cell), v.String)
		assert.Equal(t, v.Created, cell.Created, v.String)
		if want == nil {
			undecided++
			assert.NotEmpty(t, cell.Undecided, v.String)
		}
	}
	assert.Positive(t, undecided, "no vector without an opt-out that applies")
}

func TestGPP(t *testing.T) {
	run(t, "gpp", []example{
		{name: "US privacy", text: "gpp=DBABT~1YYN", want: []string{"uspv1.OptOutSale=opted-out"}},
		{name: "US privacy that does not apply", text: "DBABT~1---", undecided: "no opt-out applies"},
		{name: "sections 34 and 68", text: "DBACAMAw~1YNN~1YNN", err: errGPPHeader},
		{name: "a section 89", text: "DBABAD~1YNN", err: errGPPHeader},
		{name: "US privacy and EU, of the specification", text: "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", last: "uspv1.OptOutSale=not-opted-out", created: 1650492000000},
		{name: "Canada alone is not read", text: "DBABD~BPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", err: errGPPNone},
		{name: "no section", text: "DBAA", err: errGPPHeader},
		{name: "a section is missing", text: "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", err: errGPPSections},
		{name: "one too many", text: "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", err: errGPPSections},
		{name: "another type", text: "CBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", err: errGPPHeader},
		{name: "four thousand items", text: "DB__________________________________~1YNN", err: errGPPHeader},
		{name: "ids without end", text: "DBABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA~1YNN", err: errGPPHeader},
		{name: "other words", text: "never", err: errGPPHeader},
		{name: "a section cut off", text: "DBABLA~BVQqAAA", err: errTruncated},
		{name: "an opt-out of 3", text: "DBABLA~BVVwAAAAAA.QA", err: errGPPField},
	})
}

func TestUSP(t *testing.T) {
	run(t, "usp", []example{
		{name: "not opted out", text: "1YNN", want: []string{"sale=not-opted-out"}},
		{name: "opted out", text: "1YYN", want: []string{"sale=opted-out"}},
		{name: "a cookie, lower case", text: "usprivacy=1nyn", want: []string{"sale=opted-out"}},
		{name: "in quotes", text: `"1YYY"`, want: []string{"sale=opted-out"}},
		{name: "not applicable", text: "1---", undecided: "does not apply"},
		{name: "another version", text: "2YNN", err: errUSP},
		{name: "cut", text: "1YN", err: errUSP},
		{name: "junk", text: "1ABC", err: errUSP},
		{name: "too long", text: "1YNNN", err: errUSP},
	})
}

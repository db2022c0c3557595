package journal

import (
	"bytes"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source"
)

// bodies are the bodies of the lines of a small checkpoint.
var bodies = []string{
	`{"header":{"version":1,"tool":"1.0.0","id":"c0ffee","started":"2026-05-04T10:00:00Z","inputs":null,"shard":"1/1","history":"rows"}`,
	`{"pass":{"n":1,"kind":"import","mapping":{"name":"m","sha256":"ab","file":"mapping-ab.yaml","units":{"ts":"ms"}}}`,
	`{"run":{"n":1,"at":"2026-05-04T10:00:00Z","tool":"1.0.0","pass":1,"from":1}`,
	`{"mark":{"at":"2026-05-04T10:00:01Z","low":{"member":0,"offset":0,"line":1,"row":1},"high":9,"read":{"input":0,"bytes":0,"sum":""},"http":{"requests":1,"retries":0,"byStatus":{"200":1}}}`,
	`{"mark":{"at":"2026-05-04T10:00:01.5Z","low":{"member":0,"offset":70,"line":3,"row":2},"high":9,"read":{"input":1,"bytes":90,"sum":"0ab9","open":true},"http":{"requests":1,"retries":0,"byStatus":{"0":2,"200":1},"latency":"HISTFAAAAB4","throttledSeconds":1.5}}`,
	`{"mark":{"at":"2026-05-04T10:00:02Z","low":{"member":0,"offset":70,"line":3,"row":2},"high":9,"read":{"input":1,"bytes":90,"sum":"0ab9","open":true},"http":{"requests":1,"retries":0,"byStatus":{"0":2,"200":1},"throttledSeconds":1.5}}`,
	`{"sent":"1.1-3.2 5.1 9.2-9.3","n":7`,
	`{"fail":{"ref":"4.1","state":"refused","status":400,"attempts":1,"message":"unknown \"x\\y\" \u001f é"}`,
	`{"fail":{"ref":"4.2","state":"failed","status":0,"attempts":8,"message":""}`,
	`{"held":{"ref":"6.1","by":"9.2"}`,
	`{"begun":"6.1 9.2","n":2`,
	`{"known":"7.1-8.2 9.1","n":4`,
	`{"held":{"ref":"9.2","by":"9.2","in":3}`,
	`{"day":{"at":"2026-05-04T10:00:01Z","from":"2026-05-04T00:00:00+02:00","until":"2026-05-05T00:00:00+02:00","used":20}`,
	`{"end":{"at":"2026-05-04T10:00:02Z","state":"complete","why":""}`,
}

// Marks as they are written are read the quick way, but for those with latencies: one in
// another form costs time and is read as well, so that nothing else would tell.
func TestMarksAreReadTheQuickWay(t *testing.T) {
	m := Mark{
		At: time.Date(2026, 5, 4, 10, 0, 1, 5e8, time.UTC), Low: source.Position{Member: 1, Offset: 70, Line: 3, Row: 2}, High: 9,
		Read: source.Mark{Input: 1, Bytes: 90, Sum: "0ab9", Open: true},
		HTTP: HTTP{Requests: 7, Retries: 2, ByStatus: map[string]int64{"0": 2, "200": 5}, Throttled: 1.5},
	}
	quick := func(m Mark) bool {
		body, err := appendJSON(nil, kindMark, m)
		require.NoError(t, err)
		_, rest, _ := cutKind(body)
		r := new(record)
		return r.decodeMark(rest) && assert.ObjectsAreEqual(m, r.mark)
	}
	require.True(t, quick(m))
	require.True(t, quick(Mark{At: m.At}))
	m.HTTP.Latency = "HISTFAAAAB4"
	require.False(t, quick(m))
}

// encode writes a record again.
func (r *record) encode() ([]byte, error) {
	switch r.kind {
	case kindSent, kindKnown, kindBegun:
		return appendSent(nil, r.kind, r.spans, r.n), nil
	case kindFail:
		return appendFail(nil, &r.outcome), nil
	case kindHeld:
		return appendHeld(nil, &r.outcome), nil
	case kindHeader:
		return appendJSON(nil, r.kind, r.header)
	case kindPass:
		return appendJSON(nil, r.kind, r.pass)
	case kindRun:
		return appendJSON(nil, r.kind, r.run)
	case kindMark:
		return appendJSON(nil, r.kind, r.mark)
	case kindEnd:
		return appendJSON(nil, r.kind, r.end)
	case kindOrder:
		return appendJSON(nil, kindOrder, r.order)
	case kindDay:
		return appendJSON(nil, kindDay, r.day)
	case kindPurge:
		return appendJSON(nil, kindPurge, r.purge)
	default:
		return appendJSON(nil, kindSeal, r.seal)
	}
}

// What decodes encodes to the same bytes: the frequent kinds always, the others,
// which are JSON of any writing, once they were encoded here.
func FuzzRecord(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b))
	}
	for _, b := range []string{
		`{"sent":"","n":0`, `{"sent":"1.1","n":0`, `{"sent":"01.1","n":1`, `{"sent":"1.0","n":1`, `{"sent":"2.1 1.1","n":2`,
		`{"sent":"1.1-1.1","n":1`, `{"sent":"9223372036854775807.2147483647","n":9223372036854775807`, `{"sent":"9223372036854775808.1","n":1`,
		`{"sent":"1.1 ","n":1`, `{"sent":"1.1","n":1}`, `{"fail":{"ref":"1.1","state":"sent","status":0,"attempts":1,"message":""}`,
		`{"fail":{"ref":"1.1","state":"failed","status":0,"attempts":1,"message":"\u0041"}`, `{"held":{"ref":"1.1","by":"0.0"}`, `{"held":{"ref":"1.1","by":"2.1","in":0}`, `{"held":{"ref":"1.1","by":"2.1","in":65536}`, `{"known":"1.1 1.1","n":2`,
		`{"mark":{"at":"2026-05-04T10:00:02+02:00","low":{"member":0,"offset":70,"line":3,"row":-2},"high":9,"read":{"input":1,"bytes":90,"sum":"0AB9"},"http":{"requests":1,"retries":0,"byStatus":{},"throttledSeconds":1e3}}`,
		`{"seal":{"at":"2026-05-04T10:00:02Z","bytes":12,"sha256":"00"}`, `{"`, `{"":`, ``,
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r record
		if r.decode(body) != nil {
			return
		}
		if _, rest, _ := cutKind(body); r.kind == kindMark { // the quick way reads what the slow one does
			var slow Mark
			require.NoError(t, decodeJSON(rest, &slow))
			require.Equal(t, slow, r.mark)
		}
		again, err := r.encode()
		if r.kind == kindSent || r.kind == kindKnown || r.kind == kindBegun || r.kind == kindFail || r.kind == kindHeld {
			require.NoError(t, err)
			require.Equal(t, string(body), string(again))
		}
		if err != nil {
			return // a time that JSON cannot write, out of a text that it can read
		}
		var r2 record
		require.NoError(t, r2.decode(again))
		third, err := r2.encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(third))
		if r2.kind == kindMark { // and whoever wants its rows alone gets these
			r3 := record{rowsOnly: true}
			require.NoError(t, r3.decode(again))
			require.Equal(t, Mark{Low: source.Position{Row: r2.mark.Low.Row}, High: r2.mark.High}, Mark{Low: source.Position{Row: r3.mark.Low.Row}, High: r3.mark.High})
			if r2.mark.High >= 0 && r2.mark.Low.Row >= 0 {
				require.Zero(t, r3.mark.HTTP.ByStatus, "nothing else is read")
			}
		}
	})
}

// unsynced is a Disk that is quick.
type unsynced struct{ OS }

func (d unsynced) Append(path string) (File, error) {
	f, err := d.OS.Append(path)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ File }

func (unsyncedFile) Sync() error { return nil }

// Whatever stands in a file, with checks that fit or not, it is read or refused;
// and what is read by one is read by all.
func FuzzFile(f *testing.F) {
	f.Add([]byte(""), false)
	f.Add([]byte("\n"), false)
	f.Add([]byte(bodies[0]+`,"crc":"00000000"}`), false)
	all := ""
	for _, b := range bodies {
		all += b + "\n"
		f.Add([]byte(all), true)
	}
	f.Add([]byte(all+`{"pass":{"n":2}`+"\n"+`{"run":{"n":2,"pass":2}`+"\n"+bodies[4]+"\n"+bodies[5]+"\n"), true)
	f.Fuzz(func(t *testing.T, text []byte, check bool) {
		if check {
			text = checked(text)
		}
		path := filepath.Join(t.TempDir(), Name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		dir := filepath.Dir(path)
		s, err := Read(OS{}, dir)
		w, _, errOpen := Open(unsynced{}, dir)
		require.Equal(t, err == nil, errOpen == nil, "%v, %v", err, errOpen)
		if err != nil {
			return
		}
		require.NoError(t, w.Close())
		_, err = Verify(OS{}, dir)
		require.NoError(t, err)
		l, err := s.Outcomes(0)
		require.NoError(t, err)
		defer l.Close()
		for row := range int64(12) {
			_, err := l.Of(row+1, 3, nil)
			require.NoError(t, err)
		}
	})
}

// checked makes lines of bodies.
func checked(text []byte) (lines []byte) {
	var check uint32
	for body := range bytes.Lines(text) {
		body = bytes.TrimSuffix(body, []byte("\n"))
		check = crc32.Update(check, crc32.MakeTable(crc32.Castagnoli), body)
		lines = appendCheck(append(lines, body...), check)
	}
	return lines
}

func TestRefs(t *testing.T) {
	for _, s := range []string{"1.1", "523.2", "9223372036854775807.2147483647"} {
		r, size := cutRef([]byte(s))
		require.Equal(t, len(s), size, s)
		require.Equal(t, s, r.String())
	}
	for _, s := range []string{"", "1", "1.", ".1", "0.1", "1.0", "01.1", "1.01", "+1.1", "-1.1", "1.1 ", " 1.1", "1.-1", "1.2147483648", "9223372036854775808.1", "1,1"} {
		_, size := cutRef([]byte(s))
		require.False(t, size == len(s) && size > 0, "%q", s)
	}
}

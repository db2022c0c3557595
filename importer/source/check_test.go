package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plainDigest is the digest of a Mark as its documentation has it.
func plainDigest(inputs [][]byte) string {
	var sums []byte
	for _, data := range inputs {
		for len(data) > 0 {
			n := min(len(data), chunkSize)
			sum := sha256.Sum256(data[:n])
			sums = append(sums, sum[:]...)
			data = data[n:]
		}
	}
	sum := sha256.Sum256(sums)
	return hex.EncodeToString(sum[:])
}

// TestDigest proves that the digest is what Mark says, whatever the pieces in
// which the bytes came, and from wherever it went on.
func TestDigest(t *testing.T) {
	t.Parallel()
	data := make([]byte, chunkSize+10)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	rapid.Check(t, func(t *rapid.T) {
		var inputs [][]byte
		d := newDigest()
		for i := range rapid.IntRange(1, 3).Draw(t, "inputs") {
			in := data[:rapid.OneOf(rapid.IntRange(1, 1000), rapid.SampledFrom([]int{chunkSize, chunkSize - 1, chunkSize + 1})).Draw(t, "size")]
			inputs = append(inputs, in)
			for at := 0; at < len(in); {
				n := min(len(in)-at, rapid.IntRange(1, chunkSize+5).Draw(t, "piece"))
				back := min(at, rapid.IntRange(0, 3).Draw(t, "again")) // what was written before is passed over
				d.write(i, int64(at-back), in[at-back:at+n])
				at += n
				if rapid.Bool().Draw(t, "clone") {
					d = d.clone()
				}
			}
		}
		m := d.mark()
		require.Equal(t, plainDigest(inputs), m.Sum)
		require.Equal(t, len(inputs)-1, m.Input)
		require.EqualValues(t, len(inputs[m.Input]), m.Bytes)
	})
}

// TestCheck reads an export, changes its files, and checks the mark again.
func TestCheck(t *testing.T) {
	t.Parallel()
	first := bytes.Repeat([]byte("id,mail\n1,"+strings.Repeat("x", 500)+"\n"), 9_000)
	last := []byte("id,mail\n2,x\n3,y")
	type files struct{ first, last []byte }
	for _, c := range []struct {
		name   string
		pack   func(testing.TB, []byte) []byte
		change func(f *files)
		how    string // empty: no change
		path   int
	}{
		{name: "unchanged", change: func(*files) {}},
		{name: "a line end was added", change: func(f *files) { f.last = append(f.last, "\n4,z\n"...) }},
		{name: "a CRLF was added", change: func(f *files) { f.last = append(f.last, "\r\n4,z\r\n"...) }},
		{name: "the last row was continued", change: func(f *files) { f.last = append(f.last, "z\n"...) }, how: "its last row had no line end and was continued", path: 1},
		{name: "shorter", change: func(f *files) { f.last = f.last[:10] }, how: "is shorter than before", path: 1},
		{name: "a byte of the last", change: func(f *files) { f.last[9] ^= 1 }, how: "the first 15 bytes and the files before them", path: 1},
		{name: "a byte of the first", change: func(f *files) { f.first[4_500_000] ^= 1 }, how: "a file before it has changed", path: 1},
		{name: "the first has grown", change: func(f *files) { f.first = append(f.first, "9,x\n"...) }, how: "a file before it has changed", path: 1},
		{name: "unchanged archive", pack: func(t testing.TB, data []byte) []byte { return zipOf(t, "a.csv", data) }, change: func(*files) {}},
		{name: "archive has grown", pack: func(t testing.TB, data []byte) []byte { return zipOf(t, "a.csv", data) },
			change: func(f *files) { f.last = append(f.last, "more"...) }, how: "is an archive that has grown", path: 1},
		{name: "gzip with another member after an open row", pack: gz, change: func(f *files) { f.last = append(f.last, f.last...) }, how: "its last row had no line end and was continued", path: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{bytes.Clone(first), bytes.Clone(last)}
			if c.pack != nil {
				f.last = c.pack(t, f.last)
			}
			paths := write(t, f.first, f.last)
			e := open(t, Config{Paths: paths}, blockSize, batchRows)
			batches, err := readAll(t, e, e.Start(), ReadOptions{})
			require.NoError(t, err)
			m := batches[len(batches)-1].Mark
			require.True(t, m.Open)
			require.Equal(t, plainDigest([][]byte{f.first, f.last}), m.Sum)

			c.change(&f)
			require.NoError(t, os.WriteFile(paths[0], f.first, 0o600))
			require.NoError(t, os.WriteFile(paths[1], f.last, 0o600))
			e, err = Open(Config{Paths: paths})
			require.NoError(t, err)
			defer e.Close()
			err = e.Check(m)
			if c.how == "" {
				require.NoError(t, err)
				return
			}
			var changed *ChangedError
			require.True(t, errors.As(err, &changed), "%v", err)
			assert.Contains(t, changed.How, c.how)
			assert.Equal(t, paths[c.path], changed.Path)
			_, err = e.Read(e.Start(), ReadOptions{Seed: &m})
			assert.ErrorContains(t, err, "has not been checked")
		})
	}
}

// TestSeed proves that reading on from a mark does not read what lies before it
// again, and comes to the same marks.
func TestSeed(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("id,mail,note\n1,someone@mail.example,"+strings.Repeat("x", 500)+"\n"), 16_000)
	paths := write(t, data, data[:1000])
	e := open(t, Config{Paths: paths}, blockSize, batchRows)
	batches, err := readAll(t, e, e.Start(), ReadOptions{Sums: true})
	require.NoError(t, err)
	marks := map[int64]string{}
	for _, b := range batches {
		marks[int64(b.Mark.Input)<<40|b.Mark.Bytes] = b.Mark.Sum
	}
	middle := batches[len(batches)/2]
	require.NoError(t, e.Check(middle.Mark))
	from := batches[len(batches)/2-15].Next
	rest, err := readAll(t, e, from, ReadOptions{Seed: &middle.Mark})
	require.NoError(t, err)
	for i, b := range rest {
		if want, ok := marks[int64(b.Mark.Input)<<40|b.Mark.Bytes]; ok {
			require.Equal(t, want, b.Mark.Sum)
		} else if i%8 == 0 {
			require.NoError(t, e.Check(b.Mark))
		}
	}
	require.Equal(t, middle.Mark, rest[0].Mark)
	require.Equal(t, batches[len(batches)-1].Mark.Sum, rest[len(rest)-1].Mark.Sum)
	assert.Greater(t, rest[0].Read, from.Offset)

	without, err := readAll(t, e, from, ReadOptions{NoMarks: true})
	require.NoError(t, err)
	assert.Zero(t, without[0].Mark.Sum)
}

func TestSumsAndHeads(t *testing.T) {
	t.Parallel()
	big := []byte("{\"a\":1}\n" + strings.Repeat("{\"id\":\""+strings.Repeat("x", 500)+"\"}\n", 9_000))
	for _, c := range [][]byte{[]byte("{\"id\":1}"), big, gz(t, big), zipOf(t, "a.jsonl", big)} {
		paths := write(t, c)
		e := open(t, Config{Paths: paths}, blockSize, batchRows)
		want := sha256.Sum256(c)
		sum, err := Sum(t.Context(), paths[0])
		require.NoError(t, err)
		assert.Equal(t, hex.EncodeToString(want[:]), sum)

		r, err := e.Read(Position{Line: 1, Row: 1, Offset: int64(min(8, len(c)))}, ReadOptions{Sums: true})
		require.NoError(t, err)
		_, ok := r.Sums()
		assert.False(t, ok, "not all is read yet")
		for err == nil {
			_, err = r.Next()
		}
		require.Equal(t, io.EOF, err)
		sums, ok := r.Sums()
		assert.True(t, ok)
		assert.Equal(t, []string{sum}, sums)
		require.NoError(t, r.Close())

		head, n, err := e.Head(0)
		require.NoError(t, err)
		assert.EqualValues(t, min(len(c), 4<<20), n)
		require.NoError(t, CheckHead(paths[0], head, n))
		changed := bytes.Clone(c)
		changed[n/2] ^= 1
		require.NoError(t, os.WriteFile(paths[0], changed, 0o600))
		assert.ErrorContains(t, CheckHead(paths[0], head, n), "differs within its first")
		require.NoError(t, os.WriteFile(paths[0], c[:n-1], 0o600))
		assert.ErrorContains(t, CheckHead(paths[0], head, n), "is shorter than before")
	}
}

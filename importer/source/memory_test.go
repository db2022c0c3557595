package source

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMemoryIsUsedAgain reads texts of every grammar, lets go of batches in any
// order while others are kept, and proves that the rows of a batch stay what they
// are until its own memory is given back.
func TestMemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	var long strings.Builder // rows that lie in one block, in several, and before a block's headroom
	long.WriteString("a,b\n")
	for i := range 48 {
		fmt.Fprintf(&long, "%d,%s\n", i, strings.Repeat(fmt.Sprint(i%10), i*i*i/20))
	}
	for _, s := range append([]sample{{name: "long rows", text: long.String()}}, samples...) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.config.Paths = write(t, []byte(s.text))
			whole, err := readAll(t, open(t, s.config, 1<<20, batchRows), Position{}, ReadOptions{NoMarks: true})
			require.NoError(t, err)
			want := rowsOf(whole)
			for _, block := range []int{1 + len(s.text)/200, 17 + len(s.text)/1000, 1 << 10} {
				for most := range 4 {
					giveBack(t, open(t, s.config, block, 1+block/8), want, most)
				}
			}
		})
	}
}

// giveBack reads an export of which it keeps some batches at most.
func giveBack(t *testing.T, e *Export, want []Row, most int) {
	rng := rand.New(rand.NewPCG(1, uint64(most)))
	r, err := e.Read(e.Start(), ReadOptions{NoMarks: true})
	require.NoError(t, err)
	defer r.Close()
	var kept []*Batch
	lies := map[*memory]bool{} // nil: in none
	blocks := 0
	letGo := func() {
		i := rng.IntN(len(kept))
		for k, row := range kept[i].Rows {
			w := want[row.Number-1]
			require.True(t, bytes.Equal(w.Raw, row.Raw), "row %d, %d batches kept", row.Number, most)
			w.Raw, row.Raw = nil, nil
			require.Equal(t, w, row, "row %d of its batch", k)
		}
		kept[i].Release()
		kept[i] = kept[len(kept)-1]
		kept = kept[:len(kept)-1]
	}
	n := 0
	for {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		n += len(b.Rows)
		blocks++
		lies[b.memory] = true
		kept = append(kept, b)
		for len(kept) > most {
			letGo()
		}
	}
	for len(kept) > 0 {
		letGo()
	}
	require.Len(t, want, n)
	if blocks > 200 { // else it may be that each lay in a block of its own
		require.Less(t, len(lies), blocks/2, "memory is not used again")
	}
}

// TestReleaseTwice proves that a batch which is given back twice by mistake costs
// nothing: above all no rows.
func TestReleaseTwice(t *testing.T) {
	t.Parallel()
	e := open(t, Config{Columns: []string{"a", "b"}, Paths: write(t, bytes.Repeat([]byte("1,2\n"), 5000))}, 100, 7)
	r, err := e.Read(e.Start(), ReadOptions{})
	require.NoError(t, err)
	defer r.Close()
	n := 0
	for {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		n += len(b.Rows)
		b.Release()
		b.Release()
	}
	require.Equal(t, 5000, n)
}

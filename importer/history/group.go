package history

import (
	"errors"
	"fmt"
	"io"

	"github.com/consentimport/consentimport/importer/extsort"
)

// group is the decisions about one key, in the order of its history, to be read in
// any order: the first ones in memory, the rest of a very long one in a file.
type group struct {
	temp   func() (extsort.File, error)
	memory []byte
	n      int64
	limit  int // decisions in memory
	file   extsort.File
	used   bool // the file holds the rest of this group
	page   []byte
	first  int64 // decision that page begins with
	paged  int64 // decisions in page
	err    error // the first of the file
}

// groupMemory is how many decisions of one key stay in memory: 1.75 MiB.
const groupMemory = 1 << 15

// pageSize is how many are read from the file at a time.
func (g *group) pageSize() int64 { return min(int64(g.limit), 1<<10) }

func (g *group) reset() { g.memory, g.n, g.used, g.paged = g.memory[:0], 0, false, 0 }

func (g *group) add(rec []byte) error {
	if g.n < int64(g.limit) {
		g.memory = append(g.memory, rec...)
		g.n++
		return nil
	}
	if g.file == nil {
		f, err := g.temp()
		if err != nil {
			return fmt.Errorf("keep a long history: %w", err)
		}
		g.file = f
	}
	if !g.used {
		if _, err := g.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("keep a long history: %w", err)
		}
		g.used, g.page = true, g.page[:0]
	}
	g.page = append(g.page, rec...)
	g.n++
	if int64(len(g.page)) == g.pageSize()*recordSize {
		return g.flush()
	}
	return nil
}

func (g *group) flush() error {
	n, err := g.file.Write(g.page)
	if err == nil && n < len(g.page) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("keep a long history: %w", err)
	}
	g.page = g.page[:0]
	return nil
}

// done ends the adding.
func (g *group) done() error {
	if !g.used {
		return nil
	}
	return g.flush()
}

// at decodes decision i. After an error, which err keeps, it gives nonsense.
func (g *group) at(i int64, e *entry) {
	if i < int64(g.limit) {
		e.decode(g.memory[i*recordSize:])
		return
	}
	if i < g.first || i >= g.first+g.paged {
		g.load(i)
	}
	if g.err == nil {
		e.decode(g.page[(i-g.first)*recordSize:])
	}
}

// load reads the page that holds decision i.
func (g *group) load(i int64) {
	size := g.pageSize()
	page := (i - int64(g.limit)) / size
	g.first = int64(g.limit) + page*size
	g.paged = min(size, g.n-g.first)
	g.page = g.page[:0]
	for int64(len(g.page)) < g.paged*recordSize {
		g.page = append(g.page, make([]byte, recordSize)...)
	}
	_, err := g.file.Seek(page*size*recordSize, io.SeekStart)
	if err == nil {
		_, err = io.ReadFull(g.file, g.page)
	}
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("read a long history: %w", err)
	}
}

func (g *group) close() error {
	if g.file == nil {
		return nil
	}
	return errors.Join(g.err, g.file.Close())
}

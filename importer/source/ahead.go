package source

import (
	"crypto/sha256"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// Ahead digests files on all processors before anybody knows which of their bytes are to be
// checked: while a checkpoint is read that says it. What it could not read, or what is another
// file than the export has open by then, Export.Check digests itself. A nil *Ahead has nothing.
type Ahead struct {
	chunks  []aheadChunk
	first   []int        // of each file, its first chunk
	next    atomic.Int64 // chunk
	upTo    atomic.Int64 // behind the last chunk that is wanted
	working sync.WaitGroup
}

// aheadChunk is a whole chunk of a file; what a file ends with is left to Export.Check.
type aheadChunk struct {
	path string
	at   int64 // in the file
	info os.FileInfo
	sum  [sha256.Size]byte
	done bool
}

// DigestAhead begins to digest the files of an export. What lies elsewhere, or is no regular
// file, is left out. Whoever calls it stops it.
func DigestAhead(paths []string) *Ahead {
	a := planAhead(paths)
	a.begin()
	return a
}

func planAhead(paths []string) *Ahead {
	a := &Ahead{}
	a.upTo.Store(math.MaxInt64)
	for _, path := range InOrder(paths) {
		a.first = append(a.first, len(a.chunks))
		if IsRemote(path) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		for at := int64(0); at+chunkSize <= info.Size(); at += chunkSize {
			a.chunks = append(a.chunks, aheadChunk{path: path, at: at, info: info})
		}
	}
	return a
}

func (a *Ahead) begin() {
	for range min(runtime.GOMAXPROCS(0), len(a.chunks)) {
		a.working.Go(a.work)
	}
}

// Stop ends the work, and returns when it has ended.
func (a *Ahead) Stop() {
	a.upTo.Store(0)
	a.working.Wait()
}

func (a *Ahead) work() {
	buf := make([]byte, blockSize)
	for {
		i := a.next.Add(1) - 1
		if i >= min(a.upTo.Load(), int64(len(a.chunks))) {
			return
		}
		a.chunks[i].digest(buf)
	}
}

// digest is done where the file is the one that was found at first.
func (c *aheadChunk) digest(buf []byte) {
	f, err := os.Open(c.path)
	if err != nil {
		return
	}
	defer f.Close()
	if !unchanged(f, c.info) {
		return
	}
	h := sha256.New()
	if n, err := io.CopyBuffer(h, io.NewSectionReader(f, c.at, chunkSize), buf); err != nil || n != chunkSize {
		return
	}
	h.Sum(c.sum[:0])
	c.done = true
}

// unchanged reports whether an open file is the one of which an info was taken.
func unchanged(f *os.File, was os.FileInfo) bool {
	is, err := f.Stat()
	return err == nil && os.SameFile(is, was) && is.Size() == was.Size() && is.ModTime().Equal(was.ModTime())
}

// want says that of a file, and those behind it, nothing is wanted but its first n bytes.
func (a *Ahead) want(i int, n int64) {
	if a != nil && i < len(a.first) {
		a.upTo.Store(int64(a.first[i]) + n/chunkSize)
	}
}

// of waits until all that is wanted is digested, and gives what was of a file, by whole
// chunks; nil where that is not the very file that an input has open.
func (a *Ahead) of(i int, in *input) []aheadChunk {
	f, local := in.file.(*os.File)
	if a == nil || !local || i >= len(a.first) {
		return nil
	}
	a.working.Wait()
	end := len(a.chunks)
	if i+1 < len(a.first) {
		end = a.first[i+1]
	}
	chunks := a.chunks[a.first[i]:end]
	if len(chunks) == 0 || !unchanged(f, chunks[0].info) || chunks[0].info.Size() != in.size {
		return nil
	}
	return chunks
}

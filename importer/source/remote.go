package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Remote is how exports elsewhere are reached. The zero value reads https:// URLs that
// need no query, and s3:// objects that anybody may read.
type Remote struct {
	// Queries are the queries of URLs by their locations (see Locate): the signature of a
	// presigned URL. They are secrets, and stand in no error, file or output.
	Queries map[string]string
	// Getenv gives the variables by which s3:// is configured, as for the AWS tools.
	Getenv func(string) string
	// Context ends opening an export, a file's too, and checking one that lies elsewhere:
	// what is read of its rows ends with the Reader. It is here because an archive is
	// opened by offset, which takes none.
	Context context.Context
	// Transport carries the requests; nil: a usual one.
	Transport http.RoundTripper
	// Patience is how long nothing may come before reading fails; 0: two minutes.
	Patience time.Duration
	// Chunk is how many bytes a request asks for; 0: four MiB.
	Chunk int64

	idle time.Duration // 0: remoteIdle
}

// object is where the raw bytes of an input lie: a file, or something elsewhere.
type object interface {
	io.ReaderAt
	io.Closer
}

// Bounds of what is read elsewhere.
const (
	remoteChunk        = 4 << 20 // bytes of a request
	remoteChunks       = 6       // that are kept, of all objects together
	remotePatience     = 2 * time.Minute
	remoteIdle         = 30 * time.Second // with fewer bytes than remoteLeast before a connection is given up
	remoteLeast        = 4 << 10          // bytes that have to come within patience, too
	remoteFirstContact = 10 * time.Second
	remoteFirstWait    = 200 * time.Millisecond
	remoteLastWait     = 10 * time.Second
)

// getter asks for a part of an object.
type getter interface {
	// get begins to read n bytes at an offset, of the object that has a tag ("": any).
	get(ctx context.Context, from, n int64, tag string) (*part, error)
}

// part is what a getter was given: the bytes of an object from an offset on, which need
// not be the one that it asked for.
type part struct {
	body io.ReadCloser
	from int64
	size int64 // of the whole object; -1: not known
	is   version
	// whole says that the server knows no ranges, and gave all from byte 0 on.
	whole bool
}

// version is what says that an object is the one that it was. Any of it may be missing.
type version struct {
	etag     string
	modified string // Last-Modified
	encoding string // Content-Encoding: the bytes are those of the object in it
}

// changed reports whether an answer is of another object. A server, or one of several,
// may leave the ETag or the time out of an answer.
func (v version) changed(is version) bool {
	times := v.modified != "" && is.modified != "" && v.modified != is.modified
	switch {
	case v.encoding != is.encoding:
		return true
	case v.etag == "" || is.etag == "":
		return times
	}
	return v.etag != is.etag || times && strings.HasPrefix(v.etag, "W/") // which stands for what is much the same
}

// abort makes reading a part fail.
func (p *part) abort() {
	if w, ok := p.body.(*wholeBody); ok {
		_ = w.ReadCloser.Close() // what is read of it says so
		return
	}
	_ = p.body.Close()
}

// remoteError is an answer that says why an object cannot be read.
type remoteError struct {
	how   string // a predicate of the object
	final bool   // asking again is of no use
}

func (e *remoteError) Error() string { return e.how }

// ErrDenied is a URL that does not, or does not any more, open its object.
var ErrDenied = errors.New("the URL does not open its object")

// deniedError is a remoteError that is ErrDenied, too.
type deniedError struct{ *remoteError }

func (deniedError) Is(target error) bool { return target == ErrDenied }
func (e deniedError) Unwrap() error      { return e.remoteError }

// errChanged is an object that is another one than it was.
var errChanged = errors.New("has changed while it was read")

// remote is an object elsewhere. It is read in chunks, each by a request of its own,
// which goes on where a connection was cut. It never ends early: what cannot be read is
// an error, and so is an object that was overwritten meanwhile.
type remote struct {
	name     string
	get      getter
	size     int64
	is       version
	ctx      context.Context
	cancel   context.CancelCauseFunc
	detach   func() bool // from the context of Remote
	patience time.Duration
	idle     time.Duration
	chunk    int64
	cache    *chunkCache
	whole    bool // the server knows no ranges: it is read in order, by one at a time
	mu       sync.Mutex
	last     int64      // the chunk that was read last
	turn     sync.Mutex // of requests to a server without ranges
}

// interrupted says that opening is to end.
func (e *Export) interrupted() error {
	if e.Config.Remote == nil || e.Config.Remote.Context == nil {
		return nil
	}
	return context.Cause(e.Config.Remote.Context)
}

// openRemote asks for the beginning of an object, and so for what it is.
func (e *Export) openRemote(path string) (*remote, error) {
	access := e.Config.Remote
	if access == nil {
		access = &Remote{}
	}
	base := access.Context
	if base == nil {
		base = context.Background()
	}
	var g getter
	var err error
	if isS3(path) {
		g, err = newS3Getter(path, access)
	} else {
		g, err = newHTTPGetter(path, access)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	detach := context.AfterFunc(base, func() { cancel(context.Cause(base)) })
	r := &remote{name: path, get: g, size: -1, ctx: ctx, cancel: cancel, detach: detach, patience: access.Patience, idle: access.idle, chunk: access.Chunk, cache: &e.chunks, last: -1}
	if r.patience == 0 {
		r.patience = remotePatience
	}
	if r.idle == 0 {
		r.idle = remoteIdle
	}
	if r.chunk == 0 {
		r.chunk = remoteChunk
	}
	first, err := r.fetch(0)
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("%s %w", path, err)
	}
	r.cache.put(r, 0, first)
	return r, nil
}

// Close ends all requests for the object.
func (r *remote) Close() error {
	r.detach()
	r.cancel(nil)
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *remote) ReadAt(p []byte, off int64) (int, error) { return r.readAt(nil, p, off) }

// readAt is ReadAt until done is closed, if it is not nil.
func (r *remote) readAt(done <-chan struct{}, p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && off < r.size {
		i := off / r.chunk
		c := r.cache.chunk(r, i)
		r.mu.Lock()
		onward := r.last == i-1 || r.last == i && off%r.chunk > 0
		r.last = i
		r.mu.Unlock()
		if onward && !r.whole && (i+1)*r.chunk < r.size {
			r.cache.chunk(r, i+1) // while the reader is at work with this one
		}
		select {
		case <-c.done:
		case <-done:
			return n, errClosed
		case <-r.ctx.Done():
			return n, context.Cause(r.ctx)
		}
		if c.err != nil {
			return n, c.err
		}
		k := copy(p[n:], c.data[off-i*r.chunk:])
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fetch reads a chunk, asking again for what is left of it as long as the object is the
// same and something comes within the time that patience allows.
func (r *remote) fetch(i int64) ([]byte, error) {
	if r.whole {
		r.turn.Lock()
		defer r.turn.Unlock()
	}
	from := i * r.chunk
	want := r.chunk
	if r.size >= 0 {
		want = min(want, r.size-from)
	}
	var data []byte
	wait, since := remoteFirstWait, time.Now()
	had := 0 // bytes at that time
	for {
		before := len(data)
		var err error
		data, want, err = r.more(data, from, want)
		if err == nil {
			return data, nil
		}
		if final := (*remoteError)(nil); errors.As(err, &final) && final.final || errors.Is(err, errChanged) || r.ctx.Err() != nil {
			return nil, r.readable(err)
		}
		// A server may answer with less than it was asked for, but not drip.
		much := len(data)-before > min(remoteLeast, (int(want)-before)/10)
		if much || len(data) >= had+remoteLeast {
			since, had = time.Now(), len(data)
		}
		patience := r.patience
		if r.size < 0 { // it was never reached: its address is likely wrong
			patience = min(patience, remoteFirstContact)
		}
		if time.Since(since) > patience {
			return nil, r.readable(err)
		}
		if much {
			wait = remoteFirstWait
			continue
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, remoteLastWait)
		case <-r.ctx.Done():
			return nil, context.Cause(r.ctx)
		}
	}
}

// readable gives the cause of an end that was asked for.
func (r *remote) readable(err error) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if errors.Is(err, errChanged) {
		return &ChangedError{Path: r.name, How: errChanged.Error() + ": give the object as it was, or start over"}
	}
	return err
}

// more asks once for what is left of a chunk. The first answer of all says how large the
// object is.
func (r *remote) more(data []byte, from, want int64) ([]byte, int64, error) {
	at := from + int64(len(data))
	p, err := r.get.get(r.ctx, at, want-int64(len(data)), r.is.etag)
	if err != nil {
		return data, want, err
	}
	defer p.body.Close()
	var slow atomic.Bool
	idle := time.AfterFunc(r.idle, func() {
		slow.Store(true)
		p.abort()
	})
	defer idle.Stop()
	switch {
	case p.size < 0:
		return data, want, &remoteError{"does not say how long it is, so nobody can tell where it ends: download it", true}
	case r.size < 0:
		if !readEncodings[p.is.encoding] {
			return data, want, &remoteError{fmt.Sprintf("comes in a Content-Encoding that is not read (%.20q): store it without, or download it", p.is.encoding), true}
		}
		r.size, r.is, r.whole = p.size, p.is, p.whole
		want = min(want, p.size)
	case p.size != r.size, r.is.changed(p.is):
		return data, want, errChanged
	}
	if p.from > at {
		return data, want, &remoteError{fmt.Sprintf("answers with bytes from %d on where %d was asked for", p.from, at), true}
	}
	body := &watched{r: p.body, idle: idle, time: r.idle}
	if p.from < at {
		if _, err := io.CopyN(io.Discard, body, at-p.from); err != nil {
			return data, want, err
		}
	}
	if cap(data) < int(want) {
		data = append(make([]byte, 0, want), data...)
	}
	for int64(len(data)) < want {
		n, err := body.Read(data[len(data):want])
		data = data[:len(data)+n]
		if err != nil && int64(len(data)) < want {
			switch {
			case slow.Load():
				err = &remoteError{fmt.Sprintf("cannot be read: less than %d KiB came in %s", remoteLeast>>10, r.idle), false}
			case err == io.EOF:
				err = io.ErrUnexpectedEOF // the connection ended, the object did not
			}
			return data, want, err
		}
	}
	return data, want, nil
}

// readEncodings are the codings in which an object may lie: what they pack is unpacked as
// a file of that format is. A server that packs on its way does not say how long it is.
var readEncodings = map[string]bool{"": true, "gzip": true, "x-gzip": true, "zstd": true}

// watched puts the idle time off whenever enough has come.
type watched struct {
	r    io.Reader
	idle *time.Timer
	time time.Duration
	n    int // bytes since
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if w.n += n; w.n >= remoteLeast {
		w.idle.Reset(w.time)
		w.n = 0
	}
	return n, err
}

// chunkCache keeps the last chunks of all objects of an export.
type chunkCache struct {
	mu     sync.Mutex
	chunks []*chunk // the one that was asked for last is the last
}

type chunk struct {
	of   *remote
	i    int64
	done chan struct{} // closed when data or err are there
	data []byte
	err  error
}

// chunk gives a chunk, which is asked for unless it is there. One that failed is asked
// for again.
func (c *chunkCache) chunk(r *remote, i int64) *chunk {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, have := range c.chunks {
		if have.of == r && have.i == i {
			c.chunks = append(append(c.chunks[:k:k], c.chunks[k+1:]...), have)
			return have
		}
	}
	added := &chunk{of: r, i: i, done: make(chan struct{})}
	c.add(added)
	go func() {
		added.data, added.err = r.fetch(i)
		if added.err != nil {
			c.drop(added)
		}
		close(added.done)
	}()
	return added
}

// put adds a chunk that is there.
func (c *chunkCache) put(r *remote, i int64, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := &chunk{of: r, i: i, done: make(chan struct{}), data: data}
	close(there.done)
	c.add(there)
}

func (c *chunkCache) add(added *chunk) {
	if len(c.chunks) >= remoteChunks {
		c.chunks = append([]*chunk{}, c.chunks[1:]...)
	}
	c.chunks = append(c.chunks, added)
}

func (c *chunkCache) drop(gone *chunk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, have := range c.chunks {
		if have == gone {
			c.chunks = append(c.chunks[:k:k], c.chunks[k+1:]...)
			return
		}
	}
}

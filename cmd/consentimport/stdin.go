package main

import (
	"context"
	"io"
)

// untilDone reads from whoever may never write again, such as the far end of a pipe, until
// ctx is done: then a Read gives its error, and what the one before still waits for is lost.
type untilDone struct {
	ctx context.Context
	r   io.Reader
	buf []byte
	got chan []byte // what was read; nil with err
	err error
}

func newUntilDone(ctx context.Context, r io.Reader) *untilDone {
	return &untilDone{ctx: ctx, r: r, buf: make([]byte, 64<<10), got: make(chan []byte, 1)}
}

// Read implements io.Reader.
func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	if u.err != nil || len(p) == 0 {
		return 0, u.err
	}
	go func() {
		n, err := u.r.Read(u.buf[:min(len(p), len(u.buf))])
		u.err = err // seen by whoever takes the bytes
		u.got <- u.buf[:n]
	}()
	select {
	case b := <-u.got:
		if len(b) > 0 {
			return copy(p, b), nil // an error comes with the next call
		}
		return 0, u.err
	case <-u.ctx.Done():
		return 0, u.ctx.Err()
	}
}

package source

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// errAfterGzip says that something stands behind the gzip data.
var errAfterGzip = errors.New("not a gzip header")

// gzipReader unpacks gzip members one after the other, as gzip -d does: zeros
// behind the last one, with which tapes and some file systems fill up a block, are
// no data.
type gzipReader struct {
	raw  *bufio.Reader
	gzip *gzip.Reader
	at   int64 // what was unpacked, for messages
}

func newGzipReader(r io.Reader) (*gzipReader, error) {
	raw := bufio.NewReaderSize(r, 64<<10)
	z, err := gzip.NewReader(raw)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{raw: raw, gzip: z}, nil
}

func (z *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := z.gzip.Read(p)
		z.at += int64(n)
		if err != io.EOF || n > 0 {
			if err == io.EOF {
				err = nil // the next call comes to it once more
			}
			return n, err
		}
		if err := z.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the member after one that has ended; io.EOF when there is none.
func (z *gzipReader) next() error {
	zeros := int64(0)
	for {
		b, err := z.raw.ReadByte()
		if err != nil {
			return err // io.EOF where only zeros were left
		}
		if b != 0 {
			break
		}
		zeros++
	}
	if err := z.raw.UnreadByte(); err != nil {
		return err
	}
	if magic, err := z.raw.Peek(2); zeros > 0 || err != nil || string(magic) != "\x1f\x8b" {
		return fmt.Errorf("%w after %d bytes of text", errAfterGzip, z.at)
	}
	if err := z.gzip.Reset(z.raw); err != nil {
		return err
	}
	z.gzip.Multistream(false)
	return nil
}

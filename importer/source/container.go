package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The values of Input.Compression.
const (
	plain   = "none"
	gzipped = "gzip"
	zstded  = "zstd"
	zipped  = "zip"
)

// maxZstdWindow bounds the memory that a zstd file can make us use: what
// `zstd --long` writes, and what the zstd command takes without being asked.
const maxZstdWindow = 128 << 20

// magicSize is how many bytes of a file tell what it is.
const magicSize = 512

// compressions are the ways in which a file may be packed, by their first bytes.
var compressions = []struct {
	magic string
	name  string
}{
	{"\x1f\x8b", gzipped},
	{"\x28\xb5\x2f\xfd", zstded},
	{"\x50\x2a\x4d\x18", zstded}, // a skippable frame, as pzstd writes first
	{"PK\x03\x04", zipped},
	{"PK\x05\x06", zipped}, // without members
}

// strangers are files that people mistake for an export, with the way out.
var strangers = []struct {
	at    int
	magic string
	what  string
}{
	{0, "PK\x07\x08", "is a part of a split zip archive; put the parts together first"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook; save it as CSV"},
	{0, "BZh", "is compressed with bzip2; unpack it first"},
	{0, "\xfd7zXZ\x00", "is compressed with xz; unpack it first"},
	{0, "7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it first"},
	{0, "Rar!\x1a\x07", "is a RAR archive; unpack it first"},
	{0, "\x04\x22\x4d\x18", "is compressed with lz4; unpack it first"},
	{257, "ustar", "is a tar archive; unpack it first"},
	{0, "PAR1", "is a Parquet file; export it as CSV or JSON lines"},
	{0, "Obj\x01", "is an Avro file; export it as CSV or JSON lines"},
	{0, "SQLite format 3\x00", "is an SQLite database; export the table as CSV"},
	{0, "%PDF-", "is a PDF; export the data as CSV or JSON lines"},
	{0, "<!DOCTYPE", "is a web page, not an export; was the download refused?"},
	{0, "<!doctype", "is a web page, not an export; was the download refused?"},
	{0, "<html", "is a web page, not an export; save a table in it as CSV"},
	{0, "<?xml", "is XML; export the data as CSV or JSON lines"},
	{0, "\x89PNG", "is a picture, not an export"},
	{0, "\xff\xfe\x00\x00", "is UTF-32; convert it to UTF-8"},
	{0, "\x00\x00\xfe\xff", "is UTF-32; convert it to UTF-8"},
}

// compressionOf tells from the first bytes of a file how it is packed. The
// error is a predicate of the file's name.
func compressionOf(head []byte) (string, error) {
	for _, s := range strangers {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], []byte(s.magic)) {
			return "", errors.New(s.what)
		}
	}
	for _, c := range compressions {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			return c.name, nil
		}
	}
	return plain, nil
}

// decompress unpacks a stream that is no archive.
func decompress(kind string, r io.Reader) (io.ReadCloser, error) {
	switch kind {
	case gzipped:
		z, err := newGzipReader(r)
		if err != nil {
			return nil, packError(kind, err)
		}
		return &packed{kind: kind, r: z, close: z.gzip.Close}, nil
	case zstded:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, packError(kind, err)
		}
		return &packed{kind: kind, r: z, close: func() error { z.Close(); return nil }}, nil
	default:
		return io.NopCloser(r), nil
	}
}

// Unpack gives the text of a stream that may be packed as a file may be. An
// archive cannot come as a stream: its list of members stands at its end. An
// error is a predicate of the stream, or one of reading it.
func Unpack(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, magicSize)
	head, err := b.Peek(magicSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	kind, err := compressionOf(head)
	if err != nil {
		return nil, err
	}
	if kind == zipped {
		return nil, errors.New("is a zip archive, which can only be read as a file; give its name instead of -")
	}
	return decompress(kind, b)
}

// packed is a decompressor whose errors say what to do.
type packed struct {
	kind  string
	r     io.Reader
	close func() error
}

func (p *packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF {
		err = packError(p.kind, err)
	}
	return n, err
}

func (p *packed) Close() error { return p.close() }

// packError explains a decompressor's error. An error of the file under it
// stays what it is.
func packError(kind string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return fmt.Errorf("the %s data is cut off (%w); get the file again", kind, io.ErrUnexpectedEOF)
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("the zstd data needs a window of more than %d MiB (%w); compress it again without --long", maxZstdWindow>>20, err)
	case errors.Is(err, errAfterGzip), errors.Is(err, zstd.ErrMagicMismatch):
		return fmt.Errorf("the %s data is followed by something that is not %s data (%w); get the file again, or unpack it by hand", kind, kind, err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("the gzip data is damaged (%w); get the file again", err)
	default:
		return fmt.Errorf("unpack the %s data: %w", kind, err)
	}
}

package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

// The archives in an archive hardly compress: all of them unpacked may be as
// large as the inputs this many times, and some more. What is larger is a trap.
const (
	spoolFactor = 2
	spoolExtra  = 1 << 30
)

// addArchive opens the members of a zip in the natural order of their names.
func (e *Export) addArchive(index int) error {
	in := &e.inputs[index]
	before := len(e.members)
	if err := e.walkArchive(index, in.path, in.file, in.size, 0); err != nil {
		return err
	}
	if len(e.members) == before {
		if left := e.LeftOut(); left != "" {
			return fmt.Errorf("%s contains no file with rows; %s", in.path, left)
		}
		return fmt.Errorf("%s contains no file with rows", in.path)
	}
	return nil
}

// LeftOut says which files of archives were left out, and why; "" when none were. What a
// system leaves in each archive, such as .DS_Store, is not worth a word.
func (e *Export) LeftOut() string {
	var parts []string
	for _, of := range []struct {
		why   string
		names []string
	}{{"left out, because they are not exports: ", e.Beside}, {"left out, because they are empty: ", e.Empty}} {
		if n := len(of.names); n > 0 {
			part := of.why + strings.Join(of.names[:min(n, fewNames)], ", ")
			if n > fewNames {
				part += fmt.Sprintf(" and %d more", n-fewNames)
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

// fewNames is how many files of a kind are named.
const fewNames = 3

// walkArchive adds the members of a zip, and of the zips in it one level deep.
func (e *Export) walkArchive(index int, name string, r io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("%s is a damaged or incomplete zip archive (%w); get the file again", name, err)
	}
	z.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor(zstd.WithDecoderMaxWindow(maxZstdWindow)))
	files, beside, err := usefulFiles(name, z.File)
	if err != nil {
		return err
	}
	for _, member := range beside {
		e.Beside = append(e.Beside, name+": "+member)
	}
	for _, f := range files {
		if err := e.interrupted(); err != nil {
			return err
		}
		full := name + ": " + f.Name
		kind, err := sniffMember(f)
		if err != nil {
			return fmt.Errorf("%s %w", full, err)
		}
		if kind == zipped {
			if depth > 0 {
				return fmt.Errorf("%s is nested too deep (an archive in an archive in an archive); unpack the outer ones first", full)
			}
			inner, innerSize, err := e.innerArchive(index, f)
			if err != nil {
				return fmt.Errorf("%s %w", full, err)
			}
			before := len(e.members)
			if err := e.walkArchive(index, full, inner, innerSize, depth+1); err != nil {
				return err
			}
			if len(e.members) == before {
				e.Empty = append(e.Empty, full)
			}
			continue
		}
		m := member{input: index, path: full, name: path.Base(slashed(f.Name)), compression: kind, file: f}
		found, err := e.probe(&m)
		if err != nil {
			return err
		}
		if !found {
			e.Empty = append(e.Empty, full)
		}
	}
	return nil
}

// usefulFiles are the files of an archive that can hold rows, in the natural order
// of their names, and the names of those that stand beside an export and hold none.
func usefulFiles(name string, all []*zip.File) (files []*zip.File, beside []string, err error) {
	for _, f := range all {
		if f.Name == "[Content_Types].xml" {
			return nil, nil, fmt.Errorf("%s is an Excel or Office file; save it as CSV", name)
		}
		full := slashed(f.Name)
		base := path.Base(full)
		if base == "." || strings.HasSuffix(full, "/") || base == ".DS_Store" || base == "Thumbs.db" || base == "desktop.ini" ||
			strings.HasPrefix(base, "._") || slices.Contains(strings.Split(full, "/"), "__MACOSX") {
			continue
		}
		if standsBeside(full) {
			beside = append(beside, f.Name)
			continue
		}
		if f.Flags&1 != 0 {
			return nil, nil, fmt.Errorf("%s: %s is encrypted; unpack the archive first", name, f.Name)
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b *zip.File) int { return compareNatural(slashed(a.Name), slashed(b.Name)) })
	return files, beside, nil
}

// standsBeside tells that a file is one that programs put beside an export: Spark,
// Hive and Hadoop take no name for data that begins with a dot or, unless it ends
// as data does, with an underscore (_SUCCESS, _committed_1, .part-0.csv.crc); check
// sums; and what is there for people to read. A file that is named as data is one
// whatever else is in its name.
func standsBeside(full string) bool {
	dirs, base := path.Split(strings.ToLower(full))
	for _, dir := range strings.Split(dirs, "/") {
		if dir == "_delta_log" || dir == "_temporary" || dir == "_spark_metadata" {
			return true
		}
	}
	ext := path.Ext(base)
	switch {
	case strings.HasPrefix(base, "."):
		return true
	case slices.Contains(sumExts, ext), strings.HasSuffix(base, "sums") && ext == "":
		return true
	case slices.Contains(dataExts, ext):
		return false
	case strings.HasPrefix(base, "_"):
		return true
	}
	stem := strings.TrimSuffix(base, ext)
	return slices.Contains(papers, stem) || strings.HasPrefix(stem, "readme")
}

var (
	dataExts = []string{".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson", ".gz", ".zst", ".zip"}
	sumExts  = []string{".md5", ".sha1", ".sha256", ".sha512", ".crc", ".sfv", ".asc", ".sig"}
	papers   = []string{"readme", "license", "licence", "copying", "notice", "copyright", "changelog", "changes", "liesmich", "lisezmoi", "leeme", "leggimi"}
)

// slashed is the name of a member in the one way of writing that zip allows;
// some programs write Windows' backslashes.
func slashed(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// sniffMember tells how a member is packed inside the archive.
func sniffMember(f *zip.File) (string, error) {
	r, err := openMember(f)
	if err != nil {
		return "", err
	}
	defer r.Close()
	head := make([]byte, magicSize)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", fmt.Errorf("cannot be read: %w", memberError(err))
	}
	return compressionOf(head[:n])
}

// openMember unpacks a member as a stream. Its error is a predicate of the member.
func openMember(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, fmt.Errorf("uses zip method %d, which is not supported; unpack the archive first", f.Method)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", memberError(err))
	}
	return r, nil
}

// memberError explains what the zip reader found wrong.
func memberError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return fmt.Errorf("the zip archive is damaged here (%w); get the file again", err)
	}
	return err
}

// innerArchive gives random access to an archive that lies in another one:
// where it is when it was stored as it is, else in a copy in a temporary file
// that has no name.
func (e *Export) innerArchive(index int, f *zip.File) (io.ReaderAt, int64, error) {
	size := int64(f.UncompressedSize64)
	if f.Method == zip.Store && f.CompressedSize64 == f.UncompressedSize64 {
		offset, err := f.DataOffset()
		if err != nil {
			return nil, 0, fmt.Errorf("cannot be read: %w", memberError(err))
		}
		return io.NewSectionReader(e.inputs[index].file, offset, size), size, nil
	}
	if e.spool == nil {
		spool, err := os.CreateTemp("", "consentimport-*.zip")
		if err != nil {
			return nil, 0, fmt.Errorf("needs a temporary file: %w", err)
		}
		if err := os.Remove(spool.Name()); err != nil {
			return nil, 0, errors.Join(fmt.Errorf("needs a temporary file: %w", err), spool.Close())
		}
		e.spool = spool
	}
	start, err := e.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, fmt.Errorf("needs a temporary file: %w", err)
	}
	limit := spoolFactor*e.Size() + e.spoolExtra - start
	r, err := openMember(f)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	n, err := io.Copy(e.spool, &untilInterrupted{e, io.LimitReader(r, max(0, limit)+1)})
	if err != nil {
		return nil, 0, fmt.Errorf("cannot be unpacked: %w", memberError(err))
	}
	if n > limit {
		return nil, 0, errors.New("is an archive that unpacks to far more than the file around it; unpack it by hand if you trust it")
	}
	return io.NewSectionReader(e.spool, start, n), n, nil
}

// untilInterrupted is a reader that ends when opening is to end.
type untilInterrupted struct {
	e *Export
	r io.Reader
}

func (u *untilInterrupted) Read(p []byte) (int, error) {
	if err := u.e.interrupted(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

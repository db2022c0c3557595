package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

// input is an Input with its open file.
type input struct {
	path        string
	size        int64
	compression string
	file        object
}

// Open looks at every file of an export: that it is there, how it is packed,
// and what the header of each member says. Its errors are for the user: they
// name the file and what to do.
func Open(cfg Config) (*Export, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Paths = InOrder(cfg.Paths)
	e := &Export{Config: cfg, verified: map[Mark]*digest{}, blockSize: blockSize, batchRows: batchRows, spoolExtra: spoolExtra}
	for _, path := range cfg.Paths {
		if err := e.interrupted(); err != nil {
			return nil, errors.Join(err, e.Close())
		}
		if err := e.add(path); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	if err := e.refuseTwins(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Unusable names the setting that no file can satisfy, and says why; "" when there is none.
func (c Config) Unusable() (setting string, err error) {
	if _, known := formatNamed(c.Format); c.Format != "" && !known {
		return "format", fmt.Errorf("format %q is unknown; use %s", c.Format, strings.Join(FormatNames(), " or "))
	}
	if _, err := c.delimiter(); err != nil {
		return "delimiter", err
	}
	if _, err := c.escape(); err != nil {
		return "escape", err
	}
	if c.SkipLines < 0 {
		return "skipLines", fmt.Errorf("skipLines is %d; it cannot be negative", c.SkipLines)
	}
	if c.Encoding != "" {
		if _, err := charsetNamed(c.Encoding); err != nil {
			return "encoding", err
		}
	}
	return "", nil
}

// check refuses settings that no file can satisfy, and an export of no file.
func (c Config) check() error {
	if _, err := c.Unusable(); err != nil {
		return err
	}
	if len(c.Paths) == 0 {
		return errors.New("no export file was given")
	}
	return nil
}

// delimiter gives the set delimiter, or 0.
func (c Config) delimiter() (byte, error) {
	switch d := c.Delimiter; {
	case d == "":
		return 0, nil
	case d == `\t`:
		return '\t', nil
	case len(d) == 1 && usableDelimiter(d[0]):
		return d[0], nil
	default:
		return 0, fmt.Errorf(`delimiter %q is not usable; give one ASCII character such as ";" or "\t", but no quote or line end`, d)
	}
}

// escape gives the set escape character, or 0.
func (c Config) escape() (byte, error) {
	switch e := c.Escape; {
	case e == "", e == `"`: // quotes are doubled in any case
		return 0, nil
	case len(e) == 1 && usableDelimiter(e[0]) && !isLetterOrDigit(e[0]) && e[0] > ' ' && e != c.Delimiter:
		return e[0], nil
	default:
		return 0, fmt.Errorf("escape %q is not usable; it is one sign of ASCII that stands before what belongs to a cell, mostly \"\\\\\", and not the delimiter", e)
	}
}

func isLetterOrDigit(b byte) bool { return isDigit(b) || b|0x20 >= 'a' && b|0x20 <= 'z' }

// usableDelimiter tells that a byte can stand between cells.
func usableDelimiter(b byte) bool {
	return b < utf8.RuneSelf && b != '"' && b != '\r' && b != '\n' && b != 0
}

// add opens one file, or what lies elsewhere, and what is in it.
func (e *Export) add(path string) error {
	if IsRemote(path) {
		location, _, err := Locate(path)
		if err != nil {
			return err
		}
		r, err := e.openRemote(location)
		if err != nil {
			return err
		}
		return e.addInput(input{path: location, size: r.size, file: r})
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return openError(path, err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory; give the files of the export, e.g. %s", path, filepath.Join(path, "*"))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; pipe it in and give - instead", path)
	case info.Size() == 0:
		return fmt.Errorf("%s is empty (0 bytes); get it again, or leave it out if nothing was to be in it", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return openError(path, err)
	}
	return e.addInput(input{path: path, size: info.Size(), file: f})
}

// addInput looks at what an input is, and opens what is in it.
func (e *Export) addInput(in input) error {
	path := in.path
	e.inputs = append(e.inputs, in)
	index := len(e.inputs) - 1
	kind, err := sniffCompression(in.file)
	if err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	e.inputs[index].compression = kind
	e.Inputs = append(e.Inputs, Input{Path: path, Bytes: in.size, Compression: kind})
	if kind == zipped {
		return e.addArchive(index)
	}
	m := member{input: index, path: path, name: BaseName(path), compression: kind}
	if names := e.Config.Names; index < len(names) && names[index] != "" {
		m.name = names[index]
	}
	found, err := e.probe(&m)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s is empty: there is no header and no row in it", path)
	}
	return nil
}

// sniffCompression tells how a file is packed. Its error is a predicate of the file.
func sniffCompression(r io.ReaderAt) (string, error) {
	head := make([]byte, magicSize)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	return compressionOf(head[:n])
}

// openError says why a file cannot be opened, without repeating its path.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &unopened{path + " does not exist", fs.ErrNotExist}
	case errors.Is(err, fs.ErrPermission):
		return &unopened{path + " cannot be read: permission denied", fs.ErrPermission}
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%s cannot be opened: too many files; raise the limit with ulimit -n, or put the parts into a zip (%w)", path, err)
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("%s cannot be opened: %w", path, err)
}

// Close closes the export's files. Readers must be closed before.
func (e *Export) Close() error {
	var errs []error
	for i := range e.inputs {
		errs = append(errs, e.inputs[i].file.Close())
	}
	if e.spool != nil {
		errs = append(errs, e.spool.Close())
	}
	return errors.Join(errs...)
}

// Size is the number of raw bytes of all inputs.
func (e *Export) Size() int64 {
	var n int64
	for i := range e.inputs {
		n += e.inputs[i].size
	}
	return n
}

// Start is where the first row can begin.
func (e *Export) Start() Position {
	return e.startOf(0, 1)
}

// startOf is where rows can begin in a member, the first of which has a number.
func (e *Export) startOf(member int, row int64) Position {
	m := &e.members[member]
	return Position{Member: member, Offset: m.body, Line: m.bodyLine, Row: row}
}

// unopened says why a file cannot be opened, in words that its cause would only say again.
type unopened struct {
	text  string
	cause error
}

func (e *unopened) Error() string { return e.text }
func (e *unopened) Unwrap() error { return e.cause }

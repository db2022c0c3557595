package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
)

// KnownName is the name of the file beside a checkpoint that says how far it is on the
// medium: a checkpoint that is shorter has lost its end since.
const KnownName = ".sealed"

// known is what the file says, in one line as those of the checkpoint are, of which what
// lies behind is no part. It is written over in place after each sync, and not synced
// itself: what it claims was on the medium before, so that after a power loss it claims less
// than there is, and never more. One that was not written whole claims nothing.
type known struct {
	ID    string `json:"id"`    // of the import
	Bytes int64  `json:"bytes"` // of whole lines, the seal below them aside
	Check uint32 `json:"check"` // of the last of them
}

const (
	kindBeside = "sealed"
	maxKnown   = 1 << 10 // bytes of its line
)

// LostError says that a checkpoint was longer once than it is now: what it knew of is not
// known any more.
type LostError struct {
	Path  string
	Bytes int64 // size of its whole lines
	Had   int64 // bytes that were on the medium; not more than Bytes: it is another checkpoint
}

func (e *LostError) Error() string {
	if e.Had <= e.Bytes {
		return fmt.Sprintf("%s is not the checkpoint that was here: %s beside it, which follows each write, is of another one", e.Path, KnownName)
	}
	return fmt.Sprintf("%s has lost its end: it ends at byte %d, and %s beside it says that %d bytes of it were on the disk; what was sent since is not known",
		e.Path, e.Bytes, KnownName, e.Had)
}

// readKnown reads the file beside a checkpoint; nil when it claims nothing, and then why.
func readKnown(disk Disk, path string) (*known, Beside) {
	f, err := disk.Open(filepath.Join(filepath.Dir(path), KnownName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, BesideMissing
	}
	if err != nil {
		return nil, BesideDamaged
	}
	defer f.Close()
	text := make([]byte, maxKnown)
	n, err := io.ReadFull(f, text)
	if len(bytes.Trim(text[:n], "\x00")) == 0 { // it was made, and not written any more
		return nil, BesideBehind
	}
	line, _, whole := bytes.Cut(text[:n], []byte{'\n'})
	if err != io.ErrUnexpectedEOF || !whole { // it is short
		return nil, BesideDamaged
	}
	body, check, ok := cutCheck(line)
	var is map[string]*known
	if !ok || crc32.Checksum(body, castagnoli()) != check || json.Unmarshal(append(body, '}'), &is) != nil || is[kindBeside] == nil {
		return nil, BesideDamaged
	}
	return is[kindBeside], BesideFits
}

// Beside is what the file beside a checkpoint is worth.
type Beside uint8

const (
	BesideFits    Beside = iota // it says as much as there is, or nothing has to be said yet
	BesideMissing               // it is missing
	BesideBehind                // it says less than there is, as after a kill at the wrong moment, or nothing
	BesideDamaged               // it is not what a Writer writes; as it is shorter than a sector, a power loss leaves an earlier one whole
)

// beside judges the file beside a checkpoint that was read to its end.
func (s *Snapshot) beside(was *known, found Beside) Beside {
	switch {
	case len(s.Runs) == 0, len(s.Header.Parts) > 0 && found == BesideMissing: // there is none until a run sends
		return BesideFits
	case found == BesideFits && s.Lost == nil && s.Unsealed == 0 && was.Bytes < s.Sealed.Bytes:
		return BesideBehind
	}
	return found
}

// lost compares what a checkpoint was with what was read of it; at is the check of the line
// that ended at k.Bytes, found says that one did.
func (k *known) lost(path string, s *Snapshot, found bool, at uint32) *LostError {
	if k == nil || k.ID == s.Header.ID && found && at == k.Check {
		return nil
	}
	return &LostError{Path: path, Bytes: s.Bytes, Had: k.Bytes}
}

// knownFile is written by a Writer.
type knownFile struct {
	disk Disk
	path string
	id   string
	file File
	says int64 // bytes, that it claims
}

// put writes what is on the medium now.
func (k *knownFile) put(at place) error {
	if at.offset <= k.says { // of two syncs, the later one may come here first
		return nil
	}
	line, err := appendJSON(nil, kindBeside, known{ID: k.id, Bytes: at.offset, Check: at.check})
	if err != nil {
		return err
	}
	line = appendCheck(line, crc32.Checksum(line, castagnoli()))
	if k.file == nil {
		if k.file, err = k.disk.Create(k.path); err != nil {
			return err
		}
	}
	if _, err = k.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err = k.file.Write(line); err != nil {
		return err
	}
	k.says = at.offset
	return nil
}

func (k *knownFile) close() error {
	if k.file == nil {
		return nil
	}
	return k.file.Close()
}

// castagnoli is the table of the check sums of lines.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// forget removes what is known of a checkpoint that is about to be replaced.
func forget(disk Disk, path string) error {
	err := disk.Remove(filepath.Join(filepath.Dir(path), KnownName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

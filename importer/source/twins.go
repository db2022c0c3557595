package source

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
)

// fingerprint tells texts apart by their beginnings, and short ones for good.
type fingerprint struct {
	sum   [sha256.Size]byte // of the first headSniff bytes of the decoded text
	whole bool              // these are all
	rows  bool              // there may be rows in it
}

func printOf(h *head) fingerprint {
	data := h.data[:min(len(h.data), headSniff)]
	whole := h.eof && len(data) == len(h.data)
	return fingerprint{sum: sha256.Sum256(data), whole: whole, rows: !whole}
}

// hasRows tells that something is left after the header of a text.
func hasRows(rest []byte) bool { return len(bytes.Trim(rest, " \t\r\n[]")) > 0 }

// refuseTwins refuses the same text twice: a file that was named twice, a copy of it
// under another name, or its own compressed form. Every decision in it would be sent
// twice, as two rows.
func (e *Export) refuseTwins() error {
	byPrint := map[[sha256.Size]byte][]int{}
	for i := range e.members {
		m := &e.members[i]
		if !m.print.rows {
			continue // files without rows, as there are among the parts of an export, are alike
		}
		for _, k := range byPrint[m.print.sum] {
			same, err := e.sameText(&e.members[k], m)
			if err != nil {
				return err
			}
			if same {
				return fmt.Errorf("%s and %s contain the same rows: every decision in them would be imported twice; give only one of them", e.members[k].path, m.path)
			}
		}
		byPrint[m.print.sum] = append(byPrint[m.print.sum], i)
	}
	return nil
}

// sameText compares the decoded texts of two members that begin alike.
func (e *Export) sameText(a, b *member) (bool, error) {
	if a.print.whole || b.print.whole {
		return a.print.whole == b.print.whole, nil
	}
	if sizeA, sizeB := e.textSize(a), e.textSize(b); sizeA >= 0 && sizeB >= 0 && sizeA != sizeB {
		return false, nil
	}
	f := &feed{e: e, done: make(chan struct{})}
	x, _, err := f.open(a, 0)
	if err != nil {
		return false, err
	}
	defer x.close()
	y, _, err := f.open(b, 0)
	if err != nil {
		return false, err
	}
	defer y.close()
	var bufX, bufY [blockSize]byte
	for {
		if err := e.interrupted(); err != nil {
			return false, err
		}
		n, errX := io.ReadFull(x.text, bufX[:])
		k, errY := io.ReadFull(y.text, bufY[:])
		endX, endY := ended(errX), ended(errY)
		switch {
		case errX != nil && !endX, errY != nil && !endY:
			return false, nil // the reader comes to the error, with the place
		case !bytes.Equal(bufX[:n], bufY[:k]):
			return false, nil
		case endX || endY:
			return endX && endY, nil
		}
	}
}

// ended tells that a text was read to its end; a decompressor that finds its data
// cut off wraps the same error.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// textSize is the size of a member's text where it is known beforehand, else -1.
func (e *Export) textSize(m *member) int64 {
	if !m.seekable() {
		return -1
	}
	return e.inputs[m.input].size - int64(m.bom)
}

package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/summary"
)

// maxEvidence bounds what is read of an evidence.json.
const maxEvidence = 64 << 20

// Check is what the evidence in a directory says, and what speaks against it.
type Check struct {
	Holds []string // a sentence each
	Wrong []string
	// Outdated says that the import went on after the evidence was made: of what it says
	// only that the checkpoint began so can be held against the directory. "": it did not.
	Outdated string
}

func (c *Check) holds(format string, args ...any) {
	c.Holds = append(c.Holds, fmt.Sprintf(format, args...))
}

func (c *Check) wrong(format string, args ...any) {
	c.Wrong = append(c.Wrong, fmt.Sprintf(format, args...))
}

// Verify holds the evidence in dir against the files beside it, and against what
// checkpoint and export give: sum, and the survey for the root over all outcomes.
// Both are nil where the export is gone: then the files alone are looked at. The import
// was at work last at finished. Files in except were removed or emptied on purpose. It is
// nil when dir has no evidence.
func Verify(ctx context.Context, disk journal.Disk, dir string, s *survey.Survey, sum *summary.Summary, finished time.Time, signers []ssh.PublicKey, except func(name string) bool) (*Check, error) {
	text, err := read(disk, dir, Name)
	if err != nil {
		return nil, err
	}
	signature, err := read(disk, dir, SignatureName)
	if err != nil {
		return nil, err
	}
	stamp, err := read(disk, dir, StampName)
	if err != nil {
		return nil, err
	}
	c := &Check{}
	switch {
	case text == nil && signature == nil && stamp == nil && signers == nil:
		return nil, nil
	case text == nil:
		c.wrong("%s is missing", Name)
		return c, nil
	case len(text) > maxEvidence:
		c.wrong("%s is larger than any evidence of this program", Name)
		return c, nil
	}
	c.signature(text, signature, signers)
	if stamp != nil {
		if stamp, err := checkStamp(text, stamp); err != nil {
			c.wrong("%s %s", StampName, err)
		} else {
			c.holds("%s: %s was there at %s, says %q (whether to believe that certificate, openssl ts -verify tells)", StampName, Name, stamp.Time.UTC().Format("2006-01-02T15:04:05Z"), stamp.Certificates[0].Subject.String())
		}
	}
	var e Evidence
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&e)
	if _, end := d.Token(); err != nil || end != io.EOF || e.Format != Format {
		c.wrong("%s is not an evidence of this program", Name)
		return c, nil
	}
	before := len(c.Wrong)
	if err := c.beginning(disk, dir, &e); err != nil {
		return nil, err
	}
	if was := e.FinishedAt; len(c.Wrong) == before && finished.Truncate(time.Millisecond).After(was) {
		c.Outdated = fmt.Sprintf("%s was made before the import went on: it knows it as it was at %s, and this one was at work until %s", Name, was.UTC().Format(time.RFC3339), finished.UTC().Format(time.RFC3339))
		return c, nil
	}
	if err := c.files(disk, dir, &e, except); err != nil {
		return nil, err
	}
	if s != nil {
		if err := c.outcomes(ctx, disk, dir, s, sum, text); err != nil {
			return nil, err
		}
	}
	if len(c.Wrong) == before {
		c.holds("%s: fits checkpoint, lists and outcomes", Name)
	}
	return c, nil
}

func (c *Check) signature(text, signature []byte, signers []ssh.PublicKey) {
	switch {
	case signature == nil && signers != nil:
		c.wrong("%s is missing", SignatureName)
	case signature != nil:
		by, err := checkSignature(text, signature, signers)
		if err != nil {
			c.wrong("%s %s", SignatureName, err)
			return
		}
		who := "whose key that is, this cannot tell"
		if signers != nil {
			who = "one of the signers given"
		}
		c.holds("%s: signed by the key %s (%s)", SignatureName, by, who)
	}
}

// beginning holds the evidence against the checkpoint, which only ever grows.
func (c *Check) beginning(disk journal.Disk, dir string, e *Evidence) error {
	began, err := report.DigestBeginning(disk, dir, journal.Name, e.Checkpoint.Bytes)
	if err == nil && began != e.Checkpoint {
		c.wrong("%s does not begin as the one that %s names", journal.Name, Name)
	}
	return err
}

// files holds the digests in the evidence against the files. Either may be the one that was
// changed, so both are named.
func (c *Check) files(disk journal.Disk, dir string, e *Evidence, except func(string) bool) error {
	for _, want := range e.Lists {
		if except != nil && except(want.Name) {
			continue
		}
		if filepath.Base(want.Name) != want.Name {
			c.wrong("%s names a file outside of the directory", Name)
			continue
		}
		got, err := report.DigestFile(disk, dir, want.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.wrong("%s, which %s names, is missing", want.Name, Name)
		case err != nil:
			return err
		case got != want:
			c.wrong("%s is not the file that %s names: one of the two was changed", want.Name, Name)
		}
	}
	return nil
}

// outcomes makes the evidence again and compares.
func (c *Check) outcomes(ctx context.Context, disk journal.Disk, dir string, s *survey.Survey, sum *summary.Summary, text []byte) error {
	var was Evidence
	if err := json.Unmarshal(text, &was); err != nil {
		return err
	}
	now, err := Make(ctx, disk, dir, s, sum)
	if err != nil {
		return err
	}
	now.Tool, now.Checkpoint, now.Lists = was.Tool, was.Checkpoint, was.Lists // looked at before
	again, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	if !bytes.Equal(append(again, '\n'), text) {
		what := "what it says of the import"
		if now.Outcomes != was.Outcomes {
			what = "its root over the outcomes"
		}
		c.wrong("%s does not fit checkpoint and export: %s differs", Name, what)
	}
	return nil
}

// read reads a small file of dir, and no more of a larger one than shows that it is; nil
// when it is not there.
func read(disk journal.Disk, dir, name string) ([]byte, error) {
	f, err := disk.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEvidence+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if text == nil {
		text = []byte{}
	}
	return text, nil
}

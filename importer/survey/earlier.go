package survey

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/consentimport/consentimport/importer/blocked"
	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/mapping"
)

// EarlierName is the name of the file with what earlier imports have sent, in the out
// directory of one that is held against them.
const EarlierName = "since.zst"

// LoadEarlier opens what earlier imports have sent, and checks that it is what the
// checkpoint names; nil for none.
func LoadEarlier(disk journal.Disk, dir string, id *journal.Since) (*history.Earlier, error) {
	if id == nil {
		return nil, nil
	}
	path := filepath.Join(dir, id.File)
	if filepath.Base(id.File) != id.File {
		return nil, blocked.Errorc(blocked.RestoreOrStartOver, "the checkpoint in %s names a file elsewhere", dir)
	}
	sum, err := source.Sum(context.Background(), path)
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("read what was sent earlier: %w", err), Hint: "restore the file; it is part of the import"}
	}
	if sum != id.SHA256 {
		return nil, blocked.Errorf("restore the file; it is part of the import", "%s is not the file that the checkpoint names", path)
	}
	e, err := history.OpenEarlier(func() (io.ReadCloser, error) { return disk.Open(path) })
	if err != nil {
		return nil, &blocked.Error{Err: fmt.Errorf("%s: %w", path, err)}
	}
	return e, nil
}

// GoneOn says so when the import that another one was held against has sent something
// since; nothing when it has not, or is not there any more.
func GoneOn(disk journal.Disk, since *journal.Since) string {
	was := since.Imports[len(since.Imports)-1]
	is, err := journal.Read(disk, was.Dir)
	if err != nil || is.Header.ID != was.ID || is.Total.Sent <= was.Sent {
		return ""
	}
	return fmt.Sprintf("the import in %s has gone on since this one was held against it", was.Dir)
}

// AppendDecisions takes the decisions of a row into an index of histories.
func AppendDecisions(x *history.Batch, r *Row) {
	if r.Status == mapping.Mapped {
		for i := range r.Consents {
			if c := &r.Consents[i]; !c.Elsewhere {
				x.Consent(history.At(r.Row.Number, i+1), c.Consent, history.Fate{Pass: c.Pass, State: StateOf(c.Outcome.State)})
			}
		}
		return
	}
	if r.Status != mapping.Invalid {
		return
	}
	readable := r.Readable()
	for i := range readable {
		if c := &readable[i]; len(c.Subject()) > 0 && (r.ReadableElsewhere == nil || !r.ReadableElsewhere[i]) {
			x.Consent(history.At(r.Row.Number, i+1), c, history.Fate{State: history.Unsendable})
		}
	}
}

// StateOf is what an outcome means to a history.
func StateOf(s journal.State) history.State {
	switch s {
	case journal.Pending:
		return history.Open
	case journal.Sent:
		return history.Sent
	case journal.Superseded:
		return history.Held
	case journal.Known:
		return history.Known
	default:
		return history.Missed
	}
}

// Index is an index that a survey fills.
type Index struct {
	builder *history.Builder
	pool    sync.Pool // of *history.Batch
	record  func(*history.Batch, *Row)
}

// NewIndex makes an Index, with files in the directory of the survey. record
// takes a row in.
func (s *Survey) NewIndex(cfg history.Config, name string, record func(*history.Batch, *Row)) *Index {
	temps := &journal.Temps{Disk: s.disk, Dir: s.dir, Name: name}
	if cfg.Temp == nil {
		cfg.Temp = temps.Open
	}
	x := &Index{builder: history.NewBuilder(cfg), record: record}
	x.pool.New = func() any { return x.builder.NewBatch() }
	return x
}

// Visit is a Visitor.
func (x *Index) Visit(b *Batch) func() error {
	batch := x.pool.Get().(*history.Batch)
	for i := range b.Rows {
		x.record(batch, &b.Rows[i])
	}
	return func() error {
		defer x.pool.Put(batch)
		return x.builder.Add(batch)
	}
}

// Sort ends the filling; see history.Builder.
func (x *Index) Sort() (*history.Index, error) { return x.builder.Sort() }

// Close gives up an Index whose Sort is not called.
func (x *Index) Close() error { return x.builder.Close() }

package studio

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
)

// importHeader is what the first line of a checkpoint says.
type importHeader struct {
	Target  importTarget
	Reading struct{ Encoding string }
}

// importTarget is where an import goes, as its checkpoint says.
type importTarget struct {
	BaseURL string `json:"baseUrl"`
	Org     string `json:"org"`
	Project string `json:"project"`
	Sandbox bool   `json:"sandbox"`
}

// maxHeader bounds the first line of a checkpoint.
const maxHeader = 1 << 20

// importIn reads what an import belongs to: the first line of its checkpoint. It is nil
// when there is none.
func importIn(dir string) *importHeader {
	f, err := os.Open(filepath.Join(dir, "checkpoint.jsonl"))
	if err != nil {
		return nil
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxHeader)).ReadBytes('\n')
	var first struct {
		Header *importHeader `json:"header"`
	}
	if err != nil || json.Unmarshal(line, &first) != nil || first.Header == nil {
		return nil
	}
	return first.Header
}

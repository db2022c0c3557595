package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/source/s3test"
)

// An import from a real S3 server, stopped and gone on with, leaves the same files as one
// of the same export from disk, byte for byte but for times and names.
func TestAnImportFromS3EqualsTheLocalOne(t *testing.T) {
	server := s3test.Start(t)
	t.Parallel()
	r := newRehearsal(t, "")
	text := gzipped(exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "WRONG") + "3,short\n" + exportRow(4, "ann", "mail", "no") + exportRow(5, "cat", "stats", "no"))
	server.Put(t, "dir/export.csv.gz", []byte(text))

	files := map[string]map[string][]byte{}
	for place, export := range map[string]string{"local": r.write(t, "export.csv.gz", text), "s3": "s3://exports/dir/export.csv.gz"} {
		one := newRehearsal(t, "")
		one.env = append(one.env, server.Environment()...)
		out := filepath.Join(one.dir, "out")
		args := append(append([]string{"run", "--mapping", filepath.Join(one.dir, "plain.yaml"), "--out", out}, one.target()...), "--limit", "2", export)
		one.here(t, nil, args...).requireCode(t, exitIncomplete)
		args = append(append([]string{"run", "--out", out, "--resume"}, one.target()...), export)
		one.here(t, nil, args...).requireCode(t, exitFailures)
		one.here(t, nil, "verify", out).requireCode(t, exitComplete)
		files[place] = map[string][]byte{}
		for _, name := range []string{"successes.csv", "failures.csv", "rejected.csv", "decisions.csv"} {
			data, err := os.ReadFile(filepath.Join(out, name))
			require.NoError(t, err)
			files[place][name] = data
		}
		s := summaryIn(t, out)
		assert.EqualValues(t, len(text), s.Inputs[0].Bytes)
		for name, data := range files[place] {
			assert.False(t, bytes.Contains(data, []byte(s3test.Secret)), name)
		}
	}
	assert.Equal(t, files["local"], files["s3"])
}

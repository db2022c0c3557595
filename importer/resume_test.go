package importer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
)

// configOf is an import of a small export.
func configOf(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "export.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,decision,at\nann,yes,2024-01-01T00:00:00Z\nbob,no,2024-01-02T00:00:00Z\n"), 0o600))
	spec, err := mapping.Parse("plain.yaml", []byte(`name: plain
consent:
  userId: id
  action: {from: decision, values: {"yes": accept, "no": reject}}
  timestamp: at
  validUntil: unlimited
  source: {const: web}
  category: {const: mail}
`), nil)
	require.NoError(t, err)
	return Config{
		Disk: journal.OS{}, Dir: filepath.Join(dir, "out"), Source: source.Config{Paths: []string{path}}, Spec: spec,
		Target: journal.Target{BaseURL: "https://api.example/v1", Org: "acme", Project: "shop", Dialect: "docs"}, Now: time.Now,
	}
}

// A checkpoint whose checks hold may still be nonsense: it is refused.
func TestACheckpointWithoutTheDigestOfItsMappingIsRefused(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"", "abc", "0123456789a"} {
		cfg := configOf(t)
		im, err := Open(cfg)
		require.NoError(t, err)
		file := im.pass.Mapping.File
		require.NoError(t, im.Close())
		w, _, err := journal.Open(cfg.Disk, cfg.Dir)
		require.NoError(t, err)
		require.NoError(t, w.Pass(journal.Pass{N: 2, Kind: journal.Retry, Mapping: journal.Mapping{Name: "plain", SHA256: digest, File: file}}))
		require.NoError(t, w.Close())

		cfg.Resume = true
		_, err = Open(cfg)
		require.ErrorAs(t, err, new(*RefusedError), "%q", digest)
		assert.Contains(t, err.Error(), "digest")
		s, err := survey.Open(cfg.Disk, cfg.Dir, nil)
		require.NoError(t, err)
		_, err = s.Spec()
		require.ErrorAs(t, err, new(*RefusedError), "%q", digest)
		require.NoError(t, s.Close())
	}
}

// A retry looks back at what was sent.
func TestALaterPassLooksBackAtWhatWasSent(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"incomplete", "complete"} {
		cfg := configOf(t)
		im, err := Open(cfg)
		require.NoError(t, err)
		require.NoError(t, im.journal.Run(journal.Run{N: 1, At: time.Now(), Pass: 1, From: 1}))
		require.NoError(t, im.journal.Mark(journal.Mark{At: time.Now(), Low: im.from, High: 2}))
		require.NoError(t, im.journal.Append(journal.Outcome{Ref: journal.Ref{Row: 1, Consent: 1}, State: journal.Sent, Last: true}))
		require.NoError(t, im.journal.Append(journal.Outcome{Ref: journal.Ref{Row: 2, Consent: 1}, State: journal.Refused, Status: 400, Attempts: 1, Last: true}))
		require.NoError(t, im.journal.End(journal.End{At: time.Now(), State: state}))
		require.NoError(t, im.Close())

		cfg.Resume, cfg.Retry = true, true
		im, err = Open(cfg)
		require.NoError(t, err)
		require.NoError(t, im.Arrange(t.Context()))
		index, err := im.makeIndex(t.Context(), nil)
		require.NoError(t, err)
		assert.EqualValues(t, 2, index.Len(), "what was sent, and what comes again")
		require.NoError(t, index.Close())
		require.NoError(t, im.CommitPass())
		s, err := im.Survey()
		require.NoError(t, err)
		require.NoError(t, s.Each(t.Context()))
		require.Len(t, s.Facts().Inputs, 1)
		assert.NotEmpty(t, s.Facts().Inputs[0].SHA256, "the sums of reports")
		require.NoError(t, im.Close())
	}
}

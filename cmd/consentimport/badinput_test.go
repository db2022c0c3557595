package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each bad input gets a message of one or two lines that says what and where and
// what to do, and exit code 2 before anything was sent.
func TestBadInputIsRefused(t *testing.T) {
	good := exportHeader + exportRow(1, "ann", "mail", "yes")
	var cut bytes.Buffer
	z := gzip.NewWriter(&cut)
	_, _ = z.Write([]byte(good)) // to memory
	_ = z.Close()
	for name, c := range map[string]struct {
		export  string            // its text; "-" when there is none
		files   map[string]string // others beside it
		env     []string          // instead of the key
		flags   []string
		mapping string
		says    []string
	}{
		"a missing file":        {export: "-", says: []string{"export.csv", "does not exist"}},
		"an empty file":         {export: "", says: []string{"export.csv", "empty"}},
		"a directory":           {export: "-", files: map[string]string{"export.csv/part": good}, says: []string{"export.csv", "directory"}},
		"a truncated gzip":      {export: cut.String()[:cut.Len()-9], says: []string{"export.csv", "gzip"}},
		"two equal columns":     {export: "n,id,id,mail,purpose,decision,decided\n1,a,a,b,c,yes,d\n", says: []string{"plain.yaml:3:", "two columns", `"id"`}},
		"a column that lacks":   {export: strings.Replace(good, "decision", "decisions", 1), says: []string{"plain.yaml:5:", `"decision"`, `did you mean "decisions"`}},
		"a header only":         {export: exportHeader, says: []string{"the export has no rows"}},
		"rows that are none":    {export: strings.ReplaceAll(good, ",yes,", ",maybe,"), says: []string{"no row of the export makes a consent: all", "are invalid, the first because", `"decision"`}},
		"rows that say nothing": {export: strings.ReplaceAll(good, ",yes,", ",,"), says: []string{"no row of the export makes a consent: all", "are skipped, the first because: states no decision"}},
		"an unknown key": {export: good, mapping: strings.Replace(plainMapping, "  category:", "  categorie:", 1),
			says: []string{"plain.yaml:9:3", `"categorie"`, "did you mean", "category"}},
		"a default decision": {export: good, mapping: strings.Replace(plainMapping, `"no": reject}`, `"no": reject}, default: accept`, 1),
			says: []string{"plain.yaml:5:", "default"}},
		"an encoding nobody knows in a mapping": {export: good, mapping: strings.Replace(plainMapping, "consent:", "input:\n  encoding: utf-88\nconsent:", 1), says: []string{"plain.yaml:", `:13: encoding "utf-88" is unknown`}},
		"a delimiter of two signs":              {export: good, mapping: strings.Replace(plainMapping, "consent:", "input: {delimiter: \",,\"}\nconsent:", 1), says: []string{"plain.yaml:", `:20: delimiter ",," is not usable`}},
		"a mapping that is not valid YAML":      {export: good, mapping: "name: [", says: []string{"plain.yaml:1"}},
		"no mapping at all":                     {export: good, mapping: "-", says: []string{"plain.yaml"}},
		"no key":                                {export: good, env: []string{"X=1"}, says: []string{"API key", "--api-key-file", "INTEMPT_API_KEY"}},
		"an empty key":                          {export: good, env: []string{"INTEMPT_API_KEY=  "}, says: []string{"API key"}},
		"a key of two lines":                    {export: good, env: []string{"INTEMPT_API_KEY=secretive.one\nsecretive.two"}, says: []string{"API key", "line break"}},
		"a key file that lacks":                 {export: good, flags: []string{"--api-key-file", "nowhere.txt"}, says: []string{"nowhere.txt"}},
		"a key without a dot":                   {export: good, env: []string{"INTEMPT_API_KEY=secretive"}, flags: []string{"--dialect", "sdk"}, says: []string{"dot"}},
		"http to a public host":                 {export: good, flags: []string{"--base-url", "http://api.example.com/v1"}, says: []string{"--base-url", "https"}},
		"no organisation":                       {export: good, flags: []string{"--org", " "}, says: []string{"--org"}},
		"an unknown dialect":                    {export: good, flags: []string{"--dialect", "doc"}, says: []string{"dialect", "docs"}},
		"an unknown flag":                       {export: good, flags: []string{"--concurency", "3"}, says: []string{"--concurency"}},
		"a bad number":                          {export: good, flags: []string{"--concurrency", "0"}, says: []string{"concurrency is 0", "--concurrency"}},
		"a bad budget":                          {export: good, flags: []string{"--max-failures", "lots"}, says: []string{"--max-failures"}},
		"retry alone":                           {export: good, flags: []string{"--retry"}, says: []string{"--resume"}},
		"a pace that is not a number":           {export: good, flags: []string{"--rate", "NaN"}, says: []string{"--rate NaN"}},
		"a pace without an end":                 {export: good, flags: []string{"--rate", "Inf"}, says: []string{"--rate +Inf"}},
		"a dry run of some rows":                {export: good, flags: []string{"--dry-run", "--limit", "1"}, says: []string{"--limit", "--dry-run", "mapping try"}},
		"somebody's directory":                  {export: good, files: map[string]string{"export.csv.import/thesis.doc": "x"}, says: []string{"export.csv.import", "thesis.doc"}},
		"a file as directory":                   {export: good, files: map[string]string{"export.csv.import": "x"}, says: []string{"export.csv.import"}},
		"an unknown encoding":                   {export: good, flags: []string{"--encoding", "windows-12"}, says: []string{"windows-12"}},
		"a parameter that is no time":           {export: good, mapping: "preset", flags: []string{"--preset", "shopify", "--set", "timestamp=yesterday"}, says: []string{"yesterday", "given for the parameter timestamp: when these states held", "for example 2"}},
		"a parameter that is no zone":           {export: good, mapping: "preset", flags: []string{"--preset", "mailerlite", "--set", "timezone=Berlin"}, says: []string{"give an IANA name", "given for the parameter timezone"}},
		"an unknown preset":                     {export: good, mapping: "preset", flags: []string{"--preset", "onetrus"}, says: []string{"onetrus", "did you mean", "onetrust"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			if c.export != "-" {
				r.write(t, "export.csv", c.export)
			}
			for file, text := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(r.dir, file)), 0o700))
				r.write(t, file, text)
			}
			switch c.mapping {
			case "", "preset":
			case "-":
				require.NoError(t, os.Remove(filepath.Join(r.dir, "plain.yaml")))
			default:
				r.write(t, "plain.yaml", c.mapping)
			}
			if c.env != nil {
				r.env = c.env
			}
			args := r.args(c.flags...)
			if c.mapping == "preset" {
				args = append(append(append([]string{"run"}, r.target()...), c.flags...), r.export)
			}
			got := r.here(t, nil, args...).requireCode(t, exitRefused)
			message := got.message(t)
			for _, s := range c.says {
				assert.Contains(t, message, s)
			}
			assert.NotContains(t, message, "secretive")
			assert.NotContains(t, message, testKey)
			assert.NotContains(t, message, "%!")
			assert.Empty(t, got.stdout)
			assert.Zero(t, r.server.Stats().Requests, "nothing was sent")
		})
	}
}

// What is wrong with standard input is said of it, and not of the file that keeps it.
func TestBadStandardInputIsCalledThat(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	run := append(append([]string{"run", "--mapping", filepath.Join(r.dir, "plain.yaml"), "--out", r.out()}, r.target()...), "-")
	for _, c := range []struct {
		text, says string
		args       []string
	}{
		{"", "standard input is empty", run},
		{"n\xff,x\n1,2\n", "read standard input: read header on line 1", run},
		{"", "standard input is empty", []string{"inspect", "-"}},
		{"", "standard input is empty", []string{"mapping", "try", filepath.Join(r.dir, "plain.yaml"), "-"}},
	} {
		r.stdin = strings.NewReader(c.text)
		got := r.here(t, nil, c.args...).requireCode(t, exitRefused)
		assert.Contains(t, got.stderr, c.says, c.args[0])
		assert.NotRegexp(t, `input\.zst|consentimport-stdin`, got.stderr, c.args[0])
	}
}

// An export that has rows which cannot be read has everything else imported.
func TestBadRowsAreOutcomes(t *testing.T) {
	row := func(n int, subject string) string { return exportRow(n, subject, "mail", "yes") }
	for name, c := range map[string]struct {
		text    string
		sent    []string
		invalid []string // rows, of failures.csv
		lines   []string
		reason  string
	}{
		"invalid UTF-8": {text: exportHeader + row(1, "ann") + row(2, "b\xffb") + row(3, "cat"),
			sent: []string{"1", "3"}, invalid: []string{"2"}, lines: []string{"3"}, reason: "UTF-8"},
		"too few cells": {text: exportHeader + row(1, "ann") + "2,bob\n" + row(3, "cat"),
			sent: []string{"1", "3"}, invalid: []string{"2"}, lines: []string{"3"}, reason: "cells"},
		"too many cells": {text: exportHeader + row(1, "ann") + strings.TrimSuffix(row(2, "bob"), "\n") + ",x\n" + row(3, "cat"),
			sent: []string{"1", "3"}, invalid: []string{"2"}, lines: []string{"3"}, reason: "cells"},
		"a row of 2 MiB": {text: exportHeader + row(1, "ann") + row(2, strings.Repeat("b", 2<<20)) + row(3, "cat"),
			sent: []string{"1", "3"}, invalid: []string{"2"}, lines: []string{"3"}, reason: "1 MiB"},
		"no newline at the end": {text: exportHeader + strings.TrimSuffix(row(1, "ann"), "\n"), sent: []string{"1"}},
		"a blank line":          {text: exportHeader + row(1, "ann") + "\n" + row(2, "bob"), sent: []string{"1", "2"}},
		"two equal rows":        {text: exportHeader + row(1, "ann") + row(1, "ann"), sent: []string{"1"}}, // the other is superseded
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", c.text)
			code := exitComplete
			if c.invalid != nil {
				code = exitFailures
			}
			r.here(t, nil, r.args()...).requireCode(t, code)
			assert.Equal(t, c.sent, column(t, r.out(), "successes.csv", "row"))
			assert.Equal(t, c.invalid, column(t, r.out(), "failures.csv", "row"))
			assert.Equal(t, c.lines, column(t, r.out(), "failures.csv", "line"))
			for _, reason := range append(column(t, r.out(), "failures.csv", "message"), column(t, r.out(), "failures.csv", "reason")...) {
				if strings.Contains(reason, c.reason) {
					c.reason = ""
				}
			}
			assert.Empty(t, c.reason, "the reason is given")
			assert.Len(t, r.server.Consents(), len(c.sent))
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

// A quote that is never closed takes a row, not the rest of the file.
func TestAForgottenQuoteCostsOneRow(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	size := 4 << 20
	if soak {
		size = 100 << 20
	}
	var text strings.Builder
	text.WriteString(exportHeader)
	n, open := 0, 0
	for text.Len() < size {
		n++
		row := exportRow(n, "u"+strings.Repeat("x", n%50), "mail", "yes")
		if open == 0 && text.Len() > size/2 {
			open = n
			row = strings.Replace(row, ",u", `,"u`, 1)
		}
		text.WriteString(row)
	}
	r.write(t, "export.csv", text.String())
	r.here(t, nil, "run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), r.export).requireCode(t, exitFailures)
	dir := r.export + ".dry-run"
	s := summaryIn(t, dir)
	assert.EqualValues(t, n, s.Rows.Read)
	assert.EqualValues(t, n-1, s.Consents.Made)
	require.EqualValues(t, 1, s.Rows.Invalid)
	require.Len(t, s.FailureGroups, 1)
	assert.Equal(t, []int64{int64(open)}, s.FailureGroups[0].Rows)
	assert.Contains(t, s.FailureGroups[0].Reason, "quote")
}

// What an export holds behind its first bytes may turn out to be broken: that is found
// before anything is sent.
func TestAnExportThatBreaksOffIsRefused(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 8_000, "")
	text, err := os.ReadFile(r.export)
	require.NoError(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	r.export = r.write(t, "export.csv.gz", packed.String()[:packed.Len()*9/10])
	got := r.here(t, nil, r.args()...).requireCode(t, exitRefused)
	assert.Contains(t, got.stderr, "gzip")
	assert.Zero(t, r.server.Stats().Stored)
	// Got again, as a whole this time, it goes on.
	r.write(t, "export.csv.gz", packed.String())
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

func TestAWrongKeyStopsTheRun(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 500, "")
	r.env = []string{"INTEMPT_API_KEY=wrong.markedsecret"}
	got := r.here(t, nil, r.args()...).requireCode(t, exitIncomplete)
	assert.Contains(t, got.stderr, "401")
	assert.NotContains(t, got.stderr+got.stdout, "markedsecret")
	s := summaryIn(t, r.out())
	assert.Zero(t, s.Consents.Refused, "nothing is counted as refused")
	assert.Equal(t, s.Consents.Made, s.Consents.Pending)
	assert.Zero(t, r.server.Stats().Stored)
	// The key of a file, with a newline at its end, is taken without it.
	r.env = nil
	key := r.write(t, "key.txt", testKey+"\r\n")
	r.here(t, nil, r.args("--resume", "--api-key-file", key)...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

func TestAnOrganisationWithASpaceIsEncoded(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 5, "")
	r.here(t, nil, r.args("--org", "acme inc")...).requireCode(t, exitComplete)
	projects := r.server.Stats().Projects
	require.Len(t, projects, 1)
	for path, n := range projects {
		assert.Contains(t, []string{"acme inc/shop", "acme%20inc/shop"}, path)
		assert.EqualValues(t, 5, n)
	}
}

// The checkpoint knows what it belongs to.
func TestACheckpointOfSomethingElseIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, r *rehearsal)
		flags  []string
		says   []string
	}{
		"another export": {change: func(t *testing.T, r *rehearsal) {
			r.write(t, "export.csv", exportHeader+strings.Repeat(exportRow(9, "zoe", "mail", "no"), 200))
		}, says: []string{"export", "--restart"}},
		"an export that shrank": {change: func(t *testing.T, r *rehearsal) {
			r.write(t, "export.csv", exportHeader)
		}, says: []string{"export", "--restart"}},
		"one byte of the export": {change: func(t *testing.T, r *rehearsal) {
			text, err := os.ReadFile(r.export)
			require.NoError(t, err)
			text[len(exportHeader)+7] ^= 1
			r.write(t, "export.csv", string(text))
		}, says: []string{"export", "--restart"}},
		"another mapping": {change: func(t *testing.T, r *rehearsal) {
			r.write(t, "plain.yaml", strings.Replace(plainMapping, "web", "app", 1))
		}, says: []string{"mapping has changed", "--retry"}},
		"another organisation": {flags: []string{"--org", "other"}, says: []string{`"acme"`, `"other"`, "--out"}},
		"another dialect":      {flags: []string{"--dialect", "sdk"}, says: []string{`"docs"`, `"sdk"`}},
		"another base URL":     {flags: []string{"--base-url", "https://api.example.com/v1"}, says: []string{"base URL", "api.example.com"}},
		"another delimiter":    {flags: []string{"--delimiter", ";"}, says: []string{`','`, `';'`, "omit --format, --delimiter and --encoding"}},
		"another format":       {flags: []string{"--format", "jsonl"}, says: []string{"csv", "jsonl", "--restart"}},
		"another encoding":     {flags: []string{"--encoding", "windows-1252"}, says: []string{"utf-8", "windows-1252", "--restart"}},
		"another parameter":    {flags: []string{"", "--set", "zone=UTC"}, says: []string{"--set", "--mapping FILE"}},
		"standard input":       {flags: []string{"-"}, says: []string{"export.csv", "standard input", "--restart"}},
		"a byte flipped": {change: func(t *testing.T, r *rehearsal) {
			path := filepath.Join(r.out(), "checkpoint.jsonl")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			text[len(text)/2] ^= 1
			require.NoError(t, os.WriteFile(path, text, 0o600))
		}, says: []string{"checkpoint", "line", "--restart"}},
		"a stored mapping changed": {change: func(t *testing.T, r *rehearsal) {
			files, err := filepath.Glob(filepath.Join(r.out(), "mapping-*.yaml"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			require.NoError(t, os.WriteFile(files[0], []byte(strings.Replace(plainMapping, `"no": reject`, `"no": accept`, 1)), 0o600))
		}, says: []string{"mapping-"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, 300, "")
			r.here(t, nil, r.args("--limit", "100")...).requireCode(t, exitIncomplete)
			before := r.server.Stats().Requests
			journal, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
			require.NoError(t, err)
			if c.change != nil {
				c.change(t, r)
				if name == "a byte flipped" {
					journal, err = os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
					require.NoError(t, err)
				}
			}
			args := r.args(append([]string{"--resume"}, c.flags...)...)
			switch {
			case name == "another parameter": // of the mapping that is stored
				args = append(append(append([]string{"run", "--resume"}, r.target()...), c.flags[1:]...), r.export)
			case name == "standard input":
				args = append(append([]string{"run", "--resume", "--out", r.out()}, r.target()...), "-")
			}
			got := r.here(t, nil, args...).requireCode(t, exitRefused)
			message := got.message(t)
			for _, s := range c.says {
				assert.Contains(t, message, s)
			}
			assert.Equal(t, before, r.server.Stats().Requests, "nothing was sent")
			after, err := os.ReadFile(filepath.Join(r.out(), "checkpoint.jsonl"))
			require.NoError(t, err)
			assert.Equal(t, string(journal), string(after), "nothing was written either")
		})
	}
}

// A torn last line is dropped, and the import goes on.
func TestATornLineIsDropped(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "")
	r.here(t, nil, r.args("--limit", "100")...).requireCode(t, exitIncomplete)
	path := filepath.Join(r.out(), "checkpoint.jsonl")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text[:len(text)-5], 0o600))
	r.here(t, nil, r.args("--resume")...).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	r := rehearse(t, 300, "latency=50ms")
	first := r.start(t, r.args("--concurrency", "8")...)
	require.Eventually(t, func() bool { return r.server.Stats().Stored > 0 }, waitFor, tick)
	for _, flags := range [][]string{{"--resume"}, {"--restart"}, {}} {
		got := r.here(t, nil, r.args(flags...)...).requireCode(t, exitRefused)
		assert.Contains(t, got.message(t), "other process")
	}
	first.wait(t).requireCode(t, exitComplete)
	assert.Zero(t, r.account(t))
}

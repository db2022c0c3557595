package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is refused before anything was sent leaves nothing behind: no directory,
// no copy of standard input; and what --restart set aside is where it was.
func TestWhatIsRefusedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	text := exportHeader + exportRow(1, "ann", "mail", "yes") + exportRow(2, "bob", "mail", "no")
	for name, c := range map[string]struct {
		export  string
		mapping string
		flags   []string
		stdin   bool
	}{
		"not what was approved":     {flags: []string{"--approved", "c0ffee"}},
		"the same, standard input":  {flags: []string{"--approved", "c0ffee"}, stdin: true},
		"a finding, strictly":       {export: strings.ReplaceAll(text, "2024-", "2094-"), flags: []string{"--strict"}},
		"a column that lacks":       {mapping: strings.Replace(plainMapping, "decided", "decide", 1)},
		"the same, from input":      {mapping: strings.Replace(plainMapping, "decided", "decide", 1), stdin: true},
		"nothing on standard input": {export: "\n", stdin: true},
		"an empty export":           {export: "\n"},
	} {
		for _, before := range []string{"nothing", "a directory", "an import"} {
			t.Run(name+", before it "+before, func(t *testing.T) {
				t.Parallel()
				r := newRehearsal(t, "")
				out := filepath.Join(r.dir, "out")
				flags := append([]string{"--out", out}, c.flags...)
				switch before {
				case "a directory":
					require.NoError(t, os.Mkdir(out, 0o700))
				case "an import":
					r.write(t, "export.csv", text)
					r.here(t, nil, r.args("--out", out)...).requireCode(t, exitComplete)
					flags = append(flags, "--restart")
				}
				want := filesBelow(t, out)
				requests := r.server.Stats().Requests

				export := c.export
				if export == "" {
					export = text
				}
				r.write(t, "export.csv", strings.TrimPrefix(export, "\n"))
				if c.mapping != "" {
					r.write(t, "plain.yaml", c.mapping)
				}
				if c.stdin {
					r.stdin, r.export = strings.NewReader(strings.TrimPrefix(export, "\n")), "-"
				}
				r.here(t, nil, r.args(flags...)...).requireCode(t, exitRefused)
				assert.Equal(t, requests, r.server.Stats().Requests)
				got := filesBelow(t, out)
				if before == "a directory" {
					delete(got, ".lock") // which another process may wait for
				}
				assert.Equal(t, want, got)
				left, err := os.ReadDir(r.dir)
				require.NoError(t, err)
				for _, e := range left {
					switch n := e.Name(); {
					case n == "export.csv", n == "plain.yaml":
					case n == "out" && before != "nothing":
					default:
						assert.Fail(t, "left behind", "%s", n)
					}
				}
			})
		}
	}
}

// A retry or a repair that is refused has not begun: a resume after it sends
// nothing under a mapping that nobody approved, or of a repair.
func TestALaterPassThatIsRefusedHasNotBegun(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(t *testing.T, r *rehearsal, flags ...string) finished{
		"retry": func(t *testing.T, r *rehearsal, flags ...string) finished {
			r.write(t, "plain.yaml", strings.NewReplacer("const: web", "const: shop", `"no": reject`, `"no": reject, hm: accept`).Replace(plainMapping))
			return r.here(t, nil, r.args(append(flags, "--resume", "--retry")...)...)
		},
		"repair": func(t *testing.T, r *rehearsal, flags ...string) finished {
			return r.repair(t, repairedRow(2, "bob", "mail", "yes"), flags...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRehearsal(t, "")
			r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes")+exportRow(2, "bob", "mail", "hm"))
			r.here(t, nil, r.args()...).requireCode(t, exitFailures)
			before := filesIn(t, r.out())
			pass(t, r, "--approved", "c0ffee").requireCode(t, exitRefused)
			assert.Equal(t, before, filesIn(t, r.out()))
			r.write(t, "plain.yaml", plainMapping)
			r.here(t, nil, r.args("--resume")...).requireCode(t, exitFailures)
			assert.Len(t, r.server.Consents(), 1)
			pass(t, r).requireCode(t, exitComplete)
			assert.Len(t, r.server.Consents(), 2)
			r.here(t, nil, "verify", r.out()).requireConsistent(t)
		})
	}
}

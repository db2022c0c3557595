package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/summary"
)

// Invocation is the command line that began an import, so that the next
// command can repeat it. Without Exports it is put together from what the
// journal knows.
type Invocation struct {
	Program string   // "consentimport"
	Exports []string // as they were given
	Flags   []Flag   // of run, in order, those that were given
	// Lasting is the directory of the dry run that has to be made before a command can name
	// one: what this one wrote is gone when the program ends, as after a rehearsal. Empty:
	// it stays.
	Lasting string
	// stored is the mapping as it lies in the out directory.
	stored string
	// unfinished are the shards that keep a join from being complete; nil: none.
	unfinished *unfinished
	// closed says that nothing more leaves from the import; nil: it may.
	closed *closed
}

// Flag is a flag of run as it was given.
type Flag struct {
	Name   string // without dashes
	Value  string
	Switch bool // it is on, and takes no value
	// Passing: the value names what cannot be read again, such as a pipe.
	Passing bool
}

// momentary are the flags that belong to one run and not to the import.
var momentary = []string{"dry-run", "resume", "retry", "restart", "repair", "limit", "json", "quiet", "verbose"}

// command writes a run of the same import. Flags named in without are left
// out; the words in more follow at the end.
func (v *Invocation) command(exports []string, without []string, more ...string) string {
	words := []string{v.program(), "run"}
	for _, path := range exports {
		words = append(words, PathWord(path))
	}
	for _, f := range v.Flags {
		switch {
		case slices.Contains(momentary, f.Name) || slices.Contains(without, f.Name):
		case f.Switch:
			words = append(words, "--"+f.Name)
		case f.Passing && f.Name == "mapping" && v.stored != "":
			words = append(words, "--"+f.Name, v.stored)
		case f.Passing && slices.Contains(more, "--resume"): // the import has kept what was in it
		default:
			words = append(words, "--"+f.Name, f.Value)
		}
	}
	return ShellLine(append(words, more...))
}

// PathWord is a path as a word of a command line: one that begins with a dash would be
// taken for a flag.
func PathWord(path string) string {
	if len(path) > 1 && path[0] == '-' {
		return "./" + path
	}
	return path
}

// on is another command of the program about the out directory.
func (v *Invocation) on(dir string, words ...string) string {
	return ShellLine(append(append([]string{v.program()}, words...), PathWord(dir)))
}

// CommandOn is a command of the program about an out directory, as a shell takes it.
func CommandOn(dir string, words ...string) string {
	var v Invocation
	return v.on(dir, words...)
}

func (v *Invocation) program() string {
	if v.Program == "" {
		return "consentimport"
	}
	return v.Program
}

// flag gives the value of a flag, or "".
func (v *Invocation) flag(name string) string {
	for _, f := range v.Flags {
		if f.Name == name && !f.Passing {
			return f.Value
		}
	}
	return ""
}

// goesOnWith makes a run that repaired rows one of the import that they belong
// to. The repaired file as an export, or no --out, would begin another import and
// send its rows once more, outside the order of the first.
func (v *Invocation) goesOnWith(exports []string, dir string) {
	v.Exports = exports
	if len(exports) == 0 || dir != exports[0]+".import" {
		v.Flags = append(slices.Clone(v.Flags), Flag{Name: "out", Value: dir})
	}
}

// ShellLine joins words so that a POSIX shell takes them apart again.
func ShellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellQuote(w)
	}
	return strings.Join(quoted, " ")
}

// shellQuote quotes a word when a shell would not take it as it is, or what prints it would
// not leave it as it is: such as a line feed, which has printf write it.
func shellQuote(w string) string {
	if "x"+w+"x" != spelling.OneLine("x"+w+"x") {
		return shellWritten(w)
	}
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// shellWritten is a word of printable letters alone that a POSIX shell makes another one of.
// Line feeds at the end are lost there, so such a word is quoted as bash, ksh, zsh and BusyBox
// take it.
func shellWritten(w string) string {
	var b strings.Builder
	atEnd := strings.HasSuffix(w, "\n")
	for rest := w; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch printable := string(r) == spelling.OneLine(string(r)); {
		case !printable || r == utf8.RuneError || r == '\'' || r == '-' && b.Len() == 0: // which printf would take for an option
			for _, c := range []byte(rest[:n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		case r == '\\':
			b.WriteString(`\\`)
		case r == '%' && !atEnd:
			b.WriteString(`%%`)
		default:
			b.WriteRune(r)
		}
		rest = rest[n:]
	}
	if atEnd {
		return "$'" + b.String() + "'"
	}
	return `"$(printf '` + b.String() + `')"`
}

// recall puts a command line together that goes on with the import that facts
// describe: with the mapping as it lies in the out directory.
func recall(program, dir string, facts *survey.Facts) Invocation {
	h := &facts.Header
	v := Invocation{Program: program}
	for _, in := range h.Inputs {
		v.Exports = append(v.Exports, in.Path)
	}
	add := func(name, value, standard string) {
		if value != standard {
			v.Flags = append(v.Flags, Flag{Name: name, Value: value})
		}
	}
	if n := len(facts.Passes); n > 0 {
		add("mapping", filepath.Join(dir, facts.Passes[n-1].Mapping.File), "")
	}
	if h.Target.Sandbox {
		v.Flags = append(v.Flags, Flag{Name: "sandbox", Switch: true})
	} else {
		add("base-url", h.Target.BaseURL, intempt.DefaultBaseURL)
		add("org", h.Target.Org, "")
		add("project", h.Target.Project, "")
	}
	add("dialect", h.Target.Dialect, "docs")
	if d, err := intempt.ParseDialect(h.Target.Dialect); err == nil {
		of := intempt.Wording{Dialect: d}.Resolved()
		is := intempt.Wording{Dialect: d, Auth: h.Target.Auth, Times: h.Target.Times, ValidUntil: h.Target.ValidUntil}.Resolved()
		add("auth", is.Auth, of.Auth)
		add("times", is.Times, of.Times)
		add("valid-until", is.ValidUntil, of.ValidUntil)
	}
	if n := len(facts.Runs); n > 0 && (facts.End == nil || facts.End.State != summary.Complete) {
		if hash, ok := strings.CutPrefix(facts.Runs[n-1].Approved, "hash:"); ok { // what is left was approved, too
			add("approved", hash, "")
		}
	}
	add("history", h.History, "chronological")
	add("shard", h.Shard, "1/1")
	add("format", h.Reading.Format, "")
	add("delimiter", h.Reading.Delimiter, "")
	add("encoding", h.Reading.Encoding, "")
	if len(v.Exports) > 0 {
		add("out", dir, v.Exports[0]+".import")
	}
	return v
}

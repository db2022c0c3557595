package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(env *environment) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man [COMMAND...]",
		Short: "Print a man page, or write all of them to a directory",
		Long: `man makes man pages (section 1) of what --help says: the page of one command on standard
output, or with --dir one file a command. SOURCE_DATE_EPOCH gives them a date that repeats.`,
		Example: `  consentimport man run | man -l -
  consentimport man --dir /usr/local/share/man/man1`,
		Args: func(c *cobra.Command, args []string) error {
			if dir != "" && len(args) > 0 {
				return usage("omit COMMAND: all pages are written", "--dir and a command are both given")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			pages := newRoot(env)
			walk(pages, preparePage)
			if dir != "" {
				return writePages(dir, pages)
			}
			c, rest, err := pages.Find(args)
			if err != nil || len(rest) > 0 {
				return helpOn(newRoot(env), args)
			}
			return doc.GenMan(c, manHeader(), env.stdout)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write all pages into `DIR`, which is created if it does not exist")
	_ = c.MarkFlagDirname("dir")
	return c
}

// manHeader is what a page says of itself. Cobra fills in the rest, and writes
// into it, so every page gets its own.
func manHeader() *doc.GenManHeader {
	return &doc.GenManHeader{Section: "1", Source: "consentimport " + version(), Manual: "consentimport"}
}

// preparePage makes the text of a command one that survives the Markdown that
// cobra turns it into on its way to roff: lists and tables, which --help indents,
// become blocks that keep their lines, and all else means itself.
func preparePage(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.InitDefaultHelpFlag()
	var b strings.Builder
	block := false
	for line := range strings.SplitSeq(c.Long, "\n") {
		indented := strings.HasPrefix(line, "  ")
		if indented != block && line != "" {
			b.WriteByte('\n')
			block = indented
		}
		if indented {
			b.WriteString("    " + line[2:])
		} else {
			b.WriteString(markdownText.Replace(line))
		}
		b.WriteByte('\n')
	}
	c.Long = strings.TrimSpace(b.String())
}

// markdownText takes the meaning from what Markdown would take for its own.
var markdownText = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "<", `\<`)

// writePages writes the pages of a command and all below it.
func writePages(dir string, root *cobra.Command) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return refused(err)
	}
	var failed error
	walk(root, func(c *cobra.Command) {
		if failed != nil || !c.IsAvailableCommand() && c != root {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		var page bytes.Buffer
		if failed = doc.GenMan(c, manHeader(), &page); failed == nil {
			failed = refused(os.WriteFile(filepath.Join(dir, name), page.Bytes(), 0o644)) // for everybody to read
		}
	})
	return failed
}

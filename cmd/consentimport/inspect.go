package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/source"
)

func newInspect(env *environment) *cobra.Command {
	var read readFlags
	var suggest, asJSON, full bool
	c := &cobra.Command{
		Use:   "inspect EXPORT...",
		Short: "Say what an export is, which presets fit, and suggest a mapping",
		Long: `inspect reads an export to its end and says what it is: format, compression, encoding and
delimiter with the evidence for each, rows, what every column (of JSON: every path) holds, the
form of its times as far as the data proves it, and which presets fit. Samples are masked. It
prints two screens at most; --full prints everything.

With --suggest it prints a mapping to start from. Where that says DECIDE, you must decide, first
of all which value is an accept and which a reject: this is never guessed.`,
		Example: `  consentimport inspect preferences.csv
  consentimport inspect --suggest preferences.csv > acme.yaml && consentimport mapping check acme.yaml
  consentimport inspect --json export-*.json.gz | jq .columns`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			if suggest && asJSON {
				return usage("give only one of them", "--suggest and --json are both given")
			}
			ctx, release := env.interruptible(messages{env}.note, stopping)
			defer release()
			paths, err := env.exports(args)
			if err != nil {
				return err
			}
			read.remote = env.access(ctx)
			in, err := inspected(ctx, env, read.config(paths))
			if err != nil {
				return err
			}
			switch {
			case suggest:
				_, err = fmt.Fprintf(env.stdout, "%s%s", schemaLine, in.SuggestMapping())
			case asJSON:
				e := json.NewEncoder(env.stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				err = e.Encode(in)
			default:
				err = printInspection(env.stdout, in, full, func(words ...string) string { return read.command(paths, words...) })
			}
			return err
		},
	}
	read.register(c)
	c.Flags().BoolVar(&suggest, "suggest", false, "print a mapping to start from")
	c.Flags().BoolVar(&full, "full", false, "print everything, however long; without it at most two screens")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return c
}

// inspected reads an export and says what it is.
func inspected(ctx context.Context, env *environment, cfg source.Config) (in *inspect.Inspection, err error) {
	err = withStdin(ctx, env, cfg, func(cfg source.Config) error {
		in, err = inspectFiles(ctx, cfg)
		return err
	})
	if err == nil && cfg.Paths[0] == "-" {
		for i := range in.Inputs {
			in.Inputs[i].Path = "-"
		}
	}
	return in, err
}

// withStdin gives a function the files of an export; standard input is kept in a
// file for as long as that takes, for an export is looked at more than once.
func withStdin(ctx context.Context, env *environment, cfg source.Config, use func(source.Config) error) error {
	if len(cfg.Paths) != 1 || cfg.Paths[0] != "-" {
		for _, p := range cfg.Paths {
			if p == "-" {
				return usage("give - as the only argument", "standard input (-) cannot be combined with other files")
			}
		}
		return use(cfg)
	}
	dir, err := os.MkdirTemp("", "consentimport-stdin-") // no other user can look into it
	if err != nil {
		return usage("give the export as a file", "keep standard input: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "stdin")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(f, newUntilDone(ctx, env.stdin))
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return usage("give the export as a file", "keep standard input: %w", err)
	}
	cfg.Paths = []string{path}
	return source.AboutStdin(use(cfg), path)
}

func inspectFiles(ctx context.Context, cfg source.Config) (*inspect.Inspection, error) {
	in, err := inspect.Inspect(ctx, cfg)
	if err != nil && ctx.Err() != nil {
		return nil, &exitError{exitIncomplete, err, "run it again and let it finish"}
	}
	return in, refused(err)
}

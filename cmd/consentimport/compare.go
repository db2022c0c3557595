package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/journal"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report"
	"github.com/consentimport/consentimport/report/html"
	"github.com/consentimport/consentimport/report/summary"
	"github.com/consentimport/consentimport/report/text"
	"github.com/consentimport/consentimport/report/wording"
)

// compareImports says what differs between two imports, and ends with 3 if anything does.
func compareImports(env *environment, a, b, page string, asJSON bool) error {
	if importer.SameFile(a, b) {
		return usage("give the out directories of two imports", "report --compare: %s and %s are the same directory", a, b)
	}
	var sides [2]*report.Stored
	for i, dir := range []string{a, b} {
		if err := importer.CheckOurs(dir); err != nil {
			return err
		}
		var err error
		if sides[i], err = report.OpenStored(env.disk, dir); err != nil {
			return refused(err)
		}
	}
	d, err := report.Differ(sides[0], sides[1])
	if err != nil {
		return err
	}
	if page != "" {
		if err := writePage(env, page, func(w io.Writer) error {
			return html.WriteDifference(w, d, linkTo(page, a, sides[0].Summary), linkTo(page, b, sides[1].Summary))
		}); err != nil {
			return err
		}
	}
	if asJSON {
		err = summary.JSON(env.stdout, d)
	} else {
		err = text.Difference(env.stdout, d)
	}
	if err != nil {
		return err
	}
	if d.Differs {
		return endWith(exitFailures)
	}
	return nil
}

// indexImports lists imports, and ends as the gravest of them.
func indexImports(env *environment, dirs []string, page string, asJSON bool) error {
	gravity := []int{exitComplete, exitFailures, exitIncomplete, exitPermissive, exitInternal}
	worst := 0
	var all []summary.Entry
	for _, dir := range dirs {
		e := summary.Entry{Dir: dir}
		code := exitIncomplete
		err := importer.CheckOurs(dir)
		if err == nil {
			e.Summary, err = report.StoredSummary(env.disk, dir)
		}
		if err != nil {
			e.Missing = spelling.OneLine(err.Error())
		} else {
			code, e.Link = e.Summary.ExitCode, linkTo(page, dir, e.Summary)
		}
		worst = max(worst, slices.Index(gravity, code))
		all = append(all, e)
	}
	if page != "" {
		if err := writePage(env, page, func(w io.Writer) error { return html.WriteIndex(w, all) }); err != nil {
			return err
		}
	}
	if asJSON {
		if err := summary.JSON(env.stdout, all); err != nil {
			return err
		}
		return endWith(gravity[worst])
	}
	var rows [][]string
	for _, e := range all {
		code, how := "-", "NO REPORT: "+e.Missing
		if e.Summary != nil {
			how, _ = summary.Verdict(e.Summary)
			code = strconv.Itoa(e.Summary.ExitCode)
		}
		rows = append(rows, []string{spelling.OneLine(e.Dir), code, how})
	}
	if _, err := io.WriteString(env.stdout, wording.Columns(rows, 3)); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return endWith(gravity[worst])
}

// linkTo is the way from a page to the report in dir; empty when there is none. A shard
// has no page.
func linkTo(page, dir string, s *summary.Summary) string {
	if page == "" || !slices.Contains(s.Files, html.Name) {
		return ""
	}
	from, errFrom := filepath.Abs(filepath.Dir(page))
	to, errTo := filepath.Abs(filepath.Join(dir, html.Name))
	way, err := filepath.Rel(from, to)
	if errors.Join(errFrom, errTo, err) != nil {
		return ""
	}
	var parts []string
	for _, part := range strings.Split(filepath.ToSlash(way), "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return "./" + strings.Join(parts, "/")
}

// writePage puts a page in place, whole. What is there already is replaced only if it is a
// page itself: a slip must not cost a checkpoint.
func writePage(env *environment, path string, write func(io.Writer) error) error {
	const start = "<!doctype html>"
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return usage("name a file to write", "--html %s: %w", path, err)
	case !info.Mode().IsRegular():
		return usage("name a file to write, such as index.html", "--html: %s is not a regular file", path)
	default:
		head := make([]byte, len(start))
		f, err := os.Open(path)
		if err == nil {
			_, err = io.ReadFull(f, head)
			_ = f.Close() // it was only read
		}
		if err != nil || !bytes.EqualFold(head, []byte(start)) {
			return usage("name another file, or remove this one", "--html: %s is there already and is not a page", path)
		}
	}
	if err := journal.AtomicWrite(env.disk, path, write); err != nil {
		return usage("name a file to write, in a directory that is there", "write --html: %w", err)
	}
	return nil
}

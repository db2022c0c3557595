package main

import (
	"cmp"
	"crypto/sha256"
	testflag "flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// updateLicences writes LICENSES.txt, for a person to look at the difference:
//
//	go test ./cmd/consentimport -run TestLicences -licences
var updateLicences = testflag.Bool("licences", false, "write LICENSES.txt")

// licences are what the licences that may be in the program say of themselves. Whoever adds
// one has read it: it must let the program be handed on under its own.
var licences = []struct {
	name string
	says *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`Apache License,? Version 2\.0`)},
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining a copy`)},
	{"BSD-3-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms.* Neither the name of `)},
	{"BSD-2-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(?:/or)? distribute this software for any purpose with or without fee`)},
}

// others are licences that are not for this program, wherever they are named as granted.
var others = regexp.MustCompile(`GNU (?:AFFERO |LESSER |LIBRARY )?GENERAL PUBLIC LICENSE|Mozilla Public License,? [Vv]ersion|Business Source License|Server Side Public License|Creative Commons`)

// licencesIn names what a text grants; nil when it is not known.
func licencesIn(text string) (names []string) {
	flat := strings.Join(strings.Fields(text), " ")
	if others.MatchString(flat) {
		return nil
	}
	for _, l := range licences {
		if l.says.MatchString(flat) && !(l.name == "BSD-2-Clause" && slices.Contains(names, "BSD-3-Clause")) {
			names = append(names, l.name)
		}
	}
	return names
}

// legal finds the files of a module that say on which terms it is given.
var legal = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice)([.-].*)?$`)

// licensed is a module in the program, or Go itself.
type licensed struct {
	name  string
	names []string // of its licences
	texts []string
}

// builtIn are the modules that are in the program on any of the systems that it is released
// for, as their files say.
func builtIn(t *testing.T) []licensed {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	dirs := map[string]licensed{strings.TrimSpace(string(root)): {name: "Go (standard library)"}}
	for _, system := range []string{"linux", "darwin", "windows", "freebsd"} {
		c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", ".")
		c.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		c.Stderr = os.Stderr
		out, err := c.Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) == 2 {
				dirs[f[1]] = licensed{name: f[0]}
			}
		}
	}
	var all []licensed
	for dir, m := range dirs {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			if !legal.MatchString(e.Name()) || e.IsDir() {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			names := licencesIn(string(text))
			if names == nil && !strings.HasPrefix(strings.ToLower(e.Name()), "notice") {
				assert.Fail(t, "a licence that is not known", "%s of %s: read it, and add it to licences in this file or do without the module", e.Name(), m.name)
			}
			m.names = append(m.names, names...)
			m.texts = append(m.texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		}
		slices.Sort(m.names)
		m.names = slices.Compact(m.names)
		assert.NotEmpty(t, m.names, "%s says nothing of a licence", m.name)
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b licensed) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	require.Greater(t, len(all), 20)
	return all
}

// What is in the program is listed with its licences, whole, in a file that every release
// brings along; a licence that nobody has looked at fails.
func TestLicences(t *testing.T) {
	t.Parallel()
	var list, texts strings.Builder
	list.WriteString("What the program is made of, and on which terms. Its own licence is in LICENSE.\n\n")
	first := map[[sha256.Size]byte]string{}
	for _, m := range builtIn(t) {
		fmt.Fprintf(&list, "%-48s %s\n", m.name, strings.Join(m.names, ", "))
		for _, text := range m.texts {
			sum := sha256.Sum256([]byte(strings.Join(strings.Fields(text), " ")))
			fmt.Fprintf(&texts, "\n%s\n%s\n\n", strings.Repeat("=", 78), m.name)
			if where, ok := first[sum]; ok {
				fmt.Fprintf(&texts, "(the text is that of %s)\n", where)
				continue
			}
			first[sum] = m.name
			texts.WriteString(text + "\n")
		}
	}
	want := list.String() + texts.String()
	if *updateLicences {
		require.NoError(t, os.WriteFile("LICENSES.txt", []byte(want), 0o600))
	}
	got, err := os.ReadFile("LICENSES.txt")
	require.NoError(t, err)
	if want != string(got) {
		assert.Fail(t, "LICENSES.txt does not list what is in the program", "go test ./cmd/consentimport -run TestLicences -licences writes it; look at the difference")
	}
}

// Terms that others may not be handed this program under are found.
func TestLicencesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "All rights reserved.", "GNU GENERAL PUBLIC LICENSE\nVersion 3", "Mozilla Public License Version 2.0", "Business Source License 1.1",
		"Permission is hereby granted, free of charge, to any person obtaining a copy … also under the GNU\nLESSER GENERAL PUBLIC LICENSE",
	} {
		assert.Nil(t, licencesIn(text), text)
	}
	assert.Equal(t, []string{"BSD-3-Clause"}, licencesIn("Redistribution and use in source and binary forms, with\n... Neither the name of X"))
}

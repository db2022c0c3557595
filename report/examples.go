package report

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/consentimport/consentimport/importer/history"
	"github.com/consentimport/consentimport/importer/inspect"
	"github.com/consentimport/consentimport/importer/survey"
	"github.com/consentimport/consentimport/mapping"
	"github.com/consentimport/consentimport/report/summary"
)

// examples puts a few examples beside what lint says of people under several names and of
// categories that look alike: a row alone does not tell which other it is about.
func (c *collector) examples(found *history.Result, names map[history.Place]string, lint []summary.Finding) {
	for i := range lint {
		switch lint[i].Rule {
		case "identity-split":
			for _, n := range found.SplitNames {
				if a, b := names[n[0]], names[n[1]]; a != "" && b != "" {
					lint[i].Examples = append(lint[i].Examples, fmt.Sprintf("row %d: %s; row %d: %s", n[0].Row(), a, n[1].Row(), b))
				}
			}
		case "category-twins":
			if c.table != nil {
				lint[i].Examples = c.twins(found.TwinNames)
			}
		}
	}
}

// namesAt gives the names, masked, under which people stand at the places that a walk has
// found of them. Their rows are read once more; the index has hashes alone.
func (c *collector) namesAt(ctx context.Context, s Survey, found *history.Result) (map[history.Place]string, error) {
	names := map[history.Place]string{}
	var rows []int64
	want := func(at history.Place) {
		names[at] = ""
		rows = append(rows, at.Row())
	}
	for _, n := range found.SplitNames {
		want(n[0])
		want(n[1])
	}
	for i := range found.Courses {
		want(personAt(&found.Courses[i]))
	}
	if len(rows) == 0 {
		return names, nil
	}
	err := s.Rows(ctx, rows, func(b *survey.Batch) func() error {
		return func() error {
			for i := range b.Rows {
				for at := range names {
					if at.Row() == b.Rows[i].Row.Number {
						names[at] = nameAt(&b.Rows[i], int(at.Number())-1)
					}
				}
			}
			return nil
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil { // all rows have been read: what is left out is who the examples are about
		clear(names)
	}
	return names, nil
}

// decisionAt is the decision with index k of a row as the index of histories counts them:
// a consent, or one that can be read in an invalid row; else nil.
func decisionAt(r *survey.Row, k int) *mapping.Consent {
	switch {
	case k < len(r.Consents):
		return r.Consents[k].Consent
	case k < len(r.Readable()):
		return &r.Readable()[k]
	}
	return nil
}

// nameAt is the name, masked, under which decision k of a row has the person.
func nameAt(r *survey.Row, k int) string {
	masked := func(name string, id []byte) string { return name + " " + quoteMasked(id) }
	if c := decisionAt(r, k); c != nil {
		var name string
		switch {
		case bytes.Equal(c.Subject(), c.Email): // the address alone, which is sent as userId too
			return masked("email", c.Email)
		case len(c.UserID) > 0:
			name = masked("userId", c.UserID)
		default:
			name = masked("profileId", c.ProfileID)
		}
		if len(c.Email) > 0 {
			name += " with " + masked("email", c.Email)
		}
		return name
	}
	if k -= len(r.Consents) + len(r.Readable()); k >= 0 && k < len(r.Dropped) && len(r.Dropped[k].Subject) > 0 {
		return masked("identifier", r.Dropped[k].Subject)
	}
	return ""
}

// quoteMasked gives an identifier as it may be shown, in quotes: blanks around it are what
// may tell two spellings apart.
func quoteMasked(id []byte) string { return `"` + inspect.MaskedWhole(id) + `"` }

// twins are groups of categories that look alike, each as it is written, and where first.
func (c *collector) twins(groups [][]history.CategoryName) []string {
	var all []string
	for _, group := range groups {
		seen := map[string]bool{}
		for _, n := range group {
			seen[norm.NFC.String(c.table.ShownCategory(n.Name))] = true
		}
		quote := strconv.Quote
		if len(seen) < len(group) {
			quote = strconv.QuoteToASCII // what differs cannot be seen
		}
		var parts []string
		for _, n := range group {
			parts = append(parts, fmt.Sprintf("%s (row %d)", quote(c.table.ShownCategory(n.Name)), n.Row))
		}
		all = append(all, strings.Join(slices.Compact(parts), ", "))
	}
	return all
}

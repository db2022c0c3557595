package main

import (
	"context"
	"strings"

	"github.com/consentimport/consentimport/importer/source"
)

// exportURL is the variable in which URLs of exports may be given with their queries,
// blanks between them: a command line can be seen by others on the machine, and the
// checkpoint keeps no query for those who read the export again.
const exportURL = "CONSENTIMPORT_EXPORT_URL"

// anotherURL is what to do when a URL does not open its object any more.
const anotherURL = "get a new URL of the same object, and set " + exportURL + " to the whole of it (run --resume also takes it in place of the old one)"

// exports gives the locations of an export as everything else sees them, without the
// queries of URLs, which are kept aside.
func (e *environment) exports(given []string) ([]string, error) {
	paths := make([]string, len(given))
	for i, g := range given {
		location, query, err := source.Locate(g)
		if err != nil {
			return nil, usage("", "%w", err)
		}
		paths[i] = location
		if query == "" {
			continue
		}
		if e.queries == nil {
			e.queries = map[string]string{}
		}
		if was, twice := e.queries[location]; twice && was != query {
			return nil, usage("give each object once", "%s is given with two different queries", location)
		}
		e.queries[location] = query
	}
	return paths, nil
}

// access is how exports elsewhere are reached while a command runs.
func (e *environment) access(ctx context.Context) *source.Remote {
	queries := map[string]string{}
	for _, u := range strings.Fields(e.getenv(exportURL)) {
		if location, query, err := source.Locate(u); err == nil && query != "" {
			queries[location] = query
		}
	}
	for location, query := range e.queries {
		queries[location] = query
	}
	return &source.Remote{Queries: queries, Getenv: e.getenv, Context: ctx, Chunk: e.chunk}
}

// secretURLs is the variable for a process of ours that reads the same exports.
func (e *environment) secretURLs() string {
	urls := []string{e.getenv(exportURL)}
	for location, query := range e.queries {
		urls = append(urls, location+"?"+query)
	}
	return exportURL + "=" + strings.Join(urls, " ")
}

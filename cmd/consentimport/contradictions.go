package main

import (
	"math"
	"path/filepath"
	"strings"

	"github.com/consentimport/consentimport/importer"
)

// check finds flags that do not go together.
func (f *runFlags) check(paths []string) error {
	var err error
	if f.hours, err = importer.ParseHours(f.between); err != nil {
		return refused(err)
	}
	switch {
	case f.retry && !f.resume:
		return usage("add --resume", "--retry continues an import, so it needs --resume")
	case f.restart && f.resume:
		return usage("--resume continues, --restart starts over", "--restart and --resume are both given")
	case f.dryRun && f.sandbox:
		return usage("give only one of them", "--dry-run sends nothing, not even to the --sandbox")
	case f.dryRun && f.repair != "":
		return usage("omit --dry-run to send; --approved NONE in its place prints the decision table of the repaired rows, and sends nothing",
			"--dry-run cannot be combined with --repair")
	case f.dryRun && f.resume:
		return usage("omit --dry-run to send", "a dry run has nothing to continue")
	case f.repair != "" && (f.restart || f.retry):
		return usage("--repair continues in its directory by itself", "--repair cannot be combined with --retry or --restart")
	case f.repair != "" && f.out != "" && filepath.Clean(f.repair) != filepath.Clean(f.out):
		return usage("omit --out: --repair names the directory", "--repair %s and --out %s name two directories", f.repair, f.out)
	case f.repair != "" && len(paths) != 1:
		return usage("for example: run --repair DIR DIR/rejected.csv", "--repair takes one repaired file")
	case !(f.rate >= 0 && f.rate <= math.MaxFloat64): // NaN neither
		return usage("0 is no fixed limit", "--rate %v: a pace is a number of consents a second", f.rate)
	case f.dryRun && f.limit > 0:
		return usage("omit --limit; mapping try --rows N shows what the first rows become", "--limit ends what is sent, and --dry-run sends nothing: it goes over the whole export")
	case len(f.mapping.set) > 0 && !f.mapping.given() && (f.resume || f.repair != ""):
		return usage("add --preset NAME or --mapping FILE; to change a parameter for what failed, with --resume --retry or --repair",
			"--set gives a parameter to a mapping, and this import continues with the one that it has stored")
	case f.timeout == 0 && !f.rehearses: // and nothing would wait for what may be under way
		return usage("give a duration such as 30s: there is no request without an end", "--timeout is 0")
	}
	if hash := strings.TrimSpace(f.approved); approvalHash.MatchString(hash) {
		f.approved = hash
	}
	if err := f.checkVoice(); err != nil {
		return err
	}
	if f.suppressColumn != "" && f.suppress == "" {
		return usage("add --suppress FILE", "--suppress-column names a column of the file of --suppress")
	}
	switch f.history {
	case "", "chronological", "latest", "rows":
	default:
		return usage("one of chronological, latest, rows", "--history %q is not known", f.history)
	}
	switch f.progress {
	case "auto", "bar", "log", "none":
	default:
		return usage("one of auto, bar, log, none", "--progress %q is unknown", f.progress)
	}
	for i, p := range paths {
		if p == "-" && len(paths) > 1 {
			return usage("give - as the only argument", "standard input (-) cannot be combined with other files (argument %d)", i+1)
		}
	}
	return refused(f.limits().Validate())
}

// leftAside says which flags about a target are without effect, because the sandbox is one;
// empty for none.
func (f *runFlags) leftAside() string {
	var flags []string
	for _, x := range []struct{ flag, value string }{{"--base-url", f.baseURL}, {"--org", f.org}, {"--project", f.project}, {"--api-key-file", f.keyFile}} {
		if x.value != "" {
			flags = append(flags, x.flag)
		}
	}
	if !f.sandbox || len(flags) == 0 {
		return ""
	}
	return "--sandbox: nothing leaves this process, whatever else is said of a target: " + strings.Join(flags, ", ")
}

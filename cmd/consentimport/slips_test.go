package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/consentimport/consentimport/report/summary"
)

// A slip on the command line is refused with what was likely meant, in words that
// are not a library's.
func TestSlipsAreRefusedWithWhatWasMeant(t *testing.T) {
	t.Parallel()
	r := messyImport(t)
	export := filepath.Join(r.dir, "export.csv")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a command":                  {[]string{"rnu", export}, `no command "rnu"; did you mean "run"?`},
		"a command with a flag":      {[]string{"verfy", "--subject", "x"}, `no command "verfy"; did you mean "verify"?`},
		"a command below":            {[]string{"mapping", "shwo"}, `no command "shwo"; did you mean "show"?`},
		"help on nothing":            {[]string{"help", "verfy"}, `no command "verfy"; did you mean "verify"?`},
		"a flag":                     {[]string{"run", "--dry-rum", export}, "no flag --dry-rum; did you mean --dry-run?"},
		"a short flag":               {[]string{"run", "-z"}, "no flag -z"},
		"no value":                   {[]string{"run", "--org"}, "--org needs a value"},
		"no number":                  {[]string{"run", "--limit", "many", export}, `--limit: "many" is not a whole number`},
		"no duration":                {[]string{"run", "--retry-for", "5", export}, `--retry-for: "5" is not a duration such as`},
		"no argument":                {[]string{"inspect"}, "give the files of the export"},
		"an argument too many":       {[]string{"verify", "a", "b"}, "give the out directory"},
		"the export, not its import": {[]string{"verify", export}, export + ".import"},
		"the same of a report":       {[]string{"report", export}, export + ".import"},
		"no directory":               {[]string{"evidence", r.out() + "x"}, "there is no directory " + r.out() + "x"},
		"a file in the directory":    {[]string{"verify", filepath.Join(r.out(), "report.json")}, "give the out directory: " + r.out()},
		"a file":                     {[]string{"purge", filepath.Join(r.dir, "plain.yaml")}, "plain.yaml is not a directory"},
		"help as a page":             {[]string{"man", "rnu"}, `no command "rnu"; did you mean "run"?`},
		"an order":                   {[]string{"ctl", r.out(), "puase"}, `"puase" is not an order; did you mean "pause"?`},
		"an order with a number":     {[]string{"ctl", r.out(), "rte=5"}, `did you mean "rate=N"?`},
		"a dialect, nothing sent":    {[]string{"run", "--dry-run", "--dialect", "dcos", "--preset", "transcend", export}, "the dialect \"dcos\" is unknown; it is one of docs, sdk"},
		"a form, nothing sent":       {[]string{"run", "--dry-run", "--valid-until", "s", "--preset", "transcend", export}, "--valid-until"},
		"http, nothing sent":         {[]string{"run", "--dry-run", "--base-url", "http://target.example", "--preset", "transcend", export}, "must begin with https://"},
		"no such export":             {[]string{"run", "--dry-run", "--preset", "transcend", "no.csv"}, "error: no.csv does not exist\n"},
		"no time at all":             {[]string{"run", "--dry-run", "--timeout", "0s", "--preset", "transcend", export}, "--timeout is 0"},
		"an empty value":             {[]string{"run", "--approved", "", export}, "--approved is empty"},
		"an empty value after =":     {[]string{"run", "--suppress=", export}, "--suppress is empty"},
		"an empty value elsewhere":   {[]string{"verify", "--signer", "", r.out()}, "--signer is empty"},
		"everything":                 {[]string{"run", "--preset", "transcend", export}, "missing: the organisation (--org or INTEMPT_ORG), the project (--project or INTEMPT_PROJECT), the API key (--api-key-file or INTEMPT_API_KEY)"},
	} {
		p := program{dir: r.dir}
		got := p.here(t, nil, c.args...)
		assert.Equal(t, exitRefused, got.code, name)
		assert.Contains(t, got.message(t), c.says, name)
		assert.NotRegexp(t, `strconv|arg\(s\)|invalid argument|ParseInt|pflag`, got.stderr, name)
	}
}

// Every flag of run has a variable; the command line wins over it.
func TestEveryFlagOfRunHasAVariable(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	p := program{dir: r.dir, env: []string{"CONSENTIMPORT_DRY_RUN=true", "CONSENTIMPORT_MAPPING=" + filepath.Join(r.dir, "plain.yaml"), "CONSENTIMPORT_OUT=" + filepath.Join(r.dir, "there")}}
	p.here(t, nil, "run", export).requireCode(t, exitComplete)
	assert.FileExists(t, filepath.Join(r.dir, "there", "report.json"))
	p.here(t, nil, "run", "--out", filepath.Join(r.dir, "elsewhere"), export).requireCode(t, exitComplete)
	assert.FileExists(t, filepath.Join(r.dir, "elsewhere", "report.json"))
	two := program{dir: r.dir, env: append(p.env[:len(p.env):len(p.env)], "CONSENTIMPORT_PRESET=canonical")}
	assert.Contains(t, two.here(t, nil, "run", export).requireCode(t, exitRefused).message(t), "--preset and --mapping are both given")
	two.here(t, nil, "run", "--mapping", filepath.Join(r.dir, "plain.yaml"), export).requireCode(t, exitComplete) // the command line wins
	p.env = append(p.env, "CONSENTIMPORT_CONCURRENCY=many")
	assert.Contains(t, p.here(t, nil, "run", export).requireCode(t, exitRefused).message(t), `CONSENTIMPORT_CONCURRENCY: "many" is not a whole number`)
	run, _, err := newRoot(&environment{}).Find([]string{"run"})
	require.NoError(t, err)
	n := 0
	run.Flags().VisitAll(func(f *flag) {
		n++
		assert.Regexp(t, "^CONSENTIMPORT_[A-Z_]+$", variable(f.Name))
	})
	assert.Greater(t, n, 20)
}

// A variable that is misspelt is refused as a flag would be, for one that nobody heard
// may be the one that keeps a run from sending; those of others, and our own that stand
// for no flag, are not; what is close to none is told of.
func TestMisspeltVariablesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	export := r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	run := []string{"run", "--dry-run", "--mapping", filepath.Join(r.dir, "plain.yaml"), export}
	for name, means := range map[string]string{
		"DRYRUN": "DRY_RUN", "BASEURL": "BASE_URL", "SUPRESS": "SUPPRESS", "APROVED": "APPROVED", "MAX_FAILURE": "MAX_FAILURES", "RATES": "RATE", "API_KEYFILE": "API_KEY_FILE", "FLAG_DRY_RUN": "DRY_RUN",
	} {
		p := program{dir: r.dir, env: []string{"CONSENTIMPORT_" + name + "=1"}}
		assert.Contains(t, p.here(t, nil, run...).requireCode(t, exitRefused).message(t), "CONSENTIMPORT_"+name+" stands for no flag; did you mean CONSENTIMPORT_"+means+"?")
	}
	assert.NoDirExists(t, export+".dry-run")
	p := program{dir: r.dir, env: append((&operation{ended: &summary.Summary{}}).variables(0, "x"),
		"CONSENTIMPORT_SHARDS=3", "CONSENTIMPORT_EXPORT_URL=https://x.example", "CONSENTIMPORT_DRYRUN=", "CONSENTIMPORTDRYRUN=1",
		"CONSENTIMPORT_SERVICE_HOST=::1", "CONSENTIMPORT_WEB_SERVICE_PORT_HTTP=80", "CONSENTIMPORT_PORT=tcp://1", "CONSENTIMPORT_PORT_80_TCP_ADDR=::1")}
	assert.NotContains(t, p.here(t, nil, run...).requireCode(t, exitComplete).stderr, "CONSENTIMPORT")
	// What is close to no flag is told of, also where a run is quiet or its messages are JSON.
	p.env = append(p.env, "CONSENTIMPORT_DO_NOT_SEND=1", "CONSENTIMPORT_TRANSPORT=x")
	for _, flag := range []string{"--quiet", "--verbose=json", "--progress=none"} {
		got := p.here(t, nil, append(run, flag)...).requireCode(t, exitComplete).stderr
		assert.Equal(t, 2, strings.Count(got, "stands for no flag and has no effect; consentimport run --help lists the flags"), got)
		assert.Contains(t, got, "CONSENTIMPORT_DO_NOT_SEND stands")
	}
	got := p.here(t, nil, "job", "slurm", "--shards", "2", "--mapping", "plain.yaml", "--sandbox", export)
	assert.Contains(t, got.stderr, "CONSENTIMPORT_DO_NOT_SEND stands for no flag and has no effect; consentimport job slurm --help lists the flags\n")
}

// A key that others can read is refused, as ssh refuses its own.
func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	t.Parallel()
	r := newRehearsal(t, "")
	r.write(t, "export.csv", exportHeader+exportRow(1, "ann", "mail", "yes"))
	key := r.write(t, "key.txt", testKey+"\n")
	for mode, code := range map[os.FileMode]int{0o644: exitRefused, 0o640: exitRefused, 0o604: exitRefused, 0o400: exitComplete} {
		require.NoError(t, os.Chmod(key, mode))
		got := r.here(t, nil, r.args("--api-key-file", key, "--restart")...).requireCode(t, code)
		if code == exitRefused {
			assert.Contains(t, got.message(t), "chmod 600 "+key)
		}
	}
}

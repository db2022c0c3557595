package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentimport/consentimport/importer"
	"github.com/consentimport/consentimport/importer/intempt"
	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/importer/source"
	"github.com/consentimport/consentimport/report"
)

// job is an import in shards, as a scheduler is to run it.
type job struct {
	shards  int
	exports []string
	flags   []report.Flag // of run, without those that the job sets itself
	out     string        // below which each shard has its directory
	sandbox bool          // no key is needed
}

// jobFlags are what the command job takes beside the flags of run.
type jobFlags struct {
	run    runFlags
	shards int
	kubernetesFlags
}

func newJob(env *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "job",
		Short: "Print what a scheduler needs to run an import in shards",
		Long: `job prints a Kubernetes Job or a Slurm array script for an import in shards, each with a
directory of its own below --out. It reads and sends nothing, and holds no key. Each task
starts or goes on by itself, so it may be killed and started again at any time; when all have
ended, report joins what they did.

One process sends as much as most targets take. Shards are for who has to run things under a
scheduler, on machines that may be taken away.`,
		Example: `  consentimport job kubernetes --shards 8 --org acme --project shop --preset transcend preferences.csv > job.yaml
  consentimport job slurm --shards 8 --org acme --project shop --api-key-file key.txt --preset transcend preferences.csv > import.sh`,
	}
	c.AddCommand(newJobKubernetes(env), newJobSlurm(env))
	return c
}

func newJobKubernetes(env *environment) *cobra.Command {
	var f jobFlags
	c := &cobra.Command{
		Use:   "kubernetes --shards N EXPORT...",
		Short: "Print an Indexed Job",
		Long: `kubernetes prints an Indexed Job, to be read and applied with kubectl. Paths are those in the
pods: absolute ones below the PATH at which --volume mounts a claim, relative ones from there.
The claim has to be ReadWriteMany, on a file system with locks (NFSv4, CephFS, EFS, Filestore;
no bucket mounted as one), and writable for group 65532. The key comes from the Secret.

A shard that is complete ends with 0, whatever it found: the verdict is the join's. Exit code 2
fails its index at once; anything else is tried again.`,
		Example: `  consentimport job kubernetes --shards 8 --volume exports:/data --secret intempt/api-key --org acme --project shop --preset transcend preferences.csv > job.yaml
  consentimport job kubernetes --shards 3 --image registry.example/consentimport:1 --org acme --project shop --mapping acme.yaml export.csv | kubectl apply -f -`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export, as the pods see them"),
		RunE: func(c *cobra.Command, paths []string) error {
			j, err := f.job(env, c, paths)
			if err != nil {
				return err
			}
			return f.kubernetesFlags.print(env.stdout, j)
		},
	}
	f.register(c)
	f.kubernetesFlags.register(c)
	return c
}

func newJobSlurm(env *environment) *cobra.Command {
	var f jobFlags
	c := &cobra.Command{
		Use:   "slurm --shards N EXPORT...",
		Short: "Print an array script",
		Long: `slurm prints a script for sbatch. The export and --out have to be on a file system that all
nodes see, under the same paths; relative ones count from where sbatch is called. The key comes
from --api-key-file there, or from INTEMPT_API_KEY where sbatch is called.

A task that is not complete requeues itself: Slurm restarts by itself only what it stopped.`,
		Example: `  consentimport job slurm --shards 8 --org acme --project shop --api-key-file key.txt --preset transcend preferences.csv > import.sh
  consentimport job slurm --shards 3 --org acme --project shop --mapping acme.yaml --out /shared/import export.csv | sbatch --time=12:00:00`,
		Args: arguments(cobra.MinimumNArgs(1), "give the files of the export"),
		RunE: func(c *cobra.Command, paths []string) error {
			j, err := f.job(env, c, paths)
			if err != nil {
				return err
			}
			return printSlurm(env.stdout, j)
		},
	}
	f.register(c)
	return c
}

func (f *jobFlags) register(c *cobra.Command) {
	f.run.register(c)
	c.Flags().IntVar(&f.shards, "shards", 0, "how many tasks, `N`")
	for _, name := range ofTheJob {
		_ = c.Flags().MarkHidden(name)
	}
}

// ofTheJob are the flags of run that the job sets itself.
var ofTheJob = []string{"shard", "resume"}

// notInAJob are the flags of run that tell a person's single run what to do.
var notInAJob = []string{"dry-run", "limit", "repair", "restart", "retry", "json"}

// job reads the command line, as far as that goes without reading any file.
func (f *jobFlags) job(env *environment, c *cobra.Command, paths []string) (*job, error) {
	if err := fromEnvironment(c, env); err != nil {
		return nil, err
	}
	warnOfVariables(c, env)
	for _, name := range notInAJob {
		if c.Flags().Changed(name) {
			return nil, usage("omit it: a job starts or continues all shards", "--%s is not for the tasks of a job", name)
		}
	}
	if c.Flags().Changed("shard") {
		return nil, usage("omit it, and give --shards N", "--shard is not for a job, whose tasks get a shard each")
	}
	if f.run.events != "" && f.run.events != "-" {
		return nil, usage("give --events -: each task's events stand in its log", "--events %s is not for the tasks of a job: all of them would write into one file", f.run.events)
	}
	if f.shards < 1 || f.shards > shard.Max {
		return nil, usage(fmt.Sprintf("give a number from 1 to %d", shard.Max), "--shards %d", f.shards)
	}
	for _, p := range paths {
		if p == "-" {
			return nil, usage("give the export as a file that every task can read", "standard input (-) is not for the tasks of a job")
		}
		location, query, err := source.Locate(p)
		if err != nil {
			return nil, usage("", "%w", err)
		}
		if query != "" {
			return nil, usage("give the URL without its query, and set "+exportURL+" to the whole of it in the tasks' environment, from a secret",
				"the query of %s is a secret, and would stand in what is printed", location)
		}
	}
	if _, err := importer.ParseBudget(f.run.maxFailures); err != nil {
		return nil, refused(err)
	}
	if err := f.run.check(paths); err != nil {
		return nil, err
	}
	if f.run.between != "" && f.run.hours.Zone == nil {
		return nil, usage("for example --between \"01:00-05:00 Europe/Berlin\"", "--between %s names no zone, and the machines of the tasks may have another than this one", f.run.between)
	}
	if f.run.perDay > 0 && f.run.perDay < int64(f.shards) {
		return nil, usage("give --per-day at least the number of shards", "--per-day %d is the whole import's, and leaves nothing for some of %d shards", f.run.perDay, f.shards)
	}
	if f.run.strict && f.shards > 1 {
		return nil, strictInParts("the shards of a job")
	}
	if !f.run.mapping.given() {
		return nil, usage("consentimport inspect EXPORT says which preset fits", "no mapping: give --preset NAME or --mapping FILE")
	}
	if err := f.run.mapping.mistyped(); err != nil {
		return nil, err
	}
	if setting, err := f.run.read.config(paths).Unusable(); err != nil {
		return nil, usage("it is set by --"+setting, "%w", err)
	}
	if err := f.run.checkTarget(env); err != nil {
		return nil, err
	}
	target := f.run.identity(env)
	if !f.run.sandbox && (target.Org == "" || target.Project == "") {
		return nil, usage("set them, or give --org and --project", "missing: the organisation (INTEMPT_ORG) and the project (INTEMPT_PROJECT), one of them or both")
	}
	if err := f.run.validTarget(env); err != nil {
		return nil, refused(err)
	}
	j := &job{shards: f.shards, exports: paths, sandbox: f.run.sandbox, out: f.run.dir(paths)}
	for _, given := range invocation(c, paths).Flags {
		if !slices.Contains(ofTheJob, given.Name) && !slices.Contains(kubernetesNames, given.Name) && given.Name != "shards" && given.Name != "out" {
			j.flags = append(j.flags, given)
		}
	}
	if !f.run.sandbox { // what this environment says, the tasks' does not
		for name, value := range map[string]string{"org": target.Org, "project": target.Project} {
			if !c.Flags().Changed(name) {
				j.flags = append(j.flags, report.Flag{Name: name, Value: value})
			}
		}
		if url := env.getenv("INTEMPT_BASE_URL"); url != "" && !c.Flags().Changed("base-url") {
			j.flags = append(j.flags, report.Flag{Name: "base-url", Value: url})
		}
		slices.SortStableFunc(j.flags, func(a, b report.Flag) int { return strings.Compare(a.Name, b.Name) })
	}
	return j, nil
}

// validTarget checks what can be said of the target without a key.
func (f *runFlags) validTarget(env *environment) error {
	if f.sandbox {
		return nil
	}
	wording, err := f.wording()
	if err != nil {
		return err
	}
	t := f.identity(env)
	anyKey, err := intempt.ParseKey(sandboxKey)
	if err != nil {
		return err
	}
	return intempt.Config{
		BaseURL: t.BaseURL, Org: t.Org, Project: t.Project, Key: anyKey, Dialect: wording.Dialect, Auth: wording.Auth, Times: wording.Times,
		ValidUntil: wording.ValidUntil, Timeout: f.timeout, Concurrency: f.concurrency,
	}.Validate()
}

// command are the words of run for one task, without the program.
func (j *job) command(out string) []string {
	words := []string{"run", "--shard", autoShard, "--resume", "--out", out}
	for _, f := range j.flags {
		if f.Switch {
			words = append(words, "--"+f.Name)
		} else {
			words = append(words, "--"+f.Name+"="+f.Value)
		}
	}
	words = append(words, "--")
	return append(words, j.exports...)
}

// remark writes lines of comment.
func remark(w io.Writer, lines ...string) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, strings.TrimRight("# "+l, " ")); err != nil {
			return err
		}
	}
	return nil
}

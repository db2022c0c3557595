package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// run is the program: it gives the exit code.
func run(env *environment, args []string) int {
	root := newRoot(env)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		completeFlags(root)
	}
	root.SetArgs(args)
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	err := root.Execute()
	if err == nil {
		return exitComplete
	}
	var quiet *ended
	if errors.As(err, &quiet) {
		return quiet.code
	}
	if env.logsAlone {
		env.log.Error(spelling.OneLine(err.Error()), "hint", spelling.OneLine(hintOf(err)))
	} else {
		complain(env.stderr, err)
	}
	return codeOf(err)
}

// offered is the annotation of a flag with the words that it takes.
const offered = "consentimport_offered"

// offer has a shell complete a flag with words.
func offer(c *cobra.Command, flag string, words ...string) {
	_ = c.Flags().SetAnnotation(flag, offered, words) // fails for a flag that is not there
}

// completeFlags tells cobra what flags offer. It keeps that, and with it the flags and
// their commands, for as long as the process lives: so only where a shell asks.
func completeFlags(root *cobra.Command) {
	walk(root, func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			switch words := f.Annotations[offered]; {
			case f.Name == "preset":
				_ = c.RegisterFlagCompletionFunc(f.Name, completePresets)
			case words != nil:
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
			}
		})
	})
}

// ended is a command that came to its end and has said everything already.
type ended struct{ code int }

func (e *ended) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// endWith ends a command with an exit code, without a message.
func endWith(code int) error {
	if code == exitComplete {
		return nil
	}
	return &ended{code}
}

func newRoot(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "consentimport",
		Short: "Move consent decisions from a legacy platform's export into Intempt",
		Long: `consentimport reads an export of a legacy consent platform (CSV or JSONL), maps every
row to the decisions it states, and sends each decision to Intempt's Consent API:
in order per person, resumable after any interruption, with a report that balances.

Begin with a rehearsal; it sends nothing to the target and needs no key:
  consentimport inspect export.csv
  consentimport run --dry-run --preset transcend export.csv
  consentimport rehearse --preset transcend export.csv

Shell completion: consentimport completion --help. Man pages: consentimport man --help.`,
		Example: `  consentimport run --sandbox --preset onetrust export.json
  consentimport run --preset transcend --org acme --project shop --api-key-file key.txt preferences.csv.gz`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.SetVersionTemplate("consentimport {{.Version}}\n")
	root.SetOut(env.stdout) // completion keeps what is set when it is made
	root.AddCommand(
		newRun(env),
		newRehearse(env),
		newInspect(env),
		newMapping(env),
		newReport(env),
		newJob(env),
		newVerify(env),
		newEvidence(env),
		newPurge(env),
		newCtl(env),
		newStudio(env),
		newSandbox(env),
		newMan(env),
		newVersion(env),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	giveExamples(root)
	mindSlips(root)
	return root
}

// giveExamples adds examples to the commands that cobra makes.
func giveExamples(root *cobra.Command) {
	examples := map[string]string{
		"consentimport help":                  "  consentimport help run\n  consentimport help mapping show",
		"consentimport completion":            "  consentimport completion bash > /etc/bash_completion.d/consentimport\n  consentimport completion zsh > \"${fpath[1]}/_consentimport\"",
		"consentimport completion bash":       "  consentimport completion bash > /etc/bash_completion.d/consentimport\n  consentimport completion bash --no-descriptions > consentimport.bash",
		"consentimport completion zsh":        "  consentimport completion zsh > \"${fpath[1]}/_consentimport\"\n  consentimport completion zsh --no-descriptions > _consentimport",
		"consentimport completion fish":       "  consentimport completion fish > ~/.config/fish/completions/consentimport.fish\n  consentimport completion fish | source",
		"consentimport completion powershell": "  consentimport completion powershell | Out-String | Invoke-Expression\n  consentimport completion powershell > consentimport.ps1",
	}
	walk(root, func(c *cobra.Command) {
		if c.Example == "" {
			c.Example = examples[c.CommandPath()]
		}
	})
}

// walk calls f for a command and all below it.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

// arguments makes a wrong number of arguments a usage error that says what to give.
func arguments(check cobra.PositionalArgs, give string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) != nil {
			return usage(fmt.Sprintf("%s --help has examples", c.CommandPath()), "%s: %s", c.CommandPath(), give)
		}
		return nil
	}
}

func newVersion(env *environment) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, with commit and date of the source",
		Example: `  consentimport version
  consentimport version --json`,
		Args: arguments(cobra.NoArgs, "this command takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			b := buildOf(debug.ReadBuildInfo())
			if asJSON {
				return json.NewEncoder(env.stdout).Encode(b)
			}
			_, err := fmt.Fprintf(env.stdout, "consentimport %s\n", b)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

// build is what the Go tool stamped into the binary.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // empty when it was not built from a checkout
	Date     string `json:"date"`     // of the commit, RFC 3339
	Modified bool   `json:"modified"` // the checkout had changes
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func buildOf(info *debug.BuildInfo, ok bool) build {
	b := build{Version: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	text := b.Version
	if b.Commit != "" {
		text += ", commit " + b.Commit + " of " + b.Date
		if b.Modified {
			text += ", changed since"
		}
	}
	return text + ", " + b.Go + " " + b.OS + "/" + b.Arch
}

// version is the module's version as the Go tool stamped it into the binary.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/consentimport/consentimport/importer/shard"
	"github.com/consentimport/consentimport/mapping/spelling"
	"github.com/consentimport/consentimport/report/summary"
)

// mindSlips makes a misspelt command or flag an error of the command line, with the
// name that was likely meant, in every command of a tree.
func mindSlips(root *cobra.Command) {
	root.SetFlagErrorFunc(flagFault)
	walk(root, func(c *cobra.Command) {
		c.Args = mindEmpty(c.Args)
		if !c.HasSubCommands() || c.Runnable() {
			return
		}
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		}
	})
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error { return helpOn(root, args) }
		}
	}
}

// mindEmpty refuses a flag whose value is an empty text, as it is when nobody gives it,
// before the arguments are checked. A script whose variable is not set writes one: --approved "$HASH" would send
// what nobody approved, --suppress "$LIST" to those who opted out.
func mindEmpty(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		empty := ""
		c.Flags().Visit(func(f *pflag.Flag) {
			if empty == "" && f.Value.Type() == "string" && f.Value.String() == "" && f.DefValue == "" {
				empty = f.Name
			}
		})
		switch {
		case empty != "":
			return usage("give it a value, or leave the flag out; a shell variable that is not set gives an empty one", "--%s is empty", empty)
		case check != nil:
			return check(c, args)
		default:
			return cobra.ArbitraryArgs(c, args)
		}
	}
}

// helpOn shows the help of the command that the words name.
func helpOn(root *cobra.Command, words []string) error {
	c, rest, err := root.Find(words)
	if err != nil || len(rest) > 0 {
		if c == nil {
			c = root
		}
		if len(rest) == 0 {
			rest = words
		}
		return unknownCommand(c, rest[0])
	}
	c.InitDefaultHelpFlag()
	return c.Help()
}

// unknownCommand is the error of a command that does not exist below another.
func unknownCommand(parent *cobra.Command, word string) error {
	var names []string
	for _, c := range parent.Commands() {
		names = append(names, c.Name())
	}
	return usage(fmt.Sprintf("%s --help lists the commands", parent.CommandPath()),
		"%s has no command %q%s", parent.CommandPath(), word, spelling.DidYouMean(word, names))
}

// flagFault says what is wrong with a flag, in words of ours.
func flagFault(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 { // the flag is that of a command which does not exist
		return unknownCommand(c, words[0])
	}
	hint := fmt.Sprintf("%s --help lists the flags", c.CommandPath())
	var missing *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &missing):
		name := missing.GetSpecifiedName()
		if missing.GetSpecifiedShortnames() != "" {
			return usage(hint, "there is no flag -%s", name)
		}
		return usage(hint, "there is no flag --%s%s", name, nearFlag(c, name))
	case errors.As(err, &bare):
		return usage(hint, "--%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &invalid):
		return usage(hint, "--%s: %q %s", invalid.GetFlag().Name, invalid.GetValue(), notA(invalid.GetFlag()))
	default:
		return usage(hint, "%w", err)
	}
}

// nearFlag is the flag that was likely meant, as a question.
func nearFlag(c *cobra.Command, name string) string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	if near := spelling.Nearest("--"+name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// notA says what the value of a flag has to be.
func notA(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "int32", "int64":
		return "is not a whole number"
	case "uint64":
		return "is not a whole number of 0 or more"
	case "float64":
		return "is not a number"
	case "duration":
		return "is not a duration such as 30s, 15m or 2h"
	case "bool":
		return "is neither true nor false"
	default:
		return "is not a value of it"
	}
}

// fromEnvironment sets the flags of a command that were not given from variables:
// --dry-run from CONSENTIMPORT_DRY_RUN. What is given on the command line wins. A variable
// that is almost that of a flag is refused as a misspelt flag is: CONSENTIMPORT_DRYRUN
// would send.
func fromEnvironment(c *cobra.Command, env *environment) error {
	if err := misspeltVariable(c, env); err != nil {
		return err
	}
	getenv := env.getenv
	given := map[string]bool{} // on the command line
	c.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	var err error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		value := getenv(name)
		if f.Changed || f.Name == "help" || value == "" || err != nil || given[instead[f.Name]] {
			return
		}
		if c.Flags().Set(f.Name, value) != nil {
			err = usage(fmt.Sprintf("%s stands for --%s; %s --help says what it takes", name, f.Name, c.CommandPath()), "%s: %q %s", name, value, notA(f))
		}
	})
	return err
}

// misspeltVariable refuses the first variable that stands for no flag and is as close to
// one as a slip makes it: but for underscores, for a letter or two, or for a FLAG_ before it.
func misspeltVariable(c *cobra.Command, env *environment) error {
	names := flagVariables(c)
	for _, name := range strangeVariables(names, env) {
		bare := strings.TrimPrefix(strings.TrimPrefix(name, variablePrefix), "FLAG_")
		for _, is := range names {
			want := strings.TrimPrefix(is, variablePrefix)
			if d := spelling.Distance(strings.ReplaceAll(bare, "_", ""), strings.ReplaceAll(want, "_", "")); d > min(2, (len(want)+1)/5) {
				continue
			}
			return usage("correct it or unset it; as a misspelt flag would be, it is not passed over", "%s stands for no flag; did you mean %s?", name, is)
		}
	}
	return nil
}

// warnOfVariables tells of the variables that begin as ours do and stand for no flag, for
// whoever set one wanted something. They are not refused: a program around this one may
// have its own.
func warnOfVariables(c *cobra.Command, env *environment) {
	for _, name := range strangeVariables(flagVariables(c), env) {
		messages{env}.warn(fmt.Sprintf("%s stands for no flag and has no effect; %s --help lists the flags", name, c.CommandPath()))
	}
}

// flagVariables are the variables that stand for the flags of a command.
func flagVariables(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, variable(f.Name)) })
	return names
}

// strangeVariables are the variables of the environment that begin as ours do, and are
// neither among names nor others of ours.
func strangeVariables(names []string, env *environment) (strange []string) {
	if env.environ == nil {
		return nil
	}
	ours := []string{exportURL, shard.CountVariable}
	for _, v := range (&operation{ended: &summary.Summary{}}).variables(0, "") { // --on-end may start another run
		name, _, _ := strings.Cut(v, "=")
		ours = append(ours, name)
	}
	for _, v := range env.environ() {
		name, value, _ := strings.Cut(v, "=")
		if bare, found := strings.CutPrefix(name, variablePrefix); !found || value == "" || ofService.MatchString(bare) {
			continue
		}
		if !slices.Contains(names, name) && !slices.Contains(ours, name) {
			strange = append(strange, name)
		}
	}
	return strange
}

// ofService matches what Kubernetes adds to the environment for a Service that is called as
// this program is: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var ofService = regexp.MustCompile(`(^|_)(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// instead are the flags that take the place of one another: what is given on the
// command line leaves no room for the variable of the other.
var instead = map[string]string{"preset": "mapping", "mapping": "preset"}

// variablePrefix is what all variables of ours begin with.
const variablePrefix = "CONSENTIMPORT_"

// variable is the variable that stands for a flag.
func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

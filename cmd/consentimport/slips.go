package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/consentimport/consentimport/mapping/spelling"
)

// mindSlips makes a misspelt command or flag an error of the command line, with the
// name that was likely meant, in every command of a tree.
func mindSlips(root *cobra.Command) {
	root.SetFlagErrorFunc(flagFault)
	walk(root, func(c *cobra.Command) {
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
// --dry-run from CONSENTIMPORT_DRY_RUN. What is given on the command line wins.
func fromEnvironment(c *cobra.Command, getenv func(string) string) error {
	var err error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		value := getenv(name)
		if f.Changed || f.Name == "help" || value == "" || err != nil || c.Flags().Changed(instead[f.Name]) {
			return
		}
		if c.Flags().Set(f.Name, value) != nil {
			err = usage(fmt.Sprintf("%s stands for --%s; %s --help says what it takes", name, f.Name, c.CommandPath()), "%s: %q %s", name, value, notA(f))
		}
	})
	return err
}

// instead are the flags that take the place of one another: what is given on the
// command line leaves no room for the variable of the other.
var instead = map[string]string{"preset": "mapping", "mapping": "preset"}

// variable is the variable that stands for a flag.
func variable(flag string) string {
	return "CONSENTIMPORT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

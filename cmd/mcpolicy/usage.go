package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
	"github.com/mcpolicy/mcpolicy/source"
)

// unknownCommand is the mistake of a first argument that names no command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	msg := fmt.Sprintf("unknown command %q%s", args[0], source.DidYouMean(args[0], names))
	return usageError{fmt.Errorf("%s; mcpolicy --help lists the commands", msg)}
}

// newHelp is cobra's help command, but that it tells a slip from a failure.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, c := range cmd.Root().Commands() {
				if len(args) == 0 && c.IsAvailableCommand() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, _, err := cmd.Root().Find(args)
			if err != nil || about == cmd.Root() && len(args) > 0 {
				return unknownCommand(cmd.Root(), args)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// usageArgs makes the errors of a usage errors, which say what is wanted.
func usageArgs(a cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch takesNone := a(cmd, nil) == nil && a(cmd, []string{""}) != nil; {
		case a(cmd, args) == nil:
			return nil
		case takesNone:
			return noArgs(cmd, args)
		}
		return usageError{fmt.Errorf("want %s%s, have %s", cmd.CommandPath(), strings.TrimPrefix(cmd.Use, cmd.Name()), arguments(len(args)))}
	}
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// noArgs refuses arguments, and says which flag each may be meant for.
func noArgs(cmd *cobra.Command, args []string) error {
	var errs []error
	for _, arg := range args {
		errs = append(errs, usageError{fmt.Errorf("%s takes no arguments, have %q; %s", cmd.Name(), arg, flagFor(cmd, arg))})
	}
	return errors.Join(errs...)
}

// commandAfterDash refuses arguments, but for a command after --.
func commandAfterDash(cmd *cobra.Command, args []string) error {
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		args = args[:n]
	}
	return noArgs(cmd, args)
}

// flagFor says how to write what an argument seems to be.
func flagFor(cmd *cobra.Command, arg string) string {
	has := func(flag string) bool { return cmd.Flags().Lookup(flag) != nil }
	if _, err := lint.Find(arg); err == nil && has("rule") {
		return "did you mean --rule " + arg + "?"
	}
	isPath := strings.ContainsAny(arg, `/\.`)
	flag, value := "", arg
	switch info, err := os.Stat(arg); {
	case err == nil && info.IsDir():
		flag, isPath = folderFlag(arg), true
	case err == nil:
		if flag, isPath = fileFlag(arg), true; flag == "policies" {
			value = filepath.Dir(arg)
		}
	case isPath:
		flag = endingFlag(cmd, arg)
	}
	switch {
	case flag == "dir":
		return "did you mean -C " + value + "?"
	case flag == "tests" && !has(flag):
		return "suites are for mcpolicy test --tests " + value
	case has(flag):
		return fmt.Sprintf("did you mean --%s %s?", flag, value)
	case isPath:
		return cmd.CommandPath() + " --help lists the flags for files and folders"
	}
	var choose []string
	for _, name := range []string{"server", "suite", "principal", "role", "tool"} {
		if has(name) {
			choose = append(choose, "--"+name)
		}
	}
	if len(choose) == 0 {
		return cmd.CommandPath() + " --help lists the flags"
	}
	return "what is looked at is chosen by " + strings.Join(choose, ", ")
}

// folderFlag returns the flag for a folder: of policies, of suites, or one to
// look for a config from.
func folderFlag(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, config.Name)); err == nil {
		return "dir"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return "dir"
	}
	for _, f := range files {
		if flag := fileFlag(f); flag == "policies" || flag == "tests" {
			return flag
		}
	}
	return "dir"
}

// fileFlag returns the flag for a file, by what is in it, or "".
func fileFlag(file string) string {
	data, err := readOrdinary(file)
	if err != nil {
		return ""
	}
	hasKey := func(key string) bool {
		return bytes.HasPrefix(data, []byte(key+":")) || bytes.Contains(data, []byte("\n"+key+":"))
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".jsonl":
		return "principals"
	case ".json":
		return "manifest"
	case ".yaml", ".yml":
		switch {
		case bytes.Contains(data, []byte("api.cerbos.dev/")):
			return "policies"
		case hasKey("servers"):
			return "config"
		case hasKey("tests"):
			return "tests"
		case hasKey("principals"):
			return "principals"
		}
	}
	return ""
}

// endingFlag returns the flag for a file that is not there.
func endingFlag(cmd *cobra.Command, file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".jsonl":
		return "principals"
	case ".json":
		return "manifest"
	case ".yaml", ".yml":
		if cmd.Name() == "test" {
			return "tests"
		}
		return ""
	}
	return "dir"
}

// badFlag is a mistake in the flags, with what may be meant.
func badFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError{err}
	}
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(cmd, args) // it may have the flag
	}
	name := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		if long, _, _ := strings.Cut(short, "="); cmd.Flags().Lookup(long) != nil {
			return usageError{fmt.Errorf("unknown flag: -%s (did you mean --%s?)", long, long)}
		}
		return usageError{fmt.Errorf("unknown flag: -%s; %s --help lists the flags", name, cmd.CommandPath())}
	}
	if reason := localOnly(cmd, name); reason != "" {
		return usageError{fmt.Errorf("--%s: %s", name, reason)}
	}
	var others []string
	for _, c := range cmd.Root().Commands() {
		if c != cmd && c.Flags().Lookup(name) != nil {
			others = append(others, c.Name())
		}
	}
	if len(others) > 0 {
		return usageError{fmt.Errorf("unknown flag: --%s; it is one of mcpolicy %s", name, strings.Join(others, ", "))}
	}
	if near := nearFlag(cmd, name); near != "" {
		return usageError{fmt.Errorf("unknown flag: --%s (did you mean --%s?)", name, near)}
	}
	return usageError{fmt.Errorf("unknown flag: --%s; %s --help lists the flags", name, cmd.CommandPath())}
}

// nearFlag returns the flag that a name is most likely a slip or the beginning
// of, or "".
func nearFlag(cmd *cobra.Command, name string) string {
	var names, begin []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		names = append(names, f.Name)
		if strings.HasPrefix(f.Name, name) {
			begin = append(begin, f.Name)
		}
	})
	if len(begin) == 1 {
		return begin[0]
	}
	return source.NearestWithin(name, names, max(1, len(name)/3)) // many flags are short
}

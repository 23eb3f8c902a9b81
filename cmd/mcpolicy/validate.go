package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

func newValidate() *cobra.Command {
	var in input
	var out output
	var kind string
	cmd := &cobra.Command{
		Use:   "validate [FILE...]",
		Short: "Look for mistakes in configs, suites and files of principals",
		Long: `Read configs, suites and files of principals, each by itself, and say what is wrong
with how they are written: unknown keys, values of the wrong kind, what is missing,
what excludes each other. Without FILE these are the config, the principals and suites that
it names, and the groups that suites include.

What kind a file is follows from its name and what is in it, unless --kind says it.
No engine is started, no policy is read, and nothing that a FILE names is opened: whether
names in it stand for anything is for check to say. It is as fast as an editor needs,
which can do much of it by itself: docs/schema has JSON Schemas.

Exit status: 0 all are valid; 1 there are mistakes; 2 the command line is wrong, or
there is no config; 3 a file cannot be read.`,
		Example: `  mcpolicy validate
  mcpolicy validate tests/*.yaml
  mcpolicy validate --format json mcpolicy.yaml
  mcpolicy validate --kind suite /dev/stdin < draft.yaml`,
		ValidArgsFunction: cobra.FixedCompletions([]string{"yaml", "yml", "json", "csv", "jsonl"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, err := writerOf(&out, report.ValidationFormats())
			if err != nil {
				return err
			}
			if kind != "" && !slices.Contains(workspace.FileKinds(), kind) {
				return usageError{fmt.Errorf("--kind: unknown kind %q%s; there are %s", kind, source.DidYouMean(kind, workspace.FileKinds()), source.OneOf(workspace.FileKinds()))}
			}
			v := &validator{kind: workspace.FileKind(kind)}
			switch {
			case len(args) > 0 && (in.config != "" || in.dir != ""):
				return usageError{errors.New("-C and --config say where the config is whose files are read; FILE says which file is")}
			case len(args) > 0:
				for _, name := range args {
					data, err := readOS(name)
					v.add(v.kind, filepath.ToSlash(name), data, err)
				}
			case kind != "":
				return usageError{errors.New("--kind says what FILE is, and there is none")}
			default:
				if err := v.project(&in); err != nil {
					return err
				}
				out.here = v.here
			}
			if err := errors.Join(write(cmd.OutOrStdout(), v.files), errors.Join(v.unread...)); err != nil {
				return err
			}
			if slices.ContainsFunc(v.files, func(f report.Validation) bool { return len(f.Mistakes) > 0 }) {
				return errFindings
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.config, "config", "", "the config `FILE` (default: mcpolicy.yaml here or in a folder above)")
	f.StringVarP(&in.dir, "dir", "C", "", "look for the config from `DIR` on")
	_ = cmd.MarkFlagFilename("config", "yaml")
	_ = cmd.MarkFlagDirname("dir")
	f.StringVar(&kind, "kind", "", "what FILE is, whatever it looks like: config, suite or principals")
	f.StringArrayVar(&out.formats, "format", nil, "write a report as `FORMAT`: text or json (default text)")
	out.textFlags(cmd)
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"kind":   cobra.FixedCompletions(workspace.FileKinds(), cobra.ShellCompDirectiveNoFileComp),
		"format": cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp),
	})
	return cmd
}

// A validator reads files, each by itself.
type validator struct {
	kind   workspace.FileKind
	files  []report.Validation
	unread []error // about files that could not be read
	here   func(string) string
}

func (v *validator) add(kind workspace.FileKind, name string, data []byte, err error) {
	if err != nil {
		v.unread = append(v.unread, err)
		return
	}
	kind, err = workspace.Validate(kind, name, data)
	v.told(kind, name, err)
}

// told adds what came of a file.
func (v *validator) told(kind workspace.FileKind, name string, err error) {
	v.files = append(v.files, report.Validation{File: name, Kind: string(kind), Mistakes: source.Mistakes(err)})
}

// project reads the config, and what it names.
func (v *validator) project(in *input) error {
	file, err := in.findConfig()
	if err != nil {
		return err
	}
	name := filepath.Base(file)
	v.here = here(absolute(filepath.Dir(file)), nil)
	c, dir, err := in.readConfig()
	var wrong workspace.UsageError
	switch {
	case errors.As(err, &wrong):
		v.told(workspace.ConfigFile, name, err)
		return nil
	case err != nil:
		return err
	}
	defer dir.close() //nolint:errcheck // it was read
	v.told(workspace.ConfigFile, name, workspace.CheckSettings(c))
	workspace.ReadNamed(&workspace.Inputs{Config: c, Folder: dir.FS}, v.add)
	return nil
}

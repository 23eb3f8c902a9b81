package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/lint"
)

// waiving is what the command line says about a waiver to write.
type waiving struct {
	waiver                       config.Waiver
	item, tool, prompt, resource string
	until                        string
	dryRun, diff, force          bool
}

func newWaive() *cobra.Command {
	var in input
	var x waiving
	cmd := &cobra.Command{
		Use:   "waive RULE --reason TEXT",
		Short: "Accept findings of a rule: write a waiver into the config",
		Long: `Accept findings of a rule: write a waiver into mcpolicy.yaml, behind those that
are there. Nothing else in the file changes. What is not said is accepted
anywhere; names may be globs.

A waiver needs a reason, and should have a last day: after it the findings count
again. One that accepts nothing today is refused unless --force says otherwise.
--diff shows what would be written, and writes nothing.
A config that is a symbolic link is changed where the link leads.

A waiver may also stand in a policy, as a comment right above the rule that the
finding is about:

  # mcpolicy:waive wildcard-role until 2027-01-31: visitors during the fair`,
		Example: `  mcpolicy waive wildcard-role --server crm --tool greet --reason 'everybody may greet'
  mcpolicy waive agent-destructive --principal scout --tool 'purge_*' --until 2027-01-31 --reason SEC-141
  mcpolicy waive rule-untested --file 'policies/legacy/**' --reason 'goes in spring' --diff`,
		Args:              oneRule,
		ValidArgsFunction: completeRule,
		RunE: func(cmd *cobra.Command, args []string) error {
			x.waiver.Rule = args[0]
			return x.run(cmd, &in)
		},
	}
	in.localFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&x.waiver.Reason, "reason", "", "why it is accepted, and who said so (required)")
	f.StringVar(&x.until, "until", "", "the last `DAY` on which it is accepted, like 2027-01-31 (default: no last day)")
	f.StringVar(&x.waiver.Server, "server", "", "only findings about servers that match `GLOB`")
	f.StringVar(&x.tool, "tool", "", "only findings about tools that match `GLOB`")
	f.StringVar(&x.prompt, "prompt", "", "only findings about prompts that match `GLOB`")
	f.StringVar(&x.resource, "resource", "", "only findings about resources whose URI matches `GLOB`")
	f.StringVar(&x.item, "item", "", "only findings about tools, prompts or resources that match `GLOB`")
	f.StringVar(&x.waiver.Principal, "principal", "", "only findings about principals that all match `GLOB`")
	f.StringVar(&x.waiver.File, "file", "", "only findings in files that match `GLOB`")
	f.BoolVar(&x.diff, "diff", false, "show the change, and write nothing")
	f.BoolVar(&x.dryRun, "dry-run", false, "the same as --diff")
	f.BoolVar(&x.force, "force", false, "write it even if it accepts nothing today")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"server": complete((*completing).servers), "principal": complete((*completing).principals),
		"item":     complete(func(c *completing) { c.items(anyItem) }),
		"tool":     complete(func(c *completing) { c.items(ofTypes(authz.ToolItem)) }),
		"prompt":   complete(func(c *completing) { c.items(ofTypes(authz.PromptItem)) }),
		"resource": complete(func(c *completing) { c.items(ofTypes(authz.ResourceItem, authz.TemplateItem)) }),
		"reason":   cobra.NoFileCompletions, "until": cobra.NoFileCompletions,
	})
	return cmd
}

func oneRule(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("want one rule to waive, have %d; mcpolicy rules lists them", len(args))}
	}
	return nil
}

func (x *waiving) run(cmd *cobra.Command, in *input) error {
	if err := x.check(in); err != nil {
		return err
	}
	if !x.shows() {
		unlock, err := in.lockConfig(cmd.Context())
		if err != nil {
			return err
		}
		defer unlock()
	}
	w, err := in.load(cmd.Context(), false)
	if err != nil {
		return err
	}
	defer w.close()
	if w.folder == nil {
		return usageError{errors.New("a waiver is written into mcpolicy.yaml, and --manifest, --policies and --principals go without one")}
	}
	m, err := w.Matrix(cmd.Context())
	if err != nil {
		return err
	}
	accepted, err := w.Accepted(cmd.Context(), m, &x.waiver, x.force)
	if err != nil {
		return err
	}
	before, err := readOS(w.folder.config)
	if err != nil {
		return err
	}
	after, err := config.AddWaiver(w.Config.File, before, &x.waiver)
	if err != nil {
		return usageError{err}
	}
	out := cmd.OutOrStdout()
	if x.shows() {
		err = writeLines(out, string(diff.Diff(w.Config.File, before, w.Config.File, after)))
	} else {
		err = replaceFile(w.folder.config, func(to io.Writer) error {
			_, err := to.Write(after)
			return err
		}, func() error {
			if now, err := readOS(w.folder.config); err != nil || !bytes.Equal(now, before) {
				return errors.New("it has changed since it was read, so it is left as it is; try again")
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return x.report(out, w.Config.File, accepted)
}

// shows reports whether the waiver is shown and not written.
func (x *waiving) shows() bool { return x.dryRun || x.diff }

// check finds mistakes on the command line before any work is done.
func (x *waiving) check(in *input) error {
	var errs []error
	if _, err := lint.Find(x.waiver.Rule); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(x.waiver.Reason) == "" {
		errs = append(errs, errors.New("a waiver needs a reason: --reason TEXT"))
	}
	for _, of := range []struct {
		name  string
		types []authz.ItemType
	}{
		{x.item, nil},
		{x.tool, []authz.ItemType{authz.ToolItem}},
		{x.prompt, []authz.ItemType{authz.PromptItem}},
		{x.resource, []authz.ItemType{authz.ResourceItem, authz.TemplateItem}},
	} {
		switch {
		case of.name == "":
		case x.waiver.Item != "":
			errs = append(errs, errors.New("say one of --item, --tool, --prompt and --resource"))
		default:
			x.waiver.Item, x.waiver.Types = of.name, of.types
		}
	}
	if x.until != "" {
		day, err := time.Parse(time.DateOnly, x.until)
		x.waiver.Expires = config.Date{Time: day}
		now, nowErr := in.clock()
		if now.IsZero() {
			now = time.Now()
		}
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--until: want a date like 2027-01-31, have %q", x.until))
		case nowErr == nil && x.waiver.Expired(now):
			errs = append(errs, fmt.Errorf("--until: %s is over, so that nothing would be accepted", x.until))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// report says what was or would be written.
func (x *waiving) report(out io.Writer, file string, accepted []lint.Finding) error {
	verb := "accepts"
	if x.shows() {
		verb = "would accept"
	}
	count := fmt.Sprintf("%d findings", len(accepted))
	if len(accepted) == 1 {
		count = "1 finding"
	}
	until := ""
	if x.until != "" {
		until = " until " + x.until
	}
	out = lines{out}
	if _, err := fmt.Fprintf(out, "%s %s %s of %s%s\n", file, verb, count, x.waiver.Rule, until); err != nil {
		return err
	}
	for _, f := range accepted {
		if _, err := fmt.Fprintf(out, "  %s: %s\n", f.Pos, f.Message); err != nil {
			return err
		}
	}
	return nil
}

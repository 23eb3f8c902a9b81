package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/lint"
)

func newRules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules [ID]",
		Short: "List the lint rules, or explain one",
		Long: `List the lint rules by family, with their severity and how sure their findings
are, or explain one: why it matters, an example that it fires on, one that it does
not, how to fix it, its options, and the standards it speaks to.

The config changes a rule:

  lint:
    rules:
      role-not-held: {severity: off}            # off, note, warning or error
      agent-destructive: {confidence: medium}   # no findings of low confidence
      broad-principal: {options: {share: 0.8}}  # as the rule's page has them`,
		Example: `  mcpolicy rules
  mcpolicy rules callable-not-listed`,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeRule,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(cmd.OutOrStdout())
			}
			r, err := lint.Find(args[0])
			if err != nil {
				return usageError{err}
			}
			_, err = io.WriteString(cmd.OutOrStdout(), r.Markdown())
			return err
		},
	}
	return cmd
}

func listRules(w io.Writer) error {
	const indent = 52
	for i, family := range lint.Families() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, family)
		for _, r := range lint.Rules() {
			if r.Family == family {
				fmt.Fprintf(w, "  %-29s %-8s %-11s", r.ID, r.Severity, r.Confidences())
				width := indent
				for _, word := range strings.Fields(r.Doc.Summary) {
					if width+1+len(word) > 100 {
						fmt.Fprintf(w, "\n%*s", indent-1, "")
						width = indent
					}
					fmt.Fprint(w, " ", word)
					width += 1 + len(word)
				}
				fmt.Fprintln(w)
			}
		}
	}
	_, err := fmt.Fprintln(w, "\nEach has its severity and its confidence. mcpolicy rules ID explains one.")
	return err
}

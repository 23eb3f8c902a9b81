package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/glob"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

func newWhoCan() *cobra.Command {
	var in input
	var out output
	var server string
	var destructive bool
	cmd := &cobra.Command{
		Use:   "who-can list|call|get|read [ITEM...]",
		Short: "Say who may do one thing, and on what condition",
		Long: `Say who may do one thing: the declared principals, and anybody by role, with the
exact condition over their attributes and the arguments. ITEM may be a glob.
Roles that only a rule for everyone lets in are marked.`,
		Example: `  mcpolicy who-can call delete_customer
  mcpolicy who-can call 'delete_*' --server crm
  mcpolicy who-can call --destructive`,
		Args:              usageArgs(cobra.MinimumNArgs(1)),
		ValidArgsFunction: complete((*completing).asked),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			write, err := writerOf(&out, map[string]func(io.Writer, []explain.Answer, report.Options) error{
				"text": report.WhoCanText, "json": report.WhoCanJSON, "markdown": report.WhoCanMarkdown,
			})
			if err != nil {
				return err
			}
			op, ok := authz.ParseOperation(args[0])
			if !ok {
				return usageError{fmt.Errorf("no operation is called %q; there are list, call, get and read", args[0])}
			}
			if len(args) == 1 && !destructive {
				return usageError{errors.New("say which tool, prompt or resource, or --destructive")}
			}
			w, err := in.load(ctx)
			if err != nil {
				return err
			}
			defer w.close()
			if err := w.narrow(op, args[1:], server, destructive); err != nil {
				return err
			}
			m, err := w.build(ctx, nil)
			if err != nil {
				return err
			}
			var columns []*matrix.Column
			for _, c := range m.Columns {
				if c.Operation == op {
					columns = append(columns, c)
				}
			}
			if err := w.stableFor(m, columns...); err != nil {
				return err
			}
			for _, n := range w.uncovered(columns) {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: warning: %s\n", n.Message)
			}
			answers, err := explain.WhoCan(ctx, m, w.engine, w.policies, columns)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), answers)
		},
	}
	in.localFlags(cmd)
	out.flags(cmd)
	cmd.Flags().StringVar(&server, "server", "", "only the server of this `NAME`")
	cmd.Flags().BoolVar(&destructive, "destructive", false, "only destructive tools")
	completeFlags(cmd, map[string]cobra.CompletionFunc{"server": complete((*completing).servers)})
	return cmd
}

// narrow leaves the servers with those of their items that are asked about.
func (w *workspace) narrow(op authz.Operation, patterns []string, server string, destructive bool) error {
	var names, servers []string
	matched := make([]bool, len(patterns))
	left := w.servers[:0:0]
	for _, s := range w.servers {
		servers = append(servers, s.Name)
		if server != "" && s.Name != server {
			continue
		}
		inventory := *s.Inventory
		inventory.Items = nil
		for _, item := range s.Inventory.Items {
			if op != authz.List && op != item.Type.Use() {
				continue
			}
			names = append(names, item.Name)
			hit := len(patterns) == 0
			for i, p := range patterns {
				re, err := glob.Compile(p)
				if err != nil {
					return usageError{err}
				}
				if p == item.Name || re.MatchString(item.Name) {
					hit, matched[i] = true, true
				}
			}
			if hit && (!destructive || item.Type == authz.ToolItem && item.Destructive() != manifest.None) {
				inventory.Items = append(inventory.Items, item)
			}
		}
		if len(inventory.Items) > 0 {
			left = append(left, &matrix.Server{Name: s.Name, Inventory: &inventory, Profile: s.Profile})
		}
	}
	if server != "" && !slices.Contains(servers, server) {
		return usageError{fmt.Errorf("no server is called %q%s", server, source.DidYouMean(server, servers))}
	}
	if i := slices.Index(matched, false); i >= 0 {
		return usageError{fmt.Errorf("nothing to %s is called %q%s", op, patterns[i], source.DidYouMean(patterns[i], names))}
	}
	if len(left) == 0 {
		return usageError{fmt.Errorf("nothing to %s among %s", op, strings.Join(servers, ", "))}
	}
	w.servers = left
	return nil
}

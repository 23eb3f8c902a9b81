package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// asked is what the command line says about one thing to be explained.
type asked struct {
	args, server, itemType string
	lookedUp               string
	enforcementPoint       string
	roles, attrs           []string
}

func newExplain() *cobra.Command {
	var in input
	var out output
	var a asked
	cmd := &cobra.Command{
		Use:   "explain PRINCIPAL ITEM [list|call|get|read]",
		Short: "Say why one principal may or may not do one thing",
		Long: `Say why one principal may or may not do one thing: what the enforcement point
would ask, which rules are about it, what each part of their conditions comes to,
and, for a denial, what would be allowed. The operation is the use of the item
(call, get or read) unless it is said.

Of a denial it says the smallest change of values that would allow it: the fewest
arguments of --args, attributes of the principal and claims that have to be others,
arguments before attributes. Without --args the arguments may be any. A role is no
value: what one more role would do stands beside it. That no values would do is
said where it is known, and what is not known is said, too.

With --role the principal need not be declared; with --type the item need not be
in an inventory.

With --enforcement-point it says instead what is known of an enforcement point: what
it asks about each method of MCP, what becomes of a request that no policy decides,
and what each of these is known from. SERVER, NAME, TAG, ARGUMENTS and VALUE
stand for what differs from one request to the next.`,
		Example: `  mcpolicy explain sally get_sales_data
  mcpolicy explain sally get_sales_data call --args '{"region": "APAC"}'
  mcpolicy explain someone get_sales_data --role SALES --attr region=EMEA
  mcpolicy explain someone get_sales_data --role SALES --args '{}'    # how little has to change
  mcpolicy explain rea run_query --looked-up '{"state": "frozen"}'     # of a profile with "{unknown}"
  mcpolicy explain sally crm://reports/commissions list
  mcpolicy explain --enforcement-point cerbos-fastmcp`,
		Args:              usageArgs(a.counted),
		ValidArgsFunction: complete((*completing).explained),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.enforcementPoint != "" {
				return a.explainPoint(cmd, &in, &out)
			}
			return a.explain(cmd, &in, &out, args)
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&a.enforcementPoint, "enforcement-point", "", "say what is known of the enforcement point of this `NAME`, built in or declared")
	f.StringVar(&a.args, "args", "", "the arguments of the call, as a `JSON` object; open unless given")
	f.StringVar(&a.lookedUp, "looked-up", "", "what the enforcement point looks up, as a `JSON` object of attributes; with it --args is {} unless given")
	f.StringVar(&a.server, "server", "", "the server that ITEM is of, if several have it")
	f.StringVar(&a.itemType, "type", "", "ask about an item of this `TYPE` though no inventory has it: tool, prompt, resource or resourceTemplate")
	f.StringSliceVar(&a.roles, "role", nil, "ask about a principal with this `ROLE`, declared or not; may be repeated")
	f.StringArrayVar(&a.attrs, "attr", nil, "an attribute of that principal, as `NAME=VALUE`; the value is JSON or a string; may be repeated")
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"enforcement-point": cobra.FixedCompletions(authz.BuiltIn(), cobra.ShellCompDirectiveNoFileComp),
		"args":              cobra.NoFileCompletions, "looked-up": cobra.NoFileCompletions, "attr": cobra.NoFileCompletions,
		"server": complete((*completing).servers), "role": each(complete((*completing).rolesAnybodyHas)),
		"type": cobra.FixedCompletions([]string{"tool", "prompt", "resource", "resourceTemplate"}, cobra.ShellCompDirectiveNoFileComp),
	})
	return cmd
}

// counted takes who and what, or nothing where an enforcement point is asked about.
func (a *asked) counted(cmd *cobra.Command, args []string) error {
	if a.enforcementPoint != "" {
		return cobra.NoArgs(cmd, args)
	}
	return cobra.RangeArgs(2, 3)(cmd, args)
}

func (a *asked) explainPoint(cmd *cobra.Command, in *input, out *output) error {
	write, err := writerOf(out, report.EnforcementPointFormats())
	if err != nil {
		return err
	}
	cfg, folder, err := in.readConfig()
	switch {
	case errors.Is(err, config.ErrNotFound) && slices.Contains(authz.BuiltIn(), a.enforcementPoint):
		cfg = &config.Config{}
	case err != nil:
		return err
	case folder != nil:
		defer folder.close() //nolint:errcheck // it was read
	}
	points, err := workspace.EnforcementPoints(cfg, a.enforcementPoint)
	if err != nil {
		return usageError{err}
	}
	return write(cmd.OutOrStdout(), points)
}

func (a *asked) explain(cmd *cobra.Command, in *input, out *output, args []string) error {
	ctx := cmd.Context()
	write, err := writerOf(out, report.ExplainFormats())
	if err != nil {
		return err
	}
	arguments, err := a.arguments()
	if err != nil {
		return err
	}
	w, err := in.load(ctx, false)
	if err != nil {
		return err
	}
	defer w.close()
	out.here = w.here(in.given())
	principal, err := a.principal(w, args[0])
	if err != nil {
		return err
	}
	server, item, err := w.Item(a.server, a.itemType, args[1])
	if err != nil {
		return err
	}
	op := item.Type.Use()
	if len(args) == 3 {
		var ok bool
		if op, ok = authz.ParseOperation(args[2]); !ok || op != authz.List && op != item.Type.Use() {
			return usageError{fmt.Errorf("a %s has the operations list and %s, not %q", item.Type, item.Type.Use(), args[2])}
		}
	}
	if _, lookedUp := authz.SplitArguments(arguments); lookedUp != nil {
		if err := server.Profile.Ask(matrix.ProfileItem(item), op).LooksUp(lookedUp); err != nil {
			return usageError{fmt.Errorf("--looked-up: %w", err)}
		}
	}
	if arguments != nil && op == authz.List {
		return usageError{errors.New("--args: a list has no arguments")}
	}
	for _, warning := range workspace.Misfits(item, arguments) {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: warning: %s; they are decided all the same\n", warning)
	}
	x, err := w.Explain(ctx, &workspace.Attempt{Principal: principal, Server: server, Item: item, Operation: op, Arguments: arguments})
	if err != nil {
		return err
	}
	return write(cmd.OutOrStdout(), x)
}

// writerOf returns a function that writes a value in the format that --format
// names, of those that it can be written in.
func writerOf[T any](o *output, formats []report.Writer[T]) (func(io.Writer, T) error, error) {
	name := "text"
	switch len(o.formats) {
	case 0:
	case 1:
		name = o.formats[0]
	default:
		return nil, usageError{errors.New("--format: this command writes one report")}
	}
	var names []string
	for _, f := range formats {
		if f.Name == name {
			return func(w io.Writer, v T) error { return f.Write(w, v, o.options(w, report.Options{})) }, nil
		}
		names = append(names, f.Name)
	}
	last := len(names) - 1
	return nil, usageError{fmt.Errorf("--format: unknown format %q; here there are %s and %s", name, strings.Join(names[:last], ", "), names[last])}
}

// arguments returns those of the call, with what is looked up.
func (a *asked) arguments() (map[string]any, error) {
	arguments, err := jsonObject("--args", a.args)
	if err != nil || a.lookedUp == "" {
		return arguments, err
	}
	lookedUp, err := jsonObject("--looked-up", a.lookedUp)
	if err != nil {
		return nil, err
	}
	if arguments == nil {
		arguments = map[string]any{}
	}
	arguments[authz.LookedUp] = lookedUp
	return arguments, nil
}

// jsonObject reads the value of a flag, nil if it has none.
func jsonObject(flag, text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	n, err := source.ParseJSON(flag, []byte(text))
	if err != nil {
		return nil, usageError{err}
	}
	of, ok := n.Value().(map[string]any)
	if !ok {
		return nil, usageError{fmt.Errorf("%s: want a JSON object, have %s", flag, n.Kind)}
	}
	return of, nil
}

// principal returns the declared principal of that key, or the one that --role
// and --attr describe.
func (a *asked) principal(w *session, key string) (*authz.Principal, error) {
	if len(a.roles) == 0 && len(a.attrs) == 0 {
		return w.Principal(key)
	}
	declared := w.Principals.Get(key)
	p := &authz.Principal{Key: key, ID: key}
	if declared != nil {
		copied := *declared
		p = &copied
	}
	if len(a.roles) > 0 {
		if err := w.CheckRoles(a.roles); err != nil {
			return nil, err
		}
		p.Roles = a.roles
	}
	if len(p.Roles) == 0 {
		return nil, usageError{fmt.Errorf("%q is not declared: give it a --role", key)}
	}
	attr := map[string]any{}
	for k, v := range p.Attr {
		attr[k] = v
	}
	for _, text := range a.attrs {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--attr: want NAME=VALUE, have %q", text)}
		}
		var v any
		if err := json.NewDecoder(bytes.NewReader([]byte(value))).Decode(&v); err != nil {
			v = value
		}
		attr[name] = v
	}
	p.Attr = attr
	return p, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A discovery is what the command line of discover says.
type discovery struct {
	servers     liveServers
	tokens      []string // variables that hold them
	out         string
	timeout     time.Duration
	acceptEmpty bool
}

func newDiscover() *cobra.Command {
	var d discovery
	cmd := &cobra.Command{
		Use:   "discover {--url URL | --run -- COMMAND ARG... | --server NAME | --from FILE}",
		Short: "Read the inventory of a running server",
		Long: `Read the whole inventory of a running MCP server, tools, prompts, resources and
resource templates with all their pages, and write it for mcpolicy to read.

The server is at a URL (streamable HTTP, or SSE where it knows no other), or is
started with --run, which is never done without that flag, and ended with all
that it started. It may also be one that mcpolicy.yaml describes under
servers.NAME.live, or one of a client's configuration (.mcp.json,
.vscode/mcp.json, Claude Desktop's).

Tokens and headers come from the environment, never from the command line. They
go to the server's own host and to no other, and are taken out of whatever the
server says. In CI, where a pull request may have changed the file that says where
the server is, they go nowhere that --token-origin does not name.

Many servers show a principal only what it may use. A list that is empty is
therefore an error; take a token that may list everything, or give --token-env
several times: what the tokens see is put together, and what each of them does
not see is named.`,
		Example: `  mcpolicy discover --url https://crm.example.com/mcp --token-env ADMIN_TOKEN -o crm.json
  mcpolicy discover --url http://localhost:8000/sse --header-env X-Api-Key=CRM_KEY
  mcpolicy discover --url https://crm.example.com/mcp --token-env IAN_TOKEN --token-env SALLY_TOKEN
  mcpolicy discover --run -o files.json -- npx -y @modelcontextprotocol/server-filesystem .
  mcpolicy discover --server crm --token-env ADMIN_TOKEN -o manifests/crm.json
  mcpolicy discover --from .mcp.json --all --run -o servers.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd, args) },
	}
	d.servers.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&d.tokens, "token-env", nil, "the environment variable `NAME` that holds a bearer token; may be repeated")
	f.StringVarP(&d.out, "output", "o", "", "write to `FILE` instead of standard output; an inventory that is there is replaced")
	f.DurationVar(&d.timeout, "timeout", 2*time.Minute, "how long reading one server may take")
	f.BoolVar(&d.acceptEmpty, "accept-empty", false, "write an inventory without tools")
	_ = cmd.MarkFlagFilename("output", "json")
	completeFlag(cmd, "token-env", completeVariables)
	return cmd
}

// completeVariables offers the names of the environment's variables.
func completeVariables(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (d *discovery) run(cmd *cobra.Command, args []string) error {
	found, err := d.read(cmd, args)
	if err != nil {
		return err
	}
	return d.write(cmd.OutOrStdout(), found)
}

// read reads the servers that the command line means.
func (d *discovery) read(cmd *cobra.Command, args []string) ([]*reach.Found, error) {
	servers, err := d.servers.find(cmd, args)
	if err != nil {
		return nil, err
	}
	views, err := reach.Views(servers, d.tokens, os.LookupEnv, d.servers.leave)
	if err != nil {
		return nil, usageError{err}
	}
	if err := checkOutput(d.out); err != nil {
		return nil, err
	}
	for _, s := range servers {
		announce(cmd.ErrOrStderr(), s, len(d.tokens) > 0)
	}
	progress, done := show(cmd.Context(), "reading")
	err = d.visit(cmd.Context(), views, progress)
	done()
	if err != nil {
		return nil, err
	}
	var found []*reach.Found
	var errs []error
	for _, s := range servers {
		one := reach.Merge(s, views)
		for _, note := range one.Notes {
			fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: %s\n", note)
		}
		if !d.acceptEmpty {
			errs = append(errs, one.CheckEmpty())
		}
		found = append(found, one)
	}
	return found, errors.Join(errs...)
}

// maxVisits is how many servers and principals are read at the same time.
const maxVisits = 4

// visit reads the views. A progress of done of total is reported.
func (d *discovery) visit(ctx context.Context, views []*reach.View, progress func(done, total int)) error {
	var g errgroup.Group
	g.SetLimit(maxVisits)
	total := len(views) * len(authz.ItemTypes())
	done := make(chan struct{}, total)
	errs := make([]error, len(views))
	var left atomic.Int64
	left.Store(int64(len(views)))
	for i, v := range views {
		g.Go(func() error {
			defer workspace.Guard(&errs[i])
			defer func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
			errs[i] = v.Read(ctx, d.timeout, live.Options{Version: version()}, func() { done <- struct{}{} })
			return nil
		})
	}
	for n := 1; ; n++ {
		if _, more := <-done; !more {
			break
		}
		progress(n, total)
	}
	_ = g.Wait() // the errors are in errs
	return errors.Join(errs...)
}

// announce says what is about to happen with a server that a reader might not
// expect.
func announce(stderr io.Writer, s *reach.Server, tokens bool) {
	switch {
	case s.Starts():
		fmt.Fprintf(stderr, "mcpolicy: %s: starting %s\n", s.Name, s.Target)
	case (tokens || len(s.Target.Headers) > 0) && s.InTheClear():
		fmt.Fprintf(stderr, "mcpolicy: note: %s: what is sent to %s is not encrypted, tokens included\n", s.Name, s.Target)
	}
}

// checkOutput refuses to replace what is no inventory.
func checkOutput(name string) error {
	if name == "" || name == "-" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // it is new, or a device, or nothing is lost; whether it can be written shows then
	}
	data, err := readOS(name)
	if err == nil {
		_, err = manifest.Parse(filepath.ToSlash(name), data)
	}
	if err != nil {
		return usageError{fmt.Errorf("-o %s: there is a file that is no inventory, which is not replaced; remove it, or choose another name", name)}
	}
	return nil
}

// write writes the inventories: one alone, several under their names.
func (d *discovery) write(stdout io.Writer, found []*reach.Found) error {
	data, err := reach.Encode(found[0])
	if d.servers.all {
		data, err = reach.EncodeAll(found)
	}
	if err != nil {
		return err
	}
	if d.out == "" || d.out == "-" {
		_, err := stdout.Write(source.InertJSON(data))
		return err
	}
	if err := writeOut(d.out, data); err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintf(lines{stdout}, "%s: %s\n", f.Server.Name, f.Summary())
	}
	return nil
}

// writeOut replaces a file when the new one is whole. A pipe or a device, which
// must not be replaced, is written to.
func writeOut(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(name, data, 0); err != nil {
			return fmt.Errorf("write %s: %w", name, errors.Unwrap(err))
		}
		return nil
	}
	return replaceFile(name, func(w io.Writer) error { _, err := w.Write(data); return err })
}

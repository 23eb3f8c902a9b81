package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	_ = cmd.RegisterFlagCompletionFunc("token-env", completeVariables)
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
	servers, err := d.servers.find(cmd, args)
	if err != nil {
		return err
	}
	visits, err := d.visits(servers)
	if err != nil {
		return err
	}
	if err := checkOutput(d.out); err != nil {
		return err
	}
	for _, s := range servers {
		announce(cmd.ErrOrStderr(), s, len(d.tokens) > 0)
	}
	bar := newProgress(cmd.ErrOrStderr(), "reading")
	err = d.visit(cmd.Context(), visits, bar.report)
	bar.done()
	if err != nil {
		return err
	}
	var found []discovered
	var errs []error
	for _, s := range servers {
		one := merge(s, visits)
		for _, note := range one.notes {
			fmt.Fprintf(cmd.ErrOrStderr(), "mcpolicy: note: %s\n", note)
		}
		if !d.acceptEmpty {
			errs = append(errs, one.checkEmpty())
		}
		found = append(found, one)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return d.write(cmd.OutOrStdout(), found)
}

// A visit is one principal's look at one server.
type visit struct {
	server    *liveServer
	token     string // the name of its variable, or ""
	target    live.Target
	inventory *live.Inventory
}

// name says who looked at what.
func (v *visit) name() string {
	if v.token == "" {
		return v.server.name
	}
	return v.server.name + " with " + v.token
}

// visits lists what is to be done: each token's look at each server.
func (d *discovery) visits(servers []*liveServer) ([]*visit, error) {
	var list []*visit
	var errs []error
	for _, s := range servers {
		if len(d.tokens) == 0 {
			list = append(list, &visit{server: s, target: s.target})
		}
		if len(d.tokens) > 0 && len(s.target.Command) > 0 {
			errs = append(errs, usageError{fmt.Errorf("--token-env: %s is started, and a server that is started takes no token", s.name)})
			continue
		}
		for _, name := range d.tokens {
			v := &visit{server: s, token: name, target: s.target}
			token, err := fromEnv(name)
			if err != nil {
				errs = append(errs, usageError{fmt.Errorf("--token-env: %w", err)})
			}
			if !s.file.IsZero() {
				errs = append(errs, d.servers.origins.allow(name, s, s.file))
			}
			v.target.Token = live.Secret(token)
			list = append(list, v)
		}
	}
	return list, errors.Join(errs...)
}

// fromEnv returns the value of a variable that must be set.
func fromEnv(name string) (string, error) {
	if strings.ContainsAny(name, " .:/=-") {
		return "", errors.New("want the name of an environment variable, not a value") // which it does not repeat
	}
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

// maxVisits is how many servers and principals are read at the same time.
const maxVisits = 4

// visit makes the visits. A progress of done of total is reported.
func (d *discovery) visit(ctx context.Context, visits []*visit, progress func(done, total int)) error {
	var g errgroup.Group
	g.SetLimit(maxVisits)
	total := len(visits) * len(authz.ItemTypes())
	done := make(chan struct{}, total)
	errs := make([]error, len(visits))
	var left atomic.Int64
	left.Store(int64(len(visits)))
	for i, v := range visits {
		g.Go(func() error {
			defer workspace.Guard(&errs[i])
			defer func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
			ctx, stop := context.WithTimeout(ctx, d.timeout)
			defer stop()
			if err := v.read(ctx, func() { done <- struct{}{} }); err != nil {
				errs[i] = fmt.Errorf("%s: %w", v.name(), d.advise(ctx, v, err))
			}
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

func (v *visit) read(ctx context.Context, progress func()) error {
	s, err := live.Dial(ctx, v.target, live.Options{Version: version()})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // everything was read
	v.inventory, err = s.Inventory(ctx, progress)
	return err
}

// advise says what may be done about an error.
func (d *discovery) advise(ctx context.Context, v *visit, err error) error {
	var status *live.HTTPError
	var rpc *live.RPCError
	switch {
	case errors.As(err, &rpc) && rpc.Method == "initialize" && len(v.target.Command) > 0:
		return fmt.Errorf("%w; middleware that wants a token answers like that, and over stdio there is none: start the server without it", err)
	case errors.As(err, &rpc) && rpc.Method == "initialize":
		return fmt.Errorf("%w; a server that cannot reach its policy decision point answers like that", err)
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w (it took longer than %v; see --timeout)", err, d.timeout)
	case !errors.As(err, &status) || status.Status != 401 && status.Status != 403:
		return err
	case v.token == "" && len(v.target.Headers) == 0:
		return fmt.Errorf("%w: no token was sent; name the variable that holds one with --token-env", err)
	case v.token == "":
		return fmt.Errorf("%w: the headers do not suffice; name the variable that holds a token with --token-env", err)
	}
	return fmt.Errorf("%w: the token in %s is not accepted", err, v.token)
}

// announce says what is about to happen with a server that a reader might not
// expect.
func announce(stderr io.Writer, s *liveServer, tokens bool) {
	switch {
	case len(s.target.Command) > 0:
		fmt.Fprintf(stderr, "mcpolicy: %s: starting %s\n", s.name, s.target)
	case (tokens || len(s.target.Headers) > 0) && strings.HasPrefix(s.target.URL, "http:") && !isLoopback(s.target.URL):
		fmt.Fprintf(stderr, "mcpolicy: note: %s: what is sent to %s is not encrypted, tokens included\n", s.name, s.target)
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
func (d *discovery) write(stdout io.Writer, found []discovered) error {
	var content any = found[0].whole
	if d.servers.all {
		byName := map[string]any{}
		for _, f := range found {
			byName[f.server.name] = f.whole
		}
		content = map[string]any{"servers": byName}
	}
	data, err := pretty(content)
	if err != nil {
		return err
	}
	if err := readBack(data); err != nil {
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
		fmt.Fprintf(lines{stdout}, "%s: %s\n", f.server.name, f.summary())
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

// pretty writes JSON for people, without the escapes that HTML would need.
func pretty(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// readBack makes sure that the other commands will read what is written.
func readBack(data []byte) error {
	_, err := manifest.Parse("the inventory", data)
	var errs []error
	for _, m := range source.Mistakes(err) {
		var e *source.Error
		if errors.As(m, &e) {
			m = e.Err // the position is one in a file that will not be
		}
		errs = append(errs, fmt.Errorf("what the server lists is no inventory: %w", m))
	}
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/probe"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// probing is what the command line of probe says.
type probing struct {
	in          input
	out         output
	url         string
	run         bool
	tokens      []string // PRINCIPAL=VARIABLE
	call, read  bool
	destructive []string
	timeout     time.Duration
	concurrency int
	origins     tokenOrigins
}

func newProbe() *cobra.Command {
	var p probing
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Compare what a running server does with the matrix",
		Long: `Compare what a running MCP server does with what the matrix says, as each
principal whose token is there: who is shown what, and, with --call and --read,
who can call, get and read what. A client without a token and one with a wrong
token must get nothing.

The server is where servers.NAME.live in the config says, or at --url. Tokens come
from the environment: probe.tokens names the variable of each principal. They go to
the server alone and are in no report. In CI, where a pull request may have changed the
config, they go nowhere that --token-origin does not name.

--call calls tools without running them, where that is possible: with arguments
that the inputSchema forbids, which a server refuses after the enforcement point
has been asked, so that the answer tells what it said. Where the inputSchema
forbids nothing, only calls that must be refused are made, and none of a
destructive tool unless --allow-destructive names it. A server that runs a tool in
spite of its arguments is reported, and that tool is left alone from then on.

--read gets prompts and reads resources that the matrix says are denied or
unguarded.

What is drift exits with 1. A server that admits nothing of what the matrix
allows exits with 3: it is broken, or its policy decision point is, and what it
refuses proves nothing.`,
		Example: `  mcpolicy probe
  mcpolicy probe --server crm --call --read
  mcpolicy probe --url https://staging.example.com/mcp --principal sally --call --tool 'get_*'
  mcpolicy probe --call --allow-destructive purge_cache --format junit=probe.xml
  mcpolicy probe --server files --run --principal ci-agent`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.probe(cmd) },
	}
	p.in.flags(cmd)
	p.out.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&p.out.servers, "server", nil, "only servers that match `GLOB` (default: all that say under live how to reach them)")
	f.StringSliceVar(&p.out.principals, "principal", nil, "only principals that match `GLOB`")
	f.StringArrayVar(&p.out.items, "tool", nil, "only tools, prompts and resources that match `GLOB`")
	f.StringVar(&p.url, "url", "", "the server's `URL`, instead of the config's")
	f.BoolVar(&p.run, "run", false, "start a server whose live names a command; it is probed as the one principal that --principal names")
	f.StringArrayVar(&p.tokens, "token-env", nil, "the environment variable that holds a principal's bearer token, as `PRINCIPAL=VARIABLE`; may be repeated")
	f.BoolVar(&p.call, "call", false, "call tools, with arguments that their inputSchema forbids")
	f.BoolVar(&p.read, "read", false, "get prompts and read resources that are denied or unguarded")
	f.StringArrayVar(&p.destructive, "allow-destructive", nil, "call the destructive `TOOL` with valid arguments too, where each call must be refused; may be repeated")
	f.DurationVar(&p.timeout, "timeout", 2*time.Minute, "how long each step as one principal may take: lists, calls, reads")
	f.IntVar(&p.concurrency, "concurrency", maxVisits, "how many principals are probed at the same time")
	p.origins.flags(cmd)
	completeProbe(cmd)
	return cmd
}

// completeProbe registers what completes the flags of probe.
func completeProbe(cmd *cobra.Command) {
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"url": cobra.NoFileCompletions, "token-env": cobra.NoFileCompletions,
		"server": each(complete((*completing).liveServers)), "principal": each(complete((*completing).tokenHolders)),
		"tool": complete(func(c *completing) { c.items(anyItem) }),
		"allow-destructive": complete(func(c *completing) {
			c.items(func(item *manifest.Item) bool {
				return item.Type == authz.ToolItem && item.Destructive() != manifest.None
			})
		}),
	})
}

func (p *probing) probe(cmd *cobra.Command) error {
	ctx := cmd.Context()
	targets, err := p.out.targets()
	if err != nil {
		return err
	}
	filter, err := p.out.filter()
	if err != nil {
		return err
	}
	if p.concurrency < 1 {
		return usageError{fmt.Errorf("--concurrency: want 1 or more, have %d", p.concurrency)}
	}
	if p.run && p.url != "" {
		return usageError{errors.New("--run starts a server, and --url names one that runs: give one of them")}
	}
	leave, err := p.origins.leave()
	if err != nil {
		return err
	}
	p.in.writes = targets
	w, err := p.in.load(ctx, false)
	if err != nil {
		return err
	}
	defer w.close()
	m, err := w.Outline()
	if err != nil {
		return err
	}
	if err := filter.Check(m); err != nil {
		return usageError{err}
	}
	servers, err := p.servers(w, filter, leave)
	if err != nil {
		return err
	}
	people, err := p.people(w, m, filter)
	if err != nil {
		return err
	}
	if err := p.suit(servers, people, leave); err != nil {
		return err
	}
	d := &report.Document{Notes: w.Notes()}
	if missing := people.Missing(); missing != "" {
		d.Notes = append(d.Notes, report.Note{Message: "not probed, for there is no token: " + missing, Pos: w.Config.Probe.Pos})
	}
	start := time.Now()
	results, errs := p.visit(cmd, w, m, filter, servers, people)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(results) == 0 {
		return errors.Join(errs...)
	}
	d.Probe, d.Elapsed = probe.Merge(results...), time.Since(start)
	for _, s := range d.Probe.Skipped {
		d.Notes = append(d.Notes, report.Note{Message: s})
	}
	for _, x := range d.Probe.Drifts {
		if x.Kind == probe.NotProbed {
			errs = append(errs, fmt.Errorf("%s: %s", x.Server, x.Message))
		}
	}
	d.Scope = &report.Scope{Principals: len(people.Chosen), Decisions: m.Decisions}
	for _, s := range servers {
		d.Scope.Servers = append(d.Scope.Servers, s.matrix)
	}
	err = w.conclude(cmd, &p.out, targets, d, authz.SeverityOff, p.in.given())
	if len(errs) > 0 && (err == nil || errors.Is(err, errFindings)) {
		return errors.Join(errs...)
	}
	return err
}

// visit probes the servers one after the other.
func (p *probing) visit(cmd *cobra.Command, w *session, m *matrix.Matrix, filter *report.Filter, servers []*probedServer, people *probe.People) (results []*probe.Result, errs []error) {
	ctx := cmd.Context()
	for _, s := range servers {
		announce(cmd.ErrOrStderr(), s.live, true)
		_, decided := show(ctx, "deciding")
		err := m.Decide(ctx, slices.Collect(m.ColumnsOf(s.matrix)))
		decided()
		if err != nil {
			return results, append(errs, err)
		}
		if err := workspace.Stable(m, slices.Collect(m.ColumnsOf(s.matrix))); err != nil {
			return results, append(errs, err)
		}
		progress, done := show(ctx, "probing "+s.matrix.Name)
		result, err := probe.Run(ctx, &probe.Input{
			Matrix: m, Server: s.matrix, Conditions: w.Engine.Conditions(), Solver: solver.New(w.Engine.Leaves()), Clients: people.Clients(s.live),
			Dial: func(ctx context.Context, c probe.Client) (probe.Session, error) {
				return people.Dial(ctx, s.live, c, live.Options{Version: version()})
			},
			Items: filter.Items.Match, Calls: p.call, Reads: p.read, Destructive: p.destructive,
			Concurrency: p.concurrency, Timeout: p.timeout, Progress: progress,
		})
		done()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		results = append(results, result)
	}
	return results, errs
}

// A probedServer is a running server and what the matrix knows of it.
type probedServer struct {
	matrix *matrix.Server
	live   *reach.Server
}

// servers returns those that are to be probed.
func (p *probing) servers(w *session, filter *report.Filter, leave *reach.Leave) ([]*probedServer, error) {
	var candidates []*matrix.Server
	for _, s := range w.Servers {
		if filter.Servers.Match(s.Name) {
			candidates = append(candidates, s)
		}
	}
	if p.url != "" {
		if len(candidates) > 1 {
			return nil, usageError{fmt.Errorf("--url: which server is it? choose one of %s with --server", names(candidates))}
		}
		s := &reach.Server{Name: candidates[0].Name, Target: live.Target{URL: p.url}}
		if err := s.Target.Check(); err != nil {
			return nil, usageError{fmt.Errorf("--url: %w", err)}
		}
		return []*probedServer{{candidates[0], s}}, nil
	}
	var list []*probedServer
	var errs []error
	for _, s := range candidates {
		declared := w.Config.Servers.Get(s.Name)
		if declared == nil || declared.Live == nil {
			continue
		}
		found, err := reach.OfLive(s.Name, p.in.folder(), declared.Live, os.LookupEnv, leave)
		if err != nil {
			errs = append(errs, usageError{err})
			continue
		}
		if found.Starts() && !p.run {
			errs = append(errs, usageError{source.Errorf(declared.Live.Pos, "server %q is reached by starting %s; add --run to have that done", s.Name, found.Target)})
			continue
		}
		list = append(list, &probedServer{s, found})
	}
	if len(list) == 0 && len(errs) == 0 {
		errs = append(errs, usageError{fmt.Errorf("nothing says how to reach %s: say live: {url: ...} in the config, or give --url", names(candidates))})
	}
	return list, errors.Join(errs...)
}

func names(servers []*matrix.Server) string {
	var list []string
	for _, s := range servers {
		list = append(list, s.Name)
	}
	return reach.Some(list, len(list))
}

// people finds out who is probed, and reads their tokens. What the command line says
// stands in place of what the config does.
func (p *probing) people(w *session, m *matrix.Matrix, filter *report.Filter) (*probe.People, error) {
	var tokens []probe.Token
	given := map[string]bool{}
	for _, flag := range p.tokens {
		principal, variable, err := splitToken(flag)
		if err != nil {
			return nil, err
		}
		given[principal] = true
		tokens = append(tokens, probe.Token{Principal: principal, Variable: variable, Pos: source.Pos{File: "--token-env"}})
	}
	for _, t := range w.Config.Probe.Tokens {
		if !given[t.Principal] {
			tokens = append(tokens, probe.Token{Principal: t.Principal, Variable: t.Env.Name, Pos: t.Pos, ByFile: true})
		}
	}
	who, err := probe.NewPeople(m, tokens, filter.Principals.Match, len(p.out.principals) > 0, os.LookupEnv)
	if err != nil {
		return nil, usageError{err}
	}
	return who, nil
}

// suit reports what does not go together, before anything is contacted.
func (p *probing) suit(servers []*probedServer, people *probe.People, leave *reach.Leave) error {
	var running []*reach.Server
	var known []*matrix.Server
	for _, s := range servers {
		running, known = append(running, s.live), append(known, s.matrix)
	}
	var errs []error
	if err := probe.CheckDestructive(p.destructive, known...); err != nil {
		errs = append(errs, usageError{err})
	}
	if len(p.destructive) > 0 && !p.call {
		errs = append(errs, usageError{errors.New("--allow-destructive: calls are made with --call only")})
	}
	err := people.Suit(running...)
	if errors.Is(err, probe.ErrNobody) {
		err = usageError{err}
	}
	errs = append(errs, err)
	if err := people.Allow(leave, running...); err != nil {
		errs = append(errs, usageError{err})
	}
	return errors.Join(errs...)
}

// splitToken takes apart what is given by --token-env, as PRINCIPAL=VARIABLE.
func splitToken(flag string) (principal, variable string, err error) {
	i := strings.LastIndex(flag, "=")
	if i <= 0 || i == len(flag)-1 {
		return "", "", usageError{errors.New("--token-env: want PRINCIPAL=VARIABLE, such as sally=SALLY_TOKEN")}
	}
	return flag[:i], flag[i+1:], nil
}

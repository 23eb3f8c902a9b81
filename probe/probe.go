package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
)

// A Session is a connection to a server as one client. A [*live.Session] is
// one.
type Session interface {
	// List reads everything of one type that the client is shown.
	List(ctx context.Context, t authz.ItemType) (*live.List, error)
	// Call calls a tool; a refusal is a result with IsError, or an error.
	Call(ctx context.Context, tool string, arguments map[string]any) (*live.Result, error)
	// CallTask calls a tool as a task that the server keeps for a time.
	CallTask(ctx context.Context, tool string, arguments map[string]any, keep time.Duration) (*live.Result, error)
	// TaskResult waits for a task to end and returns what the call came to.
	TaskResult(ctx context.Context, id string) (*live.Result, error)
	// Read reads a resource.
	Read(ctx context.Context, uri string) (*live.Result, error)
	// Get gets a prompt.
	Get(ctx context.Context, prompt string, arguments map[string]string) (*live.Result, error)
	// Close ends the session.
	Close() error
}

// A Client says who a session is of: a principal; or else nobody, who comes
// without a token or with a wrong one.
type Client struct {
	Principal  *authz.Principal
	WrongToken bool
}

// String names the client.
func (c Client) String() string {
	switch {
	case c.Principal != nil:
		return c.Principal.Key
	case c.WrongToken:
		return "a client with a wrong token"
	}
	return "a client without a token"
}

// Input is what is compared, and how.
type Input struct {
	Matrix     *matrix.Matrix // the columns of the server are decided
	Server     *matrix.Server
	Conditions []*pdp.Condition // of the policies that the matrix was built with
	// Solver says which arguments meet a condition, and which miss it. Without it, and
	// where it does not know, that is found by trying some.
	Solver  *solver.Solver
	Clients []Client
	// Dial makes a session of a client. Sessions are closed when Run returns.
	Dial func(ctx context.Context, c Client) (Session, error)

	Items        func(name string) bool // those that matter; nil is all
	Calls, Reads bool
	// Destructive are the names of destructive tools that may be called with
	// arguments that are valid, where the matrix says that all calls are denied.
	Destructive []string
	Concurrency int           // clients at the same time; 4 when zero
	Timeout     time.Duration // of what is done as one client, in each step; none when zero
	Progress    func(done, total int)
}

// A BrokenError says that a server admits nothing of what the matrix allows, so
// that nothing that it refuses means anything.
type BrokenError struct {
	Server string
	Tried  int // what the matrix allows
	Why    string
}

// Error says what that may mean.
func (e *BrokenError) Error() string {
	why := ""
	if e.Why != "" {
		why = "; " + e.Why
	}
	if e.Tried == 0 && e.Why != "" {
		return fmt.Sprintf("%s: no principal could be probed%s", e.Server, why)
	}
	if e.Tried == 0 {
		return fmt.Sprintf("%s: nothing was tried that the matrix allows, so a server that refuses everything would look the same", e.Server)
	}
	return fmt.Sprintf("%s: of %d things that the matrix allows, the server admits none: the server or its policy decision point is broken, "+
		"or another one than the config describes; what it refuses proves nothing%s", e.Server, e.Tried, why)
}

// Run probes one server. The error is a [*BrokenError] if the server admits
// nothing of what the matrix allows, and else that of the context or of the
// engine. A client that could not be probed is a drift of the kind [NotProbed].
func Run(ctx context.Context, in *Input) (*Result, error) {
	p := &prober{
		in: in, finder: witness.NewFinder(in.Matrix, in.Conditions), profile: in.Server.Profile,
		locks: map[*manifest.Item]*toolLock{}, items: map[itemKey]*manifest.Item{}, skipped: map[string][]string{},
	}
	for _, item := range in.Server.Inventory.Items {
		p.items[itemKey{item.Type, item.Name}] = item
		p.locks[item] = &toolLock{}
	}
	for _, c := range in.Clients {
		p.clients = append(p.clients, &connectedClient{Client: c})
	}
	if in.Calls || in.Reads {
		if err := p.plan(ctx); err != nil {
			return nil, err
		}
	}
	defer p.close()
	p.total = len(p.clients) * (1 + len(stages))
	p.each(ctx, p.list)
	p.compareLists()
	for _, stage := range stages {
		p.each(ctx, func(ctx context.Context, c *connectedClient) error { return p.perform(ctx, c, stage) })
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.result.sort()
	p.result.Skipped = p.skips()
	if p.broken() {
		return nil, &BrokenError{Server: in.Server.Name, Tried: p.asked[matrix.Allowed], Why: p.why()}
	}
	return &p.result, nil
}

// stages are done one after the other by all clients: what harms least first.
var stages = []stage{harmless, destructive, reading}

type stage uint8

const (
	harmless stage = iota
	destructive
	reading
)

type itemKey struct {
	of   authz.ItemType
	name string
}

// A prober is one run.
type prober struct {
	in      *Input
	finder  *witness.Finder
	profile *pep.Profile
	clients []*connectedClient
	items   map[itemKey]*manifest.Item
	locks   map[*manifest.Item]*toolLock

	mu      sync.Mutex // of what follows
	result  Result
	asked   [5]int              // what principals tried, by what the matrix says
	open    int                 // of what is unguarded, what was had
	skipped map[string][]string // names of items, by why
	lax     bool
	done    int
	total   int
}

// A toolLock lets one call of a tool be made at a time, and none once the tool
// has run in spite of its arguments.
type toolLock struct {
	sync.Mutex
	ran bool
}

// A connectedClient is one that is connected, or whose connection failed.
type connectedClient struct {
	Client
	session Session
	lists   [4]*live.List // nil before they are read
	todo    []attempt
	failed  error
}

// each does something as all clients that have not failed.
func (p *prober) each(ctx context.Context, do func(context.Context, *connectedClient) error) {
	var g errgroup.Group
	g.SetLimit(max(1, p.concurrency()))
	for _, c := range p.clients {
		g.Go(func() error {
			if c.failed == nil && ctx.Err() == nil {
				limited, done := p.limit(ctx)
				if err := guarded(limited, c, do); err != nil && ctx.Err() == nil {
					p.fail(c, err)
				}
				done()
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.done++; p.in.Progress != nil {
				p.in.Progress(p.done, p.total)
			}
			return nil
		})
	}
	_ = g.Wait() // nothing returns an error
}

// guarded turns a panic into an error of the client's.
func guarded(ctx context.Context, c *connectedClient, do func(context.Context, *connectedClient) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	return do(ctx, c)
}

const concurrency = 4

func (p *prober) concurrency() int {
	if p.in.Concurrency > 0 {
		return p.in.Concurrency
	}
	return concurrency
}

func (p *prober) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.in.Timeout > 0 {
		return context.WithTimeout(ctx, p.in.Timeout)
	}
	return context.WithCancel(ctx)
}

// fail gives up on a client.
func (p *prober) fail(c *connectedClient, err error) {
	c.failed = err
	d := Drift{
		Kind: NotProbed, Message: fmt.Sprintf("%s could not be probed to the end: %v", c, err),
		Expected: "an answer", Answered: err.Error(), Server: p.in.Server.Name, Pos: p.in.Server.Inventory.Pos,
	}
	if c.Principal != nil {
		d.Principal = c.Principal.Key
	}
	p.report(d)
}

// why returns what went wrong with clients, for a server that is broken.
func (p *prober) why() string {
	var list []string
	for _, c := range p.clients {
		if c.failed != nil {
			list = append(list, fmt.Sprintf("%s: %v", c, c.failed))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func (p *prober) close() {
	for _, c := range p.clients {
		if c.session != nil {
			_ = c.session.Close() // everything was asked
		}
	}
}

func (p *prober) report(d Drift) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Drifts = append(p.result.Drifts, d)
}

// skip notes that something was not done with an item, and why.
func (p *prober) skip(item *manifest.Item, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.skipped[why], item.Name) {
		p.skipped[why] = append(p.skipped[why], item.Name)
	}
}

// skips says what was skipped, a sentence for each reason.
func (p *prober) skips() []string {
	var list []string
	for why, names := range p.skipped {
		list = append(list, p.in.Server.Name+": "+some(names)+": "+why)
	}
	slices.Sort(list)
	return list
}

// broken reports whether nothing that was refused means anything: because
// everything was that depends on policies, or because nobody was let in at all.
func (p *prober) broken() bool {
	guarded := p.asked[matrix.Allowed] + p.asked[matrix.Denied] + p.asked[matrix.Refused]
	return p.result.Admitted == 0 && (guarded > 0 || p.open == 0)
}

// answered counts an answer that is held against a cell, and whether it shows
// that the server admits what is allowed.
func (p *prober) answered(c *connectedClient, want matrix.Access, admitted, called bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Answers++
	if called {
		p.result.Calls++
	}
	if c.Principal == nil {
		return
	}
	p.asked[want]++
	switch {
	case admitted && want == matrix.Allowed:
		p.result.Admitted++
	case admitted && want == matrix.Unguarded:
		p.open++
	}
}

func (p *prober) chosen(name string) bool { return p.in.Items == nil || p.in.Items(name) }

// harmful reports whether a tool is destructive and not named.
func (p *prober) harmful(item *manifest.Item) bool {
	return item.Destructive() != manifest.None && !slices.Contains(p.in.Destructive, item.Name)
}

// rejected reports whether an error says that the server wants another token,
// or does not let the client in.
func rejected(err error) bool {
	var status *live.HTTPError
	var rpc *live.RPCError
	return errors.As(err, &status) && (status.Status == 401 || status.Status == 403) || errors.As(err, &rpc)
}

// drift returns a drift about a cell.
func (p *prober) drift(kind Kind, c *connectedClient, col *matrix.Column, cell *matrix.Cell) Drift {
	d := Drift{
		Kind: kind, Server: p.in.Server.Name, Type: col.Item.Type, Name: col.Item.Name, Operation: col.Operation, Pos: col.Item.Pos,
	}
	if c != nil && c.Principal != nil {
		d.Principal = c.Principal.Key
	}
	if cell == nil {
		return d
	}
	if d.Rules = cell.Decisive(); len(d.Rules) == 0 {
		d.Rules = cell.Rules // which would have made it something else
	}
	d.Condition = cell.Condition
	if len(d.Rules) > 0 && d.Rules[0].Pos.File != "" {
		d.Pos = d.Rules[0].Pos
	}
	return d
}

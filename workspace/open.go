package workspace

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// Inputs are what is read. What is given here stands in place of what the config
// names.
type Inputs struct {
	// Config is nil where there is none; servers, policies and principals have to
	// be given then.
	Config *config.Config
	// Folder is where the paths of the config begin. Nil without a config.
	Folder fs.FS

	Inventories []Inventory
	Policies    *Folder
	Principals  *File
	Suites      []File
}

// config returns the config, or one that says nothing.
func (in *Inputs) config() *config.Config {
	if in.Config == nil {
		return &config.Config{Lint: config.Lint{FailOn: authz.SeverityWarning}}
	}
	return in.Config
}

// A File is a file that is read once.
type File struct {
	Name string // slash-separated, in positions and messages
	Open func() (fs.File, error)
}

// A Folder is a folder of files.
type Folder struct {
	Name string // slash-separated, in positions and messages
	Open func() (fs.FS, error)
}

// An Inventory is a file with the inventories of servers.
type Inventory struct {
	File
	Server string // the one of several that is meant; "" for all
}

// Options say how a workspace is read and decided.
type Options struct {
	// Now is the time of conditions and waivers; the zero time is that of the start.
	Now time.Time
	// Start is when it started; the zero time is when it is loaded.
	Start time.Time
	// AcceptIncomplete goes on with inventories that may be incomplete.
	AcceptIncomplete bool
	// Enforcement and ResourceKind replace those of every server, unless empty.
	Enforcement, ResourceKind string
	// PDP are addresses of replicas of a running PDP, which decides then in place of
	// the embedded engine, and Remote how to reach them.
	PDP    []string
	Remote remote.Options
	// NoCerbosTests leaves out the suites of Cerbos's own.
	NoCerbosTests bool
	// ReadSuites has the suites read with the rest and not when they are first
	// wanted, so that all mistakes are reported together.
	ReadSuites bool
	// Bounds, if set, is called with the policies before the engine sees them. It
	// returns the bounds for evaluating them, or refuses them with an error.
	Bounds func(*policy.Set, fs.FS) (pdp.Bounds, error)
	// Progress, if set, is told what is being done and how far it is.
	Progress Progress
}

// A Progress is called when some work begins. It returns report, which is told how much
// of the work is done, by one goroutine at a time, and end, which is called when it is
// over. Several works may go on at the same time.
type Progress func(work string) (report func(done, total int), end func())

func (p Progress) begin(work string) (report func(done, total int), end func()) {
	if p == nil {
		return func(int, int) {}, func() {}
	}
	return p(work)
}

// A Workspace is what was read and loaded. Its fields are not to be changed.
type Workspace struct {
	Config     *config.Config // never nil
	Servers    []*matrix.Server
	Principals *principals.Set
	Policies   *policy.Set
	// Engine is the embedded one, over the policies, and Decider what decides: the
	// engine or a running PDP.
	Engine  *embedded.Engine
	Decider pdp.Decider
	Now     time.Time

	in       *Inputs
	o        Options
	accepted []acceptedGap
	grants   grantFiles
	classes  *matrix.Classes // of the principals
	compiled chan struct{}   // closed when the engine is there, or will not be
	policyFS fs.FS
	engine   pdp.Options
	remote   *remote.PDP // nil without a running PDP

	served chan struct{} // closed when the servers are there, or will not be

	suites     []*testrunner.Suite
	suitesRead bool
	suitesIn   chan struct{} // closed when suites that are read with the rest are there, or will not be
}

// An acceptedGap is a reason why an inventory may be incomplete, accepted by the
// config.
type acceptedGap struct {
	server string
	manifest.Gap
}

// ParseConfig reads a config, as config.Parse does, and reports along what is wrong
// with the requests of enforcement points in it. Its mistakes are a [UsageError].
func ParseConfig(name string, data []byte) (*config.Config, error) {
	c, err := config.Parse(name, data, checkEnforcement, checkCoverage)
	if err != nil {
		return nil, wrong(err)
	}
	return c, nil
}

// Open reads the mcpolicy.yaml of a folder and everything that it names.
func Open(ctx context.Context, folder fs.FS, o Options) (*Workspace, error) {
	ordinary := source.OrdinaryFS{FS: folder}
	data, err := source.ReadFile(ordinary, config.Name)
	if err != nil {
		return nil, wrong(err)
	}
	c, err := ParseConfig(config.Name, data)
	if err != nil {
		return nil, err
	}
	return Load(ctx, &Inputs{Config: c, Folder: ordinary}, o)
}

// Load reads everything. Independent parts are read at the same time, and all
// their mistakes are reported together, those of whoever asks as a [UsageError].
func Load(ctx context.Context, in *Inputs, o Options) (*Workspace, error) {
	w := &Workspace{Config: in.config(), Now: o.Now, in: in, o: o, compiled: make(chan struct{}), suitesIn: make(chan struct{}), served: make(chan struct{})}
	if w.Now.IsZero() {
		w.Now = o.Start
	}
	if w.Now.IsZero() {
		w.Now = time.Now()
	}
	granted := w.loadGrants() // which the others go by
	parts := []func() error{
		func() error { return w.loadPolicies(ctx, o.Bounds) }, // what takes longest first
		func() error {
			defer close(w.served)
			return w.loadServers()
		},
		w.loadPrincipals,
	}
	if o.ReadSuites {
		parts = append(parts, func() error {
			defer close(w.suitesIn)
			return w.loadSuites()
		})
	}
	var g errgroup.Group
	errs := make([]error, len(parts))
	for i, f := range parts {
		g.Go(func() error {
			defer Guard(&errs[i])
			errs[i] = f()
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	if err := errors.Join(append(errs, granted)...); err != nil {
		return nil, err
	}
	w.Decider = w.Engine
	if len(o.PDP) > 0 {
		options := o.Remote
		options.Replicas = append([]string(nil), o.PDP[1:]...)
		running, err := remote.Dial(ctx, o.PDP[0], options)
		if err != nil {
			return nil, err
		}
		w.remote, w.Decider = running, running
	}
	return w, nil
}

// Close ends the connections to a running PDP.
func (w *Workspace) Close() {
	if w.remote != nil {
		_ = w.remote.Close() // all has been asked
	}
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cerbos/cerbos-sdk-go/cerbos"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Options say how to talk to a PDP. The zero value is TLS with the
// system's certificate authorities, and the limits that a PDP has by default.
type Options struct {
	Plaintext  bool   // no TLS
	CAFile     string // PEM: who signed the PDP's certificate, if the system does not know
	CertFile   string // PEM: a certificate of our own, for PDPs that want one
	KeyFile    string // PEM: its key
	ServerName string // whom the PDP's certificate is for, if not the target's host
	SkipVerify bool   // take any certificate

	// Replicas are further PDPs that decide the same. Calls go to all of them
	// in turn, and past those that are down.
	Replicas []string

	Timeout     time.Duration // of a call with its retries; 10 s when zero
	Retries     int           // of a call that no PDP is available for; 4 when zero, none when negative
	Concurrency int           // calls at once; 16 when zero

	// What the PDP takes in one CheckResources call; 50 when zero.
	MaxResources int
	MaxActions   int // on one resource
}

// The defaults of Options. The limits are Cerbos's own.
const (
	defaultTimeout     = 10 * time.Second
	defaultRetries     = 4
	defaultConcurrency = 16
	defaultLimit       = 50

	// retryPause is how long the first retry waits; each further one waits
	// twice as long as the one before.
	retryPause = 100 * time.Millisecond
)

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		of    *int
		value int
	}{
		{&o.Retries, defaultRetries},
		{&o.Concurrency, defaultConcurrency},
		{&o.MaxResources, defaultLimit},
		{&o.MaxActions, defaultLimit},
	} {
		if *d.of == 0 {
			*d.of = d.value
		}
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return o
}

// A PDP decides by asking a running PDP. It may be used from several
// goroutines. It knows less than the embedded engine does, and its decisions name no
// rules.
//
// Arguments that are unknown are left out of a PlanResources call. A plan takes
// them to be present, so what it says of all arguments is held against checks
// of a call without any and of one with an argument that nobody has heard of.
// Where they disagree, the decision is Conditional.
//
// What stays out of sight is has(): to a plan it is true, and nothing is left of
// it. A DENY for has(arguments.force) beside an ALLOW that reads another argument
// is Deny here, though calls without force may be allowed; a DENY for
// has(arguments.amount) && !has(arguments.approval) beside an ALLOW is Allow. An
// embedded engine over the same policies says Conditional to both.
type PDP struct {
	options  Options
	replicas []*replica
	next     atomic.Uint64 // which replica has the next call
	version  string

	steadiness steadiness
}

// Dial connects to a PDP: host:port, unix:/path, or dns:///host:port for all
// the addresses of a name, each of which is a replica; dns://SERVER/host:port
// asks a name server of one's own. It fails if none of the replicas answers, or
// if they are of different versions.
func Dial(ctx context.Context, target string, options Options) (*PDP, error) {
	r := &PDP{options: options.withDefaults()}
	if err := r.connect(ctx, append([]string{target}, options.Replicas...)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	var err error
	if r.version, err = r.agreedVersion(ctx, r.replicas); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.steadiness.trusted.Store(r.steadiness.begun.Load())
	return r, nil
}

// Version returns the version of Cerbos that the PDP runs.
func (r *PDP) Version() string { return r.version }

// Close ends the connections.
func (r *PDP) Close() error {
	var errs []error
	for _, p := range r.replicas {
		if conn := p.conn.Load(); conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}

// target names the PDPs in errors.
func (r *PDP) target() string {
	names := make([]string, len(r.replicas))
	for i, p := range r.replicas {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// A replica is one PDP.
type replica struct {
	endpoint
	client *cerbos.GRPCClient
	conn   atomic.Pointer[grpc.ClientConn]
	down   atomic.Bool // did not answer the last call
}

func (r *PDP) connect(ctx context.Context, targets []string) error {
	if err := r.options.Check(targets...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	for _, target := range targets {
		list, err := endpoints(ctx, target)
		if err != nil {
			return err
		}
		for _, a := range list {
			if slices.ContainsFunc(r.replicas, func(p *replica) bool { return p.endpoint == a }) {
				continue
			}
			p, err := r.options.client(a, &r.steadiness)
			if err != nil {
				return fmt.Errorf("connect to PDP %s: %w", target, err)
			}
			r.replicas = append(r.replicas, p)
		}
	}
	return nil
}

// client returns the replica at an endpoint, to which nothing is sent yet.
func (o Options) client(a endpoint, watch stats.Handler) (*replica, error) {
	p := &replica{endpoint: a}
	authority := o.ServerName
	if authority == "" {
		authority = a.host
	}
	settings := []cerbos.Opt{
		cerbos.WithMaxRetries(0), // call retries
		cerbos.WithStatsHandler(watch),
		// The SDK keeps its connection to itself; this is how to close it.
		cerbos.WithUnaryInterceptors(sendTokens, func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			p.conn.Store(conn)
			// The SDK compresses, which costs more than the bytes do: requests are
			// a few hundred of them, and batches go to a PDP that is near.
			return invoke(ctx, method, req, reply, conn, append(opts, grpc.UseCompressor(encoding.Identity))...)
		}),
		cerbos.WithTLSCACert(o.CAFile), cerbos.WithTLSClientCert(o.CertFile, o.KeyFile), cerbos.WithTLSAuthority(authority),
	}
	if o.Plaintext {
		settings = append(settings, cerbos.WithPlaintext())
	}
	if o.SkipVerify {
		settings = append(settings, cerbos.WithTLSInsecure())
	}
	var err error
	p.client, err = cerbos.New(a.dial, settings...)
	return p, err
}

// agreedVersion asks replicas for their version. Those that are down have no
// say; if all are, they are asked again after a pause.
func (r *PDP) agreedVersion(ctx context.Context, replicas []*replica) (string, error) {
	deadline := time.Now().Add(r.options.Timeout)
	pause := retryPause
	for try := 0; ; try++ {
		version, err := r.versionOf(ctx, replicas)
		if err == nil || try >= r.options.Retries || time.Until(deadline) < pause || slices.ContainsFunc(replicas, func(p *replica) bool { return !p.down.Load() }) {
			return version, err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// recoverAs turns a panic, which only what a PDP says can cause, into an error.
func recoverAs(err *error, doing string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: the client panicked: %v", doing, r)
	}
}

// recovering returns a call whose panics are errors.
func recovering(call func() error) func() error {
	return func() (err error) {
		defer recoverAs(&err, "ask the PDP")
		return call()
	}
}

func (r *PDP) versionOf(ctx context.Context, replicas []*replica) (string, error) {
	versions := make([]string, len(replicas))
	errs := make([]error, len(replicas))
	var g errgroup.Group
	for i, p := range replicas {
		g.Go(func() error {
			defer recoverAs(&errs[i], "ask for the version of "+p.name)
			errs[i] = r.call(ctx, []*replica{p}, 0, func(ctx context.Context, c *cerbos.GRPCClient) error {
				info, err := c.ServerInfo(ctx)
				if err == nil {
					versions[i] = info.GetVersion()
				}
				return err
			})
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	agreed := -1
	for i, err := range errs {
		switch {
		case err != nil:
		case agreed < 0:
			agreed = i
		case versions[i] != versions[agreed]:
			return "", fmt.Errorf("PDP %s runs Cerbos %s, but PDP %s runs %s",
				replicas[agreed].name, versions[agreed], replicas[i].name, versions[i])
		}
	}
	if agreed < 0 {
		return "", errors.Join(errs...)
	}
	return versions[agreed], nil
}

// call makes one call, within the deadline. Where a replica is down the next
// one is asked, and after a pause all of them again.
func (r *PDP) call(ctx context.Context, replicas []*replica, retries int, f func(context.Context, *cerbos.GRPCClient) error) error {
	if err := ctx.Err(); err != nil {
		return err // another call has failed
	}
	whole, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	pause := retryPause
	for try := 0; ; try++ {
		var last error
		for _, p := range r.inTurn(replicas) {
			down, err := p.attempt(whole, r.options.Timeout/time.Duration(len(replicas)), f)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return ctx.Err() // nobody waits for it any more
			}
			last = &callError{target: p.name, timeout: r.options.Timeout, cause: err}
			if !down || whole.Err() != nil {
				return last
			}
		}
		if try >= retries {
			return last
		}
		select {
		case <-whole.Done():
			return last
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// inTurn returns the replicas, another one first each time, and those that
// were down when they were last asked at the end.
func (r *PDP) inTurn(replicas []*replica) []*replica {
	if len(replicas) == 1 {
		return replicas
	}
	first := int(r.next.Add(1) % uint64(len(replicas))) //nolint:gosec // a small number
	list := slices.Concat(replicas[first:], replicas[:first])
	slices.SortStableFunc(list, func(a, b *replica) int {
		switch da, db := a.down.Load(), b.down.Load(); {
		case da == db:
			return 0
		case db:
			return -1
		}
		return 1
	})
	return list
}

// attempt makes one call to a replica. It returns whether the replica was down
// for this call, and notes it: other calls of the same time may find otherwise.
func (p *replica) attempt(ctx context.Context, timeout time.Duration, f func(context.Context, *cerbos.GRPCClient) error) (down bool, err error) {
	once, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = f(once, p.client)
	code := status.Code(err)
	down = code == codes.Unavailable || code == codes.DeadlineExceeded && ctx.Err() == nil
	p.down.Store(down)
	return down, err
}

// A callError is a call that a PDP did not answer as it should.
type callError struct {
	target  string
	timeout time.Duration
	cause   error
}

func (e *callError) Unwrap() error { return e.cause }

func (e *callError) Error() string {
	text := e.cause.Error()
	var reply interface{ GRPCStatus() *status.Status }
	if errors.As(e.cause, &reply) {
		text = reply.GRPCStatus().Message()
	}
	switch {
	case status.Code(e.cause) == codes.DeadlineExceeded:
		text = fmt.Sprintf("no answer within %v (%s)", e.timeout, text)
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		text += "; does it speak plaintext?"
	case strings.Contains(text, "error reading server preface"):
		text += "; does it want TLS?"
	}
	return "PDP " + e.target + ": " + text
}

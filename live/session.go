package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Session is a connection to one server as one principal. Its methods may be
// called at the same time.
type Session struct {
	server  Server
	options Options
	redact  redactor

	mcp    *mcp.ClientSession
	guard  *guard   // of a URL, or nil
	proc   *process // of a command, or nil
	cancel context.CancelFunc
}

// A Server is what a server says about itself.
type Server struct {
	Info         json.RawMessage // serverInfo, or nil
	Capabilities json.RawMessage
	Protocol     string // the negotiated protocol version
}

// Dial reaches a server, or starts it, and makes the handshake. Whoever gets a
// session must close it.
//
// An error is an [*HTTPError] where the server refuses the token or wants one,
// a [*RedirectError], an [*RPCError], an [*ExitError] where a started server
// ended, or wraps that of the context.
func Dial(ctx context.Context, t Target, o Options) (*Session, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	if len(t.Command) > 0 {
		return dialCommand(ctx, t, o.withDefaults())
	}
	if t.Transport != Auto {
		return dialURL(ctx, t, o.withDefaults())
	}
	t.Transport = StreamableHTTP
	s, err := dialURL(ctx, t, o.withDefaults())
	if !wantsSSE(err) {
		return s, err
	}
	t.Transport = SSE
	if s, errSSE := dialURL(ctx, t, o.withDefaults()); errSSE == nil {
		return s, nil
	}
	return nil, err
}

// wantsSSE reports whether an error is that of a server that may be older than
// streamable HTTP, as the protocol has it.
func wantsSSE(err error) bool {
	var e *HTTPError
	return errors.As(err, &e) && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed}, e.Status)
}

func dialURL(ctx context.Context, t Target, o Options) (*Session, error) {
	s := &Session{options: o, redact: t.redactor(), guard: newGuard(t, o)}
	var via mcp.Transport = &mcp.StreamableClientTransport{
		Endpoint: t.URL, HTTPClient: s.guard.client(), MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: o.MaxBytes,
	}
	if t.Transport == SSE {
		via = &mcp.SSEClientTransport{Endpoint: t.URL, HTTPClient: s.guard.client(), MaxEventSize: o.MaxBytes}
	}
	if err := s.connect(ctx, via); err != nil {
		return nil, err
	}
	s.guard.protocol.Store(s.server.Protocol)
	return s, nil
}

func dialCommand(ctx context.Context, t Target, o Options) (*Session, error) {
	s := &Session{options: o, redact: t.redactor()}
	var err error
	if s.proc, err = start(t, o.Grace); err != nil {
		return nil, errors.New(s.redact.text(err.Error()))
	}
	// The output stays open until the process has ended, lest it fail to write.
	via := &mcp.IOTransport{Reader: io.NopCloser(s.proc.stdout), Writer: s.proc.stdin, MaxLineLength: o.MaxBytes}
	if err := s.connect(ctx, via); err != nil {
		return nil, err
	}
	return s, nil
}

// connect makes the handshake, or cleans up after it.
func (s *Session) connect(ctx context.Context, via mcp.Transport) error {
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpolicy", Version: s.options.Version}, &mcp.ClientOptions{
		Capabilities:   &mcp.ClientCapabilities{},
		MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true},
	})
	if err := mcp.AddSendingCustomMethod[*rawParams, *rawResult](client, rawMethod); err != nil {
		return err
	}
	// The session lives on behind the time limit of the handshake, and the
	// stream of an SSE session hangs on the context that it was opened with.
	var life context.Context
	life, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	limit, done := context.WithTimeout(ctx, s.options.Timeout)
	defer done()
	stop := context.AfterFunc(limit, s.cancel)
	x := &exchange{}
	cs, err := await(limit, func() (*mcp.ClientSession, error) {
		return client.Connect(context.WithValue(life, exchangeKey{}, x), watchedTransport{via}, nil)
	})
	if err == nil && !stop() {
		err = limit.Err()
	}
	s.mcp = cs
	if err != nil {
		_ = s.Close() // the handshake is what failed
		return s.ended(s.explain(limit, "initialize", x, err), err)
	}
	s.introduce(cs.InitializeResult().ProtocolVersion, x.result)
	return nil
}

// introduce keeps what the server says about itself in the result of
// initialize, or of server/discover.
func (s *Session) introduce(protocol string, result json.RawMessage) {
	var said struct {
		ServerInfo   json.RawMessage            `json:"serverInfo"`
		Capabilities json.RawMessage            `json:"capabilities"`
		Meta         map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(s.redact.json(result), &said) // the SDK has read it
	if said.ServerInfo == nil {
		said.ServerInfo = said.Meta[mcp.MetaKeyServerInfo]
	}
	s.server = Server{Info: said.ServerInfo, Capabilities: said.Capabilities, Protocol: protocol}
}

// await returns what f returns, or earlier when the context ends: a server
// that does not read keeps writers waiting.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	c := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o.err = fmt.Errorf("internal error: %v", r)
			}
			c <- o
		}()
		o.value, o.err = f()
	}()
	select {
	case o := <-c:
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// ended adds to an error that the server has ended, if that is why.
func (s *Session) ended(err, cause error) error {
	if s.proc == nil {
		return err
	}
	var rpc *RPCError
	switch {
	case errors.As(err, &rpc):
		return err
	case errors.Is(cause, context.Canceled), errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%w%s", err, said(s.redact.text(s.proc.stderr.String())))
	}
	s.proc.end()
	return &ExitError{State: s.proc.state, Stderr: s.redact.text(s.proc.stderr.String())}
}

// Server returns what the server says about itself.
func (s *Session) Server() Server { return s.server }

// Request makes a request of any method and returns the result as it came,
// without secrets. An error is an [*RPCError] if the server answered with one.
func (s *Session) Request(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	ctx, done := context.WithTimeout(ctx, s.options.Timeout)
	defer done()
	x := &exchange{}
	res, err := await(ctx, func() (*rawResult, error) {
		return mcp.CallCustomMethod[*rawParams, *rawResult](context.WithValue(ctx, exchangeKey{}, x), s.mcp, rawMethod,
			&rawParams{method: method, params: params})
	})
	if err != nil {
		return nil, s.lost(s.explain(ctx, method, x, err), err)
	}
	if len(res.raw) > s.options.MaxBytes {
		return nil, &LimitError{Method: method, Reason: "the answer is larger than what is read"}
	}
	return s.redact.json(res.raw), nil
}

// lost adds to an error that a started server has ended.
func (s *Session) lost(err, cause error) error {
	if errors.Is(cause, mcp.ErrConnectionClosed) || errors.Is(cause, io.EOF) {
		return s.ended(err, cause)
	}
	return err
}

// closeTime is how long a server may take to hear that the session is over.
const closeTime = 5 * time.Second

// Close ends the session, and the process that was started with its children.
// It may be called several times.
func (s *Session) Close() error {
	var err error
	if s.mcp != nil {
		ctx, done := context.WithTimeout(context.Background(), closeTime)
		_, err = await(ctx, func() (struct{}, error) { return struct{}{}, s.mcp.Close() })
		done()
	}
	s.cancel()
	s.proc.end()
	if s.guard != nil {
		s.guard.base.CloseIdleConnections()
	}
	if err != nil {
		return errors.New("close the session: " + s.redact.text(err.Error()))
	}
	return nil
}

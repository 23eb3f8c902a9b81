package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The SDK decodes answers into types that drop what they do not know, leave
// out hints that are false, and skip tools that it takes to be malformed. What
// the server said is the evidence here, so requests go out through the SDK as
// those of a method of its own, which [conn] turns into the real one, and
// answers come back undecoded.
const rawMethod = "mcpolicy/raw"

// rawParams are the parameters of rawMethod: a request to make.
type rawParams struct {
	mcp.ParamsBase
	method string
	params map[string]any
}

type wireParams struct {
	Method string         `json:"method"`
	Params map[string]any `json:"params"`
}

// MarshalJSON writes the request to make. What the SDK wants to have in _meta
// joins what the caller put there.
func (p *rawParams) MarshalJSON() ([]byte, error) {
	params := maps.Clone(p.params)
	if params == nil {
		params = map[string]any{}
	}
	if len(p.Meta) > 0 {
		meta := maps.Clone(map[string]any(p.Meta))
		if own, ok := params["_meta"].(map[string]any); ok {
			maps.Copy(meta, own)
		}
		params["_meta"] = meta
	}
	return json.Marshal(wireParams{p.method, params})
}

// rawResult is a result as it came.
type rawResult struct {
	mcp.ResultBase
	raw json.RawMessage
}

// UnmarshalJSON keeps the result.
func (r *rawResult) UnmarshalJSON(data []byte) error {
	r.raw = append(r.raw[:0], data...)
	return nil
}

// An exchange is what is learned about one request beside its result.
type exchange struct {
	mu      sync.Mutex
	status  int            // of the last HTTP response
	refused *RedirectError // the redirect that was not followed
	limit   *LimitError    // the limit that was passed
	rpc     *jsonrpc.Error // what the server answered
	result  json.RawMessage
}

// reset forgets an earlier request of the same exchange: the handshake makes
// two, and what counts is how the last one ended.
func (x *exchange) reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.status, x.refused, x.limit, x.rpc = 0, nil, nil, nil
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// watchedTransport wraps the connections of another one.
type watchedTransport struct{ mcp.Transport }

// Connect connects through the other transport.
func (t watchedTransport) Connect(ctx context.Context) (mcp.Connection, error) {
	c, err := t.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Connection: c}, nil
}

// conn is a connection on which requests by rawMethod become the requests that
// they hold.
type conn struct {
	mcp.Connection
	pending sync.Map // the exchange of each call, by its id
}

// Write writes a message.
func (c *conn) Write(ctx context.Context, msg jsonrpc.Message) error {
	req, ok := msg.(*jsonrpc.Request)
	if !ok {
		return c.Connection.Write(ctx, msg)
	}
	if req.IsCall() {
		x := exchangeOf(ctx)
		x.reset()
		c.pending.Store(req.ID, x)
	}
	if req.Method != rawMethod {
		return c.Connection.Write(ctx, msg)
	}
	var p struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(req.Params, &p); err != nil {
		return fmt.Errorf("write a request: %w", err)
	}
	real := *req
	real.Method, real.Params = p.Method, p.Params
	return c.Connection.Write(ctx, &real)
}

// Read reads a message. What the server answers is kept as it is, apart from
// what the SDK makes of it, and its errors apart from the SDK's own.
func (c *conn) Read(ctx context.Context) (jsonrpc.Message, error) {
	msg, err := c.Connection.Read(ctx)
	if resp, ok := msg.(*jsonrpc.Response); ok && err == nil {
		if x, ok := c.pending.LoadAndDelete(resp.ID); ok {
			x := x.(*exchange) //nolint:errcheck // nothing else is stored
			x.mu.Lock()
			defer x.mu.Unlock()
			x.result = resp.Result
			if e := (*jsonrpc.Error)(nil); errors.As(resp.Error, &e) {
				x.rpc = e
			}
		}
	}
	return msg, err
}

// rejectedByTransport is the code of the error by which the SDK's transports
// mark requests that did not go through.
const rejectedByTransport = -32005

// rejection returns the JSON-RPC error that came as the body of an HTTP error,
// or nil.
func rejection(err error) *jsonrpc.Error {
	var e *jsonrpc.Error
	if errors.As(err, &e) && e.Code != rejectedByTransport {
		return e
	}
	return nil
}

package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// An RPCError is a JSON-RPC error that the server answered with.
type RPCError struct {
	Method  string
	Code    int64
	Message string
	Data    json.RawMessage
}

// Error returns the method, the code and the message.
func (e *RPCError) Error() string {
	return fmt.Sprintf("%s was answered with error %d: %q", e.Method, e.Code, e.Message)
}

// CodeMethodNotFound is the code of a server that does not have a method.
const CodeMethodNotFound = -32601

// An HTTPError is a status that ends a request: 401 where the server does not
// know the token, or wants one.
type HTTPError struct {
	Method string // the MCP method
	Status int
}

// Error returns the method and the status.
func (e *HTTPError) Error() string {
	return fmt.Sprintf("%s was answered with HTTP status %d (%s)", e.Method, e.Status, http.StatusText(e.Status))
}

// A RedirectError is a refused redirect, or an endpoint elsewhere: following
// it would hand the request, and its token, to another host.
type RedirectError struct {
	From, To string // scheme and host
}

// Error names both.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s sends requests on to %s, which is refused: a token for the one must not reach the other; give that URL if it is meant", e.From, e.To)
}

// A LimitError is an answer that is larger or longer than is read.
type LimitError struct {
	Method string
	Reason string
}

// Error returns the method and the reason.
func (e *LimitError) Error() string { return e.Method + ": " + e.Reason }

// An ExitError is the end of a process that was started.
type ExitError struct {
	State  string // "exit status 1"
	Stderr string // the end of what it wrote to its standard error
}

// Error returns how it ended and what it said.
func (e *ExitError) Error() string {
	msg := "the server that was started has ended (" + e.State + ")"
	if e.State == "" {
		msg = "the server that was started has been ended"
	}
	return msg + said(e.Stderr)
}

func said(stderr string) string {
	if stderr = strings.TrimSpace(stderr); stderr == "" {
		return ""
	}
	return "; its standard error ends with: " + stderr
}

// explain turns what went wrong with a request into an error without secrets.
// It keeps the types of this package and the errors of contexts, and nothing
// else of the chain, for what that says could name anything.
func (s *Session) explain(ctx context.Context, method string, x *exchange, err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var limit *LimitError
	switch {
	case x.refused != nil:
		return x.refused
	case x.limit != nil:
		return &LimitError{Method: method, Reason: x.limit.Reason}
	case errors.As(err, &limit):
		return limit
	case x.rpc != nil:
		return s.rpcError(method, x.rpc.Code, x.rpc.Message, x.rpc.Data)
	case x.status >= http.StatusBadRequest:
		if e := rejection(err); e != nil {
			return s.rpcError(method, e.Code, e.Message, e.Data)
		}
		return &HTTPError{Method: method, Status: x.status}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v: %w", method, s.options.Timeout, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
	return fmt.Errorf("%s: %s", method, s.redact.text(plain(err)))
}

func (s *Session) rpcError(method string, code int64, message string, data json.RawMessage) error {
	return &RPCError{Method: method, Code: code, Message: s.redact.text(message), Data: s.redact.json(data)}
}

// plain returns the last part of a chain of errors, which says what happened;
// the others say which layer of the SDK it happened in.
func plain(err error) string {
	msg := err.Error()
	for _, prefix := range []string{`calling "mcpolicy/raw": `, `sending "mcpolicy/raw": `, "rejected by transport: "} {
		msg = strings.ReplaceAll(msg, prefix, "")
	}
	return strings.TrimSuffix(msg, ".")
}

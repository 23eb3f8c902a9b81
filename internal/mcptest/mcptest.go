// Package mcptest is an MCP server for tests, built with the official SDK: a
// company's desk, whose lists come in pages of two. What it shows depends on
// who asks. It also plays servers that misbehave.
package mcptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Tools are what the desk has.
var Tools = []string{"admin_tool", "get_hr_records", "get_sales_data", "greet", "whoami"}

// Server returns a desk that shows those of its tools that are named; a call of
// another is refused like one of a tool that does not exist.
func Server(shown ...string) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "Company desk", Version: "1.0.0"}, &mcp.ServerOptions{PageSize: 2})
	destructive, closed := true, false
	tools := map[string]*mcp.Tool{
		"greet":          {Description: "Say hello to somebody.", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &closed}},
		"get_sales_data": {Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}, Meta: mcp.Meta{"fastmcp": map[string]any{"tags": []string{"sales"}}}},
		"get_hr_records": {Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		"admin_tool":     {Annotations: &mcp.ToolAnnotations{DestructiveHint: &destructive}},
		"whoami":         {},
	}
	schema := json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"}}}`)
	for _, name := range shown {
		tool := tools[name]
		tool.Name, tool.InputSchema = name, schema
		s.AddTool(tool, func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			text := name + " " + string(req.Params.Arguments)
			if name == "whoami" {
				text = req.Extra.Header.Get("Authorization")
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}, IsError: name == "admin_tool"}, nil
		})
	}
	s.AddPrompt(&mcp.Prompt{Name: "sampleprompt", Arguments: []*mcp.PromptArgument{{Name: "topic", Required: true}}},
		func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return &mcp.GetPromptResult{Description: "A summary"}, nil
		})
	s.AddResource(&mcp.Resource{URI: "prompt://sample", Name: "sample"}, read)
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "desk://{team}", Name: "team"}, read)
	return s
}

func read(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, Text: "a sample"}}}, nil
}

// A Desk is a desk on HTTP. Its tokens are those of three people, each of whom
// sees other tools; without one of them nobody gets in.
type Desk struct {
	http.Handler
	desks map[string]*mcp.Server
}

// The tokens of a desk.
const (
	Ian    = "ian-token-5a1f"
	Sally  = "sally-token-77be"
	Nobody = "nobody-token-00" // sees nothing
)

// NewDesk returns a desk on streamable HTTP at /mcp and on SSE at /sse.
func NewDesk() *Desk {
	d := &Desk{desks: map[string]*mcp.Server{
		Ian:    Server(Tools...),
		Sally:  Server("get_sales_data", "greet", "whoami"),
		Nobody: mcp.NewServer(&mcp.Implementation{Name: "Company desk", Version: "1.0.0"}, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}}),
	}}
	of := func(r *http.Request) *mcp.Server { return d.desks[token(r)] }
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(of, nil))
	mux.Handle("/sse", mcp.NewSSEHandler(of, nil))
	d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.desks[token(r)] == nil {
			http.Error(w, "the token "+token(r)+" is unknown", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
	return d
}

func token(r *http.Request) string {
	t, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return t
}

// An Answer returns the result of a request, or the error if it is an error.
type Answer func(method string, params map[string]any) any

// ErrMethod is the answer to a method that the server does not have.
var ErrMethod = errors.New("no such method")

// Wire answers JSON-RPC over HTTP with whatever answer says; a [jsonrpc.Error] is
// answered as it is. It makes the handshake of protocol 2025-11-25 itself.
func Wire(answer Answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			ID     any            `json:"id"`
			Method string         `json:"method"`
			Params map[string]any `json:"params"`
		}
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&req) != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if req.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		resp := map[string]any{"jsonrpc": "2.0", "id": req.ID}
		switch result := respond(answer, req.Method, req.Params).(type) {
		case error:
			var own *jsonrpc.Error
			switch {
			case errors.As(result, &own):
				resp["error"] = own
			case errors.Is(result, ErrMethod):
				resp["error"] = map[string]any{"code": -32601, "message": result.Error()}
			default:
				resp["error"] = map[string]any{"code": -32000, "message": result.Error()}
			}
		default:
			resp["result"] = result
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(resp)
	})
}

func respond(answer Answer, method string, params map[string]any) any {
	switch method {
	case "initialize":
		return map[string]any{"protocolVersion": "2025-11-25", "serverInfo": map[string]any{"name": "wire", "version": "1"}, "capabilities": map[string]any{"tools": map[string]any{}, "prompts": map[string]any{}, "resources": map[string]any{}}}
	case "server/discover":
		return ErrMethod
	}
	return answer(method, params)
}

// Main is a server on its standard input and output, which its argument
// chooses: desk, crash, deaf, stubborn (does not end unless it is killed, nor
// does the child that it starts, whose process id goes into the file that the
// second argument names) or environment (has a tool for the value of a
// variable, and says it on standard error). It returns the exit status.
func Main() int {
	ctx := context.Background()
	mode := "desk"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "child":
		ignoreSignals()
		time.Sleep(time.Minute)
	case "crash":
		fmt.Fprintln(os.Stderr, "cannot open the database", strings.Join(os.Args[2:], " "))
		return 7
	case "deaf":
		time.Sleep(time.Minute)
	case "environment":
		fmt.Fprintln(os.Stderr, "the key is", os.Getenv("DESK_KEY"))
		if slices.Contains(os.Args, "crash") {
			return 7
		}
		s := Server("greet")
		s.AddTool(&mcp.Tool{Name: "show", Description: "the key is " + os.Getenv("DESK_KEY"), InputSchema: json.RawMessage(`{"type":"object"}`)}, nil)
		_ = s.Run(ctx, &mcp.StdioTransport{})
	case "stubborn":
		ignoreSignals()
		child := exec.Command(os.Args[0], "child") //nolint:gosec // itself
		if err := child.Start(); err != nil {
			return 1
		}
		if err := os.WriteFile(os.Args[2], fmt.Appendf(nil, "%d %d", os.Getpid(), child.Process.Pid), 0o600); err != nil { //nolint:gosec // a test says where
			return 1
		}
		_ = Server(Tools...).Run(ctx, &mcp.StdioTransport{})
		time.Sleep(time.Minute)
	default:
		_ = Server(Tools...).Run(ctx, &mcp.StdioTransport{})
	}
	return 0
}

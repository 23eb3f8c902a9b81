//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// answerTime bounds one conversation with a server.
const answerTime = time.Minute

// bearer adds a token to every request; none if it is empty.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// transport reaches a server with a token.
func transport(s *server, token string) *mcp.StreamableClientTransport {
	return &mcp.StreamableClientTransport{
		Endpoint: s.url, HTTPClient: &http.Client{Transport: bearer(token)}, MaxRetries: -1, DisableStandaloneSSE: true,
	}
}

// dial opens a session with a token, which may be refused.
func dial(ctx context.Context, s *server, token string) (*mcp.ClientSession, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpolicy-e2e", Version: "1"}, nil)
	return client.Connect(ctx, transport(s, token), nil)
}

// connect opens a session as a principal.
func connect(t *testing.T, s *server, key string) *mcp.ClientSession {
	t.Helper()
	session, err := dial(t.Context(), s, token(key))
	if err != nil {
		t.Fatalf("connect as %s: %v", key, err)
	}
	t.Cleanup(func() { _ = session.Close() }) // the server may be gone
	return session
}

// A listing is what a server shows somebody: names by type.
type listing map[authz.ItemType]map[string]bool

func (l listing) size() int {
	n := 0
	for _, names := range l {
		n += len(names)
	}
	return n
}

// gated reports whether an error refuses a list as a whole.
func gated(err error) bool {
	var e *jsonrpc.Error
	return errors.As(err, &e) && e.Code == -32001
}

// list reads all lists to their ends. One that is refused is empty.
func list(ctx context.Context, session *mcp.ClientSession) (listing, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	shown := listing{}
	for _, t := range authz.ItemTypes() {
		shown[t] = map[string]bool{}
	}
	for tool, err := range session.Tools(ctx, nil) {
		if gated(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("tools/list: %w", err)
		}
		shown[authz.ToolItem][tool.Name] = true
	}
	for prompt, err := range session.Prompts(ctx, nil) {
		if gated(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("prompts/list: %w", err)
		}
		shown[authz.PromptItem][prompt.Name] = true
	}
	for resource, err := range session.Resources(ctx, nil) {
		if gated(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("resources/list: %w", err)
		}
		shown[authz.ResourceItem][resource.URI] = true
	}
	for template, err := range session.ResourceTemplates(ctx, nil) {
		if gated(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("resources/templates/list: %w", err)
		}
		shown[authz.TemplateItem][template.URITemplate] = true
	}
	return shown, nil
}

// An outcome is what became of a use.
type outcome uint8

const (
	refused  outcome = iota // by what guards the server
	admitted                // and then refused by the item, which minds the arguments
	done
)

func (o outcome) String() string { return [...]string{"refused", "admitted", "done"}[o] }

// refusals are how what guards the servers says that it refuses: the middlewares,
// and the gateway of COAZ-MCP.
var refusals = regexp.MustCompile("Unauthorized|Access denied|COAZ mapping error|Authorization service unavailable")

// use calls a tool, gets a prompt or reads a resource.
func use(ctx context.Context, session *mcp.ClientSession, item *manifest.Item, arguments map[string]any) (outcome, string) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var answer any
	var err error
	isError := false
	switch item.Type {
	case authz.ToolItem:
		params := &mcp.CallToolParams{Name: item.Name}
		if arguments != nil {
			params.Arguments = arguments
		}
		var result *mcp.CallToolResult
		if result, err = session.CallTool(ctx, params); err == nil {
			isError, answer = result.IsError, texts(result.Content)
		}
	case authz.PromptItem:
		params := &mcp.GetPromptParams{Name: item.Name}
		for k, v := range arguments {
			if params.Arguments == nil {
				params.Arguments = map[string]string{}
			}
			params.Arguments[k] = fmt.Sprint(v)
		}
		_, err = session.GetPrompt(ctx, params)
	case authz.ResourceItem, authz.TemplateItem:
		_, err = session.ReadResource(ctx, &mcp.ReadResourceParams{URI: expand(item.Name, arguments)})
	}
	if err != nil {
		isError, answer = true, err
	}
	said := fmt.Sprint(answer)
	switch {
	case isError && refusals.MatchString(said):
		return refused, said
	case isError:
		return admitted, said
	}
	return done, said
}

func texts(content []mcp.Content) string {
	var list []string
	for _, c := range content {
		if text, ok := c.(*mcp.TextContent); ok {
			list = append(list, text.Text)
		}
	}
	return strings.Join(list, "\n")
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

// expand fills a URI template in.
func expand(template string, values map[string]any) string {
	return variable.ReplaceAllStringFunc(template, func(m string) string { return fmt.Sprint(values[m[1:len(m)-1]]) })
}

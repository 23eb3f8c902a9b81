//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpolicy/mcpolicy/matrix"
)

// A conversation is with a server in plain JSON-RPC, for what the SDK has no
// methods for.
type conversation struct {
	conn mcp.Connection
	last int64
}

func converse(t *testing.T, s *server, key string) *conversation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerTime)
	t.Cleanup(cancel)
	conn, err := transport(s, token(key)).Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may be gone
	c := &conversation{conn: conn}
	if err := c.call(ctx, "initialize", `{"protocolVersion": "2025-11-25", "capabilities": {"tasks": {}},
		"clientInfo": {"name": "mcpolicy-e2e", "version": "1"}}`, nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(ctx, &jsonrpc.Request{Method: "notifications/initialized"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// call sends a request and decodes its result.
func (c *conversation) call(ctx context.Context, method, params string, result any) error {
	c.last++
	id, err := jsonrpc.MakeID(float64(c.last))
	if err != nil {
		return err
	}
	if err := c.conn.Write(ctx, &jsonrpc.Request{ID: id, Method: method, Params: json.RawMessage(params)}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		msg, err := c.conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		answer, ok := msg.(*jsonrpc.Response)
		switch {
		case !ok || answer.ID != id: // a notification
		case answer.Error != nil:
			return fmt.Errorf("%s: %w", method, answer.Error)
		case result == nil:
			return nil
		default:
			return json.Unmarshal(answer.Result, result)
		}
	}
}

// TestTask holds that a call made as a task goes past cerbos-fastmcp on
// FastMCP 2.14, as the matrix says: whoever is denied the tool has it run, and
// gets its result. On FastMCP 3 such a call is asked about like any other.
func TestTask(t *testing.T) {
	t.Parallel()
	const task = `{"name": "export_wages", "arguments": {"year": 2026}, "task": {"ttl": 60000}}`
	t.Run("FastMCP 2", func(t *testing.T) {
		t.Parallel()
		w := warehouse(t)
		s, _ := w.run(t, "fastmcp2")
		for i, key := range w.keys() {
			if got := w.access(t, key, "export_wages"); got != matrix.Unguarded {
				t.Errorf("%s: %v in the matrix, want unguarded", key, got)
			}
			ctx, cancel := context.WithTimeout(t.Context(), answerTime)
			defer cancel()
			c := converse(t, s, key)
			// FastMCP 2.14 answers in the way of a draft: with an empty result that
			// has the task among its metadata.
			var created struct {
				Meta struct {
					Task struct{ TaskID string } `json:"modelcontextprotocol.io/task"`
				} `json:"_meta"`
			}
			if err := c.call(ctx, "tools/call", task, &created); err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprintf(`{"taskId": %q}`, created.Meta.Task.TaskID)
			var state struct{ Status string }
			for state.Status != "completed" {
				if err := c.call(ctx, "tasks/get", id, &state); err != nil {
					t.Fatalf("%s: %v", key, err)
				}
				if state.Status == "failed" || state.Status == "cancelled" {
					t.Fatalf("%s: the task has %s", key, state.Status)
				}
				time.Sleep(20 * time.Millisecond)
			}
			var result json.RawMessage
			if err := c.call(ctx, "tasks/result", id, &result); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			if !strings.Contains(string(result), "812000") {
				t.Errorf("%s: the result is %s", key, result)
			}
			if runs := s.ran(t); runs["export_wages"] != i+1 {
				t.Errorf("%s: the tool has run %d times, want %d", key, runs["export_wages"], i+1)
			}
		}
	})
	t.Run("FastMCP 3", func(t *testing.T) {
		t.Parallel()
		w := warehouse(t, change{file: "mcpolicy.yaml", old: "fastmcp: 2.14.7", new: "fastmcp: 3.4.9"})
		s, _ := w.run(t, "fastmcp3")
		refusals := 0
		for _, key := range w.keys() {
			ctx, cancel := context.WithTimeout(t.Context(), answerTime)
			defer cancel()
			var result json.RawMessage
			err := converse(t, s, key).call(ctx, "tools/call", task, &result)
			said := string(result) + fmt.Sprint(err)
			refusal := strings.Contains(said, "Unauthorized")
			if access := w.access(t, key, "export_wages"); refusal != (access == matrix.Denied) {
				t.Errorf("%s: %v in the matrix, but the answer is %s", key, access, said)
			}
			if refusal {
				refusals++
			} else if !strings.Contains(said, "taskId") {
				t.Errorf("%s: no task was made of it: %s", key, said)
			}
		}
		if refusals == 0 || refusals == len(w.keys()) {
			t.Errorf("%d of %d are refused", refusals, len(w.keys()))
		}
		if runs := s.ran(t)["export_wages"]; runs > len(w.keys())-refusals {
			t.Errorf("the tool has run %d times, and %d may", runs, len(w.keys())-refusals)
		}
	})
}

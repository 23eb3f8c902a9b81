package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A Result is what a server answered to a call, a read or a get.
type Result struct {
	Raw     json.RawMessage
	IsError bool   // of a call: the tool, or what guards it, says that it failed
	Text    string // of a call: its text contents, one a line
	Task    *Task  // of a call made as a task: what was started
}

// A Task is a call that goes on behind its answer.
type Task struct {
	ID     string `json:"taskId"`
	Status string `json:"status"` // working, completed, failed, ...
}

// Call calls a tool. Arguments go out as they are, whatever the tool's schema
// says; nil is none. A refusal is a result with IsError, or an [*RPCError],
// depending on the server.
func (s *Session) Call(ctx context.Context, tool string, arguments map[string]any) (*Result, error) {
	return s.call(ctx, tool, arguments, nil)
}

// CallTask calls a tool as a task that the server keeps for the given time, as
// protocol 2025-11-25 has it. The result has a Task where the server took the
// call as one.
func (s *Session) CallTask(ctx context.Context, tool string, arguments map[string]any, keep time.Duration) (*Result, error) {
	return s.call(ctx, tool, arguments, map[string]any{"ttl": keep.Milliseconds()})
}

func (s *Session) call(ctx context.Context, tool string, arguments, task map[string]any) (*Result, error) {
	if arguments == nil {
		arguments = map[string]any{}
	}
	params := map[string]any{"name": tool, "arguments": arguments}
	if task != nil {
		params["task"] = task
	}
	raw, err := s.Request(ctx, "tools/call", params)
	if err != nil {
		return nil, err
	}
	return parseResult("tools/call", raw)
}

// TaskResult waits for a task to end and returns what the call came to.
func (s *Session) TaskResult(ctx context.Context, id string) (*Result, error) {
	raw, err := s.Request(ctx, "tasks/result", map[string]any{"taskId": id})
	if err != nil {
		return nil, err
	}
	return parseResult("tasks/result", raw)
}

func parseResult(method string, raw json.RawMessage) (*Result, error) {
	var r struct {
		IsError bool `json:"isError"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
		Task *Task `json:"task"`
		Meta struct {
			Task *Task `json:"modelcontextprotocol.io/task"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: the result is no result of a call", method)
	}
	if r.Task == nil {
		r.Task = r.Meta.Task // where FastMCP 2.14 puts it
	}
	var texts []string
	for _, c := range r.Content {
		if c.Type == "text" {
			texts = append(texts, c.Text)
		}
	}
	return &Result{Raw: raw, IsError: r.IsError, Text: strings.Join(texts, "\n"), Task: r.Task}, nil
}

// Read reads a resource.
func (s *Session) Read(ctx context.Context, uri string) (*Result, error) {
	raw, err := s.Request(ctx, "resources/read", map[string]any{"uri": uri})
	if err != nil {
		return nil, err
	}
	return &Result{Raw: raw}, nil
}

// Get gets a prompt.
func (s *Session) Get(ctx context.Context, prompt string, arguments map[string]string) (*Result, error) {
	params := map[string]any{"name": prompt}
	if len(arguments) > 0 {
		params["arguments"] = arguments
	}
	raw, err := s.Request(ctx, "prompts/get", params)
	if err != nil {
		return nil, err
	}
	return &Result{Raw: raw}, nil
}

package live_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// TestMain makes the test binary a server as well.
func TestMain(m *testing.M) {
	if os.Getenv("LIVE_TEST_SERVER") != "" {
		os.Exit(mcptest.Main())
	}
	os.Exit(m.Run())
}

// command starts this binary as a server.
func command(t *testing.T, args ...string) live.Target {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return live.Target{Command: append([]string{self}, args...), Env: map[string]live.Secret{"LIVE_TEST_SERVER": "yes!"}}
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

func dial(t *testing.T, target live.Target, o live.Options) *live.Session {
	t.Helper()
	s, err := live.Dial(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Every way to reach a server comes to the same inventory, and to one that
// manifest reads as it was listed.
func TestInventory(t *testing.T) {
	desk := serve(t, mcptest.NewDesk())
	for name, target := range map[string]live.Target{
		"streamable HTTP": {URL: desk.URL + "/mcp", Token: mcptest.Ian, Transport: live.StreamableHTTP},
		"SSE":             {URL: desk.URL + "/sse", Token: mcptest.Ian, Transport: live.SSE},
		"found to be SSE": {URL: desk.URL + "/sse", Token: mcptest.Ian},
		"stdio":           command(t, "desk"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dial(t, target, live.Options{})
			inv, err := s.Inventory(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(mcptest.Tools, inv.Lists[authz.ToolItem].Names()); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
			if pages := inv.Lists[authz.ToolItem].Pages; pages != 3 {
				t.Errorf("%d pages of tools, want 3", pages)
			}
			data, err := json.Marshal(inv)
			if err != nil {
				t.Fatal(err)
			}
			read, err := manifest.Parse("desk.json", data)
			if err != nil {
				t.Fatal(err)
			}
			if len(read) != 1 || len(read[0].Gaps) > 0 || read[0].Server != "Company desk" || read[0].Protocol != s.Server().Protocol {
				t.Errorf("read back: %+v", read)
			}
			for _, kind := range authz.ItemTypes() {
				var names []string
				for _, it := range read[0].Of(kind) {
					names = append(names, it.Name)
				}
				if diff := cmp.Diff(inv.Lists[kind].Names(), names); diff != "" {
					t.Errorf("%v read back (-listed +read):\n%s", kind, diff)
				}
			}
			greet := read[0].Items[3]
			if greet.Hints.ReadOnly != manifest.True || greet.Hints.OpenWorld != manifest.False || greet.Schema == nil {
				t.Errorf("greet read back: %+v", greet)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the SDK's types would lose comes through: hints that are false, keys
// that they do not know, tools that they take to be malformed, execution.
func TestRaw(t *testing.T) {
	tools := []string{
		`{"name":"a","annotations":{"readOnlyHint":false,"idempotentHint":false},"new":1e2}`,
		`{"name":"b","inputSchema":{"type":"object","properties":{"x":{"x-mcp-header":"not a header!"}}},"execution":{"taskSupport":"optional"}}`,
		`{"name":"<c>"}`,
	}
	s := dial(t, live.Target{URL: serve(t, mcptest.Wire(func(method string, _ map[string]any) any {
		if method != "tools/list" {
			return mcptest.ErrMethod
		}
		return map[string]any{"tools": []json.RawMessage{json.RawMessage(tools[0]), json.RawMessage(tools[1]), json.RawMessage(tools[2])}}
	})).URL}, live.Options{})
	l, err := s.List(t.Context(), authz.ToolItem)
	if err != nil {
		t.Fatal(err)
	}
	for i, it := range l.Items {
		if got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(it.Raw)); got != tools[i] {
			t.Errorf("have %s, want %s", got, tools[i])
		}
	}
	prompts, err := s.List(t.Context(), authz.PromptItem)
	if err != nil || !prompts.Missing || len(prompts.Items) > 0 {
		t.Errorf("prompts: %+v, %v", prompts, err)
	}
}

// Calls, gets and reads give the server's own words.
func TestUse(t *testing.T) {
	desk := serve(t, mcptest.NewDesk())
	s := dial(t, live.Target{URL: desk.URL + "/mcp", Token: mcptest.Sally}, live.Options{})
	r, err := s.Call(t.Context(), "greet", map[string]any{"unexpected": 1})
	if err != nil || r.IsError || r.Text != `greet {"unexpected":1}` {
		t.Errorf("greet: %+v, %v", r, err)
	}
	var rpc *live.RPCError
	if r, err := s.Call(t.Context(), "admin_tool", nil); !errors.As(err, &rpc) || rpc.Code != -32602 {
		t.Errorf("admin_tool: %+v, %v", r, err)
	}
	if r, err := s.Get(t.Context(), "sampleprompt", map[string]string{"topic": "x"}); err != nil || !strings.Contains(string(r.Raw), "A summary") {
		t.Errorf("sampleprompt: %+v, %v", r, err)
	}
	if r, err := s.Read(t.Context(), "prompt://sample"); err != nil || !strings.Contains(string(r.Raw), "a sample") {
		t.Errorf("prompt://sample: %+v, %v", r, err)
	}
	if _, err := s.Request(t.Context(), "ping", nil); err != nil {
		t.Errorf("ping: %v", err)
	}
	ian := dial(t, live.Target{URL: desk.URL + "/mcp", Token: mcptest.Ian}, live.Options{})
	if r, err := ian.Call(t.Context(), "admin_tool", nil); err != nil || !r.IsError {
		t.Errorf("admin_tool as ian: %+v, %v", r, err)
	}
}

// A call as a task carries the task's parameters, and its answer the task.
func TestTask(t *testing.T) {
	s := dial(t, live.Target{URL: serve(t, mcptest.Wire(func(method string, params map[string]any) any {
		switch method {
		case "tools/call":
			if fmt.Sprint(params["task"]) != "map[ttl:60000]" {
				return fmt.Errorf("task is %v", params["task"])
			}
			task := map[string]any{"taskId": "t1", "status": "working"}
			if params["name"] == "fastmcp" {
				return map[string]any{"_meta": map[string]any{"modelcontextprotocol.io/task": task}, "content": []any{}, "isError": false}
			}
			return map[string]any{"task": task}
		case "tasks/result":
			return map[string]any{"content": []any{map[string]any{"type": "text", "text": "data of " + fmt.Sprint(params["taskId"])}}}
		}
		return mcptest.ErrMethod
	})).URL}, live.Options{})
	for _, tool := range []string{"export", "fastmcp"} { // as the protocol has it, as FastMCP 2.14.7 does
		r, err := s.CallTask(t.Context(), tool, nil, time.Minute)
		if err != nil || r.Task == nil || *r.Task != (live.Task{ID: "t1", Status: "working"}) {
			t.Fatalf("%s: %+v, %v", tool, r, err)
		}
		if r, err = s.TaskResult(t.Context(), r.Task.ID); err != nil || r.Text != "data of t1" {
			t.Errorf("%s: %+v, %v", tool, r, err)
		}
	}
}

// Whoever comes without a token, or with a wrong one, is told the status, and
// the token that the server repeats is not.
func TestUnauthorized(t *testing.T) {
	desk := serve(t, mcptest.NewDesk())
	for _, path := range []string{"/mcp", "/sse"} {
		for _, token := range []live.Secret{"", "wrong-token-1234"} {
			_, err := live.Dial(t.Context(), live.Target{URL: desk.URL + path, Token: token}, live.Options{})
			var e *live.HTTPError
			if !errors.As(err, &e) || e.Status != http.StatusUnauthorized || strings.Contains(err.Error(), "wrong-token") {
				t.Errorf("%s with %d bytes of token: %v", path, len(token), err)
			}
		}
	}
}

// Sessions of several principals do not mix, however many requests they make
// at the same time.
func TestConcurrent(t *testing.T) {
	desk := serve(t, mcptest.NewDesk())
	var g errgroup.Group
	for token, want := range map[live.Secret]int{mcptest.Ian: 5, mcptest.Sally: 3} {
		s := dial(t, live.Target{URL: desk.URL + "/mcp", Token: token}, live.Options{})
		for range 8 {
			g.Go(func() error {
				l, err := s.List(t.Context(), authz.ToolItem)
				if err == nil && len(l.Items) != want {
					err = fmt.Errorf("%d tools, want %d", len(l.Items), want)
				}
				return err
			})
			g.Go(func() error {
				r, err := s.Call(t.Context(), "whoami", nil)
				if err == nil && r.Text != "Bearer [redacted]" {
					err = fmt.Errorf("whoami says %q", r.Text)
				}
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// Lists that do not end, answers of the wrong type and answers without end
// each give one clear error.
func TestHostile(t *testing.T) {
	tools := func(next any, names ...any) map[string]any {
		list := []any{}
		for _, n := range names {
			list = append(list, map[string]any{"name": n})
		}
		return map[string]any{"tools": list, "nextCursor": next}
	}
	page := 0
	o := live.Options{MaxPages: 20, MaxItems: 1000, MaxBytes: 1 << 20, Timeout: 10 * time.Second}
	for name, test := range map[string]struct {
		answer func(params map[string]any) any
		want   string
	}{
		"endless":             {func(map[string]any) any { page++; return tools(fmt.Sprint(page), fmt.Sprint("t", page)) }, "20 pages were read, and more follow"},
		"in circles":          {func(p map[string]any) any { return tools("a", "t") }, "page 2 names a next page that was read already"},
		"many items":          {func(map[string]any) any { page++; return tools(fmt.Sprint(page), many(600)...) }, "1200 items were read, and more follow"},
		"large":               {func(map[string]any) any { return tools("", strings.Repeat("x", 2<<20)) }, "larger than what is read"},
		"large in parts":      {func(map[string]any) any { page++; return tools(fmt.Sprint(page), strings.Repeat("x", 600<<10)) }, "1 MiB were read, and more follow"},
		"no list":             {func(map[string]any) any { return map[string]any{"tool": []any{}} }, "page 1: tools: want a list, have nothing"},
		"null":                {func(map[string]any) any { return map[string]any{"tools": nil} }, "tools: want a list, have null"},
		"object of tools":     {func(map[string]any) any { return map[string]any{"tools": map[string]any{"a": 1}} }, "tools: want a list, have an object"},
		"no object":           {func(map[string]any) any { return []any{1} }, "want an object, have a list"},
		"tool of a number":    {func(map[string]any) any { return tools("", "a", 7) }, "tools[1]: name: want a string, have a number"},
		"tool without a name": {func(map[string]any) any { return tools("", "") }, "tools[0]: name is empty"},
		"null for a tool":     {func(map[string]any) any { return map[string]any{"tools": []any{nil}} }, "tools[0]: want an object, have null"},
		"cursor of a number":  {func(map[string]any) any { return tools(3, "a") }, "nextCursor and cacheScope: want strings"},
	} {
		t.Run(name, func(t *testing.T) {
			page = 0
			s := dial(t, live.Target{URL: serve(t, mcptest.Wire(func(_ string, params map[string]any) any { return test.answer(params) })).URL}, o)
			l, err := s.List(t.Context(), authz.ToolItem)
			if err == nil || !strings.HasPrefix(err.Error(), "tools/list: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v; want %s", l, err, test.want)
			}
		})
	}
}

func many(n int) []any {
	names := make([]any, n)
	for i := range names {
		names[i] = fmt.Sprint("t", i)
	}
	return names
}

// A server that does not answer is left after the time limit, in the handshake
// and later, on HTTP and on stdio.
func TestSlow(t *testing.T) {
	o := live.Options{Timeout: 300 * time.Millisecond, Grace: 300 * time.Millisecond}
	block := make(chan struct{})
	defer close(block) // before the servers wait for their handlers
	s := dial(t, live.Target{URL: serve(t, mcptest.Wire(func(string, map[string]any) any { <-block; return nil })).URL}, o)
	if _, err := s.List(t.Context(), authz.ToolItem); err == nil || !strings.Contains(err.Error(), "tools/list: no answer within 300ms") {
		t.Errorf("a list: %v", err)
	}
	silent := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block })
	for name, target := range map[string]live.Target{"HTTP": {URL: serve(t, silent).URL}, "stdio": command(t, "deaf")} {
		if _, err := live.Dial(t.Context(), target, o); err == nil || !strings.Contains(err.Error(), "initialize: no answer within 300ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Notifications between a request and its answer do not disturb, known ones
// and others.
func TestNotifications(t *testing.T) {
	answer := mcptest.Wire(func(string, map[string]any) any {
		return map[string]any{"tools": []any{map[string]any{"name": "t"}}}
	})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		answer.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			w.WriteHeader(rec.Code)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, method := range []string{"notifications/message", "notifications/progress", "notifications/nonsense", "notifications/tools/list_changed"} {
			fmt.Fprintf(w, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":%q,\"params\":{\"level\":\"info\",\"data\":1,\"progressToken\":1,\"progress\":1}}\n\n", method)
		}
		fmt.Fprintf(w, "event: message\ndata: %s\n\n", strings.TrimSpace(rec.Body.String()))
	})
	s := dial(t, live.Target{URL: serve(t, h).URL}, live.Options{Timeout: 10 * time.Second})
	l, err := s.List(t.Context(), authz.ToolItem)
	if err != nil || len(l.Items) != 1 {
		t.Errorf("%v, %v", l, err)
	}
}

// A server that ends says why, and a program that is not there is named.
func TestCrash(t *testing.T) {
	var e *live.ExitError
	_, err := live.Dial(t.Context(), command(t, "crash"), live.Options{})
	if !errors.As(err, &e) || e.State != "exit status 7" || !strings.Contains(err.Error(), "cannot open the database") {
		t.Errorf("crash: %v", err)
	}
	target := command(t, "environment", "crash")
	target.Env["DESK_KEY"] = "key-12345"
	_, err = live.Dial(t.Context(), target, live.Options{})
	if err == nil || !strings.Contains(err.Error(), "the key is [redacted]") {
		t.Errorf("a key on standard error: %v", err)
	}
	_, err = live.Dial(t.Context(), live.Target{Command: []string{"no-such-program-anywhere"}}, live.Options{})
	if err == nil || !strings.Contains(err.Error(), "no-such-program-anywhere") {
		t.Errorf("no program: %v", err)
	}
}

// A target that makes no sense is refused before anything is contacted, and
// its secrets are not repeated.
func TestBadTarget(t *testing.T) {
	for want, target := range map[string]live.Target{
		"want a URL or a command":           {},
		"not both":                          {URL: "http://a.example", Command: []string{"x"}},
		"takes no token":                    {Command: []string{"x"}, Token: "secret"},
		"begins with https":                 {URL: "ftp://a.example"},
		"has no host":                       {URL: "http:///mcp"},
		"credentials do not belong":         {URL: "http://u:secret@a.example"},
		"the token has characters":          {URL: "http://a.example", Token: "secret\n"},
		"the value of the header X-Key has": {URL: "http://a.example", Headers: map[string]live.Secret{"X-Key": "secret\r\nX: y"}},
		"not a URL":                         {URL: "http://a.example/%zz"},
	} {
		_, err := live.Dial(t.Context(), target, live.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, want %s", target, err, want)
		}
	}
}

// What several principals see is put together, and what each one lacks, or
// sees differently, is known.
func TestMerge(t *testing.T) {
	desk := serve(t, mcptest.NewDesk())
	var mu sync.Mutex
	seen := map[live.Secret]*live.Inventory{}
	var g errgroup.Group
	for _, token := range []live.Secret{mcptest.Sally, mcptest.Ian} {
		g.Go(func() error {
			s, err := live.Dial(t.Context(), live.Target{URL: desk.URL + "/mcp", Token: token}, live.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			inv, err := s.Inventory(t.Context(), nil)
			mu.Lock()
			seen[token] = inv
			mu.Unlock()
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	whole := live.Merge(seen[mcptest.Sally], seen[mcptest.Ian])
	if n := len(whole.Lists[authz.ToolItem].Items); n != 5 {
		t.Errorf("%d tools together", n)
	}
	if diff := cmp.Diff([4][]string{{"admin_tool", "get_hr_records"}}, seen[mcptest.Sally].Lacks(whole)); diff != "" {
		t.Errorf("sally lacks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([4][]string{}, seen[mcptest.Ian].Lacks(whole)); diff != "" {
		t.Errorf("ian lacks (-want +got):\n%s", diff)
	}
	if d := seen[mcptest.Ian].Differs(seen[mcptest.Sally]); len(d) > 0 {
		t.Errorf("differ: %v", d)
	}
	seen[mcptest.Ian].Lists[0].Items[3].Raw = json.RawMessage(`{"name":"greet"}`)
	if d := seen[mcptest.Ian].Differs(seen[mcptest.Sally]); fmt.Sprint(d) != "[greet]" {
		t.Errorf("differ: %v", d)
	}
}

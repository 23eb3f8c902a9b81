//go:build e2e && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/manifest"
)

var update = flag.Bool("update", false, "write what the gateway decides into testdata")

// A request is one of MCP.
type request struct{ method, params string }

// A reply is what came back on it.
type reply struct {
	status int
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

// decision names what a gateway did about a request: let it pass, or the code
// of its refusal. What the server behind it says is let pass.
func (r *reply) decision() string {
	switch {
	case r.status != http.StatusOK:
		return fmt.Sprint(r.status)
	case r.Error == nil:
		return "passed"
	case refusals.MatchString(r.Error.Message):
		return fmt.Sprint(r.Error.Code)
	}
	return "passed"
}

// code is the code of an error, whoever it is from.
func (r *reply) code() string {
	if r.status == http.StatusOK && r.Error != nil {
		return fmt.Sprint(r.Error.Code)
	}
	return r.decision()
}

// send makes a request as a client does that has a token, and none if it is
// empty.
func send(t *testing.T, s *server, token, body string) *reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: answerTime}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := &reply{status: resp.StatusCode}
	if r.status == http.StatusOK {
		if err := json.Unmarshal(data, r); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
	}
	return r
}

// as makes a request as somebody.
func (r request) as(t *testing.T, s *server, key string) *reply {
	t.Helper()
	return send(t, s, token(key), r.text())
}

func (r request) text() string {
	return fmt.Sprintf(`{"jsonrpc": "2.0", "id": 1, "method": %q, "params": %s}`, r.method, r.params)
}

// gateway starts the harbour behind a PDP.
func gateway(t *testing.T, settings ...string) (*server, *cerbosbin.Server) {
	t.Helper()
	dir := copied(t, gateDir)
	pdp := cerbosbin.Start(t, filepath.Join(dir, "policies"), nil)
	return serve(t, python(t, "coaz"), dir, pdp, harbourPeople, settings...), pdp
}

// learn has the gateway see the lists of tools to their end.
func learn(t *testing.T, s *server, key string) {
	t.Helper()
	params := `{}`
	for params != "" {
		r := request{"tools/list", params}.as(t, s, key)
		var page struct{ NextCursor string }
		if r.Error != nil || json.Unmarshal(r.Result, &page) != nil {
			t.Fatalf("tools/list: %+v", r)
		}
		params = ""
		if page.NextCursor != "" {
			params = fmt.Sprintf(`{"cursor": %q}`, page.NextCursor)
		}
	}
}

// uses are the requests that use the harbour's items, with all arguments.
func uses(t *testing.T) []request {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(gateDir, "inventory.json"))
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("inventory.json", data)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{trials: harbourTrials}
	var list []request
	for _, item := range inventories[0].Items {
		for _, arguments := range w.tries(item) {
			params := map[string]any{"name": item.Name}
			switch item.Type {
			case authz.ResourceItem, authz.TemplateItem:
				params = map[string]any{"uri": expand(item.Name, arguments)}
			case authz.ToolItem, authz.PromptItem:
				if arguments != nil {
					params["arguments"] = arguments
				}
			}
			text, err := json.Marshal(params)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, request{useOf(item.Type), string(text)})
		}
	}
	return list
}

func useOf(t authz.ItemType) string {
	return map[authz.ItemType]string{
		authz.ToolItem: "tools/call", authz.PromptItem: "prompts/get", authz.ResourceItem: "resources/read", authz.TemplateItem: "resources/read",
	}[t]
}

// decided are the decisions about a request, of everybody.
func (r request) decided(t *testing.T, s *server) []string {
	t.Helper()
	var list []string
	for _, key := range harbourPeople {
		list = append(list, r.as(t, s, key).decision())
	}
	return list
}

// table tells what is decided, a request a row and a principal a column.
func table(t *testing.T, requests []request, decided map[request][]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tmethod\tparams\n", strings.Join(harbourPeople, "\t"))
	for _, r := range requests {
		fmt.Fprintf(w, "%s\t%s\t%s\n", strings.Join(decided[r], "\t"), r.method, r.params)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestGateway holds what the gateway decides about each request of everybody,
// before it has seen the lists of tools and after.
func TestGateway(t *testing.T) {
	t.Parallel()
	s, _ := gateway(t)
	requests := append(uses(t), otherRequests...)
	before, after, changed := map[request][]string{}, map[request][]string{}, []request{}
	for _, r := range uses(t) {
		before[r] = r.decided(t, s)
	}
	learn(t, s, "hana")
	for _, r := range requests {
		after[r] = r.decided(t, s)
		if before[r] != nil && !slices.Equal(before[r], after[r]) {
			changed = append(changed, r)
		}
	}
	got := table(t, requests, after) + "\nOtherwise before the lists of tools have passed:\n\n" + table(t, changed, before)
	file := filepath.Join(gateDir, "decisions.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

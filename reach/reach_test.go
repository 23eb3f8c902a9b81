package reach_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpolicy/mcpolicy/config"
	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/live"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/reach"
	"github.com/mcpolicy/mcpolicy/source"
)

// env is an environment.
func env(pairs ...string) reach.Env {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func Example() {
	desk := httptest.NewServer(mcptest.NewDesk())
	defer desk.Close()
	variables := env("SALLY", mcptest.Sally)

	leave, err := reach.NewLeave(nil, variables)
	if err != nil {
		fmt.Println(err)
		return
	}
	servers := []*reach.Server{reach.At(desk.URL + "/mcp")}
	views, err := reach.Views(servers, []string{"SALLY"}, variables, leave)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range views {
		if err := v.Read(context.Background(), time.Minute, live.Options{}, nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	found := reach.Merge(servers[0], views)
	fmt.Println(found.Summary(), found.CheckEmpty())
	// Output: 3 tools, 1 prompt, 1 resource, 1 template <nil>
}

// TestLeave holds where a value may go on the word of a file: anywhere outside CI, and in CI,
// and wherever leave is given at all, to what is allowed and nowhere else.
func TestLeave(t *testing.T) {
	file := source.Pos{File: "mcpolicy.yaml", Line: 3, Col: 5}
	for name, test := range map[string]struct {
		given   []string
		env     reach.Env
		allowed string // of https://a.example/mcp and T, https://a.example/mcp and U, https://b.example and T
	}{
		"at home":              {nil, env(), "yyy"},
		"no CI after all":      {nil, env("CI", "False"), "yyy"},
		"CI":                   {nil, env("CI", "1"), "nnn"},
		"another CI":           {nil, env("JENKINS_URL", "https://ci.example"), "nnn"},
		"given":                {[]string{"T=https://a.example"}, env(), "ynn"},
		"given with a slash":   {[]string{"T=https://a.example:443/"}, env("CI", "true"), "ynn"},
		"given by a variable":  {nil, env(reach.LeaveVariable, "U=https://a.example, T=https://b.example"), "nyy"},
		"an empty variable":    {nil, env(reach.LeaveVariable, ""), "nnn"},
		"another scheme":       {[]string{"T=http://a.example"}, env(), "nnn"},
		"a host that it is in": {[]string{"T=https://a.example.org"}, env(), "nnn"},
	} {
		leave, err := reach.NewLeave(test.given, test.env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		for _, pair := range [][2]string{{"T", "https://a.example/mcp"}, {"U", "https://a.example/mcp"}, {"T", "https://b.example"}} {
			if err := leave.Allow(pair[0], reach.At(pair[1]), file); err == nil {
				got += "y"
			} else if got += "n"; !strings.HasPrefix(err.Error(), "mcpolicy.yaml:3:5: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got != test.allowed {
			t.Errorf("%s: %s, want %s", name, got, test.allowed)
		}
	}
	for _, text := range []string{"T", "=https://a.example", "T=a.example", "T=https://a.example/mcp", "T=https://a.example?x", "T=https://x@a.example"} {
		if _, err := reach.NewLeave([]string{text}, env()); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	var none *reach.Leave
	if none.Allow("T", reach.At("https://a.example"), file) == nil || new(reach.Leave).Allow("T", reach.At("https://a.example"), file) == nil {
		t.Error("no leave allows something")
	}
}

// TestOfConfig holds which servers of a config are meant, and that all mistakes come together.
func TestOfConfig(t *testing.T) {
	cfg, err := config.Parse("mcpolicy.yaml", []byte(`servers:
  a: {manifest: [a.json], live: {url: "https://a.example/mcp", headers: {X-Key: {env: KEY}}}}
  b: {manifest: [b.json], live: {command: [serve, b]}}
  c: {manifest: [c.json]}
`))
	if err != nil {
		t.Fatal(err)
	}
	leave, err := reach.NewLeave(nil, env())
	if err != nil {
		t.Fatal(err)
	}
	list, err := reach.OfConfig(cfg, "", "/home/desk", env("KEY", "k-1"), leave)
	if err != nil || len(list) != 2 || list[0].Target.Headers["X-Key"] != "k-1" || !list[1].Starts() || list[1].Target.Dir != "/home/desk" || list[0].File.IsZero() {
		t.Errorf("%v, %v", list, err)
	}
	for name, want := range map[string]string{
		"c": `mcpolicy.yaml:4:3: server "c" does not say under live`,
		"d": `--server: mcpolicy.yaml has no server "d"`,
		"a": "the environment variable KEY is not set",
	} {
		if _, err := reach.OfConfig(cfg, name, "", env(), leave); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	inCI, err := reach.NewLeave(nil, env("CI", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reach.OfConfig(cfg, "a", "", env("KEY", "k-1"), inCI); err == nil || !strings.Contains(err.Error(), "is not sent to https://a.example/mcp") {
		t.Errorf("in CI: %v", err)
	}
}

// TestClient holds which servers of a client are meant, and what of the environment they get.
func TestClient(t *testing.T) {
	c, err := reach.ParseClient(".mcp.json", []byte(`{"mcpServers": {
		"a": {"url": "https://a.example/mcp", "headers": {"X-Key": "${KEY}"}},
		"b": {"command": "serve", "args": ["${KEY}"]},
		"off": {"url": "https://off.example", "disabled": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Names(), c.Disabled(), c.Enabled().Names()); got != "[a b off] [off] [a b]" {
		t.Error(got)
	}
	if _, err := c.Choose(""); err == nil {
		t.Error("one of three is chosen")
	}
	if _, err := c.Choose("of"); err == nil || !strings.Contains(err.Error(), "off") {
		t.Errorf("a slip: %v", err)
	}
	inCI, err := reach.NewLeave(nil, env("CI", "1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, allowed := range map[string]bool{"a": false, "b": true, "off": true} {
		one, err := c.Choose(name)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := one.Servers("/desk", "", env("KEY", "k-1"), inCI); (err == nil) != allowed || len(list) != 1 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	if _, err := reach.ParseClient(".mcp.json", []byte("[]")); err == nil {
		t.Error("a list is taken")
	}
}

// TestInTheClear holds that what stays on the machine or is encrypted is not warned about.
func TestInTheClear(t *testing.T) {
	for address, want := range map[string]bool{
		"https://a.example": false, "http://a.example": true, "http://localhost:8": false, "http://127.9.0.1/": false, "http://[::1]:8": false,
		"http://[::ffff:127.0.0.1]/": false, "http://10.0.0.1": true, "http://localhost.example": true,
	} {
		if got := reach.At(address).InTheClear(); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// TestMerge holds that views are put together, that what one of them lacks is named, that
// what is written is read back, and that a server which shows no tools is no inventory.
func TestMerge(t *testing.T) {
	names := map[string]string{}
	answer := func(method string, _ map[string]any) any {
		if method != "tools/list" {
			return mcptest.ErrMethod
		}
		var tools []any
		for _, name := range strings.Fields(names["now"]) {
			tools = append(tools, map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"}})
		}
		return map[string]any{"tools": append([]any{}, tools...)}
	}
	desk := httptest.NewServer(mcptest.Wire(answer))
	defer desk.Close()
	variables := env("ADA", "a-1", "BEN", "b-1")
	leave, err := reach.NewLeave(nil, variables)
	if err != nil {
		t.Fatal(err)
	}
	server := reach.At(desk.URL)
	read := func(of map[string]string) *reach.Found {
		views, err := reach.Views([]*reach.Server{server}, []string{"ADA", "BEN"}, variables, leave)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			names["now"] = of[v.Token]
			if err := v.Read(t.Context(), time.Minute, live.Options{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		return reach.Merge(server, views)
	}
	found := read(map[string]string{"ADA": "sit stand", "BEN": "sit"})
	if found.Summary() != "2 tools" || found.CheckEmpty() != nil || len(found.Notes) != 1 || !strings.Contains(found.Notes[0], "with BEN does not see 1 of 2 tools: stand") {
		t.Errorf("%s, %v, %q", found.Summary(), found.CheckEmpty(), found.Notes)
	}
	one, err := reach.Encode(found)
	if err != nil {
		t.Fatal(err)
	}
	all, err := reach.EncodeAll([]*reach.Found{found})
	if err != nil || !json.Valid(all) {
		t.Fatalf("%v\n%s", err, all)
	}
	for _, data := range [][]byte{one, all} {
		list, err := manifest.Parse("desk.json", data)
		if err != nil || len(list) != 1 || len(list[0].Items) != 2 {
			t.Errorf("%v, %v", list, err)
		}
	}
	if err := read(nil).CheckEmpty(); err == nil || !strings.Contains(err.Error(), "shows ADA, BEN no tools") {
		t.Errorf("no tools: %v", err)
	}
	if _, err := reach.Views([]*reach.Server{{Name: "s", Target: live.Target{Command: []string{"x"}}}}, []string{"ADA"}, variables, leave); err == nil {
		t.Error("a server that is started takes a token")
	}
}

// TestRefused holds what is advised where a server lets nobody in.
func TestRefused(t *testing.T) {
	desk := httptest.NewServer(mcptest.NewDesk())
	defer desk.Close()
	variables := env("WRONG", "w-1")
	leave, err := reach.NewLeave(nil, variables)
	if err != nil {
		t.Fatal(err)
	}
	for want, tokens := range map[string][]string{"no token was sent": nil, "the token in WRONG is not accepted": {"WRONG"}} {
		views, err := reach.Views([]*reach.Server{reach.At(desk.URL + "/mcp")}, tokens, variables, leave)
		if err != nil {
			t.Fatal(err)
		}
		err = views[0].Read(t.Context(), time.Minute, live.Options{}, nil)
		var status *live.HTTPError
		if !errors.As(err, &status) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "w-1") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

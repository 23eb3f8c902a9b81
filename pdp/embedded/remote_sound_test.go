package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// The property, for a PDP: what Decide says of all arguments is true of what
// the same PDP's checks say of each.

// randomSets is how many random sets of policies one PDP serves, each under a
// version of its own.
const randomSets = 40

// unplannable are what random policies for a PDP leave out: a plan takes
// has(arguments.x) to be true, does not take optional values, and with role
// policies in one scope it is left to chance which scope permissions count
// (cerbos/cerbos#3382).
var unplannable = []string{"has(R.attr.arguments", ".?", "rolePolicy"}

func TestRemoteAgreesWithItself(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	var versions []string
	for seed := 0; len(versions) < randomSets; seed++ {
		if version := fmt.Sprintf("v%d", seed); writeRandomPolicies(t, dir, version, seed) {
			versions = append(versions, version)
		}
	}
	running := pdptest.Dial(t, cerbosbin.Serve(t, dir, nil), remote.Options{})
	certain := 0
	for _, version := range versions {
		for _, roles := range [][]string{{"A"}, {"B"}, {"A", "B"}, {"adm", "B"}} {
			for _, scope := range []string{"", "child" + version} {
				p := &authz.Principal{ID: "p", Key: "p", Roles: roles, PolicyVersion: version, Attr: map[string]any{
					"n": 2.0, "s": "a", "list": []any{"a", "b"},
				}}
				open := authz.Request{Principal: p, Action: "call", Unknown: []string{"arguments"}, Resource: authz.Resource{
					Kind: "mcp_server", ID: "t", Attr: map[string]any{"tool_name": "t"}, PolicyVersion: version, Scope: scope,
				}}
				requests := append([]authz.Request{open}, known(open)...)
				decisions := pdptest.Decide(t, running, requests)
				if decisions[0].Effect == authz.Conditional {
					continue
				}
				certain++
				for i, d := range decisions[1:] {
					if d.Effect != decisions[0].Effect {
						t.Errorf("%s for %v in scope %q: %v whatever the arguments, but %v with %v",
							version, roles, scope, decisions[0].Effect, d.Effect, requests[i+1].Resource.Attr["arguments"])
					}
				}
			}
		}
	}
	if certain == 0 {
		t.Error("the PDP was certain of nothing")
	}
	t.Logf("%d of %d decisions are certain", certain, len(versions)*8)
}

// writeRandomPolicies writes a set of policies, if they can be planned for.
func writeRandomPolicies(t *testing.T, dir, version string, seed int) bool {
	t.Helper()
	names := strings.NewReplacer(
		"version: default", "version: "+version, "scope: child", "scope: child"+version,
		"name: derived", "name: derived"+version, "[derived]", "[derived"+version+"]",
	)
	fsys := fstest.MapFS{}
	for i, text := range rapid.Custom(randomPolicies).Example(seed) {
		for _, not := range unplannable {
			if strings.Contains(text, not) {
				return false
			}
		}
		fsys[fmt.Sprintf("%s-%d.yaml", version, i)] = &fstest.MapFile{Data: []byte(names.Replace(text))}
	}
	if _, err := embedded.Open(t.Context(), fsys, pdp.Options{}); err != nil {
		return false // a random policy may be refused, for instance for a type error
	}
	for name, f := range fsys {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// known returns the request with each of some arguments.
func known(open authz.Request) []authz.Request {
	var list []authz.Request
	for _, x := range []any{nil, 1.0, 2.0, "a"} {
		for _, y := range []any{nil, "a", "b", 1.0} {
			for _, z := range []any{nil, []any{"a"}, []any{"b", 1.0}} {
				args := map[string]any{}
				for name, v := range map[string]any{"x": x, "y": y, "z": z} {
					if v != nil {
						args[name] = v
					}
				}
				r := open
				r.Unknown = nil
				r.Resource.Attr = map[string]any{"tool_name": "t", "arguments": args}
				list = append(list, r)
			}
		}
	}
	return list
}

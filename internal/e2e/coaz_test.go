//go:build e2e && linux && coaz

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/principals"
)

// TestGatewayModel holds what package coaz and the engine make of each request of
// everybody to what the gateway decides, code by code, before it has seen the
// lists of tools and after.
func TestGatewayModel(t *testing.T) {
	t.Parallel()
	s, _ := gateway(t)
	engine, err := embedded.Open(t.Context(), os.DirFS(filepath.Join(gateDir, "policies")), pdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	declared, requests := map[string]*coaz.Mapping{}, uses(t)
	for _, known := range []bool{false, true} {
		if known {
			learn(t, s, "hana")
			declared, requests = mappings(t), append(requests, otherRequests...)
		}
		for _, r := range requests {
			for _, p := range people(t) {
				want := model(t, engine, declared, r, p)
				if diff := cmp.Diff(want, r.as(t, s, p.Key).decision()); diff != "" {
					t.Errorf("%s %s as %s, lists seen: %t (-coaz +gateway):\n%s", r.method, r.params, p.Key, known, diff)
				}
			}
		}
	}
}

// model names what is said of a request of somebody, as [reply.decision] does.
func model(t *testing.T, engine *embedded.Engine, declared map[string]*coaz.Mapping, r request, p *authz.Principal) string {
	t.Helper()
	var params map[string]any
	if err := json.Unmarshal([]byte(r.params), &params); err != nil {
		t.Fatal(err)
	}
	token := map[string]any{"sub": p.ID, "roles": p.Roles, "aud": "https://harbour.example/mcp"}
	maps.Copy(token, p.Attr)
	name, _ := params["name"].(string)
	outcome := coaz.Point{Server: "https://harbour.example/mcp"}.Resolve(declared[name], r.method, params, plain(t, token).(map[string]any))
	switch outcome.Kind {
	case coaz.Passed:
		return "passed"
	case coaz.Refused:
		return fmt.Sprint(outcome.Code)
	case coaz.Unknown:
		return outcome.Cause.Error()
	case coaz.Asked:
	}
	answer := "passed"
	for _, evaluation := range outcome.Evaluations {
		asked, err := coaz.Translate(evaluation)
		if invalid := (*coaz.InvalidError)(nil); errors.As(err, &invalid) {
			return fmt.Sprint(coaz.CodeMapping) // as this gateway takes it
		}
		if err != nil {
			t.Fatal(err)
		}
		decisions, err := engine.Decide(t.Context(), []authz.Request{asked})
		if err != nil {
			t.Fatal(err)
		}
		if decisions[0].Effect != authz.Allow {
			answer = fmt.Sprint(coaz.CodeDenied)
		}
	}
	return answer
}

// mappings are what the tools declare.
func mappings(t *testing.T) map[string]*coaz.Mapping {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(gateDir, "inventory.json"))
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("inventory.json", data)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]*coaz.Mapping{}
	for _, item := range inventories[0].Items {
		if item.Type == authz.ToolItem {
			declared[item.Name], _ = coaz.Parse(item.Schema) // mistakes are part of it
		}
	}
	return declared
}

// people are those who have tokens.
func people(t *testing.T) []*authz.Principal {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(gateDir, "principals.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := principals.Parse("principals.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return file.Principals
}

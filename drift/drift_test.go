package drift_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/drift"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/solver"
)

const inventory = `{"tools": [{"name": "pay", "inputSchema": {"type": "object", "properties": {
  "amount": {"type": "number"}, "region": {"enum": ["EMEA", "APAC"]}, "force": {"type": "boolean"}, "note": {"type": "string"}
}}}]}`

const head = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: %s
  version: default
  rules:
    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: [SALES, HR]}
`

func allow(condition string) string { return rule("ALLOW", "tools/call::pay", condition) }
func deny(condition string) string  { return rule("DENY", "tools/call::pay", condition) }

func rule(effect, action, condition string) string {
	if condition != "" {
		condition = fmt.Sprintf(", condition: {match: {expr: '%s'}}", condition)
	}
	return fmt.Sprintf("    - {actions: [\"%s\"], effect: EFFECT_%s, roles: [SALES]%s}\n", action, effect, condition)
}

// TestCompare has a real PDP over policies of its own for each case.
func TestCompare(t *testing.T) {
	tests := map[string]struct {
		checkout, production string
		want                 []string
	}{
		"the same":            {allow(""), allow(""), nil},
		"the same condition":  {allow("R.attr.arguments.amount <= 500"), allow("R.attr.arguments.amount <= 500"), nil},
		"said in another way": {allow("R.attr.arguments.amount <= 500"), allow("500 >= R.attr.arguments.amount"), nil},
		"one of one":          {allow(`R.attr.arguments.region in ["EMEA"]`), allow(`R.attr.arguments.region == "EMEA"`), nil},
		"an unless":           {allow("") + deny("R.attr.arguments.force == true"), allow("") + deny("R.attr.arguments.force == true"), nil},
		"another limit":       {allow("R.attr.arguments.amount <= 500"), allow("R.attr.arguments.amount <= 1000"), []string{`pay call sally+sam: production allows {"amount":750}, rule-002 unmet`}},
		"a smaller limit":     {allow("R.attr.arguments.amount <= 500"), allow("R.attr.arguments.amount < 500"), []string{`pay call sally+sam: checkout allows {"amount":500}, rule-002`}},
		"no condition":        {allow("R.attr.arguments.amount <= 500"), allow(""), []string{`pay call sally+sam: production allows {}, rule-002 unmet`}},
		"no rule":             {"", allow(""), []string{`pay call sally+sam: production allows, no rule`}},
		"a rule too few":      {allow(""), "", []string{`pay call sally+sam: checkout allows, rule-002`}},
		"a list":              {rule("ALLOW", "tools/list::pay", ""), "", []string{`pay list sally+sam: checkout allows, rule-001 rule-002`}},
		"another person":      {allow(`P.id == "sally"`), allow(`P.id == "sam"`), []string{`pay call sally: checkout allows, rule-002`, `pay call sam: production allows, rule-002 unmet`}},
		"out of a plan's sight": {
			allow(`R.attr.arguments.region == "EMEA"`), allow(`R.attr.arguments.region == "EMEA"`) + deny("has(R.attr.arguments.force)"),
			[]string{`pay call sally+sam: checkout allows {"amount":1,"force":true,"note":"x","region":"EMEA"}, rule-002`},
		},
		"out of a plan's sight, and certain": {
			allow(""), allow("") + deny("has(R.attr.arguments.amount) && !has(R.attr.arguments.note)"),
			[]string{`pay call sally+sam: checkout allows {"amount":1}, rule-002`},
		},
		"has":                  {allow("has(R.attr.arguments.note)"), allow("has(R.attr.arguments.note)"), []string{"pay call sally+sam: unknown"}},
		"what cannot be tried": {allow("R.attr.arguments.amount + R.attr.arguments.tax < 5.0"), allow("R.attr.arguments.tax + R.attr.arguments.amount < 5.0"), []string{"pay call sally+sam: unknown"}},
		"another pattern": {
			allow(`R.attr.arguments.note.matches("^[a-f0-9]{4}$")`), allow(`R.attr.arguments.note.matches("^[a-f0-9]{5}$")`),
			[]string{`pay call sally+sam: checkout allows {"note":"aaaa"}, rule-002`},
		},
		"possible: the same condition": {allow("R.attr.arguments.amount <= 500"), allow("R.attr.arguments.amount <= 500"), nil},
		"possible: another limit":      {allow("R.attr.arguments.amount <= 500"), allow("R.attr.arguments.amount <= 1000"), []string{`pay call sally+sam: production allows {"amount":750}, rule-002 unmet`}},
		"possible: no rule":            {"", allow(""), []string{`pay list sally+sam: production allows, no rule`, `pay call sally+sam: production allows, no rule`}},
		"possible: only there":         {allow("R.attr.arguments.amount < 1.0 && R.attr.arguments.amount > 2.0"), allow("R.attr.arguments.amount <= 5"), []string{`pay call sally+sam: production allows {"amount":0}, rule-002 unmet`}},
		"the same pattern": {
			allow(`R.attr.arguments.note.matches("^[a-f0-9]{40}$")`), allow(`R.attr.arguments.note.matches("^[a-f0-9]{40}$")`), nil,
		},
		"a pattern and a text": {
			allow(`R.attr.arguments.note.matches("^(north|south)$")`), allow(`R.attr.arguments.note in ["north", "south"]`), nil,
		},
	}
	dir := t.TempDir()
	names := slices.Sorted(maps.Keys(tests))
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".yaml")), []byte(fmt.Sprintf(head, fmt.Sprint("kind", i))+tests[name].production), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remote, err := remote.Dial(t.Context(), cerbosbin.Serve(t, dir, nil), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remote.Close() })
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			kind := fmt.Sprint("kind", i)
			fsys := fstest.MapFS{"p.yaml": {Data: []byte(fmt.Sprintf(head, kind) + tests[name].checkout)}}
			engine, err := embedded.Open(t.Context(), fsys, pdp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			policies, err := policy.Load(fsys, "policies")
			if err != nil {
				t.Fatal(err)
			}
			result, err := drift.Compare(t.Context(), drift.Input{
				Checkout: build(t, name, kind, engine, policies), Production: build(t, name, kind, remote, policies), Solver: solver.New(engine.Leaves()),
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range result.Found {
				got = append(got, text(d))
			}
			if diff := cmp.Diff(tests[name].want, got); diff != "" || result.Cells != 6 {
				t.Errorf("of %d cells (-want +got):\n%s", result.Cells, diff)
			}
		})
	}
}

// possible has the tool shown where some call is possible.
func possible(t *testing.T, kind string) *pep.Profile {
	t.Helper()
	p, err := pep.Custom("core", "crm", []pep.Spec{
		{Endpoint: "tools/list", Filter: authz.FilterPossible},
		{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: kind, ID: "{name}", Action: "tools/call::{name}", Attr: map[string]any{"arguments": "{arguments}"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// build builds the matrix of sally and sam, in sales, and harry.
func build(t *testing.T, name, kind string, d pdp.Decider, policies *policy.Set) *matrix.Matrix {
	t.Helper()
	inventories, err := manifest.Parse("crm.json", []byte(inventory))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.New("cerbos-fastmcp", "crm", pep.With{ResourceKind: kind}, "")
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(name, "possible") {
		profile = possible(t, kind)
	}
	var people []*authz.Principal
	for key, role := range map[string]string{"sally": "SALES", "sam": "SALES", "harry": "HR"} {
		people = append(people, &authz.Principal{Key: key, ID: key, Roles: []string{role}})
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "crm", Inventory: manifest.Merge(inventories...), Profile: profile}},
		Principals: people, Decider: d, Policies: policies,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(d drift.Difference) string {
	var who []string
	for _, p := range d.Principals {
		who = append(who, p.Key)
	}
	s := fmt.Sprintf("%s %v %s: ", d.Column.Item.Name, d.Column.Operation, strings.Join(who, "+"))
	if d.Unknown != "" {
		return s + "unknown"
	}
	if s += "checkout"; d.More {
		s = strings.TrimSuffix(s, "checkout") + "production"
	}
	s += " allows"
	if d.Arguments != nil {
		s += " " + argumentsText(d.Arguments)
	}
	s += ","
	if len(d.Rules) == 0 {
		return s + " no rule"
	}
	for _, r := range d.Rules {
		s += " " + r.Name[len(r.Name)-8:]
		if r.Met == authz.Unmet {
			s += " unmet"
		}
	}
	return s
}

func argumentsText(arguments map[string]any) string {
	b, err := json.Marshal(arguments)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

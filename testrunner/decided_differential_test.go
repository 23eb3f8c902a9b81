package testrunner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/testrunner"
)

// A room is a world of its own among others in one PDP: a kind, and people whom no other
// has. Its rules leave outputs that say what became of them.
type room struct {
	number  int
	files   fstest.MapFS
	effects map[string]string // of the rules, by name
	people  []string
	names   []string // of the rules, and what stands for none
	queries []string // cases, less what they expect
}

var (
	roomRoles      = []string{"A", "B", "C", "D"}
	roomConditions = []string{"", "", "R.attr.arguments.x == 1", "R.attr.arguments.x < P.attr.n", "has(R.attr.arguments.y)", "P.attr.n > 1", "R.attr.arguments.y.z != P.id", "!(R.attr.arguments.x == 2)"}
	roomActions    = []string{"tools/list", "tools/list::*", "tools/call::*", "tools/call::t0", "tools/*::t1", "**"}
)

func rooms(number int) *rapid.Generator[*room] {
	return rapid.Custom(func(t *rapid.T) *room {
		r := &room{number: number, effects: map[string]string{}, names: []string{testrunner.ByDefault}}
		var people, rules strings.Builder
		for i := range 4 {
			key := fmt.Sprintf("p%d-%d", number, i)
			r.people = append(r.people, key)
			roles := rapid.SliceOfNDistinct(rapid.SampledFrom(roomRoles), 1, 3, rapid.ID).Draw(t, "roles")
			fmt.Fprintf(&people, "  %s: {id: %s, roles: [%s], attr: {n: %d}}\n", key, key, strings.Join(roles, ", "), rapid.IntRange(0, 3).Draw(t, "n"))
		}
		for range rapid.IntRange(3, 10).Draw(t, "rules") {
			whom := rapid.SampledFrom([]string{"roles: [A]", "roles: [A]", "roles: [B]", "roles: [C, A]", `roles: ["*"]`, fmt.Sprintf("derivedRoles: [lead%d]", number)}).Draw(t, "whom")
			fmt.Fprintf(&rules, "    - {%s, actions: [%q], %s}\n", r.rule(t), rapid.SampledFrom(roomActions).Draw(t, "action"), whom)
		}
		policy := fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: room%d\n  version: default\n  importDerivedRoles: [leads%d]\n  rules:\n%s", number, number, rules.String())
		leads := fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: leads%d\n  definitions:\n    - {name: lead%d, parentRoles: [B, D], condition: {match: {expr: P.attr.n > 0}}}\n", number, number)
		r.files = fstest.MapFS{
			"mcpolicy.yaml":       {Data: fmt.Appendf(nil, "servers: {s: {manifest: manifest.json, with: {resourceKind: room%d}}}\npolicies: policies\nprincipals: principals.yaml\n", number)},
			"manifest.json":       {Data: []byte(`{"tools": [{"name": "t0"}, {"name": "t1"}]}`)},
			"principals.yaml":     {Data: []byte("principals:\n" + people.String())},
			"policies/room.yaml":  {Data: []byte(policy)},
			"policies/leads.yaml": {Data: []byte(leads)},
		}
		if rapid.IntRange(0, 2).Draw(t, "principal policy") == 0 {
			r.files["policies/one.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, "apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: %s\n  version: default\n  rules:\n    - {resource: room%d, actions: [{%s, action: %q}]}\n",
				r.people[0], number, r.rule(t), rapid.SampledFrom(roomActions).Draw(t, "action"))}
		}
		r.queries = []string{"list t0", "list t1"}
		for _, tool := range []string{"t0", "t1"} {
			for _, arguments := range []string{`{}`, `{"x": 1}`, `{"x": 2, "y": {"z": "a"}}`} {
				r.queries = append(r.queries, "call "+tool+" "+arguments)
			}
		}
		return r
	})
}

// rule draws a rule, but for what it is about.
func (r *room) rule(t *rapid.T) string {
	name := fmt.Sprintf("r%d", len(r.effects))
	r.effects[name], r.names = rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), append(r.names, name)
	text := fmt.Sprintf(`name: %s, effect: EFFECT_%s, output: {when: {ruleActivated: '"fired"', conditionNotMet: '"unmet"'}}`, name, r.effects[name])
	if c := rapid.SampledFrom(roomConditions).Draw(t, "condition"); c != "" {
		text += fmt.Sprintf(", condition: {match: {expr: %q}}", c)
	}
	return text
}

// suite writes a case for each person and query: it expects what is said of it.
func (r *room) suite(of func(i int) string) string {
	var b strings.Builder
	b.WriteString("name: s\ntests:\n")
	for i, who := range r.people {
		fmt.Fprintf(&b, "  - name: %s\n    principals: [%s]\n", who, who)
		operation := ""
		for j, query := range r.queries {
			parts := strings.SplitN(query, " ", 3)
			if parts[0] != operation {
				operation = parts[0]
				fmt.Fprintf(&b, "    %s:\n      cases:\n", operation)
			}
			arguments := ""
			if len(parts) == 3 {
				arguments = ", arguments: " + parts[2]
			}
			fmt.Fprintf(&b, "        - {tool: %s%s, %s}\n", parts[1], arguments, of(i*len(r.queries)+j))
		}
	}
	return b.String()
}

// run runs such a suite.
func (r *room) run(t *testing.T, in *testrunner.Input, of func(i int) string) []*testrunner.Case {
	t.Helper()
	var err error
	if in.Suites, err = testrunner.Parse("t.yaml", []byte(r.suite(of))); err != nil {
		t.Fatal(err)
	}
	result, err := testrunner.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return result.Suites[0].Cases
}

// A verdict is what a PDP says of a case: by which rules it is decided, and of which rules
// that allow a condition was not met.
type verdict struct {
	allowed bool
	rules   []string
	unmet   bool
	lead    bool // somebody who would be a lead, were the condition of that role met
}

// ask asks a PDP about a request for one of its principal's roles alone.
func ask(t *testing.T, url string, r *authz.Request, role string) (allowed bool, outputs map[string]string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"principal": map[string]any{"id": r.Principal.ID, "roles": []string{role}, "attr": r.Principal.Attr},
		"resources": []any{map[string]any{"actions": []string{r.Action}, "resource": map[string]any{"kind": r.Resource.Kind, "id": r.Resource.ID, "attr": r.Resource.Attr}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body)) //nolint:gosec,noctx // our own PDP
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Results []struct {
			Actions map[string]string
			Outputs []struct{ Src, Val string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Results) != 1 {
		t.Fatalf("%v: %+v", err, answer)
	}
	outputs = map[string]string{}
	for _, o := range answer.Results[0].Outputs {
		_, name, _ := strings.Cut(o.Src, "#")
		if outputs[name] != "fired" {
			outputs[name] = o.Val
		}
	}
	return answer.Results[0].Actions[r.Action] == "EFFECT_ALLOW", outputs
}

// verdict asks a PDP role by role.
func (r *room) verdict(t *testing.T, url string, requests []authz.Request) verdict {
	t.Helper()
	v := verdict{allowed: true, lead: requests[0].Principal.Attr["n"] == 0.0}
	granting, denying := map[string]bool{}, map[string]bool{}
	for i := range requests {
		allowed, unmet := false, false
		denied := map[string]bool{}
		for _, role := range requests[i].Principal.Roles {
			ok, outputs := ask(t, url, &requests[i], role)
			allowed = allowed || ok
			for name, what := range outputs {
				switch {
				case what == "fired" && ok && r.effects[name] == "ALLOW":
					granting[name] = true
				case what == "fired" && r.effects[name] == "DENY":
					denied[name] = true
				case what == "unmet" && r.effects[name] == "ALLOW":
					unmet = true
				}
			}
		}
		if !allowed {
			v.allowed, v.unmet = false, v.unmet || unmet
			maps.Copy(denying, denied)
		}
	}
	v.rules = slices.Sorted(maps.Keys(denying))
	if v.allowed {
		v.rules = slices.Sorted(maps.Keys(granting))
	}
	return v
}

// TestDifferentialDecided holds what suites take for the deciding rules, and for the
// reason of a denial, to a running PDP that is asked role by role, in whose replies rules
// say what became of them.
func TestDifferentialDecided(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	dir := t.TempDir()
	var list []*room
	for i := range rounds.Of(24, 640) {
		r := rooms(i).Example(i)
		list = append(list, r)
		for name, file := range r.files {
			if base, ok := strings.CutPrefix(name, "policies/"); ok {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%s", i, base)), file.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	url := "http://" + cerbosbin.Start(t, dir, nil).HTTPAddr + "/api/check/resources"
	decisions, passed, differences := 0, 0, 0
	for _, r := range list {
		in, err := load(t.Context(), r.files)
		if err != nil {
			t.Fatal(err)
		}
		var verdicts []verdict
		for _, c := range r.run(t, in, func(int) string { return "expect: allow" }) {
			verdicts = append(verdicts, r.verdict(t, url, c.Requests()))
		}
		cases := r.run(t, in, func(i int) string {
			by := r.names[(i*7+r.number)%len(r.names)]
			switch {
			case verdicts[i].allowed && by == testrunner.ByDefault:
				return "expect: allow, by: r0"
			case verdicts[i].allowed:
				return "expect: allow, by: " + by
			}
			return "expect: deny, by: " + by
		})
		for i, c := range cases {
			decisions++
			if c.Outcome == testrunner.Passed {
				passed++
			}
			if text := verdicts[i].against(c); text != "" {
				differences++
				t.Errorf("%s\n%s calls or lists %s %v: %s\n%s", c.Pos, c.Principals[0].Key, c.Item.Name, c.Arguments, text, r.files["policies/room.yaml"].Data)
			}
		}
	}
	t.Logf("%d decisions in %d worlds, %d passed by the rule that was named; %d differences", decisions, len(list), passed, differences)
	if passed < decisions/10 || passed > decisions*9/10 {
		t.Errorf("%d of %d passed", passed, decisions)
	}
}

// against says how a case differs from what a PDP says of it.
func (v *verdict) against(c *testrunner.Case) string {
	if c.Decided == nil {
		return "it is not decided as the PDP decides it: " + c.Got
	}
	var rules []string
	for _, r := range c.Decided.Rules {
		rules = append(rules, r.Name)
	}
	slices.Sort(rules)
	byDefault := c.By[0] == testrunner.ByDefault
	reason := testrunner.NoReason
	if !v.allowed {
		reason = testrunner.NoRule
		switch {
		case len(v.rules) > 0:
			reason = testrunner.RuleDenies
		case v.unmet:
			reason = testrunner.ConditionNotMet
		}
	}
	right := slices.Contains(v.rules, c.By[0]) || byDefault && len(v.rules) == 0
	switch {
	case !slices.Equal(rules, v.rules):
		return fmt.Sprintf("decided by %v, and by %v says the PDP", rules, v.rules)
	case reason == testrunner.NoRule && c.Decided.Reason == testrunner.ConditionNotMet && v.lead: // a PDP does not say what it did not look at
	case c.Decided.Reason != reason:
		return fmt.Sprintf("because of %v, want %v", c.Decided.Reason, reason)
	case (c.Outcome == testrunner.Passed) != right:
		return fmt.Sprintf("%v by %s, decided by %v", c.Outcome, c.By[0], v.rules)
	}
	return ""
}

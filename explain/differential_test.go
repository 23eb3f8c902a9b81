package explain_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// An office is a random world of its own among others in one PDP: the kind
// doorN, and the roles clerkN, guardN, guestN and team-*N.
type office struct {
	number   int
	policies fstest.MapFS
	people   []person
}

// A person is somebody whose role is yet to be said, and the arguments of a call.
type person struct{ attr, arguments map[string]any }

func offices(number int) *rapid.Generator[*office] {
	return rapid.Custom(func(t *rapid.T) *office {
		o := &office{number: number, policies: fstest.MapFS{}}
		o.write(t)
		for range 12 {
			p := person{attr: map[string]any{}, arguments: map[string]any{}}
			some(t, p.attr, "level", 1.0, 2.0, 3.0, "3")
			some(t, p.attr, "region", "north", "south", 5.0)
			some(t, p.arguments, "region", "north", "south", "east", true)
			some(t, p.arguments, "count", 1.0, 2.0, 10.0, "many", nil)
			o.people = append(o.people, p)
		}
		return o
	})
}

// some sets a name to one of some values, or not at all.
func some(t *rapid.T, in map[string]any, name string, values ...any) {
	if v := rapid.IntRange(0, len(values)).Draw(t, name); v < len(values) {
		in[name] = values[v]
	}
}

var doorConditions = []string{
	`R.attr.arguments.region == P.attr.region`, `R.attr.arguments.count < 5`, `P.attr.level >= 2`, `has(P.attr.region)`,
	`R.attr.arguments.region in ["north", "east"]`, `P.attr.region == "north" || R.attr.arguments.count == 1`, `!(P.attr.level == 1)`,
	`has(R.attr.arguments.count) && P.attr.level > R.attr.arguments.count`, `R.attr.arguments.region != "south"`, `P.id == "someone"`,
}

func (o *office) condition(t *rapid.T) string {
	if rapid.IntRange(0, 2).Draw(t, "conditional") == 0 {
		return ""
	}
	return fmt.Sprintf(", condition: {match: {expr: %q}}", rapid.SampledFrom(doorConditions).Draw(t, "expr"))
}

func (o *office) write(t *rapid.T) {
	n := o.number
	add := func(name, text string) { o.policies[name] = &fstest.MapFile{Data: []byte(text)} }
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: door%d\n  version: default\n  importDerivedRoles: [desk%d]\n", n, n)
	if rapid.IntRange(0, 2).Draw(t, "schemas") == 0 {
		b.WriteString("  schemas:\n")
		for i, schemas := range [][]string{
			{`{"required": ["region"]}`, `{"type": "object"}`, `{"properties": {"level": {"type": "number"}}}`},
			{`{"properties": {"arguments": {"properties": {"count": {"type": "number"}}}}}`, `{"properties": {"arguments": {"type": "object"}}}`, `{"required": ["arguments"]}`},
		} {
			side := []string{"principal", "resource"}[i]
			file := fmt.Sprintf("%s%d.json", side, n)
			add("_schemas/"+file, rapid.SampledFrom(schemas).Draw(t, side))
			fmt.Fprintf(&b, "    %sSchema: {ref: \"cerbos:///%s\"", side, file)
			if rapid.IntRange(0, 3).Draw(t, "ignored") == 0 {
				b.WriteString(`, ignoreWhen: {actions: ["pass*"]}`)
			}
			b.WriteString("}\n")
		}
	}
	b.WriteString("  rules:\n")
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		whom := rapid.SampledFrom([]string{
			`roles: [clerk%d]`, `roles: [guard%d]`, `roles: ["*"]`, `roles: [clerk%d, guest%[1]d]`, `roles: ["team-*%d"]`, `derivedRoles: [lead%d]`,
		}).Draw(t, "whom")
		if strings.Contains(whom, "%") {
			whom = fmt.Sprintf(whom, n)
		}
		fmt.Fprintf(&b, "    - {actions: [%s], effect: EFFECT_%s, %s%s}\n", rapid.SampledFrom([]string{"pass", `"*"`, "open, pass"}).Draw(t, "action"),
			rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), whom, o.condition(t))
	}
	add("door.yaml", b.String())
	add("desk.yaml", fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: desk%d\n  definitions:\n    - {name: lead%d, parentRoles: [%s]%s}\n", n, n,
		rapid.SampledFrom([]string{fmt.Sprintf("guard%d", n), `"*"`}).Draw(t, "parent"), o.condition(t)))
	if rapid.IntRange(0, 2).Draw(t, "role policy") == 0 {
		add("guest.yaml", fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: guest%d\n  version: default\n  parentRoles: [clerk%d]\n  rules:\n    - {resource: door%d, allowActions: [%s]%s}\n",
			n, n, n, rapid.SampledFrom([]string{"pass", "open"}).Draw(t, "allowed"), o.condition(t)))
	}
}

// ask returns who can pass the door of an office, by an engine over all offices.
func (o *office) ask(t *testing.T, engine *embedded.Engine) *explain.Answer {
	t.Helper()
	set, err := policy.Load(o.policies, "policies")
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("office.json", []byte(`{"tools": [{"name": "pass"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.Custom("gate", "office", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{o.request()}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "office", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{{Key: "x", ID: "x", Roles: []string{"visitor"}}}, Decider: engine, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, col := range m.Columns {
		if col.Operation == authz.Call {
			answers, err := explain.WhoCan(t.Context(), m, engine, set, []*matrix.Column{col})
			if err != nil {
				t.Fatal(err)
			}
			return &answers[0]
		}
	}
	return nil
}

func (o *office) request() pep.RequestSpec {
	return pep.RequestSpec{Kind: fmt.Sprintf("door%d", o.number), ID: "{name}", Action: "pass", Attr: map[string]any{"arguments": "{arguments}"}}
}

// An expectation is what the answer says of one person with one role.
type expectation struct {
	office  *office
	request authz.Request
	holder  explain.RoleHolder // the zero value for a role that may not
	allowed bool
}

// expect lists the requests of everybody with every role, and with one that is
// not listed.
func (o *office) expect(a *explain.Answer) []expectation {
	var list []expectation
	add := func(role string, h explain.RoleHolder) {
		for i, p := range o.people {
			list = append(list, expectation{office: o, holder: h, request: authz.Request{
				Principal: &authz.Principal{Key: "someone", ID: []string{"someone", "another"}[i%2], Roles: []string{role}, Attr: p.attr},
				Action:    "pass", Resource: authz.Resource{Kind: fmt.Sprintf("door%d", o.number), ID: "pass", Attr: map[string]any{"arguments": p.arguments}},
			}})
		}
	}
	others := explain.RoleHolder{}
	for _, h := range a.ByRole {
		switch {
		case h.Role == "*":
			others = h
		case strings.Contains(h.Role, "*"):
			add(strings.Replace(h.Role, "*", "red", 1), h)
		default:
			add(h.Role, h)
		}
	}
	for _, role := range a.DeniedRoles {
		add(strings.Replace(role, "*", "blue", 1), explain.RoleHolder{})
	}
	add("stranger", others)
	return list
}

// TestDifferentialWhoCan invents people with the roles that who-can answers
// about, has the official PDP decide, and compares that with the conditions.
func TestDifferentialWhoCan(t *testing.T) {
	for _, strict := range []bool{false, true} {
		for _, enforcement := range []pdp.Enforcement{pdp.EnforceNone, pdp.EnforceReject} {
			t.Run(fmt.Sprintf("strict %v, schemas %v", strict, enforcement), func(t *testing.T) {
				compareWhoCan(t, rounds.Of(12, 150), strict, enforcement)
			})
		}
	}
}

func compareWhoCan(t *testing.T, n int, strict bool, enforcement pdp.Enforcement) {
	dir := t.TempDir()
	list := make([]*office, n)
	for i := range list {
		list[i] = offices(i).Example(i)
		for name, f := range list[i].policies {
			at := filepath.Join(dir, fmt.Sprintf("office%d", i), name)
			if strings.HasPrefix(name, "_schemas/") {
				at = filepath.Join(dir, name)
			}
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	options := pdp.Options{Schemas: enforcement, StrictEvaluation: strict, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
	engine, err := embedded.Open(t.Context(), os.DirFS(dir), options)
	if err != nil {
		t.Fatal(err)
	}
	var all []expectation
	for _, o := range list {
		all = append(all, o.expect(o.ask(t, engine))...)
	}
	readBack(t, engine, all, options)
	conf := map[string]any{
		"schema": map[string]any{"enforcement": map[pdp.Enforcement]string{pdp.EnforceNone: "none", pdp.EnforceReject: "reject"}[enforcement]},
		"engine": map[string]any{"strictEvaluation": strict},
	}
	remote, err := remote.Dial(t.Context(), cerbosbin.Serve(t, dir, conf), remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remote.Close() })
	decisions := decide(t, remote, all)
	differ, allowed := 0, 0
	for i, x := range all {
		want := decisions[i].Effect == authz.Allow
		if want {
			allowed++
		}
		if x.allowed != want {
			if differ++; differ < 5 {
				t.Errorf("%s with %v may %v, says the PDP %v: %v %q\n%s", x.request.Principal.Roles, x.request.Principal.Attr, x.request.Resource, want,
					x.holder.Access, x.holder.Condition, x.office.policies["door.yaml"].Data)
			}
		}
	}
	t.Logf("%d decisions, %d allowed, %d differ", len(all), allowed, differ)
}

func decide(t *testing.T, d pdp.Decider, list []expectation) []authz.Decision {
	t.Helper()
	requests := make([]authz.Request, len(list))
	for i := range list {
		requests[i] = list[i].request
	}
	decisions, err := d.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	return decisions
}

// readBack fills in what the answers come to for each person: it makes policies
// of the conditions, so that Cerbos evaluates them.
func readBack(t *testing.T, engine *embedded.Engine, all []expectation, options pdp.Options) {
	t.Helper()
	fsys := fstest.MapFS{}
	kinds := map[string]string{} // by condition
	requests := make([]authz.Request, len(all))
	for i := range all {
		x := &all[i]
		requests[i] = x.request
		condition := x.holder.Condition.String()
		if x.holder.Access != matrix.Conditional || kinds[condition] != "" {
			continue
		}
		if strings.Contains(condition, "(depends on") {
			t.Fatalf("the condition is not written down: %s", condition)
		}
		kinds[condition] = fmt.Sprintf("condition%d", len(kinds))
		fsys[kinds[condition]+".yaml"] = &fstest.MapFile{Data: []byte(conditionPolicy(kinds[condition], condition))}
	}
	found, err := engine.Validate(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	options.Schemas = pdp.EnforceNone
	reader, err := embedded.Open(t.Context(), fsys, options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		x := &all[i]
		x.allowed = x.holder.Access == matrix.Allowed
		r := x.request
		if r.Resource.Kind = kinds[x.holder.Condition.Key()]; x.holder.Access != matrix.Conditional {
			r.Resource.Kind = "none"
		}
		attr := map[string]any{"arguments": r.Resource.Attr["arguments"], "validArguments": true, "validPrincipal": true}
		for _, v := range found[i] {
			attr[map[string]string{"principal": "validPrincipal", "resource": "validArguments"}[v.Source]] = false
		}
		r.Resource.Attr = attr
		p := *r.Principal
		p.Roles = []string{"0", "1", "2", "3", "4", "5"}
		r.Principal = &p
		requests[i] = r
	}
	decisions, err := reader.Decide(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].allowed = all[i].allowed || decisions[i].Effect == authz.Allow
	}
}

// conditionPolicy writes a condition as a policy of its own, with a role for
// each alternative: an ALLOW for what allows and a DENY for what denies.
func conditionPolicy(kind, condition string) string {
	names := strings.NewReplacer("valid(arguments)", "R.attr.validArguments", "valid(principal)", "R.attr.validPrincipal",
		"arguments.", "R.attr.arguments.", "principal.", "P.attr.")
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: %s\n  version: default\n  rules:\n", kind)
	prefix := ""
	for _, valid := range []string{"valid(principal)", "valid(arguments)"} {
		if rest, ok := strings.CutPrefix(condition, valid); ok {
			condition, prefix = strings.TrimPrefix(rest, " && "), prefix+valid+" && "
		}
	}
	condition = strings.TrimSpace(condition)
	alternatives := []string{condition}
	if strings.Contains(condition, "(unless ") || strings.Contains(condition, " unless ") && strings.HasPrefix(condition, "(") {
		if inner, ok := strings.CutPrefix(condition, "(("); ok && strings.HasSuffix(condition, "))") {
			condition = "(" + inner[:len(inner)-1]
		}
		alternatives = nil
		for _, part := range strings.Split(condition, ") || (") {
			alternatives = append(alternatives, strings.TrimSuffix(strings.TrimPrefix(part, "("), ")"))
		}
	}
	rule := func(role int, effect, text string) {
		fmt.Fprintf(&b, "    - {actions: [pass], effect: EFFECT_%s, roles: [%q], condition: {match: {expr: %q}}}\n", effect, fmt.Sprint(role), names.Replace(text))
	}
	for i, text := range alternatives {
		allows, denies, _ := strings.Cut(" "+text, " unless ")
		if allows = strings.TrimSpace(allows); allows == "" {
			allows = "true"
		}
		rule(i, "ALLOW", prefix+allows)
		if denies != "" {
			rule(i, "DENY", denies)
		}
	}
	return b.String()
}

package explain_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// The property: whatever an explanation says of a rule, of an expression or of
// a way out is so for the engine, and where arguments are open, for each of
// many.

var conditions = []string{
	`R.attr.arguments.x == 1`, `R.attr.arguments.x != P.attr.n`, `R.attr.arguments.y == P.attr.s`, `has(R.attr.arguments.x)`,
	`P.attr.n < 2`, `P.attr.s == "a"`, `P.attr.missing == 1`, `has(P.attr.missing)`, `!(R.attr.arguments.x == 1)`,
	`P.attr.n < 2 || R.attr.arguments.x == 1`, `P.attr.n < 2 && R.attr.arguments.x == 1`, `P.attr.s == "a" ? R.attr.arguments.y == "a" : false`,
	`R.attr.arguments.z.exists(e, e == P.attr.s)`, `R.attr.arguments.z.all(e, e == P.attr.s) || P.attr.n >= 2`, `V.open`, `V.closed`, `V.open || V.closed`,
	`size(R.attr.arguments) > 1`, `"B" in P.roles`, `C.limit == R.attr.arguments.x`, `R.attr.arguments.y in P.attr.list`, `P.id == "pia"`,
	`R.attr.tool == "pump"`, `"owner" in runtime.effectiveDerivedRoles`,
}

func someCondition(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "plain") > 0 {
		return fmt.Sprintf("{expr: %q}", rapid.SampledFrom(conditions).Draw(t, "expr"))
	}
	var of []string
	for range rapid.IntRange(1, 2).Draw(t, "n") {
		of = append(of, someCondition(t, depth-1))
	}
	return fmt.Sprintf("{%s: {of: [%s]}}", rapid.SampledFrom([]string{"all", "any", "none"}).Draw(t, "match"), strings.Join(of, ", "))
}

func maybeCondition(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "conditional") == 0 {
		return ""
	}
	return ", condition: {match: " + someCondition(t, 1) + "}"
}

// somePolicies writes policies about the kind device, its versions and scopes,
// and the roles A, B and C, of which C may have A for a parent.
func somePolicies(t *rapid.T) fstest.MapFS {
	fsys := fstest.MapFS{}
	add := func(text string) {
		fsys[fmt.Sprintf("p%02d.yaml", len(fsys))] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\n" + text)}
	}
	number := 0
	resource := func(version, scope string) {
		var b strings.Builder
		fmt.Fprintf(&b, "resourcePolicy:\n  resource: device\n  version: %s\n", version)
		if scope != "" {
			fmt.Fprintf(&b, "  scope: %s\n  scopePermissions: SCOPE_PERMISSIONS_%s\n", scope,
				rapid.SampledFrom([]string{"OVERRIDE_PARENT", "REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}).Draw(t, "permissions"))
		}
		b.WriteString("  importDerivedRoles: [roles]\n  constants: {local: {limit: 1}}\n  variables: {local: {closed: P.attr.n < 2, open: R.attr.arguments.x == P.attr.n}}\n  rules:\n")
		for range rapid.IntRange(1, 4).Draw(t, "rules") {
			number++
			whom := "roles: [" + rapid.SampledFrom([]string{"A", "B", "A, B", "C", `"*"`}).Draw(t, "role") + "]"
			if rapid.IntRange(0, 3).Draw(t, "derived") == 0 {
				whom = "derivedRoles: [" + rapid.SampledFrom([]string{"owner", "owner, other"}).Draw(t, "derived role") + "]"
			}
			fmt.Fprintf(&b, "    - {name: r%d, actions: [%s], effect: EFFECT_%s, %s%s}\n", number, rapid.SampledFrom([]string{"use", `"*"`, "use, audit", "audit"}).Draw(t, "action"),
				rapid.SampledFrom([]string{"ALLOW", "ALLOW", "DENY"}).Draw(t, "effect"), whom, maybeCondition(t))
		}
		add(b.String())
	}
	version := func() string { return rapid.SampledFrom([]string{"default", "default", "next"}).Draw(t, "version") }
	resource("default", "")
	if rapid.IntRange(0, 1).Draw(t, "scoped") == 0 {
		resource("default", "shop")
	}
	if rapid.IntRange(0, 1).Draw(t, "versioned") == 0 {
		resource("next", "")
	}
	add(fmt.Sprintf("derivedRoles:\n  name: roles\n  definitions:\n    - {name: owner, parentRoles: [A]%s}\n    - {name: other, parentRoles: [\"*\"]%s}\n",
		withoutRuntime(maybeCondition(t)), withoutRuntime(maybeCondition(t))))
	if rapid.IntRange(0, 2).Draw(t, "principal policy") == 0 {
		number++
		add(fmt.Sprintf("principalPolicy:\n  principal: pia\n  version: %s\n  rules:\n    - resource: device\n      actions:\n        - {name: r%d, action: use, effect: EFFECT_%s%s}\n",
			version(), number, rapid.SampledFrom([]string{"ALLOW", "DENY"}).Draw(t, "effect"), plainly(maybeCondition(t))))
	}
	if rapid.IntRange(0, 2).Draw(t, "role policy") == 0 {
		number++
		parents := rapid.SampledFrom([]string{"", "  parentRoles: [A]\n"}).Draw(t, "parents")
		add(fmt.Sprintf("rolePolicy:\n  role: %s\n  version: %s\n%s  rules:\n    - {name: r%d, resource: device, allowActions: [%s]%s}\n",
			rapid.SampledFrom([]string{"B", "C"}).Draw(t, "of"), version(), parents, number, rapid.SampledFrom([]string{"use", "audit", "use, audit"}).Draw(t, "allowed"), plainly(maybeCondition(t))))
	}
	return fsys
}

// plainly leaves out a condition that reads what only resource policies have.
func plainly(condition string) string {
	if strings.Contains(condition, "V.") || strings.Contains(condition, "C.") || strings.Contains(condition, "runtime") {
		return ""
	}
	return condition
}

// withoutRuntime leaves out the condition of a derived role that asks for derived
// roles, which comes to one thing before they are known and to another after.
func withoutRuntime(condition string) string {
	if strings.Contains(condition, "runtime") {
		return ""
	}
	return condition
}

func someArguments(t *rapid.T) map[string]any {
	args := map[string]any{}
	for _, of := range []struct {
		name   string
		values []any
	}{
		{"x", []any{1.0, 2.0, "a", nil}},
		{"y", []any{"a", "b", 1.0}},
		{"z", []any{[]any{"a"}, []any{"a", "b"}, []any{}, "a"}},
	} {
		if v := rapid.IntRange(0, len(of.values)).Draw(t, of.name); v < len(of.values) {
			args[of.name] = of.values[v]
		}
	}
	return args
}

// A device is a random world with one tool, about which one or two requests are
// made.
type device struct {
	policies       fstest.MapFS
	strict         bool
	defaultVersion string
	scope          string
	twice          bool
	principal      *authz.Principal
	samples        []map[string]any // arguments

	*world
	column *matrix.Column
}

var devices = rapid.Custom(func(t *rapid.T) *device {
	d := &device{
		policies:       somePolicies(t),
		strict:         rapid.IntRange(0, 2).Draw(t, "strict") == 0,
		defaultVersion: rapid.SampledFrom([]string{"", "", "next"}).Draw(t, "default version"),
		scope:          rapid.SampledFrom([]string{"", "", "shop"}).Draw(t, "scope"),
		twice:          rapid.IntRange(0, 2).Draw(t, "twice") == 0,
		principal: &authz.Principal{
			Key: "pia", ID: "pia", Roles: rapid.SampledFrom([][]string{{"A"}, {"B"}, {"A", "B"}, {"B", "A"}, {"C"}, {"C", "A"}, {"A", "B", "C"}, {"D"}}).Draw(t, "roles"),
			Attr: map[string]any{"n": rapid.SampledFrom([]any{1.0, 2.0}).Draw(t, "n"), "s": rapid.SampledFrom([]any{"a", "b"}).Draw(t, "s"), "list": []any{"a"}},
		},
	}
	for range 8 {
		d.samples = append(d.samples, someArguments(t))
	}
	return d
})

// open loads the world. It is not ok if the policies are refused, for instance
// for a type error, or if Cerbos may mistake one condition for another.
func (d *device) open(t *testing.T) (ok bool) {
	t.Helper()
	engine, err := embedded.Open(t.Context(), d.policies, pdp.Options{
		StrictEvaluation: d.strict, DefaultPolicyVersion: d.defaultVersion, Now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil || len(engine.Confused()) > 0 {
		return false
	}
	set, err := policy.Load(d.policies, "policies")
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("shop.json", []byte(`{"tools": [{"name": "pump"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	spec := pep.Spec{Endpoint: "tools/call"}
	for _, action := range []string{"use", "audit"}[:map[bool]int{false: 1, true: 2}[d.twice]] {
		spec.Requests = append(spec.Requests, pep.RequestSpec{
			Kind: "device", ID: "{name}", Action: action, Scope: d.scope, Attr: map[string]any{"arguments": "{arguments}", "tool": "{name}"},
		})
	}
	profile, err := pep.Custom("gate", "shop", []pep.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "shop", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{d.principal}, Decider: engine, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.world = &world{engine, m, set}
	d.column = d.world.column("pump", authz.Call)
	return true
}

// String shows the world of a failure.
func (d *device) String() string {
	var b strings.Builder
	for i := range len(d.policies) {
		b.Write(d.policies[fmt.Sprintf("p%02d.yaml", i)].Data)
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "strict %v, version %q, scope %q, roles %q, attributes %v", d.strict, d.defaultVersion, d.scope, d.principal.Roles, d.principal.Attr)
	return b.String()
}

func TestExplanationsAgreeWithTheEngine(t *testing.T) {
	results := map[explain.Result]int{}
	for seed := range rounds.Of(20, 500) {
		d := devices.Example(seed)
		if !d.open(t) {
			continue
		}
		d.check(t, nil, d.samples, results)
		d.check(t, d.samples[0], d.samples[:1], results)
		if t.Failed() {
			t.Fatalf("world %d:\n%v", seed, d)
		}
	}
	t.Log(results)
}

func (d *device) check(t *testing.T, arguments map[string]any, samples []map[string]any, results map[explain.Result]int) {
	x, err := explain.Explain(t.Context(), &explain.Input{
		Matrix: d.matrix, Engine: d.engine, Policies: d.set, Principal: d.principal, Column: d.column, Arguments: arguments,
	})
	if err != nil {
		t.Fatal(err)
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s\n%v, arguments %v", fmt.Sprintf(format, args...), x.Sentence, arguments)
	}
	d.checkVerdict(t, x, samples, fail)
	for i := range x.Requests {
		r := &x.Requests[i]
		for j := range r.Rules {
			results[r.Rules[j].Result]++
			d.checkRule(t, r, &r.Rules[j], i, samples, fail)
		}
		d.checkValues(t, r, i, samples, fail)
		if arguments != nil {
			checkActivation(r, fail)
		}
	}
	d.checkWays(t, x, samples, fail)
	checkSentence(x, fail)
}

// at returns a request of the column with known arguments.
func (d *device) at(request int, args map[string]any, p *authz.Principal) authz.Request {
	r := pep.Bind(d.column.Question.Requests[request], args)
	r.Principal = p
	return r
}

// allowed reports whether the engine allows all requests.
func (d *device) allowed(t *testing.T, args map[string]any, p *authz.Principal) bool {
	for i := range d.column.Question.Requests {
		decisions, err := d.engine.Decide(t.Context(), []authz.Request{d.at(i, args, p)})
		if err != nil {
			t.Fatal(err)
		}
		if decisions[0].Effect != authz.Allow {
			return false
		}
	}
	return true
}

type failure func(format string, args ...any)

func (d *device) checkVerdict(t *testing.T, x *explain.Explanation, samples []map[string]any, fail failure) {
	verdict, _, _ := strings.Cut(x.Sentence, ":")
	if verdict != x.Cell.Access.String() {
		fail("the sentence says %s, the cell %v", verdict, x.Cell.Access)
	}
	for _, args := range samples {
		if ok := d.allowed(t, args, d.principal); x.Cell.Access != matrix.Conditional && ok != (x.Cell.Access == matrix.Allowed) {
			fail("the engine allows it with %v: %v", args, ok)
		}
	}
	for i := range x.Requests {
		r := &x.Requests[i]
		if r.Unknown != nil {
			continue
		}
		effect := authz.Deny
		for _, role := range r.Roles {
			if role.Skipped || effect == authz.Allow {
				continue
			}
			if role.Effect != authz.Deny {
				effect = role.Effect
			}
		}
		if effect != r.Decision.Effect {
			fail("%s is %v, and by role %v", r.Action, r.Decision.Effect, r.Roles)
		}
	}
}

// met has the engine say whether one of the grounds of a rule holds and its
// condition is met, by the compiled conditions alone.
func (d *device) met(t *testing.T, rule *policy.Rule, request authz.Request) bool {
	outcome := func(derivedRole string) bool {
		for _, c := range d.engine.Conditions() {
			i := slices.IndexFunc(c.Uses, func(u pdp.Use) bool { return u.Rule == rule.ID && u.DerivedRole == derivedRole })
			if i < 0 {
				continue
			}
			outcomes, err := d.engine.Try(t.Context(), []pdp.Trial{{Condition: c, Request: request}})
			if err != nil {
				t.Fatal(err)
			}
			opposite := derivedRole == "" && rule.Policy.Kind != policy.RolePolicy && rule.Effect == authz.Allow && c.Uses[i].Effect == authz.Deny
			if opposite { // an error in a variable is no error of what uses it
				return outcomes[0] == pdp.Unmet || outcomes[0] == pdp.Errored && !d.strict
			}
			return outcomes[0] == pdp.Met
		}
		return true // no condition
	}
	if !outcome("") {
		return false
	}
	if len(rule.DerivedRoles) == 0 {
		return true
	}
	return slices.ContainsFunc(rule.DerivedRoles, func(name policy.Text) bool {
		dr := d.set.DerivedRole(rule.Policy, name.Value)
		holds := slices.ContainsFunc(dr.ParentRoles, func(parent policy.Text) bool {
			return parent.Value == "*" || slices.Contains(d.principal.Roles, parent.Value) || d.isParent(parent.Value, request)
		})
		return holds && outcome(name.Value)
	})
}

// isParent reports whether a role is a parent of one that the principal holds.
func (d *device) isParent(role string, request authz.Request) bool {
	return slices.ContainsFunc(d.set.Policies, func(p *policy.Policy) bool {
		return p.Kind == policy.RolePolicy && p.Scope == request.Resource.Scope && slices.Contains(d.principal.Roles, p.Name) &&
			slices.ContainsFunc(p.ParentRoles, func(parent policy.Text) bool { return parent.Value == role })
	})
}

func (d *device) checkRule(t *testing.T, r *explain.Request, rule *explain.Rule, request int, samples []map[string]any, fail failure) {
	for _, args := range samples {
		met := d.met(t, rule.Rule, d.at(request, args, d.principal))
		switch rule.Result {
		case explain.Applies:
			if !met && !d.strict {
				fail("rule %s %v, and its condition is not met with %v", rule.Label(), rule.Result, args)
			}
		case explain.Unmet, explain.Failed:
			if met {
				fail("rule %s: %v, and it is met with %v", rule.Label(), rule.Result, args)
			}
		case explain.NotHeld, explain.NotReached, explain.Depends:
		}
	}
	if r.Unknown == nil && rule.Result == explain.Depends {
		fail("rule %s depends, and everything is known", rule.Label())
	}
	if rule.Result == explain.Applies && rule.Effect == authz.Deny && r.Decision.Effect == authz.Allow && !strings.Contains(rule.Note, "decided separately") {
		fail("rule %s denies beside an allowed request, and the note is %q", rule.Label(), rule.Note)
	}
}

// checkValues holds the values that are shown of expressions and their parts
// against what they come to with known arguments.
func (d *device) checkValues(t *testing.T, r *explain.Request, request int, samples []map[string]any, fail failure) {
	var ask []pdp.Expression
	var shown []pdp.Value
	for i := range r.Rules {
		for _, e := range r.Rules[i].Exprs {
			x := pdp.Expression{Rule: r.Rules[i].ID, Text: e.Text.Value}
			if !e.Open {
				ask, shown = append(ask, x), append(shown, e.Value)
			}
			for _, p := range e.Parts {
				if x.Text = p.Text; !p.Open {
					ask, shown = append(ask, x), append(shown, p.Value)
				}
			}
		}
	}
	for _, args := range samples {
		values, err := d.engine.Evaluate(t.Context(), d.at(request, args, d.principal), ask)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if (v.Error == "") != (shown[i].Error == "") || fmt.Sprint(v.V) != fmt.Sprint(shown[i].V) {
				fail("%s is said to be %v, and is %v with %v", ask[i].Text, shown[i], v, args)
			}
		}
	}
}

// checkActivation holds what is said of rules against what the engine itself
// reports of a request whose arguments are known.
func checkActivation(r *explain.Request, fail failure) {
	fired := map[string]bool{}
	for _, ref := range r.Decision.Rules {
		fired[ref.ID] = ref.Met == authz.Fired
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		took, looked := fired[rule.ID]
		if rule.Effect == authz.Allow {
			for _, ref := range r.Decision.Rules {
				if ref.ID == rule.ID && ref.Effect == authz.Deny {
					took = !took
				}
			}
		}
		switch {
		case strings.Contains(rule.Note, "a role before"):
			// It is reported as if it were the first.
		case looked && took && rule.Result != explain.Applies:
			fail("the engine applied rule %s, which is said to be %v", rule.Label(), rule.Result)
		case looked && !took && strings.Contains(rule.Note, "not active"):
			// The engine takes up what the derived role came to for another role.
		case looked && !took && rule.Result != explain.Unmet:
			fail("the engine found the condition of rule %s not met, which is said to be %v", rule.Label(), rule.Result)
		}
	}
}

func (d *device) checkWays(t *testing.T, x *explain.Explanation, samples []map[string]any, fail failure) {
	for _, way := range x.Ways {
		with := samples
		if way.Arguments != nil {
			with = []map[string]any{way.Arguments}
		}
		for _, args := range with {
			if way.Condition.IsZero() && !d.allowed(t, args, way.Principal) {
				fail("it would not be allowed with %s and %v", way.Text, args)
			}
		}
	}
}

var quoted = regexp.MustCompile(`"(r\d+)"`)

// checkSentence holds the rules that the sentence names against what is said of
// them below.
func checkSentence(x *explain.Explanation, fail failure) {
	if strings.Contains(x.Sentence, "when unless") {
		fail("nobody says so")
	}
	_, reason, _ := strings.Cut(x.Sentence, ": ")
	if x.Cell.Access == matrix.Conditional {
		reason, _, _ = strings.Cut(reason, " when ")
	}
	for _, m := range quoted.FindAllStringSubmatch(reason, -1) {
		var results []explain.Result
		for i := range x.Requests {
			for j := range x.Requests[i].Rules {
				if rule := &x.Requests[i].Rules[j]; rule.Label() == m[1] {
					results = append(results, rule.Result)
				}
			}
		}
		applies, depends := slices.Contains(results, explain.Applies), slices.Contains(results, explain.Depends)
		switch {
		case len(results) == 0:
			fail("rule %s is not among those below", m[1])
		case x.Cell.Access == matrix.Allowed && !applies && (!depends || !strings.Contains(reason, "whatever the arguments")):
			fail("rule %s is said to allow it whatever the arguments, and %v", m[1], results)
		case x.Cell.Access == matrix.Conditional && !applies && !depends:
			fail("rule %s is said to allow it, and %v", m[1], results)
		}
	}
}

package embedded_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/pdptest"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// A madeWorld is what an enforcement point sends, the policy behind it, and who asks.
type madeWorld struct {
	spec   pep.RequestSpec
	rules  []string
	people []*authz.Principal

	actions string // that the rules are about
	last    bool   // the arguments are spread after what is named
}

func oneOf[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func randomMadeWorld(t *testing.T, rng *rand.Rand) *madeWorld {
	t.Helper()
	w := &madeWorld{spec: pep.RequestSpec{
		Kind: oneOf(rng, "desk", "desk", "desk", "{arguments.kind}"), Action: oneOf(rng, "use", "use", "use", "u{arguments.verb}", "{arguments.verb}"), ID: oneOf(rng, "{name}", "{arguments.owner}", "o-{arguments.owner}", "{arguments.n}", "{arguments.any}/{principal.id}", "{arguments.owner}/{principal.attr.team}", "{principal.attr.team}"),
		Scope: oneOf(rng, "", "", "{principal.scope}", "{arguments.where}", "ac{arguments.where}"),
		Attr:  map[string]any{"tier": oneOf[any](rng, "gold", "{arguments.owner}", "{arguments.any}", "t{arguments.n}", "{unknown}", "{principal.attr.team}", "{principal.roles}")},
	}}
	switch rng.IntN(6) {
	case 0:
		w.spec.Attr["..."] = "{arguments}" // without a node, what is named wins
	case 3, 4:
		w.last = true
		if w.spec.Attr["tier"] == "{unknown}" {
			w.spec.Attr["tier"] = "gold" // beside it, all arguments would be more than those
		}
		w.spec.Attr["desk"] = oneOf[any](rng, "{arguments}", map[string]any{"of": oneOf(rng, "{arguments.owner}", "{unknown}", "{unknown}", "d-{arguments.n}", "plain"), "kind": "plain"},
			map[string]any{"of": map[string]any{"of": oneOf(rng, "{principal.attr.team}", "{arguments.any}", "ann")}, "kind": "{principal.id}"})
		var order strings.Builder
		order.WriteString("attr:\n")
		for name := range w.spec.Attr {
			fmt.Fprintf(&order, "  %s: x\n", name)
		}
		order.WriteString("  '...': x\n")
		w.spec.Attr["..."] = "{arguments}"
		docs, err := source.ParseYAML("gate", []byte(order.String()))
		if err != nil {
			t.Fatal(err)
		}
		w.spec.Node = docs[0]
	case 1:
		w.spec.Attr["table"] = map[string]any{"by": oneOf(rng, "name", "arguments.owner"), "values": map[string]any{"tool": "low", "ann": "high"}, "default": "none"}
	case 2:
		w.spec.Attr["table"] = map[string]any{"by": "arguments.owner", "values": map[string]any{"bob": 3.0, "ann": "high"}}
		w.spec.Attr["arguments"] = "{arguments}"
	}
	w.actions = oneOf(rng, "[use]", "[use]", `["u*"]`, `["*"]`, `["use:*"]`)
	conditions := []string{
		`R.id == "ann"`, `R.id != "vault"`, `R.id.startsWith("o-")`, `R.id in ["ann", "7", "o-bob", "true"]`, `R.id == P.attr.team`, `R.id == "ann/red"`, `size(R.id) > 3`,
		`R.attr.tier == "gold"`, `R.attr.tier in ["ann", "t7", "red"]`, `!has(R.attr.tier)`, `has(R.attr.tier) && R.attr.tier != "gold"`, `R.attr.tier == P.attr.team`, `has(R.attr.tier.a) || R.attr.tier.b == 1`,
		`R.attr.owner == "ann"`, `has(R.attr.owner) && R.attr.owner == R.id`, `R.attr.n > 5`, `R.attr.table == "high"`, `has(R.attr.table) && R.attr.table in ["low", 3]`,
		`R.attr.arguments.n < 5`, `R.attr.?tier.orValue("none") == "none"`, `R.attr.?owner.hasValue()`, `V.mine`, `"user" in R.attr.tier`,
	}
	if w.last {
		conditions = append(conditions, `R.attr.desk.of == "ann"`, `has(R.attr.desk.of) && R.attr.desk.of != "ann"`, `R.attr.desk.kind == "plain"`, `!has(R.attr.desk.kind)`,
			`R.attr.desk.of.of == "ann"`, `has(R.attr.desk.of.of)`, `R.attr.desk.?of.orValue("none") in ["none", "plain"]`, `R.attr.?desk.?of.hasValue()`, `size(R.attr.desk) == 2`,
			`R.attr.desk == {"of": "ann", "kind": "plain"}`, `R.attr.desk.owner == "bob"`, `"kind" in R.attr.desk`, `R.attr.desk == "ann"`, `R.attr.?desk.of.?of.orValue("ann") == "ann"`)
	}
	for range 1 + rng.IntN(3) {
		w.rules = append(w.rules, pdptest.Rule(oneOf(rng, "ALLOW", "ALLOW", "DENY"), oneOf(rng, "user", `"*"`), "{expr: '"+strings.ReplaceAll(oneOf(rng, conditions...), "'", "''")+"'}"))
	}
	for _, team := range []any{nil, "red", "ann"} {
		p := &authz.Principal{Key: fmt.Sprint(team), ID: "ann", Roles: []string{"user"}, Attr: map[string]any{}, Scope: oneOf(rng, "", "", "acme", "a b")}
		if team != nil {
			p.Attr["team"] = team
		}
		w.people = append(w.people, p)
	}
	return w
}

func (w *madeWorld) policies() []string {
	policy := func(scope string, rules []string) string {
		return "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: desk\n  version: default\n" + scope + "  variables: {local: {mine: R.id == P.id || has(R.attr.tier) && R.attr.tier == P.id}}\n  rules:\n" + strings.ReplaceAll(strings.Join(rules, ""), "[call]", w.actions)
	}
	return []string{policy("", w.rules), policy("  scope: acme\n", w.rules[:1])}
}

// sent expands what is sent for a call, told once more: ok is false where there is no request.
func (w *madeWorld) sent(who *authz.Principal, arguments, lookedUp map[string]any) (r authz.Request, ok bool) {
	ok = true
	value := func(name string) (any, bool) {
		path := strings.Split(name, ".")
		switch {
		case name == "name":
			return "tool", true
		case path[0] == "arguments":
			v, there := arguments[path[1]]
			return v, there
		case name == "principal.id":
			return who.ID, true
		case name == "principal.scope":
			return who.Scope, true
		case name == "principal.roles":
			return []any{"user"}, true
		}
		v, there := who.Attr[path[2]]
		return v, there
	}
	text := func(s string) string {
		for {
			i := strings.Index(s, "{")
			if i < 0 {
				return s
			}
			j := strings.Index(s, "}")
			put := ""
			if v, there := value(s[i+1 : j]); there {
				switch v := v.(type) {
				case string:
					put = v
				case float64, bool:
					b, _ := json.Marshal(v)
					put = string(b)
				default:
					ok = false
				}
			}
			s = s[:i] + put + s[j+1:]
		}
	}
	r = authz.Request{Principal: who, Action: text(w.spec.Action), Resource: authz.Resource{Kind: text(w.spec.Kind), ID: text(w.spec.ID), Scope: text(w.spec.Scope), Attr: map[string]any{}}}
	ok = ok && r.Resource.ID != "" && r.Resource.Kind != "" && r.Action != "" && !strings.Contains(r.Resource.Scope, " ")
	spread := func() {
		for name, v := range arguments {
			r.Resource.Attr[name] = v
		}
	}
	if w.spec.Attr["..."] != nil && !w.last {
		spread()
	}
	if w.last {
		defer spread()
	}
	lookUp := func(of any, name string) any {
		for _, name := range strings.Split(name, ".") {
			m, _ := of.(map[string]any)
			of = m[name]
		}
		return of
	}
	var mapping func(m map[string]any, at string) map[string]any
	mapping = func(m map[string]any, at string) map[string]any {
		list := map[string]any{}
		for name, of := range m {
			of, v, there := of, any(nil), true
			switch of := of.(type) {
			case map[string]any:
				v = mapping(of, at+name+".")
			case string:
				switch {
				case of == "{unknown}":
					v = lookUp(lookedUp, at+name)
					there = v != nil
				case strings.HasPrefix(of, "{"):
					v, there = value(of[1 : len(of)-1])
				default:
					v = text(of)
				}
			}
			if there {
				list[name] = v
			}
		}
		return list
	}
	for name, of := range w.spec.Attr {
		switch of := of.(type) {
		case map[string]any:
			if of["by"] == nil {
				r.Resource.Attr[name] = mapping(of, name+".")
				continue
			}
			by, _ := value(of["by"].(string))
			key, _ := by.(string)
			if v, there := of["values"].(map[string]any)[key]; there {
				r.Resource.Attr[name] = v
			} else if of["default"] != nil {
				r.Resource.Attr[name] = of["default"]
			}
		case string:
			whole := strings.HasPrefix(of, "{") && strings.HasSuffix(of, "}")
			switch {
			case name == "...":
			case of == "{arguments}":
				r.Resource.Attr[name] = arguments
			case of == "{unknown}":
				delete(r.Resource.Attr, name)
				if v, there := lookedUp[name]; there {
					r.Resource.Attr[name] = v
				}
			case whole:
				delete(r.Resource.Attr, name)
				if v, there := value(of[1 : len(of)-1]); there {
					r.Resource.Attr[name] = v
				}
			default:
				r.Resource.Attr[name] = text(of)
			}
		}
	}
	return r, ok
}

// TestMade holds decisions on open requests, of which parts are made of arguments, of who asks
// and of what is looked up, to what the engine decides on each request that goes out.
func TestMade(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	t.Parallel()
	schema := map[string]any{"properties": map[string]any{"owner": map[string]any{"type": "string"}, "n": map[string]any{"type": "number"}, "kind": map[string]any{"type": "string"}, "where": map[string]any{"type": "string"}}}
	compared, conditional, unwritten, invalid := 0, 0, 0, 0
	for seed := range uint64(rounds.Of(60, 4000)) { //nolint:gosec // counts from zero
		rng := rand.New(rand.NewPCG(seed, 18))
		w := randomMadeWorld(t, rng)
		profile, err := pep.Custom("gate", "s", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{w.spec}}})
		if err != nil {
			t.Fatal(err)
		}
		e := open(t, pdp.Options{StrictEvaluation: rng.IntN(4) == 0}, w.policies()...)
		r := profile.Ask(pep.Item{Name: "tool", Schema: schema}, authz.Call).Requests[0]
		for _, who := range w.people {
			r.Principal = who
			d := pdptest.Decide(t, e, []authz.Request{r})[0]
			for range 12 {
				arguments, lookedUp := map[string]any{}, map[string]any{}
				if rng.IntN(4) > 0 {
					arguments["owner"] = oneOf[any](rng, "ann", "bob", "vault", "")
				}
				if rng.IntN(3) > 0 {
					arguments["n"] = oneOf[any](rng, 7.0, 2.5, 12345678.0, 0.0)
				}
				if rng.IntN(3) > 0 {
					arguments["any"] = oneOf[any](rng, "ann", 7.0, true, nil, []any{"x"}, map[string]any{"a": 1.0})
				}
				for _, of := range [][]any{{"kind", "desk", "", "chair"}, {"verb", "se", "", "ndo", "se:x", ":"}, {"where", "acme", "me", "", "a b", "north"}} {
					if name, _ := of[0].(string); strings.Contains(w.spec.Kind+w.spec.Action+w.spec.Scope, "."+name) && rng.IntN(5) > 0 {
						arguments[name] = oneOf(rng, of[1:]...)
					}
				}
				if w.last && rng.IntN(2) > 0 {
					arguments["desk"] = oneOf[any](rng, "ann", map[string]any{}, map[string]any{"of": "ann", "kind": "plain"}, map[string]any{"of": map[string]any{"of": "ann"}}, map[string]any{"owner": "bob"})
				}
				if w.last && rng.IntN(3) == 0 {
					arguments["tier"] = oneOf[any](rng, "gold", "red", "ann", []any{"user"})
				}
				if w.last && rng.IntN(2) > 0 {
					lookedUp["desk"] = map[string]any{"of": oneOf[any](rng, "ann", "plain")}
				}
				if rng.IntN(2) > 0 {
					lookedUp["tier"] = oneOf[any](rng, "gold", "red", "none")
				}
				sent, ok := w.sent(who, arguments, lookedUp)
				want := ok && pdptest.Decide(t, e, []authz.Request{sent})[0].Effect == authz.Allow
				bound := map[string]any{}
				if strings.Contains(fmt.Sprint(w.spec.Attr), "{unknown}") {
					bound[authz.LookedUp] = lookedUp
				}
				for k, v := range arguments {
					bound[k] = v
				}
				closed := pep.Bind(r, bound)
				now := pdptest.Decide(t, e, []authz.Request{closed})[0]
				got := d.Effect == authz.Allow
				if d.Effect == authz.Conditional && d.Condition.Written() {
					f, _ := solver.Of(d.Condition, &r)
					if closed.Unknown != nil || closed.Resource.Attr == nil {
						t.Fatalf("seed %d: nothing is bound", seed)
					}
					answer, err := solver.New(e.Leaves()).Solve(t.Context(), &solver.World{Requests: []authz.Request{closed}}, []solver.Goal{{Formula: f, To: solver.Only(solver.Met)}})
					if err != nil {
						t.Fatal(err)
					}
					got, conditional = answer.Verdict == solver.Possible, conditional+1
				} else if d.Effect == authz.Conditional {
					got, unwritten = want, unwritten+1
				}
				compared++
				if !ok {
					invalid++
				}
				if got != want || (now.Effect == authz.Allow) != want {
					t.Errorf("seed %d: id %q attr %v, %v, %s, %v: open %v %q says %v, closed %v, want %v of %v %v\n%s", seed, w.spec.ID, w.spec.Attr, arguments, who.Key, lookedUp,
						d.Effect, d.Condition, got, now.Effect, want, sent.Resource, ok, strings.Join(slices.Compact(w.policies()[:1]), ""))
					return
				}
			}
		}
	}
	t.Logf("%d calls, %d by a condition, %d by one that is not written down, %d that are no request", compared, conditional, unwritten, invalid)
	if conditional < compared/10 || unwritten > compared/10 || invalid == 0 {
		t.Errorf("too few: %d of %d, %d", conditional, compared, invalid)
	}
}

// TestMadeOfCaller holds that what is made of the caller, too, is the caller's own: one after the
// other asks the same engine.
func TestMadeOfCaller(t *testing.T) {
	t.Parallel()
	spec := pep.RequestSpec{Kind: "desk", ID: "{arguments.owner}/{principal.attr.team}", Action: "use"}
	profile, err := pep.Custom("gate", "s", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{spec}}})
	if err != nil {
		t.Fatal(err)
	}
	w := &madeWorld{rules: []string{pdptest.Rule("ALLOW", "user", `{expr: R.id == "ann/red"}`)}, actions: "[use]"}
	e := open(t, pdp.Options{}, w.policies()[:1]...)
	r := profile.Ask(pep.Item{Name: "tool"}, authz.Call).Requests[0]
	for _, x := range []struct {
		team any
		want string
	}{{"red", "red"}, {"blue", "blue"}, {7.0, "7"}, {[]any{"red"}, ""}, {"red", "red"}} {
		r.Principal = &authz.Principal{ID: "ann", Roles: []string{"user"}, Attr: map[string]any{"team": x.team}}
		d := pdptest.Decide(t, e, []authz.Request{r})[0]
		got := d.Effect == authz.Conditional && strings.Contains(d.Condition.String(), strconv.Quote(x.want))
		if x.want == "" {
			got = d.Effect == authz.Deny || strings.HasPrefix(d.Condition.String(), "false")
		}
		if !got {
			t.Errorf("of team %v: %v when %s", x.team, d.Effect, d.Condition)
		}
	}
}

// TestMadeOrNot holds that what may be no request is not allowed whatever the arguments are, and that
// a condition may ask for something below a text: it errs then, and is not met.
func TestMadeOrNot(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		action, condition string
		want              authz.Effect
	}{
		{"{arguments.verb}", "true", authz.Conditional},
		{"use", "true", authz.Allow},
		{"use", "R.attr.tier.a == 1", authz.Deny},
		{"use", "!has(R.attr.tier.a) || R.attr.table.b == 1", authz.Deny},
	} {
		spec := pep.RequestSpec{Kind: "desk", ID: "{name}", Action: x.action, Attr: map[string]any{
			"tier": "t-{arguments.n}", "table": map[string]any{"by": "arguments.owner", "values": map[string]any{"ann": "high"}, "default": "low"},
		}}
		profile, err := pep.Custom("gate", "s", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{spec}}})
		if err != nil {
			t.Fatal(err)
		}
		w := &madeWorld{rules: []string{pdptest.Rule("ALLOW", "user", "{expr: '"+x.condition+"'}")}, actions: `["*"]`}
		schema := map[string]any{"properties": map[string]any{"n": map[string]any{"type": "string"}}}
		r := profile.Ask(pep.Item{Name: "tool", Schema: schema}, authz.Call).Requests[0]
		r.Principal = &authz.Principal{ID: "ann", Roles: []string{"user"}}
		d := pdptest.Decide(t, open(t, pdp.Options{}, w.policies()[:1]...), []authz.Request{r})[0]
		if d.Effect != x.want {
			t.Errorf("%s when %s: %v when %s", x.action, x.condition, d.Effect, d.Condition)
		}
	}
}

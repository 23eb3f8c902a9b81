package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A causeWorld is a company at random: servers with tools, prompts and resources, people
// and machines, and policies of rules that name tools, of globs, gates and derived roles.
type causeWorld struct {
	servers []*causeServer
	people  []causePerson
	admins  []string // declared administrators, by role
	waivers []string // lines of the config
}

type causeServer struct {
	name               string
	tools              []causeTool
	prompts, resources int
	rules              []causeRule
}

type causeTool struct{ name, hints string }

type causePerson struct {
	key, kind, team string
	roles           []string
}

// A causeRule is a rule of a policy. Its name is what findings about it go by.
type causeRule struct {
	name, effect   string
	actions, roles []string
	derived        []string
	condition      string
	everybody      bool // it is for any role
}

var (
	causeVerbs = []string{"get", "find", "create", "send", "delete", "set"}
	causeNouns = []string{"order", "mail", "ticket", "price", "invoice", "report"}
	causeRoles = []string{"R0", "R1", "R2", "R3"}
	causeHints = []string{
		"", "", `"annotations": {"readOnlyHint": true}`, `"annotations": {"destructiveHint": true}`,
		`"annotations": {"readOnlyHint": false, "destructiveHint": false}`, `"annotations": {"openWorldHint": true}`,
	}
	causeConditions = []string{"R.attr.arguments.n <= 5", `P.attr.team == "a"`, `P.attr.team != "a"`, "has(P.attr.team)"}
	causeGlobs      = []string{"get_*", "find_*", "create_*", "send_*", "delete_*", "set_*", "*"}
)

// causeDerived are derived roles that policies import. One has everybody for a parent.
const causeDerived = `apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: desk
  definitions:
    - {name: teamed, parentRoles: [R0, R1], condition: {match: {expr: has(P.attr.team)}}}
    - {name: insider, parentRoles: [R2], condition: {match: {expr: 'P.attr.team == "a"'}}}
    - {name: anyone, parentRoles: ["*"]}
`

// newCauseWorld makes the world of a seed.
func newCauseWorld(seed uint64) *causeWorld {
	r := rand.New(rand.NewPCG(seed, 16)) //nolint:gosec // nothing secret
	w := &causeWorld{}
	for i := range 1 + r.IntN(3) {
		w.servers = append(w.servers, newCauseServer(r, i))
	}
	for i := range 3 + r.IntN(6) {
		p := causePerson{key: fmt.Sprintf("p%d", i), roles: someOf(r, causeRoles, 1+r.IntN(2)), team: pick(r, "a", "b", "")}
		if p.kind = pick(r, "", "", "agent", "workload"); p.kind == "agent" && r.IntN(2) == 0 {
			p.team = ""
		}
		w.people = append(w.people, p)
	}
	if r.IntN(2) == 0 {
		w.admins = []string{"R3"}
	}
	return w
}

func newCauseServer(r *rand.Rand, i int) *causeServer {
	s := &causeServer{name: fmt.Sprintf("s%d", i)}
	all := map[string]bool{}
	for range []int{3, 6, 12, 14}[r.IntN(4)] {
		name := pick(r, causeVerbs...) + "_" + pick(r, causeNouns...)
		if !all[name] {
			all[name] = true
			s.tools = append(s.tools, causeTool{name, pick(r, causeHints...)})
		}
	}
	if r.IntN(3) == 0 {
		s.prompts = 1 + r.IntN(2)
	}
	if r.IntN(3) == 0 {
		s.resources = 1 + r.IntN(2)
	}
	for _, role := range causeRoles { // most pass the gate
		if r.IntN(4) > 0 {
			s.add(causeRule{effect: "ALLOW", actions: []string{"tools/list"}, roles: []string{role}})
		}
	}
	for range 3 + r.IntN(6) {
		s.add(newCauseRule(r, s))
	}
	return s
}

func (s *causeServer) add(rule causeRule) {
	rule.name = fmt.Sprintf("rule%d", len(s.rules))
	s.rules = append(s.rules, rule)
}

func newCauseRule(r *rand.Rand, s *causeServer) causeRule {
	rule := causeRule{effect: "ALLOW"}
	operations := pick(r, []string{"list", "call"}, []string{"list", "call"}, []string{"call"}, []string{"list"})
	var names []string
	if r.IntN(2) == 0 {
		names = someOf(r, causeGlobs, 1+r.IntN(2))
	} else {
		for _, t := range s.tools {
			if r.IntN(2) == 0 {
				names = append(names, t.name)
			}
		}
	}
	for _, name := range append(names, s.tools[0].name)[:max(1, len(names))] {
		for _, op := range operations {
			rule.actions = append(rule.actions, "tools/"+op+"::"+name)
		}
	}
	switch r.IntN(8) {
	case 0:
		rule.roles, rule.everybody = []string{"*"}, true
	case 1:
		rule.derived, rule.everybody = []string{"anyone"}, true
	case 2:
		rule.derived = []string{pick(r, "teamed", "insider")}
	case 3:
		rule.effect, rule.roles = "DENY", someOf(r, causeRoles, 1)
	default:
		rule.roles = someOf(r, causeRoles, 1+r.IntN(2))
	}
	if r.IntN(3) == 0 {
		rule.condition = pick(r, causeConditions...)
	}
	return rule
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// someOf picks n different ones.
func someOf(r *rand.Rand, list []string, n int) []string {
	some := make([]string, n)
	for i, at := range r.Perm(len(list))[:n] {
		some[i] = list[at]
	}
	return some
}

// files writes the world down.
func (w *causeWorld) files(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"policies/desk.yaml": {Data: []byte(causeDerived)}}
	var c strings.Builder
	c.WriteString("servers:\n")
	for _, s := range w.servers {
		fmt.Fprintf(&c, "  %s: {manifest: %[1]s.json, with: {resourceKind: mcp_%[1]s}}\n", s.name)
		files[s.name+".json"] = &fstest.MapFile{Data: []byte(s.inventory())}
		files["policies/"+s.name+".yaml"] = &fstest.MapFile{Data: []byte(s.policy())}
	}
	c.WriteString("policies: policies\nprincipals: principals.yaml\n")
	if len(w.admins) > 0 {
		fmt.Fprintf(&c, "lint: {administrators: {roles: [%s]}}\n", strings.Join(w.admins, ", "))
	}
	if len(w.waivers) > 0 {
		c.WriteString("waivers:\n" + strings.Join(w.waivers, ""))
	}
	var p strings.Builder
	p.WriteString("principals:\n")
	for _, who := range w.people {
		entry := map[string]any{"id": who.key, "roles": who.roles}
		if who.kind != "" {
			entry["kind"] = who.kind
		}
		if who.team != "" {
			entry["attr"] = map[string]any{"team": who.team}
		}
		text, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&p, "  %s: %s\n", who.key, text)
	}
	files["mcpolicy.yaml"], files["principals.yaml"] = &fstest.MapFile{Data: []byte(c.String())}, &fstest.MapFile{Data: []byte(p.String())}
	return files
}

func (s *causeServer) inventory() string {
	var tools, prompts, resources []string
	for _, t := range s.tools {
		hints := t.hints
		if hints != "" {
			hints = ", " + hints
		}
		tools = append(tools, fmt.Sprintf(`  {"name": %q, "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}%s}`, t.name, hints))
	}
	for i := range s.prompts {
		prompts = append(prompts, fmt.Sprintf(`  {"name": "prompt%d"}`, i))
	}
	for i := range s.resources {
		resources = append(resources, fmt.Sprintf(`  {"name": "resource%[1]d", "uri": "%[2]s://resource%[1]d"}`, i, s.name))
	}
	return fmt.Sprintf("{\"tools\": [\n%s\n], \"prompts\": [\n%s\n], \"resources\": [\n%s\n]}\n",
		strings.Join(tools, ",\n"), strings.Join(prompts, ",\n"), strings.Join(resources, ",\n"))
}

func (s *causeServer) policy() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_%s\n  version: default\n  importDerivedRoles: [desk]\n  rules:\n", s.name)
	for _, r := range s.rules {
		fmt.Fprintf(&b, "    - name: %s\n      effect: EFFECT_%s\n      actions:\n", r.name, r.effect)
		for _, a := range r.actions {
			fmt.Fprintf(&b, "        - %q\n", a)
		}
		for _, of := range []struct {
			key   string
			names []string
		}{{"roles", r.roles}, {"derivedRoles", r.derived}} {
			if len(of.names) > 0 {
				fmt.Fprintf(&b, "      %s: [\"%s\"]\n", of.key, strings.Join(of.names, `", "`))
			}
		}
		if r.condition != "" {
			fmt.Fprintf(&b, "      condition: {match: {expr: '%s'}}\n", r.condition)
		}
	}
	return b.String()
}

// clone copies the world, so that it can be changed.
func (w *causeWorld) clone() *causeWorld {
	c := &causeWorld{people: slices.Clone(w.people), admins: w.admins, waivers: slices.Clone(w.waivers)}
	for _, s := range w.servers {
		copied := *s
		copied.tools, copied.rules = slices.Clone(s.tools), slices.Clone(s.rules)
		c.servers = append(c.servers, &copied)
	}
	return c
}

// another adds a tool that is like one that there is: with the same hints, under the same
// rules and globs.
func (w *causeWorld) another(r *rand.Rand) *causeWorld {
	c := w.clone()
	s := pick(r, c.servers...)
	like := pick(r, s.tools...)
	s.tools = append(s.tools, causeTool{like.name + "_again", like.hints})
	for i := range s.rules {
		actions := slices.Clone(s.rules[i].actions)
		for _, a := range s.rules[i].actions {
			if strings.HasSuffix(a, "::"+like.name) {
				actions = append(actions, a+"_again")
			}
		}
		s.rules[i].actions = actions
	}
	return c
}

// twin adds a principal that is like one that there is.
func (w *causeWorld) twin(r *rand.Rand) *causeWorld {
	c := w.clone()
	like := pick(r, c.people...)
	like.key += "twin"
	c.people = append(c.people, like)
	return c
}

// stranger adds a principal with any roles.
func (w *causeWorld) stranger(r *rand.Rand) *causeWorld {
	c := w.clone()
	c.people = append(c.people, causePerson{key: "another", roles: someOf(r, causeRoles, 1+r.IntN(2)), kind: pick(r, "", "agent"), team: pick(r, "a", "b", "")})
	return c
}

// shuffled has the same rules and principals in another order. Rules stay on their side of
// each DENY: whether what a denied role is allowed took part depends on that.
func (w *causeWorld) shuffled(r *rand.Rand) *causeWorld {
	c := w.clone()
	r.Shuffle(len(c.people), func(i, j int) { c.people[i], c.people[j] = c.people[j], c.people[i] })
	for _, s := range c.servers {
		for rest := s.rules; len(rest) > 0; {
			n := slices.IndexFunc(rest, func(rule causeRule) bool { return rule.effect == "DENY" })
			if n < 0 {
				n = len(rest)
			}
			r.Shuffle(n, func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			rest = rest[min(n+1, len(rest)):]
		}
	}
	return c
}

package accesslock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/accesslock"
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/ordered"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A rule is one of a generated policy.
type rule struct {
	actions, roles, derived []string
	condition               string
	deny                    bool
}

// A world is a folder that is written in one order or another.
type world struct {
	rules   []rule
	kim     []rule   // of the policy for the principal kim
	derived []string // the condition of the derived role, if it has one
	strict  bool
	hidden  bool // schemas refuse principals without a desk
}

var (
	tools      = []string{"find", "send", "wipe"}
	roleNames  = []string{"A", "B", "C", "crew-*", "*", "crew-lead"}
	conditions = []string{
		"", "", "", `R.attr.arguments.area == P.attr.area`, `R.attr.arguments.sum <= 100`, `has(P.attr.desk)`, `"C" in P.roles`,
		`R.attr.arguments.sum <= 100 || P.attr.area == "north"`, `P.attr.area in ["north", "south"]`, `P.id == "lee"`,
		`now() < timestamp("2030-01-01T00:00:00Z")`, `!("B" in P.roles)`, `R.attr.arguments.area != "east"`, `size(P.roles) > 1`,
	}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func someRule(r *rand.Rand) rule {
	x := rule{roles: []string{pick(r, roleNames)}, condition: pick(r, conditions), deny: r.IntN(5) == 0}
	for range 1 + r.IntN(2) {
		x.actions = append(x.actions, pick(r, []string{"tools/list::", "tools/call::"})+pick(r, tools))
	}
	if r.IntN(3) == 0 {
		x.roles = append(x.roles, pick(r, roleNames))
	}
	if r.IntN(6) == 0 {
		x.roles, x.derived = nil, []string{"desk"}
	}
	return x
}

func someWorld(r *rand.Rand) *world {
	w := &world{strict: r.IntN(8) == 0, hidden: r.IntN(6) == 0, derived: []string{pick(r, []string{"", `has(P.attr.desk)`, `P.attr.area == "north"`})}}
	w.rules = append(w.rules, rule{actions: []string{"tools/list"}, roles: []string{"*"}})
	for range 3 + r.IntN(5) {
		w.rules = append(w.rules, someRule(r))
	}
	if r.IntN(3) == 0 {
		x := someRule(r)
		x.roles, x.derived = nil, nil
		w.kim = append(w.kim, x)
	}
	return w
}

// countNothing leaves out the conditions that count roles.
func (w *world) countNothing() {
	for _, list := range [][]rule{w.rules, w.kim} {
		for i := range list {
			if strings.Contains(list[i].condition, "size(") {
				list[i].condition = ""
			}
		}
	}
}

// clone returns a copy that can be changed.
func (w *world) clone() *world {
	c := *w
	c.rules, c.kim, c.derived = nil, nil, slices.Clone(w.derived)
	for _, x := range w.rules {
		c.rules = append(c.rules, rule{slices.Clone(x.actions), slices.Clone(x.roles), slices.Clone(x.derived), x.condition, x.deny})
	}
	for _, x := range w.kim {
		c.kim = append(c.kim, rule{slices.Clone(x.actions), nil, nil, x.condition, x.deny})
	}
	return &c
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	if r != nil {
		r.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	}
	return list
}

func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (x *rule) effect() string {
	if x.deny {
		return "EFFECT_DENY"
	}
	return "EFFECT_ALLOW"
}

func match(condition string) string {
	if condition == "" {
		return ""
	}
	return ", condition: {match: {expr: " + quoted(condition) + "}}"
}

// files writes the world, in another order for each source of chance; nil for the order in
// which it was made.
func (w *world) files(r *rand.Rand) fstest.MapFS {
	name := func(s string) string {
		if r == nil {
			return s
		}
		return fmt.Sprintf("%c-%s", 'a'+rune(r.IntN(26)), s)
	}
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [desks]\n")
	if w.hidden {
		p.WriteString("  schemas: {principalSchema: {ref: 'cerbos:///p.json'}}\n")
	}
	p.WriteString("  rules:\n")
	for _, x := range shuffled(r, w.rules) {
		who := "roles: " + quoted(shuffled(r, ordered.Distinct(x.roles)))
		if len(x.derived) > 0 {
			who = "derivedRoles: " + quoted(x.derived)
		}
		fmt.Fprintf(&p, "    - {actions: %s, effect: %s, %s%s}\n", quoted(shuffled(r, ordered.Distinct(x.actions))), x.effect(), who, match(x.condition))
	}
	m := fstest.MapFS{
		"mcpolicy.yaml":                   {Data: []byte(fmt.Sprintf("servers: {s: {manifest: inventory.json}}\npolicies: policies\nprincipals: people.yaml\nengine: {strictEvaluation: %t, schemaEnforcement: reject}\n", w.strict))},
		"policies/" + name("server.yaml"): {Data: []byte(p.String())},
		"policies/" + name("desks.yaml"):  {Data: []byte("apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: desks\n  definitions:\n    - {name: desk, parentRoles: [A, B]" + match(w.derived[0]) + "}\n")},
		"policies/_schemas/p.json":        {Data: []byte(`{"type": "object", "required": ["desk"], "properties": {"desk": {"type": "string"}}}`)},
	}
	if len(w.kim) > 0 {
		var k strings.Builder
		k.WriteString("apiVersion: api.cerbos.dev/v1\nprincipalPolicy:\n  principal: kim\n  version: default\n  rules:\n    - resource: mcp_server\n      actions:\n")
		for _, x := range w.kim {
			for _, action := range shuffled(r, ordered.Distinct(x.actions)) {
				fmt.Fprintf(&k, "        - {action: %s, effect: %s%s}\n", quoted(action), x.effect(), match(x.condition))
			}
		}
		m["policies/"+name("kim.yaml")] = &fstest.MapFile{Data: []byte(k.String())}
	}
	var items, people []string
	for _, tool := range shuffled(r, tools) {
		properties := shuffled(r, []string{`"area": {"type": "string"}`, `"sum": {"type": "number"}`})
		items = append(items, fmt.Sprintf(`{"name": %q, "inputSchema": {"type": "object", "properties": {%s}}}`, tool, strings.Join(properties, ", ")))
	}
	m["inventory.json"] = &fstest.MapFile{Data: []byte(`{"tools": [` + strings.Join(items, ", ") + `]}`)}
	for _, x := range shuffled(r, []string{"kim: {id: kim, roles: [A]", "lee: {id: lee, roles: [B, crew-lead]", "ray: {id: ray, kind: agent, roles: [C, crew-x]", "bot: {id: bot, kind: workload, roles: [X]"}) {
		people = append(people, "  "+x+"}\n")
	}
	m["people.yaml"] = &fstest.MapFile{Data: []byte("principals:\n" + strings.Join(people, ""))}
	return m
}

func open(t *testing.T, files fs.FS) *workspace.Workspace {
	t.Helper()
	w, err := workspace.Open(t.Context(), files, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func lockOf(t *testing.T, w *workspace.Workspace) *accesslock.Lock {
	t.Helper()
	l, err := w.Lock(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOrderDoesNotMatter(t *testing.T) {
	for seed := range rounds.Of(15, 400) {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		w := someWorld(r)
		if w.strict {
			w.countNothing() // the order of rules can matter
		}
		first := lockOf(t, open(t, w.files(nil))).Text()
		second := lockOf(t, open(t, w.files(r))).Text()
		if string(first) != string(second) {
			t.Fatalf("seed %d: another order of the same makes another lock:\n%s\n%s", seed, first, second)
		}
		again, err := accesslock.Parse("m.lock.yaml", first)
		if err != nil || string(again.Text()) != string(first) {
			t.Fatalf("seed %d: what is read back is not what was written: %v\n%s\n%s", seed, err, first, again.Text())
		}
	}
}

// calls are what the engine is asked: by whom, what, with which arguments.
func calls(m *matrix.Matrix) []matrix.Attempt {
	var list []matrix.Attempt
	roles := [][]string{{"A"}, {"B"}, {"C"}, {"crew-x"}, {"crew-lead"}, {"X"}, {"A", "C"}, {"A", "B"}, {"B", "crew-x"}, {"C", "crew-lead"}, {"A", "B", "C"}, {"X", "Y"}, {"B", "C"}, {"A", "X"}}
	attrs := []map[string]any{{}, {"area": "north"}, {"area": "east", "desk": "d"}, {"area": "north", "desk": "d"}}
	arguments := []map[string]any{{}, {"area": "north", "sum": 50.0}, {"area": "east", "sum": 500.0}, {"area": "south"}, {"sum": 70.0}}
	for _, col := range m.Columns {
		for i, rs := range roles {
			for _, id := range []string{"kim", "lee", "max"} {
				for k, attr := range attrs {
					args := arguments
					if col.Operation == authz.List {
						args = []map[string]any{nil}
					}
					for n, a := range args {
						p := &authz.Principal{Key: fmt.Sprint(i, id, k, n), ID: id, Roles: rs, Attr: attr}
						list = append(list, matrix.Attempt{Principal: p, Column: col, Arguments: a})
					}
				}
			}
		}
	}
	return list
}

// decided returns which calls the engine allows.
func decided(ctx context.Context, t *testing.T, w *workspace.Workspace) []bool {
	t.Helper()
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	cells, err := m.Ask(ctx, calls(m))
	if err != nil {
		t.Fatal(err)
	}
	list := make([]bool, len(cells))
	for i := range cells {
		list[i] = cells[i].Access.Possible()
	}
	return list
}

// mutate changes something of a world that may change who may do what.
func (w *world) mutate(r *rand.Rand) *world {
	c := w.clone()
	x := &c.rules[1+r.IntN(len(c.rules)-1)]
	switch r.IntN(9) {
	case 0:
		x.roles = append(x.roles, pick(r, []string{"A", "B", "C", "crew-x", "D", "*"}))
		x.derived = nil
	case 1:
		x.actions = append(x.actions, pick(r, []string{"tools/list::", "tools/call::"})+pick(r, tools))
	case 2, 3:
		x.condition = pick(r, conditions)
	case 4:
		x.deny = !x.deny
	case 5:
		c.rules = append(c.rules, someRule(r))
	case 6:
		c.rules = slices.Delete(c.rules, 1, 2)
	case 7:
		y := someRule(r)
		y.roles, y.derived = nil, nil
		c.kim = []rule{y}
	case 8:
		c.derived = []string{pick(r, conditions[3:7])}
	}
	return c
}

// refactor says the same in another way.
func (w *world) refactor(r *rand.Rand) *world {
	for range 50 {
		c := w.clone()
		if c.rewrite(r.IntN(len(c.rules)), r.IntN(6)) {
			return c
		}
	}
	return w
}

// rewrite says in one of some ways what a rule says, if it can be said so.
func (w *world) rewrite(i, way int) bool {
	x := &w.rules[i]
	a, b := *x, *x
	replace := func(old, by string) bool {
		had := x.condition
		x.condition = strings.Replace(had, old, by, 1)
		return x.condition != had
	}
	switch way {
	case 0:
		if len(x.actions) < 2 {
			return false
		}
		a.actions, b.actions = x.actions[:1], x.actions[1:]
	case 1:
		if len(x.roles) < 2 {
			return false
		}
		a.roles, b.roles = x.roles[:1], x.roles[1:]
	case 2:
		return x.condition != "" && replace(x.condition, "("+x.condition+") && ("+x.condition+")")
	case 3:
		return replace("R.attr.arguments.sum <= 100", "!(R.attr.arguments.sum > 100)")
	case 4:
		return replace(`R.attr.arguments.area == P.attr.area`, `!(P.attr.area != R.attr.arguments.area)`)
	case 5:
		return replace(`P.attr.area in ["north", "south"]`, `P.attr.area == "south" || "north" == P.attr.area`)
	}
	w.rules = append(append(slices.Clone(w.rules[:i]), a, b), w.rules[i+1:]...)
	return true
}

func verify(t *testing.T, w *workspace.Workspace, l *accesslock.Lock) *accesslock.Result {
	t.Helper()
	l, err := accesslock.Parse("m.lock.yaml", l.Text())
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.VerifyLock(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What the engine allows that it did not is caught, and so is what it does not allow any
// more.
func TestDifferentialMutationsAreCaught(t *testing.T) {
	decisions, gained, lost, silent := 0, 0, 0, 0
	for seed := range rounds.Of(20, 400) {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		w := someWorld(r)
		base := open(t, w.files(nil))
		changed := w.mutate(r)
		head := open(t, changed.files(r))
		result := verify(t, head, lockOf(t, base))
		before, after := map[string]bool{}, map[string]bool{}
		collect(t, base, before)
		collect(t, head, after)
		decisions += len(before) + len(after)
		var gains, losses string
		for key, allowed := range after {
			switch {
			case allowed && !before[key]:
				gains = key
			case !allowed && before[key]:
				losses = key
			}
		}
		opens := slices.ContainsFunc(result.Changes, func(c accesslock.Change) bool { return c.Kind != accesslock.Stale })
		switch {
		case gains != "" && !opens:
			t.Errorf("seed %d: %s is allowed now, and the lock holds: %+v\n%s\n%s", seed, gains, result.Changes, show(w), show(changed))
		case losses != "" && len(result.Changes) == 0:
			t.Errorf("seed %d: %s is not allowed any more, and the lock holds\n%s\n%s", seed, losses, show(w), show(changed))
		}
		switch {
		case gains != "":
			gained++
		case losses != "":
			lost++
		case len(result.Changes) == 0:
			silent++
		}
	}
	t.Logf("%d decisions; %d mutations gave access, %d took some, %d changed nothing", decisions, gained, lost, silent)
	if gained == 0 || lost == 0 || silent == 0 {
		t.Errorf("%d mutations gave access, %d took some and %d changed nothing: the test shows little", gained, lost, silent)
	}
}

func show(w *world) string {
	var b strings.Builder
	for name, f := range w.files(nil) {
		if strings.HasSuffix(name, ".yaml") {
			fmt.Fprintf(&b, "# %s\n%s", name, f.Data)
		}
	}
	return b.String()
}

// collect takes down what the engine allows, by what is asked: columns stand in any order.
func collect(t *testing.T, w *workspace.Workspace, into map[string]bool) {
	t.Helper()
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	asked := calls(m)
	for i, allowed := range decided(t.Context(), t, w) {
		a := asked[i]
		into[fmt.Sprint(a.Column.Operation, a.Column.Item.Name, a.Principal.ID, a.Principal.Roles, a.Principal.Attr, a.Arguments)] = allowed
	}
}

// A refactoring does not break the lock, and leaves its words as they are.
func TestRefactoringsHold(t *testing.T) {
	reworded := 0
	for seed := range rounds.Of(20, 400) {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		w := someWorld(r)
		w.countNothing() // what is unknown breaks with every change
		l := lockOf(t, open(t, w.files(nil)))
		changed := w.refactor(r)
		result := verify(t, open(t, changed.files(r)), l)
		if len(result.Changes) > 0 {
			t.Errorf("seed %d: %+v\n%s\n%s", seed, result.Changes, show(w), show(changed))
		}
		if string(result.Current.Text()) != string(l.Text()) {
			t.Errorf("seed %d: the lock is written otherwise:\n%s\n%s", seed, l.Text(), result.Current.Text())
		}
		if string(lockOf(t, open(t, changed.files(nil))).Text()) != string(l.Text()) {
			reworded++
		}
	}
	if reworded == 0 {
		t.Error("no lock would read otherwise: the test shows little")
	}
}

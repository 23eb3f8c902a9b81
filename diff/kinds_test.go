package diff_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/mcpolicy/mcpolicy/diff"
)

// A rule about other actions decides what runtime.effectiveDerivedRoles has: no derived
// role that no rule names.
func TestRulesAboutOtherActionsMatter(t *testing.T) {
	t.Parallel()
	before := &world{
		schema: `{"type": "object"}`, tools: []string{"pump"}, owner: "P.attr.n < 2", low: "P.attr.n < 1", people: []string{"ada: {id: ada, roles: [A], attr: {n: 1}}"},
		rules: []string{
			`{actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: '"owner" in runtime.effectiveDerivedRoles'}}}`,
			`{actions: ["else"], effect: EFFECT_ALLOW, derivedRoles: [owner]}`,
		},
	}
	after := *before
	after.rules = before.rules[:1]
	r, err := after.open(t).Diff(t.Context(), before.open(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || r.Cells[0].Kind != diff.Narrowed {
		t.Errorf("verdict %s, %d cells", r.Verdict(), len(r.Cells))
	}
}

// lists lets everybody see everything.
const lists = `{actions: ["tools/list", "tools/list::*"], effect: EFFECT_ALLOW, roles: ["*"]}`

func allow(role, condition string) string { return told("ALLOW", role, condition) }

func told(effect, role, condition string) string {
	if condition != "" {
		condition = ", condition: {match: {expr: '" + condition + "'}}"
	}
	return `{actions: ["tools/call::pump"], effect: EFFECT_` + effect + `, roles: [` + role + `]` + condition + `}`
}

func someone(schema string, rules ...string) *world {
	return &world{
		schema: schema, tools: []string{"pump"}, owner: "P.attr.n < 2", low: "P.attr.n < 1", people: []string{"ada: {id: ada, roles: [A]}"},
		rules: append([]string{lists}, rules...),
	}
}

// of returns the world with other people.
func (w *world) of(people ...string) *world {
	other := *w
	other.people = people
	return &other
}

func TestKindsOfChange(t *testing.T) {
	t.Parallel()
	const (
		anything = `{"type": "object", "properties": {"x": {"type": "number"}}}`
		required = `{"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}`
		another  = `{"type": "object", "properties": {"x": {"type": "number"}, "z": {"type": "number"}}, "required": ["x", "z"]}`
		few      = `{"type": "object", "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 10}}, "required": ["x"]}`
		more     = `{"type": "object", "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 20}}, "required": ["x"]}`
		closed   = `{"type": "object", "properties": {"x": {"type": "number"}}, "additionalProperties": false}`
		small    = `{"type": "object", "properties": {"x": {"enum": ["a", "b"]}}, "required": ["x"]}`
		large    = `{"type": "object", "properties": {"x": {"enum": ["a", "b", "c"]}}, "required": ["x"]}`
	)
	open, deny := allow("A", ""), told("DENY", "A", "R.attr.arguments.x > 100")
	limit := func(n string) string { return allow("A", "R.attr.arguments.x <= "+n) }
	until := func(year string) string { return allow("A", `now() < timestamp("`+year+`-01-01T00:00:00Z")`) }
	text := func(bound string, n int) string {
		return fmt.Sprintf(`{"type": "object", "properties": {"x": {"type": "string", %q: %d}}, "required": ["x"]}`, bound, n)
	}
	own, claim := allow("A", "P.attr.n < 2"), allow("A", "request.auxData.jwt.n < 2")
	ada := func(more string) string { return "ada: {id: ada, roles: [A], " + more + "}" }
	far := func(n string) string { return allow("A", "int(R.attr.arguments.x * 4.0 - 1e19) > "+n) }
	other := someone(anything, far("5"))
	other.low = "P.attr.n < 2"
	for _, test := range []struct {
		name       string
		base, head *world
		want       string
		gained     map[string]any
	}{
		{"an argument need not be there, under a DENY that fails open", someone(required, open, deny), someone(anything, open, deny), "widened", map[string]any{}},
		{"an argument that nobody reads need not be there", someone(another, open, deny), someone(required, open, deny), "none", nil},
		{"a schema that takes more of what is allowed", someone(required, open), someone(anything, open), "none", nil},
		{"a schema that takes more, all of which is allowed", someone(few, limit("50")), someone(more, limit("50")), "none", nil},
		{"a limit beyond what the schema takes", someone(few, limit("10")), someone(few, limit("20")), "none", nil},
		{"a schema that takes another value that the condition allows", someone(small, allow("A", `R.attr.arguments.x != "b"`)), someone(large, allow("A", `R.attr.arguments.x != "b"`)), "widened", map[string]any{"x": "c"}},
		{"arguments that the schema does not name", someone(closed, allow("A", "has(R.attr.arguments.force)")), someone(anything, allow("A", "has(R.attr.arguments.force)")), "widened", nil},
		{"a condition that all arguments meet goes", someone(few, limit("10")), someone(few, open), "none", nil},
		{"a grant ends later", someone(anything, until("2040")), someone(anything, until("2050")), "widened", nil},
		{"a grant ends earlier", someone(anything, until("2050")), someone(anything, until("2040")), "narrowed", nil},
		{"one role that is nobody's", someone(anything, open), someone(anything, open, allow("vendor", "P.attr.tier == 1")), "widened", nil},
		{"one role in place of another", someone(anything, open), someone(anything, allow("B", "")), "both", nil},
		{"one value in place of another", someone(anything, limit("5")), someone(anything, allow("A", "R.attr.arguments.x > 5")), "changed", nil},
		{"a schema that does not take a value any more", someone(large, allow("A", `R.attr.arguments.x != "b"`)), someone(small, allow("A", `R.attr.arguments.x != "b"`)), "narrowed", nil},
		{"shorter texts", someone(text("minLength", 3), allow("A", `R.attr.arguments.x != "abc"`)), someone(text("minLength", 1), allow("A", `R.attr.arguments.x != "abc"`)), "widened", nil},
		{"longer texts", someone(text("maxLength", 3), allow("A", `R.attr.arguments.x != "abc"`)), someone(text("maxLength", 4), allow("A", `R.attr.arguments.x != "abc"`)), "widened", nil},
		{"an attribute", someone(anything, own).of(ada(`attr: {n: 1}`)), someone(anything, own).of(ada(`attr: {n: 3}`)), "narrowed", nil},
		{"a claim", someone(anything, claim).of(ada(`auxData: {jwt: {n: 3}}`)), someone(anything, claim).of(ada(`auxData: {jwt: {n: 1}}`)), "widened", nil},
		{"a condition of which nothing is known goes by another number", someone(few, far("5")), someone(more, far("6")), "unknown", nil},
		{"it does beside an argument that nobody reads", someone(another, far("5")), someone(required, far("6")), "unknown", nil},
		{"a condition of which nothing is known stays", other, someone(anything, far("5")), "none", nil},
		{"a rule for all that was for each", someone(anything, open, allow("B", "")), someone(anything, allow("A, B", "")), "none", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := test.head.open(t).Diff(t.Context(), test.base.open(t))
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict() != test.want {
				t.Errorf("verdict %s, want %s", r.Verdict(), test.want)
			}
			if test.gained == nil {
				return
			}
			if len(r.Cells) != 1 || r.Cells[0].Gained == nil || !reflect.DeepEqual(r.Cells[0].Gained.Arguments, test.gained) {
				t.Errorf("%+v, want a call with %v", r.Cells, test.gained)
			}
		})
	}
}

// Who gains does not show that others with the same role lose.
func TestGainsDoNotHideLosses(t *testing.T) {
	t.Parallel()
	const closed = `{"type": "object", "properties": {"y": {"enum": ["a"]}}, "additionalProperties": false}`
	open, deny := allow("A", `R.attr.arguments.y in ["a", "b"]`), told("DENY", "A", `P.id == "zoe"`)
	r, err := someone(`{"type": "object"}`, open, deny).open(t).Diff(t.Context(), someone(closed, open).open(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 1 || r.Cells[0].Kind != diff.Widened || len(r.Roles) != 1 || r.Roles[0].Kind != diff.Changed {
		t.Errorf("verdict %s: %d cells, %d roles", r.Verdict(), len(r.Cells), len(r.Roles))
	}
}

// What the inputSchema refuses is looked at for each of the people, whatever the others gain.
func TestBeyondTheSchema(t *testing.T) {
	t.Parallel()
	const few = `{"type": "object", "properties": {"x": {"type": "integer", "minimum": 0, "maximum": 10}}, "required": ["x"]}`
	limits := func(a, b, c string) *world {
		w := someone(few, allow("B", "R.attr.arguments.x <= "+b), allow("C", "R.attr.arguments.x <= "+c), a)
		return w.of("ada: {id: ada, roles: [A]}", "bo: {id: bo, roles: [B]}", "cy: {id: cy, roles: [C]}")
	}
	r, err := limits(allow("A", ""), "6", "60").open(t).Diff(t.Context(), limits(allow("X", ""), "5", "50").open(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 2 || len(r.Beyond) != 1 {
		t.Errorf("%d cells, %d beyond", len(r.Cells), len(r.Beyond))
	}
}

// Whoever has a role that others gain by gains nothing by another one besides.
func TestRolesOneByOne(t *testing.T) {
	t.Parallel()
	people := "ed: {id: ed, roles: [x]}"
	low, high := allow("A", "R.attr.arguments.x < 5"), allow("A", "R.attr.arguments.x > 5")
	both := allow("B", "R.attr.arguments.x < 5")
	r, err := someone(`{"type": "object"}`, high, both).of(people).open(t).Diff(t.Context(), someone(`{"type": "object"}`, low, both).of(people).open(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Roles) != 1 || r.Roles[0].Kind != diff.Changed || !slices.Equal(r.Roles[0].Roles, []string{"A"}) {
		t.Errorf("%+v, want what becomes of A", r.Roles)
	}
}

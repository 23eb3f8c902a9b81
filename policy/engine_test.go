package policy_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	runtimev1 "github.com/cerbos/cerbos/api/genpb/cerbos/runtime/v1"
	privatecompile "github.com/cerbos/cerbos/private/compile"
	"github.com/cerbos/cerbos/private/ruletable"
	"github.com/cerbos/cerbos/private/ruletable/compile"
	epdpv2 "github.com/cerbos/cloud-api/genpb/cerbos/cloud/epdp/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/policy"
)

// errPanic stands for a panic of Cerbos's compiler.
var errPanic = errors.New("panic")

// compileTable has Cerbos compile a directory.
func compileTable(ctx context.Context, fsys fs.FS) (table *runtimev1.RuleTable, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	table, err = compile.Compile(ctx, fsys)
	var details *privatecompile.Errors
	if errors.As(err, &details) {
		err = fmt.Errorf("%w: %v", err, details.Errors)
	}
	return table, err
}

// An engine checks requests and names the rows of the table that took part.
type engine struct {
	ruletable.Evaluator
	rows []*runtimev1.RuleTable_RuleRow
}

// open has every row report itself, by its number in the table.
func open(t *testing.T, fsys fs.FS, change ...func(*runtimev1.RuleTable_RuleRow)) engine {
	t.Helper()
	table, err := compileTable(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range table.Rules {
		expr := &runtimev1.Expr{Original: strconv.Quote(strconv.Itoa(i))}
		row.EmitOutput = &runtimev1.Output{When: &runtimev1.Output_When{RuleActivated: expr, ConditionNotMet: expr}}
		for _, f := range change {
			f(row)
		}
	}
	rows := slices.Clone(table.Rules) // the evaluator clears the table
	evaluator, err := ruletable.NewRuleTableFromProto(table, &epdpv2.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return engine{evaluator, rows}
}

func (e engine) check(t *testing.T, input *enginev1.CheckInput) *enginev1.CheckOutput {
	t.Helper()
	out, _, err := e.Check(t.Context(), []*enginev1.CheckInput{input})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func (e engine) allows(t *testing.T, principal *enginev1.Principal, version, kind, action string) bool {
	t.Helper()
	out := e.check(t, &enginev1.CheckInput{
		Principal: principal,
		Resource:  &enginev1.Resource{Kind: kind, Id: "x", PolicyVersion: version},
		Actions:   []string{action},
	})
	return out.Actions[action].Effect == effectv1.Effect_EFFECT_ALLOW
}

// TestNames asks the engine questions until every rule of the directory has
// reported itself, and looks each up by the name in the report.
func TestNames(t *testing.T) {
	set := load(t, os.DirFS(policyFolder), "p")
	e := open(t, os.DirFS(policyFolder))

	sally := &enginev1.Principal{Id: "sally@crm.example.com", Roles: []string{"SALES"}, Attr: map[string]*structpb.Value{
		"suspended": structpb.NewBoolValue(false), "region": structpb.NewStringValue("EMEA"), "trial": structpb.NewBoolValue(false),
	}}
	hr := &enginev1.Principal{Id: "hugo", Roles: []string{"acme:hr"}, Attr: map[string]*structpb.Value{
		"suspended": structpb.NewBoolValue(false), "region": structpb.NewStringValue("APAC"), "senior": structpb.NewBoolValue(true),
	}}
	suspended := &enginev1.Principal{Id: "sue", Roles: []string{"SALES"}, Attr: map[string]*structpb.Value{
		"suspended": structpb.NewBoolValue(true), "region": structpb.NewStringValue("APAC"),
	}}
	reader := &enginev1.Principal{Id: "bot", Roles: []string{"reader"}, Attr: map[string]*structpb.Value{"mfa": structpb.NewBoolValue(true)}}
	arguments, err := structpb.NewValue(map[string]any{"region": "EMEA", "limit": 5, "force": true})
	if err != nil {
		t.Fatal(err)
	}

	fired := map[*policy.Rule]bool{}
	for _, q := range []struct {
		principal            *enginev1.Principal
		kind, version, scope string
		actions              string
	}{
		{sally, "mcp:crm", "", "", "tools/list tools/call::greet tools/call::admin tools/call::purge_all tools/call::other tools/call::wipe"},
		{sally, "mcp:crm", "", "acme", "tools/call::scoped"},
		{suspended, "mcp:crm", "", "", "tools/call::anything"},
		{suspended, "mcp:crm", "", "acme", "tools/call::anything"},
		{hr, "mcp:crm", "", "acme.hr", "tools/call::view tools/call::get_1 tools/call::a tools/call::edit tools/call::export"},
		{reader, "mcp::github", "v2", "", "tools/call::get_issue tools/call::delete_repo"},
	} {
		q.principal.Scope = q.scope
		for action := range strings.FieldsSeq(q.actions) {
			out := e.check(t, &enginev1.CheckInput{
				Principal: q.principal,
				Resource: &enginev1.Resource{
					Kind: q.kind, Id: "x", PolicyVersion: q.version, Scope: q.scope,
					Attr: map[string]*structpb.Value{"arguments": arguments},
				},
				Actions: []string{action},
			})
			for _, e := range out.EvaluationErrors {
				t.Errorf("%s %s: %v", q.kind, action, e)
			}
			for _, o := range out.Outputs {
				i, err := strconv.Atoi(o.GetVal().GetStringValue())
				if err != nil {
					t.Fatal(err)
				}
				r := set.RuleFor(o.Src, q.kind, action)
				if r == nil {
					t.Errorf("%s %s: rule %q is not found", q.kind, action, o.Src)
					continue
				}
				fired[r] = true
				sameRule(t, e.rows[i], r)
				if shared := len(set.Named(o.Src)) > 1; !shared && set.Rule(o.Src) != r {
					t.Errorf("rule %q: got %v, want %v", o.Src, set.Rule(o.Src), r)
				}
			}
		}
	}
	for r := range set.Rules() {
		if !fired[r] {
			t.Errorf("%v: rule %q never reported itself", r.Pos, r.ID)
		}
	}
}

// sameRule compares a row of the engine's table to the syntax of its rule.
func sameRule(t *testing.T, row *runtimev1.RuleTable_RuleRow, r *policy.Rule) {
	t.Helper()
	type facts struct {
		Policy, Name, Resource, Version, Scope, Expr string
		Effect                                       effectv1.Effect
	}
	got := facts{
		Policy: "cerbos." + r.Policy.Key(), Name: r.Label(),
		Version: r.Policy.Version, Scope: r.Policy.Scope,
		Effect: effectv1.Effect_EFFECT_DENY,
	}
	if r.Effect == authz.Allow {
		got.Effect = effectv1.Effect_EFFECT_ALLOW
	}
	for expr := range r.Condition.Exprs() {
		got.Expr = expr.Value
		break
	}
	want := facts{row.OriginFqn, row.Name, "", row.Version, row.Scope, firstExpr(row.Condition), row.Effect}
	if row.FromRolePolicy {
		want.Effect = effectv1.Effect_EFFECT_ALLOW
		if want.Name == "" {
			want.Name = fmt.Sprintf("%s_rule-%03d", row.Resource, row.EvaluationKeyTuple.RuleId+1)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v: (-engine +syntax):\n%s", r.Pos, diff)
	}

	actions := map[string]bool{}
	for _, a := range r.Actions {
		actions[a.Value] = true
	}
	for a := range row.GetAllowActions().GetActions() {
		if !actions[a] {
			t.Errorf("%v: action %q is missing", r.Pos, a)
		}
	}
	if a := row.GetAction(); a != "" && !actions[a] {
		t.Errorf("%v: action %q is missing", r.Pos, a)
	}
}

func firstExpr(c *runtimev1.Condition) string {
	var list *runtimev1.Condition_ExprList
	switch op := c.GetOp().(type) {
	case *runtimev1.Condition_Expr:
		return op.Expr.Original
	case *runtimev1.Condition_All:
		list = op.All
	case *runtimev1.Condition_Any:
		list = op.Any
	case *runtimev1.Condition_None:
		list = op.None
	}
	if len(list.GetExpr()) == 0 {
		return ""
	}
	return firstExpr(list.Expr[0])
}

// TestNumberedRoleRules shows how a user of the engine gets the IDs of this
// package for the rules of role policies that have no name: by naming the rows.
func TestNumberedRoleRules(t *testing.T) {
	fsys := files(
		"child.yaml", head+`rolePolicy:
  role: child
  version: default
  parentRoles: [parent]
  rules:
    - {resource: "mcp*", allowActions: [a, b]}
    - {resource: mcp_crm, allowActions: [a]}
    - {resource: mcp_crm, allowActions: [b]}
    - {resource: mcp_crm, allowActions: [a], name: named}
`,
		"parent.yaml", head+`resourcePolicy:
  resource: "mcp:crm"
  version: default
  rules: [{actions: ["*"], effect: EFFECT_ALLOW, roles: [parent], name: parent}]
`)
	set := load(t, fsys, "")
	e := open(t, fsys, func(row *runtimev1.RuleTable_RuleRow) {
		if row.FromRolePolicy && row.Name == "" {
			row.Name = fmt.Sprintf("%s_rule-%03d", row.Resource, row.EvaluationKeyTuple.RuleId+1)
		}
	})
	for action, want := range map[string][]int{"a": {7, 8, 10}, "b": {7, 9}} {
		out := e.check(t, &enginev1.CheckInput{
			Principal: &enginev1.Principal{Id: "x", Roles: []string{"child"}},
			Resource:  &enginev1.Resource{Kind: "mcp:crm", Id: "x"},
			Actions:   []string{action},
		})
		var got []int // lines
		for _, o := range out.Outputs {
			if r := set.Rule(o.Src); r == nil || len(set.Named(o.Src)) != 1 {
				t.Errorf("%s: rule %q is not found, or shared", action, o.Src)
			} else if r.Policy.Kind == policy.RolePolicy {
				got = append(got, r.Pos.Line)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: rules (-want +got):\n%s", action, diff)
		}
	}
}

// TestFiles compares the files that are read to those that Cerbos reads. Each
// holds a role policy of a role named like the file.
func TestFiles(t *testing.T) {
	fsys := files()
	for _, name := range []string{
		"a.yaml", "b.yml", "c.json", "D.YAML", "e.txt", "f", "yaml", "g.yaml.bak",
		"h_test.yaml", "i_test.json", "J_TEST.YML", "_test.yaml", "test.yaml", ".k.yaml", "l.test.yaml",
		"sub/deep/m.yaml", ".hidden/n.yaml", "testdata/o.yaml", "sub/testdata/p.yaml", "TESTDATA/q.yaml",
		"_folder/r.yaml", "_schemas/s.yaml", "_schemas/t.json", "sub/.hidden/u.yaml", "tests/v.yaml",
	} {
		fsys[name] = files("", fmt.Sprintf("apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: %s\n", name))[""]
	}
	table, err := compileTable(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, m := range table.Meta {
		want = append(want, strings.TrimPrefix(m.Fqn, "cerbos."))
	}
	for _, p := range load(t, fsys, "").Policies {
		got = append(got, p.Key())
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies (-engine +read):\n%s", diff)
	}
}

// TestDocuments holds what is taken for a policy file against Cerbos: what it
// accepts must load, and what makes it panic must not.
func TestDocuments(t *testing.T) {
	const p = "apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: %s\n  rules: [{resource: a, allowActions: [b]}]\n"
	one := fmt.Sprintf(p, "one")
	for _, data := range []string{
		one, "---\n" + one, "--- \n" + one, "# c\n---\n" + one, "   \n---\n" + one, one + "...\n", one + "...\n# c\n",
		one + "---\n# c\n", one + "---\n  # c\n", one + "---\n# c\n---\n# d\n", "---\n# c\n---\n" + one,
		one + "description: |\n  ---\n\n  ---\n", one + "description: |\n  a\n  ---\n\n",
		"", "\n \n", "\t\n", "# c\n", strings.ReplaceAll(one, "\n", "\r\n"), "{}\n", "null\n",
		one + "---\n", one + "--- \n\n\n", one + "---\t\n", one + "--- # c\n", one + "---\n# c\n---\n", one + "...\n---\n",
		"---\n---\n" + one, "# c\n---\n---\n" + one, "---\n", "---\n--- {}\n", "{}\n---\n",
		one + "---\n" + fmt.Sprintf(p, "two"), one + "---\nnull\n", one + "...\n" + fmt.Sprintf(p, "two"), "%YAML 1.2\n---\n" + one,
		`{"apiVersion": "api.cerbos.dev/v1", "rolePolicy": {"role": "\ud83d\ude00\/"}}`,
		"{apiVersion: api.cerbos.dev/v1, rolePolicy: {role: a,},}",
		"{\n\t\"apiVersion\": \"api.cerbos.dev/v1\",\n\t\"rolePolicy\": {\n\t\t\"role\": \"a\"\n\t}\n}",
		"&a apiVersion: &v api.cerbos.dev/v1\nrolePolicy: &r\n  role: *v\n",
		"apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: a\n  rules:\n    - &r {resource: a, allowActions: [b]}\n    - {<<: *r, resource: c}\n",
		"apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: a\n  version:\n  scope: ~\n",
	} {
		const enabled = "enabled.yaml"
		fsys := files("a.yaml", data, enabled, fmt.Sprintf(p, enabled))
		table, engineErr := compileTable(t.Context(), fsys)
		set, err := policy.Load(fsys, "")
		switch {
		case engineErr == nil && err != nil:
			t.Errorf("%q: %v, but Cerbos takes it", data, err)
		case engineErr == nil && len(set.Policies) != len(table.Meta):
			t.Errorf("%q: read %d policies, Cerbos %d", data, len(set.Policies), len(table.Meta))
		case errors.Is(engineErr, errPanic) && err == nil:
			t.Errorf("%q: read, but Cerbos panics", data)
		}
	}
}

// TestScalars compares what is read where YAML has a value of another kind to
// what Cerbos makes of it.
func TestScalars(t *testing.T) {
	for _, text := range []string{
		"010", "0x1f", "0o17", "0b11", "1_000", "+5", "-3", "1.5", "true", "yes", "on", "y", "~", ".inf", "2021-01-01",
		"12:30:45", "2021-01-01T00:00:00Z", "!!str 5", "18446744073709551615", "99999999999999999999999", "'x y'",
		`"a\tb"`, "|-\n          block\n", "0", "-0", "00", "&a x", "=", "<<", "0o8", "089", "[x]", "{}",
	} {
		fsys := files("a.yaml", "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: a\n  version: default\n  rules:\n"+
			"    - effect: 1\n      roles: [r]\n      actions:\n        - "+text+"\n")
		table, engineErr := compileTable(t.Context(), fsys)
		set, err := policy.Load(fsys, "")
		if engineErr != nil {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v, but Cerbos takes it", text, err)
			continue
		}
		if got, want := set.Policies[0].Rules[0].Actions[0].Value, table.Rules[0].GetAction(); got != want {
			t.Errorf("%s: got %q, Cerbos has %q", text, got, want)
		}
	}
}

// TestCerbosStore loads the policies that come with Cerbos for its own tests.
func TestCerbosStore(t *testing.T) {
	fsys := cerbosTestdata(t, "store")
	set := load(t, fsys, "")
	table, err := compileTable(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range table.Meta {
		key := strings.TrimPrefix(m.Fqn, "cerbos.")
		if set.Policy(key) == nil {
			t.Errorf("policy %s is not found", key)
		}
	}
	for _, row := range table.Rules {
		if row.Name == "" && !row.FromRolePolicy {
			continue // stands for a policy without rules
		}
		name := row.Name
		if name == "" {
			name = fmt.Sprintf("%s_rule-%03d", row.Resource, row.EvaluationKeyTuple.RuleId+1)
		}
		id := strings.TrimPrefix(row.OriginFqn, "cerbos.") + "#" + name
		if r := set.Rule(id); r == nil {
			t.Errorf("rule %s is not found", id)
		} else if len(set.Named(id)) == 1 && row.ScopePermissions != 2 {
			sameRule(t, row, r)
		}
	}
}

// cerbosTestdata returns a folder of Cerbos's own test data, which its module
// has with it.
func cerbosTestdata(t *testing.T, folder string) fs.FS {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cerbos/cerbos").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "test", "testdata", folder)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(dir)
}

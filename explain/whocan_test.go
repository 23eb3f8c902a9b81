package explain_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// whoCan renders who can lend, by files of policies and schemas.
func whoCan(t *testing.T, files map[string]string, options pdp.Options, principals ...*authz.Principal) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			text = "apiVersion: api.cerbos.dev/v1\n" + text
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(t.Context(), fsys, options)
	if err != nil {
		t.Fatal(err)
	}
	inventories, err := manifest.Parse("library.json", []byte(`{"tools": [{"name": "lend"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := pep.Custom("desk", "library", []pep.Spec{{Endpoint: "tools/call", Requests: []pep.RequestSpec{
		{Kind: "shelf", ID: "{name}", Action: "lend", Attr: map[string]any{"arguments": "{arguments}"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "library", Inventory: inventories[0], Profile: profile}},
		Principals: principals, Decider: engine, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{engine, m, set}
	answers, err := explain.WhoCan(t.Context(), m, engine, set, []*matrix.Column{w.column("lend", authz.Call)})
	if err != nil {
		t.Fatal(err)
	}
	a := answers[0]
	var list []string
	for _, h := range a.ByRole {
		text := h.Role + " always"
		if h.Access == matrix.Conditional {
			text = h.Role + " " + h.Condition.When()
		}
		if h.Wildcard {
			text += ", as anybody"
		}
		list = append(list, text)
	}
	return append(list, fmt.Sprintf("not %v, except %v, unknown %v, everybody %v", a.DeniedRoles, a.Exceptions, a.Unanswered, a.Everybody()))
}

func TestWhoCanByRole(t *testing.T) {
	lou := &authz.Principal{Key: "lou", ID: "lou", Roles: []string{"MEMBER"}, Attr: map[string]any{"region": "north"}}
	everyone := `{actions: [lend], effect: EFFECT_ALLOW, roles: ["*"]}`
	member := `{actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER]}`
	reject := pdp.Options{Schemas: pdp.EnforceReject}
	schemas := "version: default\n  schemas: {principalSchema: {ref: \"cerbos:///p.json\"%s}, resourceSchema: {ref: \"cerbos:///r.json\"}}"
	tests := map[string]struct {
		files   map[string]string
		options pdp.Options
		want    []string
	}{
		"everyone": {
			map[string]string{"p.yaml": rules("version: default", everyone)},
			pdp.Options{},
			[]string{"MEMBER always, as anybody", "* always, as anybody", "not [], except [], unknown [], everybody true"},
		},
		"a role that is denied": {
			map[string]string{"p.yaml": rules("version: default", everyone, `{actions: [lend], effect: EFFECT_DENY, roles: [DEBTOR]}`)},
			pdp.Options{},
			[]string{"MEMBER always, as anybody", "* always, as anybody", "not [DEBTOR], except [], unknown [], everybody false"},
		},
		"a role that a role policy limits": {
			map[string]string{
				"p.yaml": rules("version: default", everyone),
				"r.yaml": "rolePolicy:\n  role: READER\n  version: default\n  rules:\n    - {resource: shelf, allowActions: [read]}\n",
			},
			pdp.Options{},
			[]string{"MEMBER always, as anybody", "* always, as anybody", "not [READER], except [], unknown [], everybody false"},
		},
		"conditions that nobody meets, and that everybody does": {
			map[string]string{"p.yaml": rules("version: default",
				`{actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {expr: P.attr.age > 10 && P.attr.age < R.attr.arguments.age && R.attr.arguments.age < 5}}}`,
				`{actions: [lend], effect: EFFECT_ALLOW, roles: [GUEST], condition: {match: {expr: "!has(P.attr.age) || has(P.attr.age)"}}}`,
				`{actions: [lend], effect: EFFECT_ALLOW, roles: [CHILD], condition: {match: {expr: 10 > P.attr.age && 5 < P.attr.age}}}`,
				`{actions: [lend], effect: EFFECT_ALLOW, roles: [HEAD], condition: {match: {expr: "\"STAFF\" in P.roles"}}}`)},
			pdp.Options{},
			[]string{`CHILD when 10 > principal.age && 5 < principal.age`, "GUEST always", `HEAD when "STAFF" in P.roles`, "not [MEMBER], except [], unknown [], everybody false"},
		},
		"a condition that everybody meets whom schemas take": {
			map[string]string{
				"p.yaml":          rules(fmt.Sprintf(schemas, ""), `{actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {expr: "!has(P.attr.age) || has(P.attr.age)"}}}`),
				"_schemas/p.json": `{"required": ["region"]}`, "_schemas/r.json": `{}`,
			},
			reject,
			[]string{"MEMBER when valid(principal) && (!has(principal.age) || has(principal.age))", "not [], except [], unknown [], everybody false"},
		},
		"a role that nobody declared has": {
			map[string]string{"p.yaml": rules("version: default", member)},
			pdp.Options{},
			[]string{"MEMBER always", "not [], except [], unknown [], everybody false"},
		},
		"a pattern of roles": {
			map[string]string{"p.yaml": rules("version: default", member, `{actions: [lend], effect: EFFECT_ALLOW, roles: ["staff-*"], condition: {match: {expr: P.attr.desk == 1}}}`, `{actions: [lend], effect: EFFECT_ALLOW, roles: ["[*"]}`)},
			pdp.Options{},
			[]string{"MEMBER always", "staff-* when principal.desk == 1", "not [], except [], unknown [[*], everybody false"},
		},
		"a principal policy": {
			map[string]string{
				"p.yaml": rules("version: default", everyone),
				"q.yaml": "principalPolicy:\n  principal: MEMBER\n  version: default\n  rules:\n    - resource: shelf\n      actions: [{action: lend, effect: EFFECT_DENY}]\n",
			},
			pdp.Options{},
			[]string{"MEMBER always, as anybody", "* always, as anybody", "not [], except [MEMBER], unknown [], everybody false"},
		},
		"schemas": {
			map[string]string{
				"p.yaml": rules(fmt.Sprintf(schemas, ""), member), "_schemas/p.json": `{"required": ["region"]}`,
				"_schemas/r.json": `{"properties": {"arguments": {"properties": {"books": {"type": "number"}}}}}`,
			},
			reject,
			[]string{"MEMBER when valid(principal) && valid(arguments)", "not [], except [], unknown [], everybody false"},
		},
		"schemas, not enforced": {
			map[string]string{
				"p.yaml": rules(fmt.Sprintf(schemas, ""), member), "_schemas/p.json": `{"required": ["region"]}`, "_schemas/r.json": `{}`,
			},
			pdp.Options{Schemas: pdp.EnforceWarn},
			[]string{"MEMBER always", "not [], except [], unknown [], everybody false"},
		},
		"schemas that say nothing or are ignored": {
			map[string]string{
				"p.yaml": rules(fmt.Sprintf(schemas, `, ignoreWhen: {actions: ["l*"]}`), member), "_schemas/p.json": `{"required": ["region"]}`, "_schemas/r.json": `{"type": "object"}`,
			},
			reject,
			[]string{"MEMBER always", "not [], except [], unknown [], everybody false"},
		},
		"schemas and a condition": {
			map[string]string{
				"p.yaml": rules(fmt.Sprintf(schemas, ""), member,
					`{actions: [lend], effect: EFFECT_ALLOW, roles: [GUEST], condition: {match: {expr: P.attr.known || R.attr.arguments.books < 2}}}`,
					`{actions: [lend], effect: EFFECT_DENY, roles: [MEMBER], condition: {match: {expr: R.attr.arguments.rare}}}`),
				"_schemas/p.json": `{"required": ["region"]}`, "_schemas/r.json": `{}`,
			},
			reject,
			[]string{"GUEST when valid(principal) && (principal.known || arguments.books < 2)", "MEMBER when valid(principal) unless arguments.rare", "not [], except [], unknown [], everybody false"},
		},
		"a request that a schema refuses": {
			map[string]string{
				"p.yaml": rules(fmt.Sprintf(schemas, ""), member), "_schemas/p.json": `{}`, "_schemas/r.json": `{"required": ["shelfmark"]}`,
			},
			reject,
			[]string{"not [MEMBER], except [], unknown [], everybody false"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, whoCan(t, tt.files, tt.options, lou)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

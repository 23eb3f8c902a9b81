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

// A shelf is a world with the tool "lend" of a library, whose enforcement point
// asks about the kind shelf in a scope, once for each action.
type shelf struct {
	policies []string          // without the line of the apiVersion
	schemas  map[string]string // below _schemas
	options  pdp.Options
	scope    string
	actions  []string
	roles    []string
	attr     map[string]any
	claims   map[string]any
	input    string // the tool's inputSchema
}

// rules writes a resource policy about shelves.
func rules(header string, list ...string) string {
	return "resourcePolicy:\n  resource: shelf\n  " + header + "\n  rules:\n    - " + strings.Join(list, "\n    - ") + "\n"
}

func (s *shelf) load(t *testing.T) (*world, *matrix.Column) {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, text := range s.policies {
		fsys[fmt.Sprintf("p%d.yaml", i)] = &fstest.MapFile{Data: []byte("apiVersion: api.cerbos.dev/v1\n" + text)}
	}
	for name, text := range s.schemas {
		fsys["_schemas/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := policy.Load(fsys, "policies")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(t.Context(), fsys, s.options)
	if err != nil {
		t.Fatal(err)
	}
	tool := `"name": "lend"`
	if s.input != "" {
		tool += `, "inputSchema": ` + s.input
	}
	inventories, err := manifest.Parse("library.json", []byte(`{"tools": [{`+tool+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	spec := pep.Spec{Endpoint: "tools/call"}
	for _, action := range s.actions {
		spec.Requests = append(spec.Requests, pep.RequestSpec{Kind: "shelf", ID: "{name}", Action: action, Scope: s.scope, Attr: map[string]any{"arguments": "{arguments}"}})
	}
	profile, err := pep.Custom("desk", "library", []pep.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.Build(t.Context(), &matrix.Input{
		Servers:    []*matrix.Server{{Name: "library", Inventory: inventories[0], Profile: profile}},
		Principals: []*authz.Principal{{Key: "lou", ID: "lou", Roles: s.roles, Attr: s.attr, AuxData: s.claims}},
		Decider:    engine, Policies: set,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{engine, m, set}
	return w, w.column("lend", authz.Call)
}

// lines renders an explanation: the sentence, each rule with its result and
// note, and the ways out.
func lines(x *explain.Explanation) []string {
	list := []string{x.Sentence}
	for i := range x.Requests {
		for j := range x.Requests[i].Rules {
			r := &x.Requests[i].Rules[j]
			text := fmt.Sprintf("%s: %s", r.Label(), r.Outcome())
			if r.Note != "" {
				text += " (" + r.Note + ")"
			}
			list = append(list, text)
		}
		for _, d := range x.Requests[i].Derived {
			text := d.Name + ": active"
			if !d.Active {
				text = d.Name + ": " + d.Why
			}
			list = append(list, text)
		}
	}
	for i := range x.Requests {
		for _, v := range x.Requests[i].Validation {
			list = append(list, fmt.Sprintf("schema %s %s", v.Path, v.Message))
		}
	}
	for _, way := range x.Ways {
		text := "with " + way.Text
		if !way.Condition.IsZero() {
			text += ", " + way.Condition.When()
		}
		list = append(list, text)
	}
	return list
}

func TestReasons(t *testing.T) {
	const (
		member   = `{name: member, actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER]}`
		few      = `{name: few, actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {expr: R.attr.arguments.books < 3}}}`
		noMinors = `{name: no-minors, actions: [lend], effect: EFFECT_DENY, roles: [MINOR], condition: {match: {expr: P.attr.age < 12}}}`
		anyOf    = `{name: any-of, actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {any: {of: [{expr: R.attr.arguments.books < 3}, {expr: P.attr.age > 12}]}}}}`
	)
	owners := "derivedRoles:\n  name: roles\n  definitions:\n    - {name: owner, parentRoles: [MEMBER], condition: {match: {expr: R.attr.arguments.owner == P.id}}}\n"
	plain := "version: default"
	books := "version: default\n  schemas: {resourceSchema: {ref: \"cerbos:///books.json\"}}"
	booksSchema := map[string]string{"books.json": `{"properties": {"arguments": {"required": ["books"], "properties": {"books": {"type": "number"}}}}}`}
	reject := pdp.Options{Schemas: pdp.EnforceReject}
	strict := pdp.Options{StrictEvaluation: true}
	consent := "version: default\n  scope: annex\n  scopePermissions: SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"
	tests := map[string]struct {
		shelf
		arguments map[string]any
		want      []string
	}{
		"a DENY beside another role": {
			shelf: shelf{policies: []string{rules(plain, member, noMinors)}, roles: []string{"MEMBER", "MINOR"}, attr: map[string]any{"age": 9.0}},
			want: []string{
				`allowed: rule "member" allows it.`, `member: applies`,
				`no-minors: applies (role MEMBER is decided separately, and rule "member" allows it)`,
			},
		},
		"a scope of who asks": {
			shelf: shelf{policies: []string{rules(plain, member)}, scope: "{principal.attr.branch}", roles: []string{"MEMBER"}, attr: map[string]any{"branch": "gone"}},
			want:  []string{"denied: no policy covers shelf in scope gone, so nobody decided."},
		},
		"a DENY for the only role": {
			shelf:     shelf{policies: []string{rules(plain, `{name: no-late, actions: [lend], effect: EFFECT_DENY, roles: [MEMBER], condition: {match: {expr: P.attr.late}}}`, few)}, roles: []string{"MEMBER"}, attr: map[string]any{"late": true}},
			arguments: map[string]any{"books": 1.0},
			want: []string{
				`denied: rule "no-late" denies it.`, `no-late: applies`, `few: applies (but rule "no-late" denies it)`,
			},
		},
		"a DENY for one role, nothing for the other": {
			shelf: shelf{policies: []string{rules(plain, member, noMinors, `{name: minors, actions: [lend], effect: EFFECT_ALLOW, roles: [MINOR]}`)}, roles: []string{"MINOR", "GUEST"}, attr: map[string]any{"age": 9.0}},
			want: []string{
				`denied: for role MINOR, rule "no-minors" denies it; for role GUEST, no rule allows it: "minors" and "member" would, but for other roles.`,
				`no-minors: applies`, `minors: applies (but rule "no-minors" denies it)`, `member: role not held`, `with the role MEMBER`,
			},
		},
		"met whatever the arguments": {
			shelf: shelf{policies: []string{rules(plain, anyOf)}, roles: []string{"MEMBER"}, attr: map[string]any{"age": 30.0}},
			want:  []string{`allowed: rule "any-of" allows it.`, `any-of: applies`},
		},
		"not met whatever the arguments": {
			shelf: shelf{policies: []string{rules(plain, `{name: all-of, actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {all: {of: [{expr: R.attr.arguments.books < 3}, {expr: P.attr.age > 12}]}}}}`)}, roles: []string{"MEMBER"}, attr: map[string]any{"age": 9.0}},
			want:  []string{`denied: no rule allows it. "all-of" would, but its condition is not met.`, `all-of: condition not met`},
		},
		"a negation that depends": {
			shelf: shelf{policies: []string{rules(plain, member, `{name: not-odd, actions: [lend], effect: EFFECT_DENY, roles: [MEMBER], condition: {match: {none: {of: [{expr: R.attr.arguments.books == 2}]}}}}`)}, roles: []string{"MEMBER"}},
			want: []string{
				`conditional: rule "member" allows it when arguments.books == 2.`, `member: applies`, `not-odd: depends on arguments.books`,
			},
		},
		"nothing but an unless": {
			shelf: shelf{policies: []string{rules(plain, member, `{name: no-rare, actions: [lend], effect: EFFECT_DENY, roles: [MEMBER], condition: {match: {expr: R.attr.arguments.rare}}}`)}, roles: []string{"MEMBER"}},
			want: []string{
				`conditional: rule "member" allows it unless arguments.rare.`, `member: applies`, `no-rare: depends on arguments.rare`,
			},
		},
		"a DENY of all that is allowed": {
			shelf: shelf{policies: []string{rules(plain, few, strings.NewReplacer("few", "not-few", "ALLOW", "DENY").Replace(few))}, roles: []string{"MEMBER"}},
			want: []string{
				`denied: rule "not-few" denies whatever rule "few" allows.`, `few: depends on arguments.books`, `not-few: depends on arguments.books`,
			},
		},
		"between them": {
			shelf: shelf{policies: []string{rules(plain, few, `{name: many, actions: [lend], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {any: {of: [{expr: R.attr.arguments.books >= 3}, {none: {of: [{expr: R.attr.arguments.books < 3}]}}]}}}}`)}, roles: []string{"MEMBER"}},
			want: []string{
				`allowed: rules "few" and "many" allow it between them, whatever the arguments.`, `few: depends on arguments.books`, `many: depends on arguments.books`,
			},
		},
		"policies of another version": {
			shelf: shelf{
				policies: []string{
					rules(plain, few), rules("version: next", strings.Replace(few, "< 3", "< 9", 1)),
					"principalPolicy:\n  principal: lou\n  version: next\n  rules:\n    - resource: shelf\n      actions:\n        - {name: lou, action: lend, effect: EFFECT_ALLOW, condition: {match: {expr: R.attr.arguments.books < 9}}}\n",
					"rolePolicy:\n  role: MEMBER\n  version: next\n  rules:\n    - {name: limit, resource: shelf, allowActions: [lend], condition: {match: {expr: R.attr.arguments.books < 9}}}\n",
				},
				roles: []string{"MEMBER"},
			},
			arguments: map[string]any{"books": 5.0},
			want:      []string{`denied: no rule allows it. "few" would, but its condition is not met.`, `few: condition not met`},
		},
		"the default version is another": {
			shelf:     shelf{policies: []string{rules(plain, few), rules("version: next", strings.Replace(few, "few", "more", 1))}, options: pdp.Options{DefaultPolicyVersion: "next"}, roles: []string{"MEMBER"}},
			arguments: map[string]any{"books": 1.0},
			want:      []string{`allowed: rule "more" allows it.`, `more: applies`},
		},
		"two requests": {
			shelf: shelf{
				policies: []string{rules(plain, few, `{name: noted, actions: [note], effect: EFFECT_ALLOW, roles: [MEMBER], condition: {match: {expr: R.attr.arguments.note != ""}}}`)},
				actions:  []string{"lend", "note"}, roles: []string{"GUEST"},
			},
			want: []string{
				`denied: no rule allows it. "few" would, but for other roles.`, `few: role not held`, `noted: role not held`,
				`with the role MEMBER, when (arguments.books < 3) && (arguments.note != "")`,
			},
		},
		"two requests, of which a change meets one": {
			shelf: shelf{
				policies: []string{rules(plain, few, `{name: noted, actions: [note], effect: EFFECT_ALLOW, roles: [GUEST]}`)},
				actions:  []string{"lend", "note"}, roles: []string{"OTHER"},
			},
			want: []string{
				`denied: no rule allows it. "few" would, but for other roles.`, `few: role not held`, `noted: role not held`,
			},
		},
		"a DENY that errs, strictly": {
			shelf:     shelf{policies: []string{rules(plain, member, `{name: no-rare, actions: [lend], effect: EFFECT_DENY, roles: [MEMBER], condition: {match: {expr: R.attr.arguments.rare}}}`)}, options: strict, roles: []string{"MEMBER"}},
			arguments: map[string]any{},
			want: []string{
				`denied: the condition of rule "no-rare" could not be evaluated (no such key: rare), and evaluation is strict.`,
				`member: applies (but the condition of rule "no-rare" could not be evaluated (no such key: rare), and evaluation is strict)`,
				`no-rare: condition could not be evaluated (evaluation is strict, so that denies)`,
			},
		},
		"a role that errs first, strictly": {
			shelf:     shelf{policies: []string{rules(plain, few, `{name: staff, actions: [lend], effect: EFFECT_ALLOW, roles: [STAFF]}`)}, options: strict, roles: []string{"MEMBER", "STAFF"}},
			arguments: map[string]any{},
			want: []string{
				`denied: the condition of rule "few" could not be evaluated (no such key: books), and evaluation is strict.`,
				`few: condition could not be evaluated (evaluation is strict, so that denies)`,
				`staff: not reached (evaluation is strict, and a role before STAFF settles it)`,
			},
		},
		"a role policy that does not list it": {
			shelf: shelf{policies: []string{rules(plain, member), "rolePolicy:\n  role: MEMBER\n  version: default\n  rules:\n    - {resource: shelf, allowActions: [read]}\n"}, roles: []string{"MEMBER"}},
			want: []string{
				`denied: the role policy of MEMBER does not list lend.`, `member: not reached (the role policy of MEMBER does not list lend)`,
			},
		},
		"a role policy with a condition": {
			shelf: shelf{policies: []string{rules(plain, member), "rolePolicy:\n  role: MEMBER\n  version: default\n  rules:\n    - {name: adults, resource: shelf, allowActions: [lend], condition: {match: {expr: P.attr.age > 12}}}\n"}, roles: []string{"MEMBER"}, attr: map[string]any{"age": 9.0}},
			want: []string{
				`denied: rule "adults" of the role policy of MEMBER lists it on a condition that is not met.`, `adults: condition not met`,
				`member: not reached (rule "adults" of the role policy of MEMBER lists it on a condition that is not met)`,
			},
		},
		"a role policy and nothing that allows": {
			shelf: shelf{policies: []string{rules(plain, strings.Replace(member, "MEMBER", "STAFF", 1)), "rolePolicy:\n  role: MEMBER\n  version: default\n  rules:\n    - {name: all, resource: shelf, allowActions: [lend]}\n"}, roles: []string{"MEMBER"}},
			want: []string{
				`denied: no rule allows it. "member" would, but for other roles.`, `all: applies (a role policy only limits: another rule has to allow it)`,
				`member: role not held`, `with the role STAFF`,
			},
		},
		"a role by its parent role": {
			shelf: shelf{policies: []string{rules(plain, member), "rolePolicy:\n  role: FRIEND\n  version: default\n  parentRoles: [MEMBER]\n  rules:\n    - {name: all, resource: shelf, allowActions: [lend]}\n"}, roles: []string{"FRIEND"}},
			want:  []string{`allowed: rule "member" allows it.`, `member: applies`, `all: applies`},
		},
		"a scope without its parent's consent": {
			shelf: shelf{policies: []string{rules(plain, strings.Replace(member, "MEMBER", "STAFF", 1)), rules(consent, strings.Replace(member, "member", "annex", 1))}, scope: "annex", roles: []string{"MEMBER"}},
			want: []string{
				`denied: the consent of the parent scope is missing, which rule "annex" requires.`,
				`annex: applies (but the consent of the parent scope is missing, which rule "annex" requires)`, `member: role not held`, `with the role STAFF`,
			},
		},
		"a condition in a scope that needs consent": {
			shelf:     shelf{policies: []string{rules(plain, member), rules(consent, few)}, scope: "annex", roles: []string{"MEMBER"}},
			arguments: map[string]any{"books": 5.0},
			want: []string{
				`denied: the condition of "few" is not met, which denies where a scope requires the consent of its parent.`,
				`few: condition not met (its scope requires the consent of the parent scope, so that denies)`, `member: not reached (rule "few" decides first)`,
			},
		},
		"a child scope": {
			shelf: shelf{policies: []string{rules(plain, member), rules("version: default\n  scope: annex", `{name: closed, actions: [lend], effect: EFFECT_DENY, roles: ["*"]}`)}, scope: "annex", roles: []string{"MEMBER"}},
			want:  []string{`denied: rule "closed" denies it.`, `closed: applies`, `member: not reached (rule "closed" decides first)`},
		},
		"a principal policy": {
			shelf: shelf{
				policies: []string{
					rules(plain, member, noMinors),
					"principalPolicy:\n  principal: lou\n  version: default\n  rules:\n    - resource: shelf\n      actions:\n        - {name: lou, action: lend, effect: EFFECT_ALLOW}\n",
				},
				roles: []string{"MINOR"}, attr: map[string]any{"age": 9.0},
			},
			want: []string{`allowed: rule "lou" allows it.`, `lou: applies`, `no-minors: not reached (rule "lou" decides first)`, `member: role not held`},
		},
		"a schema that refuses": {
			shelf:     shelf{policies: []string{rules(books, member)}, schemas: booksSchema, options: reject, roles: []string{"MEMBER"}},
			arguments: map[string]any{"books": "many"},
			want: []string{
				`denied: the schema refuses the request: expected number, but got string.`, `member: not reached (the schema refuses the request first)`,
				`schema /arguments/books expected number, but got string`,
			},
		},
		"a schema that is not minded": {
			shelf:     shelf{policies: []string{rules(books, few)}, schemas: booksSchema, options: pdp.Options{Schemas: pdp.EnforceWarn}, roles: []string{"GUEST"}},
			arguments: map[string]any{"books": "many"},
			want: []string{
				`denied: no rule allows it. "few" would, but for other roles.`, `few: role not held`, `schema /arguments/books expected number, but got string`,
			},
		},
		"a schema of open arguments": {
			shelf: shelf{policies: []string{rules(books, few)}, schemas: booksSchema, options: reject, roles: []string{"MEMBER"}},
			want:  []string{`conditional: rule "few" allows it when valid(arguments) && arguments.books < 3.`, `few: depends on arguments.books`},
		},
		"a derived role that depends": {
			shelf: shelf{policies: []string{owners, rules(plain+"\n  importDerivedRoles: [roles]", `{name: own, actions: [lend], effect: EFFECT_ALLOW, derivedRoles: [owner]}`)}, roles: []string{"MEMBER"}},
			want: []string{
				`conditional: rule "own" allows it when arguments.owner == "lou".`, `own: depends on arguments.owner`, `owner: depends on arguments.owner`,
			},
		},
		"a derived role that is not active": {
			shelf:     shelf{policies: []string{owners, rules(plain+"\n  importDerivedRoles: [roles]", `{name: own, actions: [lend], effect: EFFECT_ALLOW, derivedRoles: [owner]}`)}, roles: []string{"MEMBER"}},
			arguments: map[string]any{"owner": "ann"},
			want: []string{
				`denied: no rule allows it. "own" would, but its derived role is not active.`, `own: not reached (derived role owner is not active)`,
				`owner: its condition is not met`, `with arguments.owner = "lou"`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.actions == nil {
				tt.actions = []string{"lend"}
			}
			w, col := tt.load(t)
			x, err := explain.Explain(t.Context(), &explain.Input{
				Matrix: w.matrix, Engine: w.engine, Policies: w.set, Principal: w.matrix.ClassOf("lou").First(), Column: col, Arguments: tt.arguments,
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(x)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

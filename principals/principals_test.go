package principals_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
)

func ExampleParse() {
	set, err := principals.Parse("principals.yaml", []byte(`
principals:
  sally:
    id: sally
    roles: [SALES]
    attr: {region: EMEA}
  helper:
    id: helper-7
    kind: agent
    onBehalfOf: sally
    roles: [SALES]
principalGroups:
  sales:
    principals: [sally, helper]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range set.Principals {
		fmt.Println(p.Pos, p.Key, p.Kind, p.Roles, p.Groups)
	}
	// Output:
	// principals.yaml:3:3 sally human [SALES] [sales]
	// principals.yaml:7:3 helper agent [SALES] [sales]
}

// A mistake does not end a stream: the rest is still read.
func ExampleStream() {
	const export = "id,roles,attr.level:number\nian,ADMIN;STAFF,3\nsally,,2\nharry,HR,low\n"
	for p, err := range principals.Stream("people.csv", strings.NewReader(export)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(p.Key, p.Roles, p.Attr)
	}
	// Output:
	// ian [ADMIN STAFF] map[level:3]
	// people.csv:3:7: principal "sally" has no roles
	// people.csv:4:10: attr.level: want a number, have "low"
}

// The same people in every format.
const (
	asYAML = `# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestFixture/Principals.schema.json
$schema: https://example.com/principals.json
principals:
  ian:
    id: ian@example.com
    roles: &staff [ADMIN, STAFF]
    attr: {department: IT, level: 3, badge: "007", admin: true, teams: [a, {b: null}]}
    policyVersion: "20210210"
    scope: acme.corp
  helper:
    id: helper-7
    kind: agent
    onBehalfOf: ian
    roles: *staff
    auxData: {jwt: {sub: helper-7}}
principalGroups:
  all: {principals: [ian, helper]}
`
	asJSON = `{
  "principals": {
    "ian": {"id": "ian@example.com", "roles": ["ADMIN", "STAFF"], "policyVersion": "20210210", "scope": "acme.corp",
      "attr": {"department": "IT", "level": 3, "badge": "007", "admin": true, "teams": ["a", {"b": null}]}},
    "helper": {"id": "helper-7", "kind": "agent", "onBehalfOf": "ian", "roles": ["ADMIN", "STAFF"], "auxData": {"jwt": {"sub": "helper-7"}}}
  },
  "principalGroups": {"all": {"principals": ["ian", "helper"]}}
}`
	asLines = `{"key": "ian", "id": "ian@example.com", "roles": ["ADMIN", "STAFF"], "policyVersion": "20210210", "scope": "acme.corp", "groups": ["all"], "attr": {"department": "IT", "level": 3, "badge": "007", "admin": true, "teams": ["a", {"b": null}]}}

{"key": "helper", "id": "helper\u002d7", "kind": "agent", "onBehalfOf": "ian", "roles": ["ADMIN", "STAFF"], "groups": ["all"], "auxData": {"jwt": {"sub": "helper-7"}}}
`
	asCSV = `id,key,roles,kind,onBehalfOf,scope,policyVersion,groups,attr.department,attr.level:number,attr.badge,attr.admin:bool,attr.teams:json
ian@example.com,ian,ADMIN;STAFF,,,acme.corp,20210210,all,IT,3,007,TRUE,"[""a"", {""b"": null}]"
,,,,,,,,,,,,
helper-7, helper,ADMIN | STAFF,agent,ian,,,all,,,,,
`
)

func TestFormats(t *testing.T) {
	ian := authz.Principal{
		Key: "ian", ID: "ian@example.com", Roles: []string{"ADMIN", "STAFF"}, PolicyVersion: "20210210", Scope: "acme.corp",
		Attr: map[string]any{
			"department": "IT", "level": 3.0, "badge": "007", "admin": true,
			"teams": []any{"a", map[string]any{"b": nil}},
		},
		Groups: []string{"all"},
	}
	helper := authz.Principal{
		Key: "helper", ID: "helper-7", Kind: authz.Agent, KindDeclared: true, OnBehalfOf: "ian", Roles: []string{"ADMIN", "STAFF"},
		AuxData: map[string]any{"sub": "helper-7"}, Groups: []string{"all"},
	}
	fromCSV := helper
	fromCSV.AuxData = nil // a table has none
	tests := []struct {
		file, text    string
		helper        authz.Principal
		first, second string // positions
	}{
		{"p.yaml", asYAML, helper, "p.yaml:4:3", "p.yaml:10:3"},
		{"p.yml", asJSON, helper, "p.yml:3:5", "p.yml:5:5"},
		{"p.json", asJSON, helper, "p.json:3:5", "p.json:5:5"},
		{"p", asYAML, helper, "p:4:3", "p:10:3"},
		{"p.jsonl", asLines, helper, "p.jsonl:1", "p.jsonl:3"},
		{"p.json", asLines, helper, "p.json:1", "p.json:3"},
		{"p.NDJSON", "\xef\xbb\xbf" + asLines, helper, "p.NDJSON:1", "p.NDJSON:3"},
		{"p.csv", asCSV, fromCSV, "p.csv:2", "p.csv:4"},
		{"p", "\xef\xbb\xbf" + strings.ReplaceAll(asCSV, "\n", "\r\n"), fromCSV, "p:2", "p:4"},
		{"p.tsv", strings.NewReplacer(", {", ", {", ", ", "\t", ",", "\t").Replace(asCSV), fromCSV, "p.tsv:2", "p.tsv:4"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			set, err := principals.Parse(tt.file, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			one, two := ian, tt.helper
			want := []*authz.Principal{&one, &two}
			var places []string
			for _, p := range set.Principals {
				places = append(places, p.Pos.String())
			}
			if diff := cmp.Diff([]string{tt.first, tt.second}, places); diff != "" {
				t.Errorf("positions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, set.Principals, ignorePos); diff != "" {
				t.Errorf("principals (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string][]string{"all": {"ian", "helper"}}, set.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if got := set.Get("helper"); got != set.Principals[1] {
				t.Errorf("Get(helper) = %v", got)
			}
			if got := set.Get("nobody"); got != nil {
				t.Errorf("Get(nobody) = %v", got)
			}
			var streamed []*authz.Principal
			for p, err := range principals.Stream(tt.file, strings.NewReader(tt.text)) {
				if err != nil {
					t.Error(err)
				}
				streamed = append(streamed, p)
			}
			if diff := cmp.Diff(set.Principals, streamed); diff != "" {
				t.Errorf("stream (-parsed +streamed):\n%s", diff)
			}
		})
	}
}

var ignorePos = cmp.FilterValues(func(_, _ source.Pos) bool { return true }, cmp.Ignore())

func mistakes(err error) []string {
	var list []string
	for _, e := range source.Mistakes(err) {
		list = append(list, e.Error())
	}
	return list
}

func TestEmpty(t *testing.T) {
	for file, texts := range map[string][]string{
		"p.yaml":  {"", "# nobody\n", "---\n", "principals:\n", "principals: {}\n", "{}"},
		"p.json":  {"{}", `{"principals": {}}`, ""},
		"p.jsonl": {"", "\n\n"},
		"p.csv":   {"", "\n", "id,roles\n", "id,roles\n,\n"},
	} {
		for _, text := range texts {
			if _, err := principals.Parse(file, []byte(text)); !errors.Is(err, principals.ErrEmpty) {
				t.Errorf("%s %q: error %v, want ErrEmpty", file, text, err)
			}
			n := 0
			for _, err := range principals.Stream(file, strings.NewReader(text)) {
				if n++; !errors.Is(err, principals.ErrEmpty) || n > 1 {
					t.Errorf("%s %q: stream has error %v, want ErrEmpty once", file, text, err)
				}
			}
		}
	}
}

func TestSetWithoutParse(t *testing.T) {
	set := principals.Set{Principals: []*authz.Principal{{Key: "a"}, {Key: "b"}}}
	if got := set.Get("b"); got != set.Principals[1] {
		t.Errorf("Get(b) = %v", got)
	}
	if got := set.Get("c"); got != nil {
		t.Errorf("Get(c) = %v", got)
	}
}

// The principals of a test suite of Cerbos, which has them beside its tests.
const asSuite = `# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json
name: Invoices
description: who may pay
principals:
  clerk: &clerk {id: c1, roles: [CLERK], attr: {limit: 1e3, floor: 010}}
  boss:
    <<: *clerk
    roles: [CLERK, BOSS]
principalGroups:
  desk: {principals: [clerk, boss]}
resources:
  invoice: {kind: invoice, id: i1, attr: {1: is not read here}}
auxData:
  token: {jwt: {aud: [desk]}}
options: {now: 2026-01-01T00:00:00Z}
tests:
  - name: pay
    input: {principalGroups: [desk], resources: [invoice], actions: [pay]}
    expected: [{principal: boss, resource: invoice, actions: {pay: EFFECT_ALLOW}}]
`

func TestSuite(t *testing.T) {
	asOneLine := `{"name": "x", "tests": [], "principals": {"clerk": {"id": "c1", "roles": ["CLERK"]}}}`
	for file, text := range map[string]string{"invoice_test.yaml": asSuite, "x": asOneLine, "x_test.json": asOneLine} {
		set, err := principals.Parse(file, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if p := set.Get("clerk"); p == nil || p.ID != "c1" {
			t.Errorf("%s: the clerk is %v", file, p)
		}
	}
	set, err := principals.Parse("invoice_test.yaml", []byte(asSuite))
	if err != nil {
		t.Fatal(err)
	}
	want := &authz.Principal{
		Key: "boss", ID: "c1", Roles: []string{"CLERK", "BOSS"}, Attr: map[string]any{"limit": "1e3", "floor": 8.0}, Groups: []string{"desk"},
	}
	if diff := cmp.Diff(want, set.Get("boss"), ignorePos); diff != "" {
		t.Errorf("boss (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"desk": {"clerk", "boss"}}, set.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestSuiteMistakes(t *testing.T) {
	tests := map[string][]string{
		"name: x\ntests: []\n": {
			`s.yaml:1:1: no principals in this test suite itself; name the file that has them, such as testdata/principals.yaml`,
		},
		"name: x\ntests: []\nprincipals: {boss: {id: a, roles: [R]}}\nprincipalGroups: {g: {principals: [boss, harry, bosss]}}\ntest: 1\n": {
			`s.yaml:4:42: group "g": no principal "harry" in this test suite; those of its testdata are not read with it`,
			`s.yaml:4:49: group "g": no principal "bosss" (did you mean boss?)`,
			`s.yaml:5:1: unknown key "test" (did you mean tests?)`,
		},
		"name: x\nprincipals: {a: {id: a, roles: [R]}}\n": {
			`s.yaml:1:1: unknown key "name"; known here: $schema, principalGroups, principal_groups, principals`,
		},
	}
	for text, want := range tests {
		_, err := principals.Parse("s.yaml", []byte(text))
		if diff := cmp.Diff(want, mistakes(err)); diff != "" {
			t.Errorf("%s\nmistakes (-want +got):\n%s", text, diff)
		}
	}
}

package principals_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/principals"
	"github.com/mcpolicy/mcpolicy/source"
)

func TestFixtureMistakes(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"not a mapping": {"- a\n", []string{
			`p.yaml:1:1: want a mapping with the key principals, have a list`,
		}},
		"principals of another kind": {"principals: [a]\n", []string{
			`p.yaml:1:13: principals: want a mapping from keys to principals, have a list`,
		}},
		"two documents": {"principals: {}\n---\nprincipals: {}\n", []string{
			`p.yaml:3:1: a fixture file is one YAML document, this is another`,
		}},
		"unknown keys": {"principal: {}\n", []string{
			`p.yaml:1:1: unknown key "principal" (did you mean principals?)`,
		}},
		"a principal that is none": {"principals:\n  a: [x]\n  b:\n", []string{
			`p.yaml:2:6: want a mapping that describes a principal, have a list`,
			`p.yaml:3:5: want a mapping that describes a principal, have null`,
		}},
		"everything at once": {`principals:
  a:
    roles: []
    attributes: {}
  b:
    id: [b]
    roles: ADMIN
  c:
    id: c
    roles: [X, "", X, {y: z}]
    attr: {x: .inf, x: 1}
    kind: robot
    policyVersion: v 1
    scope: a..b
    auxData: {jwts: {}}
  c:
    id: c
    roles: [X]
    attr: []
    kind: [agent]
    auxData: []
  d: {id: d, roles: [X], id: d, attr: {"": 1}, kind: human, auxData: {jwt: 3}}
  "": {id: e, roles: [X], kind: Agent, policyVersion: 1.5}
`, []string{
			`p.yaml:2:3: principal "a" has no id`,
			`p.yaml:3:12: principal "a" has no roles`,
			`p.yaml:4:5: unknown key "attributes"; known here: attr, auxData, id, kind, onBehalfOf, policyVersion, policy_version, roles, scope`,
			`p.yaml:6:9: id: want a string, have a list`,
			`p.yaml:7:12: roles: want a list, have "ADMIN"; write ["ADMIN"]`,
			`p.yaml:8:3: principal "c" stands here twice`,
			`p.yaml:19:11: attr: want a mapping, have a list`,
			`p.yaml:20:11: kind: want a string, have a list`,
			`p.yaml:21:14: auxData: want a mapping with the key jwt or jwts, have a list`,
			`p.yaml:22:7: key "id" stands here twice`,
			`p.yaml:22:40: attr: a name is empty`,
			`p.yaml:22:76: jwt: want a mapping with claims, have a number`,
			`p.yaml:23:3: a principal without a key`,
			`p.yaml:23:33: kind: unknown kind "Agent" (did you mean agent?)`,
			`p.yaml:23:55: policyVersion: want a string, have "1.5"`,
		}},
		"values": {`principals:
  c:
    id: c
    roles: [X, "", X, {y: z}]
    attr: {x: .inf, x: 1, y: [{z: 1, z: 2}, .nan]}
    kind: robot
    policyVersion: v 1
    scope: a..b
    auxData: {tokens: {}}
`, []string{
			`p.yaml:4:23: roles: want a string, have a mapping`,
			`p.yaml:5:12: key "x" stands here twice`,
			`p.yaml:5:32: key "z" stands here twice`,
			`p.yaml:5:45: .nan is not a number that a policy can work with`,
			`p.yaml:6:11: kind: unknown kind "robot"; want human, workload or agent`,
			`p.yaml:7:20: policyVersion: "v 1" has characters other than letters, digits and _`,
			`p.yaml:8:12: scope: "a..b" is not a name, or names with dots between them`,
			`p.yaml:9:15: unknown key "tokens"; known here: jwt, jwts`,
		}},
		"roles": {"principals:\n  c: {id: c, roles: [X, '', X]}\n", []string{
			`p.yaml:2:21: principal "c" has a role without a name`,
			`p.yaml:2:21: principal "c" has the role "X" twice`,
		}},
		"delegation": {`principals:
  sally: {id: sally, roles: [X]}
  a: {id: a, roles: [X], onBehalfOf: salli}
  b: {id: b, roles: [X], onBehalfOf: b}
  c: {id: c, roles: [X], onBehalfOf: d}
  d: {id: d, roles: [X], onBehalfOf: e}
  e: {id: e, roles: [X], onBehalfOf: d}
  f: {id: f, roles: [X], onBehalfOf: c}
`, []string{
			`p.yaml:3:38: onBehalfOf: no principal "salli" (did you mean sally?)`,
			`p.yaml:4:38: onBehalfOf: a principal cannot act for itself`,
			`p.yaml:5:38: onBehalfOf: principals act for each other in a circle: d -> e -> d`,
		}},
		"groups": {`principals:
  sally: {id: sally, roles: [X]}
principalGroups:
  a: {principals: [sally, harri, salli, [x], sally]}
  b: {principals: []}
  c: [sally]
  d: {principals: sally}
  e: {members: [sally]}
  a: {principals: [sally], principals: [sally], extra: 1}
`, []string{
			`p.yaml:4:3: group "a" stands here twice`,
			`p.yaml:5:3: group "b" has no principals`,
			`p.yaml:6:6: group "c": want a mapping with the key principals, have a list`,
			`p.yaml:7:19: group "d": principals: want a list, have a string`,
			`p.yaml:8:3: group "e" has no principals`,
			`p.yaml:8:7: unknown key "members"; known here: principals`,
			`p.yaml:9:7: key "principals" stands here twice`,
			`p.yaml:9:49: unknown key "extra"; known here: principals`,
		}},
		"members": {`principals:
  sally: {id: sally, roles: [X]}
principal_groups:
  a: {principals: [sally, harri, salli, [x], sally]}
`, []string{
			`p.yaml:4:27: group "a": no principal "harri"`,
			`p.yaml:4:34: group "a": no principal "salli" (did you mean sally?)`,
			`p.yaml:4:41: group "a": want the key of a principal, have a list`,
			`p.yaml:4:46: group "a" names "sally" twice`,
		}},
		"group list": {"principals:\n  a: {id: a, roles: [X]}\nprincipalGroups: [a]\n", []string{
			`p.yaml:3:18: principalGroups: want a mapping from names to groups, have a list`,
		}},
		"encoding": {"principals:\n  a: {id: \"\xff\", roles: [X]}\n", []string{
			`p.yaml:2:12: byte 0xff is not valid UTF-8`,
		}},
		"syntax": {"principals:\n  a: {id: a\n", []string{
			`p.yaml:1:1: not valid YAML: did not find expected ',' or '}'`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := principals.Parse("p.yaml", []byte(tt.text))
			if set != nil {
				t.Error("a set in spite of mistakes")
			}
			if diff := cmp.Diff(tt.want, mistakes(err)); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			var streamed []string
			for p, err := range principals.Stream("p.yaml", strings.NewReader(tt.text)) {
				if p != nil {
					t.Error("a principal in spite of mistakes")
				}
				streamed = append(streamed, err.Error())
			}
			if diff := cmp.Diff(tt.want, streamed); diff != "" {
				t.Errorf("streamed mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

// What Cerbos reads without a complaint, and nulls that can mean one thing only.
func TestFixtureAsCerbosReadsIt(t *testing.T) {
	set, err := principals.Parse("p.yaml", []byte(`
principals:
  numbers: {id: 17, roles: [1, true], policy_version: 20210210, attr: {big: 1000, text: 1e3}}
  nulls: {id: x, roles: [X], attr: null, scope: null, kind: null, onBehalfOf: null, auxData: null}
  root: {<<: {id: y, roles: [X]}, scope: "."}
principalGroups:
`))
	if err != nil {
		t.Fatal(err)
	}
	p := set.Get("numbers")
	got := fmt.Sprintf("%s %v %s %v", p.ID, p.Roles, p.PolicyVersion, p.Attr)
	if want := "17 [1 true] 20210210 map[big:1000 text:1e3]"; got != want {
		t.Errorf("have %s, want %s", got, want)
	}
	if got := set.Get("root").Scope; got != "." {
		t.Errorf("scope %q", got)
	}
}

func TestRowMistakes(t *testing.T) {
	tests := map[string]struct {
		file, text string
		want       []string
	}{
		"lines": {"p.jsonl", `{"id": "a", "roles": ["X"]}
{"id": "b"}
{"id": "a", "roles": ["X"]}
{"id": "c", "roles": ["X"]
[1]
{"id": "d", "roles": ["X"], "rolls": [], "kind": "bot", "attr": {"a": 1, "a": 2}}
{"ID": "e", "roles": "X"}
{"id": "f", "id": "f", "roles": ["X"], "groups": ["g", "g", ""]}
{"id": "g", "roles": ["X"], "attr": {"x": {"y": 1, "y": 2}, "n": 1e999}}
`, []string{
			`p.jsonl:2: principal "b" has no roles`,
			`p.jsonl:3: principal "a" stands here twice, first on line 1`,
			`p.jsonl:4:27: not valid JSON: parsing object after value: unexpected EOF`,
			`p.jsonl:5:1: want a mapping that describes a principal, have a list`,
			`p.jsonl:6:29: unknown key "rolls" (did you mean roles?)`,
			`p.jsonl:6:50: kind: unknown kind "bot"; want human, workload or agent`,
			`p.jsonl:6:66: key "a" stands here twice`,
			`p.jsonl:7: principal has no id`,
			`p.jsonl:7:2: unknown key "ID" (did you mean id?)`,
			`p.jsonl:7:22: roles: want a list, have "X"; write ["X"]`,
			`p.jsonl:8:2: key "id" stands here twice`,
			`p.jsonl:8:50: principal "f" is in the group "g" twice`,
			`p.jsonl:8:50: principal "f" is in a group without a name`,
			`p.jsonl:9:44: key "y" stands here twice`,
			`p.jsonl:9:66: 1e999 is not a number that a policy can work with`,
		}},
		"delegation": {"p.jsonl", `{"id": "sally", "roles": ["X"], "onBehalfOf": "harry"}
{"id": "h", "key": "harry", "roles": ["X"], "onBehalfOf": "sally"}
{"id": "c", "roles": ["X"], "onBehalfOf": "salli"}
`, []string{
			`p.jsonl:1: onBehalfOf: principals act for each other in a circle: sally -> harry -> sally`,
			`p.jsonl:3: onBehalfOf: no principal "salli" (did you mean sally?)`,
		}},
		"nothing about delegation while keys are unreadable": {"p.jsonl", `{"id": "a", "roles": ["X"], "onBehalfOf": "b"}
{"id": "b", "roles": ["X"]
`, []string{
			`p.jsonl:2:27: not valid JSON: parsing object after value: unexpected EOF`,
		}},
		"encoding": {"p.jsonl", "{\"id\": \"a\", \"roles\": [\"X\"]}\n{\"id\": \"\xff\"}\n", []string{
			`p.jsonl:2:9: byte 0xff is not valid UTF-8`,
		}},
		"nesting": {"p.jsonl", `{"id": "a", "roles": ["X"], "attr": {"a": ` + strings.Repeat("[", 10_000) + "\n", []string{
			`p.jsonl:1:553: values are nested more than 512 deep`,
		}},
		"long line": {"p.jsonl", "{}\n" + strings.Repeat(" ", 1<<20+1<<17), []string{
			`p.jsonl:1: principal has no id`,
			`p.jsonl:1: principal has no roles`,
			`p.jsonl:2: the line is longer than 1 MiB`,
		}},
		"header": {"p.csv", "ID,role,id,attr.x,attr.x:number,attr.:bool,attr.a.b,attr.c:numbr,attr.d:money,\xff,salary\n", []string{
			`p.csv:1:1: unknown column "ID" (did you mean id?)`,
			`p.csv:1:1: the header has no column "roles"`,
			`p.csv:1:4: unknown column "role" (did you mean roles?)`,
			`p.csv:1:19: column "attr.x:number" stands here twice`,
			`p.csv:1:33: column "attr.:bool": the attribute has no name`,
			`p.csv:1:44: column "attr.a.b": a value inside of a value comes from a column attr.a:json`,
			`p.csv:1:53: column "attr.c:numbr": unknown type "numbr" (did you mean number?)`,
			`p.csv:1:66: column "attr.d:money": unknown type "money"; known are string, number, bool, json`,
			`p.csv:1:79: the header is not valid UTF-8`,
			`p.csv:1:79: unknown column "\xff"; known are id, key, roles, kind, onBehalfOf, scope, policyVersion, groups, attr.NAME`,
			`p.csv:1:81: unknown column "salary"; known are id, key, roles, kind, onBehalfOf, scope, policyVersion, groups, attr.NAME`,
		}},
		"cells": {"p.csv", `id,roles,kind,scope,onBehalfOf,attr.n:number,attr.b:bool,attr.j:json
a,X,agnt,a b,nobody,inf,yes,{
,X,,,,,,
c,,,,,0x1,,"{""a"":1,""a"":2}"
d,X,,,
a,X;X,,,,,,
` + "\xff,X,,,,,,\n", []string{
			`p.csv:2:5: kind: unknown kind "agnt" (did you mean agent?)`,
			`p.csv:2:10: scope: "a b" is not a name, or names with dots between them`,
			`p.csv:2:21: attr.n: want a number, have "inf"`,
			`p.csv:2:25: attr.b: want true or false, have "yes"`,
			`p.csv:2:29: attr.j: not valid JSON: parsing value: unexpected EOF`,
			`p.csv:3:1: principal has no id`,
			`p.csv:4:3: principal "c" has no roles`,
			`p.csv:4:7: attr.n: want a number, have "0x1"`,
			`p.csv:4:12: attr.j: key "a" stands here twice`,
			`p.csv:5: 5 cells, the header has 8`,
			`p.csv:6: principal "a" stands here twice, first on line 2`,
			`p.csv:6:3: principal "a" has the role "X" twice`,
			`p.csv:7:1: id: not valid UTF-8`,
			`p.csv:7:1: principal has no id`,
		}},
		"delegation in a table": {"p.csv", "id,roles,onBehalfOf\na,X,boss\nc,X,a\n", []string{
			`p.csv:2:5: onBehalfOf: no principal "boss"`,
		}},
		"quotes": {"p.csv", "id,roles\na\"b,X\nc,\"X\nd,X\n", []string{
			`p.csv:2:2: not valid CSV: bare " in non-quoted-field`,
			`p.csv:3: not valid CSV: extraneous or missing " in quoted-field`,
		}},
		"endless quote": {"p.csv", "id,roles\na,\"" + strings.Repeat("x,x\n", 1<<19), []string{
			`p.csv:2: the record is longer than 1 MiB`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := principals.Parse(tt.file, []byte(tt.text))
			if set != nil {
				t.Error("a set in spite of mistakes")
			}
			if diff := cmp.Diff(tt.want, mistakes(err)); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyMistakes(t *testing.T) {
	_, err := principals.Parse("p.jsonl", []byte(strings.Repeat("x\n", 20_000)))
	list := mistakes(err)
	if len(list) != 10_001 || list[0] != "p.jsonl: more than 10000 mistakes; the rest is not read" {
		t.Errorf("%d mistakes, the first is %s", len(list), list[0])
	}
}

func TestStreamFailsToRead(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, file := range []string{"p.yaml", "p.jsonl", "p.csv"} {
		text := strings.Repeat(`{"id":"a","roles":["x"]}`+"\n", 4000) // more than is looked at ahead
		if file == "p.csv" {
			text = "id,roles\n" + strings.Repeat("a,x\n", 40_000)
		}
		for name, r := range map[string]io.Reader{
			"at once": iotest.ErrReader(broken),
			"later":   io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)),
		} {
			var last error
			for _, err := range principals.Stream(file, r) {
				last = err
			}
			if !errors.Is(last, broken) || !strings.HasPrefix(last.Error(), file) {
				t.Errorf("%s, %s: the stream ends with %v", file, name, last)
			}
		}
	}
}

// A stream can be left at any time.
func TestStreamStops(t *testing.T) {
	for file, text := range map[string]string{
		"p.yaml":   "principals:\n  a: {id: a, roles: [x]}\n  b: {id: b, roles: [x]}\n",
		"bad.yaml": "principals:\n  a: {id: a}\n  b: {id: b}\n",
		"p.jsonl":  "{}\n{}\n",
		"p.csv":    "id,roles\na,x\nb,x\n",
		"bad.csv":  "id,roles\na\"a,x\nb,x\n",
	} {
		n := 0
		for _, err := range principals.Stream(file, strings.NewReader(text)) {
			_ = err // whether it is a principal or a mistake
			n++
			break
		}
		if n != 1 {
			t.Errorf("%s: %d rounds", file, n)
		}
	}
}

func TestIndex(t *testing.T) {
	var x principals.Index
	if err := x.Check(); err != nil {
		t.Error(err)
	}
	var errs []error
	for p, err := range principals.Stream("p.csv", strings.NewReader("id,roles,onBehalfOf\na,X,\na,X,\nb,X,boss\n")) {
		if err != nil {
			t.Fatal(err)
		}
		errs = append(errs, x.Add(p))
	}
	errs = append(errs, x.Check())
	want := []string{
		`p.csv:3: principal "a" stands here twice, first on line 2`,
		`p.csv:4: onBehalfOf: no principal "boss"`,
	}
	if diff := cmp.Diff(want, mistakes(errors.Join(errs...))); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{asYAML, asJSON, asLines, asCSV, "id,roles\n\"", "id;roles\na;b|c\n", "{\"a\":", "principals: &a [*a]"} {
		for _, file := range []string{"p", "p.jsonl", "p.csv", "p.yaml"} {
			f.Add(file, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, file string, data []byte) {
		set, err := principals.Parse(file, data)
		if (set == nil) == (err == nil) {
			t.Fatalf("set %v, error %v", set, err)
		}
		for _, mistake := range source.Mistakes(err) {
			var at *source.Error
			if !errors.As(mistake, &at) || at.Pos.File != file {
				t.Errorf("a mistake without a position: %v", mistake)
			}
		}
		if err != nil {
			return
		}
		n := 0
		for p, err := range principals.Stream(file, strings.NewReader(string(data))) {
			if err != nil {
				t.Fatalf("only the stream fails: %v", err)
			}
			if diff := cmp.Diff(set.Principals[n], p); diff != "" {
				t.Fatalf("stream (-parsed +streamed):\n%s", diff)
			}
			if n++; p.Key == "" || p.ID == "" || len(p.Roles) == 0 {
				t.Errorf("an incomplete principal: %+v", p)
			}
		}
		if n != len(set.Principals) {
			t.Errorf("%d principals parsed, %d streamed", len(set.Principals), n)
		}
	})
}

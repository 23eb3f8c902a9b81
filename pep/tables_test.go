package pep_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// specOf reads the attributes of a request about calls, as a config does.
func specOf(t *testing.T, attr string) pep.Spec {
	t.Helper()
	docs, err := source.ParseYAML("c", []byte("attr:\n"+attr))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := docs[0].Get("attr").Value().(map[string]any)
	return pep.Spec{Endpoint: "tools/call", Requests: []pep.RequestSpec{{Kind: "k", ID: "i", Action: "a", Attr: m, Node: docs[0]}}}
}

func mistakes(err error) []string {
	var all []string
	for _, m := range source.Mistakes(err) {
		all = append(all, m.Error())
	}
	return all
}

func TestTableMistakes(t *testing.T) {
	for attr, want := range map[string][]string{
		"  x: {by: name, values: {a: 1}}":                         nil,
		"  x: {by: '{server}', values: {a*: 1}, default: 2}":      nil,
		"  x: {by: arguments.verb, values: {a: 1}}":               nil,
		"  x: {by: principal.attr.team, values: {a: 1}}":          nil,
		"  x: {values: {a: 1}}":                                   {"c:2:6: tools/call: a table of values says what it goes by: by: name, and one of the values for each"},
		"  x: {by: 7, values: {a: 1}}":                            {`c:2:7: tools/call: a table cannot go by ""; there are name, server, type and arguments.NAME`},
		"  x: {by: nmae, values: {a: 1}}":                         {`c:2:7: tools/call: a table cannot go by "nmae" (did you mean name?); there are name, server, type and arguments.NAME`},
		"  x: {by: tags, values: {a: 1}}":                         {`c:2:7: tools/call: a table cannot go by "tags"; there are name, server, type and arguments.NAME`},
		"  x: {by: arguments..verb, values: {a: 1}}":              {`c:2:7: tools/call: a table cannot go by "arguments..verb"; there are name, server, type and arguments.NAME`},
		"  x: {by: name, values: {}}":                             {"c:2:17: tools/call: no values, of which a table has one for each name: {values: {NAME: value}}"},
		"  x: {by: name, values: {a: 1}, defualt: 2}":             {`c:2:33: tools/call: a table has by, values and default, and no defualt (did you mean default?)`},
		"  x: {by: arguments.verb, values: {'a*': 1, b: 2}}":      {`c:2:27: tools/call: "a*": a table that goes by arguments.verb has no patterns`},
		"  by: name\n  values: {a: 1}":                            {"c:2:3: tools/call: a table has the values of one attribute: name it"},
		"  '...': '{arguments}'":                                  nil,
		"  '...': '{name}'":                                       {"c:2:10: tools/call: {name} is no mapping: only {arguments} can be all attributes"},
		"  '...': '{nmae}'":                                       {"c:2:10: tools/call: unknown placeholder {nmae} (did you mean {name}?)"},
		"  '...': 'name'":                                         {"c:2:10: tools/call: all attributes can only be {arguments}, and not \"name\""},
		"  '...': '{name}{type}'":                                 {"c:2:10: tools/call: all attributes can only be {arguments}, and not \"{name}{type}\""},
		"  x: {'{unknown}': {type: string}}":                      nil,
		"  x: {'{unknown}': string}":                              {"c:2:6: tools/call: a value that is looked up is written {unknown}, or {{unknown}: {type: string, enum: [open, frozen]}} with a JSON schema"},
		"  x: {'{unknown}': {type: string}, y: 1}":                {"c:2:6: tools/call: a value that is looked up is written {unknown}, or {{unknown}: {type: string, enum: [open, frozen]}} with a JSON schema"},
		"  x: {by: name, values: {'[a': 1, '{b,c}': 2, 'd?': 3}}": {`c:2:17: tools/call: invalid pattern "[a": a [ is not closed`},
	} {
		spec := specOf(t, attr)
		if diff := cmp.Diff(want, mistakes(spec.CheckPlaceholders())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", attr, diff)
		}
	}
	for by, want := range map[string]string{
		"name":                "a gate is asked about once for the list, so there is no name",
		"arguments.verb":      "a gate is asked about once for the list, so there is no arguments.verb",
		"server":              "",
		"type":                "",
		"principal.attr.team": "",
	} {
		gate := specOf(t, "  x: {by: "+by+", values: {a: 1}}")
		gate.Endpoint, gate.Filter = "tools/list", authz.FilterGate
		if got := strings.Join(mistakes(gate.CheckPlaceholders()), "\n"); !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("a gate's table by %s: %q, want %q", by, got, want)
		}
	}
}

// TestTableValues holds which value an item gets: that of its name, or of the longest
// pattern, or the default.
func TestTableValues(t *testing.T) {
	p, err := pep.Custom("gateway", "crm", []pep.Spec{specOf(t, `
  x: {by: name, values: {get_a: own, 'get_*': long, '*': short}}
  y: {by: name, values: {'get_*': some}, default: other}
  z: {by: type, values: {tool: a tool}}
  none: {by: server, values: {billing: 1}}
  server: '{server}'
  type: '{type}'
  name: '{name}'
  tags: '{tags}'
  title: '{annotations.title}'
  owner: '{_meta.team.owner}'
`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{"get_a": {"own", "some"}, "get_b": {"long", "some"}, "put": {"short", "other"}} {
		item := pep.Item{Name: name, Tags: []string{"b", "a"}, Annotations: map[string]any{"title": "T"}, Meta: map[string]any{"team": map[string]any{"owner": "ann"}}}
		got := p.Ask(item, authz.Call).Requests[0]
		if diff := cmp.Diff(map[string]any{
			"x": want[0], "y": want[1], "z": "a tool", "server": "crm", "type": "tool", "name": name, "tags": []any{"b", "a"}, "title": "T", "owner": "ann",
		}, got.Resource.Attr); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	bare := p.Ask(pep.Item{Name: "put"}, authz.Call).Requests[0].Resource.Attr
	if _, ok := bare["title"]; ok {
		t.Error("an annotation that is missing is sent")
	}
}

// TestOrderOfMade holds that what is made of a call stands in the order of its places, and
// what is made of an item of which nothing is known.
func TestOrderOfMade(t *testing.T) {
	p, err := pep.Custom("gateway", "crm", []pep.Spec{specOf(t, `
  z: '{arguments.a}'
  y: '{principal.attr.team}'
  m: {b: '{arguments.b}', a: 'to {arguments.c}'}
  a: '{arguments.d}'
  named: '{name}'
  titled: '{annotations.title}'
  title: 'a {annotations.title}'
  tags: '{tags}'
  owned: '{server} {name}'
`)})
	if err != nil {
		t.Fatal(err)
	}
	places := func(item pep.Item) string {
		var list []string
		for _, m := range p.Ask(item, authz.Call).Requests[0].Made {
			list = append(list, strings.Join(m.At[1:], "."))
		}
		return strings.Join(list, " ")
	}
	for range 20 { // attributes are gone through in any order
		if got, want := places(pep.Item{Name: "t"}), "a m.a m.b y z"; got != want {
			t.Fatalf("made: %s, want %s", got, want)
		}
		if got, want := places(pep.Item{Name: "t", Any: true}), "a m.a m.b title titled y z"; got != want {
			t.Fatalf("made for any item: %s, want %s", got, want)
		}
	}
	for _, m := range p.Ask(pep.Item{Name: "t"}, authz.Call).Requests[0].Made {
		if m.At[len(m.At)-1] != "a" || len(m.At) != 3 {
			continue
		}
		if diff := cmp.Diff([]authz.Piece{{Text: "to "}, {From: authz.Origin{"arguments", "c"}}}, m.Text); diff != "" {
			t.Errorf("a text with an argument (-want +got):\n%s", diff)
		}
	}
	// All arguments in two places are open in the first, and made of them in the other.
	if p, err = pep.Custom("gateway", "crm", []pep.Spec{specOf(t, "  b: '{arguments}'\n  a: {c: '{arguments}'}")}); err != nil {
		t.Fatal(err)
	}
	r := p.Ask(pep.Item{Name: "t"}, authz.Call).Requests[0]
	want := []authz.Made{{At: []string{"attr", "b"}, From: authz.Origin{"arguments"}}}
	if diff := cmp.Diff(want, r.Made); diff != "" || strings.Join(r.Unknown, ".") != "a.c" {
		t.Errorf("arguments in two places: unknown %q, made (-want +got):\n%s", r.Unknown, diff)
	}
}

func TestCheckItems(t *testing.T) {
	takes := func(names ...string) any {
		properties := map[string]any{}
		for _, n := range names {
			properties[n] = map[string]any{}
		}
		return map[string]any{"properties": properties}
	}
	known := []pep.Item{{Name: "get", Schema: takes("id")}, {Name: "put", Schema: takes("id", "text")}, {Type: authz.PromptItem, Name: "hello"}}
	open := append([]pep.Item{{Name: "other"}}, known...)
	for _, x := range []struct {
		attr  string
		items []pep.Item
		whole bool
		want  []string
	}{
		{"  x: {by: name, values: {get: 1, put: 2}}", known, true, nil},
		{"  x: {by: name, values: {put: 2}}", open, false, []string{"c:2:3: tools/call: x has no value for get, other: give it one, or a default"}},
		{"  x: {by: name, values: {put: 2}}", known, true, []string{"c:2:3: tools/call: x has no value for get: give it one, or a default"}},
		{"  x: {by: name, values: {put: 2}, default: 3}", known, true, nil},
		{"  x: {by: name, values: {'*t': 2}}", known, true, nil},
		{"  x: {by: name, values: {gett: 2}, default: 3}", known, true, []string{`c:2:3: tools/call: x has a value for "gett", which the server does not have (did you mean get?)`}},
		{"  x: {by: name, values: {gett: 2}, default: 3}", known, false, nil},
		{"  x: {by: type, values: {prompt: 2}}", known, true, nil},
		{"  x: {other: {values: 7}}\n  y: plain", known, true, nil},
		{"  x: '{arguments.id}'\n  y: 'of {arguments.text}'", known, true, nil},
		{"  x: '{arguments.txt}'", known, true, []string{"c:2:6: tools/call: {arguments.txt}: no item has an argument txt (did you mean text?)"}},
		{"  x: {below: '{arguments.txt}'}", known, true, []string{"c:2:14: tools/call: {arguments.txt}: no item has an argument txt (did you mean text?)"}},
		{"  x: {by: arguments.txt, values: {a: 1}}", known, true, []string{"c:2:6: tools/call: {arguments.txt}: no item has an argument txt (did you mean text?)"}},
		{"  x: '{arguments.txt}'", known, false, nil},
		{"  x: '{arguments.txt}'", open, true, nil}, // of one nothing is known
		{"  x: '{arguments.txt}'", nil, true, nil},
		{"  x: '{principal.attr.txt}'", known, true, nil},
	} {
		spec := specOf(t, x.attr)
		if diff := cmp.Diff(x.want, mistakes(spec.CheckItems(x.items, x.whole))); diff != "" {
			t.Errorf("%s, whole %v (-want +got):\n%s", x.attr, x.whole, diff)
		}
	}
	// What a list asks is about the items that it has, and about no arguments.
	list := specOf(t, "  x: {by: name, values: {hello: 1}}\n  y: '{arguments.txt}'")
	list.Endpoint, list.Filter = "prompts/list", authz.FilterOwn
	if got := mistakes(list.CheckItems(known, true)); got != nil {
		t.Errorf("a list: %q", got)
	}
}

func TestReadsOfPrincipal(t *testing.T) {
	spec := specOf(t, `
  a: '{principal.attr.team}'
  b: {c: 'x {principal.id} {name}'}
  d: {by: principal.attr.site, values: {a: 1}}
  e: {by: name, values: {a: 1}}
`)
	spec.Requests[0].Kind, spec.Requests[0].ID, spec.Requests[0].Action = "{principal.attr.kind}", "{principal.attr.id}", "{principal.attr.action}"
	spec.Requests[0].PolicyVersion, spec.Requests[0].Scope = "{principal.policyVersion}", "{principal.scope}"
	spec.Grant = &pep.Grant{Attr: authz.Origin{"principal", "attr", "may"}}
	var got []string
	for _, o := range spec.ReadsOfPrincipal() {
		got = append(got, o.String())
	}
	if diff := cmp.Diff([]string{
		"{principal.attr.action}", "{principal.attr.id}", "{principal.attr.kind}", "{principal.attr.may}", "{principal.attr.site}",
		"{principal.attr.team}", "{principal.id}", "{principal.policyVersion}", "{principal.scope}",
	}, sorted(got)); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	with := pep.With{ResourceKind: "k-{principal.scope}", Action: "{principal.attr.verb}:{name}"}
	if got := with.ReadsOfPrincipal(); len(got) != 2 || got[0].String() != "{principal.scope}" || got[1].String() != "{principal.attr.verb}" {
		t.Errorf("a built-in profile reads %v", got)
	}
}

// TestMethods holds what a profile is said to ask about each method of MCP.
func TestMethods(t *testing.T) {
	grant := &pep.Grant{Attr: authz.Origin{"principal", "attr", "may"}}
	call := specOf(t, "  sent: '{arguments}'\n  name: '{name}'\n  team: '{principal.attr.team}'\n  of: '{server}/{name}'\n  by: '{principal.id} of {name}'\n  at: '{server}/{arguments.path}'")
	p, err := pep.Custom("gateway", "crm", []pep.Spec{
		call,
		{Endpoint: "tools/list", Filter: authz.FilterCall},
		{Endpoint: "prompts/list", Filter: authz.FilterGate, Requests: []pep.RequestSpec{{Kind: "k", ID: "i", Action: "show"}}},
		{Endpoint: "resources/list", Filter: authz.FilterGrant, Grant: grant},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range p.Methods() {
		names = append(names, m.Name)
		if m.List != strings.HasSuffix(m.Name, "/list") || m.Refusal != nil {
			t.Errorf("%+v", m)
		}
		asks := map[string]int{"tools/call": 1, "prompts/list": 1}[m.Name]
		filter := map[string]authz.Filter{"tools/list": authz.FilterCall, "prompts/list": authz.FilterGate, "resources/list": authz.FilterGrant, "resources/templates/list": authz.FilterGrant}[m.Name]
		if len(m.Requests) != asks || m.List && m.Filter != filter || (m.Grant != nil) != (filter == authz.FilterGrant) {
			t.Errorf("%s asks %d, filter %v, grant %v", m.Name, len(m.Requests), m.Filter, m.Grant)
		}
		if m.Name == "tools/call" {
			if diff := cmp.Diff(map[string]any{"sent": pep.AnyArguments, "name": pep.AnyItem, "team": "{principal.attr.team}", "of": "crm/NAME", "by": "{principal.id} of NAME", "at": "crm/{arguments.path}"}, m.Requests[0].Resource.Attr); diff != "" {
				t.Errorf("a call (-want +got):\n%s", diff)
			}
		}
	}
	if diff := cmp.Diff(pep.Endpoints(), names); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	refuses, err := pep.New(authz.COAZ, "depot", pep.With{Aud: "x"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range refuses.Methods() {
		if refused := m.Name == "resources/templates/list"; (m.Refusal != nil) != refused || (len(m.Requests) == 0) != refused {
			t.Errorf("%s of coaz: refused %v, %d requests", m.Name, m.Refusal, len(m.Requests))
		}
	}
}

// TestSpreadOver holds what goes out where the arguments are spread after attributes of other kinds:
// an argument goes before what stands under its name. In a list, which has no arguments, none does.
func TestSpreadOver(t *testing.T) {
	call := specOf(t, "  state: '{unknown}'\n  team: '{principal.attr.team}'\n  box: {of: '{arguments.n}', kind: plain}\n  '...': '{arguments}'")
	call.Requests[0].ID = "{name}-{arguments.n}"
	list := call
	list.Endpoint, list.Filter = "tools/list", authz.FilterOwn
	p, err := pep.Custom("gateway", "crm", []pep.Spec{call, list})
	if err != nil {
		t.Fatal(err)
	}
	who := &authz.Principal{ID: "ann", Attr: map[string]any{"team": "red"}}
	for _, x := range []struct{ arguments, want map[string]any }{
		{nil, map[string]any{"team": "red", "box": map[string]any{"kind": "plain"}}},
		{map[string]any{"n": 1.0}, map[string]any{"n": 1.0, "team": "red", "box": map[string]any{"of": 1.0, "kind": "plain"}}},
		{map[string]any{"n": 1.0, "box": map[string]any{"x": 1.0}, "team": "blue"}, map[string]any{"n": 1.0, "team": "blue", "box": map[string]any{"x": 1.0}}},
		{map[string]any{"box": "b", authz.LookedUp: map[string]any{"state": "open"}}, map[string]any{"team": "red", "box": "b", "state": "open"}},
		{map[string]any{"state": "mine", authz.LookedUp: map[string]any{"state": "open"}}, map[string]any{"team": "red", "box": map[string]any{"kind": "plain"}, "state": "mine"}},
	} {
		r := pep.Bind(p.Ask(pep.Item{Name: "get"}, authz.Call).Requests[0], x.arguments)
		r.Principal = who
		sent, refusal := r.Sent()
		if refusal != nil || sent.Made != nil {
			t.Fatalf("with %v: %v, %+v is open", x.arguments, refusal, sent.Made)
		}
		if diff := cmp.Diff(x.want, sent.Resource.Attr); diff != "" {
			t.Errorf("with %v (-want +got):\n%s", x.arguments, diff)
		}
	}
	r := p.Ask(pep.Item{Name: "get"}, authz.List).Requests[0]
	r.Principal = who
	sent, _ := r.Sent()
	if m, _ := authz.MadeAt(sent.Made, []string{"attr", "state"}); m == nil || m.Else != nil || m.From.String() != "{arguments.looked up.state}" || sent.Resource.Attr["team"] != "red" {
		t.Errorf("in a list %+v is open beside %v", sent.Made, sent.Resource.Attr)
	}
}

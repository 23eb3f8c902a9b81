package coaz_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/coaz"
	"github.com/mcpolicy/mcpolicy/source"
)

// evaluationOf reads an evaluation: a subject and more of the properties, as JSON.
func evaluationOf(t *testing.T, text string) coaz.Evaluation {
	t.Helper()
	n, err := source.ParseJSON("e.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n.Value().(map[string]any)
}

// The expectations were taken from a PDP; TestDifferentialCOAZ of internal/cerbosbin
// holds generated evaluations against one.
func TestTranslate(t *testing.T) {
	roles := func(properties string) string {
		return `{"subject": {"type": "identity", "id": "s", "properties": ` + properties + `}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}}`
	}
	for text, want := range map[string][]string{
		`{"cerbos.roles": ["a", "b"]}`:      {"a", "b"},
		`{"cerbos.roles": ["", 1, "a"]}`:    {"a"},
		`{"cerbos.roles": "a"}`:             {"identity"},
		`{"cerbos.roles": []}`:              {"identity"},
		`{"cerbos.roles": ["", 1]}`:         {"identity"},
		`{"cerbos.roles": {"0": "a"}}`:      {"identity"},
		`{"cerbos": {"roles": ["a"]}}`:      {"identity"},
		`{"roles": ["a"]}`:                  {"identity"},
		`null`:                              {"identity"},
		`{"cerbos.roles": ["identity", 1]}`: {"identity"},
	} {
		r, err := coaz.Translate(evaluationOf(t, roles(text)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Principal.Roles); diff != "" {
			t.Errorf("%s: roles (-want +got):\n%s", text, diff)
		}
	}

	r, err := coaz.Translate(evaluationOf(t, `{
		"subject": {"type": "x", "id": "s", "properties": {"cerbos.scope": "a.b", "cerbos.policyVersion": 2, "team": "red"}},
		"action": {"name": "a", "properties": {"cerbos.scope": "z"}},
		"resource": {"type": "t", "id": "i", "properties": {"cerbos.scope": 1, "cerbos.policyVersion": "v2"}},
		"context": {"agent": "b", "cerbos.scope": "z", "cerbos.auxData": {}}}`))
	want := authz.Request{
		Principal: &authz.Principal{ID: "s", Roles: []string{"x"}, Scope: "a.b", Attr: map[string]any{"cerbos.scope": "a.b", "cerbos.policyVersion": 2.0, "team": "red"}},
		Resource:  authz.Resource{Kind: "t", ID: "i", PolicyVersion: "v2", Attr: map[string]any{"cerbos.scope": 1.0, "cerbos.policyVersion": "v2"}},
		Action:    "a",
	}
	if diff := cmp.Diff(want, r); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestInvalid(t *testing.T) {
	with := func(parts string) string {
		return `{"subject": {"type": "x", "id": "s"}, "action": {"name": "a"}, "resource": {"type": "t", "id": "i"}, ` + parts + `}`
	}
	for text, want := range map[string]string{
		with(`"more": 1`):                                      "more: AuthZEN has no such key",
		with(`"subject": null`):                                "subject: it is no object",
		with(`"subject": {"id": "s"}`):                         "subject.type: it is no text, or an empty one",
		with(`"subject": {"type": "x", "id": ""}`):             "subject.id: it is no text, or an empty one",
		with(`"resource": {"type": "t", "id": 7}`):             "resource.id: it is no text, or an empty one",
		with(`"resource": {"type": "t", "id": "i", "a": 1}`):   "resource.a: AuthZEN has no such key",
		with(`"action": {"name": "a", "properties": []}`):      "action.properties: it is no object",
		with(`"action": {"name": "a", "properties": {"": 1}}`): "action.properties: it has a key that is empty",
		with(`"context": "x"`):                                 "context: it is no object",
		with(`"context": {"cerbos.auxData": "x"}`):             "context.cerbos.auxData: it is no object",
	} {
		_, err := coaz.Translate(evaluationOf(t, text))
		var invalid *coaz.InvalidError
		if !errors.As(err, &invalid) || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	_, err := coaz.Translate(evaluationOf(t, with(`"context": {"cerbos.auxData": {"jwt": {"token": "x"}}}`)))
	var invalid *coaz.InvalidError
	if err == nil || errors.As(err, &invalid) {
		t.Errorf("a token: %v, want that it is not known", err)
	}
}

// TestEntries has an entry with the parts that it takes over and those that it replaces.
func TestEntries(t *testing.T) {
	m, err := coaz.Parse(schema(t, `{"evaluations": {"action": {"name": "a"}, "resource": {"type": "t", "id": "$params.arguments.id"},
		"evaluations": [{}, {"action": {"name": "$params.name", "properties": {"p": 1}}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var list func(v *coaz.Value)
	list = func(v *coaz.Value) {
		if v == nil {
			return
		}
		if len(v.Fields) == 0 {
			got = append(got, v.Name+" = "+v.Text)
			if v.IsSubject {
				got[len(got)-1] += "the subject"
			}
		}
		for _, f := range v.Fields {
			list(f.Value)
		}
	}
	for _, e := range m.Entries() {
		for _, v := range []*coaz.Value{e.Subject, e.Action, e.Resource, e.Context} {
			list(v)
		}
	}
	want := []string{
		"subject.type = ", "subject.id = the subject", "action.name = ", "resource.type = ", "resource.id = params.arguments.id",
		"subject.type = ", "subject.id = the subject", "evaluations[1].action.name = params.name", "evaluations[1].action.properties.p = ", "resource.type = ", "resource.id = params.arguments.id",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if coaz.Default("resources/templates/list") != nil || coaz.Default("tools/call").Entries()[0].Resource.Fields[1].Value.Text != "params.name" {
		t.Error("the default mappings")
	}
}

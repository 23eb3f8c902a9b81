package prove_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/fixture"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// proving opens a folder as the command does, with principals where it has none. It returns
// the prover, and the columns that sentences are about.
func proving(t *testing.T, files fstest.MapFS, principals string) (*prove.Prover, *matrix.Matrix) {
	t.Helper()
	w, err := fixture.Open(t.Context(), files, principals, workspace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Prover(t.Context(), time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Outline()
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

// TestSchemasApart holds that what is known of a tool that nobody can call, because of what
// its inputSchema asks of an argument that no condition looks at, is not said of another.
func TestSchemasApart(t *testing.T) {
	t.Parallel()
	p, m := proving(t, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [
			{"name": "stuck", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}, "x": {"type": "string", "minLength": 2, "maxLength": 1}}, "required": ["x"]}},
			{"name": "split", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}, "x": {"type": "string"}}, "required": ["x"]}},
			{"name": "later", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}}
		]}`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: R.attr.arguments.n > 1}}}
`)},
	}, "principals: {ada: {id: ada, roles: [A]}}\n")
	for _, col := range m.Columns {
		if col.Operation != authz.Call {
			continue
		}
		proof, err := p.Prove(t.Context(), &prove.Sentence{Kind: prove.Never, Of: col})
		if err != nil {
			t.Fatal(err)
		}
		if want := col.Item.Name != "stuck"; (proof.Verdict == prove.Refuted) != want {
			t.Errorf("%s: %v %v", col.Item.Name, proof.Verdict, proof.Open)
		}
	}
}

// TestSchemaIgnored holds that nobody is left out of account because of a principal schema
// that the engine does not hold them to: one that is ignored for the action.
func TestSchemaIgnored(t *testing.T) {
	t.Parallel()
	for ignore, want := range map[string]prove.Verdict{"": prove.Proved, ", ignoreWhen: {actions: [\"tools/call::*\"]}": prove.Refuted} {
		p, m := proving(t, fstest.MapFS{
			"manifest.json":            {Data: []byte(`{"tools": [{"name": "pump"}]}`)},
			"mcpolicy.yaml":            {Data: []byte("servers: {crm: {manifest: manifest.json, enforcement: cerbos-fastmcp}}\npolicies: policies\nprincipals: principals.yaml\nengine: {schemaEnforcement: reject}\n")},
			"policies/_schemas/p.json": {Data: []byte(`{"type": "object", "properties": {"dept": {"type": "string"}}, "required": ["dept"]}`)},
			"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  schemas: {principalSchema: {ref: "cerbos:///p.json"` + ignore + `}}
  rules:
    - {actions: ["tools/call::pump"], effect: EFFECT_ALLOW, roles: [A]}
`)},
		}, "principals: {ada: {id: ada, roles: [A], attr: {dept: x}}}\n")
		proof, err := p.Prove(t.Context(), &prove.Sentence{Kind: prove.Never, Who: &prove.Who{Where: "!has(principal.dept)"}, Of: m.Columns[1]})
		if err != nil {
			t.Fatal(err)
		}
		if proof.Verdict != want {
			t.Errorf("%q: %v, want %v", ignore, proof.Verdict, want)
		}
		if within := proof.Over.Attributes == "within the principal schema"; within != (ignore == "") {
			t.Errorf("%q: proved over attributes %s", ignore, proof.Over.Attributes)
		}
	}
}

// TestSchemasOfBoth holds that what is known of one tool is not said of another whose
// inputSchema differs in an argument that only the other side of the sentence looks at.
func TestSchemasOfBoth(t *testing.T) {
	t.Parallel()
	p, m := proving(t, fstest.MapFS{
		"manifest.json": {Data: []byte(`{"tools": [
			{"name": "near", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "integer", "minimum": 0, "maximum": 4}}}},
			{"name": "wide", "inputSchema": {"type": "object", "properties": {"n": {"type": "number"}, "m": {"type": "integer", "minimum": 0}}}}
		]}`)},
		"policies/p.yaml": {Data: []byte(`apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: R.attr.arguments.n > 1}}}
    - {actions: ["tools/call::*"], effect: EFFECT_ALLOW, roles: [B], condition: {match: {expr: "!has(R.attr.arguments.m) || R.attr.arguments.m < 5"}}}
`)},
	}, "principals:\n  ada: {id: ada, roles: [B]}\n  bot: {id: bot, roles: [A], kind: agent, onBehalfOf: ada}\n")
	people := map[string]*authz.Principal{}
	for who := range m.Principals() {
		people[who.Key] = who
	}
	for _, col := range m.Columns {
		if col.Operation != authz.Call {
			continue
		}
		for _, s := range []*prove.Sentence{
			{Kind: prove.Within, Of: col, Inner: []string{"A"}, Outer: []string{"B"}},
			{Kind: prove.Delegated, Of: col, Delegate: people["bot"], Person: people["ada"]},
			{Kind: prove.Delegated, Of: col, Delegate: people["bot"], Person: people["ada"], IgnoreSchema: true},
		} {
			want := prove.Refuted
			if col.Item.Name == "near" && !s.IgnoreSchema {
				want = prove.Proved
			}
			proof, err := p.Prove(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if proof.Verdict != want {
				t.Errorf("%s of %s, in spite of the schema %t: %v %v, want %v", s, col.Item.Name, s.IgnoreSchema, proof.Verdict, proof.Open, want)
			}
		}
	}
}

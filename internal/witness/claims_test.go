package witness_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/celgen"
	"github.com/mcpolicy/mcpolicy/internal/cerbosbin"
	"github.com/mcpolicy/mcpolicy/internal/rounds"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pdp/embedded"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// A bundle is conditions at random, each a rule of its own, in a policy with
// derived roles that have nothing to do with them.
type bundle struct {
	texts   []string
	roles   string
	engine  *embedded.Engine
	schemas []*witness.Schema
	written []string // the schemas
}

// newBundle makes conditions that compile.
func newBundle(ctx context.Context, s *celgen.Source, n int, strict bool) (*bundle, error) {
	b := &bundle{roles: fmt.Sprintf(`apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: noise
  definitions:
    - {name: never, parentRoles: [A], condition: {match: {expr: R.attr.arguments.nowhere == P.attr.nowhere}}}
    - {name: some, parentRoles: [A], condition: {match: {expr: %q}}}
`, `R.attr.arguments.a == "a" && R.attr.arguments.n > 1`)}
	var err error
	if b.texts, err = s.Conditions(ctx, n); err != nil {
		return nil, err
	}
	if b.engine, err = embedded.Open(ctx, b.files(), pdp.Options{Now: time.Now(), StrictEvaluation: strict}); err != nil {
		return nil, err
	}
	for range b.texts {
		text := s.Schema()
		schema, err := parseSchema(text)
		if err != nil {
			return nil, err
		}
		b.schemas, b.written = append(b.schemas, schema), append(b.written, text)
	}
	return b, nil
}

// rulesOfEach is how many rules each condition has: itself, its negation, and
// whether it comes to no truth value at all.
const rulesOfEach = 3

func (b *bundle) files() fstest.MapFS {
	var p strings.Builder
	p.WriteString("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: mcp_server\n  version: default\n  importDerivedRoles: [noise]\n  rules:\n")
	p.WriteString("    - {actions: [noise], effect: EFFECT_ALLOW, derivedRoles: [never, some]}\n") // an import that is not used does nothing
	for i, text := range b.texts {
		for name, expr := range []string{text, "!(" + text + ")", "type(dyn(" + text + ")) != bool"} {
			fmt.Fprintf(&p, "    - {name: c%d-%d, actions: [\"c%d-%d\"], effect: EFFECT_ALLOW, roles: [A], condition: {match: {expr: %q}}}\n", i, name, i, name, expr)
		}
	}
	return fstest.MapFS{"p.yaml": {Data: []byte(p.String())}, "roles.yaml": {Data: []byte(b.roles)}}
}

// condition returns the condition of a number.
func (b *bundle) condition(i int) *pdp.Condition {
	for _, c := range b.engine.Conditions() {
		if slices.ContainsFunc(c.Uses, func(u pdp.Use) bool {
			return strings.HasSuffix(u.Rule, "#c"+strconv.Itoa(i)+"-0") && u.DerivedRole == ""
		}) {
			return c
		}
	}
	return nil
}

func parseSchema(text string) (*witness.Schema, error) {
	if text == "" {
		return nil, nil
	}
	n, err := source.ParseJSON("schema.json", []byte(text))
	return witness.NewSchema(n), err
}

// random returns a request at random, about a tool or about any.
func random(s *celgen.Source, name string) (authz.Request, map[string]any) {
	p := &authz.Principal{ID: s.ID(), Roles: []string{"A"}, Attr: s.Attributes("a b n m f l o t"), AuxData: s.Attributes("a l")}
	args := s.Arguments()
	r := authz.Request{Principal: p, Action: "call", Unknown: []string{"arguments"}, Resource: resource(name)}
	return pep.Bind(r, args), args
}

func resource(name string) authz.Resource {
	return authz.Resource{Kind: "mcp_server", ID: name, Attr: map[string]any{"tool_name": name, "source": "client"}}
}

// claimed holds what the candidates of one condition leave out.
type claimed struct {
	all, within   bool
	came, cameToo [4]bool // for any candidate, for one that the schema allows
}

func (b *bundle) claims(ctx context.Context, i int, name string) (*claimed, error) {
	c := b.condition(i)
	q := witness.Search{Parts: c.Parts, Schema: b.schemas[i], Request: authz.Request{
		Principal: &authz.Principal{ID: "bob", Roles: []string{"A"}, Attr: map[string]any{"n": 700.0, "l": []any{"a"}, "a": "red"}},
		Action:    "call", Unknown: []string{"arguments"}, AnyPrincipal: true, Resource: resource(name),
	}}
	found := q.Candidates()
	list := slices.Collect(found.Each)
	var trials []pdp.Trial
	for _, x := range list {
		r := q.Request
		r.Resource = x.Resource
		r = pep.Bind(r, x.Arguments)
		r.Principal, r.AnyPrincipal = x.Principal, false
		trials = append(trials, pdp.Trial{Condition: c, Request: r})
	}
	outcomes, err := b.engine.Try(ctx, trials)
	if err != nil {
		return nil, err
	}
	of := &claimed{all: found.All, within: found.AllWithin}
	for j, o := range outcomes {
		of.came[o] = true
		of.cameToo[o] = of.cameToo[o] || list[j].Within
	}
	if !slices.Contains(of.cameToo[:], true) {
		of.within = false // nothing was tried
	}
	return of, nil
}

// TestDifferentialClaims makes conditions, inputSchemas and requests at random.
// What the candidates of a condition leave out, no request may come to; and
// what a condition is said to come to, the official PDP has to agree with.
func TestDifferentialClaims(t *testing.T) {
	worlds, each := rounds.Of(2, 60), rounds.Of(60, 500)
	const conditions = 40
	decided, claims := 0, 0
	for world := range worlds {
		strict := world%4 == 3
		s := celgen.New(uint64(world)) //nolint:gosec // a small number
		b, err := newBundle(t.Context(), s, conditions, strict)
		if err != nil {
			t.Fatal(err)
		}
		var asked []authz.Request
		var want []bool
		for i := range b.texts {
			more, expected, claimed := b.hold(t, s, i, each)
			asked, want = append(asked, more...), append(want, expected...)
			claims += claimed
		}
		decided += b.compare(t, asked, want, strict)
	}
	if claims == 0 {
		t.Error("nothing was ever claimed")
	}
	t.Logf("%d decisions of the official PDP, %d claims about %d conditions, %d requests each", decided, claims, worlds*conditions, each)
}

// compared is how many requests about each condition are put to the official PDP.
const compared = 8

// hold tries a condition on requests at random, and returns what to ask the
// official PDP and which of it is to be allowed.
func (b *bundle) hold(t *testing.T, s *celgen.Source, i, each int) (asked []authz.Request, want []bool, claims int) {
	t.Helper()
	name := s.Name()
	open := name
	if s.IntN(2) == 0 {
		open = witness.AnyName
	}
	claim, err := b.claims(t.Context(), i, open)
	if err != nil {
		t.Fatal(err)
	}
	if claim.all || claim.within {
		claims++
	}
	var trials []pdp.Trial
	var allowed []bool
	for j := range each {
		if open == witness.AnyName {
			name = s.Name()
		}
		r, args := random(s, name)
		if j < compared {
			r.Principal.AuxData = nil // a PDP wants a token
		}
		trials = append(trials, pdp.Trial{Condition: b.condition(i), Request: r})
		allowed = append(allowed, b.schemas[i].Allows(args))
	}
	outcomes, err := b.engine.Try(t.Context(), trials)
	if err != nil {
		t.Fatal(err)
	}
	for j, o := range outcomes {
		r := trials[j].Request
		if claim.all && !claim.came[o] || claim.within && allowed[j] && !claim.cameToo[o] {
			t.Errorf("%s, schema %s: claimed never to be %d, but is for %v %v of %s", b.texts[i], b.written[i], o,
				r.Principal.Attr, r.Resource.Attr, r.Principal.ID)
			break
		}
		if j < compared {
			for k, allow := range []bool{o == pdp.Met, o == pdp.Unmet, o == pdp.Unmet} {
				r.Action = fmt.Sprintf("c%d-%d", i, k)
				asked, want = append(asked, r), append(want, allow)
			}
		}
	}
	return asked, want, claims
}

// compare asks the official PDP, three times for each outcome: whether the
// condition is met, whether its negation is, and whether it has no truth value.
func (b *bundle) compare(t *testing.T, asked []authz.Request, want []bool, strict bool) int {
	t.Helper()
	dir := t.TempDir()
	for name, f := range b.files() {
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := cerbosbin.Start(t, dir, map[string]any{"engine": map[string]any{"strictEvaluation": strict}})
	defer server.Kill()
	remote, err := remote.Dial(t.Context(), server.Addr, remote.Options{Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close() //nolint:errcheck // nothing is left to say
	decisions, err := remote.Decide(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	allows := func(i int) bool { return decisions[i].Effect == authz.Allow }
	for i := 0; i < len(asked); i += rulesOfEach {
		met, unmet := allows(i), allows(i+1) || allows(i+2)
		if met != want[i] || unmet != want[i+1] {
			t.Errorf("%s for %v %v: tried as met %v, unmet %v; the official PDP says met %v, unmet %v", asked[i].Action,
				asked[i].Principal.Attr, asked[i].Resource.Attr, want[i], want[i+1], met, unmet)
		}
	}
	return len(asked)
}

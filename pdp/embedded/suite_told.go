package embedded

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	effectv1 "github.com/cerbos/cerbos/api/genpb/cerbos/effect/v1"
	enginev1 "github.com/cerbos/cerbos/api/genpb/cerbos/engine/v1"
	policyv1 "github.com/cerbos/cerbos/api/genpb/cerbos/policy/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// told returns what came of a suite in plain words.
func (f *suiteFile) told(o pdp.VerifyOptions) *pdp.Suite {
	s := &pdp.Suite{Name: f.suite.GetName(), Pos: f.pos, Err: f.err}
	switch {
	case f.err != nil:
		s.Name = cmp.Or(s.Name, f.root.Get("name").Str(), f.name)
		return s
	case f.results.GetError() != "":
		s.Err = f.mistake(f.results.GetError())
		return s
	}
	s.Skipped, s.SkipReason = f.suite.GetSkip(), f.suite.GetSkipReason()
	t := &checksOf{suiteFile: f, options: o, principals: map[string]*authz.Principal{}}
	for _, test := range f.results.GetTestCases() {
		i := slices.IndexFunc(f.suite.GetTests(), func(t *policyv1.TestTable) bool { return t.GetName() == test.GetName() })
		for _, p := range test.GetPrincipals() {
			for _, r := range p.GetResources() {
				for _, a := range r.GetActions() {
					s.Checks = append(s.Checks, t.check(i, p.GetName(), r.GetName(), a))
				}
			}
		}
	}
	return s
}

// checksOf makes the checks of a suite.
type checksOf struct {
	*suiteFile
	options    pdp.VerifyOptions
	principals map[string]*authz.Principal // by key and auxiliary data
}

func (t *checksOf) check(test int, principal, resource string, a *policyv1.TestResults_Action) *pdp.Check {
	table := t.suite.GetTests()[test]
	c := &pdp.Check{Test: table.GetName(), Principal: principal, Resource: resource}
	c.Request = authz.Request{Principal: t.principal(principal, table.GetInput().GetAuxData()), Resource: t.resource(resource), Action: a.GetName()}
	c.Options = t.optionsOf(table)
	var listed bool
	c.Want, c.Pos, listed = t.expectation(test, principal, resource, a.GetName())
	c.Implied = !listed
	switch d := a.GetDetails(); d.GetResult() {
	case policyv1.TestResults_RESULT_PASSED:
		c.Got = effectOf(d.GetSuccess().GetEffect())
	case policyv1.TestResults_RESULT_FAILED:
		c.Outcome = pdp.CheckFailed
		c.Want, c.Got = effectOf(d.GetFailure().GetExpected()), effectOf(d.GetFailure().GetActual())
		c.Outputs = outputsOf(d.GetFailure().GetOutputs())
	case policyv1.TestResults_RESULT_SKIPPED:
		c.Outcome, c.Message = pdp.CheckSkipped, d.GetSkipReason()
	case policyv1.TestResults_RESULT_ERRORED, policyv1.TestResults_RESULT_UNSPECIFIED:
		c.Outcome, c.Message = pdp.CheckErrored, cmp.Or(oneLine(d.GetError()), "no result")
	}
	return c
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func effectOf(e effectv1.Effect) authz.Effect {
	if e == effectv1.Effect_EFFECT_ALLOW {
		return authz.Allow
	}
	return authz.Deny
}

// outputsOf says what is wrong with outputs, sorted: they come in the order of a Go map.
func outputsOf(list []*policyv1.TestResults_OutputFailure) []string {
	var out []string
	for _, o := range list {
		text := "output of " + o.GetSrc() + ": "
		switch {
		case o.GetMissing() != nil:
			text += "expected " + valueText(o.GetMissing().GetExpected()) + ", got none"
		case o.GetErrored() != nil:
			text += "expected " + valueText(o.GetErrored().GetExpected()) + ", got an error: " + oneLine(o.GetErrored().GetError())
		default:
			text += "expected " + valueText(o.GetMismatched().GetExpected()) + ", got " + valueText(o.GetMismatched().GetActual())
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

func valueText(v *structpb.Value) string {
	if v == nil {
		return "no value"
	}
	return source.JSONText(v.AsInterface())
}

// optionsOf returns the options by which a test is decided. Those of a test replace
// those of its suite.
func (t *checksOf) optionsOf(table *policyv1.TestTable) pdp.Options {
	given := table.GetOptions()
	if given == nil {
		given = t.suite.GetOptions()
	}
	o := pdp.Options{
		Schemas: pdp.EnforceReject, StrictEvaluation: t.options.StrictEvaluation || given.GetStrictEvaluation(),
		DefaultPolicyVersion: given.GetDefaultPolicyVersion(), DefaultScope: given.GetDefaultScope(),
		LenientScopeSearch: given.GetLenientScopeSearch(),
	}
	if t.options.IgnoreSchemas {
		o.Schemas = pdp.EnforceNone
	}
	if len(given.GetGlobals()) > 0 {
		o.Globals = (&structpb.Struct{Fields: given.GetGlobals()}).AsMap()
	}
	if given.GetNow() != nil {
		o.Now = given.GetNow().AsTime()
	}
	return o
}

// principal returns the principal of a key, with the claims that a test names.
func (t *checksOf) principal(key, auxData string) *authz.Principal {
	at := key + "\x00" + auxData
	if p := t.principals[at]; p != nil {
		return p
	}
	of, ok := t.suite.GetPrincipals()[key]
	if !ok {
		of = t.fixtures.principals.GetPrincipals()[key]
	}
	p := &authz.Principal{
		Key: key, ID: of.GetId(), Roles: of.GetRoles(), Attr: attrOf(of.GetAttr()),
		PolicyVersion: of.GetPolicyVersion(), Scope: of.GetScope(), Pos: t.pos,
	}
	if aux := t.auxData(auxData); aux != nil {
		p.AuxData = attrOf(aux.GetJwt())
		for name, token := range aux.GetJwts() {
			if p.JWTs == nil {
				p.JWTs = map[string]map[string]any{}
			}
			p.JWTs[name] = attrOf(token.GetClaims())
		}
	}
	t.principals[at] = p
	return p
}

func (t *checksOf) auxData(key string) *enginev1.AuxData {
	if key == "" {
		return nil
	}
	if of, ok := t.suite.GetAuxData()[key]; ok {
		return of
	}
	return t.fixtures.auxData.GetAuxData()[key]
}

func (t *checksOf) resource(key string) authz.Resource {
	of, ok := t.suite.GetResources()[key]
	if !ok {
		of = t.fixtures.resources.GetResources()[key]
	}
	return authz.Resource{Kind: of.GetKind(), ID: of.GetId(), Attr: attrOf(of.GetAttr()), PolicyVersion: of.GetPolicyVersion(), Scope: of.GetScope()}
}

func attrOf(attr map[string]*structpb.Value) map[string]any {
	if attr == nil {
		return nil
	}
	return (&structpb.Struct{Fields: attr}).AsMap()
}

// expectation returns what a test expects, where it says so, and whether it does at all:
// what is not listed is expected to be denied.
func (t *checksOf) expectation(test int, principal, resource, action string) (want authz.Effect, pos source.Pos, listed bool) {
	table, node := t.suite.GetTests()[test], t.testNode(test)
	pos = t.posOf(node)
	if name := node.Get("name"); name != nil {
		pos = name.Pos
	}
	for i, x := range table.GetExpected() {
		effect, ok := x.GetActions()[action]
		if !ok || !t.covers(principal, x.GetPrincipal(), x.GetPrincipals(), x.GetPrincipalGroups(), t.principalGroup) ||
			!t.covers(resource, x.GetResource(), x.GetResources(), x.GetResourceGroups(), t.resourceGroup) {
			continue
		}
		if list := node.Get("expected"); list != nil && i < len(list.Items) {
			pos = t.posOf(list.Items[i])
			if actions := list.Items[i].Get("actions"); actions != nil {
				if at := slices.IndexFunc(actions.Fields, func(f source.Field) bool { return f.Name == action }); at >= 0 {
					pos = actions.Fields[at].Pos
				}
			}
		}
		return effectOf(effect), pos, true
	}
	return authz.Deny, pos, false
}

// covers reports whether one fixture, several or groups of them have a key.
func (t *checksOf) covers(key, one string, several, groups []string, members func(string) []string) bool {
	return one == key || one == "" && slices.Contains(several, key) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(members(g), key) })
}

func (t *checksOf) principalGroup(name string) []string {
	if g, ok := t.suite.GetPrincipalGroups()[name]; ok {
		return g.GetPrincipals()
	}
	return t.fixtures.principals.GetPrincipalGroups()[name].GetPrincipals()
}

func (t *checksOf) resourceGroup(name string) []string {
	if g, ok := t.suite.GetResourceGroups()[name]; ok {
		return g.GetResources()
	}
	return t.fixtures.resources.GetResourceGroups()[name].GetResources()
}

func (f *suiteFile) posOf(n *source.Node) source.Pos {
	if n == nil {
		return f.pos
	}
	return n.Pos
}

// testNode returns a test as it is written, or nil.
func (f *suiteFile) testNode(i int) *source.Node {
	if tests := f.root.Get("tests"); tests != nil && i < len(tests.Items) {
		return tests.Items[i]
	}
	return nil
}

// named matches the test that a mistake is about.
var named = regexp.MustCompile(`invalid test ("(?:[^"\\]|\\.)*")|another test named (.*?) already exists`)

// mistake returns what Cerbos's runner says against a suite, at the test that it is about
// where it names one.
func (f *suiteFile) mistake(text string) error {
	pos := f.pos
	if m := named.FindStringSubmatch(text); m != nil {
		for i, test := range f.suite.GetTests() {
			if fmt.Sprintf("%q", test.GetName()) == m[1] || test.GetName() == m[2] {
				pos = f.posOf(f.testNode(i)) // the last, of several
			}
		}
	}
	text = strings.TrimPrefix(oneLine(text), "Failed to load the test suite: ")
	text = strings.TrimPrefix(text, "Invalid test suite: ")
	return source.Errorf(pos, "%s", strings.ToLower(text[:1])+text[1:])
}

package cerbossuite

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// Data returns the file of a suite.
func (s *Suite) Data() []byte {
	w := &file{suite: s, principals: map[string]string{}, resources: map[string]string{}, claims: map[string]string{}}
	w.name()
	w.line(0, "# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json")
	w.line(0, "name: "+source.Quote(s.Name))
	if s.IgnoreSchemas {
		w.line(0, "description: for cerbos compile --ignore-schemas, since the engine is not set to reject what schemas refuse")
	}
	w.options()
	w.fixtures()
	w.line(0, "tests:")
	for _, t := range s.tables {
		w.test(t)
	}
	return []byte(Comment + w.b.String())
}

// A file is a suite that is being written. The names of fixtures are by what they are.
type file struct {
	b          strings.Builder
	suite      *Suite
	principals map[string]string
	resources  map[string]string
	claims     map[string]string

	people []*authz.Principal
	things []authz.Resource
	tokens []*authz.Principal // one for each different set of claims
}

func (w *file) line(depth int, text string) {
	w.b.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// name gives each fixture a name of its own: the key of a principal, and the item of a
// resource, numbered where there are several.
func (w *file) name() {
	taken := map[string]bool{}
	free := func(taken map[string]bool, name string) string {
		for n, first := 2, name; taken[name]; n++ {
			name = first + " #" + strconv.Itoa(n)
		}
		taken[name] = true
		return name
	}
	of, claims := map[string]bool{}, map[string]bool{}
	for _, t := range w.suite.tables {
		for _, p := range t.principals {
			if w.principals[p.Key] == "" {
				w.principals[p.Key] = free(taken, p.Key)
				w.people = append(w.people, p)
			}
			if key := claimsKey(p); key != "" && w.claims[key] == "" {
				w.claims[key] = free(claims, "of "+p.Key)
				w.tokens = append(w.tokens, p)
			}
		}
		for _, r := range t.resources {
			if key := resourceKey(&r); w.resources[key] == "" {
				w.resources[key] = free(of, r.ID)
				w.things = append(w.things, r)
			}
		}
	}
}

// options writes how the engine here is set.
func (w *file) options() {
	e, o := w.suite.engine, w.suite.options
	list := map[string]any{}
	switch {
	case !o.Now.IsZero():
		list["now"] = o.Now.UTC().Format(time.RFC3339Nano)
	case !w.suite.now.IsZero():
		list["now"] = w.suite.now.UTC().Format(time.RFC3339Nano)
	}
	globals := e.Globals
	if o.Globals != nil {
		globals = o.Globals
	}
	if len(globals) > 0 {
		list["globals"] = globals
	}
	if e.DefaultPolicyVersion != "" {
		list["defaultPolicyVersion"] = e.DefaultPolicyVersion
	}
	if e.DefaultScope != "" {
		list["defaultScope"] = e.DefaultScope
	}
	if e.LenientScopeSearch {
		list["lenientScopeSearch"] = true
	}
	if e.StrictEvaluation {
		list["strictEvaluation"] = true
	}
	if len(list) == 0 {
		return
	}
	w.line(0, "options:")
	for _, key := range slices.Sorted(maps.Keys(list)) {
		w.line(1, key+": "+source.Flow(list[key]))
	}
}

// fixtures writes who and what the tests name.
func (w *file) fixtures() {
	w.line(0, "principals:")
	for _, p := range w.people {
		w.line(1, source.Quote(w.principals[p.Key])+":")
		w.line(2, "id: "+source.Quote(p.ID))
		w.line(2, "roles: "+source.Flow(p.Roles))
		w.common(p.Attr, p.PolicyVersion, p.Scope)
	}
	w.line(0, "resources:")
	for _, r := range w.things {
		w.line(1, source.Quote(w.resources[resourceKey(&r)])+":")
		w.line(2, "id: "+source.Quote(r.ID))
		w.line(2, "kind: "+source.Quote(r.Kind))
		w.common(r.Attr, r.PolicyVersion, r.Scope)
	}
	if len(w.tokens) == 0 {
		return
	}
	w.line(0, "auxData:")
	for _, p := range w.tokens {
		w.line(1, source.Quote(w.claims[claimsKey(p)])+":")
		if p.AuxData != nil {
			w.line(2, "jwt: "+source.Flow(p.AuxData))
		}
		if p.JWTs != nil {
			w.line(2, "jwts:")
			for _, name := range slices.Sorted(maps.Keys(p.JWTs)) {
				w.line(3, source.Quote(name)+": {claims: "+source.Flow(p.JWTs[name])+"}")
			}
		}
	}
}

func (w *file) common(attr map[string]any, version, scope string) {
	if len(attr) > 0 {
		w.line(2, "attr: "+source.Flow(attr))
	}
	if version != "" {
		w.line(2, "policyVersion: "+source.Quote(version))
	}
	if scope != "" {
		w.line(2, "scope: "+source.Quote(scope))
	}
}

func (w *file) test(t *table) {
	var people, things []string
	for _, p := range t.principals {
		people = append(people, w.principals[p.Key])
	}
	for _, r := range t.resources {
		things = append(things, w.resources[resourceKey(&r)])
	}
	w.line(1, "- name: "+source.Quote(t.name))
	w.line(2, "input:")
	w.line(3, "principals: "+source.Flow(people))
	w.line(3, "resources: "+source.Flow(things))
	w.line(3, "actions: "+source.Flow(t.actions))
	if claims := claimsKey(t.principals[0]); claims != "" {
		w.line(3, "auxData: "+source.Quote(w.claims[claims]))
	}
	w.line(2, "expected:")
	for i := range t.resources {
		w.expected(t, &t.resources[i], things[i])
	}
}

// expected writes what is expected on a resource, once for all of whom the same is.
func (w *file) expected(t *table, r *authz.Resource, thing string) {
	var order []string
	of := map[string][]string{}
	for _, p := range t.principals {
		var effects []string
		for _, a := range t.actions {
			effect := "EFFECT_DENY"
			if t.effects[effectKey(p, r, a)] {
				effect = "EFFECT_ALLOW"
			}
			effects = append(effects, source.Quote(a)+": "+effect)
		}
		text := "{" + strings.Join(effects, ", ") + "}"
		if of[text] == nil {
			order = append(order, text)
		}
		of[text] = append(of[text], w.principals[p.Key])
	}
	for _, text := range order {
		if len(of[text]) == 1 {
			w.line(3, "- principal: "+source.Quote(of[text][0]))
		} else {
			w.line(3, "- principals: "+source.Flow(of[text]))
		}
		w.line(4, "resource: "+source.Quote(thing))
		w.line(4, "actions: "+text)
	}
}

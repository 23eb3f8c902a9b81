package lint

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A refusal is what a schema refuses in requests about a server.
type refusal struct {
	server *matrix.Server
	target *coverage.Target
	// principals is set if the schema is that of principals.
	principals bool

	sent     int             // how many different requests there are
	refused  []string        // the actions of those that are refused to somebody
	who      []*matrix.Class // to whom
	mistakes []string        // sorted
}

// A sent is a request about a server, and the first column that it is made for.
type sent struct {
	coverage.Asked
	column *matrix.Column
}

// findRefusals asks what the schemas say against the requests. What they say
// of the resource is the same for every principal, and what they say of the
// principal for every request to a target.
func findRefusals(ctx context.Context, p *Pass) error {
	engine, ok := p.input.Engine.(pdp.Validator)
	if !ok || len(p.Matrix.Classes) == 0 || !hasSchemas(p) {
		return nil
	}
	for _, s := range p.Matrix.Servers {
		to := map[*coverage.Target][]sent{}
		for _, r := range sentTo(p, s) {
			to[r.Target] = append(to[r.Target], r)
		}
		for _, t := range p.index.Targets {
			requests := to[t]
			if len(requests) == 0 {
				continue
			}
			if err := refuse(ctx, p, engine, refusal{server: s, target: t}, requests, p.Matrix.Classes[:1]); err != nil {
				return err
			}
			if !ignoresSome(p) {
				requests = requests[:1]
			}
			if err := refuse(ctx, p, engine, refusal{server: s, target: t, principals: true}, requests, p.Matrix.Classes); err != nil {
				return err
			}
		}
	}
	return nil
}

// sentTo returns the different requests about a server.
func sentTo(p *Pass, s *matrix.Server) []sent {
	var list []sent
	seen := map[string]bool{}
	for col := range p.Matrix.ColumnsOf(s) {
		for _, a := range p.index.Asked(col) {
			b, err := json.Marshal([]any{a.Resource, a.Action, a.Unknown, a.MadeKey()})
			if err != nil || seen[string(b)] { // attributes are JSON values, so there is no error
				continue
			}
			seen[string(b)] = true
			list = append(list, sent{a, col})
		}
	}
	return list
}

// refuse keeps the refusal if a schema refuses something in the requests. If the engine
// denies what schemas refuse, the decision has to be a denial too.
func refuse(ctx context.Context, p *Pass, engine pdp.Validator, r refusal, requests []sent, classes []*matrix.Class) error {
	var list []authz.Request
	for _, s := range requests {
		for _, c := range classes {
			of := *s.Request
			of.Principal = c.First()
			list = append(list, of)
		}
	}
	found, err := engine.Validate(ctx, list)
	if err != nil {
		return err
	}
	r.sent = len(requests)
	for i, s := range requests {
		refused := false
		for j, c := range classes {
			if p.input.SchemasRejected && allowedAnyway(p, s, c, r.principals) {
				continue
			}
			if r.add(s.Request, found[i*len(classes)+j]) {
				refused = true
				if !slices.Contains(r.who, c) {
					r.who = append(r.who, c)
				}
			}
		}
		if refused {
			r.refused = append(r.refused, s.Action)
		}
	}
	if len(r.refused) > 0 {
		slices.Sort(r.mistakes)
		p.answers.refusals = append(p.answers.refusals, r)
	}
	return nil
}

// allowedAnyway reports whether the engine allows the operation that the request is
// about all the same: to the class, where it is a matter of principals, or
// else to anybody.
func allowedAnyway(p *Pass, s sent, c *matrix.Class, principals bool) bool {
	if principals {
		return granted(p.cell(c, s.column))
	}
	return slices.ContainsFunc(p.Matrix.Classes, func(c *matrix.Class) bool { return granted(p.cell(c, s.column)) })
}

// madeAt reports whether something is made at a JSON pointer below the attributes of a
// request, or below it, so that a schema may say otherwise of what is sent.
func madeAt(r *authz.Request, pointer string) bool {
	path := append([]string{"attr"}, strings.FieldsFunc(pointer, func(c rune) bool { return c == '/' })...)
	return slices.ContainsFunc(r.Made, func(m authz.Made) bool {
		n := min(len(path), len(m.At))
		return slices.Equal(path[:n], m.At[:n])
	})
}

// add takes note of what a schema says, and reports whether it is anything.
// What depends on the arguments of a call, which are not known, is left out.
func (r *refusal) add(of *authz.Request, found []authz.ValidationError) bool {
	refused := false
	for _, v := range found {
		inArguments := of.Unknown != nil && strings.HasPrefix(v.Path+"/", "/"+strings.Join(of.Unknown, "/")+"/")
		if r.principals != (v.Source == "principal") || !r.principals && (inArguments || madeAt(of, v.Path)) {
			continue
		}
		refused = true
		if text := v.Path + ": " + v.Message; !slices.Contains(r.mistakes, text) {
			r.mistakes = append(r.mistakes, text)
		}
	}
	return refused
}

// hasSchemas reports whether some policy may refer to a schema.
func hasSchemas(p *Pass) bool {
	return p.Policies == nil || slices.ContainsFunc(p.Policies.Policies, func(p *policy.Policy) bool {
		return p.ResourceSchema != nil || p.PrincipalSchema != nil
	})
}

// ignoresSome reports whether a schema of principals may be ignored for some
// actions, so that not every request to a target is the same to it.
func ignoresSome(p *Pass) bool {
	return p.Policies == nil || slices.ContainsFunc(p.Policies.Policies, func(p *policy.Policy) bool {
		return p.PrincipalSchema != nil && len(p.PrincipalSchema.IgnoreWhen) > 0
	})
}

// schemaRef returns the reference to the schema that refuses, or nil.
func schemaRef(p *Pass, r refusal) *policy.SchemaRef {
	if p.Policies == nil {
		return nil
	}
	var best *policy.Policy
	for _, x := range p.Policies.Policies {
		ref := x.ResourceSchema
		if r.principals {
			ref = x.PrincipalSchema
		}
		reaches := slices.ContainsFunc(x.Rules, func(rule *policy.Rule) bool { return r.target.Reaches(rule) })
		if ref != nil && !x.Disabled && x.Kind == policy.ResourcePolicy && reaches && (best == nil || len(x.Scope) > len(best.Scope)) {
			best = x
		}
	}
	switch {
	case best == nil:
		return nil
	case r.principals:
		return best.PrincipalSchema
	}
	return best.ResourceSchema
}

package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// attributeNeverSupplied flags conditions that read an attribute which no
// declared principal has, or which no request that the rule is about brings.
// It is silent where the condition asks first whether the attribute is there.
var attributeNeverSupplied = &Rule{
	ID:       "attribute-never-supplied",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A condition reads a principal attribute that no declared principal has, or a resource attribute that the enforcement point does not send",
		Rationale: `What is not there cannot be compared: the expression errors, and the condition is not met, for
anybody. The attribute is misspelt, or the token does not carry it, or it was in the example that the policy was
copied from and the enforcement point at hand sends something else.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "get_report"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: P.attr.regoin == "EMEA"}}
    - actions: ["tools/list::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.owner == P.id}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "get_report"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: P.attr.region == "EMEA" && !has(P.attr.suspended)}}
    - actions: ["tools/list::get_report"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.tool_name == "get_report"}}
`,
		Fix:       "Correct the attribute, supply it, or ask has() first.",
		Standards: []string{"CWE-863"},
	},
	Check: func(p *Pass) {
		if len(p.Matrix.Classes) == 0 {
			return
		}
		var holding []any
		for _, c := range p.Matrix.Classes {
			holding = append(holding, c.First().Attr)
		}
		known := map[string]supply{} // of principals, by path
		for _, x := range p.readings.list {
			others := x.shown(p)
			for i := range x.reads {
				read := &x.reads[i]
				of := "principal"
				var s supply
				if key := strings.Join(read.Path, "\x00"); !read.Principal {
					of, s = "resource", supplied(sentWith(p, x, read), read.Path)
				} else if others != nil {
					s = suppliedBy(others, read.Path)
				} else if held, ok := known[key]; ok {
					s = held
				} else {
					s = supplied(holding, read.Path)
					known[key] = s
				}
				step, names := s.step, s.names
				if step == len(read.Path) || read.Guarded[step] {
					continue
				}
				name := of + "." + pathName(read.Path[:step+1])
				f := Finding{Pos: posOf(p, x.rule, read.Place), Policy: x.rule.ID, Server: p.index.OnlyServer(x.rule), Evidence: []string{cite(x.rule)}}
				if len(names) > 0 {
					f.Evidence = append(f.Evidence, fmt.Sprintf("What there is: %s.", listing(names, people)))
				}
				who := "no declared principal has"
				if read.Principal && others != nil {
					who = strings.Join(x.senders(), " and ") + " shows no principal that has"
					x.failsOpen(p, &f)
				}
				if !read.Principal {
					who = strings.Join(x.senders(), " and ") + " " + plural(len(x.senders()), "sends", "send") + " no"
					if x.mayBeSent() {
						who = "the profile of " + strings.Join(x.senders(), " and ") + " has no"
						f.Evidence = append(f.Evidence, "It may be sent all the same, and what the condition comes to then is not known here.")
					}
				}
				f.Cause = causeOf(who, name)
				meant := source.DidYouMean(read.Path[step], names)
				p.report(draft{
					Finding: f, servers: p.index.ServerNames(x.rule), subject: called(x.rule),
					say: func(*effects) string { return fmt.Sprintf("%s %s%s, which a condition reads", who, name, meant) },
				})
			}
		}
	},
}

// sentWith returns the attributes of the requests that a rule is about, with
// what stands for arguments that nobody knows: a read of those is satisfied.
func sentWith(p *Pass, x *reader, read *pdp.Read) []any {
	var list []any
	for _, q := range x.about {
		at := argumentsOf(p, q.col)
		if n := min(len(at), len(read.Path)); n > 0 && slices.Equal(at[:n], read.Path[:n]) {
			return []any{anything{}}
		}
		if m, _ := authz.MadeAt(q.Made, append([]string{"attr"}, read.Path...)); m != nil {
			return []any{anything{}}
		}
		list = append(list, q.Resource.Attr)
	}
	return list
}

// shown returns the principals as policies see them, where a rule is asked about by none but
// enforcement points that show others than the declared ones; nil elsewhere.
func (x *reader) shown(p *Pass) []*authz.Principal {
	var list []*authz.Principal
	for _, q := range x.about {
		if !q.col.ShowsOthers() {
			return nil
		}
		list = append(list, peopleShown(p, q.col)...)
	}
	return list
}

// failsOpen makes an error of the finding if the rule denies what somebody may do because its
// condition cannot be evaluated.
func (x *reader) failsOpen(p *Pass, f *Finding) {
	if x.rule.Effect != authz.Deny {
		return
	}
	unmet := func(r matrix.Rule) bool { return r.Syntax == x.rule && r.Met == authz.Unmet }
	for _, q := range x.about {
		var who []*matrix.Class
		for _, c := range p.Matrix.Classes {
			if cell := p.cell(c, q.col); granted(cell) && slices.ContainsFunc(cell.Rules, unmet) {
				who = append(who, c)
			}
		}
		if len(who) > 0 && q.col.Operation != authz.List {
			f.Severity = authz.SeverityError
			f.Evidence = append(f.Evidence, fmt.Sprintf("The DENY fails open: %s may %v %s.", p.names(who), q.col.Operation, q.col.Item.Name))
			return
		}
	}
}

// suppliedBy says how far principals have a path below their attributes.
func suppliedBy(who []*authz.Principal, path []string) supply {
	var holding []any
	for _, one := range who {
		holding = append(holding, one.Attr)
	}
	return supplied(holding, path)
}

// anything is a value that has every attribute.
type anything struct{}

// A supply is the first step of a path that nothing has, or the length of the
// path if something has it all, and the names that are there in its place.
type supply struct {
	step  int
	names []string
}

// supplied says how far some values have a path.
func supplied(values []any, path []string) supply {
	for step, name := range path {
		there := map[string]bool{}
		var next []any
		for _, v := range values {
			switch v := v.(type) {
			case anything:
				return supply{step: len(path)}
			case []any:
				if name == pdp.Element {
					next = append(next, v...)
				}
			case map[string]any:
				if name == pdp.Element { // its keys, which are texts
					next = append(next, "")
				}
				for k := range v {
					there[k] = true
				}
				if below, ok := v[name]; ok {
					next = append(next, below)
				}
			}
		}
		if len(next) == 0 && name == pdp.Element {
			break // what an empty list could hold
		}
		if len(next) == 0 {
			return supply{step, slices.Sorted(maps.Keys(there))}
		}
		values = next
	}
	return supply{step: len(path)}
}

// mayBeSent reports whether what a rule is about may have attributes that no profile knows.
func (x *reader) mayBeSent() bool {
	return slices.ContainsFunc(x.about, func(q columnRequest) bool { return q.col.Server.Profile.Facts().MoreSent })
}

// senders names the enforcement points that send what a rule is about.
func (x *reader) senders() []string {
	var list []string
	for _, q := range x.about {
		if name := q.col.Server.Profile.Name; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

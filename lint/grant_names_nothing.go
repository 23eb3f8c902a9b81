package lint

import (
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/source"
)

// grantNamesNothing flags names in grants that are those of no item, principals in a file
// of grants whose key is a slip, and attributes that are no list of names. It reports once a name. Where an inventory may be incomplete
// it is silent about what that could have.
var grantNamesNothing = &Rule{
	ID:       "grant-names-nothing",
	Family:   unreachable,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A grant names an item that there is not, so that it shows nothing",
		Rationale: `A list that is filtered by a grant shows what was written down beforehand. Nothing holds that to what
the server has: a tool that was renamed is gone from the lists of those who were granted it, and the old name waits
for whatever comes to be called so. A principal whose key is misspelt has no grant.`,
		Bad:       grantWorld + "  sally: [get_ordr]\n",
		Good:      grantWorld + "  sally: [get_order]\n",
		Fix:       "Correct the name, or take it out of the grant.",
		Standards: []string{"NHI1:2025"},
	},
	Check: func(p *Pass) {
		var seen []grantOf
		for _, s := range p.Matrix.Servers {
			for _, t := range authz.ItemTypes() {
				g := s.Profile.Grant(t)
				if g == nil || slices.ContainsFunc(seen, func(x grantOf) bool { return x.like(g, t) }) {
					continue
				}
				x := grantOf{Grant: g, of: t}
				x.among(p)
				seen = append(seen, x)
				x.reportNames(p)
			}
		}
		for i := range seen {
			if !slices.ContainsFunc(seen[:i], func(x grantOf) bool { return x.Names == seen[i].Names }) {
				seen[i].reportKeys(p)
			}
		}
	},
}

// A grantOf is a grant for items of a type, of the servers whose lists it filters.
type grantOf struct {
	*pep.Grant
	of      authz.ItemType
	servers []*matrix.Server
	names   []string // of the items
	whole   bool     // there are no others
}

// like reports whether another grant has the same names for items of the same type.
func (x *grantOf) like(g *pep.Grant, t authz.ItemType) bool {
	return x.of == t && x.String() == g.String()
}

// among gathers the items that may be named.
func (x *grantOf) among(p *Pass) {
	x.whole = true
	for _, s := range p.Matrix.Servers {
		g := s.Profile.Grant(x.of)
		if g == nil || !x.like(g, x.of) {
			continue
		}
		x.servers, x.whole = append(x.servers, s), x.whole && len(s.Inventory.Gaps) == 0
		for _, i := range s.Inventory.Of(x.of) {
			x.names = append(x.names, i.Name)
		}
	}
}

// reportNames reports the names of no item.
func (x *grantOf) reportNames(p *Pass) {
	if !x.whole {
		return
	}
	if x.Attr != nil {
		for _, c := range p.Matrix.Classes {
			who := wholly([]*matrix.Class{c})
			names, known := x.GrantedNames(c.First())
			if !known {
				x.reportOther(p, c.First().Pos, who)
			}
			for _, name := range names {
				if known && !slices.Contains(x.names, name) {
					x.report(p, name, c.First().Pos, who)
				}
			}
		}
		return
	}
	for _, to := range slices.Concat(x.Names.Principals, x.Names.Roles) {
		for i := range to.Names {
			n := &to.Names[i]
			if !slices.ContainsFunc(x.names, n.Matches) {
				x.report(p, n.Text, n.Pos, nil)
			}
		}
	}
}

func (x *grantOf) report(p *Pass, name string, pos source.Pos, who crowd) {
	f := Finding{Pos: pos, Cause: causeOf(x.String(), noun(x.of), name), Server: x.servers[0].Name}
	if len(x.names) > 0 {
		f.Evidence = []string{fmt.Sprintf("What there is: %s.", listing(x.names, people))}
	} else {
		f.Evidence = []string{fmt.Sprintf("%s has no %s.", x.servers[0].Name, noun(x.of))}
	}
	p.report(draft{Finding: f, subject: name, who: who, endpoint: pep.Endpoint(x.of, authz.List), say: func(e *effects) string {
		whose := x.String()
		if e.who.size() > 0 {
			whose += " of " + p.namesIn(e.who)
		}
		return fmt.Sprintf("%s names %s, which is no %s%s", whose, name, noun(x.of), source.DidYouMean(name, x.names))
	}})
}

// reportOther reports an attribute that is no list of names.
func (x *grantOf) reportOther(p *Pass, pos source.Pos, who crowd) {
	f := Finding{
		Pos: pos, Cause: causeOf(x.String(), "no list"), Server: x.servers[0].Name, Fix: "Write a list of names, [] for none.",
		Evidence: []string{fmt.Sprintf("%s shows them what the list of names has.", pep.Endpoint(x.of, authz.List))},
	}
	p.report(draft{Finding: f, subject: x.String(), who: who, endpoint: pep.Endpoint(x.of, authz.List), say: func(e *effects) string {
		return fmt.Sprintf("%s of %s is no list of names: what shows to them is not known", x.Grant, p.namesIn(e.who))
	}})
}

// reportKeys reports grants to principals that are not declared, where another key is near.
func (x *grantOf) reportKeys(p *Pass) {
	if x.Names == nil {
		return
	}
	var keys []string
	for who := range p.Matrix.Principals() {
		keys = append(keys, who.Key)
	}
	for _, to := range x.Names.Principals {
		near := source.DidYouMean(to.Whose, keys)
		if slices.Contains(keys, to.Whose) || near == "" {
			continue // declared principals are a sample
		}
		f := Finding{
			Pos: to.Pos, Cause: causeOf(x.String(), "principal", to.Whose), Server: x.servers[0].Name, Fix: "Correct the key, or declare the principal.",
			Evidence: []string{fmt.Sprintf("Declared are %s.", listing(keys, people))},
		}
		p.report(draft{Finding: f, subject: to.Whose, say: func(*effects) string {
			return fmt.Sprintf("%s has a grant to %s, who is not declared%s", x.String(), to.Whose, near)
		}})
	}
}

const grantWorld = `
-- mcpolicy.yaml --
servers:
  crm: {manifest: manifest.json, enforcement: gateway}
enforcement:
  gateway:
    tools/list: {filter: grant, grant: {file: grants.yaml}, missing: refuse}
    tools/call: [{kind: tool, id: "{name}", action: "{name}"}]
policies: policies
principals: principals.yaml
-- manifest.json --
{"tools": [{"name": "get_order"}]}
-- principals.yaml --
principals:
  sally: {id: sally, roles: [SALES]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: tool
  version: default
  rules:
    - {actions: [get_order], effect: EFFECT_ALLOW, roles: [SALES]}
-- grants.yaml --
principals:
`

package workspace

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// Uncovered notes the kinds of resource that columns ask about and no policy at
// hand covers: what is denied there, or open, nobody decided. A check has the rule
// no-policy-for-resource for it, which sees versions and scopes too.
func (w *Workspace) Uncovered(columns []*matrix.Column) []report.Note {
	if w.remote != nil {
		return nil // a PDP may have other policies
	}
	var kinds []string
	for _, p := range w.Policies.Policies {
		if p.Kind == policy.ResourcePolicy && !p.Disabled {
			kinds = append(kinds, p.Name)
		}
	}
	type asked struct {
		server *matrix.Server
		kind   string
	}
	seen := map[asked]bool{}
	var list []report.Note
	for _, col := range columns {
		for _, r := range col.Question.Requests {
			if r.By != nil && r.By.Refuses() != nil {
				continue
			}
			a := asked{col.Server, r.Resource.Kind}
			if seen[a] || r.MakesRoute("kind") || w.Policies.CoversKind(a.kind) {
				continue
			}
			seen[a] = true
			becomes := "it is denied to everybody, because nobody decided"
			if a.server.Profile.PassesUncovered() {
				becomes = "it is open to everybody, because that lets pass what no policy covers"
			}
			list = append(list, report.Note{
				Rule: "no-policy-for-resource", Server: a.server.Name, Pos: w.declared(a.server.Name),
				Message: fmt.Sprintf("no policy covers the kind %s%s, which %s asks about for %s: %s",
					a.kind, source.DidYouMean(a.kind, kinds), a.server.Profile.Name, a.server.Name, becomes),
			})
		}
	}
	return list
}

// declared returns where the config declares a server, or its own beginning.
func (w *Workspace) declared(server string) source.Pos {
	if s := w.Config.Servers.Get(server); s != nil {
		return s.Pos
	}
	return source.Pos{File: w.Config.File}
}

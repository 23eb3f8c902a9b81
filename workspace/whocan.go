package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/explain"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/report"
	"github.com/mcpolicy/mcpolicy/source"
)

// An Access is what who-can asks about.
type Access struct {
	Operation   authz.Operation
	Items       []string // names or globs; none are all
	Server      string   // "" for all
	Destructive bool     // of the tools only those
}

// WhoCan says who may do something: the declared principals, and anybody by role.
// It goes by the embedded engine, since a running PDP cannot be asked about people
// who are not declared. The notes are about kinds that no policy covers.
func (w *Workspace) WhoCan(ctx context.Context, a *Access) ([]explain.Answer, []report.Note, error) {
	servers, err := w.narrow(a)
	if err != nil {
		return nil, nil, err
	}
	m, err := w.decided(ctx, servers, w.Engine)
	if err != nil {
		return nil, nil, err
	}
	var columns []*matrix.Column
	for _, c := range m.Columns {
		if c.Operation == a.Operation {
			columns = append(columns, c)
		}
	}
	if err := w.stableFor(m, columns...); err != nil {
		return nil, nil, err
	}
	_, end := w.o.Progress.begin("asking for roles")
	answers, err := explain.WhoCan(ctx, m, w.Engine, w.Policies, columns)
	end()
	if err != nil {
		return nil, nil, err
	}
	return answers, w.Uncovered(columns), w.simplifyAnswers(ctx, answers)
}

// narrow returns copies of the servers with only the items that are asked about.
func (w *Workspace) narrow(a *Access) ([]*matrix.Server, error) {
	var names, servers []string
	matched := make([]bool, len(a.Items))
	var left []*matrix.Server
	for _, s := range w.Servers {
		servers = append(servers, s.Name)
		if a.Server != "" && s.Name != a.Server {
			continue
		}
		inventory := *s.Inventory
		inventory.Items = nil
		for _, item := range s.Inventory.Items {
			if a.Operation != authz.List && a.Operation != item.Type.Use() {
				continue
			}
			names = append(names, item.Name)
			hit := len(a.Items) == 0
			for i, p := range a.Items {
				re, err := glob.Compile(p)
				if err != nil {
					return nil, wrong(err)
				}
				if p == item.Name || re.MatchString(item.Name) {
					hit, matched[i] = true, true
				}
			}
			if hit && (!a.Destructive || item.Type == authz.ToolItem && item.Destructive() != manifest.None) {
				inventory.Items = append(inventory.Items, item)
			}
		}
		if len(inventory.Items) > 0 {
			left = append(left, &matrix.Server{Name: s.Name, Inventory: &inventory, Profile: s.Profile})
		}
	}
	if a.Server != "" && !slices.Contains(servers, a.Server) {
		return nil, noServer(a.Server, servers)
	}
	if i := slices.Index(matched, false); i >= 0 {
		return nil, wrong(fmt.Errorf("nothing to %s is called %q%s", a.Operation, a.Items[i], source.DidYouMean(a.Items[i], names)))
	}
	if len(left) == 0 {
		return nil, wrong(fmt.Errorf("nothing to %s among %s", a.Operation, strings.Join(servers, ", ")))
	}
	return left, nil
}

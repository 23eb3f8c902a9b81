package manifest

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// isDockerTool recognises a tool of Docker's registry by its arguments.
func isDockerTool(n *source.Node) bool {
	args := n.Get("arguments")
	return args.Is(source.Sequence) && slices.ContainsFunc(args.Items, func(a *source.Node) bool {
		return a.Get("desc") != nil || a.Get("type") != nil
	})
}

func isAnnotated(n *source.Node) bool { return isObject(n, "annotations") }

// dockerTools reads a tools.json of Docker's registry, and other arrays that
// have no more than names and descriptions. Docker's Go types drop every hint
// that is false.
func (r *reader) dockerTools(n *source.Node) []*Inventory {
	inv := r.bare(n, authz.ToolItem, DockerTools)
	r.dockerArguments(inv, n)
	if !lossy(inv.Items) {
		inv.Format = ToolArray
	}
	return []*Inventory{inv}
}

func (r *reader) dockerArguments(inv *Inventory, list *source.Node) {
	nodes := byPos(list)
	for _, it := range inv.Items {
		if n := nodes[it.Pos]; it.Schema == nil || !isObject(n, "arguments") {
			it.Arguments = r.arguments(n)
		}
	}
}

// isDockerCatalog recognises a catalog of Docker's gateway.
func isDockerCatalog(n *source.Node) bool {
	return allFields(n.Get("registry"), func(v *source.Node) bool { return v.Is(source.Mapping) })
}

// dockerCatalog reads one inventory a server. The gateway offers a tool as
// prefix__tool where the server has a prefix.
func (r *reader) dockerCatalog(n *source.Node) []*Inventory {
	var list []*Inventory
	for _, f := range n.Get("registry").Fields {
		inv := &Inventory{Server: f.Name, Format: DockerCatalog, Pos: f.Value.Pos}
		if tools := r.list(f.Value, "tools"); tools != nil && len(tools.Items) > 0 {
			inv = r.bare(tools, authz.ToolItem, DockerCatalog)
			inv.Server, inv.Pos = f.Name, f.Value.Pos
			r.dockerArguments(inv, tools)
			lossy(inv.Items)
		} else {
			inv.Gaps = []Gap{{
				Reason: Dynamic, Pos: inv.Pos, Types: Types(authz.ToolItem),
				Message: "the catalog lists no tools for " + quote(f.Name) + ": they are known only when it runs; " + saveRunning,
			}}
		}
		if prefix := r.str(f.Value, "prefix"); prefix != "" {
			for _, it := range inv.Items {
				it.Name = prefix + "__" + it.Name
			}
		}
		list = append(list, inv)
	}
	return list
}

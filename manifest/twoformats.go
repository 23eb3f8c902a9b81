package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
)

// The two formats of fastmcp inspect describe the same items of a FastMCP 2
// server, and each leaves something out that decides who can do what.
const (
	untoldTasks = "`fastmcp inspect --format fastmcp` does not say which tools can be called as tasks, " +
		"which no policy sees on FastMCP 2.14; inspect with `--format mcp` as well, and name both files for this server"
	untoldOwnNames = "`fastmcp inspect --format mcp` does not say by which names the tools of mounted servers are listed, " +
		"which is what policies are asked about on FastMCP 2; inspect with `--format fastmcp` as well, and name both files for this server"
)

// otherFormat returns the other of the two formats, or UnknownFormat.
func otherFormat(f Format) Format {
	return map[Format]Format{FastMCPInspect: FastMCPInspectMCP, FastMCPInspectMCP: FastMCPInspect}[f]
}

// twin reports whether other describes the same server in the other format.
func (inv *Inventory) twin(other *Inventory) bool {
	return otherFormat(inv.Format) != UnknownFormat && other.Format == otherFormat(inv.Format) && other.FastMCP == inv.FastMCP
}

// noteUntold says what the format leaves out, where that may matter: a mounted
// tool has its server's prefix, with an underscore.
func (inv *Inventory) noteUntold() {
	tools := inv.Of(authz.ToolItem)
	switch {
	case inv.Format == FastMCPInspect && strings.HasPrefix(inv.FastMCP, "2.14.") && len(tools) > 0:
		inv.Notes = append(inv.Notes, Note{Pos: inv.Pos, Message: untoldTasks})
	case inv.Format == FastMCPInspectMCP && major(inv.FastMCP) == 2 &&
		slices.ContainsFunc(tools, func(it *Item) bool { return strings.Contains(it.Name, "_") }):
		inv.Notes = append(inv.Notes, Note{Pos: inv.Pos, Message: untoldOwnNames})
	}
}

// told returns the notes of a part, but for what another of the parts says.
func (inv *Inventory) told(parts []*Inventory) []Note {
	if !slices.ContainsFunc(parts, inv.twin) {
		return inv.Notes
	}
	return slices.DeleteFunc(slices.Clone(inv.Notes), func(n Note) bool {
		return n.Message == untoldTasks || n.Message == untoldOwnNames
	})
}

// complete adds what a part says of items that an earlier one has in the other
// format, and returns the part's other items.
func (inv *Inventory) complete(part *Inventory, earlier []*Inventory) []*Item {
	type id struct {
		t    authz.ItemType
		name string
	}
	at := map[id]int{}
	if slices.ContainsFunc(earlier, part.twin) {
		for i, it := range inv.Items {
			at[id{it.Type, it.Name}] = i
		}
	}
	var rest []*Item
	for _, it := range part.Items {
		i, ok := at[id{it.Type, it.Name}]
		if !ok {
			rest = append(rest, it)
			continue
		}
		whole := *inv.Items[i]
		whole.OwnName = cmp.Or(whole.OwnName, it.OwnName)
		whole.TaskSupport = cmp.Or(whole.TaskSupport, it.TaskSupport)
		inv.Items[i] = &whole
	}
	return rest
}

package manifest

import (
	"cmp"
	"slices"
)

// Merge joins the parts of one server's inventory, in order: tools in one
// file, prompts in another, or the pages of a list. The first part that names
// the server, its FastMCP or its protocol decides. A gap that another part
// fills is none: a truncated list by the page after it, items that one part
// only promises by their list, an empty answer ("prompts": []) by any items.
// The two formats of fastmcp inspect describe the same items, and each leaves
// something out: of FastMCP 2 only one has the own names of mounted items, and
// only the other says which tools can be called as tasks. An item that both
// have is one. The parts are left as they are.
func Merge(parts ...*Inventory) *Inventory {
	whole := &Inventory{}
	for i, part := range parts {
		if i == 0 {
			whole.Format, whole.Pos = part.Format, part.Pos
		}
		whole.name(part)
		whole.Gaps = append(unanswered(whole.Gaps, part.Types), part.Gaps...)
		whole.Items = append(whole.Items, whole.complete(part, parts[:i])...)
		whole.Types |= part.Types
		whole.Notes = append(whole.Notes, part.Notes...)
	}
	whole.Gaps = slices.DeleteFunc(whole.Gaps, func(g Gap) bool {
		switch g.Reason {
		case Empty:
			return g.Types != 0 && len(whole.Items) > 0
		case Dynamic, Failed:
			return g.Types != 0 && g.Types&^whole.Types == 0
		case Truncated, Generated, Guarded:
		}
		return false
	})
	whole.finish()
	return whole
}

// name takes over what part says about its server, if nothing is known yet.
func (inv *Inventory) name(part *Inventory) {
	if inv.Server == "" {
		inv.Server = part.Server
	}
	if inv.Protocol == "" {
		inv.Protocol = part.Protocol
	}
	switch {
	case inv.FastMCP == "":
		inv.FastMCP = part.FastMCP
	case part.FastMCP != "" && part.FastMCP != inv.FastMCP:
		inv.Notes = append(inv.Notes, Note{Pos: part.Pos, Message: "this part of the inventory comes from FastMCP " + quote(part.FastMCP) +
			", an earlier one from " + quote(inv.FastMCP) + ": the earlier one counts"})
	}
}

// complete adds what a part says of items that an earlier one has in the other
// format of fastmcp inspect, and returns the part's other items.
func (inv *Inventory) complete(part *Inventory, earlier []*Inventory) []*Item {
	other := map[Format]Format{FastMCPInspect: FastMCPInspectMCP, FastMCPInspectMCP: FastMCPInspect}[part.Format]
	twins := map[*Item]bool{}
	for _, e := range earlier {
		if other != UnknownFormat && e.Format == other && e.FastMCP == part.FastMCP {
			for _, it := range e.Items {
				twins[it] = true
			}
		}
	}
	var rest []*Item
	for _, it := range part.Items {
		i := slices.IndexFunc(inv.Items, func(of *Item) bool { return twins[of] && of.Type == it.Type && of.Name == it.Name })
		if i < 0 {
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

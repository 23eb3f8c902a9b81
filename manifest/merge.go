package manifest

import "slices"

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
		whole.Notes = append(whole.Notes, part.told(parts)...)
	}
	whole.Gaps = slices.DeleteFunc(whole.Gaps, func(g Gap) bool {
		switch g.Reason {
		case Empty:
			return g.Types != 0 && len(whole.Items) > 0
		case Dynamic, Failed:
			return g.Types != 0 && g.Types&^whole.Types == 0
		case Truncated, Generated, Guarded, Unread:
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

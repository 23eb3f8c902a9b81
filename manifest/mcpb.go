package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// isMCPB recognises a desktop extension by the version of its manifest, a
// string; in a browser extension it is a whole number.
func isMCPB(n *source.Node) bool {
	return isObject(n, "server") && (isDottedVersion(n.Get("manifest_version")) || isDottedVersion(n.Get("dxt_version")))
}

func isDottedVersion(v *source.Node) bool {
	return v.Is(source.String) || v.Is(source.Number) && strings.Contains(v.Text, ".")
}

// missing returns the items that are not among those known already.
func missing(items, known []*Item) []*Item {
	return slices.DeleteFunc(items, func(it *Item) bool {
		return slices.ContainsFunc(known, func(k *Item) bool { return k.Type == it.Type && k.Name == it.Name })
	})
}

// mcpb reads what a desktop extension declares, or the whole list results that
// extensions for Windows carry.
func (r *reader) mcpb(n *source.Node) []*Inventory {
	inv := &Inventory{Format: MCPB, Pos: n.Pos}
	static := n.Get("_meta").Get("com.microsoft.windows").Get("static_responses")
	inv.Protocol = static.Get("initialize").Get("protocolVersion").Str()
	for _, method := range listMethods {
		if result := r.mapping(static, method); result != nil {
			part := r.lists(result)
			inv.Items = append(inv.Items, part.Items...)
			inv.Gaps = append(inv.Gaps, part.Gaps...)
			inv.Types |= part.Types
		}
	}
	for _, t := range []authz.ItemType{authz.ToolItem, authz.PromptItem} {
		key := listKeys[t][0]
		answered := inv.Types.Has(t)
		if list := r.list(n, key); list != nil {
			inv.Types |= Types(t)
			inv.Items = append(inv.Items, missing(r.items(list, t), inv.Items)...)
		}
		if answered {
			continue
		}
		if generated := key + "_generated"; r.boolean(n, generated) {
			inv.Gaps = append(inv.Gaps, Gap{
				Reason: Generated, Pos: n.Get(generated).Pos, Types: Types(t),
				Message: generated + ": the server makes more " + plural(t) + " when it runs than its manifest declares; " + saveItems(t),
			})
		}
	}
	inv.Server = r.str(n, "name")
	return []*Inventory{inv}
}

package manifest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

func isFastMCPFlat(n *source.Node) bool {
	return n.Get("fastmcp_version").Is(source.String) && (n.Get("templates") != nil || n.Get("tools") != nil)
}

func isFastMCPInspect(n *source.Node) bool {
	return isObject(n, "environment") && n.Get("environment").Get("fastmcp").Is(source.String) &&
		isObject(n, "server") && n.Get("tools") != nil
}

func isFastMCPInspectMCP(n *source.Node) bool {
	return isObject(n, "environment") && n.Get("environment").Get("fastmcp").Is(source.String) &&
		isObject(n, "serverInfo") && n.Get("tools") != nil
}

// fastMCPFlat reads what fastmcp inspect wrote up to 2.11. It asked the server
// directly, so nothing is hidden.
func (r *reader) fastMCPFlat(n *source.Node) []*Inventory {
	inv := r.inspected(n, n.Get("fastmcp_version").Text)
	inv.Format = FastMCPFlat
	inv.Server = r.str(n, "name")
	return []*Inventory{inv}
}

func (r *reader) fastMCPInspect(n *source.Node) []*Inventory {
	inv := r.inspected(n, n.Get("environment").Get("fastmcp").Text)
	inv.Format = FastMCPInspect
	inv.Server = r.str(n.Get("server"), "name")
	if !strings.HasPrefix(inv.FastMCP, "2.12.") { // which asked the server directly
		inv.checkGuarded(n)
	}
	inv.noteUntold()
	return []*Inventory{inv}
}

func (r *reader) fastMCPInspectMCP(n *source.Node) []*Inventory {
	inv := r.lists(n)
	inv.FastMCP = n.Get("environment").Get("fastmcp").Text
	inv.Format = FastMCPInspectMCP
	inv.Items = r.newest(inv.Items)
	inv.checkGuarded(n)
	inv.noteUntold()
	return []*Inventory{inv}
}

// checkGuarded records a gap where fastmcp inspect found nothing at all. It
// runs the server's middleware without a token, and what guards the server
// answers with empty lists; only resource templates may slip through.
func (inv *Inventory) checkGuarded(n *source.Node) {
	for _, t := range []authz.ItemType{authz.ToolItem, authz.PromptItem, authz.ResourceItem} {
		if list := listOf(n, t); list != nil && len(list.Items) > 0 {
			return
		}
	}
	inv.Gaps = append(inv.Gaps, Gap{Reason: Guarded, Pos: inv.Pos, Types: inv.Types, Message: "`fastmcp inspect` found nothing: " +
		"it runs the server's authorization middleware without a token, and a guarded server then hides everything; " +
		"put a file beside the server with the lines `mcp = create_server()` and `mcp.middleware.clear()`, and inspect that file instead"})
}

// fastMCPOf tells which FastMCP a server runs on from what its items carry on
// the wire, as far as that goes: FastMCP 2 writes _meta._fastmcp, and later
// ones _meta.fastmcp, of which only 4 speaks protocol 2026-07-28. In 2 only
// 2.14 knows tasks, and says so among its capabilities or of a tool. The version in serverInfo may be the server's own, and
// proves nothing.
func fastMCPOf(n *source.Node, protocol string) string {
	version := ""
	for _, t := range authz.ItemTypes() {
		list := listOf(n, t)
		if !list.Is(source.Sequence) {
			continue
		}
		for _, item := range list.Items {
			meta := item.Get("_meta")
			switch {
			case isObject(meta, "_fastmcp") && (isObject(item, "execution") || isObject(n.Get("capabilities"), "tasks")):
				return "2.14"
			case isObject(meta, "_fastmcp"):
				version = "2"
			case isObject(meta, "fastmcp") && protocol >= "2026-07-28":
				return "4"
			case isObject(meta, "fastmcp") && protocol != "":
				return "3"
			}
		}
	}
	return version
}

// inspected reads the items of FastMCP's own notation.
func (r *reader) inspected(n *source.Node, version string) *Inventory {
	inv := &Inventory{FastMCP: version, Pos: n.Pos}
	keys := map[authz.ItemType]string{
		authz.ToolItem: "tools", authz.PromptItem: "prompts", authz.ResourceItem: "resources", authz.TemplateItem: "templates",
	}
	for _, t := range authz.ItemTypes() {
		list := r.list(n, keys[t])
		if list == nil {
			continue
		}
		inv.Types |= Types(t)
		r.read[list] = true
		for _, item := range list.Items {
			if it := r.inspectedItem(item, t, major(version)); it != nil {
				inv.Items = append(inv.Items, it)
			}
		}
	}
	inv.Items = r.newest(inv.Items)
	return inv
}

// major returns the first number of a version, or 0.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// keyPrefixes begin the keys of FastMCP 3: tool:name@version.
var keyPrefixes = map[authz.ItemType]string{
	authz.ToolItem: "tool:", authz.PromptItem: "prompt:", authz.ResourceItem: "resource:", authz.TemplateItem: "template:",
}

// inspectedItem reads an item that may be mounted, versioned or disabled. In
// FastMCP 2 its key is the name on the wire, and its name the one that it has
// where it is mounted from; from 3 on its name is the one on the wire.
func (r *reader) inspectedItem(n *source.Node, t authz.ItemType, major int) *Item {
	it := r.item(n, t, "")
	if it == nil || !n.Is(source.Mapping) {
		return it
	}
	if tags := r.tags(n); tags != nil {
		it.Tags = tags
	}
	key := r.str(n, "key")
	rest, prefixed := strings.CutPrefix(key, keyPrefixes[t])
	at := strings.LastIndexByte(rest, '@')
	switch {
	case key == "":
	case major != 2 && prefixed && at >= 0:
		it.Version = rest[at+1:]
	case key != it.Name:
		it.Name, it.OwnName = key, it.Name
	}
	if v := n.Get("enabled"); v != nil && !v.Is(source.Null) && !r.boolean(n, "enabled") {
		r.noteOff(it)
		return nil
	}
	return it
}

// newest leaves one version of each item, the highest, as a FastMCP server
// does in its lists. Items that do not differ in their version all stay.
func (r *reader) newest(items []*Item) []*Item {
	type id struct {
		t    authz.ItemType
		name string
	}
	highest := map[id]string{}
	for _, it := range items {
		k := id{it.Type, it.Name}
		if v, ok := highest[k]; !ok || compareVersions(it.Version, v) > 0 {
			highest[k] = it.Version
		}
	}
	return slices.DeleteFunc(items, func(it *Item) bool {
		top := highest[id{it.Type, it.Name}]
		if compareVersions(it.Version, top) == 0 {
			return false
		}
		version := "without a version"
		if it.Version != "" {
			version = "of version " + quote(it.Version)
		}
		r.note(it.Pos, "%s %s %s is left out: the server offers version %s", singular(it.Type), quote(it.Name), version, quote(top))
		return true
	})
}

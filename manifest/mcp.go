package manifest

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// isListResult recognises any object with a list of MCP: the result of one
// list request, several of them in one object, a server card, a home-made
// manifest.
func isListResult(n *source.Node) bool {
	for _, keys := range listKeys {
		if slices.ContainsFunc(keys, func(k string) bool { return n.Get(k) != nil }) {
			return true
		}
	}
	return false
}

func (r *reader) listResult(n *source.Node) []*Inventory { return []*Inventory{r.lists(n)} }

// lists reads the lists of an object, whichever it has.
func (r *reader) lists(n *source.Node) *Inventory { return r.listsOf(n, authz.ItemTypes()...) }

func (r *reader) listsOf(n *source.Node, types ...authz.ItemType) *Inventory {
	inv := &Inventory{Server: serverName(n), Format: listFormat(n), Protocol: n.Get("protocolVersion").Str(), Pos: n.Pos}
	defer func(before bool) { r.answer = before }(r.answer)
	r.answer = r.answer || isAnswer(n)
	for _, t := range types {
		if v := listOf(n, t); v != nil {
			r.addList(inv, v, t)
		}
	}
	r.checkWhole(inv, n)
	inv.FastMCP = fastMCPOf(n, inv.Protocol)
	return inv
}

// isAnswer recognises lists that a server gave itself.
func isAnswer(n *source.Node) bool {
	return slices.ContainsFunc([]string{"serverInfo", "protocolVersion", "resultType", "cacheScope"}, func(key string) bool {
		return n.Get(key) != nil
	})
}

func listFormat(n *source.Node) Format {
	tools := n.Get("tools")
	switch {
	case isOpenAIListed(n):
		return OpenAIListed
	case anyField(tools, isToolboxTool):
		return Toolbox
	case anyElement(isModelTool)(orEmpty(tools)):
		if f := modelFormat(tools); f != ToolArray {
			return f
		}
		return ListResult
	case schemaNames(n, serverCardSchema), isObject(n, "serverInfo") && n.Get("transport") != nil:
		return ServerCard
	case tools.Is(source.Sequence) && len(tools.Items) > 0 && allElements(isString)(tools):
		return NameList
	}
	return ListResult
}

func orEmpty(n *source.Node) *source.Node {
	if n == nil {
		return &source.Node{}
	}
	return n
}

// addList reads the items of one type. Server cards and home-made manifests
// put other things than lists where a list belongs.
func (r *reader) addList(inv *Inventory, v *source.Node, t authz.ItemType) {
	key := listKeys[t][0]
	switch {
	case v.Is(source.Sequence):
		r.fill(inv, v, t)
	case v.Is(source.Bool) && v.Text == "false":
		inv.Types |= Types(t)
	case isPromise(v):
		inv.Gaps = append(inv.Gaps, Gap{
			Reason: Dynamic, Pos: v.Pos, Types: Types(t),
			Message: "the file says that there are " + plural(t) + ", not which; " + saveItems(t),
		})
	case isKeyed(v) && (t == authz.ToolItem || t == authz.PromptItem):
		inv.Types |= Types(t)
		r.read[v] = true
		for _, f := range v.Fields {
			if it := r.keyed(f, t); it != nil {
				inv.Items = append(inv.Items, it)
			}
		}
	default:
		r.want(v, key, "a list")
	}
}

// fill reads a list of items of one type.
func (r *reader) fill(inv *Inventory, list *source.Node, t authz.ItemType) {
	inv.Types |= Types(t)
	inv.Items = append(inv.Items, r.items(list, t)...)
	if i := slices.IndexFunc(list.Items, isEverything); i >= 0 {
		inv.Gaps = append(inv.Gaps, Gap{
			Reason: Dynamic, Pos: list.Items[i].Pos, Types: Types(t),
			Message: "\"*\" stands for all " + plural(t) + ", and does not say which there are; " + saveItems(t),
		})
	}
}

// isEverything recognises what stands for all items in a list of names.
func isEverything(n *source.Node) bool { return n.Str() == "*" }

// isPromise recognises what stands for a list that is kept elsewhere: true,
// "dynamic", a capability, a reference.
func isPromise(v *source.Node) bool {
	switch v.Kind {
	case source.Bool:
		return v.Text == "true"
	case source.String:
		return v.Text == "dynamic"
	case source.Mapping:
		return len(v.Fields) == 0 || v.Get("$ref") != nil || v.Get("listChanged") != nil || v.Get("subscribe") != nil
	case source.Null, source.Number, source.Sequence:
	}
	return false
}

// isKeyed recognises items that stand in an object under their names. Some may
// have no more than a description, or nothing at all.
func isKeyed(v *source.Node) bool {
	isObject := func(item *source.Node) bool { return item.Is(source.Mapping) }
	isNull := func(item *source.Node) bool { return item.Is(source.Null) }
	return allFields(v, isNull) || anyField(v, isObject) && allFields(v, func(item *source.Node) bool {
		return isObject(item) || isNull(item) || isString(item)
	})
}

// keyed reads an item that stands under its name.
func (r *reader) keyed(f source.Field, t authz.ItemType) *Item {
	n := f.Value
	switch {
	case n.Is(source.Null):
		n = &source.Node{Kind: source.Mapping, Pos: f.Pos}
	case n.Is(source.String):
		n = &source.Node{Kind: source.Mapping, Pos: f.Pos, Fields: []source.Field{{Name: "description", Pos: n.Pos, Value: n}}}
	}
	if it := r.item(n, t, f.Name); it != nil && !r.isOff(it, n) {
		return it
	}
	return nil
}

// checkWhole records what a list result says of its own completeness.
func (r *reader) checkWhole(inv *Inventory, n *source.Node) {
	if r.str(n, "nextCursor") != "" {
		inv.Gaps = append(inv.Gaps, Gap{
			Reason: Truncated, Pos: n.Get("nextCursor").Pos, Types: inv.Types,
			Message: "the list is truncated: nextCursor says that more pages follow; " +
				"read them all with mcpolicy discover, or append them (one result a line, or several files for one server)",
		})
	}
	if n.Get("cacheScope").Str() == "private" {
		r.note(n.Get("cacheScope").Pos, "the list may differ for whoever asks (cacheScope is private): this is what one of them saw")
	}
}

// bare reads an array that is the list of one type.
func (r *reader) bare(n *source.Node, t authz.ItemType, f Format) *Inventory {
	inv := &Inventory{Format: f, Pos: n.Pos}
	r.fill(inv, n, t)
	return inv
}

func isMCPTool(n *source.Node) bool {
	return n.Get("inputSchema") != nil || n.Get("outputSchema") != nil
}

func (r *reader) toolArray(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.ToolItem, ToolArray)}
}

func (r *reader) nameList(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.ToolItem, NameList)}
}

// isPrompt tells a prompt from a tool of Docker's: its arguments have neither
// a type nor a desc.
func isPrompt(n *source.Node) bool {
	args := n.Get("arguments")
	return args.Is(source.Sequence) && len(args.Items) > 0 && !isDockerTool(n)
}

func (r *reader) promptArray(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.PromptItem, PromptArray)}
}

func (r *reader) resourceArray(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.ResourceItem, ResourceArray)}
}

func (r *reader) templateArray(n *source.Node) []*Inventory {
	return []*Inventory{r.bare(n, authz.TemplateItem, TemplateArray)}
}

// isSingleTool recognises one tool on its own, as in snapshot tests.
func isSingleTool(n *source.Node) bool { return n.Get("inputSchema") != nil || isModelTool(n) }

func (r *reader) singleTool(n *source.Node) []*Inventory {
	inv := &Inventory{Format: SingleTool, Pos: n.Pos, Types: Types(authz.ToolItem)}
	if it := r.item(n, authz.ToolItem, ""); it != nil {
		inv.Items = []*Item{it}
	}
	return []*Inventory{inv}
}

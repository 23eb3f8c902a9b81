package manifest

import (
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/source"
)

// items reads a list of items of one type.
func (r *reader) items(list *source.Node, t authz.ItemType) []*Item {
	var items []*Item
	r.read[list] = true
	for _, n := range list.Items {
		if isEverything(n) {
			continue
		}
		if t == authz.ToolItem && isHostedTool(n) {
			r.note(n.Pos, "a tool of the model's own (%s) is left out: no MCP server offers it", quote(n.Get("type").Str()))
			continue
		}
		if it := r.item(n, t, ""); it != nil && !r.isOff(it, n) {
			items = append(items, it)
		}
	}
	return items
}

// byPos returns the elements of a list by where they stand, to find that of an
// item again.
func byPos(list *source.Node) map[source.Pos]*source.Node {
	m := make(map[source.Pos]*source.Node, len(list.Items))
	for _, n := range list.Items {
		m[n.Pos] = n
	}
	return m
}

// isHostedTool reports whether a tool in a model's tool list is one that its
// vendor runs ({"type": "web_search"}).
func isHostedTool(n *source.Node) bool {
	kind := n.Get("type").Str()
	return kind != "" && kind != "function" && n.Get("name") == nil && n.Get("function") == nil
}

// item reads one item, which is an object, or a bare name. A fallback is the
// name of an item that does not carry one itself.
func (r *reader) item(n *source.Node, t authz.ItemType, fallback string) *Item {
	r.read[n] = true
	it := &Item{Type: t, Pos: n.Pos, Name: fallback}
	named := t == authz.ToolItem || t == authz.PromptItem
	switch {
	case n.Is(source.String) && named:
		it.Name = n.Text
		r.checkName(it)
		return it
	case !n.Is(source.Mapping):
		r.want(n, "", "a "+singular(t))
		return nil
	}
	switch t {
	case authz.ToolItem:
		r.tool(it, n)
	case authz.PromptItem:
		r.name(it, n, "name")
		it.Arguments = r.arguments(n)
	case authz.ResourceItem:
		r.name(it, n, "uri")
	case authz.TemplateItem:
		r.name(it, n, "uriTemplate", "uri_template")
	}
	r.describe(it, n)
	return it
}

func (r *reader) tool(it *Item, n *source.Node) {
	if f := n.Get("function"); f.Is(source.Mapping) { // OpenAI's Chat Completions
		n = f
		it.Description = r.str(n, "description")
	}
	r.name(it, n, "name")
	it.Schema = r.schema(it, n)
	if it.Schema == nil && isDockerTool(n) {
		it.Arguments = r.arguments(n)
	}
	it.Hints = r.hints(n)
	it.TaskSupport = r.taskSupport(n)
}

// name reads what the item is called by, under the first of the keys that is
// there.
func (r *reader) name(it *Item, n *source.Node, keys ...string) {
	for _, key := range keys {
		if v := n.Get(key); v != nil {
			if !v.Is(source.String) {
				r.want(v, key, "a string")
				return
			}
			it.Name = v.Text
			break
		}
	}
	if it.Name == "" && !slices.ContainsFunc(keys, func(k string) bool { return n.Get(k) != nil }) {
		r.errorf(it.Pos, "a %s without a %s", singular(it.Type), keys[0])
		return
	}
	r.checkName(it)
}

func (r *reader) checkName(it *Item) {
	if it.Name == "" {
		r.errorf(it.Pos, "a %s with an empty name", singular(it.Type))
	}
}

// describe reads what all types have in common.
func (r *reader) describe(it *Item, n *source.Node) {
	if it.Description == "" {
		it.Description = r.str(n, "description")
	}
	it.Title = r.str(n, "title")
	switch it.Type {
	case authz.ToolItem:
		if a := n.Get("annotations"); it.Title == "" && a.Is(source.Mapping) {
			it.Title = r.str(a, "title")
		}
	case authz.ResourceItem, authz.TemplateItem:
		if it.Title == "" {
			it.Title = r.str(n, "name")
		}
	case authz.PromptItem:
	}
	// FastMCP keeps its own data under _meta; agent-scan spells it meta.
	meta := r.mapping(n, "_meta", "meta")
	it.Annotations, it.Meta = n.Get("annotations"), meta
	own := r.mapping(meta, "fastmcp", "_fastmcp")
	it.Tags = r.tags(own)
	it.Version = r.version(own)
}

func (r *reader) version(n *source.Node) string {
	if v := n.Get("version"); v.Is(source.Number) {
		return v.Text
	}
	return r.str(n, "version")
}

// tags reads FastMCP's tags. It writes them from a set, in any order.
func (r *reader) tags(n *source.Node) []string {
	list := r.list(n, "tags")
	if list == nil {
		return nil
	}
	var tags []string
	for _, tag := range list.Items {
		if !tag.Is(source.String) {
			r.want(tag, "tags", "a string")
			continue
		}
		tags = append(tags, tag.Text)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

var taskSupports = []string{"forbidden", "optional", "required"}

func (r *reader) taskSupport(tool *source.Node) string {
	execution := r.mapping(tool, "execution")
	s := r.str(execution, "taskSupport")
	if s != "" && !slices.Contains(taskSupports, s) {
		r.want(execution.Get("taskSupport"), "taskSupport", strings.Join(taskSupports, ", "))
	}
	return s
}

// arguments reads the arguments of a prompt: objects, or bare names in MCPB.
func (r *reader) arguments(n *source.Node) []Argument {
	list := r.list(n, "arguments")
	if list == nil {
		return nil
	}
	var args []Argument
	for _, a := range list.Items {
		switch {
		case a.Is(source.String):
			args = append(args, Argument{Name: a.Text})
		case !a.Is(source.Mapping):
			r.want(a, "arguments", "an argument")
		default:
			name := r.str(a, "name")
			if name == "" {
				r.errorf(a.Pos, "an argument without a name")
			}
			args = append(args, Argument{Name: name, Required: r.required(a)})
		}
	}
	return args
}

// required reads whether an argument must be given. Docker says optional where
// MCP says required, with the opposite default.
func (r *reader) required(a *source.Node) bool {
	if a.Get("required") == nil && (a.Get("desc") != nil || a.Get("type") != nil) {
		return !r.boolean(a, "optional")
	}
	return r.boolean(a, "required")
}

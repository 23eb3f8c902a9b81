package manifest

import (
	"cmp"
	"slices"

	"github.com/mcpolicy/mcpolicy/source"
)

// An element is one value of a list or an object, and what it is called.
type element struct {
	name string
	node *source.Node
}

func elements(n *source.Node) []element {
	var list []element
	for _, item := range n.Items {
		name := cmp.Or(item.Get("name").Str(), item.Get("uri").Str(), item.Get("function").Get("name").Str())
		if item.Is(source.String) && !isEverything(item) {
			name = item.Text
		}
		list = append(list, element{name, item})
	}
	for _, f := range n.Fields {
		if f.Value.Is(source.Mapping) {
			list = append(list, element{f.Name, f.Value})
		}
	}
	return list
}

func hasObjects(n *source.Node) bool {
	return slices.ContainsFunc(elements(n), func(e element) bool { return e.node.Is(source.Mapping) })
}

// looksLikeItem recognises an item wherever it stands: a tool by a schema of
// its arguments or by hints, a template by its URI template, a resource by its
// URI and the type of what is there.
func looksLikeItem(n *source.Node) bool {
	of := func(key string) bool { return n.Get(key).Is(source.String) }
	a := n.Get("annotations")
	return slices.ContainsFunc(ownSchemaKeys, func(key string) bool { return isObject(n, key) }) ||
		(of("name") || of("description")) && slices.ContainsFunc(otherSchemaKeys, func(key string) bool { return isObjectSchema(n.Get(key)) }) ||
		slices.ContainsFunc(hintNames, func(h hintName) bool { return a.Get(h.camel) != nil || a.Get(h.snake) != nil }) ||
		isObject(n.Get("function"), "parameters") || of("description") && isToolboxTool(n) ||
		of("uriTemplate") || of("uri_template") || of("uri") && (of("mimeType") || of("mime_type"))
}

// isSchema recognises a JSON schema, inside which nothing is an item.
func isSchema(n *source.Node) bool {
	switch n.Get("type").Str() {
	case "object", "array", "string", "number", "integer", "boolean", "null":
		return true
	}
	return isObject(n, "properties") || n.Get("$ref").Is(source.String) || n.Get("anyOf").Is(source.Sequence) || n.Get("oneOf").Is(source.Sequence)
}

// opaque are the keys of schemas, and of what anybody may put anything into.
var opaque = set("_meta", "meta", "annotations", "inputSchema", "input_schema", "outputSchema", "output_schema", "properties",
	"$defs", "definitions", "example", "examples", "default", "enum", "const", "icons", "dependencies", "devDependencies", "scripts")

func isOpaque(key string) bool { return opaque[key] }

var (
	// itemWords say that a key is about items.
	itemWords = set("tool", "tools", "function", "functions", "prompt", "prompts")
	// listWords may follow them.
	listWords = set("list", "lists", "names", "definitions", "declarations", "specs")
	// choiceWords say that a key only picks some of them.
	choiceWords = set("allow", "allowed", "approve", "approved", "auto", "block", "blocked", "deny", "denied", "disable",
		"disabled", "exclude", "excluded", "hidden", "hide", "include", "included", "required", "toolset", "toolsets")
	// otherWords say that a key is about something else that has names and
	// descriptions.
	otherWords = set("arg", "args", "argument", "arguments", "auth", "author", "authors", "categories", "category",
		"changelog", "column", "columns", "config", "configs", "configuration", "contributor", "contributors", "credential",
		"credentials", "dependency", "env", "environment", "environments", "error", "errors", "event", "events", "extension",
		"extensions", "feature", "features", "field", "fields", "group", "groups", "header", "headers", "input", "inputs",
		"keyword", "keywords", "license", "licenses", "link", "links", "maintainer", "maintainers", "model", "models", "option",
		"options", "output", "outputs", "owner", "owners", "package", "packages", "param", "parameter", "parameters", "params",
		"permission", "permissions", "plugin", "plugins", "profile", "profiles", "provider", "providers", "publisher", "remote",
		"remotes", "requirement", "requirements", "resource", "resources", "response", "responses", "role", "roles", "scope",
		"scopes", "screenshot", "screenshots", "secret", "secrets", "server", "servers", "setting", "settings", "source",
		"sources", "step", "steps", "tag", "tags", "template", "templates", "test", "tests", "topic", "topics", "toolset",
		"toolsets", "transport", "transports", "user", "users", "value", "values", "variable", "variables", "vars", "version",
		"versions")
)

// speaksOfItems reports whether a key ends in a word for items: tools, remote_tools
// and toolList do, toolMetadata does not.
func speaksOfItems(key string) bool {
	words := Words(key)
	for len(words) > 1 && listWords[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return len(words) > 0 && itemWords[words[len(words)-1]]
}

func choosesItems(key string) bool { return anyWord(key, choiceWords) }

func speaksOfElse(key string) bool { return anyWord(key, otherWords) }

func anyWord(key string, in map[string]bool) bool {
	return slices.ContainsFunc(Words(key), func(w string) bool { return in[w] })
}

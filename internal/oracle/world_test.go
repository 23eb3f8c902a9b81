package oracle_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A world is the files of a project and what a PDP of it is set to.
type world struct {
	files map[string]string
	conf  map[string]any
	point string
}

// roles are those that rules are for and principals have.
var roles = []string{"clerk", "guard", "guest", "lead"}

// draw picks one of some values.
func draw[T any](t *rapid.T, what string, of ...T) T { return rapid.SampledFrom(of).Draw(t, what) }

// one reports true once in n times.
func one(t *rapid.T, n int, what string) bool { return rapid.IntRange(1, n).Draw(t, what) == n }

func someRoles(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 2, rapid.ID).Draw(t, "roles")
}

func list(of []string) string {
	quoted := make([]string, len(of))
	for i, s := range of {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// worlds makes worlds. Whatever is made here stands for something that projects have.
func worlds() *rapid.Generator[*world] {
	return rapid.Custom(func(t *rapid.T) *world {
		w := &world{files: map[string]string{}}
		w.point = draw(t, "point", "custom", "custom", authz.CerbosFastMCP, authz.ToolAsAction, authz.ToolAsResource, authz.COAZ, authz.VoltAgent)
		w.engine(t)
		w.files["inventory.json"] = inventory(t, w.point == authz.COAZ)
		w.files["principals.yaml"] = people(t)
		w.policies(t)
		return w
	})
}

// engine writes the config, and what a PDP is set to.
func (w *world) engine(t *rapid.T) {
	strict, lenient := one(t, 3, "strict"), one(t, 3, "lenient")
	schemas := draw(t, "schemaEnforcement", "none", "none", "warn", "reject")
	version := draw(t, "default version", "default", "default", "v2")
	level := float64(rapid.IntRange(1, 3).Draw(t, "global"))
	engine := map[string]any{
		"schemaEnforcement": schemas, "strictEvaluation": strict, "lenientScopeSearch": lenient,
		"defaultPolicyVersion": version, "globals": map[string]any{"level": level},
	}
	w.conf = map[string]any{
		"schema": map[string]any{"enforcement": schemas},
		"engine": map[string]any{
			"strictEvaluation": strict, "lenientScopeSearch": lenient, "defaultPolicyVersion": version, "globals": map[string]any{"level": level},
		},
	}
	server := map[string]any{"manifest": "inventory.json", "enforcement": w.point}
	config := map[string]any{"servers": map[string]any{"desk": server}, "policies": "policies", "principals": "principals.yaml", "engine": engine}
	if w.point == "custom" {
		config["enforcement"] = map[string]any{"custom": custom(t)}
	}
	w.files["mcpolicy.yaml"] = asJSON(config) + "\n"
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// custom makes an enforcement point: what the requests are made of differs.
func custom(t *rapid.T) map[string]any {
	request := func(action string) map[string]any {
		ids, scopes := []string{"{name}", "{name}", "{principal.attr.region}"}, []string{"site", "site.north", "{principal.scope}"}
		if strings.HasPrefix(action, "call") || action == "check" { // with arguments that every tool has
			ids, scopes = append(ids, "{arguments.region}", "{arguments.region}/{name}"), append(scopes, "{arguments.region}")
		}
		r := map[string]any{
			"kind":   draw(t, "kind", "desk", "desk", "desk", "desk:{server}"),
			"id":     draw(t, "id", ids...),
			"action": action,
			"attr": map[string]any{
				"arguments": "{arguments}", "name": "{name}", "hints": "{annotations.readOnlyHint}", "by": "{principal.id}",
				"state": draw[any](t, "state", "open", "{unknown}", 3),
			},
		}
		if one(t, 3, "scoped") {
			r["scope"] = draw(t, "scope", scopes...)
		}
		if one(t, 4, "versioned") {
			r["policyVersion"] = draw(t, "version", "default", "v2")
		}
		return r
	}
	call := []any{request(draw(t, "call", "call", "call::{name}"))}
	if one(t, 4, "two requests") {
		call = append(call, request("check"))
	}
	return map[string]any{
		"tools/call":  call,
		"tools/list":  draw[any](t, "list", map[string]any{"filter": "call"}, map[string]any{"filter": "possible"}, map[string]any{"filter": "own", "requests": []any{request("see")}}),
		"prompts/get": []any{request("get")}, "prompts/list": map[string]any{"filter": "call"},
		"resources/read": []any{request("read")}, "resources/list": map[string]any{"filter": "call"},
	}
}

// mappings are those that tools declare to a point of COAZ; none, once.
var mappings = []string{
	`null`,
	`{"evaluation": {"resource": {"type": "desk", "id": "$params.name"}}}`,
	`{"evaluation": {"resource": {"type": "desk", "id": "$params.name", "properties": {"arguments": "$params.arguments", "region": "$params.arguments.?region"}}, "action": {"name": "call"}}}`,
	`{"evaluation": {"subject": {"type": "identity", "id": "$token.sub", "properties": {"cerbos.roles": "$token.?roles", "region": "$token.?region", "level": "$token.?level"}}, "resource": {"type": "desk", "id": "$params.arguments.region", "properties": {"arguments": "$params.arguments"}}}}`,
	`{"evaluation": {"resource": {"type": "desk", "id": "$params.name", "properties": {"arguments": {"count": "$params.arguments.count"}, "name": "$params.name"}}, "action": {"name": "$params.arguments.?urgent == optional.of(true) ? 'call' : 'tools/call'"}}}`,
}

var argumentSchemas = map[string][]any{
	"region": {map[string]any{"type": "string"}, map[string]any{"enum": []any{"north", "south"}}},
	"count":  {map[string]any{"type": "integer"}, map[string]any{"type": "number", "minimum": 2}},
	"urgent": {map[string]any{"type": "boolean"}},
	"tags":   {map[string]any{"type": "array", "items": map[string]any{"type": "string"}}},
}

func inventory(t *rapid.T, mapped bool) string {
	var tools []any
	for i := range rapid.IntRange(2, 4).Draw(t, "tools") {
		properties := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(argumentSchemas)) {
			if !one(t, 4, "no "+name) || i == 0 && name == "region" { // which profiles name
				properties[name] = draw(t, name, argumentSchemas[name]...)
			}
		}
		schema := map[string]any{"type": "object", "properties": properties}
		if _, ok := properties["region"]; ok && one(t, 2, "required") {
			schema["required"] = []any{"region"}
		}
		if one(t, 3, "closed") {
			schema["additionalProperties"] = false
		}
		if mapped {
			if m := draw(t, "mapping", mappings...); m != "null" {
				schema["x-authzen-mapping"] = json.RawMessage(m)
			}
		}
		tool := map[string]any{"name": fmt.Sprintf("tool_%d", i), "inputSchema": schema}
		if one(t, 2, "annotated") {
			tool["annotations"] = map[string]any{"readOnlyHint": rapid.Bool().Draw(t, "read only")}
		}
		tools = append(tools, tool)
	}
	inventory := map[string]any{"tools": tools}
	if one(t, 2, "prompt") {
		inventory["prompts"] = []any{map[string]any{"name": "tool_0", "arguments": []any{map[string]any{"name": "region"}}}}
	}
	if one(t, 2, "resource") {
		inventory["resources"] = []any{map[string]any{"uri": "file:///north", "name": "north"}}
	}
	return asJSON(inventory)
}

// values are those that attributes and arguments have: on both sides of conditions, of
// another type, and null.
var values = map[string][]any{
	"region": {"north", "south", "east", 3.0, nil},
	"count":  {1.0, 2.0, 5.0, 5.5, "5", nil},
	"urgent": {true, false, "true"},
	"tags":   {[]any{}, []any{"a"}, []any{"a", "b", 1.0}, "a"},
	"level":  {1.0, 2.0, 3.0, "2", nil},
}

// some draws values for some names, each of which may be absent.
func some(t *rapid.T, names ...string) map[string]any {
	of := map[string]any{}
	for _, name := range names {
		if !one(t, 4, "no "+name) {
			of[name] = draw(t, name, values[name]...)
		}
	}
	return of
}

func arguments(t *rapid.T) map[string]any { return some(t, "region", "count", "urgent", "tags") }

func people(t *rapid.T) string {
	of := map[string]any{}
	for i := range rapid.IntRange(2, 4).Draw(t, "principals") {
		id := fmt.Sprintf("p%d", i)
		p := map[string]any{"id": id, "roles": someRoles(t), "attr": some(t, "region", "level", "tags")}
		if one(t, 4, "scope of a principal") {
			p["scope"] = draw(t, "scope", "site", "site.north")
		}
		of[id] = p
	}
	return asJSON(map[string]any{"principals": of}) + "\n"
}

// atoms are what conditions are made of.
var atoms = []string{
	`R.attr.arguments.region == P.attr.region`, `R.attr.arguments.region == "north"`, `R.attr.arguments.count < 5`, `R.attr.arguments.count >= G.level`,
	`has(R.attr.arguments.region)`, `R.attr.arguments.urgent`, `"a" in R.attr.arguments.tags`, `size(R.attr.arguments.tags) > 1`,
	`R.attr.arguments.tags.exists(x, x == "b")`, `P.attr.level > 1`, `P.id == "p0"`, `has(P.attr.region)`, `R.id.startsWith("north")`, `R.id == "tool_0"`,
	`R.attr.state == "open"`, `R.attr.name.endsWith("1")`, `P.attr.region in ["north", "east"]`, `R.attr.arguments.region.startsWith("n")`,
	`V.near`, `C.most > R.attr.arguments.count`, `"clerk" in P.roles`, `R.attr.arguments.?region.orValue("north") != "south"`,
	`R.attr.region == "north"`, `type(R.attr.arguments.count) == double`, `R.attr.arguments.count * 2 > 5`, `R.id != "north"`,
}

func expression(t *rapid.T, depth int) string {
	if depth == 0 || one(t, 2, "atom") {
		return draw(t, "condition", atoms...)
	}
	switch rapid.IntRange(0, 3).Draw(t, "connective") {
	case 0:
		return "!(" + expression(t, depth-1) + ")"
	case 1:
		return "(" + expression(t, depth-1) + " || " + expression(t, depth-1) + ")"
	}
	return "(" + expression(t, depth-1) + " && " + expression(t, depth-1) + ")"
}

// condition draws a condition without the variables and constants that only some policies
// have, or none.
func condition(t *rapid.T, defined bool) string {
	if one(t, 3, "unconditional") {
		return ""
	}
	text := ""
	for {
		text = expression(t, 2)
		if defined || !strings.Contains(text, "V.") && !strings.Contains(text, "C.") {
			break
		}
	}
	if one(t, 5, "list") {
		return fmt.Sprintf(", condition: {match: {%s: {of: [{expr: %s}, {expr: %s}]}}}", draw(t, "of", "all", "any", "none"), asJSON(text), asJSON(`P.attr.level >= 2`))
	}
	return fmt.Sprintf(", condition: {match: {expr: %s}}", asJSON(text))
}

const header = "apiVersion: api.cerbos.dev/v1\n"

// about returns the kinds and actions that the requests of the point are about.
func (w *world) about() (kinds, actions []string) {
	switch w.point {
	case authz.CerbosFastMCP:
		return []string{"mcp_server"}, []string{"*", "tools/call::*", "tools/list::*", "tools/list", "tools/call::tool_0", "prompts/list", "resources/list"}
	case authz.ToolAsAction:
		return []string{"mcp::desk"}, []string{"*", "tool_0", "tool_1", "tool_*"}
	case authz.ToolAsResource:
		return []string{"mcp_tool"}, []string{"*", "execute", "exec*"}
	case authz.COAZ:
		return []string{"desk", "tool", "mcp_server"}, []string{"*", "call", "tools/call", "tools/list", "prompts/*"}
	case authz.VoltAgent:
		return []string{"mcp::desk"}, []string{"*", "tool_0", "tool_*"}
	}
	return []string{"desk", "desk:desk"}, []string{"*", "call", "call::*", "call::tool_0", "check", "see", "get", "read"}
}

// policies writes policies of every kind.
func (w *world) policies(t *rapid.T) {
	kinds, actions := w.about()
	held := roles
	if w.point == authz.COAZ {
		held = append(slices.Clone(roles), "identity", "identity", "identity")
	}
	add := func(name, text string) { w.files["policies/"+name+".yaml"] = header + text }
	if one(t, 2, "derived roles") {
		add("derived", fmt.Sprintf("derivedRoles:\n  name: derived\n  definitions:\n    - {name: near, parentRoles: %s%s}\n", list([]string{draw(t, "parent", append(held, "*")...)}), condition(t, false)))
	}
	_, derived := w.files["policies/derived.yaml"]
	rule := func(defined bool) string {
		who := "roles: " + list([]string{draw(t, "role", append(slices.Clone(held), "*", "*", "*")...)})
		if derived && one(t, 4, "for a derived role") {
			who = "derivedRoles: [near]"
		}
		return fmt.Sprintf("    - {actions: %s, effect: EFFECT_%s, %s%s}\n", list([]string{draw(t, "action", append(slices.Clone(actions), "*", "*")...)}), draw(t, "effect", "ALLOW", "ALLOW", "ALLOW", "ALLOW", "DENY"), who, condition(t, defined))
	}
	consent := map[string]bool{"site": one(t, 3, "consent"), "site.north": one(t, 3, "consent")}
	for k, kind := range kinds {
		for _, version := range []string{"default", "v2"} {
			scopes := []string{""}
			if w.point == "custom" && one(t, 2, "scopes") {
				scopes = []string{"", "site", "site.north"}
			}
			for _, scope := range scopes {
				if scope == "" && len(scopes) == 1 && one(t, 6, "no policy") {
					continue
				}
				var b strings.Builder
				fmt.Fprintf(&b, "resourcePolicy:\n  resource: %q\n  version: %s\n", kind, version)
				if scope != "" {
					fmt.Fprintf(&b, "  scope: %s\n", scope)
					if consent[scope] { // all policies of a scope have to agree
						b.WriteString("  scopePermissions: SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS\n")
					}
				}
				if derived {
					b.WriteString("  importDerivedRoles: [derived]\n")
				}
				b.WriteString("  variables: {local: {near: 'R.attr.arguments.region == P.attr.region'}}\n  constants: {local: {most: 4}}\n")
				if scope == "" && one(t, 4, "schemas") {
					w.schema(t, &b, k)
				}
				b.WriteString("  rules:\n")
				for range rapid.IntRange(1, 5).Draw(t, "rules") {
					b.WriteString(rule(true))
				}
				add(fmt.Sprintf("kind%d_%s_%s", k, version, strings.ReplaceAll(scope, ".", "_")), b.String())
			}
		}
	}
	add("elsewhere", "resourcePolicy:\n  resource: elsewhere\n  version: default\n  rules:\n    - {actions: [none], effect: EFFECT_ALLOW, roles: [clerk]}\n") // so that there is a policy
	if one(t, 3, "principal policy") {
		add("p0", fmt.Sprintf("principalPolicy:\n  principal: p0\n  version: default\n  rules:\n    - resource: %q\n      actions:\n        - {action: %q, effect: EFFECT_%s%s}\n",
			draw(t, "kind", kinds...), draw(t, "action", actions...), draw(t, "effect", "ALLOW", "DENY"), condition(t, false)))
	}
	if one(t, 3, "role policy") {
		add("guest", fmt.Sprintf("rolePolicy:\n  role: guest\n  version: default\n  parentRoles: [clerk]\n  rules:\n    - {resource: %q, allowActions: %s%s}\n",
			draw(t, "kind", kinds...), list([]string{draw(t, "action", actions...)}), condition(t, false)))
	}
}

// schema writes a schema of resources, and a reference to it.
func (w *world) schema(t *rapid.T, b *strings.Builder, number int) {
	w.files[fmt.Sprintf("policies/_schemas/s%d.json", number)] = draw(t, "schema",
		`{"properties": {"arguments": {"properties": {"count": {"type": "number"}}}}}`, `{"properties": {"arguments": {"required": ["region"]}}}`, `{"required": ["name"]}`)
	fmt.Fprintf(b, "  schemas: {resourceSchema: {ref: \"cerbos:///s%d.json\"", number)
	if one(t, 3, "ignored") {
		b.WriteString(", ignoreWhen: {actions: [see]}")
	}
	b.WriteString("}}\n")
}

// write writes the files into a folder.
func (w *world) write(t testing.TB, dir string) {
	for name, text := range w.files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

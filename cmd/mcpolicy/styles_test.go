package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

// styles are ways in which people write policies. Each makes those of a server, given the
// kind of its resources, as files by their names.
var styles = map[string]func(kind string, of *manifest.Inventory) map[string]string{
	"globs":     globs,
	"arguments": byArguments,
	"layers":    layers,
}

// stylePeople are those whom all styles know: one of each role, one of two, one who is
// suspended, an agent of somebody and one of nobody, and a guest.
const stylePeople = `principals:
  ada: {id: ada, roles: [administrator], attr: {team: platform, limit: 1000, folder: /srv/, suspended: false}}
  edgar: {id: edgar, roles: [editor], attr: {team: web, limit: 100, folder: /srv/web/, suspended: false}}
  rita: {id: rita, roles: [reader], attr: {team: web, limit: 10, folder: /srv/web/, suspended: false}}
  both: {id: both, roles: [reader, editor], attr: {team: data, limit: 50, folder: /srv/data/}}
  sue: {id: sue, roles: [editor], attr: {team: web, limit: 100, folder: /srv/web/, suspended: true}}
  helper: {id: helper, kind: agent, onBehalfOf: rita, roles: [agent], attr: {team: web, limit: 5, folder: /srv/web/}}
  stray: {id: stray, kind: agent, roles: [agent]}
  gus: {id: gus, roles: [guest]}
`

// styleSuites say what may hold or not: what fails is reported, too.
var styleSuites = []string{
	`tests:
  - name: guests use nothing
    never:
      principals: {roles: [guest]}
      call: {tools: {names: ["*"], allowEmpty: true}}
  - name: agents destroy nothing
    never:
      principals: {kind: agent}
      call: {tools: {destructive: true, allowEmpty: true}}
`,
	`tests:
  - name: administrators use everything
    always:
      principals: {roles: [administrator]}
      call: {tools: {names: ["*"], allowEmpty: true}}
  - name: readers see what reads
    always:
      principals: {roles: [reader]}
      list: {tools: {readOnly: true, allowEmpty: true}}
`,
}

// styled makes a project whose policies are written in a style, for all servers of an
// inventory. Files of policies and of suites have names of one length, in the order of their
// content.
func styled(style, name string, data []byte) (map[string]string, error) {
	servers, err := manifest.Parse(name, data)
	if err != nil {
		return nil, err
	}
	files := map[string]string{name: string(data), "principals.yaml": stylePeople}
	var config strings.Builder
	config.WriteString("servers:\n")
	written := 0
	for i, s := range servers {
		server, kind, pick := fmt.Sprintf("s%d", i), fmt.Sprintf("mcp_%d", i), ""
		if len(servers) > 1 {
			pick = "#" + s.Server
		}
		fmt.Fprintf(&config, "  %s: {manifest: %s, incomplete: accept, enforcement: cerbos-fastmcp, with: {resourceKind: %s}}\n", server, onLine(name+pick), kind)
		for j, suite := range styleSuites {
			n := i*len(styleSuites) + j
			files[fmt.Sprintf("tests/t%02d.yaml", n)] = fmt.Sprintf("name: suite %d\nserver: %s\n%s", n, server, suite)
		}
		made := styles[style](kind, s)
		for _, of := range slices.Sorted(maps.Keys(made)) {
			files[fmt.Sprintf("policies/p%02d.yaml", written)] = "apiVersion: api.cerbos.dev/v1\n" + made[of]
			written++
		}
	}
	config.WriteString("policies: policies\nprincipals: principals.yaml\ntests: tests\nlint: {administrators: {roles: [administrator]}}\n")
	files["mcpolicy.yaml"] = config.String()
	return files, nil
}

// A styleRule is a rule of a resource policy.
type styleRule struct {
	name, effect   string
	actions        []string
	roles, derived []string
	when           []string // all of them
}

func (r styleRule) String() string {
	text := fmt.Sprintf("    - name: %s\n      actions: %s\n      effect: EFFECT_%s\n", r.name, onLine(r.actions), r.effect)
	if len(r.roles) > 0 {
		text += "      roles: " + onLine(r.roles) + "\n"
	}
	if len(r.derived) > 0 {
		text += "      derivedRoles: " + onLine(r.derived) + "\n"
	}
	if len(r.when) == 0 {
		return text
	}
	text += "      condition:\n        match:\n          all:\n            of:\n"
	for _, expr := range r.when {
		text += "              - expr: " + onLine(expr) + "\n"
	}
	return text
}

func stylePolicy(kind, head string, rules []styleRule) string {
	text := fmt.Sprintf("resourcePolicy:\n  resource: %s\n  version: default\n%s  rules:\n", kind, head)
	for _, r := range rules {
		text += r.String()
	}
	return text
}

// openLists lets everybody see that there are lists.
var openLists = styleRule{name: "lists", effect: "ALLOW", actions: []string{"tools/list", "prompts/list", "resources/list"}, roles: []string{"*"}}

// globs lets roles do what begins with a verb, and all the rest.
func globs(kind string, of *manifest.Inventory) map[string]string {
	reading := map[string]bool{}
	for _, it := range of.Of(authz.ToolItem) {
		if verb := looks.FindString(it.Name); verb != "" {
			reading["tools/*::"+verb+"*"] = true
		}
	}
	rules := []styleRule{openLists}
	if len(reading) > 0 {
		rules = append(rules, styleRule{name: "looking", effect: "ALLOW", actions: slices.Sorted(maps.Keys(reading)), roles: []string{"reader", "agent"}})
	}
	return map[string]string{"policy": stylePolicy(kind, "", append(rules,
		styleRule{name: "working", effect: "ALLOW", actions: []string{"tools/list::*", "tools/call::*"}, roles: []string{"editor"}},
		styleRule{name: "all", effect: "ALLOW", actions: []string{"*", "tools/*::*"}, roles: []string{"administrator"}},
		styleRule{name: "no-loss", effect: "DENY", actions: []string{"tools/call::*delete*", "tools/call::*remove*", "tools/call::*drop*"}, roles: []string{"editor", "agent"}},
	))}
}

var (
	looks      = regexp.MustCompile(`(?i)^(get|list|search|find|read|show|describe|query|fetch|view|browse|check)`)
	identifier = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// byArguments names each tool in rules of its own, and looks at the arguments that it has.
func byArguments(kind string, of *manifest.Inventory) map[string]string {
	rules := []styleRule{openLists}
	for i, it := range of.Of(authz.ToolItem) {
		see, use := []string{"tools/list::" + it.Name}, []string{"tools/call::" + it.Name}
		roles := []string{"editor"}
		if looks.MatchString(it.Name) || it.ReadOnly() {
			roles = []string{"reader", "editor"}
		}
		rules = append(rules,
			styleRule{name: fmt.Sprintf("see-%d", i), effect: "ALLOW", actions: see, roles: append(roles, "administrator")},
			styleRule{name: fmt.Sprintf("use-%d", i), effect: "ALLOW", actions: use, roles: roles, when: argumentConditions(it)},
			styleRule{name: fmt.Sprintf("run-%d", i), effect: "ALLOW", actions: use, roles: []string{"administrator"}},
		)
	}
	head := fmt.Sprintf("  variables:\n    import: [shared_%s]\n", kind)
	return map[string]string{
		"policy":    stylePolicy(kind, head, rules),
		"variables": fmt.Sprintf("exportVariables:\n  name: shared_%s\n  definitions:\n    own_folder: P.attr.folder\n    few: P.attr.limit\n", kind),
	}
}

// argumentConditions says of the first arguments of a tool what a careful author would.
func argumentConditions(it *manifest.Item) []string {
	properties := it.Schema.Get("properties")
	if properties == nil {
		return nil
	}
	var list []string
	for _, f := range properties.Fields {
		if len(list) == 3 {
			break
		}
		of := "R.attr.arguments." + f.Name
		if !identifier.MatchString(f.Name) {
			of = "R.attr.arguments[" + onLine(f.Name) + "]"
		}
		switch first := f.Value.Get("enum"); f.Value.Get("type").Str() {
		case "string":
			switch {
			case first != nil && len(first.Items) > 0 && first.Items[0].Str() != "":
				list = append(list, of+" == "+onLine(first.Items[0].Str()))
			case strings.Contains(strings.ToLower(f.Name), "path"):
				list = append(list, of+".startsWith(V.own_folder) && !"+of+`.contains("..")`)
			default:
				list = append(list, of+" in [P.attr.team, P.id] || P.attr.suspended == false")
			}
		case "integer", "number":
			list = append(list, of+" <= V.few")
		case "boolean":
			list = append(list, "!("+of+")")
		case "array":
			list = append(list, "size("+of+") < 5")
		}
	}
	return list
}

// layers allows much and takes back: derived roles, denials, a policy of a role and those of
// two people.
func layers(kind string, of *manifest.Inventory) map[string]string {
	var see, use, look, lose []string
	for _, it := range of.Of(authz.ToolItem) {
		see, use = append(see, "tools/list::"+it.Name), append(use, "tools/call::"+it.Name)
		if looks.MatchString(it.Name) {
			look = append(look, "tools/call::"+it.Name)
		}
		if manifest.NameSaysDestructive(it.Name) {
			lose = append(lose, "tools/call::"+it.Name)
		}
	}
	rules := []styleRule{openLists}
	if len(use) > 0 {
		rules = append(rules,
			styleRule{name: "seen", effect: "ALLOW", actions: see, derived: []string{"known"}},
			styleRule{name: "used", effect: "ALLOW", actions: use, derived: []string{"staff"}},
			styleRule{name: "own-time", effect: "DENY", actions: use, derived: []string{"out"}},
			styleRule{name: "first", effect: "ALLOW", actions: use[:1], roles: []string{"reader"}, when: []string{"V.of_web"}},
		)
	}
	if len(look) > 0 {
		rules = append(rules, styleRule{name: "looked", effect: "ALLOW", actions: look, derived: []string{"known"}})
	}
	if len(lose) > 0 {
		rules = append(rules, styleRule{name: "kept", effect: "DENY", actions: lose, roles: []string{"*"}, when: []string{`!("administrator" in P.roles)`}})
	}
	made := map[string]string{
		"roles": fmt.Sprintf("derivedRoles:\n  name: roles_%s\n  definitions:\n"+
			"    - {name: known, parentRoles: [reader, editor, administrator, agent], condition: {match: {expr: has(P.attr.team)}}}\n"+
			"    - {name: staff, parentRoles: [editor, administrator], condition: {match: {expr: 'P.attr.limit > 20'}}}\n"+
			"    - {name: out, parentRoles: [editor, reader], condition: {match: {expr: P.attr.suspended == true}}}\n", kind),
		"policy": stylePolicy(kind, fmt.Sprintf("  importDerivedRoles: [roles_%s]\n  variables:\n    local: {of_web: 'P.attr.team == \"web\"'}\n", kind), rules),
	}
	if len(use) > 0 && kind == "mcp_0" { // there is one of each of these for all servers
		made["person"] = fmt.Sprintf("principalPolicy:\n  principal: rita\n  version: default\n  rules:\n    - resource: %s\n      actions:\n        - {name: lent, action: %s, effect: EFFECT_ALLOW}\n", kind, onLine(use[len(use)-1]))
		made["other"] = fmt.Sprintf("principalPolicy:\n  principal: edgar\n  version: default\n  rules:\n    - resource: %s\n      actions:\n        - {name: taken, action: %s, effect: EFFECT_DENY}\n", kind, onLine(use[0]))
		made["narrow"] = fmt.Sprintf("rolePolicy:\n  role: agent\n  version: default\n  parentRoles: [reader]\n  rules:\n    - resource: %s\n      allowActions: %s\n", kind, onLine(append([]string{"tools/list", "tools/list::*"}, look...)))
	}
	return made
}

// onLine writes a value as YAML takes it on one line.
func onLine(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts and lists of them can be written
	}
	return strings.TrimSpace(b.String())
}

// TestStyles holds that each style makes a project of an inventory that the
// command can decide, and that they differ.
func TestStyles(t *testing.T) {
	data := []byte(`{"tools": [{"name": "get_page", "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}}}, {"name": "delete_page"}]}`)
	seen := map[string]string{}
	for style := range styles {
		files, err := styled(style, "wiki.json", data)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		writeFiles(t, dir, files, slices.Sorted(maps.Keys(files)))
		status, out, errs := runIn(t, "matrix", "-C", dir)
		if status != exitOK || errs != "" {
			t.Errorf("%s: status %d: %s", style, status, errs)
		}
		seen[out] = style
	}
	if len(seen) != len(styles) {
		t.Errorf("%d styles, %d matrices", len(styles), len(seen))
	}
}

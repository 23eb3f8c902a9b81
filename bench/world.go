package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A world is a server, policies and principals of a given size. Every third
// tool's call has a condition on its arguments; principals have one of ten
// roles, and as many different regions as there are classes. There are two
// rules for each tool, one after the other until there are as many as wanted.
type world struct {
	tools, principals, classes, rules int
}

func (w world) region(principal int) string { return fmt.Sprintf("region-%d", principal%w.classes) }

func role(n int) string { return fmt.Sprintf("role_%d", n%10) }

// write writes the world as mcpolicy reads it, the suite in block YAML, or suite
// and principals in JSON.
func (w world) write(dir string, inJSON bool) error {
	principals, suite := "principals.yaml", "t.yaml"
	fixture, tests := w.fixture, w.suite
	if inJSON {
		principals, suite = "principals.json", "t.json"
		fixture, tests = w.jsonFixture, w.jsonSuite
	}
	files := map[string]func(io.Writer){
		"mcpolicy.yaml": func(f io.Writer) {
			fmt.Fprintf(f, "servers: {s: {manifest: manifest.json}}\npolicies: policies\nprincipals: %s\ntests: tests\n", principals)
		},
		"manifest.json":   w.manifest,
		"policies/p.yaml": w.policy,
		principals:        fixture,
		"tests/" + suite:  tests,
	}
	for name, f := range files {
		if err := writeFile(filepath.Join(dir, name), f); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, f func(io.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(file)
	f(b)
	if err := b.Flush(); err != nil {
		return err
	}
	return file.Close()
}

func (w world) manifest(f io.Writer) {
	fmt.Fprint(f, "{\"tools\": [\n")
	for i := range w.tools {
		if i > 0 {
			fmt.Fprint(f, ",\n")
		}
		fmt.Fprintf(f, `{"name": "tool_%d", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}}}}`, i)
	}
	fmt.Fprint(f, "\n]}\n")
}

func conditional(tool int) bool { return tool%3 == 0 }

func (w world) policy(f io.Writer) {
	fmt.Fprint(f, `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: [tools/list], effect: EFFECT_ALLOW, roles: ["*"]}
`)
	for rule := range w.rules {
		tool, again := rule/2%w.tools, rule/2/w.tools
		operation, condition := "list", ""
		if rule%2 == 1 {
			operation = "call"
			if conditional(tool) {
				condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
			}
		}
		fmt.Fprintf(f, "    - {actions: ['tools/%s::tool_%d'], effect: EFFECT_ALLOW, roles: [%s]%s}\n", operation, tool, role(tool+again), condition)
	}
}

// people writes the principals as CSV or JSON Lines.
func (w world) people(f io.Writer, csv bool) {
	if csv {
		fmt.Fprint(f, "id,roles,attr.region,attr.mail,attr.level:number\n")
	}
	for i := range w.principals {
		if csv {
			fmt.Fprintf(f, "user%07d,%s,%s,user%07d@example.com,%d\n", i, role(i), w.region(i), i, i%7)
			continue
		}
		fmt.Fprintf(f, `{"id": "user%07d", "roles": [%q], "attr": {"region": %q, "mail": "user%07d@example.com", "level": %d}}`+"\n", i, role(i), w.region(i), i, i%7)
	}
}

func (w world) fixture(f io.Writer) {
	fmt.Fprint(f, "principals:\n")
	for i := range w.principals {
		fmt.Fprintf(f, "  p%d: {id: p%d, roles: [%s], attr: {region: %s}}\n", i, i, role(i), w.region(i))
	}
}

// asked is the region that a tool's call is tried with.
func (w world) asked(tool int) string { return w.region(tool % 10) }

// allowed reports whether a principal may do it.
func (w world) allowed(principal, tool int, list bool) bool {
	return role(principal) == role(tool) && (list || !conditional(tool) || w.region(principal) == w.asked(tool))
}

// by splits the principals into those that may and those that may not.
func (w world) by(tool int, list bool) (may, not []string) {
	for p := range w.principals {
		if key := fmt.Sprintf("p%d", p); w.allowed(p, tool, list) {
			may = append(may, key)
		} else {
			not = append(not, key)
		}
	}
	return may, not
}

// A group is who is expected to get the same answer about a tool.
type group struct {
	tool       int
	list       bool
	effect     string
	principals []string
}

// groups are the groups of every decision, each with a test of its own.
func (w world) groups() []group {
	var all []group
	for t := range w.tools {
		for _, list := range []bool{true, false} {
			may, not := w.by(t, list)
			for _, g := range []group{{t, list, "allow", may}, {t, list, "deny", not}} {
				if len(g.principals) > 0 {
					all = append(all, g)
				}
			}
		}
	}
	return all
}

func (g group) name() string {
	if g.list {
		return fmt.Sprintf("tool_%d: list, %s", g.tool, g.effect)
	}
	return fmt.Sprintf("tool_%d: call, %s", g.tool, g.effect)
}

// suite writes the suite of every decision for mcpolicy, in block YAML.
func (w world) suite(f io.Writer) {
	fmt.Fprint(f, "name: everything\nserver: s\ntests:\n")
	for _, g := range w.groups() {
		fmt.Fprintf(f, "  - name: %q\n    principals:\n      - %s\n", g.name(), strings.Join(g.principals, "\n      - "))
		if g.list {
			fmt.Fprintf(f, "    list:\n      %s:\n        - tool_%d\n", g.effect, g.tool)
			continue
		}
		fmt.Fprintf(f, "    call:\n      cases:\n        - tool: tool_%d\n          arguments:\n            region: %s\n          expect: %s\n", g.tool, w.asked(g.tool), g.effect)
	}
}

// jsonSuite writes the same suite in JSON.
func (w world) jsonSuite(f io.Writer) {
	fmt.Fprint(f, `{"name": "everything", "server": "s", "tests": [`)
	for i, g := range w.groups() {
		if i > 0 {
			fmt.Fprint(f, ",")
		}
		fmt.Fprintf(f, "\n"+`  {"name": %q, "principals": ["%s"], `, g.name(), strings.Join(g.principals, `", "`))
		if g.list {
			fmt.Fprintf(f, `"list": {%q: ["tool_%d"]}}`, g.effect, g.tool)
			continue
		}
		fmt.Fprintf(f, `"call": {"cases": [{"tool": "tool_%d", "arguments": {"region": %q}, "expect": %q}]}}`, g.tool, w.asked(g.tool), g.effect)
	}
	fmt.Fprint(f, "\n]}\n")
}

// jsonFixture writes the principals in JSON.
func (w world) jsonFixture(f io.Writer) {
	fmt.Fprint(f, `{"principals": {`)
	for i := range w.principals {
		if i > 0 {
			fmt.Fprint(f, ",")
		}
		fmt.Fprintf(f, "\n"+`  "p%d": {"id": "p%d", "roles": [%q], "attr": {"region": %q}}`, i, i, role(i), w.region(i))
	}
	fmt.Fprint(f, "\n}}\n")
}

// cerbosSuite writes the same decisions as a suite for cerbos compile, in the
// shortest way that it has: who is not named is expected to be denied.
func (w world) cerbosSuite(f io.Writer) {
	fmt.Fprint(f, "name: everything\nprincipals:\n")
	var all []string
	for i := range w.principals {
		fmt.Fprintf(f, "  p%d: {id: p%d, roles: [%s], attr: {region: %s}}\n", i, i, role(i), w.region(i))
		all = append(all, fmt.Sprintf("p%d", i))
	}
	fmt.Fprint(f, "resources:\n")
	for t := range w.tools {
		fmt.Fprintf(f, "  list_%d: {id: tool_%d, kind: mcp_server, attr: {tool_name: tool_%d, source: client, arguments: {}}}\n", t, t, t)
		fmt.Fprintf(f, "  call_%d: {id: tool_%d, kind: mcp_server, attr: {tool_name: tool_%d, source: client, arguments: {region: %s}}}\n", t, t, t, w.asked(t))
	}
	fmt.Fprint(f, "tests:\n")
	for t := range w.tools {
		for _, op := range []string{"list", "call"} {
			may, _ := w.by(t, op == "list")
			fmt.Fprintf(f, "  - name: %s %d\n    input: {principals: [%s], resources: [%s_%d], actions: ['tools/%s::tool_%d']}\n    expected:\n", op, t, strings.Join(all, ", "), op, t, op, t)
			for _, p := range may {
				fmt.Fprintf(f, "      - {principal: %s, resource: %s_%d, actions: {'tools/%s::tool_%d': EFFECT_ALLOW}}\n", p, op, t, op, t)
			}
		}
	}
}

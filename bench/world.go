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
// roles, and as many different regions as there are classes.
type world struct {
	tools, principals, classes int
}

func (w world) region(principal int) string { return fmt.Sprintf("region-%d", principal%w.classes) }

func role(n int) string { return fmt.Sprintf("role_%d", n%10) }

// write writes the world as mcpolicy reads it, with principals in a format.
func (w world) write(dir, format string) error {
	files := map[string]func(io.Writer){
		"mcpolicy.yaml":   func(f io.Writer) { w.config(f, format) },
		"manifest.json":   w.manifest,
		"policies/p.yaml": w.policy,
		"principals." + format: map[string]func(io.Writer){
			"yaml": w.fixture, "csv": w.csv, "jsonl": w.lines,
		}[format],
	}
	for name, f := range files {
		if err := writeFile(filepath.Join(dir, name), f); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, f func(io.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a temporary folder
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

func (w world) config(f io.Writer, format string) {
	fmt.Fprintf(f, "servers: {s: {manifest: manifest.json}}\npolicies: policies\nprincipals: principals.%s\n", format)
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
	for i := range w.tools {
		condition := ""
		if conditional(i) {
			condition = ", condition: {match: {expr: R.attr.arguments.region == P.attr.region}}"
		}
		fmt.Fprintf(f, "    - {actions: ['tools/list::tool_%d'], effect: EFFECT_ALLOW, roles: [%s]}\n", i, role(i))
		fmt.Fprintf(f, "    - {actions: ['tools/call::tool_%d'], effect: EFFECT_ALLOW, roles: [%s]%s}\n", i, role(i), condition)
	}
}

func (w world) fixture(f io.Writer) {
	fmt.Fprint(f, "principals:\n")
	for i := range w.principals {
		fmt.Fprintf(f, "  p%d: {id: p%d, roles: [%s], attr: {region: %s}}\n", i, i, role(i), w.region(i))
	}
}

func (w world) csv(f io.Writer) {
	fmt.Fprint(f, "id,roles,attr.region,attr.name\n")
	for i := range w.principals {
		fmt.Fprintf(f, "p%d,%s,%s,name %d\n", i, role(i), w.region(i), i)
	}
}

func (w world) lines(f io.Writer) {
	for i := range w.principals {
		fmt.Fprintf(f, `{"id":"p%d","roles":["%s"],"attr":{"region":"%s","name":"name %d"}}`+"\n", i, role(i), w.region(i), i)
	}
}

// expect says what a principal may do with a tool.
func (w world) expect(principal, tool int, list bool) string {
	switch {
	case role(principal) != role(tool):
		return "deny"
	case !list && conditional(tool):
		return "conditional"
	}
	return "allow"
}

// suite writes the suite of every decision for mcpolicy: one test a principal.
func (w world) suite(f io.Writer) {
	fmt.Fprint(f, "name: everything\nserver: s\ntests:\n")
	for p := range w.principals {
		fmt.Fprintf(f, "  - name: p%d\n    principals: [p%d]\n", p, p)
		for _, op := range []string{"list", "call"} {
			fmt.Fprintf(f, "    %s:\n", op)
			by := map[string][]string{}
			for t := range w.tools {
				e := w.expect(p, t, op == "list")
				if e == "conditional" {
					continue
				}
				by[e] = append(by[e], fmt.Sprintf("tool_%d", t))
			}
			for _, e := range []string{"allow", "deny"} {
				if len(by[e]) > 0 {
					fmt.Fprintf(f, "      %s: [%s]\n", e, strings.Join(by[e], ", "))
				}
			}
			if op != "call" {
				continue
			}
			fmt.Fprint(f, "      cases:\n")
			for t := range w.tools {
				if w.expect(p, t, false) == "conditional" {
					fmt.Fprintf(f, "        - {tool: tool_%d, arguments: {region: %s}, expect: allow}\n", t, w.region(p))
				}
			}
		}
	}
}

// cerbosSuite writes the same decisions as a suite for cerbos compile.
func (w world) cerbosSuite(f io.Writer) {
	fmt.Fprint(f, "name: everything\nprincipals:\n")
	for i := range w.principals {
		fmt.Fprintf(f, "  p%d: {id: p%d, roles: [%s], attr: {region: %s}}\n", i, i, role(i), w.region(i))
	}
	fmt.Fprint(f, "resources:\n")
	for t := range w.tools {
		fmt.Fprintf(f, "  list_%d: {id: tool_%d, kind: mcp_server, attr: {tool_name: tool_%d, source: client, arguments: {}}}\n", t, t, t)
	}
	for c := range w.classes {
		for t := range w.tools {
			if conditional(t) || c == 0 {
				fmt.Fprintf(f, "  call_%d_%d: {id: tool_%d, kind: mcp_server, attr: {tool_name: tool_%d, source: client, arguments: {region: region-%d}}}\n", c, t, t, t, c)
			}
		}
	}
	fmt.Fprint(f, "tests:\n")
	for p := range w.principals {
		for t := range w.tools {
			for _, op := range []string{"list", "call"} {
				effect := "EFFECT_DENY"
				if role(p) == role(t) {
					effect = "EFFECT_ALLOW"
				}
				resource := fmt.Sprintf("list_%d", t)
				if op == "call" {
					class := 0
					if conditional(t) {
						class = p % w.classes
					}
					resource = fmt.Sprintf("call_%d_%d", class, t)
				}
				fmt.Fprintf(f, "  - {name: p%d %s %d, input: {principals: [p%d], resources: [%s], actions: ['tools/%s::tool_%d']}, expected: [{principal: p%d, resource: %s, actions: {'tools/%s::tool_%d': %s}}]}\n",
					p, op, t, p, resource, op, t, p, resource, op, t, effect)
			}
		}
	}
}

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// A company is a folder of policies about many kinds of resources that share derived
// roles, and an enforcement point that asks about the first kind.
type company struct {
	kinds, roles int
}

func (c company) role(n int) string { return fmt.Sprintf("staff_%d", n%c.roles) }

// write writes the company as mcpolicy reads it.
func (c company) write(dir string) error {
	errs := []error{
		writeFile(filepath.Join(dir, "mcpolicy.yaml"), c.config),
		writeFile(filepath.Join(dir, "manifest.json"), c.manifest),
		writeFile(filepath.Join(dir, "principals.yaml"), c.people),
		writeFile(filepath.Join(dir, "policies", "staff.yaml"), c.derivedRoles),
	}
	for kind := range c.kinds {
		errs = append(errs, writeFile(filepath.Join(dir, "policies", fmt.Sprintf("document_%d.yaml", kind)), func(f io.Writer) { c.policy(f, kind) }))
	}
	return errors.Join(errs...)
}

func (c company) config(f io.Writer) {
	fmt.Fprint(f, `servers: {archive: {manifest: manifest.json, enforcement: gateway}}
enforcement:
  gateway:
    tools/list: {filter: call}
    tools/call: [{kind: document_0, id: "{name}", action: "{name}", attr: {arguments: "{arguments}"}}]
policies: policies
principals: principals.yaml
`)
}

var companyTools = []string{"read", "write", "sign", "send", "archive", "share"}

func (c company) manifest(f io.Writer) {
	var tools []string
	for _, name := range companyTools {
		tools = append(tools, fmt.Sprintf(`{"name": %q, "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object", "required": ["pages"], "properties": {"pages": {"type": "number"}}}}`, name))
	}
	fmt.Fprintf(f, "{\"tools\": [\n%s\n]}\n", strings.Join(tools, ",\n"))
}

func (c company) people(f io.Writer) {
	fmt.Fprint(f, "principals:\n")
	for i := range c.roles {
		fmt.Fprintf(f, "  worker%d: {id: worker%d, roles: [employee], attr: {office: o%d, rank: %d, shelves: [s0], limit: %d}}\n", i, i, i/5, i%5, 10*i)
	}
}

func (c company) derivedRoles(f io.Writer) {
	fmt.Fprint(f, "apiVersion: api.cerbos.dev/v1\nderivedRoles:\n  name: staff\n  definitions:\n")
	for i := range c.roles {
		fmt.Fprintf(f, "    - name: %s\n      parentRoles: [employee]\n      condition: {match: {all: {of: [{expr: P.attr.office == \"o%d\"}, {expr: P.attr.rank == %d}]}}}\n", c.role(i), i/5, i%5)
	}
}

func (c company) policy(f io.Writer, kind int) {
	var all, some []string
	for i := range c.roles * 3 / 4 {
		all, some = append(all, c.role(i)), append(some, c.role(i+c.roles/3))
	}
	fmt.Fprintf(f, `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: document_%d
  version: default
  importDerivedRoles: [staff]
  rules:
    - actions: [%s]
      effect: EFFECT_ALLOW
      derivedRoles: [%s]
      condition: {match: {expr: '"s%d" in P.attr.shelves && R.attr.arguments.pages < P.attr.limit'}}
    - actions: [read, send]
      effect: EFFECT_ALLOW
      derivedRoles: [%s]
      condition: {match: {expr: '"s%d" in P.attr.shelves'}}
`, kind, strings.Join(companyTools, ", "), strings.Join(all, ", "), kind%9, strings.Join(some, ", "), kind%9)
}

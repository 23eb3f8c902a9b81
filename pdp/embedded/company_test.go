package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpolicy/mcpolicy/authz"
)

// A company is a folder of policies about many kinds of resources, which share
// derived roles, variables and constants, in several scopes and versions, with
// policies of principals and roles that are about some or all of the kinds.
type company struct {
	random *rand.Rand
	files  map[string]string
	kinds  []string
	people []*authz.Principal
	n      int
}

func newCompany(seed uint64, kinds int) *company {
	c := &company{random: rand.New(rand.NewPCG(seed, 77)), files: map[string]string{}}
	c.exports()
	for i := range 4 {
		c.derivedRoles(i)
	}
	for i := range kinds {
		kind := fmt.Sprintf(c.one("mcp:crm%d", "mcp-crm%d", "mcp_crm%d", "desk%d", "area:sub:kind%d", "tool.x%d", "Desk %d"), i)
		c.kinds = append(c.kinds, kind)
		c.resource(kind, "default", "")
		if c.chance(2) {
			c.resource(kind, "default", "acme")
			if c.chance(2) {
				c.resource(kind, "default", "acme.hr")
			}
		}
		if c.chance(4) {
			c.resource(kind, "v2", "")
		}
	}
	for i := range 5 {
		c.principalPolicy(fmt.Sprintf("person%d", i))
	}
	for i := range 3 {
		c.rolePolicy(fmt.Sprintf("limited%d", i))
	}
	for i := range 12 {
		p := &authz.Principal{ID: fmt.Sprintf("person%d", i), Key: fmt.Sprintf("person%d", i), Attr: map[string]any{}}
		for _, role := range []string{"A", "B", "C", "limited0", "limited1", "limited2"} {
			if c.chance(3) {
				p.Roles = append(p.Roles, role)
			}
		}
		if len(p.Roles) == 0 {
			p.Roles = []string{"A"}
		}
		for _, name := range []string{"level", "team", "area"} {
			if !c.chance(5) {
				p.Attr[name] = []any{1.0, 2.0, "a", "b"}[c.random.IntN(4)]
			}
		}
		p.Scope = c.one("", "", "", "acme")
		c.people = append(c.people, p)
	}
	return c
}

func (c *company) chance(n int) bool          { return c.random.IntN(n) == 0 }
func (c *company) one(of ...string) string    { return of[c.random.IntN(len(of))] }
func (c *company) file(name, text string)     { c.files[name] = "apiVersion: api.cerbos.dev/v1\n" + text }
func (c *company) number() int                { c.n++; return c.n }
func (c *company) condition(of string) string { return fmt.Sprintf("condition: {match: %s}", of) }

// match is a condition. No two are of the same expressions.
func (c *company) match(variables bool) string {
	expr := func() string {
		list := []string{
			"P.attr.level == 1", "P.attr.team == \"a\"", "R.attr.arguments.amount < 10", "has(P.attr.area)", "R.attr.arguments.team == P.attr.team",
			"R.attr.open == true", "P.attr.level > P.attr.area", "!has(R.attr.arguments.amount)", "\"A\" in P.roles",
		}
		if variables {
			list = append(list, "V.senior", "V.wide", "V.limit > 5", "C.top == P.attr.level", "V.own")
		}
		return fmt.Sprintf("%s || %d == 0", c.one(list...), c.number())
	}
	if c.chance(3) {
		return fmt.Sprintf("{%s: {of: [{expr: %q}, {expr: %q}]}}", c.one("all", "any", "none"), expr(), expr())
	}
	return fmt.Sprintf("{expr: %q}", expr())
}

func (c *company) exports() {
	c.file("vars.yaml", `exportVariables:
  name: common
  definitions:
    senior: P.attr.level == 2
    wide: "V.senior || P.attr.area == 'a'"
    limit: "C.top + 4.0"
`)
	c.file("consts.json.yaml", "exportConstants: {name: numbers, definitions: {top: 2, bottom: 1}}\n")
	c.file("more.yaml", "\"exportVariables\":\n  name: unused\n  definitions: {text: \"'a' + 'b'\"}\n")
}

const imports = "  variables: {import: [common], local: {own: \"R.attr.owner == P.id\"}}\n  constants: {import: [numbers]}\n"

func (c *company) derivedRoles(i int) {
	text := fmt.Sprintf("derivedRoles:\n  name: set%d\n", i)
	if i%2 == 0 {
		text += imports
	}
	text += "  definitions:\n"
	for j := range 3 {
		text += fmt.Sprintf("    - {name: d%d_%d, parentRoles: [%s]", i, j, c.one("A", "B", "\"*\"", "A, C", "limited0"))
		if !c.chance(4) {
			text += ", " + c.condition(c.match(i%2 == 0))
		}
		text += "}\n"
	}
	c.file(fmt.Sprintf("roles/set%d.yaml", i), text)
}

func (c *company) resource(kind, version, scope string) {
	set := c.random.IntN(4)
	text := fmt.Sprintf("resourcePolicy:\n  resource: %q\n  version: %s\n", kind, version)
	switch scope {
	case "acme":
		text += "  scope: acme\n"
	case "acme.hr":
		text += "  scope: acme.hr\n  scopePermissions: SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS\n"
	}
	text += fmt.Sprintf("  importDerivedRoles: [set%d]\n", set)
	variables := c.chance(2)
	if variables {
		text += imports
	}
	text += "  rules:\n"
	for range 1 + c.random.IntN(4) {
		text += fmt.Sprintf("    - {actions: [%s], effect: EFFECT_%s", c.one("call", "list", `"*"`, `"view:*"`, "call, list"), c.one("ALLOW", "ALLOW", "ALLOW", "ALLOW", "DENY"))
		if c.chance(2) {
			text += fmt.Sprintf(", derivedRoles: [d%d_%d, d%d_0]", set, 1+c.random.IntN(2), set)
		} else {
			text += fmt.Sprintf(", roles: [%s]", c.one("A", "B", "C", `"*"`, "A, B"))
		}
		if c.chance(2) {
			text += ", " + c.condition(c.match(variables))
		}
		text += "}\n"
	}
	c.file(fmt.Sprintf("kinds/%d.yaml", c.number()), text)
}

func (c *company) principalPolicy(id string) {
	for _, scope := range []string{"", "acme"} {
		if scope != "" && c.chance(2) {
			continue
		}
		text := fmt.Sprintf("principalPolicy:\n  principal: %s\n  version: %s\n", id, "default")
		if scope != "" {
			text += "  scope: acme\n"
		}
		text += "  rules:\n"
		resources := map[string]bool{}
		for range 1 + c.random.IntN(3) {
			resources[c.one("mcp*", "mcp:*", "*", "desk*", c.one(c.kinds...), c.one(c.kinds...), "nobody")] = true
		}
		for _, resource := range sortedKeys(resources) {
			text += fmt.Sprintf("    - resource: %q\n      actions: [{action: %s, effect: EFFECT_%s", resource, c.one("call", "list", `"view:*"`), c.one("ALLOW", "DENY"))
			if c.chance(2) {
				text += ", " + c.condition(c.match(false))
			}
			text += "}]\n"
		}
		c.file(fmt.Sprintf("people/%d.yaml", c.number()), text)
	}
}

func (c *company) rolePolicy(role string) {
	text := fmt.Sprintf("rolePolicy:\n  role: %s\n  version: default\n  parentRoles: [%s]\n", role, c.one("A", "B"))
	if c.chance(3) {
		text += "  scope: acme\n"
	}
	text += "  rules:\n"
	for range 1 + c.random.IntN(3) {
		resource := c.one("*", "mcp*", "mcp_*", "desk*", c.one(c.kinds...), "nobody")
		text += fmt.Sprintf("    - {resource: %q, allowActions: [%s]}\n", resource, c.one("call", `"*"`, "call, list"))
	}
	c.file("limits/"+role+".yaml", text)
}

// write writes the policies to a folder.
func (c *company) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (c *company) fsys() fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range c.files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// requests are some about a few of the kinds, as policies or in another way that
// Cerbos may take for the same, and about kinds that there are no policies about.
func (c *company) requests(kinds, n int) []authz.Request {
	var of []string
	for range kinds {
		kind := c.one(c.kinds...)
		if c.chance(4) {
			kind = strings.NewReplacer(":", "_", "-", "_", ".", "_", " ", "_").Replace(kind)
		}
		of = append(of, kind)
	}
	if c.chance(2) {
		of = append(of, "nobody", "mcp:nothing")
	}
	list := make([]authz.Request, n)
	for i := range list {
		arguments := map[string]any{}
		if c.chance(2) {
			arguments["amount"] = []any{5.0, 50.0, "5"}[c.random.IntN(3)]
		}
		if c.chance(2) {
			arguments["team"] = c.one("a", "b")
		}
		p := c.people[c.random.IntN(len(c.people))]
		list[i] = authz.Request{Principal: p, Action: c.one("call", "call", "list", "list", "view:all", "edit"), Resource: authz.Resource{
			Kind: c.one(of...), ID: "r", PolicyVersion: c.one("", "", "", "default", "default", "v2", "v3"), Scope: c.one("", "", "", "", "acme", "acme", "acme.hr", "ghost"),
			Attr: map[string]any{"arguments": arguments, "open": c.chance(2), "owner": p.ID},
		}}
	}
	return list
}

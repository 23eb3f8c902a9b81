package scaffold

import (
	"fmt"

	"github.com/mcpolicy/mcpolicy/docs/schema"
	"github.com/mcpolicy/mcpolicy/source"
)

// config writes mcpolicy.yaml, of a project that has suites or not yet.
func (p *plan) config(covered []string, tested bool) File {
	var w writer
	w.schema(schema.URL("config.json", p.Version))
	w.comment("", "Who may see and use which MCP tool: mcpolicy check. Written by mcpolicy init; it is yours now.")
	w.line("servers:")
	for _, s := range p.servers {
		w.line("  %s:", source.Quote(s.Name))
		file := s.File
		if s.Pick != "" {
			file += "#" + s.Pick
		}
		w.line("    manifest: %s", source.Quote(file))
		w.line("    enforcement: %s", p.Enforcement)
		if s.Kind != "" {
			w.line("    with: {resourceKind: %s}", source.Quote(s.Kind))
		}
		if len(s.inventory.Gaps) > 0 {
			for _, g := range s.inventory.Gaps {
				w.comment("    ", "review: "+g.Message)
			}
			w.comment("    ", "What the inventory lacks is denied by the policies, since they name what they allow.")
			w.line("    incomplete: accept")
		}
	}
	w.line("policies: policies")
	w.line("principals: principals.yaml")
	if tested {
		w.line("tests: tests")
	}
	w.line("lint:")
	w.line("  administrators: {roles: %s}", names([]string{p.Roles.Administrator}))
	if len(covered) > 0 {
		w.comment("", "The suites cover all of the policies, and should go on to do so: mcpolicy test --coverage.")
		w.line("coverage:")
		min := map[string]any{}
		for _, kind := range covered {
			min[kind] = 100.0
		}
		w.line("  min: %s", source.Flow(min))
	}
	if len(p.waivers) > 0 {
		w.comment("", "What says review no policy can mend: mend it in the server, and take the waiver out, or say why it is meant.")
		w.line("waivers:")
		for _, x := range p.waivers {
			of := ""
			if x.server != "" {
				of = ", server: " + source.Quote(exact(x.server))
			}
			if x.item != "" {
				of += fmt.Sprintf(", %s: %s", x.key, source.Quote(exact(x.item)))
			}
			w.line("  - {rule: %s%s, reason: %s}", x.rule, of, source.Quote(x.reason))
		}
	}
	return File{"mcpolicy.yaml", []byte(w.String())}
}

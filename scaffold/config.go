package scaffold

import (
	"fmt"
	"strings"

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
		if p.Enforcement == Custom {
			w.line("    enforcement: %s", s.gateway())
		} else {
			w.line("    enforcement: %s", p.Enforcement)
		}
		if s.ids {
			w.comment("    ", "review: what identifies the server in tokens")
			w.line("    with: {aud: %s}", source.Quote("https://"+strings.ReplaceAll(slug(s.Name), "_", "-")+".example/mcp"))
		}
		if s.Kind != "" && p.Enforcement != Custom {
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
	if p.Enforcement == Custom {
		p.profiles(&w)
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

// gateway is what the enforcement point in front of a server is called.
func (s *guarded) gateway() string { return strings.ReplaceAll(s.slug, "_", "-") + "-gateway" }

// profiles writes what the enforcement points send, for who knows it to fill in.
func (p *plan) profiles(w *writer) {
	w.comment("", "review: what your enforcement point asks about each method, and what becomes of a request that no policy decides. A matrix is as true as this is: "+
		"put in what it sends, then read docs/profiles.md of mcpolicy, and mcpolicy explain --enforcement-point NAME.")
	w.line("enforcement:")
	for _, s := range p.servers {
		kind := source.Quote(braces(s.kind()))
		w.line("  %s:", s.gateway())
		w.line("    tools/list:")
		w.line("      filter: own                     # each tool is asked about, with no arguments")
		w.line("      requests:")
		w.line(`        - {kind: %s, id: "tools/list", action: "tools/list"}`, kind)
		w.line(`        - {kind: %s, id: "{name}", action: "tools/list::{name}"}`, kind)
		w.line("    tools/call:")
		w.line(`      - {kind: %s, id: "{name}", action: "tools/call::{name}", attr: {arguments: "{arguments}"}}`, kind)
		w.line("    prompts/list: {filter: call}      # by whether it may be got")
		w.line("    prompts/get:")
		w.line(`      - {kind: %s, id: "{name}", action: "prompts/get::{name}"}`, kind)
		w.line("    resources/list: {filter: call}")
		w.line("    resources/templates/list: {filter: call}")
		w.line("    resources/read:")
		w.line(`      - {kind: %s, id: "{name}", action: "resources/read::{name}"}`, kind)
		w.line("    onNoPolicy: refuse")
		w.line("    onPDPError: refuse")
		w.line("    onPDPDown: refuse")
		w.line("    unknownOperations: refuse")
	}
}

// braces writes a text in which braces are meant.
func braces(text string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(text) }

package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/source"
)

// nameNotPortable flags names of tools that MCP does not recommend, and names
// of tools and prompts with characters that mean something else in a policy.
// It reports once a server, type and kind of mistake.
var nameNotPortable = &Rule{
	ID:       "name-not-portable",
	Family:   inInventory,
	Severity: authz.SeverityWarning,
	Doc: Doc{
		Summary: "A name is outside MCP's recommended characters or length, or has `:` or glob characters that change what a policy matches",
		Rationale: `MCP recommends names of tools of 1 to 128 of the characters A-Z a-z 0-9 _ - and dot. Others are
refused or rewritten by some clients and gateways, and then the policy speaks of another name. A colon is worse: in
an action of a policy an asterisk stops at it, so that a rule for all tools leaves this one out. An asterisk in a
name makes the rule that names the tool a pattern. Names of prompts are looked at for these two alone; URIs of
resources are what they are.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "crm:export"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_DENY, roles: [SALES]}
    - {actions: ["tools/call::crm:export"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "crm_export"}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - {actions: ["tools/call::*"], effect: EFFECT_DENY, roles: [SALES]}
    - {actions: ["tools/call::crm_export"], effect: EFFECT_ALLOW, roles: ["*"]}
`,
		Fix: "Rename it in the server, with letters, digits, underscores, hyphens and dots.",
	},
	Options: func() any { return &nameOptions{Longest: 128} },
	Check: func(p *Pass) {
		o := optionsOf[nameOptions](p)
		for _, col := range p.Matrix.Columns {
			t := col.Item.Type
			if col.Operation == authz.List || t != authz.ToolItem && t != authz.PromptItem {
				continue
			}
			kind, evidence := oddName(p, col, o)
			if kind == "" {
				continue
			}
			f := about(col)
			f.Cause, f.Evidence = causeOf(col.Server.Name, t.String(), kind), evidence
			p.report(draft{
				Finding: f,
				say: func(e *effects) string {
					list := e.subjects
					return fmt.Sprintf("%s of %s %s %s: %s", plural(len(list), "the name of a "+noun(t), fmt.Sprintf("the names of %d %ss", len(list), noun(t))),
						col.Server.Name, plural(len(list), "has", "have"), kind, listing(list, named))
				},
			})
		}
	},
}

type nameOptions struct {
	Longest int `yaml:"longest" doc:"how many characters the name of a tool may have; some clients take 64"`
}

// DecodeNode reads a mapping.
func (o *nameOptions) DecodeNode(n *source.Node) error {
	type plain nameOptions
	if err := source.Decode(n, (*plain)(o)); err != nil {
		return err
	}
	if o.Longest < 1 {
		return outside(n, "longest", "1 or more")
	}
	return nil
}

// oddName says what is wrong with the name of an item, the worst first, and
// why that matters.
func oddName(p *Pass, col *matrix.Column, o *nameOptions) (kind string, evidence []string) {
	name := col.Item.Name
	inAction := slices.ContainsFunc(p.index.Asked(col), func(a coverage.Asked) bool { return strings.Contains(a.Action, name) })
	colon, glob := strings.Contains(name, ":"), strings.Contains(name, "*")
	if inAction && (colon || glob) {
		if colon {
			evidence = append(evidence, fmt.Sprintf("%q has a colon, at which an asterisk in an action stops; two of them go on.", name))
		}
		if glob {
			evidence = append(evidence, fmt.Sprintf("%q has an asterisk, so that an action that names it is a pattern.", name))
		}
		return "characters that change what a policy matches", evidence
	}
	if col.Item.Type != authz.ToolItem {
		return "", nil
	}
	if odd := oddCharacters(name); odd != "" {
		return "characters that MCP does not recommend", []string{fmt.Sprintf("%q has %s.", name, odd)}
	}
	if n := utf8.RuneCountInString(name); n > o.Longest {
		return fmt.Sprintf("more than %d characters", o.Longest), []string{fmt.Sprintf("%q has %d.", name, n)}
	}
	return "", nil
}

// oddCharacters lists the characters that MCP does not recommend in a name,
// each once.
func oddCharacters(name string) string {
	var list []string
	for _, r := range name {
		fine := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r)
		if c := fmt.Sprintf("%q", string(r)); !fine && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return listing(list, named)
}

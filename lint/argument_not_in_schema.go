package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/fix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// argumentNotInSchema flags conditions that read an argument which the tool's
// inputSchema does not have, or not with a type that would do. It is silent
// where the schema takes other arguments too, and where a condition or a rule
// is for several tools, has the argument in some of them, and minds that.
var argumentNotInSchema = &Rule{
	ID:       "argument-not-in-schema",
	Family:   unreachable,
	Severity: authz.SeverityError,
	needs:    []need{needReads},
	Doc: Doc{
		Summary: "A condition reads an argument that the tool's inputSchema does not have, or with an incompatible type",
		Rationale: `Such an argument never comes, so the condition is never met: an ALLOW allows nothing, and a DENY
denies nothing. Or it comes after all, from a caller who was told what the policy looks at, and the tool ignores what
the decision was based on. Servers rename arguments from one version to the next.`,
		Bad: `
-- manifest.json --
{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}, "region": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.amuont <= 500}}
`,
		Good: `
-- manifest.json --
{"tools": [{"name": "refund", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}, "region": {"type": "string"}}}}]}
-- policies/crm.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - actions: ["tools/call::refund"]
      effect: EFFECT_ALLOW
      roles: [SALES]
      condition: {match: {expr: R.attr.arguments.amount <= 500}}
`,
		Fix:       "Correct the argument in the condition, or take a new inventory.",
		Standards: []string{"CWE-863"},
	},
	Check: func(p *Pass) {
		uses := argumentUses(p)
		best := map[string]int{} // how far the tools have it, by the group of the use
		for i := range uses {
			u := &uses[i]
			best[u.group()] = max(best[u.group()], u.reach())
		}
		for i := range uses {
			u := &uses[i]
			if u.exists != no || u.minds() && best[u.group()] > u.reach() {
				continue
			}
			f := about(u.col)
			f.Related = []Related{{u.argument.pos, noun(f.Type) + " " + f.Name, true}}
			f.Pos, f.Policy = u.pos, u.rule.ID
			f.Cause, f.Evidence = causeOf(keyOfPolicy(u.rule.Policy), u.lack()), []string{cite(u.rule)}
			if best[u.group()] == u.reach() { // no tool has it
				f.Edits = u.correction()
			}
			p.report(draft{
				Finding: f,
				say:     func(e *effects) string { return u.lack() + e.listed() + u.meant() },
			})
		}
	},
}

// An argumentUse is an argument of a tool that a condition reads.
type argumentUse struct {
	*reader
	*columnRequest
	argument
	read *pdp.Read
	path []string
	pos  source.Pos // of the expression
}

// argumentUses lists the arguments that conditions read.
func argumentUses(p *Pass) []argumentUse {
	var list []argumentUse
	for _, x := range p.readings.list {
		for read, q := range x.uses() {
			path, ok := q.argumentPath(read)
			if !ok {
				continue
			}
			a := argumentOf(p, q.col.Item, path)
			if a.exists == yes && !read.Below && !a.fits(read.Types) {
				a.exists, a.step = no, len(path)
			}
			list = append(list, argumentUse{x, q, a, read, path, posOf(p, x.rule, read.Place)})
		}
	}
	return list
}

// group is the same for one expression, whatever tool it is evaluated for.
func (u *argumentUse) group() string { return u.pos.String() + strings.Join(u.path, "\x00") }

// reach says how far the tool has what is read: not, with another type, or as
// it is read.
func (u *argumentUse) reach() int {
	switch {
	case u.exists != no:
		return 2
	case u.step == len(u.path):
		return 1
	}
	return 0
}

// minds reports whether the condition may be for several tools knowingly, some
// of which have the argument.
func (u *argumentUse) minds() bool {
	step := min(u.step, len(u.path)-1)
	return u.read.Alternative || guarded(u.read, len(u.path))[step] || u.rule.Effect == authz.Deny || !u.exact(u.rule)
}

// lack says what is wrong with the argument, up to the names of the tools.
func (u *argumentUse) lack() string {
	switch {
	case u.step == len(u.path):
		return fmt.Sprintf("%s is read as %s, which it never is in the inputSchema of ", argumentName(u.path), listing(articles(u.read.Types), named))
	case u.types != nil && u.path[u.step] == pdp.Element:
		return fmt.Sprintf("%s is read as a list, which it never is in the inputSchema of ", argumentName(u.path[:u.step]))
	case u.types != nil:
		return fmt.Sprintf("%s is read, and %s has no fields in the inputSchema of ", argumentName(u.path), argumentName(u.path[:u.step]))
	}
	return fmt.Sprintf("%s is no argument of ", argumentName(u.path))
}

// meant suggests the argument that was meant, as in " (did you mean x?)".
func (u *argumentUse) meant() string {
	if u.near == nil {
		return ""
	}
	near := source.Nearest(u.path[u.step], u.near)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", argumentName(append(slices.Clone(u.path[:u.step]), near)))
}

// correction returns the edit that makes the argument the one that was meant,
// where that is beyond doubt: a name that stands in the expression once.
func (u *argumentUse) correction() []fix.Edit {
	if u.near == nil || u.step >= len(u.path) {
		return nil
	}
	wrong := u.path[u.step]
	meant := onlySlip(wrong, u.near)
	if meant == "" || meant != source.Nearest(wrong, u.near) {
		return nil
	}
	for text := range u.rule.Condition.Exprs() {
		if text.Pos == u.pos && strings.Count(text.Value, "."+wrong) == 1 && strings.Count(text.Value, wrong) == 1 {
			return []fix.Edit{{Pos: text.Pos, Old: text.Value, New: strings.Replace(text.Value, "."+wrong, "."+meant, 1)}}
		}
	}
	return nil
}

// articles spells the types that a condition takes a value for.
func articles(types []string) []string {
	var list []string
	for _, t := range types {
		name := map[string]string{
			"string": "a string", "bool": "true or false", "int": "a number", "uint": "a number", "double": "a number",
			"list": "a list", "map": "an object",
		}[t]
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

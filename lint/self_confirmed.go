package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// selfConfirmed flags rules by which nothing but a confirmation among the arguments lets
// a call pass that may change something. It reports once for the rules.
var selfConfirmed = &Rule{
	ID:       "self-confirmed",
	Family:   overExposed,
	Severity: authz.SeverityNote,
	needs:    []need{needConditions},
	Doc: Doc{
		Summary: "What alone lets a call that changes something pass is an argument that the caller sets freely (`confirmed == true`)",
		Rationale: `Who makes the call writes the arguments. A model that is told that a call needs ` + "`confirmed: true`" + ` sends
` + "`confirmed: true`" + `: that nobody was asked does not show. A confirmation protects from slips where a person makes the call,
and from nobody who means it. An argument that changes what the call does is another matter: ` + "`dry_run`" + `, a region, an
amount. Arguments are taken for confirmations by their names, such as confirm, force, approved, acknowledged. Whether
one alone is enough is decided by the engine.`,
		Bad: confirmedWorld + `
      condition: {match: {expr: R.attr.arguments.confirmed == true}}
`,
		Good: confirmedWorld + `
      condition: {match: {all: {of: [{expr: R.attr.arguments.confirmed == true}, {expr: R.attr.arguments.amount < 100.0}]}}}
`,
		Fix:       "Test something that the caller does not choose: an attribute of the principal, who approved as the approving system says it, or a bound on what the call does.",
		Standards: []string{"CWE-807", "ASI02", "ASI03"},
	},
	Ask: func(ctx context.Context, p *Pass) error {
		x := p.reasoner()
		if x == nil {
			return nil
		}
		for col := range p.calls() {
			if !col.Item.ReadOnly() {
				if err := findConfirmations(ctx, p, col); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

// findConfirmations reports the rules by which a confirmation is enough to call a tool.
func findConfirmations(ctx context.Context, p *Pass, col *matrix.Column) error {
	var list []*confirmation
	for _, c := range p.Matrix.Classes {
		cell := p.cell(c, col)
		if cell.Access != matrix.Conditional {
			continue
		}
		s := confirmationOf(p, cell, argumentsOf(p, col))
		if s == nil {
			continue
		}
		var err error
		if s.arguments, err = s.enough(ctx, p, c, col); err != nil {
			return err
		}
		if s.arguments == nil {
			continue
		}
		s.who = []*matrix.Class{c}
		if i := slices.IndexFunc(list, func(o *confirmation) bool { return slices.Equal(o.rules, s.rules) }); i >= 0 {
			list[i].who = append(list[i].who, c)
		} else {
			list = append(list, s)
		}
	}
	for _, s := range list {
		s.report(p, col)
	}
	return nil
}

// A confirmation is what alone a cell hangs on: arguments that say no more than that the
// caller means it.
type confirmation struct {
	rules []*policy.Rule
	flags []string
	wants []any // the constants that the flags are compared with
	asked bool  // whether a flag is there is asked at all

	who       []*matrix.Class
	arguments map[string]any // that are enough for the first of them
}

// affirming are the words of flags that say that the caller means it; unlike are those that
// make something else of such a word.
var (
	affirming = set("confirm", "confirmed", "confirmation", "confirms", "force", "forced", "approve", "approved", "approval", "ack", "acknowledge",
		"acknowledged", "agree", "agreed", "accept", "accepted", "consent", "consented", "sure", "understand", "understood", "override", "authorize",
		"authorized", "authorise", "authorised", "authorization", "permitted", "reviewed", "really", "yes", "proceed")
	unlike = set("no", "not", "non", "skip", "without", "require", "requires", "required", "needs", "need", "auto", "email", "code", "token", "by", "at",
		"date", "id", "number", "reason", "url", "type", "status", "amount", "limit", "level", "count")
)

// isFlag reports whether an argument is called like a confirmation.
func isFlag(name string) bool {
	words := manifest.Words(name)
	has := func(of map[string]bool) bool { return slices.ContainsFunc(words, func(w string) bool { return of[w] }) }
	return has(affirming) && !has(unlike)
}

// confirmationOf returns the confirmation that a cell hangs on, if it hangs on nothing else:
// its conditional rules look at such flags and constants alone, besides what the
// enforcement point says of the item.
func confirmationOf(p *Pass, cell *matrix.Cell, path []string) *confirmation {
	s := &confirmation{}
	reads := cell.Condition.Reads()
	foreign := func(path []string) bool { return len(path) != 1 || !isFlag(path[0]) }
	if path == nil || !cell.Condition.Written() || len(reads.Principal) > 0 || slices.ContainsFunc(reads.Arguments, foreign) {
		return nil
	}
	for _, part := range cell.Rules {
		if part.Met != authz.Depends {
			continue
		}
		if part.Syntax == nil {
			return nil
		}
		s.rules = append(s.rules, part.Syntax)
		for _, c := range p.reasons.Finder.Conditions(part.Syntax.ID) {
			if !s.add(c, path) {
				return nil
			}
		}
	}
	if len(s.flags) == 0 {
		return nil
	}
	slices.SortFunc(s.rules, func(a, b *policy.Rule) int { return a.Pos.Compare(b.Pos) })
	return s
}

// add takes down what a condition asks of flags, and reports whether that is all.
func (s *confirmation) add(c *pdp.Condition, path []string) bool {
	if c.Globals {
		return false
	}
	for _, part := range c.Parts {
		if len(part.Elements) > 0 {
			return false
		}
		for _, t := range part.Terms {
			switch {
			case t.Path == nil:
				if list, ok := t.Value.([]any); ok {
					s.wants = append(s.wants, list...)
				} else {
					s.wants = append(s.wants, t.Value)
				}
			case t.Path[0] == "R" && len(t.Path) == len(path)+3 && slices.Equal(t.Path[2:len(path)+2], path) && isFlag(t.Path[len(path)+2]):
				if name := t.Path[len(path)+2]; !slices.Contains(s.flags, name) {
					s.flags = append(s.flags, name)
				}
				s.asked = s.asked || part.Relation == pdp.Has
			case t.Path[0] != "R" || len(t.Path) > len(path)+1 && slices.Equal(t.Path[2:len(path)+2], path):
				return false
			}
		}
	}
	return true
}

// enough returns arguments that the engine allows because of the flags: without them, and
// with flags that say no, it denies the same call. There are none if there is no such call
// within the inputSchema.
func (s *confirmation) enough(ctx context.Context, p *Pass, c *matrix.Class, col *matrix.Column) (map[string]any, error) {
	who, schema := c.First(), p.reasons.Finder.Schema(col.Item)
	for call := range p.reasons.Finder.Search(coverage.Plain(col), who, rulesOf(s.rules)...).Candidates().Each {
		if !call.Within {
			continue
		}
		for _, yes := range slices.Concat([]any{true}, s.wants, []any{"yes"}) {
			if isNo(yes) {
				continue
			}
			confirmed := s.with(call.Arguments, yes)
			if !schema.Allows(confirmed) {
				continue
			}
			cells, err := p.decide(ctx, []attempt{{who, col, confirmed}, {who, col, s.with(call.Arguments, nil)}, {who, col, s.with(call.Arguments, false)}})
			if err != nil || cells == nil {
				return nil, err
			}
			if allowed(&cells[0]) && denied(&cells[1]) && (denied(&cells[2]) || s.asked && len(s.wants) == 0) {
				return confirmed, nil
			}
		}
		break // the others differ in the flags alone
	}
	return nil, nil
}

// with returns arguments with a value for each flag, or without flags for nil.
func (s *confirmation) with(arguments map[string]any, v any) map[string]any {
	copied := map[string]any{}
	for name, x := range arguments {
		if !slices.Contains(s.flags, name) {
			copied[name] = x
		}
	}
	for _, name := range s.flags {
		if v != nil {
			copied[name] = v
		}
	}
	return copied
}

// isNo reports whether a value says no.
func isNo(v any) bool {
	switch v := v.(type) {
	case bool:
		return !v
	case string:
		return slices.Contains([]string{"", "no", "n", "false", "off", "none", "never", "0", "denied", "rejected", "pending"}, strings.ToLower(v))
	case float64:
		return v == 0
	}
	return true
}

func rulesOf(list []*policy.Rule) []matrix.Rule {
	rules := make([]matrix.Rule, len(list))
	for i, r := range list {
		rules[i] = matrix.Rule{ID: r.ID}
	}
	return rules
}

func (s *confirmation) report(p *Pass, col *matrix.Column) {
	r, who := s.rules[0], s.who[0].First()
	f := about(col)
	f.standAt(r.Pos, r.ID)
	f.Witness = witnessIn(col, who, s.arguments)
	for _, r := range s.rules {
		f.Evidence = append(f.Evidence, cite(r))
		if r.Condition != nil {
			f.Evidence = append(f.Evidence, quoteCondition(r))
		}
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("The engine lets %s call %s with %s, and not without %s.", who.Key, col.Item.Name, compact(s.arguments), listing(s.flags, named)))
	keys := make([]string, len(s.rules))
	for i, r := range s.rules {
		keys[i] = keyOf(r)
	}
	f.Cause = causeOf(keys...)
	p.report(draft{
		Finding: f, who: wholly(s.who),
		say: func(e *effects) string {
			return fmt.Sprintf("all that %s asks of a call of %s is %s, which the caller sets", called(r), e.listed(), listing(argumentNames(s.flags), named))
		},
	})
}

func argumentNames(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = argumentName([]string{name})
	}
	return list
}

const confirmedWorld = `
-- manifest.json --
{"tools": [{"name": "pay", "inputSchema": {"type": "object", "required": ["amount"],
  "properties": {"amount": {"type": "number"}, "confirmed": {"type": "boolean"}}}}]}
-- policies/shop.yaml --
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: mcp_server
  version: default
  rules:
    - name: confirmed-payments
      actions: ["tools/call::pay"]
      effect: EFFECT_ALLOW
      roles: [SALES]`

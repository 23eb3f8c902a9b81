package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// reasons is how many reasons are given for one thing.
const reasons = 3

// conditionsOf says on what condition each of the classes may do something.
func conditionsOf(p *Pass, classes []*matrix.Class, col *matrix.Column) []string {
	by := map[string][]*matrix.Class{}
	for _, c := range classes {
		if cell := p.Matrix.Cell(c, col); cell.Access == matrix.Conditional {
			by[cell.Condition.String()] = append(by[cell.Condition.String()], c)
		}
	}
	var lines []string
	for _, condition := range slices.Sorted(maps.Keys(by)) {
		lines = append(lines, fmt.Sprintf("%s may when %s", p.names(by[condition]), condition))
	}
	return lines[:min(len(lines), reasons)]
}

// noRule says that nothing is about some principals.
func noRule(p *Pass, who crowd, col *matrix.Column) string {
	return fmt.Sprintf("no rule lets %s %s %s", p.namesIn(who), verb(col.Operation), col.Item.Name)
}

// noneFor returns what says that there is no rule, where a finding is about one item.
func noneFor(p *Pass, col *matrix.Column) func(*effects) []string {
	return func(e *effects) []string {
		if len(e.items) > 1 {
			return nil
		}
		if _, none := barriers(p, e.who, col); len(none) > 0 {
			return []string{noRule(p, none, col)}
		}
		return nil
	}
}

// barriers says what keeps principals from something, the rules that deny it and those that
// would allow it but for their conditions, and for whom there is no rule at all.
func barriers(p *Pass, who crowd, col *matrix.Column) (lines []string, none crowd) {
	type key struct {
		rule     *policy.Rule
		obstacle string // of an ALLOW
	}
	by := map[key]crowd{}
	closed := map[string]crowd{}
	for _, s := range who {
		c := s.class
		explained := false
		gate := closedGate(p, c, col)
		settled := p.cell(c, col).Reason()
		for _, r := range p.cell(c, col).Rules {
			k := key{rule: r.Syntax}
			switch {
			case r.Syntax == nil, r.Effect == authz.Deny && r.Met == authz.Unmet:
				continue
			case r.Effect == authz.Allow && r.Met != authz.Unmet && settled != "" && gate == "":
				k.obstacle = settled
			case r.Effect == authz.Allow && r.Met != authz.Unmet && (gate != "" || len(p.cell(c, col).Decisive()) > 0):
				continue // another line says what overrules it
			case r.Effect == authz.Allow:
				k.obstacle = obstacle(p, r.Syntax, c, col)
			}
			by[k] = append(by[k], s)
			explained = true
		}
		if gate != "" {
			closed[gate] = append(closed[gate], s)
			explained = true
		}
		if !explained {
			none = append(none, s)
		}
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b key) int {
		return cmp.Or(a.rule.Pos.Compare(b.rule.Pos), cmp.Compare(a.obstacle, b.obstacle))
	})
	for _, k := range keys[:min(len(keys), reasons)] {
		text := fmt.Sprintf("%s, denies it to %s", cite(k.rule), p.namesIn(by[k]))
		if k.obstacle != "" {
			text = fmt.Sprintf("%s, does not help %s: %s", cite(k.rule), p.namesIn(by[k]), k.obstacle)
		}
		lines = append(lines, text)
	}
	for _, gate := range slices.Sorted(maps.Keys(closed)) {
		lines = append(lines, fmt.Sprintf("%s, which is asked first, is refused to %s", gate, p.namesIn(closed[gate])))
	}
	return lines, none
}

// closedGate returns the gate that keeps a class from a whole list, or "".
func closedGate(p *Pass, c *matrix.Class, col *matrix.Column) string {
	for _, a := range p.index.Asked(col) {
		if cells := p.answers.gates[gated{col.Server, a.Action}]; a.Gate && cells != nil && denied(cells[c.Index]) {
			return a.Action
		}
	}
	return ""
}

package lint

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// reasons is how many reasons are given for one thing.
const reasons = 3

// conditions says on what condition each of the classes may do something.
func (p *Pass) conditions(classes []*matrix.Class, col *matrix.Column) []string {
	by := map[string][]*matrix.Class{}
	for _, c := range classes {
		if cell := p.Matrix.Cell(c, col); cell.Access == matrix.Conditional {
			by[cell.Condition] = append(by[cell.Condition], c)
		}
	}
	var lines []string
	for _, condition := range slices.Sorted(maps.Keys(by)) {
		lines = append(lines, fmt.Sprintf("%s may when %s", p.names(by[condition]), condition))
	}
	return lines[:min(len(lines), reasons)]
}

// whyDenied says what keeps the classes from something: the rules that deny
// it, those that would allow it but for their conditions, or that there is
// none.
func (p *Pass) whyDenied(classes []*matrix.Class, col *matrix.Column) []string {
	type key struct {
		rule  *policy.Rule
		unmet bool
	}
	by := map[key][]*matrix.Class{}
	closed := map[string][]*matrix.Class{}
	var none []*matrix.Class
	for _, c := range classes {
		explained := false
		for _, r := range p.cell(c, col).Rules {
			unmet := r.Met == authz.Unmet
			if r.Syntax != nil && unmet == (r.Effect == authz.Allow) {
				k := key{r.Syntax, unmet}
				by[k] = append(by[k], c)
				explained = true
			}
		}
		if gate := p.closedGate(c, col); gate != "" {
			closed[gate] = append(closed[gate], c)
			explained = true
		}
		if !explained {
			none = append(none, c)
		}
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b key) int { return a.rule.Pos.Compare(b.rule.Pos) })
	var lines []string
	for _, k := range keys[:min(len(keys), reasons)] {
		text := "%s, denies it to %s"
		if k.unmet {
			text = "%s, does not help %s: its condition is not met"
		}
		lines = append(lines, fmt.Sprintf(text, cite(k.rule), p.names(by[k])))
	}
	for _, gate := range slices.Sorted(maps.Keys(closed)) {
		lines = append(lines, fmt.Sprintf("%s, which is asked first, is refused to %s", gate, p.names(closed[gate])))
	}
	if len(none) > 0 {
		lines = append(lines, fmt.Sprintf("no rule lets %s %s %s", p.names(none), verb(col.Operation), col.Item.Name))
	}
	return lines
}

// closedGate returns the gate that keeps a class from a whole list, or "".
func (p *Pass) closedGate(c *matrix.Class, col *matrix.Column) string {
	for _, a := range p.asked[col] {
		if cells := p.gates[gated{col.Server, a.Action}]; a.gate && cells != nil && denied(cells[c.Index]) {
			return a.Action
		}
	}
	return ""
}

package testcoverage

import (
	"encoding/json"
	"fmt"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// edit returns what the subject's file holds under a hold, as JSON, which YAML contains:
// for what an engine cannot change by itself.
func (s *subject) edit(root *source.Node, h hold) ([]byte, error) {
	pos := s.rule.Pos
	if s.role != nil {
		pos = s.role.Pos
	}
	value, found := replaced(root, pos, func(n *source.Node) any {
		v, _ := n.Value().(map[string]any)
		// What is gone stays, so that nothing else gets its number, and never applies.
		v["condition"] = map[string]any{"match": written(s.match(h))}
		return v
	})
	if found != 1 {
		return nil, fmt.Errorf("%s: it stands %d times in its file", pos, found)
	}
	return json.Marshal(value)
}

// replaced returns the value of a node with another in place of the mappings at a position,
// and how many these are.
func replaced(n *source.Node, pos source.Pos, by func(*source.Node) any) (any, int) {
	switch {
	case n.Is(source.Mapping) && n.Pos == pos:
		return by(n), 1
	case n.Is(source.Mapping):
		value, count := map[string]any{}, 0
		for _, f := range n.Fields {
			below, found := replaced(f.Value, pos, by)
			value[f.Name], count = below, count+found
		}
		return value, count
	case n.Is(source.Sequence):
		value, count := make([]any, len(n.Items)), 0
		for i, item := range n.Items {
			below, found := replaced(item, pos, by)
			value[i], count = below, count+found
		}
		return value, count
	}
	return n.Value(), 0
}

// written returns a condition as policy files have it.
func written(m *pdp.Match) map[string]any {
	key := [...]string{pdp.MatchExpr: "expr", pdp.MatchAll: "all", pdp.MatchAny: "any", pdp.MatchNone: "none"}[m.Op]
	if m.Op == pdp.MatchExpr {
		return map[string]any{key: m.Expr}
	}
	var of []any
	for _, x := range m.Of {
		of = append(of, written(x))
	}
	return map[string]any{key: map[string]any{"of": of}}
}

package policy

import (
	"iter"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/source"
)

// An Op says how a condition combines its parts.
type Op uint8

// The operators of a condition.
const (
	Expr Op = iota // a CEL expression
	All            // every part is met
	Any            // at least one part is met
	None           // no part is met
)

var ops = [...]string{"expr", "all", "any", "none"}

// String returns expr, all, any or none.
func (o Op) String() string { return ops[o] }

// A Condition is a tree of CEL expressions.
type Condition struct {
	Pos  source.Pos // of the expression's text, or of the operator
	Op   Op
	Expr string       // of Expr
	Of   []*Condition // of the others
}

// Exprs returns the CEL expressions at the leaves, in the order of the file.
// It may be called on nil.
func (c *Condition) Exprs() iter.Seq[Text] {
	return func(yield func(Text) bool) { c.leaves(yield) }
}

func (c *Condition) leaves(yield func(Text) bool) bool {
	if c == nil {
		return true
	}
	if c.Op == Expr {
		return yield(Text{c.Expr, c.Pos})
	}
	for _, part := range c.Of {
		if !part.leaves(yield) {
			return false
		}
	}
	return true
}

// String returns the condition as one CEL expression.
func (c *Condition) String() string {
	if c == nil {
		return "true"
	}
	parts := make([]string, len(c.Of))
	for i, part := range c.Of {
		parts[i] = part.String()
		if len(c.Of) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	switch c.Op {
	case All:
		return strings.Join(parts, " && ")
	case Any:
		return strings.Join(parts, " || ")
	case None:
		return "!(" + strings.Join(parts, " || ") + ")"
	case Expr:
	}
	return strings.TrimSpace(c.Expr)
}

// condition reads the condition of a rule or derived role, if it has one.
func (r *reader) condition(n *source.Node) *Condition {
	c := r.mapping(n, "condition")
	if c == nil {
		return nil
	}
	if get(c, "script") != nil {
		return nil // the engine reports it
	}
	if get(c, "match") == nil {
		if r.isMisspelt(c, "match") {
			return nil
		}
		r.errorf(c.Pos, "a condition needs a match")
		return nil
	}
	if match := r.mapping(c, "match"); match != nil {
		return r.match(match)
	}
	return nil
}

func (r *reader) match(n *source.Node) *Condition {
	var c *Condition
	for _, f := range n.Fields {
		i := slices.Index(ops[:], f.Name)
		switch {
		case i < 0:
			continue // an unknown key
		case c != nil:
			r.errorf(f.Pos, "a match has one of all, any, none and expr, and %s stands here already", c.Op)
			continue
		}
		c = &Condition{Op: Op(i), Pos: f.Pos} //nolint:gosec // four operators
		if c.Op == Expr {
			t := r.scalar(f.Value, "expr")
			c.Pos, c.Expr = t.Pos, t.Value
			continue
		}
		if r.mapping(n, f.Name) == nil {
			continue
		}
		for _, part := range r.mappings(f.Value, "of") {
			if part != nil {
				c.Of = append(c.Of, r.match(part))
			}
		}
	}
	if c == nil && !r.isMisspelt(n, ops[:]...) {
		r.errorf(n.Pos, "a match needs one of all, any, none and expr")
	}
	return c
}

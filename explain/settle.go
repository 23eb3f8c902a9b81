package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/solver"
	"github.com/mcpolicy/mcpolicy/source"
)

// What settling may take, in questions and in steps of the solver, as for a matrix.
const (
	settleQuestions = 2_000
	settleSteps     = 20_000_000
)

// A roleSettler says what conditions of roles come to for whoever has the role, with
// whatever attributes and arguments.
type roleSettler struct {
	solver  *solver.Solver
	known   map[string]matrix.Access
	schemas map[*manifest.Item]*source.Node // of arguments, the same each time
	steps   int
}

// newRoleSettler returns nil for a decider that does not evaluate expressions.
func newRoleSettler(d pdp.Decider) *roleSettler {
	e, ok := d.(pdp.Evaluable)
	if !ok {
		return nil
	}
	return &roleSettler{solver: solver.New(e.Leaves()), known: map[string]matrix.Access{}, schemas: map[*manifest.Item]*source.Node{}}
}

// settle turns what a role may do on a condition into what it is known to be: denied, if
// nobody with any arguments of the inputSchema meets the condition, and allowed if
// everybody with all of them does.
func (s *roleSettler) settle(ctx context.Context, col *matrix.Column, h *RoleHolder, decisions []authz.Decision) error {
	if s == nil || h.Access != matrix.Conditional {
		return nil
	}
	w := &solver.World{}
	var goals []solver.Goal
	key, always := "", true
	var reads [][]string
	for i, d := range decisions {
		if d.Effect != authz.Conditional {
			continue
		}
		r := col.Question.Requests[i]
		if !aboutAnybody(d.Condition) {
			return nil
		}
		r.Principal, r.AnyPrincipal = &authz.Principal{Key: anybody, ID: anybody, Roles: []string{nobodysRole}}, true
		f, ok := solver.Of(d.Condition, &r)
		if !ok {
			return nil
		}
		goals = append(goals, solver.Goal{Formula: f, Request: len(w.Requests), To: solver.Only(solver.Met)})
		w.Requests, w.Calls = append(w.Requests, r), append(w.Calls, 0)
		reads = append(reads, d.Condition.Reads().Arguments...)
		key += d.Condition.Key() + "\x00" + strings.Join(r.Unknown, "\x00") + "\x01"
		always = always && !strings.Contains(d.Condition.String(), "valid(") // of schemas, which is left out here
	}
	schema := s.schemaOf(col.Item)
	if schema != nil {
		w.Arguments = []any{schema.Value()}
	}
	key += manifest.SchemaKey(schema, reads)
	access, known := s.known[key]
	if !known {
		if len(s.known) >= settleQuestions || s.steps >= settleSteps {
			return nil
		}
		c, err := s.solver.Constant(ctx, w, goals)
		if err != nil {
			return fmt.Errorf("condition %s: %w", h.Condition, err)
		}
		s.steps += c.Steps
		switch {
		case c.Never:
			access = matrix.Denied
		case c.Always && always:
			access = matrix.Allowed
		default:
			access = matrix.Conditional
		}
		s.known[key] = access
	}
	if access != matrix.Conditional {
		h.Access, h.Settled, h.Condition = access, h.Condition, authz.Condition{}
	}
	return nil
}

func (s *roleSettler) schemaOf(item *manifest.Item) *source.Node {
	schema, known := s.schemas[item]
	if !known {
		schema = item.ArgumentsSchema()
		s.schemas[item] = schema
	}
	return schema
}

// aboutAnybody reports whether a condition looks at arguments, and of principals at what
// is left open: of their roles one is known, and not what others they have.
func aboutAnybody(c authz.Condition) bool {
	reads := c.Reads()
	open := func(path []string) bool {
		return len(path) > 0 && slices.Contains([]string{"attr", "id", "auxData"}, path[0])
	}
	return c.Written() && !reads.Policy && len(reads.Resource) == 0 &&
		!slices.ContainsFunc(reads.Principal, func(path []string) bool { return !open(path) })
}

// Reason says why a role may do what the engine left open, or nothing where it did not.
func (h *RoleHolder) Reason() string {
	if h.Settled.IsZero() {
		return ""
	}
	return "everybody meets it with all arguments: " + h.Settled.String()
}

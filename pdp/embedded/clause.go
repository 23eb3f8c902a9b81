package embedded

import (
	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/expr"
)

// clause is expr.Clause, which is worked out once for each text.
func (s *solver) clause(text string) authz.Clause {
	c, _ := s.clauses.get(text, func() (authz.Clause, error) { return expr.Clause(text), nil })
	return c
}

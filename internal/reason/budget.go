package reason

import "github.com/mcpolicy/mcpolicy/matrix"

// least is how many evaluations of conditions a budget allows, however small the
// matrix is.
const least = 20_000

// ConditionsPerDecision is how many conditions the engine evaluates for the
// price of a decision, about.
const ConditionsPerDecision = 4

// A Budget bounds how many conditions the engine evaluates beyond the matrix: all
// that share it, together, no more than the matrix took decisions, or 20,000 if that
// is more. Nothing may be claimed about what was left out for it.
type Budget struct{ spent, limit int }

// NewBudget returns the budget that goes with a matrix.
func NewBudget(m *matrix.Matrix) *Budget { return &Budget{limit: max(least, m.Decisions)} }

// Afford reports whether n more evaluations are within the budget, and counts them as
// spent if so.
func (b *Budget) Afford(n int) bool {
	if b.spent+n > b.limit {
		return false
	}
	b.spent += n
	return true
}

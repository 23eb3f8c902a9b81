package reason

import "github.com/mcpolicy/mcpolicy/matrix"

// least is how many questions about conditions are put to the engine however
// small the matrix is.
const least = 20_000

// ConditionsPerDecision is how many conditions the engine evaluates for the
// price of a decision, about.
const ConditionsPerDecision = 4

// A Budget bounds what is asked of the engine beyond the matrix: all that share
// it put no more questions than the matrix took, or [least] if that is more. What
// is not looked into then is not to be claimed.
type Budget struct{ spent, limit int }

// NewBudget returns the budget that goes with a matrix.
func NewBudget(m *matrix.Matrix) *Budget { return &Budget{limit: max(least, m.Decisions)} }

// Afford reports whether so many more questions about conditions may be put to
// the engine, and takes them for put if so.
func (b *Budget) Afford(n int) bool {
	if b.spent+n > b.limit {
		return false
	}
	b.spent += n
	return true
}

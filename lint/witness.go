package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/reason"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A Witness is a request that bears a finding out, as the engine has confirmed.
type Witness struct {
	Principal string // the key of a declared principal
	Operation authz.Operation
	Name      string         // of the item
	Arguments map[string]any // nil if it does not depend on any
}

// witnessIn is a witness about a column.
func witnessIn(col *matrix.Column, who *authz.Principal, arguments map[string]any) *Witness {
	return &Witness{who.Key, col.Operation, col.Item.Name, arguments}
}

// attempt is a declared principal and arguments to try in a column.
type attempt struct {
	who       *authz.Principal
	column    *matrix.Column
	arguments map[string]any
}

// decide has the engine decide attempts. There are no cells if that would take
// too much.
func (p *Pass) decide(ctx context.Context, list []attempt) ([]matrix.Cell, error) {
	if !p.budget.Afford(reason.ConditionsPerDecision * len(list)) {
		return nil, nil
	}
	cases := make([]matrix.Attempt, len(list))
	for i, a := range list {
		cases[i] = matrix.Attempt{Principal: a.who, Column: coverage.Plain(a.column), Arguments: a.arguments}
	}
	return p.Matrix.Ask(ctx, cases)
}

// compact writes a value as JSON in one line.
func compact(v any) string {
	b, err := json.Marshal(v)
	if m, ok := v.(map[string]any); err != nil || ok && m == nil {
		return "{}"
	}
	return string(b)
}

// differences names the entries in which two mappings differ.
func differences(a, b map[string]any) []string {
	var list []string
	for name := range maps.Keys(a) {
		if other, ok := b[name]; !ok || compact(other) != compact(a[name]) {
			list = append(list, name)
		}
	}
	for name := range maps.Keys(b) {
		if _, ok := a[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// quoteCondition is the condition of a rule as a line of evidence.
func quoteCondition(r *policy.Rule) string {
	return fmt.Sprintf("Its condition: %s", oneLine(r.Condition.String()))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

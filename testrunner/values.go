package testrunner

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
	"github.com/mcpolicy/mcpolicy/policy"
)

// looks remembers what a decider says that its expressions look at.
type looks struct {
	of    pdp.Looker // nil if the decider is none; failed cases show no values then
	known map[pdp.Expression][]pdp.Look
}

func newLooks(d pdp.Decider) *looks {
	of, _ := d.(pdp.Looker)
	return &looks{of: of, known: map[pdp.Expression][]pdp.Look{}}
}

func (l *looks) at(x pdp.Expression) []pdp.Look {
	list, ok := l.known[x]
	if !ok && l.of != nil {
		list = l.of.Looks(x)
		l.known[x] = list
	}
	return list
}

// values returns what the conditions of the deciding rules look at, in the order
// in which they do, in the request that the rule is about. Nothing is evaluated.
func (b bound) values(p *authz.Principal, looks *looks) []Value {
	if b.Cell.Access == matrix.Conditional { // the condition has them
		return nil
	}
	var values []Value
	seen := map[string]bool{}
	for _, rule := range b.Deciding() {
		if rule.Syntax == nil || rule.Syntax.Condition == nil {
			continue
		}
		request := requestOf(b.column.Question.Requests, rule.Syntax)
		if request == nil {
			continue
		}
		of := *request
		if b.Arguments != nil {
			of = pep.Bind(of, b.Arguments)
		}
		of.Principal = p
		for text := range rule.Syntax.Condition.Exprs() {
			for _, look := range looks.at(pdp.Expression{Rule: rule.ID, Text: text.Value}) {
				if seen[look.Name] {
					continue
				}
				seen[look.Name] = true
				if value, known := b.value(look, &of); known {
					values = append(values, Value{look.Name, value})
				}
			}
		}
	}
	return values
}

// value returns what stands at a place of a request, as JSON.
func (b bound) value(look pdp.Look, r *authz.Request) (value string, known bool) {
	if look.Clock { // that of a run tells nothing: it differs with each
		return b.options.Now.Format(time.RFC3339Nano), !b.options.Now.IsZero()
	}
	v, known := look.In(r)
	if v.Error != "" {
		return v.Error, known
	}
	return asJSON(v.V), known
}

// requestOf returns the request that a rule covers, or nil.
func requestOf(requests []authz.Request, r *policy.Rule) *authz.Request {
	for i := range requests {
		if coverage.Covers(r, &requests[i]) {
			return &requests[i]
		}
	}
	return nil
}

func asJSON(x any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return pdp.Missing // never: these are JSON values
	}
	return strings.TrimSpace(b.String())
}

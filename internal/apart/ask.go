package apart

import (
	"context"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/source"
)

// An asker has an engine decide each different request once for each principal.
type asker struct {
	*Finder
	decider pdp.Decider
	known   map[question]*authz.Decision
}

// A question is a request, by its number, of a principal.
type question struct {
	request   int
	principal *authz.Principal
}

func (f *Finder) asks(d pdp.Decider) *asker {
	return &asker{Finder: f, decider: d, known: map[question]*authz.Decision{}}
}

// numbersOf returns the numbers of the requests of a column: the same for the same request.
func (f *Finder) numbersOf(col *matrix.Column) []int {
	list, known := f.numbered[col]
	if !known {
		for i := range col.Question.Requests {
			key := keyOf(&col.Question.Requests[i])
			n, seen := f.numbers[key]
			if !seen {
				n = len(f.numbers)
				f.numbers[key] = n
			}
			list = append(list, n)
		}
		f.numbered[col] = list
	}
	return list
}

func keyOf(r *authz.Request) string {
	open := ""
	if r.Unknown != nil {
		open = "?" + strings.Join(r.Unknown, "\x01")
	}
	if r.AnyPrincipal {
		open += "anybody"
	}
	if r.AnyTime {
		open += "anytime"
	}
	open += r.MadeKey()
	if r.OpenUncovered {
		open += "uncovered"
	}
	at := &r.Resource
	return strings.Join([]string{at.Kind, at.ID, at.PolicyVersion, at.Scope, r.Action, open, source.JSONText(at.Attr)}, "\x00")
}

// ask decides columns for some principals each.
func (a *asker) ask(ctx context.Context, columns []*matrix.Column, who map[*matrix.Column][]*authz.Principal) error {
	var requests []pdp.SharedRequest
	var numbers []int
	at := map[int]int{} // in these, by number
	for _, col := range columns {
		for i, n := range a.numbersOf(col) {
			for _, p := range who[col] {
				if _, known := a.known[question{n, p}]; known {
					continue
				}
				a.known[question{n, p}] = nil // until it is decided
				k, there := at[n]
				if !there {
					k = len(requests)
					at[n] = k
					requests, numbers = append(requests, pdp.SharedRequest{Request: col.Question.Requests[i]}), append(numbers, n)
				}
				requests[k].Of = append(requests[k].Of, p)
			}
		}
	}
	if len(requests) == 0 {
		return nil
	}
	answers, err := pdp.Each(ctx, a.decider, requests)
	if err != nil {
		clear(a.known) // some of it is not decided
		return err
	}
	for i, of := range answers {
		for k, d := range of {
			a.known[question{numbers[i], requests[i].Of[k]}] = d
		}
	}
	return nil
}

// decisions returns what was decided on each request of a column.
func (a *asker) decisions(col *matrix.Column, p *authz.Principal) []*authz.Decision {
	numbers := a.numbersOf(col)
	list := make([]*authz.Decision, len(numbers))
	for i, n := range numbers {
		list[i] = a.known[question{n, p}]
	}
	return list
}

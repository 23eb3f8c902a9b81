package lint

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/witness"
)

// A verdict is what the condition of a rule comes to for all requests that the
// rule covers. There is one for each rule, so that no two findings can
// contradict each other.
type verdict uint8

const (
	isOpen         verdict = iota // for all that is known
	alwaysMet                     // whatever item is added
	neverMet                      // whatever item is added
	neverMetToday                 // but another item than the inventories have could meet it
	neverMetWithin                // by a call that an inputSchema allows
)

// verdict judges the condition of a rule, of which it is the only one.
func (x *reasoner) verdict(ctx context.Context, r *policy.Rule, c *pdp.Condition) (verdict, error) {
	v, known := x.verdicts[r]
	if known {
		return v, nil
	}
	v, err := x.judge(ctx, r, c)
	if err == nil {
		x.verdicts[r] = v
	}
	return v, err
}

// judge tries the condition for everything that the rule covers: it is always
// met only where each of it always is, and never met where none of it ever is.
func (x *reasoner) judge(ctx context.Context, r *policy.Rule, c *pdp.Condition) (verdict, error) {
	list := x.covered(r)
	judged := map[*authz.Request]*possibilities{}
	always, never := len(list) > 0, len(list) > 0
	v := neverMet
	for _, of := range list {
		today, err := x.try(ctx, c, x.anybody(r, c, of))
		if err != nil {
			return isOpen, err
		}
		some := today // of the item that is there, or of any
		if q := x.anyItem(r, c, of); q != nil {
			if some = judged[of.anyItem]; some == nil {
				if some, err = x.try(ctx, c, q); err != nil {
					return isOpen, err
				}
				judged[of.anyItem] = some
			}
		}
		always = always && some.never(pdp.Unmet, false) && some.never(pdp.Errored, false)
		switch {
		case some.never(pdp.Met, false):
		case today.never(pdp.Met, false):
			v = max(v, neverMetToday)
		case r.Effect == authz.Allow && today.never(pdp.Met, true):
			v = neverMetWithin
		default:
			never = false
		}
		if !always && !never {
			return isOpen, nil
		}
	}
	switch {
	case always:
		return alwaysMet, nil
	case never:
		return v, nil
	}
	return isOpen, nil
}

// never reports whether the condition comes to an outcome for no request, or
// for none that the schema allows. Nothing is said where nothing was tried.
func (p *possibilities) never(to pdp.Outcome, within bool) bool {
	tried, all := len(p.outcomes) > 0, p.all
	if within {
		tried, all = slices.ContainsFunc(p.list[:len(p.outcomes)], func(c witness.Candidate) bool { return c.Within }), p.allWithin
	}
	return tried && all && !p.came(to, within)
}

// anyItem is the question what a condition can come to for any principal and
// for any item that the rule would cover: one may be added. Nil if the rule
// names the item, or if the condition does not look at it.
func (x *reasoner) anyItem(r *policy.Rule, c *pdp.Condition, of covering) *witness.Question {
	if of.anyItem == nil || !readsResource(c, of.Unknown) || of.isNamed(r) {
		return nil
	}
	q := x.anybody(r, c, of)
	q.Request.Resource.ID, q.Request.Resource.Attr = of.anyItem.Resource.ID, of.anyItem.Resource.Attr
	q.Schema = nil
	if strings.Contains(of.anyItem.Resource.Kind, witness.AnyName) {
		q.Request.Resource.Kind = of.anyItem.Resource.Kind // nothing is claimed where that counts
	}
	return q
}

// isNamed reports whether a rule covers a request by the name of its item: it
// would not cover the same about another one.
func (of covering) isNamed(r *policy.Rule) bool {
	at := &of.anyItem.Resource
	if strings.Contains(at.PolicyVersion+at.Scope, witness.AnyName) || !r.CoversKind(at.Kind) {
		return true
	}
	if !strings.Contains(of.anyItem.Action, witness.AnyName) {
		return false
	}
	for _, a := range r.Actions {
		if ok, err := r.MatchAction(a.Value, of.Action); ok && err == nil && r.IsGlob(a.Value) {
			return false
		}
	}
	return true
}

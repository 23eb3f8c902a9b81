package reason

import (
	"context"
	"slices"
	"strings"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/witness"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A Verdict is what the condition of a rule comes to for all requests that the
// rule covers. There is one for each rule, so that no two findings can
// contradict each other.
type Verdict uint8

// The verdicts.
const (
	Open        Verdict = iota // for all that is known
	Always                     // whatever item is added, it is met
	Never                      // whatever item is added, it is not met
	NeverToday                 // but another item than the inventories have could meet it
	NeverWithin                // by a call that an inputSchema allows
)

// Verdict judges the condition of a rule, of which it is the only one.
func (x *Reasoner) Verdict(ctx context.Context, r *policy.Rule, c *pdp.Condition) (Verdict, error) {
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
func (x *Reasoner) judge(ctx context.Context, r *policy.Rule, c *pdp.Condition) (Verdict, error) {
	list := x.in.Index.Covered(r)
	judged := map[*authz.Request]*Possibilities{}
	always, never := len(list) > 0, len(list) > 0
	v := Never
	for _, of := range list {
		today, err := x.Try(ctx, c, x.anybody(r, c, of))
		if err != nil {
			return Open, err
		}
		some := today // of the item that is there, or of any
		if q := x.anyItem(r, c, of); q != nil && q.Request.Made != nil {
			some = &Possibilities{} // another item may have other values
		} else if q != nil {
			if some = judged[of.AnyItem]; some == nil {
				if some, err = x.Try(ctx, c, q); err != nil {
					return Open, err
				}
				judged[of.AnyItem] = some
			}
		}
		if err := x.weigh(ctx, r, of, today, some, &always, &never, &v); err != nil {
			return Open, err
		}
		if !always && !never {
			return Open, nil
		}
	}
	switch {
	case always:
		return Always, nil
	case never:
		return v, nil
	}
	return Open, nil
}

// weigh takes into account what the condition comes to in one of the places that the rule
// covers: for the item that is there today, and for some other where that may be.
func (x *Reasoner) weigh(ctx context.Context, r *policy.Rule, of coverage.Covering, today, some *Possibilities, always, never *bool, v *Verdict) error {
	is := func(p *Possibilities, to pdp.Outcome, within bool) bool { return p.Never(to, within) }
	var failed error
	if f, ok := x.formula(r); some == today || ok && !f.looksAtResource(of.Unknown) { // the item is as it is, or does not matter
		is = func(p *Possibilities, to pdp.Outcome, within bool) bool {
			ok, err := x.never(ctx, r, of, p, to, within)
			if failed == nil {
				failed = err
			}
			return ok
		}
	}
	neither := func(to pdp.Outcome) bool { // some other may be asked about in another way
		return is(some, to, false) && (some == today || is(today, to, false))
	}
	*always = *always && neither(pdp.Unmet) && neither(pdp.Errored)
	switch {
	case neither(pdp.Met):
	case is(today, pdp.Met, false):
		*v = max(*v, NeverToday)
	case r.Effect == authz.Allow && is(today, pdp.Met, true):
		*v = NeverWithin
	default:
		*never = false
	}
	return failed
}

// Never reports whether the condition comes to an outcome for no request, or
// for none that the schema allows. Nothing is said where nothing was tried.
func (p *Possibilities) Never(to pdp.Outcome, within bool) bool {
	tried, all := len(p.Outcomes) > 0, p.All
	if within {
		tried, all = slices.ContainsFunc(p.Tried[:len(p.Outcomes)], func(c witness.Candidate) bool { return c.Within }), p.AllWithin
	}
	return tried && all && !p.Came(to, within)
}

// anyItem is the search for what a condition can come to for any principal and
// for any item that the rule would cover: one may be added. Nil if the rule
// names the item, or if the condition does not look at it.
func (x *Reasoner) anyItem(r *policy.Rule, c *pdp.Condition, of coverage.Covering) *witness.Search {
	if of.AnyItem == nil || !ReadsResource(c, of.Unknown) || isNamed(of, r) {
		return nil
	}
	q := x.anybody(r, c, of)
	q.Request.Resource.ID, q.Request.Resource.Attr, q.Request.Made = of.AnyItem.Resource.ID, of.AnyItem.Resource.Attr, of.AnyItem.Made
	q.Schema = nil
	if strings.Contains(of.AnyItem.Resource.Kind, witness.AnyName) {
		q.Request.Resource.Kind = of.AnyItem.Resource.Kind // nothing is claimed where that counts
	}
	return q
}

// isNamed reports whether a rule covers a request by the name of its item: it
// would not cover the same about another one.
func isNamed(of coverage.Covering, r *policy.Rule) bool {
	at := &of.AnyItem.Resource
	if strings.Contains(at.PolicyVersion+at.Scope, witness.AnyName) || !r.CoversKind(at.Kind) {
		return true
	}
	if !strings.Contains(of.AnyItem.Action, witness.AnyName) {
		return false
	}
	for _, a := range r.Actions {
		if ok, err := r.MatchAction(a.Value, of.Action); ok && err == nil && r.IsGlob(a.Value) {
			return false
		}
	}
	return true
}

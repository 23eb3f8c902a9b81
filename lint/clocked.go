package lint

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/matrix"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
)

// A clocked is a request that a rule which reads the clock takes part in, and
// what was found out about it.
type clocked struct {
	*reader
	request *columnRequest
	class   *matrix.Class

	now, then *authz.Decision // then is nil if the condition of now tells
	at        time.Time       // of then
}

func (c *clocked) who() []*matrix.Class { return []*matrix.Class{c.class} }

// probes is how many requests are tried for one rule, each with another cell:
// it takes one to show that the clock matters.
const probes = 4

// findClocked asks at other times what rules that read the clock take part in,
// and keeps what is decided differently then.
func findClocked(ctx context.Context, p *Pass) error {
	engine, ok := p.input.Engine.(pdp.Clocked)
	if !ok || p.now.IsZero() {
		return nil
	}
	var list []clocked
	for _, x := range p.readings.list {
		if len(x.clock) > 0 {
			list = append(list, probe(p, x)...)
		}
	}
	if len(list) == 0 {
		return nil
	}
	requests := make([]authz.Request, len(list))
	for i := range list {
		requests[i] = *list[i].request.Request
		requests[i].Principal = list[i].class.First()
	}
	for _, at := range timesToTry(p) {
		decisions, err := engine.DecideAt(ctx, at, requests)
		if err != nil {
			return fmt.Errorf("decide at %s: %w", at.Format(time.RFC3339), err)
		}
		for i := range list {
			c, d := &list[i], &decisions[i]
			switch {
			case c.now == nil:
				c.now = d
			case c.then == nil && (c.now.Effect != d.Effect || !c.now.Condition.Equal(d.Condition)):
				c.then, c.at = d, at
			}
		}
	}
	for _, c := range list {
		if c.then != nil || c.now.Condition.Reads().Clock {
			p.answers.clocked = append(p.answers.clocked, c)
		}
	}
	return nil
}

// probe chooses requests that a rule takes part in.
func probe(p *Pass, x *reader) []clocked {
	var list []clocked
	var cells []*matrix.Cell
	for i := range x.about {
		q := &x.about[i]
		for _, class := range p.Matrix.Classes {
			cell := p.cell(class, q.col)
			takesPart := slices.ContainsFunc(cell.Rules, func(r matrix.Rule) bool { return r.Syntax == x.rule })
			if !takesPart && !mayTakePart(p, x, class) || slices.Contains(cells, cell) {
				continue
			}
			cells = append(cells, cell)
			if list = append(list, clocked{reader: x, request: q, class: class}); len(list) == probes {
				return list
			}
		}
	}
	return list
}

// mayTakePart reports whether a class would get at a rule by a derived role
// whose condition reads the clock.
func mayTakePart(p *Pass, x *reader, class *matrix.Class) bool {
	return slices.ContainsFunc(x.clock, func(at pdp.Location) bool {
		d := p.Policies.DerivedRole(x.rule.Policy, at.DerivedRole)
		return d != nil && slices.ContainsFunc(d.ParentRoles, func(parent policy.Text) bool {
			return slices.ContainsFunc(class.First().Roles, func(role string) bool { return matchesRole(parent.Value, role) })
		})
	})
}

// maxTimes bounds the times of policies and principals that are tried.
const maxTimes = 16

// timesToTry lists when the engine is asked: now, other hours, days and years, and
// before and after the times that policies and principals name.
func timesToTry(p *Pass) []time.Time {
	list := []time.Time{p.now}
	for hours := 4; hours < 24; hours += 4 {
		list = append(list, p.now.Add(time.Duration(hours)*time.Hour))
	}
	for _, days := range []int{1, 2, 3, 4, 5, 6, 31, 92, 183, 365, 3653, -31, -365, -3653} {
		list = append(list, p.now.AddDate(0, 0, days))
	}
	for _, t := range namedTimes(p) {
		list = append(list, t.Add(-time.Second), t.Add(time.Second))
	}
	return list
}

var dateTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// namedTimes lists the times that stand in policies and in the attributes of
// principals, the first of them.
func namedTimes(p *Pass) []time.Time {
	found := map[int64]time.Time{}
	var add func(v any)
	add = func(v any) {
		switch v := v.(type) {
		case string:
			for _, text := range dateTime.FindAllString(v, -1) {
				if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
					found[t.Unix()] = t.UTC()
				}
			}
		case []any:
			for _, x := range v {
				add(x)
			}
		case map[string]any:
			for _, x := range v {
				add(x)
			}
		}
	}
	for _, x := range p.readings.list {
		for _, place := range x.clock {
			add(place.Expr)
		}
	}
	for _, x := range p.Policies.Policies {
		for _, v := range x.Variables.Local {
			add(v.Expr.Value)
		}
		for _, c := range x.Constants.Local {
			add(c.Value)
		}
	}
	for _, c := range p.Matrix.Classes {
		add(c.First().Attr)
	}
	seconds := slices.Sorted(maps.Keys(found))
	var list []time.Time
	for _, s := range seconds[:min(len(seconds), maxTimes)] {
		list = append(list, found[s])
	}
	return list
}

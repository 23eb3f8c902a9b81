package report

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcpolicy/mcpolicy/testcoverage"
)

// key names the point: several runs may cover it.
func (x *coveragePointJSON) key() string {
	return fmt.Sprintf("%q %q %d %q %q %q %q %q %q %q %q", x.Kind, x.File, x.Line, x.Policy, x.RuleID, x.DerivedRole, x.Server, x.Type, x.Name, x.Operation, x.What)
}

func (c *coverageJSON) label(l string) {
	for i := range c.Points {
		p := &c.Points[i]
		under(l, &p.File)
		under(l, &p.Server)
		for k := range p.By {
			under(l, &p.By[k].File)
		}
		for k := range p.Want {
			under(l, &p.Want[k].Server)
		}
	}
}

// plus joins what two runs cover, as of shards of one suite: what one of them covers is
// covered, and a part if its halves are. Thresholds of both count.
func (c *coverageJSON) plus(other *coverageJSON) (*coverageJSON, error) {
	switch {
	case c == nil:
		return other, nil
	case c.Metric != other.Metric:
		return nil, fmt.Errorf("coverage by metric %d and by metric %d cannot be joined: measure it anew", c.Metric, other.Metric)
	case c.Since != other.Since:
		return nil, errors.New("coverage of lines changed since different revisions cannot be joined")
	}
	at := map[string]int{}
	seen := map[string]int{}
	for i := range c.Points {
		k := c.Points[i].key()
		seen[k]++
		at[fmt.Sprint(k, seen[k])] = i
	}
	clear(seen)
	for i := range other.Points {
		p := &other.Points[i]
		k := p.key()
		seen[k]++
		if mine, ok := at[fmt.Sprint(k, seen[k])]; ok {
			c.Points[mine].join(p)
		} else {
			c.Points = append(c.Points, *p)
		}
	}
	c.Cases.Allowed += other.Cases.Allowed
	c.Cases.DeniedByRule += other.Cases.DeniedByRule
	c.Cases.DeniedByDefault += other.Cases.DeniedByDefault
	c.Cases.Conditional += other.Cases.Conditional
	c.Cases.Proved += other.Cases.Proved
	c.count(other)
	return c, nil
}

// join adds what another run knows of the point.
func (x *coveragePointJSON) join(other *coveragePointJSON) {
	or := func(mine, theirs *bool) *bool {
		if mine != nil && theirs != nil && *theirs {
			return theirs
		}
		return mine
	}
	x.True, x.False, x.Decisive = or(x.True, other.True), or(x.False, other.False), or(x.Decisive, other.Decisive)
	covered := testcoverage.Covered.String()
	halves := x.Kind == string(testcoverage.MCDC) && x.True != nil && x.False != nil && *x.True && *x.False
	switch {
	case x.State == covered:
	case other.State == covered:
		x.State, x.Unknown, x.By, x.Want = covered, false, other.By, nil
	case halves:
		x.State, x.Unknown, x.By, x.Want = covered, false, append(x.By, other.By...), nil
	}
}

// count counts the points anew, and holds them to the thresholds of both.
func (c *coverageJSON) count(other *coverageJSON) {
	all := &testcoverage.Coverage{Since: c.Since}
	for i := range c.Points {
		p := &c.Points[i]
		one := testcoverage.Point{Kind: testcoverage.Kind(p.Kind), Unknown: p.Unknown}
		for _, s := range []testcoverage.State{testcoverage.Covered, testcoverage.Impossible} {
			if p.State == s.String() {
				one.State = s
			}
		}
		all.Points = append(all.Points, one)
	}
	least := testcoverage.Thresholds{}
	for _, n := range slices.Concat(c.Summary, other.Summary) {
		if n.Min != nil {
			kind := testcoverage.Kind(n.Kind)
			least[kind] = max(least[kind], *n.Min)
		}
	}
	all.Hold(least)
	c.Summary, c.Missed = jsonCounts(all), jsonMissed(all)
}

// check reports a word that is not known.
func (c *coverageJSON) check() error {
	states := []string{testcoverage.Uncovered.String(), testcoverage.Covered.String(), testcoverage.Impossible.String()}
	for i := range c.Points {
		if err := errors.Join(oneOf("kind", c.Points[i].Kind, testcoverage.KindNames()), oneOf("state", c.Points[i].State, states)); err != nil {
			return err
		}
	}
	for _, m := range c.Missed {
		if err := oneOf("kind", m.Kind, testcoverage.KindNames()); err != nil {
			return err
		}
	}
	return nil
}

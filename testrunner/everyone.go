package testrunner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/coverage"
	"github.com/mcpolicy/mcpolicy/internal/universe"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/prove"
	"github.com/mcpolicy/mcpolicy/source"
)

// A boundClaim is a sentence and the case that it is.
type boundClaim struct {
	*Case
	sentence *prove.Sentence
	claim    *Claim
}

// claims makes sentences of what a test says of everybody.
func (b *binder) claims(into *boundSuite, t *Test) error {
	if b.people.only != nil {
		return nil // it is about some of those that are declared
	}
	var errs []error
	for _, c := range t.Prove {
		e := expander{binder: b, suite: into, test: t, leniency: lenient(t.AllowEmpty || c.AllowEmpty)}
		errs = append(errs, e.claim(c))
		errs = append(errs, e.errs...)
	}
	return errors.Join(errs...)
}

func (e *expander) claim(c *Claim) error {
	who, err := e.who(c.Who)
	inner, err2 := e.roles(c.Roles)
	outer, err3 := e.roles(c.Of)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	of := e.chosen(c.Operations)
	then := e.chosen(c.Then)
	base := prove.Sentence{Kind: c.Kind, Who: who, Condition: c.Condition.Text, Inner: inner, Outer: outer, IgnoreSchema: c.IgnoreSchema}
	for i, m := range of {
		s := base
		s.Of = m.column
		switch c.Kind {
		case prove.Implies:
			if c.ThenList {
				then = []mention{{m.column.Twin, m.pos}}
				if m.column.Operation == authz.List {
					return source.Errorf(m.pos, "implies: whoever may list it may list it: want call, get or read here")
				}
			}
			for _, other := range then {
				s.Then = other.column
				e.sentence(c, m, s)
			}
		case prove.Apart:
			for _, other := range of[i+1:] {
				if other.column.Item.Name == m.column.Item.Name && other.column.Operation == m.column.Operation {
					continue // twice in the inventory: it is one tool
				}
				s.Then = other.column
				e.sentence(c, m, s)
			}
		case prove.Delegated:
			if err := e.delegates(c, m, s); err != nil {
				return err
			}
		case prove.Never, prove.Always, prove.Needs, prove.Within, prove.Somebody:
			e.sentence(c, m, s)
		}
	}
	if c.Kind == prove.Apart && len(of) == 1 {
		return source.Errorf(c.Pos, "apart: one thing alone is selected: want two or more")
	}
	return nil
}

// chosen returns the columns of selections, and says what is not there.
func (e *expander) chosen(list []Selection) []mention {
	var chosen []mention
	for _, s := range list {
		found, err := e.selected(s)
		e.errs = append(e.errs, err)
		chosen = append(chosen, found...)
	}
	return chosen
}

// delegates says a sentence of each declared delegate and whom it acts for.
func (e *expander) delegates(c *Claim, m mention, s prove.Sentence) error {
	of := &Principals{Pos: c.Pos, Selector: &PrincipalSelector{Pos: c.Pos}}
	if c.Delegates != nil {
		of.Selector = c.Delegates
	}
	casts, err := e.people.find(of, e.leniency)
	if err != nil {
		return err
	}
	some := false
	for _, group := range casts {
		for _, one := range group.principals {
			person := e.people.byKey[one.OnBehalfOf]
			if one.OnBehalfOf == "" || person == nil {
				continue
			}
			some = true
			s.Delegate, s.Person = one, person
			e.sentence(c, m, s)
		}
	}
	if !some {
		return e.excuse(source.Errorf(c.Pos, "%w", &unmatchedError{message: "delegated: nobody of those acts for somebody (onBehalfOf in principals.yaml)"}))
	}
	return nil
}

// sentence adds a case.
func (e *expander) sentence(c *Claim, m mention, s prove.Sentence) {
	if !e.filter.has(e.suite.Suite, e.test, m.column.Item) {
		return
	}
	x := &Case{
		Test: e.test.Name, Server: e.suite.server.Name, Item: m.column.Item, Operation: m.column.Operation,
		Want: prove.Proved.String(), Pos: m.pos, Outcome: Errored, Sentence: s.String(),
	}
	if s.Delegate != nil {
		x.Principals = []*authz.Principal{s.Delegate}
	}
	for _, reason := range []string{e.test.Skip, e.suite.Skip} { // the outermost counts
		if reason != "" {
			x.Outcome, x.Message = Skipped, reason
		}
	}
	e.suite.cases = append(e.suite.cases, &bound{Case: x, column: m.column, options: &e.suite.Options, claim: &boundClaim{x, &s, c}})
}

// who finds the roles that a population names.
func (e *expander) who(p *Population) (*prove.Who, error) {
	if p == nil {
		return nil, nil
	}
	roles, err := e.roles(p.Roles)
	not, err2 := e.who(p.Not)
	if p.Pos == (source.Pos{}) || len(p.Roles)+len(p.Kinds) == 0 && p.Where.Text == "" && p.Not == nil {
		return nil, errors.Join(err, err2)
	}
	return &prove.Who{Roles: roles, Kinds: p.Kinds, Where: p.Where.Text, Not: not}, errors.Join(err, err2)
}

// roles returns the roles of names and patterns: those that policies name, in
// conditions too, and those that anybody has.
func (e *expander) roles(names Names) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if e.everyRole == nil {
		list := slices.Clone(e.people.roles.names)
		if set := e.matrix.Policies(); set != nil {
			for _, name := range slices.Concat(coverage.RolesNamed(set), universe.RolesInConditions(set)) {
				if !policy.IsGlob(name) {
					list = append(list, name)
				}
			}
		}
		slices.Sort(list)
		e.everyRole = newIndex(slices.Compact(list))
	}
	found, err := expand(names, "role", " that policies name or a principal has", e.everyRole)
	var list []string
	for _, name := range e.everyRole.names {
		if found[name] {
			list = append(list, name)
		}
	}
	return list, err
}

// prove decides what is said of everybody.
func (r *runner) prove(ctx context.Context, o *Options, list []*bound) error {
	if len(list) == 0 {
		return nil
	}
	if r.Prover == nil {
		return errors.New("this engine proves nothing")
	}
	key := o.engineKey()
	p := r.provers[key]
	if p == nil {
		var err error
		if p, err = r.Prover(ctx, o.Now, o.Globals); err != nil {
			return err
		}
		r.provers[key] = p
	}
	sentences := make([]*prove.Sentence, len(list))
	for i, b := range list {
		sentences[i] = b.claim.sentence
	}
	if err := p.Prepare(ctx, sentences); err != nil {
		return err
	}
	populated := map[*Population]bool{}
	for _, b := range list {
		c := b.claim
		if who := c.claim.Who; who != nil && !populated[who] {
			ok, err := p.Populated(ctx, c.sentence.Who)
			if err != nil {
				return c.claim.faulty(err)
			}
			if !ok {
				return source.Errorf(who.Pos, "principals: nobody can be %s", c.sentence.Who)
			}
			populated[who] = true
		}
		start := time.Now()
		proof, err := p.Prove(ctx, c.sentence)
		if err != nil {
			return c.claim.faulty(err)
		}
		c.settle(proof)
		b.bound = b
		c.Time = time.Since(start)
		r.progress(1)
	}
	return nil
}

// faulty puts what the engine has against an expression to where it stands.
func (c *Claim) faulty(err error) error {
	why, invalid := uncompiled(err)
	switch {
	case !invalid:
		return source.Errorf(c.Pos, "%w", err)
	case c.Condition.Text != "":
		return source.Errorf(c.Condition.Pos, "condition: %s", why)
	case c.Who != nil:
		return source.Errorf(c.Who.Pos, "where: %s", why)
	}
	return source.Errorf(c.Pos, "%w", err)
}

// uncompiled returns what the engine has against an expression that does not compile.
func uncompiled(err error) (why string, ok bool) {
	_, why, ok = strings.Cut(err.Error(), "Invalid expression")
	if _, after, quoted := strings.Cut(why, ": ["); quoted {
		why = strings.TrimSuffix(after, "]")
	}
	return why, ok
}

// settle makes an outcome of a proof.
func (c *boundClaim) settle(p *prove.Proof) {
	c.Proof, c.Got = p, p.Verdict.String()
	if x := p.Counterexample; x != nil {
		c.Cell = x.Cell
		if c.sentence.Kind == prove.Implies || c.sentence.Kind == prove.Within || c.sentence.Kind == prove.Delegated {
			c.Cell = x.ThenCell
		}
	}
	switch p.Verdict {
	case prove.Proved:
		c.Outcome = Passed
	case prove.Refuted:
		c.Outcome, c.Message = Failed, c.sentence.Against(p)
	case prove.Unknown:
		c.Outcome, c.Message = Failed, "it cannot be told: "+list(p.Open)
		if c.claim.AllowUnknown {
			c.Outcome = Skipped
		}
	}
}

func list(open []string) string {
	const most = 3
	text := ""
	for i, o := range open {
		if i == most {
			return fmt.Sprintf("%s; and %d more", text, len(open)-most)
		}
		if i > 0 {
			text += "; "
		}
		text += oneLine(o)
	}
	return text
}

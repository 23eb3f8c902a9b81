package testrunner

import (
	"slices"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/pep"
)

// Decider returns the engine that decided a case; nil if none did alone.
func (c *Case) Decider() pdp.Decider {
	if c.bound == nil || c.bound.claim != nil {
		return nil
	}
	return c.bound.by
}

// Callers returns the principals of a case, as the requests about them have them: with
// the claims that the options of the suite give everybody.
func (c *Case) Callers() []*authz.Principal {
	if c.bound == nil {
		return c.Principals
	}
	list := make([]*authz.Principal, len(c.Principals))
	for i, p := range c.Principals {
		list[i] = c.bound.options.of(p)
	}
	return list
}

// Open reports whether the requests of a case leave arguments open, unless it has some.
func (c *Case) Open() bool {
	return c.bound != nil && slices.ContainsFunc(c.bound.column.Question.Requests, func(r authz.Request) bool { return r.Unknown != nil })
}

// Sent returns what the enforcement point sends for a case if one of its principals makes
// the call with some arguments.
func (c *Case) Sent(p *authz.Principal, arguments map[string]any) []authz.Request {
	list := make([]authz.Request, len(c.bound.column.Question.Requests))
	for i, r := range c.bound.column.Question.Requests {
		list[i] = pep.Bind(r, arguments)
		list[i].Principal = p
	}
	return list
}

// Options returns those of a suite, as far as a case of it was decided.
func (s *SuiteResult) Options() Options {
	for _, c := range s.Cases {
		if c.bound != nil {
			return *c.bound.options
		}
	}
	return Options{}
}

package testrunner

import "github.com/mcpolicy/mcpolicy/prove"

// Claimed returns what the case says of everybody who could exist, nil if it is about
// declared principals.
func (c *Case) Claimed() *prove.Sentence {
	if c.bound == nil || c.bound.claim == nil {
		return nil
	}
	return c.bound.claim.sentence
}

package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/mcpolicy/mcpolicy/pdp"
	"github.com/mcpolicy/mcpolicy/policy"
	"github.com/mcpolicy/mcpolicy/source"
	"github.com/mcpolicy/mcpolicy/workspace"
)

// A suspicion is which expression of the policies looks the costliest. The engine
// does not say which one it is at.
type suspicion struct {
	once sync.Once
	done chan struct{}
	text policy.Text // the zero value if there is none
}

// suspect begins to look for the costliest expression, before it is too late to.
func (c *course) suspect() {
	c.mu.Lock()
	policies := c.policies
	c.mu.Unlock()
	if policies == nil {
		return
	}
	c.suspicion.once.Do(func() {
		c.suspicion.done = make(chan struct{})
		go func() {
			defer close(c.suspicion.done)
			defer func() { _ = recover() }() // the run ends without a place
			c.suspicion.text = workspace.Costliest(policies)
		}()
	})
}

// blame returns the error that the policies take too much, with the place of the
// costliest expression if that is found in time.
func (c *course) blame(phase pdp.Phase, what string, patience time.Duration) error {
	err := error(excess{fmt.Errorf("%s: %w: %s", phase, pdp.ErrUnbounded, what)})
	c.suspect()
	if c.suspicion.done == nil {
		return err
	}
	select {
	case <-c.suspicion.done:
	case <-time.After(patience):
		return err
	}
	if c.suspicion.text.Value == "" {
		return err
	}
	return source.Errorf(c.suspicion.text.Pos, "%w; of all expressions and schemas this one looks the costliest: simplify it, or allow more with --condition-timeout or --memory", err)
}

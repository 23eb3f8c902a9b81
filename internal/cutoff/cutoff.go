// Package cutoff has contexts for tests of what is cut short: they end after so many looks at
// whether they have, wherever that is.
package cutoff

import (
	"context"
	"sync/atomic"
)

// A Context ends after so many looks.
type Context struct {
	context.Context
	looks atomic.Int64
	end   context.CancelFunc
}

// After returns a context that ends at the look after so many.
func After(ctx context.Context, looks int) *Context {
	c := &Context{}
	c.Context, c.end = context.WithCancel(ctx)
	c.looks.Store(int64(looks))
	return c
}

func (c *Context) look() context.Context {
	if c.looks.Add(-1) < 0 {
		c.end()
	}
	return c.Context
}

// Err is the error of the context, at this look.
func (c *Context) Err() error { return c.look().Err() }

// Done is closed where the context has ended, at this look.
func (c *Context) Done() <-chan struct{} { return c.look().Done() }

// End ends the context, and reports whether it had ended before, by the looks at it.
func (c *Context) End() (before bool) {
	before = c.Context.Err() != nil
	c.end()
	return before
}

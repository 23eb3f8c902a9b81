package pdp

import (
	"context"
	"time"

	"github.com/mcpolicy/mcpolicy/authz"
)

// At returns a decider that decides at a time, or d itself if that is zero or d is not
// [Clocked].
func At(d Decider, now time.Time) Decider {
	clocked, ok := d.(Clocked)
	if !ok || now.IsZero() {
		return d
	}
	return atTime{clocked, now}
}

type atTime struct {
	Clocked
	now time.Time
}

// Decide answers requests.
func (t atTime) Decide(ctx context.Context, requests []authz.Request) ([]authz.Decision, error) {
	return t.DecideAt(ctx, t.now, requests)
}

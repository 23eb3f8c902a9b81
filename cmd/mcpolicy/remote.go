package main

import (
	"context"

	"github.com/mcpolicy/mcpolicy/pdp"
)

// dial reaches the PDP that --pdp names.
func (in *input) dial(ctx context.Context) (pdp.Decider, error) {
	return pdp.Dial(ctx, in.pdp, in.remote)
}

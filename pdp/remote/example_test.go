package remote_test

import (
	"context"
	"fmt"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/pdp/remote"
)

// A running PDP is asked what a call would be answered.
func Example() {
	ctx := context.Background()
	running, err := remote.Dial(ctx, "localhost:3593", remote.Options{Plaintext: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = running.Close() }()
	decisions, err := running.Decide(ctx, []authz.Request{{
		Principal: &authz.Principal{ID: "sally", Roles: []string{"SALES"}}, Action: "call",
		Resource: authz.Resource{Kind: "mcp_server", ID: "get_sales_data"}, Unknown: []string{"arguments"},
	}})
	fmt.Println(decisions, err)
}

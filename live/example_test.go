package live_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/mcptest"
	"github.com/mcpolicy/mcpolicy/live"
)

func Example() {
	ctx := context.Background()
	server := httptest.NewServer(mcptest.NewDesk())
	defer server.Close()

	s, err := live.Dial(ctx, live.Target{URL: server.URL + "/mcp", Token: mcptest.Sally}, live.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()
	tools, err := s.List(ctx, authz.ToolItem)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sally sees", tools.Names())

	_, err = s.Call(ctx, "admin_tool", map[string]any{"command": "reset-cache"})
	fmt.Println(err)
	// Output:
	// sally sees [get_sales_data greet whoami]
	// tools/call was answered with error -32602: "unknown tool \"admin_tool\""
}

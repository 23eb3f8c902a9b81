package scaffold_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mcpolicy/mcpolicy/scaffold"
)

// A server with a tool that reads, and one that destroys.
func ExampleMake() {
	servers := []scaffold.Server{scaffold.NewServer("files", []byte(`{"tools": [
		{"name": "read_file", "annotations": {"readOnlyHint": true}},
		{"name": "delete_file", "annotations": {"destructiveHint": true}}
	]}`))}
	o := scaffold.Options{Servers: servers, Enforcement: "cerbos-fastmcp", Roles: scaffold.DefaultRoles()}
	if err := o.Check(""); err != nil {
		log.Fatal(err)
	}
	made, err := scaffold.Make(context.Background(), o)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range made.Files {
		fmt.Println(f.Name)
	}
	fmt.Println(made.Cases, "cases,", made.Invariants, "sentences")
	// Output:
	// mcpolicy.yaml
	// policies/mcp_server.yaml
	// policies/mcp_server_roles.yaml
	// principals.yaml
	// manifests/files.json
	// tests/access.yaml
	// tests/invariants.yaml
	// mcpolicy.lock.yaml
	// 20 cases, 6 sentences
}

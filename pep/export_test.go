package pep

import "github.com/mcpolicy/mcpolicy/authz"

// COAZ knows the answers of an enforcement point of COAZ-MCP, and asks nothing.
func COAZ() *Profile {
	return &Profile{Name: authz.COAZ, refused: coazRefused, admitted: validation}
}

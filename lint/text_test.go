package lint

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/internal/glob"
	"github.com/mcpolicy/mcpolicy/matrix"
)

func TestListing(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{nil, ""},
		{[]string{"a"}, "a"},
		{[]string{"a", "b"}, "a and b"},
		{[]string{"a", "b", "c"}, "a, b and c"},
		{[]string{"a", "b", "c", "d"}, "a, b, c and d"},
		{[]string{"a", "b", "c", "d", "e"}, "a, b, c and 2 more"},
	} {
		if got := listing(test.words, 3); got != test.want {
			t.Errorf("listing(%q) = %q, want %q", test.words, got, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	class := func(index, from, n int) *matrix.Class {
		c := &matrix.Class{Index: index}
		for i := range n {
			c.Principals = append(c.Principals, &authz.Principal{Key: fmt.Sprintf("p%03d", from+i)})
		}
		return c
	}
	few, many, one := class(0, 3, 2), class(1, 5, 215), class(2, 1, 1)
	p := &Pass{Matrix: &matrix.Matrix{Classes: []*matrix.Class{few, many, one}}}
	for _, test := range []struct {
		classes []*matrix.Class
		want    string
	}{
		{[]*matrix.Class{one}, "p001"},
		{[]*matrix.Class{few, one}, "p001, p003 and p004"},
		{[]*matrix.Class{many, few}, "p003, p004, p005, p006, p007 and 212 more"},
		{[]*matrix.Class{few, many, one}, "all 218 principals"},
	} {
		if got := p.names(test.classes); got != test.want {
			t.Errorf("names %q, want %q", got, test.want)
		}
	}
}

func TestIsSlip(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"mcp_sever", "mcp_server", true},
		{"mcp_servers", "mcp_server", true},
		{"mcp_sevrer", "mcp_server", true},
		{"mcp_sarver", "mcp_server", true},
		{"mcpserver", "mcp_server", true},
		{"mcp:crm", "mcp::crm", true},
		{"MCP_Server", "mcp_server", true},
		{"mcp_server", "mcp_server", false},
		{"mcp_hr", "mcp_pr", false},
		{"mcp_crm", "mcp_hr", false},
		{"mcp_server1", "mcp_server2", false},
		{"mcp_server", "mcp_server2", false},
		{"mcp_sever", "mpc_server", false},
		{"album", "mcp_server", false},
		{"github", "gitlab", false},
		{"", "mcp_server", false},
	} {
		if got := isSlip(test.a, test.b); got != test.want {
			t.Errorf("isSlip(%q, %q) = %t", test.a, test.b, got)
		}
		if got := isSlip(test.b, test.a); got != test.want {
			t.Errorf("isSlip(%q, %q) = %t", test.b, test.a, got)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		compile       func(string) (*regexp.Regexp, error)
		want          bool
	}{
		{"crm://*", "crm://reports/1", glob.Compile, true},
		{"policies/*.yaml", "policies/a.yaml", glob.CompilePath, true},
		{"policies/*.yaml", "policies/b/a.yaml", glob.CompilePath, false},
		{"**/a.yaml", "policies/b/a.yaml", glob.CompilePath, true},
		{"tool[1]", "tool[1]", glob.Compile, true},
		{"tool[", "tool[", glob.Compile, true},
		{"tool[", "tool", glob.Compile, false},
		{"{}a", "a", glob.Compile, true},
		{"b*b", "b", glob.Compile, false},
		{"{,x}*{,y}", "anything", glob.Compile, true},
	} {
		if got := matches(test.pattern, test.name, test.compile); got != test.want {
			t.Errorf("matches(%q, %q) = %t", test.pattern, test.name, got)
		}
	}
}

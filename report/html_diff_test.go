package report_test

import (
	"github.com/mcpolicy/mcpolicy/report/page"
)

// madeUpDiff is a change of fixtures/github that nobody made.
func madeUpDiff() *page.Diff {
	widened := func(op, tool, from, to, was, now, gained string, who ...string) page.Change {
		return page.Change{
			Principals: who, Server: "github", Type: "tool", Name: tool, Operation: op, From: from, To: to, Was: was, Now: now,
			Change: "widened", Relation: "wider", Gained: gained,
			Rules: []page.Line{{At: "policies/mcp_github.yaml:318", Text: `rule "cleanup-week"`}},
		}
	}
	d := &page.Diff{
		Fails: true,
		Items: []page.ItemChange{
			{Server: "github", Type: "tool", Name: "create_gist", Change: "added"},
			{Server: "github", Type: "tool", Name: "merge_pull_request", Change: "hints", Text: "destructiveHint was false"},
			{Server: "github", Type: "tool", Name: "drop_queue", Change: "removed"},
		},
		Principals: []page.PrincipalChange{{Name: "rhea", Change: "added", Text: "with the role reader"}},
		Roles: []page.Change{{
			Principals: []string{"*"}, Server: "github", Type: "tool", Name: "get_me", Operation: "call", From: "denied", To: "allowed", Change: "widened",
			Rules: []page.Line{{At: "policies/mcp_github.yaml:104", Text: `rule "own-account-and-search"`}},
		}},
		Budget: []page.Line{{At: "mcpolicy.yaml:40", Text: "5 destructive accesses are opened, and the budget is 0"}},
		Notes:  []page.Line{{Text: "2 rules moved; no access changed by that"}},
	}
	for _, tool := range []string{"delete_file", "delete_release", "delete_gist"} {
		d.Cells = append(d.Cells, widened("call", tool, "denied", "allowed", "", "", "{}", "sorter"))
	}
	d.Cells = append(d.Cells,
		widened("call", "delete_file", "denied", "allowed", "", "", "{}", "seth"),
		widened("call", "put_file", "conditional", "conditional", `arguments.owner in ["acme"] unless arguments.branch == "main"`, `arguments.owner in ["acme"]`,
			`{"owner": "acme", "branch": "main"}`, "chen", "vera"),
		page.Change{
			Principals: []string{"nadia"}, Server: "github", Type: "tool", Name: "list_notifications", Operation: "call", From: "allowed", To: "denied",
			Change: "narrowed", Relation: "narrower", Lost: "{}",
		},
		page.Change{
			Principals: []string{"gone"}, Server: "github", Type: "tool", Name: "drop_queue", Operation: "call", From: "allowed", To: "absent", Change: "narrowed",
		})
	return d
}

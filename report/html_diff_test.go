package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/report"
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

// TestPageFoldsChanges shows that a change of each of many is one change of all, and
// that it names nobody where names are left out.
func TestPageFoldsChanges(t *testing.T) {
	d := checkedFolder(t, "..", "fixtures", "github")
	d.Details.Diff = madeUpDiff()
	var single []page.Change
	for _, x := range d.Details.Diff.Cells {
		for _, who := range x.Principals {
			one := x
			one.Principals = []string{who}
			single = append(single, one)
		}
	}
	folded := pageData(t, d, report.Options{}).Diff
	d.Details.Diff.Cells = single
	if diff := cmp.Diff(folded, pageData(t, d, report.Options{}).Diff); diff != "" {
		t.Errorf("changes of many (-together +one by one):\n%s", diff)
	}
	nameless := pageData(t, d, report.Options{Nameless: true})
	for _, x := range nameless.Diff.Cells {
		for _, who := range x.Principals {
			if who != "sorter" && who != "someone" && !strings.HasPrefix(who, "class ") {
				t.Errorf("%s of %s is about %s", x.Change, x.Name, who)
			}
		}
	}
	if !strings.Contains(nameless.Verdict.Text, "an agent gains 3 destructive tools, 3 other principals gain access") {
		t.Errorf("the verdict is %s", nameless.Verdict.Text)
	}
}

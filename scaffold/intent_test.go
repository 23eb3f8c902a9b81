package scaffold_test

import (
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/scaffold"
)

// TestIntent holds what tools are taken to do, and whether a person has to look at it.
func TestIntent(t *testing.T) {
	const reads, changes, destroys = scaffold.Reads, scaffold.Changes, scaffold.Destroys
	for _, tt := range []struct {
		name, hints string
		want        scaffold.Tier
		review      bool
	}{
		{"get_issue", `"readOnlyHint": true`, reads, false},
		{"frobnicate", `"readOnlyHint": true`, reads, false},
		{"frobnicate", `"readOnlyHint": false, "destructiveHint": false`, changes, false},
		{"frobnicate", `"destructiveHint": false`, changes, false},
		{"get_issue", `"destructiveHint": true`, destroys, false},
		{"get_issue", `"readOnlyHint": true, "destructiveHint": true`, destroys, true},
		{"delete_issue", `"readOnlyHint": true`, destroys, true},
		{"delete_issue", `"destructiveHint": false`, destroys, true},
		{"create_issue", `"readOnlyHint": false`, changes, true},
		{"write_file", `"readOnlyHint": false`, destroys, true},
		{"get_issue", `"readOnlyHint": false`, destroys, true},

		{"get_issue", "", reads, true},
		{"issue_read", "", reads, true},
		{"zia_list_rules", "", reads, true},
		{"listRepositories", "", reads, true},
		{"get_delete_status", "", reads, true},
		{"create_issue", "", changes, true},
		{"update_issue", "", changes, true},
		{"delete_issue", "", destroys, true},
		{"find_and_delete", "", destroys, true},
		{"get_or_create", "", changes, true},
		{"search_replace", "", destroys, true},
		{"send_message", "", destroys, true},
		{"merge_pull_request", "", destroys, true},
		{"frobnicate", "", destroys, true},
		{"削除", "", destroys, true},
		{"*", "", destroys, true},
	} {
		t.Run(tt.name+" "+tt.hints, func(t *testing.T) {
			list, err := manifest.Parse("m.json", fmt.Appendf(nil, `{"tools": [{"name": %q, "annotations": {%s}}]}`, tt.name, tt.hints))
			if err != nil {
				t.Fatal(err)
			}
			got := scaffold.IntentOf(list[0].Of(authz.ToolItem)[0])
			if got.Tier != tt.want || (got.Why != "") != tt.review {
				t.Errorf("have %+v, want %v, for review: %v", got, tt.want, tt.review)
			}
		})
	}
}

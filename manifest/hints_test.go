package manifest_test

import (
	"testing"

	"github.com/mcpolicy/mcpolicy/authz"
	"github.com/mcpolicy/mcpolicy/manifest"
)

func TestEffectiveHints(t *testing.T) {
	const (
		unset = manifest.Unset
		yes   = manifest.True
		no    = manifest.False
	)
	tests := []struct {
		name        string
		hints       manifest.Hints
		readOnly    bool
		destructive manifest.Destructive
	}{
		{"get", manifest.Hints{}, false, manifest.None},
		{"delete", manifest.Hints{}, false, manifest.Inferred},
		{"delete", manifest.Hints{Lossy: true}, false, manifest.Inferred},
		{"delete", manifest.Hints{Destructive: no}, false, manifest.None},
		{"delete", manifest.Hints{ReadOnly: yes}, true, manifest.None},
		{"delete", manifest.Hints{ReadOnly: no}, false, manifest.Default},
		{"delete", manifest.Hints{OpenWorld: yes, Lossy: true}, false, manifest.Inferred},
		{"get", manifest.Hints{ReadOnly: yes, Destructive: yes}, true, manifest.None},
		{"get", manifest.Hints{ReadOnly: no, Destructive: yes}, false, manifest.Declared},
		{"get", manifest.Hints{Destructive: yes, Lossy: true}, false, manifest.Declared},
		{"get", manifest.Hints{ReadOnly: no, Destructive: unset}, false, manifest.Default},
		{"get", manifest.Hints{Idempotent: no}, false, manifest.Default},
		{"get", manifest.Hints{OpenWorld: yes}, false, manifest.Default},
		{"get", manifest.Hints{OpenWorld: yes, Lossy: true}, false, manifest.None},
	}
	for _, test := range tests {
		it := &manifest.Item{Type: authz.ToolItem, Name: test.name, Hints: test.hints}
		if got := it.ReadOnly(); got != test.readOnly {
			t.Errorf("%s %+v: ReadOnly = %v, want %v", test.name, test.hints, got, test.readOnly)
		}
		if got := it.Destructive(); got != test.destructive {
			t.Errorf("%s %+v: Destructive = %v, want %v", test.name, test.hints, got, test.destructive)
		}
	}
}

func TestOnlyToolsAreDestructive(t *testing.T) {
	for _, of := range []authz.ItemType{authz.PromptItem, authz.ResourceItem, authz.TemplateItem} {
		it := &manifest.Item{Type: of, Name: "delete_all"}
		if got := it.Destructive(); got != manifest.None || !it.ReadOnly() {
			t.Errorf("%v: Destructive = %v, ReadOnly = %v, want no and true", of, got, it.ReadOnly())
		}
	}
}

func TestNameSaysDestructive(t *testing.T) {
	tests := map[string]bool{
		"delete":                   true,
		"delete_user":              true,
		"pods_delete":              true,
		"delete-user":              true,
		"deleteUser":               true,
		"DeleteUser":               true,
		"DELETE_USER":              true,
		"userDelete":               true,
		"HTTPDelete":               true,
		"API-delete-a-block":       true,
		"go-linear_issue_delete":   true,
		"github.repo.delete":       true,
		"crm/delete":               true,
		"k8s2delete":               true,
		"zpa_bulk_delete_segments": true,
		"revoke_token":             true,
		"rm":                       true,
		"find_and_remove":          true,
		"get_or_delete":            true,
		"todo_list_delete":         true,
		"view_drop":                true,
		"force_terminate":          true,
		"admin_tool":               true,
		"AdminTool":                true,
		"admin":                    true,

		"":                           false,
		"greet":                      false,
		"undelete":                   false,
		"list_deleted_users":         false,
		"airdrop":                    false,
		"dropdown_open":              false,
		"removal_form":               false,
		"get_delete_status":          false,
		"zpa_list_drop_rules":        false,
		"search_kill_chain":          false,
		"can_delete":                 false,
		"is_wipe_enabled":            false,
		"undo_remove":                false,
		"browser_drag_and_drop":      false,
		"reset_zoom":                 false,
		"list_admins":                false,
		"get_database_admin_details": false,
		"admin_list_users":           false,
		"ztw_admin_tool":             false,
		"administrate":               false,
		"削除":                         false,
	}
	for name, want := range tests {
		if got := manifest.NameSaysDestructive(name); got != want {
			t.Errorf("NameSaysDestructive(%q) = %v, want %v", name, got, want)
		}
	}
}

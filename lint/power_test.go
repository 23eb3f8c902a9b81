package lint

import (
	"fmt"
	"testing"

	"github.com/mcpolicy/mcpolicy/manifest"
	"github.com/mcpolicy/mcpolicy/source"
)

// TestPowerOf holds what tools can do, by their names and parameters.
func TestPowerOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, params, want string }{
		{"run_sql", `"sql": {"type": "string"}`, "runs queries"},
		{"query", `"sql": {}`, "runs queries"},
		{"write-cypher", `"query": {"type": "string"}`, "runs queries"},
		{"query_database", `"query": {"type": "string"}`, "runs queries"},
		{"runQuery", `"query": {"$ref": "#/$defs/text"}`, "runs queries"},
		{"pods_exec", `"command": {"type": "array", "items": {"type": "string"}}`, "runs commands"},
		{"terminal", `"shell_command": {"type": ["string", "null"]}`, "runs commands"},
		{"browser_evaluate", `"function": {"type": "string"}`, "runs code"},
		{"run_blender_code", `"code": {"type": "string"}`, "runs code"},
		{"python", `"script": {"type": "string"}`, "runs code"},
		{"set_role", `"user": {}, "role": {}`, "grants privileges"},
		{"grant", `"to": {}`, "grants privileges"},
		{"add_group_member", `"group": {}`, "grants privileges"},
		{"make_admin", `"user": {}`, "grants privileges"},
		{"update_user_role", "", "grants privileges"},
		{"ssh_run_command", "", "runs commands"},

		{"search_code", `"query": {"type": "string"}`, ""},
		{"list_projects", `"query": {"type": "string"}`, ""},
		{"query", `"query": {"type": "string"}`, ""},
		{"explain_sql", `"sql": {"type": "string"}`, ""},
		{"create_sql_table", `"sql": {"type": "string"}`, ""},
		{"save_function", `"code": {"type": "string"}`, ""},
		{"execute_trade", `"code": {"type": "string"}`, ""},
		{"redeem", `"code": {"type": "string"}`, ""},
		{"run_query", `"query_id": {"type": "string"}`, ""},
		{"run_query", `"query": {"type": "string", "enum": ["sales", "stock"]}`, ""},
		{"robot", `"command": {"$ref": "#/$defs/move"}`, ""},
		{"robot", `"command": {"type": "number"}`, ""},
		{"list_grants", "", ""},
		{"update_role_description", "", ""},
		{"set_admin_email", "", ""},
		{"add_contact_to_group", "", ""},
		{"create_group", "", ""},
		{"remove_user_from_group", "", ""},
		{"run_report", "", ""},
		{"", "", ""},
	} {
		i := &manifest.Item{Name: tt.name}
		if tt.params != "" {
			n, err := source.ParseJSON("m.json", fmt.Appendf(nil, `{"type": "object", "properties": {%s}, "$defs": {"text": {"type": "string"}, "move": {"enum": ["up", "down"]}}}`, tt.params))
			if err != nil {
				t.Fatal(err)
			}
			i.Schema = n
		}
		if got := powerOf(i).does; got != tt.want {
			t.Errorf("%s with %s: have %q, want %q", tt.name, tt.params, got, tt.want)
		}
	}
}

package principals_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpolicy/mcpolicy/principals"
)

// Cerbos's own fixtures merge one principal into another and then say what is
// different about it.
func TestFixtureWithMergeKeys(t *testing.T) {
	set, err := principals.Parse("p.yaml", []byte(`
principals:
  bev: &bev
    id: bev
    roles: [employee, manager]
    attr: &bev_attr {department: marketing, ip_address: 10.20.1.2}
  matt:
    << : *bev
    id: matt
    attr:
      << : *bev_attr
      ip_address: 10.10.1.2
`))
	if err != nil {
		t.Fatal(err)
	}
	p := set.Get("matt")
	if diff := cmp.Diff([]any{"matt", []string{"employee", "manager"}, map[string]any{"department": "marketing", "ip_address": "10.10.1.2"}},
		[]any{p.ID, p.Roles, p.Attr}); diff != "" {
		t.Errorf("matt (-want +got):\n%s", diff)
	}
}
